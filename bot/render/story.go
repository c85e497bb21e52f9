package render

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"muster/commands"
	"muster/incident"
)

// Story is one message or form that the program can produce.
type Story struct {
	// Name is unique: what it is, and with which input.
	Name    string   `json:"name"`
	Message *Message `json:"message,omitempty"`
	View    *View    `json:"view,omitempty"`
}

// sample is one kind of input for every story.
type sample struct {
	name string
	// text makes foreign text; n tells one from another.
	text func(n int) string
	many int // entries of every list
}

var storyStart = time.Date(2026, 3, 1, 2, 55, 0, 0, time.UTC)

func samples() []sample {
	fixed := func(text string) func(int) string { return func(int) string { return text } }
	return []sample{
		{"usual", func(n int) string {
			return []string{"API service down", "api", "checkout fails for everybody", "rolled back to v41", "watch the error rate"}[n%5]
		}, 2},
		{"empty", fixed(""), 0},
		{"longest", func(n int) string { return strings.Repeat(fmt.Sprintf("%d23456789 ", n%10), 400) }, 40},
		{"unbroken", fixed(strings.Repeat("x", 4000)), 12},
		{"markup", fixed(strings.Repeat("<!channel> & <@U123> *bold* `code` ~x~ <https://x|y> &lt; > quote\n", 70)), 3},
		{"emoji", fixed(strings.Repeat("👩‍👩‍👧‍👦🚨🏳️‍🌈", 300)), 3},
		{"right to left", fixed("\u202eשירות ה-API נפל\u202c \u2066مرحبا\u2069 " + strings.Repeat("א", 3900)), 3},
		{"strange", fixed("a\x00b\x1b[31m\r\n\u200b\uFEFF\xff" + strings.Repeat("Z͑ͫ̓̕a̴̢l̷g̶o̸", 200)), 3},
	}
}

// person makes somebody whose name is foreign text.
func (x sample) person(n int) incident.Person {
	if x.name == "usual" {
		name := []string{"Dora Diaz", "Alice Johnson", "Bob Smith", "Carol Wu"}[n%4]
		return incident.Person{Key: strings.ToLower(strings.Fields(name)[0]) + "@example.com", Name: name}
	}
	return incident.Person{Key: fmt.Sprintf("p%d@example.com", n), Name: x.text(n)}
}

// history is an incident's whole life with one record of each type.
func (x sample) history() []incident.Record {
	t := x.text
	plan := incident.Plan{
		Incidents: "#incidents", Operations: "#muster-ops", Room: []incident.Severity{incident.P0},
		Notify: map[incident.Severity][]incident.Channel{incident.P0: {{Name: "#incidents", Mention: "@here"}}},
		Ladder: incident.Ladder{Levels: []incident.Level{
			{Name: "L1", Role: "primary", Methods: []string{"slack"}, RespondWithin: 5 * time.Minute, Until: incident.UntilAcknowledged},
			{Name: "L2", Role: "secondary", Methods: []string{"phone"}, Due: 15 * time.Minute, Until: incident.UntilAcknowledged},
		}},
	}
	at, lapse := storyStart, 90*time.Second
	events := []incident.Event{
		incident.Declared{ID: "INC-1", Title: t(0), Severity: incident.P1, Chosen: t(1), Service: t(1), Impact: t(2), By: x.person(1), Plan: plan},
		incident.Posted{Place: incident.PlaceCard, Channel: "C0000001", TS: "1772333700.000100"},
		incident.Posted{Place: incident.PlaceRoom, Channel: "C0000002", Name: "inc-1-api-service-down"},
		incident.Posted{Place: incident.PlaceRoomCard, Channel: "C0000002", TS: "1772333701.000100"},
		incident.OnCallChanged{Person: x.person(2)}, incident.OnCallChanged{},
		incident.LadderStarted{Why: incident.WhyDeclared}, incident.LadderStarted{Why: incident.WhyRaised}, incident.LadderStarted{Round: 1, Why: incident.WhyRepeat, Late: time.Hour},
		incident.Paged{Level: "L1", Role: "primary", Attempt: 1, Person: x.person(2), Methods: []string{"slack", "phone"}, Missing: map[string]string{"pagerduty": t(3)}, Why: incident.WhyDue, AnswerBy: at.Add(5 * time.Minute), Late: 12 * time.Minute},
		incident.Paged{Attempt: 2, Person: x.person(3), Methods: nil, Why: incident.WhyAsked, Reason: t(3)},
		incident.PageSettled{Attempt: 1, Method: "phone", State: incident.PageFailed, Reason: t(4)},
		incident.PageSettled{Attempt: 1, Method: "slack", State: incident.PageLate, Reason: t(4)},
		incident.PageSettled{Attempt: 1, Method: "slack", State: incident.PageDelivered},
		incident.LevelPassed{Level: "L1", Role: "primary", Why: incident.WhyNobody, Detail: t(4), Next: "L2"},
		incident.LevelPassed{Role: t(1), Why: incident.WhyAnswered},
		incident.LastResortPaged{Target: incident.LastResort{Channel: "#incidents", Mention: "@channel"}, Why: incident.WhyUsedUp, Final: true},
		incident.Acknowledged{By: x.person(2), Via: "slack"}, incident.Unacknowledged{By: x.person(2)},
		incident.Acknowledged{By: x.person(3), Via: "phone"}, incident.AckLapsed{By: x.person(3), Since: at, Late: time.Minute},
		incident.Noted{By: x.person(1), Text: t(3), Link: "https://example.slack.com/archives/C1/p1", Source: "C1/1"}, incident.Noted{By: x.person(1), Text: t(4)},
		incident.ActionAdded{By: x.person(1), N: 1, Text: t(3), Owner: x.person(2), Due: "2026-03-06"},
		incident.StatusChanged{By: x.person(1), To: incident.Identified},
		incident.SeverityChanged{By: x.person(1), From: incident.P1, To: incident.P0, Reason: t(3)},
		incident.MarkedCritical{By: x.person(1)},
		incident.RoleGiven{By: x.person(1), Role: incident.Comms, Person: x.person(3)},
		incident.Held{By: x.person(1), Until: at.Add(30 * time.Minute), Reason: t(4)}, incident.HoldEnded{Late: 2 * time.Minute},
		incident.Escalated{By: x.person(1), Level: "L2", Reason: t(4)}, incident.Escalated{By: x.person(1), Person: x.person(2)}, incident.Escalated{},
		incident.Snoozed{By: x.person(1), Until: at.Add(10 * time.Minute)},
		incident.ReminderDue{Due: at.Add(10 * time.Minute), Late: 12 * time.Minute},
		incident.UpdateOverdue{Step: 1}, incident.UpdateOverdue{Step: 2, Late: 5 * time.Minute},
		incident.Updated{By: x.person(1), Status: incident.Mitigating, Text: t(3), Next: t(4), ETA: t(1), Impact: t(2)},
		incident.Updated{By: x.person(1), NoChange: true},
		incident.EffectFailed{What: "announce", Reason: t(4)},
		incident.MergedFrom{By: x.person(1), From: "INC-2", Title: t(0)},
		incident.AlertsTold{Joined: x.refs(2)}, incident.AlertsTold{Changed: x.refs(0)}, incident.AllAlertsResolved{Count: 2},
		incident.AlertsTold{Changed: x.refs(1), Again: true}, incident.AlertsTold{Left: x.refs(1)},
		incident.ResolvedEvent{By: x.person(1), Cause: t(3), Fix: t(4), Postmortem: at.Add(40 * time.Hour)},
		incident.Reopened{By: x.person(1), Reason: t(3)},
		incident.MergedInto{By: x.person(1), Into: "INC-7"},
		incident.ClosedEvent{By: x.person(1), Reason: t(3)},
		incident.CaughtUp{From: 3, Through: 9},
		incident.PostmortemWritten{By: x.person(1), Section: incident.SectionWell, Text: t(4)},
		incident.PostmortemAssigned{By: x.person(1), To: x.person(2)},
		incident.PostmortemPlanned{By: x.person(1), At: at.Add(44 * time.Hour)},
		incident.RecordMarked{By: x.person(1), Record: 3, Hidden: true, Text: t(4)},
		incident.MeetingNear{At: at.Add(44 * time.Hour), Before: time.Hour, Late: time.Minute},
		incident.PostmortemOverdue{Since: at, Tell: x.person(3), Late: time.Hour},
		incident.ActionNear{N: 1, Owner: x.person(2)}, incident.ActionNear{N: 1, Over: true, Late: time.Hour},
		incident.ActionShown{N: 1, Channel: "D0000001", TS: "1772333704.000100"},
		incident.PastFound{Past: []incident.Past{
			{ID: "INC-3", Title: t(0), At: at.Add(-72 * time.Hour), Took: 6 * time.Minute, Fix: "kubectl rollout undo deployment/api", Ran: true, Card: incident.Spot{Channel: "C1", TS: "1.2"}},
			{ID: "INC-1", Title: t(0), At: at.Add(-96 * time.Hour), Took: 6 * time.Minute, Fix: "kubectl rollout undo deployment/api", Ran: true},
		}},
		incident.ImpactCounted{From: at, To: at.Add(time.Hour), Failed: 3412, All: 120_000},
		incident.ActionDone{By: x.person(2), N: 1},
	}
	events = append(events, x.watch()...)
	events = append(events, x.steps()...)
	events = append(events, incident.PersonAdded{By: x.person(1), Person: x.person(2)}, incident.Imported{From: "INC-7", Head: "a1b2c3d4"})
	var out []incident.Record
	for i, e := range events {
		out = append(out, incident.Record{Seq: uint64(i + 1), At: at.Add(time.Duration(i) * lapse), Event: e})
	}
	return out
}

// Stories are every message and form that the program can produce, with the
// shortest, longest and strangest input.
func Stories() []Story {
	var out []Story
	for _, x := range samples() {
		out = append(out, x.stories()...)
	}
	return out
}

// teller collects the stories of one sample.
type teller struct {
	sample sample
	out    []Story
}

func (t *teller) message(name string, m Message) {
	t.out = append(t.out, Story{Name: name + ", " + t.sample.name, Message: &m})
}

func (t *teller) view(name string, v View) {
	t.out = append(t.out, Story{Name: name + ", " + t.sample.name, View: &v})
}

func (x sample) frame(now time.Time) Frame {
	return Frame{Now: now, Link: func(s incident.Spot) string {
		return "https://example.slack.com/archives/" + s.Channel + "/p" + strings.ReplaceAll(s.TS, ".", "")
	}}
}

func (x sample) stories() []Story {
	t := &teller{sample: x}
	history := x.history()
	var s incident.Incident
	for i, r := range history {
		s = incident.Apply(s, r)
		f := x.frame(r.At)
		kind := fmt.Sprintf("%02d %s", i+1, incident.EventKind(r.Event))
		t.message("card after "+kind, f.Card(s))
		if m, ok := f.Thread(s, r, history); ok {
			t.message("thread "+kind, m)
		}
		if m, ok := f.Tell(s, r, history); ok {
			t.message("direct "+kind, m)
		}
		if m, ok := f.Operations(s, r); ok {
			t.message("operations "+kind, m)
		}
	}
	t.around(s, history)
	t.alerts()
	t.watching(s)
	t.answers()
	t.forms()
	t.said(history[:36])
	t.playbooks(history[0])
	return t.out
}

// around are the messages that belong to no record of their own.
func (t *teller) around(s incident.Incident, history []incident.Record) {
	open := incident.Incident{}
	for _, r := range history[:36] {
		open = incident.Apply(open, r)
	}
	x, f := t.sample, t.sample.frame(history[35].At.Add(25*time.Minute))
	t.message("announcement", f.Announce(open))
	if m, ok := f.CatchUp(s, history[3:], history); ok {
		t.message("caught up", m)
	}
	t.message("overdue card", f.Card(open))
	for _, p := range []incident.Page{
		{Attempt: 1, Level: "L1", Role: "primary", Person: x.person(2), Method: "slack", Why: incident.WhyDue, At: storyStart},
		{Attempt: 2, Person: x.person(2), Method: "slack", Why: incident.WhyAsked, Reason: x.text(3), At: storyStart, Asked: true},
	} {
		t.message(fmt.Sprintf("page %d", p.Attempt), f.Page(open, p))
	}
	acked, resolved := open, open
	acked.Acks = []incident.Ack{{By: x.person(2), At: storyStart}}
	resolved.ResolvedAt, resolved.Resolution = storyStart, incident.ResolvedEvent{By: x.person(2)}
	t.message("page that was acknowledged", f.PageOver(acked))
	t.message("page of a resolved incident", f.PageOver(resolved))
	closed := s
	closed.Actions = []incident.Action{{N: 1, Text: x.text(3), Owner: x.person(2), Done: true, DoneAt: storyStart, DoneBy: x.person(3)}}
	t.message("reminder of a follow-up that is done", f.ActionOver(closed, 1))
	t.message("class announcement", f.Notify(open, incident.Channel{Name: "#alerts", Mention: "@here"}))
	t.message("class announcement to a group", f.Notify(open, incident.Channel{Name: "#alerts", Mention: "<!subteam^S123>"}))
	t.message("operations notice", Notice(x.text(3)))
	home := Home{Person: x.person(2)}
	for i := range x.many {
		home.Open = append(home.Open, open)
		home.OnCall = append(home.OnCall, OnCall{Role: x.text(i), Person: x.person(i), Until: storyStart})
	}
	t.view("home", f.Home(home))
}

// answers are what commands say.
func (t *teller) answers() {
	x, f := t.sample, t.sample.frame(storyStart)
	body := commands.Say(commands.Bold(x.text(0)), " ", commands.Code(x.text(1)), "\n", commands.Quote(x.text(2)), x.person(1), " at ", storyStart, " ",
		commands.Part{Text: x.text(3), Link: "https://example.com/a?b=c&d=<e>"}, commands.Part{Text: x.text(3), Link: "https://example.com/a?b=c&d=e"})
	for range x.many {
		body = commands.Say(body, "\n", x.text(4))
	}
	t.message("answer", f.Reply(commands.Reply{OK: true, Body: body}))
	t.message("refusal", f.Reply(commands.Reply{Code: "permission", Body: commands.Say(x.text(4))}))
	picker := commands.Reply{Code: commands.CodeWhich, Body: commands.Say("Which incident?")}
	for i := range x.many {
		picker.Pick = append(picker.Pick, commands.Choice{Value: x.text(i), Label: x.text(i)})
	}
	t.message("picker", f.Reply(picker))
	t.message("not recorded", lineMessage(NotRecorded(x.text(4))))
	t.message("not recorded yet", lineMessage(LateText))
	t.view("answer in a form", f.NoticeView(x.text(0), f.Reply(picker)))
}

// forms are the modal views.
func (t *teller) forms() {
	x, f := t.sample, t.sample.frame(storyStart)
	form := commands.Form{Name: "update", Incident: "INC-1", Title: x.text(0), Submit: x.text(1)}
	for i, k := range []commands.FieldKind{
		commands.KindLine, commands.KindText, commands.KindChoice, commands.KindPerson, commands.KindTime, commands.KindCheck,
	} {
		field := commands.Field{
			Name: fmt.Sprintf("field%d", i), Label: x.text(i), Hint: x.text(i + 1), Value: x.text(i + 2), Kind: k, Optional: i%2 == 0, Max: i * 100,
		}
		for j := range x.many {
			field.Choices = append(field.Choices, commands.Choice{Value: fmt.Sprint(j), Label: x.text(j)})
		}
		form.Fields = append(form.Fields, field)
	}
	meta := Meta{Channel: "C0000001", Thread: "1772333700.000100", Link: x.text(0), Source: x.text(1)}
	t.view("form", f.Form(form, meta, func(string) string { return "U0000001" }))
	t.view("form without fields", f.Form(commands.Form{Name: "x"}, meta, nil))
	t.view("loading form", Loading(x.text(0)))
	t.view("late form", LateView(x.text(0)))
}

// WriteStorybook writes all stories: as "json", or as one "html" page.
func WriteStorybook(w io.Writer, format string) error {
	stories := Stories()
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(stories); err != nil {
			return fmt.Errorf("write the storybook: %w", err)
		}
		return nil
	case "html":
		if err := storyPage.Execute(w, stories); err != nil {
			return fmt.Errorf("write the storybook: %w", err)
		}
		return nil
	default:
		return fmt.Errorf("the storybook has no format %q; use json or html", format)
	}
}

var storyPage = template.Must(template.New("storybook").Funcs(template.FuncMap{"text": storyText}).Parse(storyHTML))

// storyText is the text inside one object of Block Kit.
func storyText(v any) string {
	switch v := v.(type) {
	case Object:
		if s, ok := v["text"].(string); ok {
			return s
		}
		return storyText(v["text"])
	case string:
		return v
	default:
		return ""
	}
}

const storyHTML = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Muster storybook</title>
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;background:#fff;color:#1d1c1d}
@media(prefers-color-scheme:dark){body{background:#1a1d21;color:#d1d2d3}}
article{border:1px solid #8885;border-radius:8px;padding:.8rem 1rem;margin:1rem 0;overflow-wrap:anywhere}
h2{font-size:.85rem;font-weight:600;opacity:.7;margin:0 0 .5rem}
.header{font-size:1.15rem;font-weight:700}.context,.hint{font-size:.85rem;opacity:.75}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:.4rem 1rem}
pre{white-space:pre-wrap;font:inherit;margin:.3rem 0}
button,input,textarea,select{font:inherit;padding:.25rem .7rem;border:1px solid #8888;border-radius:4px;background:none;color:inherit;margin:.15rem}
.primary{background:#007a5a;color:#fff}.danger{background:#e01e5a;color:#fff}
</style></head><body><h1>Muster storybook</h1><p>{{len .}} messages and forms.</p>
{{range .}}<article><h2>{{.Name}}</h2>
{{with .View}}{{with .Title}}<div class="header">{{text .}}</div>{{end}}{{template "blocks" .Blocks}}{{with .Submit}}<button class="primary">{{text .}}</button>{{end}}{{with .Close}}<button>{{text .}}</button>{{end}}{{end}}
{{with .Message}}{{template "blocks" .Blocks}}{{end}}
</article>{{end}}</body></html>
{{define "blocks"}}{{range .}}
{{if eq .type "header"}}<pre class="header">{{text .text}}</pre>
{{else if eq .type "section"}}{{with .text}}<pre>{{text .}}</pre>{{end}}{{with .fields}}<div class="fields">{{range .}}<pre>{{text .}}</pre>{{end}}</div>{{end}}
{{else if eq .type "context"}}{{range .elements}}<pre class="context">{{text .}}</pre>{{end}}
{{else if eq .type "actions"}}<div>{{range .elements}}{{if eq .type "overflow"}}<select>{{range .options}}<option>{{text .text}}</option>{{end}}</select>{{else}}<button class="{{.style}}">{{text .text}}</button>{{end}}{{end}}</div>
{{else if eq .type "input"}}<div><b>{{text .label}}</b>{{with .element}}{{if .options}}<select>{{range .options}}<option>{{text .text}}</option>{{end}}</select>{{else}}<input value="{{.initial_value}}">{{end}}{{end}}{{with .hint}}<pre class="hint">{{text .}}</pre>{{end}}</div>
{{else}}<hr>{{end}}{{end}}{{end}}`
