package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
)

// TestAnErasedIncidentHasNoPlace: what is said in the channel or under the card
// of an incident that was erased belongs to no incident any more, and the other
// incidents keep their places, also after a restart.
func TestAnErasedIncidentHasNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		withRoom := plan
		withRoom.Room = []incident.Severity{incident.P1}
		gone, stays := w.declare(t, "API down", withRoom), w.declare(t, "database down", plan)
		w.post(t, gone, "announce", incident.Receipt{Channel: "C0", TS: "1.1"})
		w.post(t, stays, "announce", incident.Receipt{Channel: "C0", TS: "2.2"})
		w.post(t, gone, "room", incident.Receipt{Channel: "C9", Name: "inc-1-api-down"})
		w.do(t, gone, incident.Resolve{By: ann})
		if id, ok := w.ByPlace(t.Context(), "C9", ""); !ok || id != gone {
			t.Fatalf("before, the channel is that of %q", id)
		}
		time.Sleep(31 * 24 * time.Hour)
		w.do(t, gone, incident.Erase{Keep: map[incident.Severity]time.Duration{incident.P1: 30 * 24 * time.Hour}})
		look := func(when string) {
			t.Helper()
			for _, at := range []struct{ channel, thread, want string }{{"C9", "", ""}, {"C0", "1.1", ""}, {"C0", "2.2", stays}} {
				if id, ok := w.ByPlace(t.Context(), at.channel, at.thread); id != at.want || ok != (at.want != "") {
					t.Errorf("%s: %s %s is %q, not %q", when, at.channel, at.thread, id, at.want)
				}
			}
		}
		look("erased")
		w = on(w.store)
		look("after a restart")
	})
}
