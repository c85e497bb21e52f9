package report

import (
	"time"

	"muster/incident"
)

// Samples are post-mortems to try a template with: one of nothing but a
// declaration, and one with something of everything.
func Samples() []Postmortem {
	start := time.Date(2026, 3, 4, 2, 57, 0, 0, time.UTC)
	ann, bob := incident.Person{Key: "ann@example.com", Name: "Ann"}, incident.Person{Key: "bob@example.com", Name: "Bob"}
	var history []incident.Record
	add := func(after time.Duration, events ...incident.Event) {
		for _, e := range events {
			history = append(history, incident.Record{Seq: uint64(len(history) + 1), At: start.Add(after), Event: e})
		}
	}
	add(0, incident.Declared{ID: "INC-1", Title: "API down", Severity: incident.P0, Service: "api", Impact: "Nobody can pay", By: ann},
		incident.Paged{Attempt: 1, Level: "L1", Role: "primary", Person: bob, Methods: []string{"phone"}, Why: incident.WhyDue},
		incident.PageSettled{Attempt: 1, Method: "phone", State: incident.PageFailed, Reason: "busy"})
	little := Postmortem{Data: Collect(history[:1]), Now: start}
	add(5*time.Minute, incident.Acknowledged{By: bob, Via: "slack"}, incident.Updated{By: ann, Status: incident.Mitigating, Text: "Rolling back", Next: "watch"},
		incident.ReminderDue{Due: start.Add(15 * time.Minute)}, incident.UpdateOverdue{Step: 1},
		incident.ActionAdded{By: ann, N: 1, Text: "Alert on logins", Owner: bob, Due: "2026-03-11"})
	add(time.Hour, incident.ResolvedEvent{By: ann, Cause: "A deploy", Fix: "Rolled back", Postmortem: start.Add(30 * time.Hour)},
		incident.ImpactCounted{From: start, To: start.Add(time.Hour), Failed: 3412, All: 120_000},
		incident.RecordMarked{By: ann, Record: 4, Text: "from the train"}, incident.ClosedEvent{By: ann, Reason: "talked about"})
	full := Postmortem{
		Data: Collect(history), Now: start, Zone: time.UTC, Past: []string{"INC-0 API slow"},
		Charts: []Picture{{Title: "Errors", SVG: []byte("<svg></svg>"), Dark: []byte("<svg></svg>")}}, Files: []File{{Name: "run-1.txt", SHA256: "00"}},
	}
	for _, section := range incident.Sections {
		if full.Sections[section] == "" {
			full.Sections[section] = "Text"
		}
	}
	return []Postmortem{little, full}
}
