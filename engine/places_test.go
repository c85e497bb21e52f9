package engine_test

import (
	"testing"
	"testing/synctest"

	"muster/engine"
	"muster/incident"
	"muster/store"
)

func TestLookingDoesNotWaitForAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.Memory()
		defer st.Close()
		looked := 0
		var e engine.Incidents
		e = engine.NewIncidents(engine.Config{Store: st, Passing: func(p engine.Points) {
			if p != engine.BeforeCommit {
				return
			}
			looked++
			e.OpenIncidents() // a step holds its incident's lock here
			e.ByPlace(t.Context(), "C0", "1.1")
		}}, rules)
		r, err := e.Do(t.Context(), engine.Request[incident.Incident]{New: true, Intent: incident.Declare{Title: "API down", Severity: incident.P1, By: ann, Plan: plan}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Do(t.Context(), engine.Request[incident.Incident]{Stream: r.Stream, Intent: incident.Note{By: ann, Text: "look"}}); err != nil {
			t.Fatal(err)
		}
		if open := e.OpenIncidents(); looked != 2 || len(open) != 1 || open[0].Seq == 0 {
			t.Errorf("looked %d times, then saw %v", looked, open)
		}
	})
}
