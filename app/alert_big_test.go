package app

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// One webhook may bring thousands of alerts: a group of everything, at the
// worst moment. All of them are on record before the answer, and again after a
// restart.
func TestOneWebhookWithThousandsOfAlerts(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		const n = 4000
		var list []fires
		for i := range n {
			list = append(list, fires{
				name: "TargetMissing", severity: "warning", service: fmt.Sprint("service-", i%40), instance: fmt.Sprintf("10.0.%d.%d:9100", i/250, i%250),
				summary: strings.Repeat("the target does not answer ", 4), since: time.Now(),
			})
		}
		body := hook("everything", list...)
		t.Logf("%d alerts in %d KiB", n, len(body)>>10)
		w.told(body)
		w.told(body)
		holds := func() int {
			firing := 0
			for _, g := range w.program.intake.groups.Open() {
				firing += len(g.Firing())
			}
			return firing
		}
		if got := holds(); got != n {
			t.Errorf("%d alerts fire, want %d", got, n)
		}
		w.inChannel("#alerts", time.Minute, "TargetMissing", fmt.Sprintf("%d of %d firing", n, n))
		w.restart(time.Minute)
		if got := holds(); got != n {
			t.Errorf("%d alerts fire after the restart, want %d", got, n)
		}
		for i := range list {
			list[i].over = true
		}
		w.told(hook("everything", list...))
		if got := holds(); got != 0 {
			t.Errorf("%d alerts still fire", got)
		}
	})
}
