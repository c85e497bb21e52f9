package bot_test

import (
	"testing"
	"time"

	"muster/bot"
	"muster/incident"
	"muster/reminders"
)

// pagesAt pages one level at a moment.
type pagesAt time.Time

func (p pagesAt) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	at := time.Time(p)
	switch {
	case len(s.Climb.Pages) > 0:
		return incident.Decision{}
	case now.Before(at):
		return incident.Decision{Wake: at}
	default:
		return incident.Decision{Events: []incident.Event{incident.Paged{Level: "L2", Attempt: 1, Person: bob, Methods: []string{"slack"}}}}
	}
}

func TestTheCardLooksAhead(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	s := incident.Apply(incident.Incident{}, incident.Record{Seq: 1, At: start, Event: incident.Declared{
		ID: "INC-1", Title: "x", Severity: incident.P1, Plan: incident.Plan{Cadence: map[incident.Severity]string{incident.P1: "@every 10m"}},
	}})
	rules := func() []incident.Rule {
		return []incident.Rule{reminders.Updates{}, pagesAt(start.Add(15 * time.Minute))}
	}
	a := bot.Ahead(rules)(s, start.Add(time.Minute))
	if a.Next != "L2 Bob Smith" || !a.NextAt.Equal(start.Add(15*time.Minute)) || !a.UpdateDue.Equal(start.Add(10*time.Minute)) {
		t.Errorf("ahead is %+v", a)
	}
	s = incident.Apply(s, incident.Record{Seq: 2, At: start, Event: incident.ResolvedEvent{By: bob}})
	if a := bot.Ahead(rules)(s, start.Add(time.Minute)); a.Next != "" || !a.UpdateDue.IsZero() {
		t.Errorf("of a resolved incident ahead is %+v", a)
	}
}
