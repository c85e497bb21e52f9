package app

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"muster/bot/render"
	"muster/commands"
	"muster/incident"
	"muster/notify"
	"muster/playbooks/run"
)

// The lengths of what a record keeps of a step, in code points; the evidence
// has the whole.
const (
	keptOutput = 2200
	keptDiff   = 6000
	keptWhy    = 800
	keptList   = 20
)

// request is what a run asks of the runner.
func (p *Program) request(ctx context.Context, s incident.Incident, r incident.StepRun, name string) (run.Request, error) {
	b := r.Block
	req := run.Request{
		Run: name, Kind: run.Kind(b.Kind), Code: b.Code, Statements: b.Statements, DataSource: b.Source, Namespace: b.Namespace,
		Incident: run.Incident{ID: s.ID, Title: s.Title, Severity: s.Severity.String(), Service: s.Service, PagerDuty: s.Refs("pagerduty")},
		Limits:   run.Limits{Deadline: b.Deadline, MaxRows: keptRows},
	}
	if b.PostCode != "" {
		req.Post = &run.PostCheck{Kind: run.Kind(b.PostKind), Code: b.PostCode}
	}
	if b.Journal != "" {
		if p.steps.evidence == nil {
			return req, fmt.Errorf("the evidence is not kept, so nothing can be put back")
		}
		journal, err := p.steps.evidence.Get(ctx, s.ID, b.Journal)
		if err != nil {
			return req, fmt.Errorf("read what is to be put back: %w", err)
		}
		req.Undo = journal
	}
	return req, nil
}

// previewRun asks for a dry run.
func (p *Program) previewRun(ctx context.Context, s incident.Incident, r incident.StepRun, name string) incident.Intent {
	req, err := p.request(ctx, s, r, name)
	if err != nil {
		return incident.EndStep{N: r.N, Outcome: incident.Outcome{End: incident.EndNotRun, Why: sentence(err)}}
	}
	req.Mode, req.Post = run.Preview, nil
	res, err := p.steps.do(ctx, req)
	switch {
	case err != nil:
		return incident.EndStep{N: r.N, Outcome: incident.Outcome{End: incident.EndNotRun, Why: sentence(err)}}
	case res.Ended != run.Done:
		out := p.outcome(ctx, s, r, res)
		out.End, out.Journal, out.UndoNote = incident.EndNotRun, "", ""
		if said := lastLine(res.Output); res.Ended == run.Failed && said != "" {
			out.Why = render.Cut(said, keptWhy) // the cluster's own words
		}
		if out.Why == "" {
			out.Why = "What it would do could not be found out."
		}
		return incident.EndStep{N: r.N, Outcome: out}
	}
	return incident.PreviewStep{N: r.N, Preview: previewOf(res)}
}

// lastLine is the last line of an output that says something.
func lastLine(output []byte) string {
	text := strings.TrimSpace(string(output))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// runStep performs a step that has begun on record.
func (p *Program) runStep(ctx context.Context, s incident.Incident, r incident.StepRun, name string) incident.Intent {
	req, err := p.request(ctx, s, r, name)
	if err != nil {
		return incident.EndStep{N: r.N, Outcome: incident.Outcome{End: incident.EndNotRun, Why: sentence(err)}}
	}
	switch {
	case r.Class == incident.Reading:
		req.Mode = run.Read
	case r.Undoes != 0:
		req.Mode = run.Undo
	default:
		req.Mode = run.Change
	}
	if r.Class != incident.Reading {
		req.Seen = seen(r.Preview.Objects)
	}
	shown := p.progress(ctx, s.ID, r.N)
	req.Progress = shown.take
	began := time.Now()
	res, err := p.steps.do(ctx, req)
	shown.end() // before the end is recorded: nothing may stand over what it says
	if err != nil {
		return incident.EndStep{N: r.N, Outcome: incident.Outcome{End: incident.EndNotRun, Why: sentence(err)}}
	}
	if res.Took == 0 {
		res.Took = time.Since(began)
	}
	if res.Ended == run.Changed {
		return incident.StaleStep{N: r.N, Reason: render.Cut(res.Why, keptWhy)}
	}
	out := p.outcome(ctx, s, r, res)
	if res.Ended == run.Done || res.Ended == run.Failed {
		out.Said = p.sayFor(ctx, s, r, res.Said)
	}
	return incident.EndStep{N: r.N, Outcome: out}
}

func sentence(err error) string {
	text := err.Error()
	if text != "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return render.Cut(strings.TrimSuffix(text, ".")+".", keptWhy)
}

func clean(output []byte) string {
	return render.Clean(strings.ToValidUTF8(string(output), "�"))
}

// outcome turns what the runner says into what is recorded; the whole goes
// into the evidence.
func (p *Program) outcome(ctx context.Context, s incident.Incident, r incident.StepRun, res run.Result) incident.Outcome {
	out := incident.Outcome{
		End: incident.End(res.Ended), Exit: res.Exit, Why: render.Cut(res.Why, keptWhy), Took: res.Took.Round(time.Millisecond), Links: few(res.Links),
		Remarks: few(res.Remarks), Commands: few(res.Commands), UndoNote: render.Cut(res.UndoNote, 300),
	}
	whole, sheet := res.Output, []byte(nil)
	if res.Table != nil {
		text, cut := tableText(*res.Table)
		out.Table, whole = true, []byte(text)
		if cut {
			sheet = tableSheet(*res.Table)
		}
	}
	text := strings.TrimRight(clean(whole), "\n ")
	out.Output = shownPart(text)
	out.Cut = out.Output != text
	if res.Truncated {
		out.Remarks = append(out.Remarks, "It said more than is kept of a step; the line in its output that says so stands for the rest.")
	}
	keep := context.WithoutCancel(ctx) // what ran is kept, also when it was cancelled
	put := func(name string, data []byte) (ref, sum string) {
		if p.steps.evidence == nil || len(data) == 0 {
			return "", ""
		}
		kept, err := p.steps.evidence.Put(keep, s.ID, name, data)
		if err != nil {
			p.log.Error("evidence could not be kept", "incident", s.ID, "run", r.N, "error", err)
			out.Remarks = append(out.Remarks, "The evidence "+name+" could not be kept.")
			return "", ""
		}
		return kept.Name, kept.SHA256
	}
	out.Size = len(whole)
	out.Ref, out.SHA256 = put(fmt.Sprintf("run-%d-output.txt", r.N), whole)
	if r.Class == incident.Changing && r.Undoes == 0 {
		out.Journal, _ = put(fmt.Sprintf("run-%d-undo.json", r.N), res.Undo)
	}
	if name, _ := put(fmt.Sprintf("run-%d-table.csv", r.N), sheet); name != "" {
		out.Files = append(out.Files, name)
	}
	for _, f := range res.Files {
		if name, _ := put(fmt.Sprintf("run-%d-%s", r.N, f.Name), f.Data); name != "" {
			out.Files = append(out.Files, name)
		}
	}
	if res.Post != nil {
		out.Check = "ok"
		if !res.Post.OK {
			out.Check = render.Cut(strings.TrimSpace(res.Post.Why+" "+beginning(clean(res.Post.Output), 400)), keptWhy)
			if out.Check == "" {
				out.Check = "it did not say why"
			}
		}
	}
	return out
}

// shownPart is what a message shows of an output: escaped, it may be longer.
func shownPart(text string) string {
	limit := keptOutput
	for {
		part := beginning(text, limit)
		long := utf8.RuneCountInString(render.Escape(part))
		if long <= render.MaxOutput {
			return part
		}
		limit = min(limit-1, limit*render.MaxOutput/long)
	}
}

// beginning is the beginning of a text, to the end of a line where there is one.
func beginning(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	text = string([]rune(text)[:limit])
	if i := strings.LastIndexByte(text, '\n'); i > limit/2 {
		text = text[:i]
	}
	return text
}

func few(list []string) []string {
	if len(list) > keptList {
		list = append(list[:keptList:keptList], fmt.Sprintf("… and %d more", len(list)-keptList))
	}
	var out []string
	for _, l := range list {
		out = append(out, render.Cut(render.Clean(l), keptWhy))
	}
	return out
}

func previewOf(res run.Result) incident.Preview {
	out := incident.Preview{
		Commands: few(res.Commands), Diff: beginning(clean([]byte(res.Diff)), keptDiff), Disruption: few(res.Disruption), Remarks: few(res.Remarks),
		Undo: render.Cut(res.UndoNote, 300),
	}
	out.Cut = len(out.Diff) < len(clean([]byte(res.Diff)))
	for _, o := range res.Touches {
		out.Objects = append(out.Objects, incident.Object{
			Kind: o.Kind, Resource: o.Resource, Namespace: o.Namespace, Name: o.Name, UID: o.UID, Version: o.Version, Revision: o.ResourceVersion,
			Verb: o.Verb, Pods: o.Pods,
		})
	}
	return out
}

// seen are the objects that an approval is bound to.
func seen(list []incident.Object) []run.Object {
	out := []run.Object{}
	for _, o := range list {
		out = append(out, run.Object{
			Kind: o.Kind, Resource: o.Resource, Namespace: o.Namespace, Name: o.Name, UID: o.UID, Version: o.Version, ResourceVersion: o.Revision,
			Verb: o.Verb, Pods: o.Pods,
		})
	}
	return out
}

// sayFor gives to the incident what a step asked to be said, as the person who
// asked for the step, with that person's rights.
func (p *Program) sayFor(ctx context.Context, s incident.Incident, r incident.StepRun, list []run.Said) []string {
	var out []string
	for i, said := range list {
		text := strings.Join(said.Words, " ")
		var answer string
		switch {
		case said.By == "pagerduty" && len(said.Words) > 0 && strings.HasPrefix(said.Words[0], "resolve"):
			answer = p.resolvePages(ctx, s, r)
		case said.By == "pagerduty":
			answer = p.sayOne(ctx, s, r, i, []string{"ack", s.ID})
		default:
			answer = p.sayOne(ctx, s, r, i, said.Words)
		}
		out = append(out, render.Cut("/"+said.By+" "+text+": "+answer, keptWhy))
	}
	return out
}

// asTyped writes a step's words so that the grammar reads each as one; a note
// is text and nothing else.
func asTyped(words []string) string {
	if len(words) > 1 && strings.EqualFold(words[0], "note") {
		words = []string{words[0], strings.Join(words[1:], " ")}
	}
	out := make([]string, len(words))
	for i, w := range words {
		key, value, keyed := strings.Cut(w, "=")
		if keyed && strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz-") == "" && key != "" {
			w, out[i] = value, key+"="
		}
		switch {
		case !strings.ContainsAny(w, " \t\n") && (w != "" || out[i] != ""):
			out[i] += w
		case !strings.ContainsAny(w, "\"“”«»"):
			out[i] += `"` + w + `"`
		default: // the grammar knows these as a pair of their own
			out[i] += "‘" + strings.NewReplacer("'", "′", "‘", "′", "’", "′").Replace(w) + "’"
		}
	}
	return strings.Join(out, " ")
}

func (p *Program) sayOne(ctx context.Context, s incident.Incident, r incident.StepRun, i int, words []string) string {
	reply := p.commands.Run(ctx, commands.Call{
		Text: asTyped(words), By: r.By, Via: commands.ViaHTTP, Key: fmt.Sprintf("step:%s/%d/%d", s.ID, r.N, i),
		Channel: s.Card.Channel, Thread: s.Card.TS, Now: p.now(), Step: s.ID,
	})
	return strings.Join(strings.Fields(reply.Text), " ")
}

// resolvePages resolves the incident's pages in PagerDuty, and nothing else.
func (p *Program) resolvePages(ctx context.Context, s incident.Incident, r incident.StepRun) string {
	channel, ok := p.channels.of("pagerduty")
	follower, can := channel.(notify.Follower)
	refs := s.Refs("pagerduty")
	switch {
	case !ok || !can:
		return "PagerDuty is not configured."
	case len(refs) == 0:
		return s.ID + " has paged nobody over PagerDuty."
	}
	err := follower.Follow(ctx, notify.Follow{
		Delivery: fmt.Sprintf("step:%s/%d", s.ID, r.N), Incident: s, Refs: refs, Now: p.now(),
		Record: incident.Record{Seq: s.Seq, At: p.now(), Event: incident.ResolvedEvent{By: r.By, Cause: r.Title}},
	}, false)
	if err != nil {
		return "that did not work: " + sentence(err)
	}
	return "resolved in PagerDuty."
}
