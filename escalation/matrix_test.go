package escalation_test

import (
	"slices"
	"testing"
	"time"

	"muster/escalation"
	"muster/incident"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// alone is a roster with one person whose shift ends at until.
type alone struct {
	person  incident.Person
	until   time.Time
	missing map[string]string
}

func (a alone) OnCall(string, time.Time) escalation.Shift {
	return escalation.Shift{Contacts: []escalation.Contact{a.Contact(a.person)}, Until: a.until}
}

func (a alone) Contact(p incident.Person) escalation.Contact {
	return escalation.Contact{Person: p, Missing: a.missing}
}

func opened(l incident.Ladder) incident.Incident {
	return incident.Apply(incident.Incident{ID: "INC-1"}, incident.Record{Seq: 1, At: noon, Event: incident.Declared{
		ID: "INC-1", Severity: incident.P1, Plan: incident.Plan{Ladder: l},
	}})
}

func TestLate(t *testing.T) {
	for behind, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 0: 0, 999 * time.Millisecond: 0, time.Second: time.Second, 90*time.Second + 1: 90 * time.Second,
	} {
		if got := escalation.Late(noon, noon.Add(behind)); got != want {
			t.Errorf("%v behind is %v late, want %v", behind, got, want)
		}
	}
}

// TestOnCallWake: a roster that names an end that is over must not have the
// rule asked again and again.
func TestOnCallWake(t *testing.T) {
	alice := incident.Person{Key: "alice@example.com", Name: "Alice"}
	s := opened(incident.Ladder{Levels: []incident.Level{{Name: "L1", Role: "primary"}}})
	s.OnCall = alice
	for until, want := range map[time.Time]time.Time{{}: {}, noon.Add(-1): {}, noon: {}, noon.Add(1): noon.Add(1)} {
		d := escalation.OnCall{Roster: alone{person: alice, until: until}}.Reconcile(s, noon)
		if !d.Wake.Equal(want) || len(d.Events) != 0 {
			t.Errorf("until %v: %+v, want the wake %v", until, d, want)
		}
	}
}

// TestShortest: however short the configured times are, nobody is paged more
// than once a minute, nor a round begun more often.
func TestShortest(t *testing.T) {
	rule := escalation.Matrix{Roster: alone{person: incident.Person{Key: "alice@example.com"}}}
	s := opened(incident.Ladder{
		Levels: []incident.Level{{Name: "L1", Role: "primary", Methods: []string{"slack"}, RespondWithin: time.Second, Until: incident.UntilResolved}},
		Repeat: 1000, RepeatAfter: 1,
	})
	pages, at := 0, noon
	for at.Before(noon.Add(time.Hour)) {
		d := rule.Reconcile(s, at)
		for _, e := range d.Events {
			s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: at, Event: e})
			if _, ok := e.(incident.Paged); ok {
				pages++
			}
		}
		if len(d.Events) == 0 {
			at = d.Wake
		}
	}
	if pages != 60 {
		t.Errorf("%d pages in an hour, want 60", pages)
	}
}

// TestForgottenPage: the ladder goes on when the state no longer remembers what
// became of a level's last page.
func TestForgottenPage(t *testing.T) {
	alice := incident.Person{Key: "alice@example.com", Name: "Alice"}
	s := opened(incident.Ladder{
		Levels: []incident.Level{{Name: "L1", Role: "primary", Methods: []string{"slack", "phone"}, RespondWithin: 5 * time.Minute, Until: incident.UntilResolved}},
		Mode:   incident.Sequence, Step: time.Minute, Repeat: 3, RepeatAfter: time.Hour,
	})
	rule := escalation.Matrix{Roster: alone{person: alice}}
	for range 2 {
		for _, e := range rule.Reconcile(s, noon).Events {
			s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: noon, Event: e})
		}
	}
	s.Climb.Pages = nil
	d := rule.Reconcile(s, noon.Add(5*time.Minute))
	if len(d.Events) != 1 {
		t.Fatalf("%+v", d)
	}
	if e, ok := d.Events[0].(incident.Paged); !ok || e.Person != alice || e.Why != incident.WhyUnanswered {
		t.Errorf("%+v", d.Events[0])
	}
	s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: noon, Event: incident.Acknowledged{By: alice}})
	if d := rule.Reconcile(s, noon.Add(5*time.Minute)); len(d.Events) != 0 {
		t.Errorf("paged in spite of the acknowledgement: %+v", d.Events)
	}
}

// TestFailedJustNow: a failure that makes the next round due sooner is heard
// only now, so the round is not late.
func TestFailedJustNow(t *testing.T) {
	alice := incident.Person{Key: "alice@example.com", Name: "Alice"}
	missing := map[string]string{"phone": "no number"}
	rule := escalation.Matrix{Roster: alone{person: alice, missing: missing}}
	s := opened(incident.Ladder{
		Levels: []incident.Level{{Name: "L1", Role: "primary", Methods: []string{"phone"}, RespondWithin: 5 * time.Minute, Until: incident.UntilResolved}},
		Repeat: 3, RepeatAfter: 30 * time.Minute, LastResort: incident.LastResort{Channel: "#incidents"},
	})
	apply := func(at time.Time, events ...incident.Event) {
		for _, e := range events {
			s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: at, Event: e})
		}
	}
	settle := func(at time.Time) (started incident.LadderStarted) {
		for d := rule.Reconcile(s, at); len(d.Events) > 0; d = rule.Reconcile(s, at) {
			apply(at, d.Events...)
			if e, ok := d.Events[0].(incident.LadderStarted); ok && e.Round > 0 {
				return e
			}
		}
		return started
	}
	settle(noon)
	// Nobody can be paged by the level; a page about an overdue update fails.
	apply(noon.Add(18*time.Minute), incident.Paged{Attempt: 1, Person: alice, Methods: []string{"slack"}, Why: incident.WhyOverdue})
	if e := settle(noon.Add(19 * time.Minute)); e.Round != 0 {
		t.Fatalf("a round begins before its time: %+v", e)
	}
	apply(noon.Add(20*time.Minute), incident.PageSettled{Attempt: 1, Method: "slack", State: incident.PageFailed})
	if e := settle(noon.Add(20 * time.Minute)); e.Round != 1 || e.Late != 0 {
		t.Errorf("%+v, want a round that is not late", e)
	}
}

// TestNoPageInTheSameMoment: a page that is due a hair before the next round
// is that round's.
func TestNoPageInTheSameMoment(t *testing.T) {
	rule := escalation.Matrix{Roster: alone{person: incident.Person{Key: "alice@example.com"}}}
	s := opened(incident.Ladder{
		Levels: []incident.Level{{Name: "L1", Role: "primary", Methods: []string{"slack"}, RespondWithin: 6 * time.Minute, Until: incident.UntilResolved}},
		Repeat: 1, RepeatAfter: 12 * time.Minute,
	})
	hair := 2 * time.Microsecond
	var pages []time.Duration
	for at := noon; at.Before(noon.Add(13 * time.Minute)); {
		d := rule.Reconcile(s, at)
		for _, e := range d.Events {
			s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: at, Event: e})
			if _, ok := e.(incident.Paged); ok {
				pages = append(pages, at.Sub(noon).Round(time.Second))
				if len(pages) == 1 { // the clock was that much ahead
					s.Climb.Rungs[0].Since = s.Climb.Rungs[0].Since.Add(hair)
				}
			}
		}
		if len(d.Events) == 0 {
			at = d.Wake
		}
	}
	if want := []time.Duration{0, 6 * time.Minute, 12 * time.Minute}; !slices.Equal(pages, want) {
		t.Errorf("the pages leave at %v, want %v", pages, want)
	}
}
