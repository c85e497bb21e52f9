package engine_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/outbox"
)

// post lets the card of an incident stand somewhere.
func (w *world) post(t *testing.T, id, kind string, r incident.Receipt) {
	t.Helper()
	all, err := w.store.Pending()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Stream == id && d.Kind == kind {
			receipt, _ := json.Marshal(r)
			if err := w.Settle(t.Context(), d, outbox.Outcome{State: outbox.Delivered, Receipt: receipt, At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no %s of %s waits", kind, id)
}

func TestByPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		withRoom := plan
		withRoom.Room = []incident.Severity{incident.P1}
		one, two := w.declare(t, "API down", withRoom), w.declare(t, "database down", plan)
		w.post(t, one, "announce", incident.Receipt{Channel: "C0", TS: "1.1"})
		w.post(t, two, "announce", incident.Receipt{Channel: "C0", TS: "2.2"})
		w.post(t, one, "room", incident.Receipt{Channel: "C9", Name: "inc-1-api-down"})
		look := func(when string) {
			for _, c := range []struct{ channel, thread, want string }{
				{"C0", "1.1", one}, {"C0", "2.2", two}, {"C9", "", one}, {"C9", "7.7", one}, {"C0", "", ""}, {"C0", "3.3", ""}, {"C1", "1.1", ""}, {"", "1.1", ""},
			} {
				if got, ok := w.ByPlace(t.Context(), c.channel, c.thread); got != c.want || ok != (c.want != "") {
					t.Errorf("%s: %s %s is %q, want %q", when, c.channel, c.thread, got, c.want)
				}
			}
		}
		look("open")
		w.do(t, one, incident.Resolve{By: ann})
		w.do(t, two, incident.Resolve{By: ann})
		look("resolved")
		w = on(w.store)
		look("after a restart")
	})
}

func TestListAndState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		for _, title := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
			w.declare(t, title, plan)
			time.Sleep(time.Second)
		}
		w.do(t, "INC-2", incident.Resolve{By: ann, Cause: "bad deploy"})
		w.do(t, "INC-2", incident.Close{By: ann, Reason: "written"})
		ids := func(limit int) (out []string) {
			all, err := w.List(t.Context(), limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				out = append(out, s.ID+" "+string(s.Status))
			}
			return out
		}
		same(t, "the newest two", ids(2), []string{"INC-11 Investigating", "INC-10 Investigating"})
		all := ids(0)
		if len(all) != 11 || all[9] != "INC-2 Closed" || all[10] != "INC-1 Investigating" {
			t.Errorf("all of them: %v", all)
		}
		if got, err := w.List(t.Context(), 1); err != nil || got[0].Commander != ann {
			t.Errorf("the commander: %+v %v", got, err)
		}
		s, err := w.State(t.Context(), "INC-2")
		if err != nil || s.Status != incident.Closed || s.Resolution.Cause != "bad deploy" {
			t.Errorf("the closed one: %+v %v", s, err)
		}
		var refusal incident.Refusal
		if _, err := w.State(t.Context(), "INC-99"); !errors.As(err, &refusal) {
			t.Errorf("one that is not there: %v", err)
		}
		open := w.OpenIncidents()
		if len(open) != 10 || open[0].ID != "INC-11" || open[9].ID != "INC-1" {
			t.Errorf("%d are open, the newest is %s", len(open), open[0].ID)
		}
		some := w.OpenWhere(func(s *incident.Incident) bool { return s.ID == "INC-3" || s.ID == "INC-10" || s.ID == "INC-2" })
		if len(some) != 2 || some[0].ID != "INC-10" || some[1].ID != "INC-3" {
			t.Errorf("two of three are open, the newer one first: %+v", some)
		}
		some = w.Where(func(s *incident.Incident) bool { return s.ID == "INC-3" })
		if len(some) != 1 || some[0].ID != "INC-3" {
			t.Errorf("one of those in memory: %+v", some)
		}
		w.do(t, "INC-2", incident.Reopen{By: ann, Reason: "back"})
		if n := len(w.OpenIncidents()); n != 11 {
			t.Errorf("after reopening %d are open", n)
		}
	})
}
