package app

import (
	"strings"
	"testing"
	"time"
)

// An alert that a playbook names declares an incident, whatever its severity
// says.
func TestAnAlertThatAPlaybookNames(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.told(hook("pods", fires{name: "KubePodCrashLooping", severity: "warning", service: "checkout", instance: "a", summary: "checkout restarts", since: time.Now()}))
		w.told(hook("disk", fires{name: "DiskFull", severity: "warning", service: "checkout-db", instance: "b", summary: "the disk is nearly full", since: time.Now()}))
		w.inChannel("#incidents", 30*time.Second, "Incident: checkout restarts")
		w.inChannel("#alerts", 10*time.Second, "KubePodCrashLooping", "INC-1")
		w.inChannel("#alerts", 10*time.Second, "DiskFull")
		time.Sleep(time.Minute)
		if n := len(w.incidents()); n != 1 {
			t.Errorf("%d incidents, want 1", n)
		}
		if why := w.state("INC-1").Chosen; !strings.Contains(why, "critical-service-down") {
			t.Errorf("declared because of %q", why)
		}
	})
}
