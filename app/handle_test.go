package app

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
)

// TestFoundByHandle: a person whose address Slack does not know is paged by the
// handle of the rota, and the click is theirs.
func TestFoundByHandle(t *testing.T) {
	const rota = `oncall_schedule:
  primary:
    members:
      - {name: Bob Smith, email: robert@work.example, slack: '@bob'}
  secondary:
    members:
      - {name: Carol Jones, email: carol@example.com, slack: '@carol'}
`
	const ladder = `levels:
  - {level: L1, role: primary, methods: [slack], respond_within: 5m, due: 0s, until: acknowledged}
  - {level: L2, role: secondary, methods: [slack], respond_within: 5m, due: 15m, until: acknowledged}
last_resort: {slack: '#incidents'}
`
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.end()
		writeFile(t, filepath.Join(w.dir, "config", "oncall/rotation.yaml"), rota)
		writeFile(t, filepath.Join(w.dir, "config", "escalation.yaml"), ladder)
		w.start()
		defer func() { w.stop() }()
		w.command("erin", "#incidents", "/incident create P1 By handle")
		page := w.dm("bob", 10*time.Second, "📟", "By handle", "Acknowledge")
		w.click("bob", page, w.ws.Person("bob").DM("muster"), "Acknowledge")
		s, err := w.program.incidents.State(w.Context(), "INC-1")
		if err != nil || !s.AckedBy(incident.Person{Key: "robert@work.example"}) {
			t.Errorf("the click is not the paged person's: %+v, %v", s.Acks, err)
		}
		time.Sleep(20 * time.Minute)
		s, _ = w.program.incidents.State(w.Context(), "INC-1")
		for _, p := range s.Climb.Pages {
			if p.Level == "L2" || p.Attempt > 1 && p.Why != incident.WhyOverdue {
				t.Errorf("the ladder went on: %+v", p)
			}
		}
	})
}
