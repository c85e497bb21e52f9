package commands

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// Alerts are the groups of alerts that were told.
type Alerts interface {
	// Step says something to one group; it gives what reply made, also when the
	// same request comes again. Its error is a Refusal for people or a fault.
	Step(ctx context.Context, id string, in incident.Intent, key string, reply func(after incident.AlertGroup, events []incident.Event) []byte) ([]byte, error)
	// State refuses with the code "unknown" when there is none.
	State(ctx context.Context, id string) (incident.AlertGroup, error)
	// Live lists those that fire, or did a moment ago, the worst first.
	Live() []incident.AlertGroup
	// Playbook names the one that is for an alert.
	Playbook(a incident.Alert) (name string, ok bool)
}

// Lookout keeps what concerns all alerts.
type Lookout interface {
	Look() incident.Lookout
	// Say records something; it gives what reply made, as Alerts.Step does.
	Say(ctx context.Context, in incident.Intent, key string, reply func(after incident.Lookout, events []incident.Event) []byte) ([]byte, error)
}

func alertSpecs() []spec {
	return []spec{
		{
			name: "alert", needs: Respond,
			about: "acknowledge alerts, declare from them, silence them, put them into an incident",
			usage: []string{"alert ack|declare|silence|unsilence|join|playbook [ALR-…] …"},
			more: "Without a name it is the only group of alerts that fires. silence takes a time such as 4h, or resolved; join takes an incident; " +
				"declare takes a severity.",
			examples: []string{"alert ack", "alert silence 4h ALR-3f9a1c0b7d21", "alert join INC-3", "alert declare P1"},
			run:      (*Commands).alert,
		},
		{
			name: "alerts", aliases: []string{"firing"},
			about:    "list the alerts that fire, or all alerts of a group or an incident",
			usage:    []string{"alerts [ALR-…|INC-n]"},
			examples: []string{"alerts", "alerts INC-3"},
			run:      (*Commands).alerts,
		},
		{
			name: "maintenance", aliases: []string{"maint", "downtime"}, needs: Respond,
			about: "expect alerts for a while: they are recorded and not announced",
			usage: []string{`maintenance "text" 2h [label=value …]`, "maintenance", "maintenance end MW-1"},
			more: "Without labels it is for all alerts. A value that begins with ~ lists alternatives, * stands for anything. It ends by itself; without " +
				"words the open windows are listed.",
			examples: []string{`maintenance "database upgrade" 2h service=db`, "maintenance end MW-1"},
			run:      (*Commands).maintenance,
		},
	}
}

var groupShape = regexp.MustCompile(`^(?i:alr-[0-9a-f]{6,40})$`)

// groupOf gives the group of alerts that a token names.
func groupOf(t token) (string, bool) {
	w := strings.Trim(t.text, ".,:;!?()[]`")
	if t.quoted || !groupShape.MatchString(w) {
		return "", false
	}
	return "ALR-" + strings.ToLower(w[4:]), true
}

// group finds the group that a command is about: the one named, else the only
// one that fires.
func (c *Commands) group(x *exec) (incident.AlertGroup, *Reply) {
	if c.Alerts == nil {
		r := refuse(CodeMissing, "That needs the running program: send it with ", Code("muster incident"), ".")
		return incident.AlertGroup{}, &r
	}
	if t, ok := x.args.take(func(t token) bool { _, is := groupOf(t); return is }); ok {
		id, _ := groupOf(t)
		g, err := c.Alerts.State(x.ctx, id)
		if err != nil {
			r := c.failed(err, "")
			if r.Code == CodeUnknown {
				r = refuse(CodeUnknown, "There are no alerts ", Bold(id), ". ", Code("alerts"), " lists those that fire.")
			}
			return g, &r
		}
		return g, nil
	}
	var firing []incident.AlertGroup
	for _, g := range c.Alerts.Live() {
		if g.Fires() {
			firing = append(firing, g)
		}
	}
	switch len(firing) {
	case 1:
		return firing[0], nil
	case 0:
		r := refuse(CodeUnknown, "No alert fires.")
		return incident.AlertGroup{}, &r
	}
	r := refuse(CodeWhich, "Which alerts? Add one of these names to the command:")
	for _, g := range firing[:min(len(firing), maxPick)] {
		r.Body = Say(r.Body, "\n• ", g.ID, " ", shorten(g.Title(), 80))
		r.Pick = append(r.Pick, Choice{Value: strings.TrimSpace("alert " + x.args.text() + " " + g.ID), Label: shorten(g.Title(), 60)})
	}
	return incident.AlertGroup{}, &r
}

func (c *Commands) alert(x *exec) Reply {
	g, wrong := c.group(x)
	if wrong != nil {
		return *wrong
	}
	verb := x.args.first().word()
	x.args.drop(0, min(1, len(x.args.toks)))
	switch verb {
	case "ack", "acknowledge":
		return c.ackAlerts(x, g)
	case "declare", "create":
		return c.declareAlerts(x, g)
	case "silence", "mute":
		return c.silenceAlerts(x, g)
	case "unsilence", "unmute", "end":
		return c.groupStep(x, g, incident.EndSilence{By: x.call.By}, func(incident.AlertGroup) Rich {
			return Say("The silence of ", g.Title(), " is ended.")
		})
	case "join":
		return c.joinAlerts(x, g)
	case "playbook", "runbook":
		return c.alertPlaybook(x, g)
	case "show", "":
		return c.showGroup(g)
	default:
		return usage(x.spec, Code(shorten(verb, 40)), " is nothing that can be done with alerts.")
	}
}

// groupStep says something to a group and answers.
func (c *Commands) groupStep(x *exec, g incident.AlertGroup, in incident.Intent, say func(after incident.AlertGroup) Rich) Reply {
	body, err := c.Alerts.Step(x.ctx, g.ID, in, x.call.Key, func(after incident.AlertGroup, _ []incident.Event) []byte {
		return pack(Reply{OK: true, Body: say(after), Incident: after.Incident, Ephemeral: true})
	})
	if err != nil {
		return c.failed(err, g.Incident)
	}
	r, err := unpack(body)
	if err != nil {
		return Reply{OK: true, Body: Say("This was done already."), Ephemeral: true}
	}
	return r
}

// ackAlerts acknowledges the group, and its incident with it.
func (c *Commands) ackAlerts(x *exec, g incident.AlertGroup) Reply {
	r := c.groupStep(x, g, incident.AckAlerts{By: x.call.By, Via: x.call.Via}, func(after incident.AlertGroup) Rich {
		return Say("You have it: ", after.Title(), ".")
	})
	if !r.OK || g.Incident == "" || c.Doer == nil {
		return r
	}
	key := x.call.Key
	if key != "" {
		key += "/incident"
	}
	_, err := c.Doer.Do(x.ctx, Request{Stream: g.Incident, Intent: incident.Acknowledge{By: x.call.By, Via: x.call.Via}, Key: key,
		Reply: func(incident.Incident, []incident.Event) []byte { return nil }})
	if err != nil {
		return r // it is over, or says so itself
	}
	r.Body = Say(r.Body, " ", g.Incident, " is acknowledged with it.")
	return r
}

func (c *Commands) declareAlerts(x *exec, g incident.AlertGroup) Reply {
	if wrong := c.permit(x.ctx, find("create"), x.call.By, x.at, x.call.Now); wrong != nil {
		return *wrong
	}
	if g.Incident != "" {
		r := answer("These alerts belong to ", Bold(g.Incident), " already.")
		r.Incident = g.Incident
		return r
	}
	in := incident.DeclareAlerts{By: x.call.By}
	if t, ok := x.args.take(func(t token) bool { _, is := severityWord(t); return is }); ok {
		in.Severity, _ = severityWord(t)
		in.Chosen = true
	}
	in.Title = x.args.text()
	return c.groupStep(x, g, in, func(after incident.AlertGroup) Rich {
		switch {
		case after.Incident != "":
			return Say(Bold(after.Incident), " is declared from ", after.Title(), ".")
		default:
			return Say("An incident is being declared from ", after.Title(), "; its card follows.")
		}
	})
}

func (c *Commands) silenceAlerts(x *exec, g incident.AlertGroup) Reply {
	in := incident.SilenceAlerts{By: x.call.By, Remote: true}
	if w := x.args.first().word(); w == "resolved" || w == "until" {
		in.UntilResolved = true
	} else {
		d, err := c.span(x)
		if err != nil {
			return usage(x.spec, "For how long? ", Code("alert silence 4h "+g.ID), ", or ", Code("alert silence resolved "+g.ID), ".")
		}
		in.For = d
	}
	return c.groupStep(x, g, in, func(after incident.AlertGroup) Rich {
		if in.UntilResolved {
			return Say(after.Title(), " is silenced until it is resolved.")
		}
		return Say(after.Title(), " is silenced until ", after.Silence.Until, ".")
	})
}

func (c *Commands) joinAlerts(x *exec, g incident.AlertGroup) Reply {
	t, named := x.args.take(func(t token) bool { _, is := idOf(t); return is })
	id := ""
	switch {
	case named:
		id, _ = idOf(t)
	case c.Reader == nil:
		return refuse(CodeMissing, "That needs the running program: send it with ", Code("muster incident"), ".")
	default:
		if at, ok := c.Reader.ByPlace(x.call.Channel, x.call.Thread); ok && x.call.Channel != "" {
			id = at
			break
		}
		open := slices.DeleteFunc(c.Reader.Open(), func(s incident.Incident) bool { return s.Drill.On })
		if len(open) == 0 {
			return refuse(CodeUnknown, "No incident is open. ", Code("alert declare "+g.ID), " declares one.")
		}
		r := refuse(CodeWhich, "Which incident do these alerts belong to?")
		for _, s := range open[:min(len(open), maxPick)] {
			r.Pick = append(r.Pick, Choice{Value: "alert join " + s.ID + " " + g.ID, Label: fmt.Sprintf("%s %s %s", s.ID, s.Severity, shorten(s.Title, 60))})
			r.Body = Say(r.Body, "\n• ", s.ID, " ", s.Severity, " ", shorten(s.Title, 60))
		}
		return r
	}
	s, err := c.Reader.State(x.ctx, id)
	if err != nil {
		return c.failed(err, "")
	}
	if !s.Open() {
		return refuse("not_open", s.ID, " is over. ", Code("reopen "+s.ID), " takes that back.")
	}
	if s.Drill.On {
		return refuse("drill", s.ID, " is a drill, and these alerts are real: nobody would be paged for them. ", Code("alert declare "+g.ID), " declares an incident.")
	}
	if s.Circle.Private {
		return refuse("private", s.ID, " is private, and everybody sees these alerts: they cannot be put into it.")
	}
	return c.groupStep(x, g, incident.JoinAlerts{By: x.call.By, Incident: id, Why: "put there by " + x.call.By.String()}, func(after incident.AlertGroup) Rich {
		return Say(after.Title(), " belongs to ", Bold(id), " now.")
	})
}

func (c *Commands) alertPlaybook(x *exec, g incident.AlertGroup) Reply {
	lead := g.Lead()
	for _, a := range append([]incident.GroupAlert{{Alert: lead}}, g.Alerts...) {
		if name, ok := c.Alerts.Playbook(a.Alert); ok {
			text := "playbook " + name
			if g.Incident != "" {
				text += " " + g.Incident
			}
			call := x.call
			call.Text = text
			return c.run(x.ctx, call)
		}
	}
	if lead.Links.Runbook != "" {
		return answer("No playbook here names ", lead.Name, ". Its own runbook: ", linked(lead.Links.Runbook, lead.Links.Runbook))
	}
	return refuse(CodeUnknown, "No playbook names ", lead.Name, ", and the alert brings no runbook. ", Code("playbook"), " lists the playbooks.")
}

func (c *Commands) alerts(x *exec) Reply {
	if c.Alerts == nil {
		return refuse(CodeMissing, Code("alerts"), " needs the running program: send it with ", Code("muster incident"), ".")
	}
	if t, ok := x.args.take(func(t token) bool { _, is := idOf(t); return is }); ok && c.Reader != nil {
		id, _ := idOf(t)
		s, err := c.Reader.State(x.ctx, id)
		if err != nil {
			return c.failed(err, "")
		}
		return incidentAlerts(s)
	}
	if !x.args.empty() {
		g, wrong := c.group(x)
		if wrong != nil {
			return *wrong
		}
		return c.showGroup(g)
	}
	live := c.Alerts.Live()
	var lines []Rich
	for _, g := range live {
		if len(lines) < maxList {
			lines = append(lines, groupLine(g))
		}
	}
	if c.Lookout != nil {
		for _, w := range c.Lookout.Look().Windows {
			lines = append(lines, windowLine(w))
		}
	}
	if len(lines) == 0 {
		r := answer("No alert fires.")
		r.Data = []incident.AlertRef{}
		return r
	}
	if n := len(live) - maxList; n > 0 {
		lines = append(lines, Say("(the worst ", maxList, "; ", n, " more)"))
	}
	r := answer(Join(lines, "\n"))
	refs := make([]incident.AlertRef, len(live))
	for i, g := range live {
		refs[i] = g.Ref()
	}
	r.Data = refs
	return r
}

// groupLine is a group in a listing.
func groupLine(g incident.AlertGroup) Rich {
	state := "resolved"
	if n := len(g.Firing()); n > 0 {
		state = fmt.Sprintf("%d of %d firing", n, len(g.Alerts))
	}
	out := Say(Bold(string(g.Worst())), " ", shorten(g.Title(), 100), " · ", state, " since ", g.Began)
	if g.Silence.N > 0 {
		out = Say(out, " · silenced by ", g.Silence.By, " until ")
		if g.Silence.UntilResolved {
			out = Say(out, "it is resolved")
		} else {
			out = Say(out, g.Silence.Until)
		}
	}
	if !g.Ack.By.Nobody() {
		out = Say(out, " · acknowledged by ", g.Ack.By)
	}
	return Say(out, maybe(" · ", g.Incident), maybe(" · expected: ", g.Window), " · ", Code(g.ID))
}

func (c *Commands) showGroup(g incident.AlertGroup) Reply {
	lines := []Rich{groupLine(g)}
	for _, a := range g.Alerts {
		lines = append(lines, Say("• ", alertText(a)))
	}
	r := answer(Join(lines, "\n"))
	r.Incident, r.Data = g.Incident, g
	return r
}

func alertText(a incident.GroupAlert) Rich {
	out := Say(a.Name, maybe(": ", shorten(a.Summary, 160)))
	if a.Firing {
		return Say(out, " · since ", a.StartsAt)
	}
	return Say(out, " · resolved ", a.ResolvedAt)
}

// incidentAlerts lists all alerts of an incident.
func incidentAlerts(s incident.Incident) Reply {
	if len(s.Alerts) == 0 {
		r := answer(s.ID, " has no alerts.")
		r.Incident = s.ID
		return r
	}
	firing, total := s.AlertsFiring()
	lines := []Rich{Say(Bold(s.ID), " ", s.Title, ": ", firing, " of ", total, " alerts firing")}
	for _, ref := range s.Alerts {
		for _, l := range ref.Lines {
			lines = append(lines, Say("• ", l))
		}
	}
	r := answer(Join(lines, "\n"))
	r.Incident, r.Data = s.ID, s.Alerts
	return r
}

func (c *Commands) maintenance(x *exec) Reply {
	if c.Lookout == nil {
		return refuse(CodeMissing, Code("maintenance"), " needs the running program: send it with ", Code("muster incident"), ".")
	}
	first := x.args.first()
	switch {
	case x.args.empty():
		return c.windows()
	case slices.Contains([]string{"end", "stop", "over"}, first.word()):
		x.args.drop(0, 1)
		id := strings.ToUpper(x.args.text())
		if open := c.Lookout.Look().Windows; id == "" && len(open) == 1 {
			id = open[0].ID
		}
		if id == "" {
			return usage(x.spec, "Which one?")
		}
		return c.look(x, incident.EndMaintenance{By: x.call.By, ID: id}, func(incident.Lookout) Rich {
			return Say("The maintenance ", Bold(id), " is ended. What still fires is announced now.")
		})
	}
	match := map[string]string{}
	for {
		t, ok := x.args.take(func(t token) bool { return !t.quoted && labelShape.MatchString(t.text) })
		if !ok {
			break
		}
		label, value, _ := strings.Cut(t.text, "=")
		match[label] = strings.Trim(value, `"'`)
	}
	t, ok := x.args.take(isDuration)
	if !ok {
		return usage(x.spec, "For how long?")
	}
	d, err := ParseSpan(t.word())
	if err != nil {
		return usage(x.spec, "For how long?")
	}
	text := strings.TrimSpace(x.args.text())
	if text == "" {
		return usage(x.spec, "Say what is done.")
	}
	return c.look(x, incident.StartMaintenance{By: x.call.By, Text: text, For: d, Match: match}, func(l incident.Lookout) Rich {
		if len(l.Windows) == 0 {
			return Say("The maintenance is recorded.")
		}
		w := l.Windows[len(l.Windows)-1]
		return Say("The maintenance ", Bold(w.ID), " lasts until ", w.Until, ": alerts ", Matching(w.Match), " are recorded and not announced. ",
			Code("maintenance end "+w.ID), " ends it early.")
	})
}

var labelShape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=.+$`)

func (c *Commands) look(x *exec, in incident.Intent, say func(incident.Lookout) Rich) Reply {
	body, err := c.Lookout.Say(x.ctx, in, x.call.Key, func(after incident.Lookout, _ []incident.Event) []byte {
		return pack(Reply{OK: true, Body: say(after)})
	})
	if err != nil {
		return c.failed(err, "")
	}
	r, err := unpack(body)
	if err != nil {
		return Reply{OK: true, Body: Say("This was done already.")}
	}
	return r
}

func (c *Commands) windows() Reply {
	open := c.Lookout.Look().Windows
	if len(open) == 0 {
		r := answer("No maintenance is under way.")
		r.Data = []incident.Window{}
		return r
	}
	var lines []Rich
	for _, w := range open {
		lines = append(lines, windowLine(w))
	}
	r := answer(Join(lines, "\n"))
	r.Data = open
	return r
}

func windowLine(w incident.Window) Rich {
	return Say("Maintenance ", Bold(w.ID), " by ", w.By, " until ", w.Until, ": ", w.Text, " · alerts ", Matching(w.Match))
}

// Matching says which alerts a label match means.
func Matching(match map[string]string) Rich {
	if len(match) == 0 {
		return Say("of every kind")
	}
	var out []string
	for label, value := range match {
		out = append(out, label+"="+value)
	}
	slices.Sort(out)
	return Say("with ", Code(strings.Join(out, " ")))
}

// alertsOf says in lines how an incident's alerts stand.
func alertsOf(s incident.Incident) []Rich {
	if len(s.Alerts) == 0 {
		return nil
	}
	firing, total := s.AlertsFiring()
	lines := []Rich{Say(Bold("Alerts"), " ", firing, " of ", total, " firing")}
	for i, r := range s.Alerts {
		if i == incident.FewAlerts {
			lines = append(lines, Say("… ", len(s.Alerts)-i, " more: ", Code("alerts "+s.ID)))
			break
		}
		state := "resolved"
		since := r.QuietSince
		if r.Firing > 0 {
			state, since = "firing", r.Since
		}
		lines = append(lines, Say("• ", r.Title, " · ", state, " since ", since.Truncate(time.Second)))
	}
	return lines
}
