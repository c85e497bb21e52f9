package app

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// Hiding and annotating a record change how the post-mortem shows it, and
// nothing else: the history still verifies, and an export has the record.
func TestHiddenRecordStaysInTheHistory(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(200, "create P2 API slow", "erin@example.com", "")
		w.post(200, "note INC-1 wrong thread, sorry", "erin@example.com", "")
		w.post(200, "note INC-1 the cache is cold", "erin@example.com", "")
		w.post(200, "resolve INC-1 a bad deploy", "erin@example.com", "")
		number := map[string]string{}
		for _, line := range strings.Split(w.replied("timeline INC-1").Text, "\n") {
			for _, text := range []string{"wrong thread", "cache is cold"} {
				if fields := strings.Fields(line); strings.Contains(line, text) && len(fields) > 3 {
					number[text] = fields[3]
				}
			}
		}
		w.post(200, "postmortem hide INC-1 "+number["wrong thread"], "erin@example.com", "")
		w.post(200, "postmortem annotate INC-1 "+number["cache is cold"]+" known since May", "erin@example.com", "")
		w.stop()
		defer w.start()
		data, to := filepath.Join(w.dir, "muster.db"), filepath.Join(w.dir, "out.zip")
		q := Question{Config: filepath.Join(w.dir, "config"), Out: io.Discard, Env: w.lookup}
		if err := Verify(t.Context(), q, data); err != nil {
			t.Fatal(err)
		}
		if err := Export(t.Context(), q, data, "INC-1", to); err != nil {
			t.Fatal(err)
		}
		c, f, err := readArchive(to)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		records := ""
		for _, r := range c.History {
			records += string(r.Body)
		}
		if !strings.Contains(records, "wrong thread, sorry") || !strings.Contains(records, "known since May") {
			t.Error("the export has lost a record")
		}
		text := partOf(t, c, "postmortem.md")
		if strings.Contains(text, "wrong thread, sorry") || !strings.Contains(text, "the cache is cold *(known since May)*") {
			t.Errorf("the post-mortem says\n%s", text)
		}
	})
}
