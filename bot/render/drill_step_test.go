package render

import (
	"fmt"
	"strings"
	"testing"

	"muster/incident"
)

// Who approves a step during an exercise is told that the step is none.
func TestAStepInADrillIsReal(t *testing.T) {
	for drill, want := range map[bool]bool{true: true, false: false} {
		s := incident.Incident{ID: "INC-3", Drill: incident.Drill{On: drill}}
		s.Shelf.Runs = []incident.StepRun{{N: 1, Phase: incident.Waiting, Title: "Restart", Command: "kubectl rollout restart deployment/api"}}
		m, ok := Frame{}.Step(s, 1)
		if said := strings.Contains(fmt.Sprint(m), "this step is real"); !ok || said != want {
			t.Errorf("a drill: %v, the message says that the step is real: %v", drill, said)
		}
	}
}
