package app

import (
	"strings"
	"testing"
	"time"
)

// digests are the lines in the incidents channel that look back.
func (w *world) digests() (out []string) {
	for _, m := range w.ws.Person("alice").Messages("#incidents") {
		if strings.Contains(m.Text, "Looking back") {
			out = append(out, m.Text)
		}
	}
	return out
}

func (w *world) until(at time.Time) {
	time.Sleep(time.Until(at))
}

const dailyDigest = "channels: {incidents: '#incidents'}\ndigest: {cron: '0 9 * * *', zone: Europe/Berlin}\n"

// What is behind is told once, at nine in Berlin, also over restarts at the
// moment itself and after it; a span without anything is not told. A day
// stands for the week here.
func TestTheDigestIsToldOnce(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": dailyDigest}, func(w *world) {
		due := time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC)
		away := func(until time.Time) { w.restart(time.Until(until)) }
		w.post(200, "create P1 API is slow service=api", "erin@example.com", "")
		time.Sleep(10 * time.Minute)
		w.post(200, "ack INC-1", "bob@example.com", "")
		time.Sleep(20 * time.Minute)
		w.post(200, "resolve INC-1 a lock", "erin@example.com", "")
		w.post(200, `drill P2 "not counted"`, "erin@example.com", "")
		w.post(200, "resolve INC-2 done", "erin@example.com", "")
		away(due.Add(-time.Minute))
		w.until(due.Add(-time.Second))
		if n := len(w.digests()); n != 0 {
			t.Fatalf("%d digests before it was time", n)
		}
		w.wait(time.Minute, "digest", func() bool { return len(w.digests()) == 1 })
		said := w.digests()[0]
		for _, want := range []string{"1 incident (1 P1)", "(before that: 0)", "Acknowledged after 10 min", "Resolved after 30 min", "Longest:", "INC-1", "API is slow", "at night", "/incident stats since 7d"} {
			if !strings.Contains(said, want) {
				t.Errorf("the digest does not say %q:\n%s", want, said)
			}
		}
		w.restart(time.Minute)
		time.Sleep(5 * time.Minute)
		away(due.Add(24*time.Hour - time.Minute))
		w.until(due.Add(24*time.Hour + time.Minute))
		if n := len(w.digests()); n != 1 {
			t.Fatalf("after a quiet day there are %d digests: %q", n, w.digests())
		}
		w.post(200, "create P2 shop is slow service=shop", "erin@example.com", "")
		w.post(200, "resolve INC-3 a lock", "erin@example.com", "")
		time.Sleep(time.Minute)
		away(due.Add(51 * time.Hour))
		w.wait(time.Minute, "digest that was due meanwhile", func() bool { return len(w.digests()) == 2 })
		if said := w.digests()[1]; !strings.Contains(said, "1 P2") || strings.Contains(said, "INC-1") {
			t.Errorf("the second digest says:\n%s", said)
		}
		w.restart(time.Minute)
		time.Sleep(5 * time.Minute)
		if n := len(w.digests()); n != 2 {
			t.Errorf("there are %d digests: %q", n, w.digests())
		}
	})
}

// Who starts the program on a Monday at noon is not told of the time before.
func TestAFirstStartLooksBackAtNothing(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": teamsYAML}, func(w *world) {
		w.stop()
		w.until(time.Date(2000, 1, 3, 12, 0, 0, 0, time.UTC))
		w.start()
		time.Sleep(time.Hour)
		if n := len(w.digests()); n != 0 {
			t.Errorf("%q", w.digests())
		}
	})
}
