package main

import (
	"os"
	"path/filepath"
	"strings"
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
		{[]string{"oncall", "--config", t.TempDir(), "--at", "tomorrow"}, 2},
		{[]string{"oncall", "--config", t.TempDir(), "--at", "2026-11-29T03:00:00+01:00"}, 0},
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

// TestMomentsSayHowTheyAreWritten: who mistypes a time reads how one looks.
func TestMomentsSayHowTheyAreWritten(t *testing.T) {
	var m moment
	err := m.UnmarshalText([]byte("tomorrow"))
	if err == nil || !strings.Contains(err.Error(), `"tomorrow" is not a time: write it as 2026-`) {
		t.Errorf("it says %v", err)
	}
	if err := m.UnmarshalText([]byte("2026-11-29T03:00:00+01:00")); err != nil || m.UTC().Hour() != 2 {
		t.Errorf("%v is read, %v", m, err)
	}
}
