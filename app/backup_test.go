package app

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/outbox"
	"muster/playbooks/evidence"
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

// TestBackupTakesTheEvidence: what a step left is in the copy, and a program
// that goes on from the copy has it; a damaged piece is named and the rest is
// there.
func TestBackupTakesTheEvidence(t *testing.T) {
	dir := t.TempDir()
	data, to := filepath.Join(dir, "muster.db"), filepath.Join(dir, "away", "copy.db")
	s, err := openStore(data)
	must(t, err)
	must(t, s.Close())
	must(t, os.MkdirAll(filepath.Dir(to), 0o700))
	var said bytes.Buffer
	q := Question{Out: &said, Env: func(string) (string, bool) { return "", false }}
	must(t, Backup(t.Context(), q, data, filepath.Join(dir, "none.db")))
	if exists(filepath.Join(dir, "none.evidence")) || !strings.Contains(said.String(), "no evidence was kept so far") {
		t.Errorf("without evidence: %s", said.String())
	}
	for incident, name := range map[string]string{"INC-1": "run-1-output.txt", "INC-2": "run-1-undo.json"} {
		_, err := evidenceOf(data).Put(t.Context(), incident, name, []byte("left by "+incident))
		must(t, err)
	}
	_, err = evidenceOf(data).Put(t.Context(), "INC-2", "more.txt", []byte("more"))
	must(t, err)
	said.Reset()
	must(t, Backup(t.Context(), q, data, to))
	if want := "3 pieces of evidence into " + filepath.Join(dir, "away", "copy.evidence"); !strings.Contains(said.String(), want) {
		t.Errorf("it says %q, not %q", said.String(), want)
	}
	if err := Backup(t.Context(), q, data, to); err == nil {
		t.Error("a copy is written over another one")
	}

	// Restored: both in the place of the old ones.
	restored := filepath.Join(dir, "new", "muster.db")
	must(t, os.MkdirAll(filepath.Dir(restored), 0o700))
	must(t, os.Rename(to, restored))
	must(t, os.Rename(evidence.Beside(to), evidence.Beside(restored)))
	must(t, Verify(t.Context(), q, restored))
	must(t, EvidenceVerify(t.Context(), q, restored, ""))
	got, err := evidenceOf(restored).Get(t.Context(), "INC-2", "run-1-undo.json")
	if err != nil || string(got) != "left by INC-2" {
		t.Errorf("restored: %q, %v", got, err)
	}
	if _, err := evidenceOf(restored).Put(t.Context(), "INC-2", "later.txt", []byte("later")); err != nil {
		t.Errorf("the list does not go on: %v", err)
	}
	must(t, EvidenceVerify(t.Context(), q, restored, "INC-2"))

	pieces, err := evidenceOf(data).List(t.Context(), "INC-1")
	must(t, err)
	object := filepath.Join(evidence.Beside(data), "objects", pieces[0].SHA256[:2], pieces[0].SHA256)
	must(t, os.Chmod(object, 0o600))
	must(t, os.WriteFile(object, []byte("something else"), 0o600))
	damaged := filepath.Join(dir, "damaged.db")
	err = Backup(t.Context(), Question{Out: io.Discard, Env: q.Env}, data, damaged)
	if err == nil || !strings.Contains(err.Error(), "INC-1") || !strings.Contains(err.Error(), "not what was kept") {
		t.Errorf("a damaged piece: %v", err)
	}
	if _, err := evidence.Open(evidence.Beside(damaged), time.Now).Verify(t.Context(), "INC-2"); err != nil || !exists(damaged) {
		t.Errorf("the rest is not there: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
