package incident_test

import (
	"testing"
	"time"

	"muster/incident"
)

// TestAskedAnew: a level that everybody had answered is asked of somebody else,
// hours later. The ladder's next round counts from there: it does not begin at
// once, and nothing is late.
func TestAskedAnew(t *testing.T) {
	plan := usual()
	plan.Ladder = incident.Ladder{
		Levels: []incident.Level{{Name: "L1", Role: "manager", Methods: []string{"slack"}, Until: incident.UntilResolved}},
		Mode:   incident.All, Repeat: 3, RepeatAfter: 10 * minute, LastResort: incident.LastResort{Channel: "#incidents"},
	}
	plan.Cadence = nil
	d := &duty{missing: map[string]map[string]string{}}
	d.plan(begin.Add(-time.Hour), map[string][]string{"manager": {"ann"}})
	d.plan(begin.Add(time.Hour), map[string][]string{"manager": {"alice"}})
	m := newSim(d)
	say := func(in incident.Intent) []fact {
		t.Helper()
		facts, err := m.say(in)
		if err != nil {
			t.Fatal(err)
		}
		return facts
	}
	say(incident.Declare{Title: "API down", Severity: incident.P0, By: person("ann"), Plan: plan})
	say(incident.Acknowledge{By: person("ann")})
	if _, err := m.until(begin.Add(2 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	asked := say(incident.Escalate{By: person("ann"), Level: "L1"})
	later, err := m.until(begin.Add(2*time.Hour + 10*minute))
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, f := range asked {
		switch e := f.record.Event.(type) {
		case incident.Paged:
			pages++
		case incident.LadderStarted:
			t.Errorf("the page that was asked for begins a round: %s", tell(e))
		}
	}
	if pages != 1 {
		t.Errorf("%d pages were asked for, want 1", pages)
	}
	for _, f := range later {
		if e, ok := f.record.Event.(incident.LadderStarted); ok && e.Round == 1 && e.Late == 0 && f.record.At.Equal(begin.Add(2*time.Hour+10*minute)) {
			return
		}
	}
	t.Errorf("the next round does not begin ten minutes later: %+v", later)
}
