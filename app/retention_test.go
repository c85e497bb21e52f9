package app

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/playbooks/evidence"
	"muster/store/kv"
	"muster/store/kv/bolt"
)

// TestRetention: what ended long enough ago for its severity is erased with its
// evidence, and only that: what waits, is open, younger or of another severity
// stays. A tombstone answers for what is gone, also after a restart.
func TestRetention(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": "retention: {P2: 60d, P3: 30d}\n"}, func(w *world) {
		kept := evidence.Open(filepath.Join(w.dir, "muster.evidence"), time.Now)
		w.change = func(o *Options) { o.Evidence = kept }
		w.restart(0)
		erin := "erin@example.com"
		w.post(200, "create P3 zanzibar leaks", erin, "")
		w.post(200, "note INC-1 zanzibar again", erin, "")
		w.post(200, "resolve INC-1 zanzibar valve", erin, "")
		w.post(200, "create P3 one with work left", erin, "")
		w.post(200, "action INC-2 mend it @bob", erin, "")
		w.post(200, "resolve INC-2 a lock", erin, "")
		w.post(200, "create P2 a younger one", erin, "")
		w.post(200, "create P3 still open", erin, "")
		w.post(200, "create P3 --private zanzibar payroll", erin, "")
		w.post(200, "resolve INC-5 zanzibar", erin, "")
		w.post(200, "create P3 the same as another", erin, "")
		w.post(200, "merge INC-6 INC-3", erin, "")
		w.post(200, "resolve INC-3 a lock", erin, "")
		keep := func(id, name, data string) {
			if _, err := kept.Put(w.Context(), id, name, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		keep("INC-1", "own.txt", "zanzibar printed")
		keep("INC-1", "both.txt", "the same twice")
		keep("INC-3", "both.txt", "the same twice")

		w.restart(23 * 24 * time.Hour)
		time.Sleep(9*time.Hour + 5*time.Minute)
		if count(w.ws.Person("alice").Messages("#incidents"), "Retention erases before the next of these: INC-1, INC-6. `muster export INC-1` keeps a copy.") != 1 {
			t.Error("the weekly digest does not warn")
		}
		w.restart(time.Until(time.Date(2000, 1, 30, 21, 0, 0, 0, time.UTC)))
		time.Sleep(2 * time.Hour)
		records := len(w.history("INC-1"))
		if records < 3 {
			t.Fatalf("a day too early %d records are left", records)
		}
		w.restart(2 * time.Hour)
		time.Sleep(6 * time.Minute)
		if count(w.ws.Person("alice").Messages("#muster-ops"), "Retention erased 3 incidents: INC-1, INC-6. ") != 1 {
			t.Error("the operations channel is not told")
		}
		gone := "INC-1 was erased on 31 January 2000: its "
		look := func() {
			t.Helper()
			for _, ask := range []string{"show INC-1", "timeline INC-1", "update INC-1 back again", "reopen INC-1 back", "postmortem INC-1", "note INC-1 late"} {
				if text := w.post(http.StatusGone, ask, erin, ""); !strings.Contains(text, gone) || !strings.Contains(text, "It was a P3, declared on 1 January 2000, over on 1 January 2000.") {
					t.Errorf("%s: %s", ask, text)
				}
			}
			if text := w.post(http.StatusNotFound, "show INC-5", erin, ""); !strings.Contains(text, "There is no INC-5.") {
				t.Errorf("a private one: %s", text)
			}
			for _, ask := range []string{"/v1/incidents?state=all", "/v1/incidents/INC-2", "/v1/incidents/INC-3", "/v1/incidents/INC-4"} {
				if status, text := w.ask("GET", ask, "api-token", "", ""); status != 200 || strings.Contains(text, "zanzibar") || strings.Contains(text, "erased") {
					t.Errorf("%s: %d %s", ask, status, text)
				}
			}
			if status, text := w.ask("GET", "/v1/incidents/INC-1", "api-token", "", ""); status != http.StatusGone || !strings.Contains(text, gone) {
				t.Errorf("over HTTP: %d %s", status, text)
			}
			if list := w.post(200, "list all", erin, ""); strings.Contains(list, "INC-1 ") || !strings.Contains(list, "INC-2") {
				t.Errorf("the list: %s", list)
			}
			if h := w.history("INC-1"); len(h) != 1 || h[0].Seq != uint64(records)+1 {
				t.Errorf("the history is %+v", h)
			}
			if err := w.program.store.Verify(); err != nil {
				t.Error(err)
			}
			if ids, err := kept.Incidents(); err != nil || strings.Join(ids, " ") != "INC-3" {
				t.Errorf("evidence is kept for %v: %v", ids, err)
			}
			if data, err := kept.Get(w.Context(), "INC-3", "both.txt"); err != nil || string(data) != "the same twice" {
				t.Errorf("shared evidence: %s %v", data, err)
			}
		}
		look()
		w.restart(time.Minute)
		look()
		copied := filepath.Join(w.dir, "copy.db")
		if err := w.program.store.BackupFile(w.Context(), copied); err != nil {
			t.Fatal(err)
		}
		var archive bytes.Buffer
		exported := func(id string) error {
			return export(w.Context(), w.program.store, kept, nil, w.program.opt.Live.Get().Templates, id, &archive)
		}
		if err := exported("INC-1"); err == nil || !strings.Contains(err.Error(), gone) || archive.Len() > 0 {
			t.Errorf("an export: %v", err)
		}
		if live := liveBytes(t, copied); bytes.Contains(live, []byte("zanzibar")) || !bytes.Contains(live, []byte("younger")) {
			t.Error("what was erased is still in what the store holds")
		}
		w.post(200, "action done 1 INC-2", erin, "")
		time.Sleep(upkeepEvery + time.Minute)
		if !w.state("INC-2").IsErased() {
			t.Error("INC-2 stays, whose work is done")
		}
		if got := w.post(200, "create P3 a new one", erin, ""); !strings.Contains(got, "INC-7") {
			t.Errorf("numbers go on: %s", got)
		}
	})
}

// TestRetentionPassesOverWhatIsDamaged: a history that cannot be read is left as
// it is, and keeps no other from being erased.
func TestRetentionPassesOverWhatIsDamaged(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": "retention: {P3: 30d}\n"}, func(w *world) {
		for _, title := range []string{"The first one", "The altered one", "The last one"} {
			w.post(200, "create P3 "+title, "erin@example.com", "")
		}
		for _, id := range []string{"INC-1", "INC-2", "INC-3"} {
			w.post(200, "resolve "+id+" a lock", "erin@example.com", "")
		}
		time.Sleep(2 * time.Hour)
		w.stop()
		alter(t, filepath.Join(w.dir, "muster.db"), "The altered one", "The alterex one")
		time.Sleep(31 * 24 * time.Hour)
		w.start()
		time.Sleep(upkeepAfter + time.Minute)
		if !w.state("INC-1").IsErased() || !w.state("INC-3").IsErased() {
			t.Error("the others are not erased")
		}
		if err := w.program.store.Verify(); err == nil || !strings.Contains(err.Error(), "INC-2 record 1 was altered") {
			t.Errorf("the altered one: %v", err)
		}
		if count(w.ws.Person("alice").Messages("#muster-ops"), "Retention erased 2 incidents: INC-1, INC-3. ") != 1 {
			t.Error("the operations channel is not told")
		}
	})
}

// liveBytes is all that a data file holds, without what its free pages may
// still have.
func liveBytes(t *testing.T, file string) []byte {
	t.Helper()
	db, err := bolt.Open(file, bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all []byte
	err = db.Scan(kv.Range{}, func(k, v []byte) bool {
		all = append(append(append(all, k...), v...), '\n')
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
