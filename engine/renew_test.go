package engine_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/store"
)

// An entry of a listing that an older version wrote says, after Renew, what the
// version of today would have written; a current one is not written again.
func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		for _, title := range []string{"open", "closed", "current", "forgotten"} {
			id := w.declare(t, title, plan)
			w.do(t, id, incident.Acknowledge{By: ann})
			time.Sleep(time.Minute)
			if title != "open" {
				w.do(t, id, incident.Resolve{By: ann, Cause: "the deployment"})
				w.do(t, id, incident.Close{By: ann})
			}
		}
		list := func() (out map[string]engine.Summary) {
			all, err := w.List(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			out = map[string]engine.Summary{}
			for _, s := range all {
				out[s.ID] = s
			}
			return out
		}
		before := list()
		age := func(id string, entry engine.Summary) {
			body, err := json.Marshal(entry)
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := w.store.Load(id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.store.Commit(t.Context(), store.Step{Stream: id, Expect: loaded.Seq, Summary: body}); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{"INC-1", "INC-2"} {
			old := before[id]
			old.Fold, old.Tally = 0, incident.Tally{Records: 1}
			age(id, old)
		}
		// Of INC-4 the listing counted more than its records say now.
		gone := before["INC-4"]
		gone.Fold, gone.Tally.Records, gone.Tally.Kept = 0, 900, 7
		age("INC-4", gone)

		commits := f.count()
		w = on(w.store)
		if n, err := w.Renew(t.Context()); err != nil || n != 3 {
			t.Fatalf("%d were renewed, want 3: %v", n, err)
		}
		gone.Fold = engine.SnapshotVersion
		before["INC-4"] = gone
		same(t, "the listing after", list(), before)
		if n := f.count() - commits; n != 3 {
			t.Errorf("that took %d commits, want 3", n)
		}
		if n, err := w.Renew(t.Context()); err != nil || n != 0 {
			t.Errorf("the second time %d were renewed: %v", n, err)
		}
		if s, err := w.State(t.Context(), "INC-2"); err != nil || s.Status != incident.Closed {
			t.Errorf("the incident itself is %s: %v", s.Status, err)
		}
	})
}
