package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// TestCatchUpTellsTheEnd: however much waited, the updates and the resolution
// are in the message, in their order, and the rest is counted.
func TestCatchUpTellsTheEnd(t *testing.T) {
	erin := incident.Person{Key: "erin@example.com", Name: "Erin"}
	var history []incident.Record
	var s incident.Incident
	add := func(e incident.Event) {
		r := incident.Record{Seq: s.Seq + 1, At: storyStart.Add(time.Duration(s.Seq) * time.Second), Event: e}
		s, history = incident.Apply(s, r), append(history, r)
	}
	add(incident.Declared{ID: "INC-1", Title: "Flood", By: erin})
	for n := range 40 {
		add(incident.Noted{By: erin, Text: fmt.Sprintf("note %d. %s", n, strings.Repeat("wet ", 120))})
		if n == 30 {
			add(incident.Updated{By: erin, Text: "we pump"})
		}
	}
	add(incident.ResolvedEvent{By: erin, Cause: "rain"})
	m, ok := Frame{Now: storyStart}.CatchUp(s, history[1:], history)
	if !ok {
		t.Fatal("there is nothing to tell")
	}
	var text string
	for _, b := range m.Blocks {
		text += storyText(b) + fmt.Sprint(b["elements"])
	}
	from := 0
	for _, words := range []string{"note 0.", "Actions taken: we pump", "Root cause: rain", "more lines are in the timeline"} {
		i := strings.Index(text[from:], words)
		if i < 0 {
			t.Fatalf("%q is missing, or not in its place", words)
		}
		from += i
	}
	if strings.Contains(text, "note 39.") || len(m.Blocks) > MaxBlocks {
		t.Errorf("%d blocks tell everything", len(m.Blocks))
	}
}
