package app

import (
	"path/filepath"
	"testing"

	"muster/outbox"
	"muster/store"
)

// TestEveryStartNumbersAnew: a data file that came out of a backup gives no
// delivery the ID of a message that was posted after the backup.
func TestEveryStartNumbersAnew(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		s, err := openStore(filepath.Join(t.TempDir(), "muster.db"))
		if err != nil {
			t.Fatal(err)
		}
		done, err := s.Commit(t.Context(), store.Step{Stream: "INC-1", Deliver: []outbox.Delivery{{Kind: "announce"}}})
		if err != nil {
			t.Fatal(err)
		}
		id := done.Deliveries[0].ID
		if seen[id] {
			t.Errorf("%s was given twice", id)
		}
		seen[id] = true
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
