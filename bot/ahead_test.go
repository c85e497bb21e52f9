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

// ladder pages L1 every five minutes and L3 at a moment.
type ladder struct{ start, climb time.Time }

func (l ladder) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	n := len(s.Climb.Pages)
	due, level := l.start.Add(time.Duration(n)*5*time.Minute), "L1"
	if !l.climb.IsZero() && due.After(l.climb) {
		due, level = l.climb, "L3"
	}
	if now.Before(due) {
		return incident.Decision{Wake: due}
	}
	return incident.Decision{Events: []incident.Event{incident.Paged{Level: level, Attempt: n + 1, Person: bob, Methods: []string{"slack"}}}}
}

func TestTheNextEscalationIsNotTheSameLevelAgain(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	s := incident.Apply(incident.Incident{}, incident.Record{Seq: 1, At: start, Event: incident.Declared{
		ID: "INC-1", Title: "x", Severity: incident.P1, Plan: incident.Plan{
			Cadence: map[incident.Severity]string{incident.P1: "@every 10m"}, Ladder: incident.Ladder{Levels: []incident.Level{{Name: "L1"}, {Name: "L3"}}},
		},
	}})
	s = incident.Apply(s, incident.Record{Seq: 2, At: start, Event: incident.Paged{Level: "L1", Attempt: 1, Person: bob, Methods: []string{"slack"}}})
	for _, c := range []struct {
		climb time.Time
		want  string
		at    time.Duration
	}{
		{start.Add(13 * time.Minute), "L3 Bob Smith", 13 * time.Minute},
		{time.Time{}, "L1 Bob Smith again", 5 * time.Minute},
	} {
		rules := func() []incident.Rule { return []incident.Rule{reminders.Updates{}, ladder{start, c.climb}} }
		if a := bot.Ahead(rules)(s, start.Add(time.Minute)); a.Level != "L1" || a.Next != c.want || !a.NextAt.Equal(start.Add(c.at)) {
			t.Errorf("ahead is %+v, want %s after %s", a, c.want, c.at)
		}
	}
}
