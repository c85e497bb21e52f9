package commands

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/incident"
)

// MaxText is the longest text of a form's field, in code points.
const MaxText = 3000

// maxTitle keeps a title readable in a list and on a card, in code points.
const maxTitle = 150

// askForm opens a form over Slack; elsewhere it says what text to give.
func askForm(x *exec, f Form, hint ...any) Reply {
	body := Say(hint...)
	if len(body) == 0 {
		body = Say("Fill in the form: ", f.Title, ".")
	}
	r := Reply{Code: CodeForm, OK: x.call.Via == ViaSlack, Body: body, Ephemeral: true, Incident: f.Incident}
	if x.call.Via == ViaSlack {
		r.Form = &f
	} else {
		r.Code = CodeUsage
		r.Body = Say("The command needs more text. ", body)
	}
	return r
}

func severityChoices() []Choice {
	list := []Choice{{Value: "", Label: "By playbook or default"}}
	for _, s := range incident.Severities {
		list = append(list, Choice{Value: s.String(), Label: s.String() + " " + s.Word()})
	}
	return list
}

func createForm(d declaration) Form {
	severity := ""
	if d.chosen != "" {
		severity = d.severity.String()
	}
	return Form{Name: "create", Title: "Declare incident", Submit: "Declare", Fields: []Field{
		{Name: "title", Label: "What is wrong?", Kind: KindLine, Max: maxTitle, Value: d.title, Hint: "A few words, for example: API service down"},
		{Name: "severity", Label: "Severity", Kind: KindChoice, Choices: severityChoices(), Value: severity, Optional: true},
		{Name: "service", Label: "Service", Kind: KindLine, Max: maxTitle, Value: d.service, Optional: true},
		{Name: "impact", Label: "Impact", Kind: KindText, Value: d.impact, Optional: true, Hint: "Who notices, and what they cannot do"},
		{Name: "critical", Label: "Business-critical", Kind: KindCheck, Optional: true, Hint: "The last levels of the ladder apply too; P0 always is"},
		{Name: "private", Label: "Private", Kind: KindCheck, Value: checked(d.private), Optional: true, Hint: "Only the people who are added to it see it"},
	}}
}

func checked(on bool) string {
	if on {
		return "true"
	}
	return ""
}

func updateForm(s incident.Incident, d Update) Form {
	var choices []Choice
	for _, st := range []incident.Status{incident.Investigating, incident.Identified, incident.Mitigating} {
		choices = append(choices, Choice{Value: string(st), Label: string(st)})
	}
	return Form{Name: "update", Incident: s.ID, Title: "Update " + s.ID, Submit: "Post update", Fields: []Field{
		{Name: "status", Label: "Status", Kind: KindChoice, Choices: choices, Value: string(d.Status)},
		{Name: "text", Label: "Actions taken", Kind: KindText, Value: clip(d.Text, MaxText)},
		{Name: "next", Label: "Next step", Kind: KindLine, Value: clip(d.Next, MaxText), Optional: true},
		{Name: "eta", Label: "ETA", Kind: KindLine, Value: clip(d.ETA, maxTitle), Max: maxTitle, Optional: true},
		{Name: "impact", Label: "Impact", Kind: KindLine, Value: clip(s.Impact, MaxText), Optional: true},
	}}
}

func resolveForm(s incident.Incident, fix string, postmortem time.Time) Form {
	at := ""
	if !postmortem.IsZero() {
		at = writable(postmortem)
	}
	return Form{Name: "resolve", Incident: s.ID, Title: "Resolve " + s.ID, Submit: "Resolve", Fields: []Field{
		{Name: "cause", Label: "Root cause", Kind: KindText, Hint: "As far as it is known"},
		{Name: "fix", Label: "Fix applied", Kind: KindText, Value: fix, Optional: true},
		{Name: "postmortem", Label: "Post-mortem", Kind: KindTime, Value: at, Optional: true, Hint: "Empty: none is scheduled"},
	}}
}

// writable says a moment so that ParseTime reads the same moment back: with the
// zone's whole name, since CET or BST are no names of zones.
func writable(t time.Time) string {
	if _, known := zoneOf(t.Location().String()); !known {
		t = t.UTC()
	}
	return t.Format("Mon 2006-01-02 15:04 ") + t.Location().String()
}

// clip cuts a text to what a field holds.
func clip(text string, most int) string { return shorten(text, most) }

// fillable are the forms by name, as a command with its text left out.
var fillable = []string{"create", "update", "resolve", "reopen", "escalate", "page", "hold", "note", "severity", "lead", "role", "action", "postmortem"}

// OpenForm gives a form by its name, filled in, for the incident that the call
// names in its text, or that its place belongs to. A person who may not submit
// it is refused.
func (c *Commands) OpenForm(ctx context.Context, call Call, name string) Reply {
	c = c.as(call.By)
	if name == StepForm {
		return c.OpenStepForm(ctx, call)
	}
	if !slices.Contains(fillable, name) {
		return finish(refuse(CodeUsage, "There is no form ", Code(shorten(name, 40)), "."))
	}
	call.Via, call.Key, call.Text = ViaSlack, "", strings.TrimSpace(name+" "+call.Text)
	l, wrong := parse(call.Text)
	if wrong != nil {
		return finish(*wrong)
	}
	x := c.exec(ctx, call, l)
	if wrong := c.locate(x); wrong != nil {
		return finish(*wrong)
	}
	if wrong := c.permit(ctx, x.spec, call.By, x.at, call.Now); wrong != nil {
		return finish(*wrong)
	}
	switch name {
	case "postmortem":
		return finish(askForm(x, postmortemForm(x.at)))
	case "create":
		return finish(askForm(x, createForm(declared(&x.args))))
	case "update", "resolve":
		if !x.at.Open() {
			return finish(refuse("not_open", x.at.ID, " is not open. ", Code("reopen "+x.at.ID+" reason"), " opens it again."))
		}
		if f, ok := messageForm(x); ok && name == "update" {
			return finish(askForm(x, f))
		}
		x.args.toks = nil
		return finish(x.spec.run(c, x))
	default:
		return finish(askForm(x, c.smallForm(x)))
	}
}

// smallForm is a form for a command of one or two arguments.
func (c *Commands) smallForm(x *exec) Form {
	s := x.at
	f := Form{Name: x.spec.name, Incident: s.ID}
	reason := Field{Name: "reason", Label: "Reason", Kind: KindLine, Optional: true}
	person := Field{Name: "person", Label: "Person", Kind: KindPerson}
	switch x.spec.name {
	case "escalate":
		choices := []Choice{{Value: "", Label: "The next level"}}
		for _, l := range s.Plan.Ladder.Levels {
			choices = append(choices, Choice{Value: l.Name, Label: l.Name + " " + l.Role})
		}
		for _, r := range c.roleNames(s) {
			choices = append(choices, Choice{Value: r, Label: "On call: " + r})
		}
		person.Optional, person.Hint = true, "Instead of a level"
		f.Title, f.Submit = "Escalate "+s.ID, "Page now"
		f.Fields = []Field{{Name: "target", Label: "Whom", Kind: KindChoice, Choices: choices, Optional: true}, person, reason}
	case "page":
		choices := []Choice{{Value: "", Label: "The person below"}}
		for _, r := range c.roleNames(s) {
			choices = append(choices, Choice{Value: r, Label: "On call: " + r})
		}
		person.Optional = true
		f.Title, f.Submit = "Page for "+s.ID, "Page now"
		f.Fields = []Field{{Name: "target", Label: "Role", Kind: KindChoice, Choices: choices, Optional: true}, person, {Name: "reason", Label: "Message", Kind: KindText}}
	case "reopen":
		f.Title, f.Submit = "Reopen "+s.ID, "Reopen"
		reason.Optional = false
		f.Fields = []Field{reason}
	case "hold":
		f.Title, f.Submit = "Hold "+s.ID, "Hold"
		reason.Optional = false
		f.Fields = []Field{{Name: "for", Label: "For how long", Kind: KindChoice, Value: "30m", Choices: []Choice{{"15m", "15 min"}, {"30m", "30 min"}, {"1h", "1 h"}}}, reason}
	case "note":
		f.Title, f.Submit = "Note on "+s.ID, "Add"
		f.Fields = []Field{{Name: "text", Label: "Note", Kind: KindText}}
	case "severity":
		f.Title, f.Submit = "Severity of "+s.ID, "Set"
		f.Fields = []Field{{Name: "severity", Label: "Severity", Kind: KindChoice, Choices: severityChoices()[1:], Value: s.Severity.String()}, reason}
	case "lead":
		f.Title, f.Submit = "Commander of "+s.ID, "Hand over"
		f.Fields = []Field{person}
	case "role":
		f.Title, f.Submit = "Role in "+s.ID, "Give"
		f.Fields = []Field{{Name: "role", Label: "Role", Kind: KindChoice, Choices: []Choice{{"comms", "comms"}, {"ops", "ops"}, {"scribe", "scribe"}}}, person}
	case "action":
		f.Title, f.Submit = "Follow-up of "+s.ID, "Record"
		person.Optional = true
		f.Fields = []Field{
			{Name: "text", Label: "What is to be done", Kind: KindText}, person,
			{Name: "due", Label: "Due", Kind: KindLine, Optional: true, Hint: "A date, a weekday, tomorrow, in 3 days"},
		}
	}
	return f
}

// Submit carries out a form that was sent. What is wrong with a field is in
// the answer's Errors, and nothing was recorded.
func (c *Commands) Submit(ctx context.Context, f FormSubmission) Reply {
	return finish(c.as(f.By).submit(ctx, f))
}

func (c *Commands) submit(ctx context.Context, f FormSubmission) Reply {
	if r, ok := c.seen(ctx, f.Key); ok {
		return r
	}
	if strings.HasPrefix(f.Name, StepForm+" ") {
		return c.submitStep(ctx, f)
	}
	s := find(f.Name)
	if s == nil || s.name != f.Name || !slices.Contains(fillable, f.Name) {
		return refuse(CodeUsage, "There is no form ", Code(shorten(f.Name, 40)), ".")
	}
	call := f.Call
	call.Text = ""
	x := &exec{ctx: ctx, call: call, spec: s}
	if s.target != targetNone {
		id, ok := idOf(token{text: f.Incident})
		if !ok {
			return refuse(CodeUnknown, "The form does not say which incident it is about.")
		}
		x.ids = []string{id}
		if wrong := c.locate(x); wrong != nil {
			return *wrong
		}
	}
	if wrong := c.permit(ctx, s, call.By, x.at, call.Now); wrong != nil {
		return *wrong
	}
	v := &values{c: c, x: x, got: maps.Clone(f.Values), errors: map[string]string{}}
	r := v.submit(f.Name)
	if len(v.errors) > 0 {
		return wrongFields(v.errors, x.at.ID)
	}
	if r.Incident == "" {
		r.Incident = x.at.ID
	}
	return r
}

func wrongFields(errs map[string]string, id string) Reply {
	var lines []Rich
	for _, name := range slices.Sorted(maps.Keys(errs)) {
		lines = append(lines, Say(name, ": ", errs[name]))
	}
	r := refuse(CodeUsage, Join(lines, "\n"))
	r.Errors, r.Incident = errs, id
	return r
}

// values reads a form's fields and collects what is wrong with them.
type values struct {
	c      *Commands
	x      *exec
	got    map[string]string
	errors map[string]string
}

// text reads a field; a missing one that is needed is an error in the words
// of need.
func (v *values) text(name string, most int, need string) string {
	t := strings.TrimSpace(v.got[name])
	switch {
	case t == "" && need != "":
		v.errors[name] = need
	case utf8.RuneCountInString(t) > most:
		v.errors[name] = "Too long: shorten it."
	}
	return t
}

func (v *values) time(name string) time.Time {
	t := v.text(name, maxTitle, "")
	if t == "" {
		return time.Time{}
	}
	at, err := ParseTime(t, v.x.call.Now, v.c.zone(v.x.call.By))
	switch {
	case err != nil:
		v.errors[name] = err.Error()
	case at.Before(v.x.call.Now):
		v.errors[name] = "That is in the past."
	}
	return at
}

func (v *values) person(need string) incident.Person {
	t := v.text("person", maxTitle, need)
	if t == "" {
		return incident.Person{}
	}
	p, wrong := v.c.person(v.x, t)
	if wrong != nil {
		v.errors["person"] = wrong.Body.Plain()
	}
	return p
}

func (v *values) submit(form string) Reply {
	by := v.x.call.By
	switch form {
	case "create":
		return v.create()
	case "postmortem":
		texts := map[incident.Section]string{}
		for _, section := range incident.Sections {
			if _, there := v.got[string(section)]; there {
				texts[section] = v.text(string(section), MaxText, "")
			}
		}
		return v.then(func() Reply { return v.c.postmortemSaved(v.x, texts) })
	case "update":
		in := incident.PostUpdate{
			By: by, Text: v.text("text", MaxText, "Say what was done."), Next: v.text("next", MaxText, ""),
			ETA: v.text("eta", maxTitle, ""), Impact: v.text("impact", MaxText, ""),
		}
		if t := v.text("status", maxTitle, ""); t != "" {
			st, err := incident.ParseStatus(t)
			if err != nil || st == incident.Resolved || st == incident.Closed {
				v.errors["status"] = "Use Investigating, Identified or Mitigating."
			}
			in.Status = st
		}
		if in.Impact == v.x.at.Impact {
			in.Impact = ""
		}
		return v.then(func() Reply { return v.c.updated(v.x, in) })
	case "resolve":
		in := incident.Resolve{
			By: by, Cause: v.text("cause", MaxText, "Say what the cause was, as far as it is known."),
			Fix: v.text("fix", MaxText, ""), Postmortem: v.time("postmortem"),
		}
		return v.then(func() Reply { return v.c.resolved(v.x, in) })
	default:
		return v.small(form)
	}
}

func (v *values) then(do func() Reply) Reply {
	if len(v.errors) > 0 {
		return Reply{}
	}
	return do()
}

func (v *values) create() Reply {
	d := declaration{
		title:   strings.Join(strings.Fields(v.text("title", maxTitle, "Say what is wrong, in a few words.")), " "),
		service: v.text("service", maxTitle, ""), impact: v.text("impact", MaxText, ""),
		critical: v.text("critical", maxTitle, "") == "true", private: v.text("private", maxTitle, "") == "true",
	}
	if t := v.text("severity", maxTitle, ""); t != "" {
		s, ok := severityName(t)
		if !ok {
			v.errors["severity"] = "Use P0, P1, P2 or P3."
		}
		d.severity, d.chosen = s, byHand
	}
	return v.then(func() Reply { return v.c.declare(v.x, d) })
}

// small carries out the forms of smallForm.
func (v *values) small(form string) Reply {
	c, x, by := v.c, v.x, v.x.call.By
	const who = "Choose a person."
	switch form {
	case "escalate":
		in := incident.Escalate{By: by, Person: v.person(""), Reason: v.text("reason", MaxText, "")}
		if t := v.text("target", maxTitle, ""); t != "" && in.Person.Nobody() {
			if isLevel(token{text: t}) {
				in.Level = strings.ToUpper(t)
			} else {
				in.Role = t
			}
		}
		return v.then(func() Reply { return c.escalated(x, in) })
	case "page":
		in := incident.Escalate{By: by, Person: v.person(""), Reason: v.text("reason", MaxText, "Say in a few words what you need.")}
		if in.Person.Nobody() {
			in.Role = v.text("target", maxTitle, "Choose a role or a person.")
		}
		return v.then(func() Reply { return c.escalated(x, in) })
	case "reopen":
		in := incident.Reopen{By: by, Reason: v.text("reason", MaxText, "Reopening needs a reason.")}
		return v.then(func() Reply { return c.reopened(x, in) })
	case "hold":
		d, err := ParseSpan(v.text("for", maxTitle, "Say for how long."))
		if err != nil {
			v.errors["for"] = "Say for how long, for example 30m."
		}
		in := incident.Hold{By: by, For: d, Reason: v.text("reason", MaxText, "A hold needs a reason.")}
		return v.then(func() Reply { return c.held(x, in) })
	case "note":
		in := incident.Note{By: by, Link: x.call.Link, Source: x.call.Source}
		if in.Link != "" { // a message is noted as far as it fits; the link has the rest
			in.Text = clip(strings.TrimSpace(v.got["text"]), MaxText)
		} else {
			in.Text = v.text("text", MaxText, "The note has no text.")
		}
		return v.then(func() Reply { return c.noted(x, in) })
	case "severity":
		s, ok := severityName(v.text("severity", maxTitle, ""))
		if !ok {
			v.errors["severity"] = "Use P0, P1, P2 or P3."
		}
		in := incident.SetSeverity{By: by, To: s, Reason: v.text("reason", MaxText, "")}
		return v.then(func() Reply { return c.severitySet(x, in) })
	case "lead":
		p := v.person(who)
		return v.then(func() Reply { return c.give(x, incident.Commander, p) })
	case "role":
		role := v.text("role", maxTitle, "Choose a role.")
		if !isRole(token{text: role}) {
			v.errors["role"] = "Use comms, ops or scribe."
		}
		p := v.person(who)
		return v.then(func() Reply { return c.give(x, incident.Role(role), p) })
	default: // action
		in := incident.AddAction{By: by, Text: v.text("text", MaxText, "Say what is to be done."), Owner: v.person("")}
		if t := v.text("due", maxTitle, ""); t != "" {
			day, err := ParseDay(t, x.call.Now, c.zone(by))
			if err != nil {
				v.errors["due"] = err.Error()
			}
			in.Due = day
		}
		return v.then(func() Reply { return c.acted(x, in) })
	}
}
