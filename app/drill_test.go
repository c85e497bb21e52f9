package app

import (
	"testing"
	"time"
)

// A drill at twenty times the speed runs through three levels and wakes nobody
// outside Slack; at its end there is a score.
func TestDrillWakesNobodyOutside(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P2 a real one")
		before := w.state("INC-1")
		w.command("erin", "#incidents", `/incident drill P0 "database gone" --speed 20`)
		card := w.card("DRILL: database gone")
		time.Sleep(4 * time.Minute)
		s := w.state("INC-2")
		if len(s.Tally.Levels) < 3 {
			t.Errorf("the levels %v were paged, want three at least", s.Tally.Levels)
		}
		for _, p := range s.Climb.Pages {
			for _, m := range p.Methods {
				if m.Method != "slack" {
					t.Errorf("%s was paged over %s", p.Person, m.Method)
				}
			}
		}
		w.command("erin", "#incidents", "/incident resolve INC-2 a lock")
		w.inThread(card, time.Minute, "Drill: 20 of 100 points", "never acknowledged", "escalations", "no step of a playbook ran")
		after := w.state("INC-1")
		if !after.Clock.From.Equal(before.Clock.From) || after.Climb.Attempts != before.Climb.Attempts {
			t.Errorf("the drill changed the real incident's clocks: %+v %+v", before.Clock, after.Clock)
		}
		if rows, err := (reader{w.program.incidents}).Rows(t.Context()); err != nil || len(rows) != 1 {
			t.Errorf("%d incidents are counted (%v), want the real one", len(rows), err)
		}
		w.command("erin", "#incidents", `/incident drill P3 "small one"`)
		small := w.card("DRILL: small one")
		w.command("erin", "#incidents", "/incident resolve INC-3 nothing")
		w.inThread(small, time.Minute, "100 of 100 points", "INC-2 had 20", "(INC-2: never acknowledged)")
		w.calm(60 * time.Hour)
		if w.facts("INC-2")["postmortem_overdue"] != 0 {
			t.Error("somebody is asked for the post-mortem of a drill")
		}
	})
}
