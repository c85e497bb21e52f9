package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/playbooks/evidence"
)

// TestEvidenceCommands: what was kept is listed, archived and verified; what was changed afterwards makes them fail and
// leaves no archive behind.
func TestEvidenceCommands(t *testing.T) {
	dir := t.TempDir()
	data, to := filepath.Join(dir, "muster.db"), filepath.Join(dir, "INC-1.zip")
	want := func(code int, args ...string) {
		t.Helper()
		if got := run(t.Context(), append([]string{"evidence"}, append(args, "--data", data)...)); got != code {
			t.Errorf("muster evidence %q exits with %d, want %d", args, got, code)
		}
	}
	want(1, "list", "INC-1")
	want(1, "archive", "INC-1", to)
	want(0, "verify")
	s := evidence.Open(evidence.Beside(data), time.Now)
	if _, err := s.Put(t.Context(), "INC-1", "pods.txt", []byte("api-1 Running\n")); err != nil {
		t.Fatal(err)
	}
	want(0, "list", "INC-1")
	want(0, "verify", "INC-1")
	want(0, "archive", "INC-1", to)
	want(1, "archive", "INC-1", to) // never over a file that is there

	objects, err := filepath.Glob(filepath.Join(evidence.Beside(data), "objects", "*", "*"))
	if err != nil || len(objects) != 1 {
		t.Fatalf("the objects are %v (%v)", objects, err)
	}
	if err := os.Chmod(objects[0], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(objects[0], []byte("api-1 Stopped\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(1, "verify")
	want(1, "archive", "INC-1", to+".2")
	if _, err := os.Stat(to + ".2"); !os.IsNotExist(err) {
		t.Errorf("an archive of changed evidence is there: %v", err)
	}
}
