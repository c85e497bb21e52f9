package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/workspace"
)

// While Slack is down and pages can leave another way, a drill's page that waits
// for Slack stops no heartbeat; a real one's does.
func TestADrillThatWaitsForSlackAlarmsNoMonitor(t *testing.T) {
	pager := func(e *config.Env) {
		e.PagerDutyRoutingKey, e.PagerDutyEventsURL = config.NewSecret("routing"), "http://events.example.com"
	}
	listening(t, pager, func(w *world, r *receiver, log func() string) {
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		w.post(http.StatusOK, `drill P0 "database gone"`, "alice@example.com", "")
		time.Sleep(5*time.Minute + time.Second)
		if n := r.since(time.Now().Add(-4 * time.Minute)); n != 8 {
			t.Errorf("%d beats in four minutes of a drill, want 8:\n%s", n, log())
		}
		if !strings.Contains(strings.Join(w.state("INC-1").Tally.Levels, " "), "L1") {
			t.Error("the drill paged nobody: there is nothing to see")
		}
		w.post(http.StatusOK, "create P1 Flood in the cellar", "alice@example.com", "")
		real := time.Now()
		time.Sleep(5 * time.Minute)
		if n := r.since(real.Add(90 * time.Second)); n != 0 {
			t.Errorf("%d beats while a real page waits", n)
		}
	})
}
