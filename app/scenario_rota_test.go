package app

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/workspace"
)

func TestOverrideAndSwap(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		if p := w.primary(); p.ID() != w.ws.Person("bob").ID() {
			t.Fatal("bob is not on call first")
		}
		w.command("carol", "#incidents", "/incident override @dan primary for 2h")
		w.dm("dan", 10*time.Second, "put you on call for primary")
		w.restart(time.Minute)
		w.command("erin", "#incidents", "/incident create P1 While dan covers")
		w.dm("dan", 10*time.Second, "📟", "While dan covers", "Acknowledge")
		w.command("erin", "#incidents", "/incident resolve INC-1 done")
		time.Sleep(2 * time.Hour)

		w.command("bob", "#incidents", "/incident swap @frank primary from 2000-01-01 12:00 UTC to 2000-01-01 20:00 UTC")
		question := w.dm("frank", 10*time.Second, "asks you to take primary", "Accept", "Decline")
		time.Sleep(11 * time.Hour) // 13:00
		if p := w.primary(); p.ID() != w.ws.Person("bob").ID() {
			t.Error("a swap that nobody accepted counts")
		}
		frank := w.ws.Person("frank")
		w.click("frank", question, frank.DM("muster"), "Accept")
		w.dm("bob", 10*time.Second, "takes primary")
		if p := w.primary(); p.ID() != frank.ID() {
			t.Error("an accepted swap does not count at once")
		}
		w.restart(time.Minute)
		w.command("erin", "#incidents", "/incident create P1 While frank covers")
		w.dm("frank", 10*time.Second, "📟", "While frank covers", "Acknowledge")
		w.click("frank", question, frank.DM("muster"), "Accept") // again: nothing new
		w.checkOnce()
	})
}

func TestReload(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 Old rules")
		w.card("Old rules")
		file := filepath.Join(w.dir, "config", "muster.yaml")
		writeFile(t, file, "cadence: {P1: '@every 20m'}\nchanels: {}\n")
		w.program.reloaded(w.Context(), w.program.opt.Live.Reload())
		ops := w.ws.Person("alice").Messages("#muster-ops")
		if _, ok := find(ops, "was refused", "muster.yaml:2", "channels"); !ok {
			t.Errorf("the operations channel was told %v", ops)
		}
		if _, answer := w.ask("GET", "/readyz", "", "", ""); !strings.Contains(answer, "muster.yaml:2") {
			t.Errorf("readiness does not say that the file is bad: %s", answer)
		}
		writeFile(t, file, "cadence: {P1: '@every 20m'}\n")
		w.program.reloaded(w.Context(), w.program.opt.Live.Reload())
		told := func() int { return count(w.ws.Person("alice").Messages("#muster-ops"), "in force now") }
		if told() != 1 {
			t.Error("the operations channel was not told that the files are mended")
		}
		w.program.reloaded(w.Context(), w.program.opt.Live.Reload())
		if told() != 1 {
			t.Error("a usual reload is told")
		}
		w.command("erin", "#incidents", "/incident create P1 New rules")
		older, newer := w.card("Old rules"), w.card("New rules")
		time.Sleep(11 * time.Minute)
		if n := count(w.bot(w.thread(newer)), "⏰"); n != 0 {
			t.Error("the new cadence does not apply to the new incident")
		}
		if n := count(w.bot(w.thread(older)), "⏰"); n != 1 {
			t.Error("the open incident did not keep its own cadence")
		}
		time.Sleep(10 * time.Minute)
		if n := count(w.bot(w.thread(newer)), "⏰"); n != 1 {
			t.Error("the new cadence does not run")
		}
	})
}

// buffer is safe to write to from many goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// TestNothingPrivateIsLogged: no token, phone number or text of a person is in
// the log, at its most talkative, or in the metrics, while all goes wrong.
func TestNothingPrivateIsLogged(t *testing.T) {
	var out buffer
	inBubble(t, nil, func(w *world) {
		w.stop()
		w.log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.start()
		w.ws.SetFaults(workspace.Faults{CutEveryMS: 2000, DoubleEnvelopes: true, RateLimitEvery: 3, SlowMS: 1000})
		w.command("erin", "#incidents", "/incident create P0 Sensitivetitle")
		w.card("Sensitivetitle")
		w.post(http.StatusOK, "note INC-1 Sensitivenote +1-202-555-0101", "erin@example.com", "k")
		w.post(http.StatusOK, "page INC-1 dan@example.com Sensitivepage", "erin@example.com", "p")
		w.post(http.StatusOK, "update INC-1 Sensitiveupdate", "erin@example.com", "u")
		time.Sleep(2 * time.Minute)
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(12 * time.Minute)
		w.post(http.StatusOK, "resolve INC-1 Sensitivecause", "erin@example.com", "r")
		w.ws.SetFaults(workspace.Faults{})
		w.calm(10 * time.Minute)
		_, metrics := w.ask("GET", "/metrics", "", "", "")
		for _, name := range []string{
			"muster_incidents_open", "muster_outbox_waiting", "muster_delivery_attempts_total", "muster_deliveries_total",
			"muster_commands_total", "muster_slack_ack_seconds", "muster_clock_late_seconds", "muster_slack_last_frame_seconds", "muster_pages_late_total",
		} {
			if !strings.Contains(metrics, name) {
				t.Errorf("/metrics lacks %s", name)
			}
		}
		for _, figure := range []string{
			`muster_outbox_waiting{lane="page"} 0`, `muster_incidents_open{severity="P0"} 0`,
			`muster_commands_total{code="",via="http"} 4`, `muster_commands_total{code="",via="slack"} 1`,
		} {
			if !strings.Contains(metrics, figure) {
				t.Errorf("/metrics does not say %s", figure)
			}
		}
		if strings.Contains(metrics, "muster_slack_ack_seconds_count 0") {
			t.Error("no acknowledgement was measured")
		}
		logged := out.b.String()
		if !strings.Contains(logged, "ready") || !strings.Contains(logged, "level=WARN") {
			t.Fatal("the log is not captured")
		}
		for _, private := range []string{"Sensitive", "555-0101", "5550101", "2025550101", "xoxb-", "xapp-", "api-token", "Erin", "erin@"} {
			for where, text := range map[string]string{"log": logged, "metrics": metrics} {
				if i := strings.Index(text, private); i >= 0 {
					t.Errorf("%q is in the %s: %s", private, where, text[max(0, i-200):min(len(text), i+50)])
				}
			}
		}
	})
}
