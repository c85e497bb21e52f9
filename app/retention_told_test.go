package app

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/playbooks/evidence"
)

// TestAnErasureThatWasCutShort: where the program was killed between a tombstone
// and what follows it, the next start tells the operations channel once, and
// takes records and evidence away, also when retention has left the
// configuration since.
func TestAnErasureThatWasCutShort(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": "retention: {P3: 30d}\n"}, func(w *world) {
		kept := evidence.Open(filepath.Join(w.dir, "muster.evidence"), time.Now)
		w.change = func(o *Options) { o.Evidence = kept }
		w.restart(0)
		erin := "erin@example.com"
		for _, say := range []string{
			"create P3 zanzibar leaks", "resolve INC-1 a valve", "create P3 --private zanzibar payroll", "resolve INC-2 a lock",
			"create P3 zanzibar again", "resolve INC-3 a valve",
		} {
			w.post(200, say, erin, "")
		}
		if _, err := kept.Put(w.Context(), "INC-1", "own.txt", []byte("zanzibar printed")); err != nil {
			t.Fatal(err)
		}
		// cut does what a program does up to the moment at which it is killed.
		cut := func(tell incident.TellErased, ids ...string) {
			t.Helper()
			s, err := openStore(filepath.Join(w.dir, "muster.db"))
			if err != nil {
				t.Fatal(err)
			}
			all := engine.NewIncidents(engine.Config{Store: s}, func() []incident.Rule { return nil })
			for _, id := range ids {
				_, err := all.Do(w.Context(), engine.Request[incident.Incident]{Stream: id, Intent: incident.Erase{Keep: w.program.opt.Live.Get().Retention}})
				if err != nil {
					t.Fatal(err)
				}
			}
			if len(tell.Incidents) > 0 {
				desk := engine.NewDesk(engine.Config{Store: s}, nil, nil)
				if _, err := desk.Do(w.Context(), engine.Request[incident.Desk]{Stream: engine.DeskStream, Intent: tell}); err != nil {
					t.Fatal(err)
				}
			}
			if left, err := s.Remains(); err != nil || !slices.Equal(left, ids) {
				t.Fatalf("%v remain of %v: %v", left, ids, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		look := func(told ...string) {
			t.Helper()
			if left, err := w.program.store.Remains(); err != nil || len(left) > 0 {
				t.Errorf("%v remain: %v", left, err)
			}
			var said []string
			for _, m := range w.ws.Person("alice").Messages("#muster-ops") {
				if strings.HasPrefix(m.Text, "Retention erased ") {
					said = append(said, strings.TrimSuffix(m.Text, ". A tombstone in the history says so of each."))
				}
			}
			if !slices.Equal(said, told) {
				t.Errorf("the operations channel was told %q, not %q", said, told)
			}
			if err := w.program.store.Verify(); err != nil {
				t.Error(err)
			}
		}

		w.stop()
		time.Sleep(31 * 24 * time.Hour)
		cut(incident.TellErased{}, "INC-1", "INC-2")
		writeFile(t, filepath.Join(w.dir, "config", "muster.yaml"), "retention: {}\n")
		w.start()
		time.Sleep(upkeepAfter + time.Minute)
		first := "Retention erased 2 incidents: INC-1"
		look(first)
		if ids, err := kept.Incidents(); err != nil || len(ids) > 0 {
			t.Errorf("evidence is kept for %v: %v", ids, err)
		}
		if w.state("INC-3").IsErased() {
			t.Error("INC-3 is erased, which nothing says any more")
		}

		w.stop()
		writeFile(t, filepath.Join(w.dir, "config", "muster.yaml"), "retention: {P3: 30d}\n")
		w.start()
		w.stop()
		cut(incident.TellErased{Incidents: []string{"INC-3"}}, "INC-3")
		w.start()
		time.Sleep(upkeepAfter + time.Minute)
		look(first, "Retention erased 1 incident: INC-3")
		w.restart(time.Minute)
		time.Sleep(upkeepAfter + upkeepEvery)
		look(first, "Retention erased 1 incident: INC-3")
		copied := filepath.Join(w.dir, "copy.db")
		if err := w.program.store.BackupFile(w.Context(), copied); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(liveBytes(t, copied), []byte("zanzibar")) {
			t.Error("what was erased is still in what the store holds")
		}
	})
}
