package commands

import (
	"strings"
	"testing"
)

// What a step says in somebody's name neither runs nor approves a step, however it is written, and speaks for no other
// incident.
func TestWhatAStepMaySay(t *testing.T) {
	for text, refused := range map[string]string{
		"ack": "", "update it is mended": "", "note see INC-1": "",
		"playbook approve 1": "neither runs nor approves", "please runbook run 2": "neither runs nor approves", "INC-1 pb confirm 3": "neither runs nor approves",
		"resolve INC-2 done": "not for INC-2", "#2 ack": "not for INC-2",
	} {
		l, wrong := parse(text)
		if wrong != nil {
			t.Fatalf("%s: %s", text, wrong.Body.Plain())
		}
		r := sayable(l, "INC-1")
		if (r == nil) != (refused == "") || r != nil && !strings.Contains(r.Body.Plain(), refused) {
			t.Errorf("%s: %v", text, r)
		}
		if sayable(l, "") != nil {
			t.Errorf("a person may not say %s", text)
		}
	}
}
