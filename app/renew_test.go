package app

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"muster/engine"
	"muster/store"
)

// What a version that counted less wrote of a closed incident is made again
// after the start, and the statistics have it.
func TestStatisticsKnowWhatAnOlderVersionClosed(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 it is slow")
		time.Sleep(3 * time.Minute)
		w.command("bob", "#incidents", "/incident ack INC-1")
		w.command("erin", "#incidents", "/incident resolve INC-1 a lock")
		w.command("erin", "#incidents", "/incident close INC-1 nothing to learn")
		w.stop()
		s, err := openStore(filepath.Join(w.dir, "muster.db"))
		if err != nil {
			w.Fatal(err)
		}
		loaded, err := s.Load("INC-1")
		if err != nil {
			w.Fatal(err)
		}
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(loaded.Summary, &entry); err != nil {
			w.Fatal(err)
		}
		delete(entry, "fold")
		delete(entry, "tally")
		body, err := json.Marshal(entry)
		if err != nil {
			w.Fatal(err)
		}
		if _, err := s.Commit(w.Context(), store.Step{Stream: engine.IncidentPrefix + "1", Expect: loaded.Seq, Summary: body}); err != nil {
			w.Fatal(err)
		}
		if err := s.Close(); err != nil {
			w.Fatal(err)
		}
		w.start()
		acknowledged := func() time.Time {
			rows, err := (reader{w.program.incidents}).Rows(w.Context())
			if err != nil || len(rows) != 1 {
				w.Fatalf("%d rows: %v", len(rows), err)
			}
			return rows[0].Tally.Acknowledged
		}
		if at := acknowledged(); !at.IsZero() {
			w.Fatalf("the old entry has an acknowledgement at %v", at)
		}
		w.wait(time.Minute, "entry with the acknowledgement", func() bool { return !acknowledged().IsZero() })
	})
}
