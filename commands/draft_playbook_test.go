package commands_test

import (
	"testing"

	"muster/commands"
	"muster/incident"
)

func TestReadMessage(t *testing.T) {
	values := map[string]string{"service": "api", "pod-name": "api-7"}
	for name, c := range map[string]struct {
		text string
		want commands.Message
	}{
		"all lines": {
			"⏱️ Update: {{service}}\nStatus: Identified\nActions taken: Restarted <Pod Name>\nNext step: Watch ${SERVICE}\nETA: 10 minutes\nImpact: none",
			commands.Message{For: "update", Status: incident.Identified, Text: "Restarted api-7", Next: "Watch api", ETA: "10 minutes", Impact: "none"},
		},
		"as people mark them up": {
			"**Status:** Mitigating\n- **Actions taken:** one\n  two\n* Next steps : three",
			commands.Message{For: "update", Status: incident.Mitigating, Text: "one\ntwo", Next: "three"},
		},
		"no lines at all":        {"We look at <what>.\n", commands.Message{For: "update", Text: "We look at <what>."}},
		"more than a status":     {"Status: Investigating a break-in\nActions taken: We look.", commands.Message{For: "update", Status: incident.Investigating, Text: "Investigating a break-in\nWe look."}},
		"words without a value":  {"Status: {{status}}\nActions taken: {{actions}}\nETA: <eta>", commands.Message{For: "update"}},
		"no status of an update": {"Status: Resolved\nActions taken: done", commands.Message{For: "update", Text: "Resolved\ndone"}},
		"a resolution":           {"✅ RESOLVED: api\nDuration: 5 minutes\nRoot cause: a bad deploy\nFix applied: rolled back", commands.Message{For: "resolve", Text: "a bad deploy", Fix: "rolled back"}},
		"a first message":        {"🚨 P0 Incident: api\nStatus: Investigating\nOn-call: @ann", commands.Message{Status: incident.Investigating}},
		"nothing":                {"", commands.Message{For: "update"}},
	} {
		if got := commands.ReadMessage(c.text, values); got != c.want {
			t.Errorf("%s:\n%+v, want\n%+v", name, got, c.want)
		}
	}
}

func TestDraftFromAPlaybook(t *testing.T) {
	book := func(texts ...string) incident.PlaybookOpened {
		var p incident.Playbook
		for _, text := range texts {
			p.Templates = append(p.Templates, incident.Template{Text: text})
		}
		return incident.PlaybookOpened{By: person("ann"), Playbook: p}
	}
	ask := func(n int, title string, class incident.Effort) incident.StepAsked {
		return incident.StepAsked{N: n, By: person("ann"), Title: title, Class: class, Block: incident.Block{Params: map[string]string{"pod-name": "api-7"}}}
	}
	ended := func(n int, end incident.End) incident.StepEnded {
		return incident.StepEnded{N: n, Outcome: incident.Outcome{End: end}}
	}
	declared := incident.Declared{ID: "INC-1", Title: "API down", Service: "api"}
	const plain = "Status: Investigating\nActions taken: We look at {{service}}.\nNext step: Roll back\nETA: soon"
	for name, c := range map[string]struct {
		events []incident.Event
		want   commands.Update
	}{
		"the message": {[]incident.Event{declared, book(plain)}, commands.Update{Status: incident.Investigating, Text: "We look at api.", Next: "Roll back", ETA: "soon"}},
		"records stand": {
			[]incident.Event{declared, book(plain), incident.Noted{By: person("bob"), Text: "db is fine"}, incident.ActionAdded{N: 1, Text: "Call the bank"}},
			commands.Update{Status: incident.Investigating, Text: "We look at api.\ndb is fine", Next: "Call the bank", ETA: "soon"},
		},
		"not twice": {
			[]incident.Event{declared, book(plain), incident.Updated{Text: "We look at api.", Next: "wait", ETA: "1h"}, incident.Noted{By: person("bob"), Text: "found it"}},
			commands.Update{Status: incident.Investigating, Text: "found it", Next: "wait", ETA: "1h"},
		},
		"another status": {
			[]incident.Event{declared, book(plain), incident.StatusChanged{To: incident.Mitigating}}, commands.Update{Status: incident.Mitigating},
		},
		"only the first, and only an update": {
			[]incident.Event{declared, book("✅ RESOLVED: api\nRoot cause: x", plain, "Actions taken: Customers see a page.")},
			commands.Update{Status: incident.Investigating, Text: "We look at api.", Next: "Roll back", ETA: "soon"},
		},
		"a place for what was done": {
			[]incident.Event{declared, book("Status: {{status}}\nActions taken: So far: {{actions}}"), incident.Noted{By: person("bob"), Text: "a"}, incident.Noted{By: person("bob"), Text: "b"}},
			commands.Update{Status: incident.Investigating, Text: "So far: a b"},
		},
		"runs": {
			[]incident.Event{
				declared, ask(1, "Pods", incident.Reading), ended(1, incident.EndDone), ask(2, "Logs", incident.Reading), ended(2, incident.EndFailed),
				ask(3, "Roll back", incident.Changing), incident.StepApproved{N: 3, By: person("mia")}, ended(3, incident.EndDone),
				ask(4, "Restart", incident.Changing), ended(4, incident.EndNotRun), ask(5, "Scale", incident.Changing), ended(5, incident.EndDeadline),
			},
			commands.Update{Status: incident.Investigating, Text: "Roll back is done (run 3, Ann, approved by Mia)\nScale was ended at its deadline (run 5, Ann)\nLooked at: Pods, Logs (Ann)"},
		},
		"runs before the last update": {
			[]incident.Event{declared, ask(1, "Pods", incident.Reading), ended(1, incident.EndDone), incident.Updated{Text: "x"}},
			commands.Update{Status: incident.Investigating},
		},
	} {
		var history []incident.Record
		for i, e := range c.events {
			history = append(history, incident.Record{Seq: uint64(i + 1), Event: e})
		}
		if got := commands.Draft(history); got != c.want {
			t.Errorf("%s:\n%+v, want\n%+v", name, got, c.want)
		}
	}
}
