package store_test

import (
	"path/filepath"
	"testing"

	"muster/outbox"
	"muster/store"
	"muster/store/storetest"
)

// TestIDsAfterRestore: what was delivered after a backup was written keeps its
// ID for itself when that backup is put in the file's place. What waited in the
// backup keeps its own.
func TestIDsAfterRestore(t *testing.T) {
	dir := t.TempDir()
	with := func(name, epoch string) *store.Store {
		s, err := store.Open(filepath.Join(dir, name), store.Options{Epoch: epoch})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	next := func(s *store.Store) string {
		step := store.Step{Stream: "INC-1", Expect: 1, Records: []store.Record{storetest.Fact("note", `{}`)}, Deliver: []outbox.Delivery{{}}}
		return storetest.Commit(t, s, step).Deliveries[0].ID
	}
	live := with("live.db", "first")
	step := storetest.Declare()
	step.Deliver = []outbox.Delivery{{}}
	waits := storetest.Commit(t, live, step).Deliveries[0].ID
	if err := live.BackupFile(t.Context(), filepath.Join(dir, "backup.db")); err != nil {
		t.Fatal(err)
	}
	before := next(live)
	restored := with("backup.db", "second")
	if all, err := restored.Pending(); err != nil || len(all) != 1 || all[0].ID != waits {
		t.Errorf("what waited as %s waits as %v (%v)", waits, all, err)
	}
	if after := next(restored); after == before || before != "INC-1/2/0/first" || after != "INC-1/2/0/second" {
		t.Errorf("before it was %s, after the restore %s", before, after)
	}
}
