package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCommandLine: a command that is not whole does nothing but say so, and
// the words of incident are explained without a program that runs.
func TestCommandLine(t *testing.T) {
	data := filepath.Join(t.TempDir(), "muster.db")
	t.Setenv("MUSTER_API_TOKEN", "")
	t.Setenv("MUSTER_URL", "http://127.0.0.1:1")
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"frobnicate"}, 2},
		{[]string{"audit"}, 2},
		{[]string{"backup"}, 2},
		{[]string{"audit", "verify", "--json", "--data", data}, 1},
		{[]string{"incident", "--help"}, 0},
		{[]string{"incident", "list"}, 1},
	} {
		if got := run(t.Context(), c.args); got != c.want {
			t.Errorf("muster %q exits with %d, want %d", c.args, got, c.want)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a question made a data file: %v", err)
	}
}
