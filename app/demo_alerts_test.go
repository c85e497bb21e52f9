package app

import (
	"testing"
	"time"

	"muster/config"
)

// The page's buttons reach the program by its own inlet, and a button ends what
// another began.
func TestSampleAlerts(t *testing.T) {
	h := newHouse(t)
	bell := &alarmBell{url: h.public, token: config.NewSecret("api-token"), now: time.Now, since: map[string]time.Time{}}
	for _, a := range demoActions() {
		if _, known := samples[a.Name]; !known && a.Name != "storm" && a.Name != "storm over" && samples[a.Name[:max(0, len(a.Name)-5)]] == nil {
			t.Errorf("the button %q sends nothing", a.Name)
		}
	}
	says := func(channel, what string) {
		t.Helper()
		h.until(30*time.Second, what+" in "+channel, func() bool {
			_, ok := find(h.ws.Person("alice").Messages(channel), what)
			return ok
		})
	}
	for _, step := range []struct{ button, channel, says string }{
		{"slow", "#alerts", "WARNING: DatabaseSlow"}, {"slow over", "#alerts", "RESOLVED: DatabaseSlow"}, {"disk", "#monitoring", "INFO: DiskFilling"},
		{"down", "#incidents", "CRITICAL: APIServiceDown"}, {"down", "#incidents", "P0 Incident: The API service is down"},
	} {
		if err := bell.press(step.button); err != nil {
			t.Fatal(err)
		}
		says(step.channel, step.says)
	}
	wrong := &alarmBell{url: h.public, token: config.NewSecret("wrong"), now: time.Now, since: map[string]time.Time{}}
	if err := wrong.press("slow"); err == nil {
		t.Error("a wrong token was taken")
	}
}
