package app

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckData: what was not read is not said to be whole.
func TestCheckData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	want := func(words string) {
		t.Helper()
		if found, err := checkData(path); err != nil || !strings.Contains(found, words) {
			t.Errorf("the data file is said to be %q, %v; want %q", found, err, words)
		}
	}
	want("is not there yet")
	s, err := openStore(path)
	if err != nil {
		t.Fatal(err)
	}
	want("is in use")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want("its history is whole")
}
