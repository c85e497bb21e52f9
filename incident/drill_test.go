package incident_test

import (
	"testing"
	"time"

	"muster/incident"
)

// What is real and has a drill's title says that it is real.
func TestARealOneIsNotTakenForADrill(t *testing.T) {
	ann := incident.Person{Key: "ann@example.com"}
	for title, want := range map[string]string{
		"DRILL: database gone":   "NOT A DRILL: DRILL: database gone",
		" drill:database gone":   "NOT A DRILL: drill:database gone",
		"the drill: it is stuck": "the drill: it is stuck",
		"DRILLING stopped":       "DRILLING stopped",
	} {
		events, err := incident.Handle(incident.Incident{ID: "INC-1"}, incident.Declare{Title: title, By: ann}, time.Unix(0, 0))
		if err != nil || len(events) != 1 || events[0].(incident.Declared).Title != want {
			t.Errorf("%q becomes %+v (%v), want %q", title, events, err, want)
		}
	}
	events, err := incident.Handle(incident.Incident{ID: "INC-1"}, incident.Declare{Title: "DRILL: x", By: ann, Drill: incident.Drill{On: true}}, time.Unix(0, 0))
	if err != nil || len(events) != 1 || events[0].(incident.Declared).Title != "DRILL: x" {
		t.Errorf("a drill becomes %+v (%v)", events, err)
	}
}

// A snooze in a drill is as much shorter as its clocks are faster.
func TestASnoozeInADrill(t *testing.T) {
	begin := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	for speed, want := range map[int]time.Duration{0: 10 * time.Minute, 1: 10 * time.Minute, 10: time.Minute, 60: 10 * time.Second} {
		s := incident.Incident{
			ID: "INC-1", Severity: incident.P1, Status: incident.Investigating, DeclaredAt: begin, Drill: incident.Drill{On: speed > 0, Speed: speed},
			Plan: incident.Plan{Cadence: map[incident.Severity]string{incident.P1: "@every 10m"}}, Clock: incident.Clock{Due: begin}, Seq: 1,
		}
		events, err := incident.Handle(s, incident.Snooze{By: incident.Person{Key: "ann@example.com"}}, begin)
		if err != nil || len(events) != 1 || !events[0].(incident.Snoozed).Until.Equal(begin.Add(want)) {
			t.Errorf("at speed %d a snooze gives %+v (%v), want %v", speed, events, err, want)
		}
	}
}

// A private drill that pages for real says that it is one, and nothing else.
func TestAPrivateDrillSaysThatItIsOne(t *testing.T) {
	s := incident.Incident{ID: "INC-1", Title: "DRILL: payroll", DeclaredAt: time.Unix(0, 0), Circle: incident.Circle{Private: true}}
	for on, want := range map[bool]string{false: "Private incident", true: "DRILL: Private incident"} {
		s.Drill.On = on
		if got := s.Outside().Title; got != want {
			t.Errorf("a drill: %v, says %q, want %q", on, got, want)
		}
	}
}
