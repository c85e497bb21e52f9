package outbox_test

import (
	"testing"
	"time"
)

// TestLateIsCountedFromTheDecision: a restart gives a page no new minute, and
// one that is overdue already gets a try of its own before it counts as late.
func TestLateIsCountedFromTheDecision(t *testing.T) {
	for away, want := range map[time.Duration]time.Duration{
		30 * time.Second: time.Minute,
		time.Hour:        time.Hour + 10*time.Second,
	} {
		bubble(t, func(w *world) {
			w.down(2 * time.Hour)
			d := w.page("s")
			w.queue.Store(d)
			time.Sleep(away) // decided, then the process was away
			w.start()
			w.wait(want - away - time.Second)
			if n := len(w.queue.LatePages()); n != 0 {
				t.Errorf("away for %v: late before %v", away, want)
			}
			w.wait(2 * time.Second)
			if n := len(w.queue.LatePages()); n != 1 {
				t.Errorf("away for %v: not late after %v", away, want)
			}
		})
	}
}
