package report_test

import (
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/report"
)

// Incidents that had less, or more, than others make whole sentences too.
func TestPostmortemOfUnusualIncidents(t *testing.T) {
	ann := incident.Person{Key: "ann@example.com", Name: "Ann Lee"}
	bob := incident.Person{Key: "bob@example.com", Name: "Bob Ray"}
	unreached := func(level string) incident.Event {
		return incident.LevelPassed{Level: level, Why: incident.WhyNoMethod}
	}
	at := time.Date(2026, 3, 4, 2, 57, 0, 0, time.UTC)
	declared := incident.Declared{ID: "INC-12", Title: "API service down", Severity: incident.P2, By: ann}
	resolved := incident.ResolvedEvent{By: ann, Cause: "a deploy"}
	for name, c := range map[string]struct {
		events []incident.Event
		says   []string
		not    []string
	}{
		"never an update":        {events: []incident.Event{declared, resolved}, says: []string{"It lasted 10 min", "first update"}, not: []string{"0 of 0"}},
		"resolved at once":       {events: []incident.Event{declared, nil, resolved}, says: []string{"It was resolved at once."}, not: []string{"It lasted 0 s", "0 of 0"}},
		"reopened twice":         {events: []incident.Event{declared, resolved, incident.Reopened{By: ann, Reason: "back"}, resolved, incident.Reopened{By: ann}, resolved}, says: []string{"reopened 2 times", "It lasted 50 min"}},
		"merged":                 {events: []incident.Event{declared, incident.MergedInto{By: ann, Into: "INC-7"}}, says: []string{"was merged into INC-7"}, not: []string{"is not resolved yet"}},
		"a drill":                {events: []incident.Event{drilled(declared), resolved}, says: []string{"DRILL"}},
		"not resolved":           {events: []incident.Event{declared}, says: []string{"is not resolved yet"}, not: []string{"0 of 0"}},
		"reopened once":          {events: []incident.Event{declared, resolved, incident.Reopened{By: ann, Reason: "back"}, resolved}, not: []string{"1 times"}},
		"nobody mitigated":       {events: []incident.Event{declared, resolved}, not: []string{"mitigated after 10 min"}},
		"other full stops":       {events: []incident.Event{declared, incident.ResolvedEvent{By: ann, Cause: "原因は不明。"}}, says: []string{"原因は不明。"}, not: []string{"。."}},
		"more late than on time": {events: []incident.Event{clocked(declared), incident.Updated{By: ann, Text: "x"}, incident.UpdateOverdue{Step: 1}, incident.UpdateOverdue{Step: 1}, resolved}, says: []string{"2 of 3 updates came late"}, not: []string{"came on time"}},
		"more on time than late": {events: []incident.Event{clocked(declared), incident.Updated{By: ann, Text: "x"}, incident.Updated{By: ann, Text: "x"}, incident.UpdateOverdue{Step: 1}, resolved}, says: []string{"1 of 3 updates came late", "2 of 3 updates came on time"}},
		"counted to the end":     {events: []incident.Event{declared, incident.Noted{By: ann, Text: "x"}, resolved, counted(at.Add(20 * time.Minute))}, says: []string{"7 requests failed"}},
		"counted before it came back": {
			events: []incident.Event{declared, resolved, counted(at.Add(10 * time.Minute)), incident.Reopened{By: ann, Reason: "back"}, resolved}, not: []string{"7 requests failed"},
		},
		"levels out of order": {events: []incident.Event{declared, unreached("L4"), unreached("L2"), resolved}, says: []string{"L2 and L4 reached nobody"}},
		"levels with words":   {events: []incident.Event{declared, unreached("second line"), unreached("desk"), resolved}, says: []string{"second line and desk reached nobody"}},
		"two commanders": {
			events: []incident.Event{declared, incident.RoleGiven{By: bob, Role: incident.Commander, Person: bob}, incident.Noted{By: ann, Text: "the log is full"}, resolved},
			says:   []string{"The first commander declared", "The commander took the role", "The first commander noted"}, not: []string{"The commander noted"},
		},
		"a commander who came back": {
			events: []incident.Event{declared, incident.RoleGiven{By: ann, Role: incident.Commander, Person: bob}, incident.RoleGiven{By: ann, Role: incident.Commander, Person: ann}, incident.Noted{By: bob, Text: "x"}, resolved},
			says:   []string{"The commander declared", "The second commander noted"},
		},
		"an update that stayed away": {
			events: []incident.Event{declared, incident.UpdateOverdue{Step: 1}, incident.UpdateOverdue{Step: 2}, incident.UpdateOverdue{Step: 3}, incident.UpdateOverdue{Step: 30}, resolved},
			says:   []string{"The update is still overdue"}, not: []string{"step 3", "step 2"},
		},
		"words of the machine": {
			events: []incident.Event{
				incident.Declared{ID: "INC-12", Title: "API service down", Severity: incident.P2, Chosen: "auto_declare: severity=critical"},
				incident.AlertsTold{Joined: []incident.AlertRef{{Group: "g", Title: "API", Firing: 1, Total: 1, Why: "auto_declare: severity=critical"}}},
				incident.AlertsTold{Changed: []incident.AlertRef{{Group: "g", Title: "API", Total: 1, Why: "auto_declare: severity=critical"}}},
				incident.Paged{Attempt: 1, Level: "L1", Person: ann, Methods: []string{"slack"}, Why: incident.WhyPassed}, incident.Acknowledged{By: ann, Via: "http"}, resolved,
			},
			says: []string{"severity from the rule severity=critical", "(firing, by the rule severity=critical)", "Alert: API (resolved)", "(the level before reached nobody)", "acknowledged over the HTTP API"},
			not:  []string{"auto_declare", "auto\\_declare", "(passed)", "over http"},
		},
		"an owner by address": {events: []incident.Event{declared, incident.ActionAdded{By: ann, N: 1, Text: "x", Owner: incident.Person{Key: "bob@example.com"}}, resolved}, says: []string{"bob@example.com"}},
	} {
		var history []incident.Record
		now := at
		for i, e := range c.events {
			if e == nil {
				now = at.Add(-10 * time.Minute)
				continue
			}
			if i > 0 {
				now = now.Add(10 * time.Minute)
			}
			history = append(history, incident.Record{Seq: uint64(len(history) + 1), At: now, Event: e})
		}
		p := report.Postmortem{Data: report.Collect(history)}
		md, err := report.Markdown(p, "")
		if err != nil {
			t.Fatal(err)
		}
		page, err := report.HTML(p, "")
		if err != nil {
			t.Fatal(err)
		}
		for kind, doc := range map[string]string{"Markdown": string(md), "page": string(page)} {
			for _, part := range c.says {
				if !strings.Contains(strings.ToLower(doc), strings.ToLower(part)) {
					t.Errorf("%s: the %s does not say %q:\n%s", name, kind, part, md)
				}
			}
			for _, part := range c.not {
				if strings.Contains(doc, part) {
					t.Errorf("%s: the %s says %q", name, kind, part)
				}
			}
		}
	}
}

func counted(until time.Time) incident.Event { return incident.ImpactCounted{To: until, Failed: 7} }

func clocked(e incident.Declared) incident.Declared {
	e.Plan = incident.Plan{Cadence: map[incident.Severity]string{incident.P2: "@every 10m"}}
	return e
}

func drilled(e incident.Declared) incident.Declared {
	e.Drill = incident.Drill{On: true, Speed: 1}
	return e
}
