package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// TestADrillDies kills the program at every named moment of a drill whose clocks
// run ten times as fast. No clock is left or fires twice, nothing is posted twice,
// and the score in the thread is the one that the records give.
func TestADrillDies(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t, 15), &ledger{}
	l := w.start()
	w.ready(l)
	w.do(said, "erin", "", "drill P0 MARK database gone --speed 10")
	for _, point := range points {
		l.kill()
		l = w.start(func(s *setup) { s.Point, s.Nth = point, 1+rand.Int64N(3) })
		l.killAfter(2 * time.Second)
	}
	l = w.start()
	w.ready(l)
	w.wait(time.Minute, "third level, and an update that is overdue", func() bool {
		got := w.incidentOf(context.Background(), "INC-1").Tally
		return len(got.Levels) == 3 && got.Missed > 0
	})
	w.do(said, "carol", "INC-1", "update INC-1 MARK identified")
	w.do(said, "carol", "INC-1", "resolve INC-1 MARK")
	w.finish(l, said)

	s := w.open(w.data)
	defer s.Close()
	all := w.read(s)
	last := all[0].states[len(all[0].states)-1]
	scores := 0
	for _, m := range w.seen(all) {
		if strings.Contains(m.text, "of 100 points") {
			scores++
			if want := fmt.Sprintf("Drill: %d of 100 points", last.Score().Points); !strings.Contains(m.text, want) {
				t.Errorf("the thread says %q, the records %q", m.text, want)
			}
		}
	}
	if scores != 1 {
		t.Errorf("%d scores were posted", scores)
	}
	for _, r := range all[0].records { // ten times as fast, and never before
		e, ok := r.Event.(incident.Paged)
		due := map[string]time.Duration{"L2": 12 * time.Second, "L3": 24 * time.Second}[e.Level]
		if at := r.At.Sub(last.DeclaredAt); ok && e.Why == incident.WhyDue && (at < due || at-e.Late > due+time.Second) {
			t.Errorf("%s was paged after %v, %v late, and due after %v", e.Level, at, e.Late, due)
		}
	}
}
