package render

import (
	"context"
	"strings"
	"time"

	"muster/commands"
	"muster/incident"
)

// shelf is one open incident for the commands of the storybook to speak of.
type shelf struct {
	state   incident.Incident
	history []incident.Record
	other   incident.Incident
}

func (s shelf) State(_ context.Context, id string) (incident.Incident, error) {
	switch id {
	case s.state.ID:
		return s.state, nil
	case s.other.ID:
		return s.other, nil
	}
	return incident.Incident{}, incident.Refusal{Code: commands.CodeUnknown, Text: "There is no " + id + "."}
}

func (s shelf) History(context.Context, string) ([]incident.Record, error) { return s.history, nil }

func (s shelf) Open() []incident.Incident { return []incident.Incident{s.other, s.state} }

func (s shelf) ByPlace(string, string) (string, bool) { return "", false }

func (s shelf) List(context.Context, bool, int) ([]commands.Summary, error) {
	var out []commands.Summary
	for _, i := range s.Open() {
		out = append(out, commands.Summary{ID: i.ID, Title: i.Title, Severity: i.Severity, Status: i.Status, Service: i.Service, DeclaredAt: i.DeclaredAt})
	}
	return out, nil
}

func (shelf) Find(_ context.Context, text string, by incident.Person) (incident.Person, error) {
	if text == "me" {
		return by, nil
	}
	return incident.Person{}, incident.Refusal{Code: "person", Text: text + " is nobody that Slack knows."}
}

func (shelf) InGroup(context.Context, string, incident.Person) (bool, error) { return false, nil }

func (shelf) Zone(incident.Person) *time.Location { return nil }

// storyForms are the forms that commands have, by name.
var storyForms = []string{"create", "update", "resolve", "reopen", "escalate", "page", "hold", "note", "severity", "lead", "role", "action"}

// storyCommands are commands that answer without changing anything.
var storyCommands = []string{
	"help", "list", "show INC-1", "timeline INC-1", "ack", "playbook", "stats", "frobnicate", "why primary", "oncall",
	"help create", "help update", "help escalate", "help hold", "help override", "help swap", "help simulate",
}

// said are the answers and forms of the commands themselves.
func (t *teller) said(history []incident.Record) {
	at := history[len(history)-1].At.Add(time.Minute)
	desk := shelf{history: history}
	for _, r := range history {
		desk.state = incident.Apply(desk.state, r)
	}
	desk.other = desk.state
	desk.other.ID = "INC-2"
	ended := desk
	ended.state = incident.Apply(ended.state, incident.Record{Seq: ended.state.Seq + 1, At: at, Event: incident.ResolvedEvent{By: t.sample.person(1)}})
	f, x := t.sample.frame(at), t.sample
	call := func(text string) commands.Call {
		return commands.Call{Text: text, By: x.person(1), Via: commands.ViaSlack, Now: at}
	}
	everyone := func() commands.Permissions {
		all := []string{"everyone"}
		return commands.Permissions{commands.Declare: all, commands.Respond: all, commands.Operate: all, commands.Approve: all, commands.Admin: all}
	}
	open := commands.New(commands.Config{Reader: desk, Lister: desk, People: desk, Permissions: everyone})
	closed := commands.New(commands.Config{Reader: ended, Lister: ended, People: ended, Permissions: everyone})
	for _, text := range storyCommands {
		t.message("command "+text, f.Reply(open.Run(context.Background(), call(text))))
	}
	if text := strings.TrimSpace(x.text(0)); text != "" {
		t.message("command unknown", f.Reply(open.Run(context.Background(), call(text))))
	}
	for _, name := range storyForms {
		r := open.OpenForm(context.Background(), call("INC-1"), name)
		if name == "reopen" {
			r = closed.OpenForm(context.Background(), call("INC-1"), name)
		}
		if r.Form == nil {
			t.view("command form "+name+" refused", f.NoticeView("Muster", f.Reply(r)))
			continue
		}
		t.view("command form "+name, f.Form(*r.Form, Meta{}, nil))
	}
}
