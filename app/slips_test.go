package app

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunRefusesAndLeavesNothing: a directory that was named and is missing, and
// tokens that are missing, are said in one sentence, and no data file is left.
func TestRunRefusesAndLeavesNothing(t *testing.T) {
	env := func(string) (string, bool) { return "", false }
	data := filepath.Join(t.TempDir(), "data", "muster.db")
	gone := filepath.Join(t.TempDir(), "gone")
	for config, want := range map[string]string{
		gone:        gone + " does not exist",
		"":          "SLACK_BOT_TOKEN is not set",
		"./config":  "SLACK_BOT_TOKEN is not set",
		t.TempDir(): "SLACK_BOT_TOKEN is not set",
	} {
		err := Run(t.Context(), RunFlags{Config: config, Data: data, Listen: "127.0.0.1:0"}, env, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("--config %q: %v, want %q", config, err, want)
		}
		if _, err := os.Stat(filepath.Dir(data)); err == nil {
			t.Errorf("--config %q left a data file", config)
		}
	}
	if err := given("slips_test.go"); err == nil || !strings.Contains(err.Error(), "is a file") {
		t.Errorf("a file as the directory: %v", err)
	}
	for _, speed := range []float64{0, 0.5, 61, -1} {
		err := Demo(t.Context(), DemoFlags{Listen: "127.0.0.1:0", Speed: speed, NoOpen: true}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "from 1 to 60") {
			t.Errorf("--speed %v: %v", speed, err)
		}
	}
}
