package crash

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/incident"
)

// TestSuspended stops the process for longer than its clocks run, as a
// suspended machine does, and TestAway kills it for as long: what became due
// happens at once, once, and says how late it is.
func TestSuspended(t *testing.T) {
	t.Parallel()
	w, said := newSlowWorld(t)
	cmd := exec.Command(os.Args[0])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a stopped orphan in a group of its own is ended by the system
	l := w.launch(cmd, w.setup())
	w.ready(l)
	id := w.declareAndWait(said)
	w.must(l.cmd.Process.Signal(syscall.SIGSTOP))
	slept := time.Now().Round(0)
	time.Sleep(asleep)
	woke := time.Now().Round(0)
	w.must(l.cmd.Process.Signal(syscall.SIGCONT))

	over := make(chan struct{})
	close(over)
	w.mu.Lock()
	w.lives = []*life{{begun: l.begun, ended: slept, gone: over}, {begun: woke, gone: l.gone}}
	w.mu.Unlock()
	w.caughtUp(l, said, id, woke)
}

func TestAway(t *testing.T) {
	t.Parallel()
	w, said := newSlowWorld(t)
	l := w.start()
	w.ready(l)
	id := w.declareAndWait(said)
	l.kill()
	time.Sleep(asleep)
	l = w.start()
	w.caughtUp(l, said, id, l.begun)
}

// TestClockJumps sets the clock forward under the running program.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	w, said := newSlowWorld(t)
	w.clock.Speed, w.clock.Ahead = 60, 25*time.Minute
	l := w.start()
	w.ready(l)
	id := w.declareAndWait(said)
	time.Sleep(1200 * time.Millisecond) // until every wait for a clock has begun
	woke := time.Now().Round(0)
	w.clock.jumped.Store(woke.UnixNano())
	w.must(l.cmd.Process.Signal(syscall.SIGUSR1))
	w.caughtUp(l, said, id, woke)
}

// asleep is 25 minutes on the clock of newSlowWorld.
const asleep = 15 * time.Second

// newSlowWorld has clocks that are seconds apart, on the wall.
func newSlowWorld(t *testing.T) (*world, *ledger) {
	w := newWorld(t, 100)
	w.write("config/escalation.yaml", `
levels:
  - {level: L1, role: primary, methods: [slack], due: 0s, respond_within: 1h, until: acknowledged}
  - {level: L2, role: secondary, methods: [slack], due: 15m, until: acknowledged}
last_resort: {slack: '#incidents', mention: '@channel'}
`)
	w.write("config/muster.yaml", "cadence: {P0: '@every 10m', P1: '@every 10m'}\nincident_channel: {P0: false, P1: false}\n")
	return w, &ledger{}
}

// declareAndWait declares an incident and waits until nothing but its clocks
// is left to do.
func (w *world) declareAndWait(said *ledger) string {
	w.Helper()
	id := w.do(said, "erin", "", "create P0 MARK is slow").Incident
	w.wait(5*time.Second, "first page and card", func() bool { return len(w.seen(nil)) >= 3 })
	w.wait(5*time.Second, "empty outbox", func() bool { return w.metric("muster_outbox_waiting") == 0 })
	time.Sleep(50 * time.Millisecond) // and its last record
	return id
}

// caughtUp wants one reminder and one page of the second level soon after a
// moment, both late and both saying so, and then a clean end.
func (w *world) caughtUp(l *life, said *ledger, id string, woke time.Time) {
	w.Helper()
	count := func(words ...string) (n int) {
		for _, m := range w.seen(nil) {
			all := true
			for _, word := range words {
				all = all && strings.Contains(m.text, word)
			}
			if all {
				n++
			}
		}
		return n
	}
	w.wait(clocksWithin, "reminder that says how late it is", func() bool { return count("an update on", "is due", "late") > 0 })
	w.wait(clocksWithin, "page of the second level that says how late it is", func() bool { return count("📟", "*L2*", "late") > 0 })
	w.ready(l)
	w.settle(l, said)
	var all tally
	all.audit(w, said.all(), nil)
	if n := count("an update on", "is due"); n != 1 {
		w.Errorf("there are %d reminders, want 1", n)
	}
	if n := count("📟", "*L2*"); n != 1 {
		w.Errorf("the second level is paged %d times, want once", n)
	}
	s := w.open(w.data)
	defer s.Close()
	for _, h := range w.read(s) {
		for _, r := range h.records {
			switch e := r.Event.(type) {
			case incident.ReminderDue:
				w.Logf("the reminder of %s came %s late, %v after the program could", h.id, e.Late, w.clock.wall(r.At).Sub(woke).Round(time.Millisecond))
				if e.Late < 5*time.Minute {
					w.Errorf("the reminder says that it is %s late", e.Late)
				}
			case incident.Paged:
				if e.Level == "L2" && e.Late < 5*time.Minute {
					w.Errorf("the page says that it is %s late", e.Late)
				}
			}
		}
	}
}
