package crash

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/app"
	"muster/engine"
	"muster/workspace"
)

// rounds is how often the program is killed.
func rounds(t *testing.T, usual int) int {
	v := os.Getenv("MUSTER_CRASH_ROUNDS")
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// perFile is how many deaths one data file and one workspace see.
const perFile = 75

// tally is what all the deaths came to.
type tally struct {
	deaths                                                    map[string]int
	said, told, incidents, messages, shifts, pages, delivered int
	waited, overdue                                           int
	slowest                                                   time.Duration
}

// TestKill kills the program under load, at random and at every named moment,
// and holds what people were told against what is recorded and what they see.
func TestKill(t *testing.T) {
	t.Parallel()
	n, eras := rounds(t, 20), []*tally{}
	t.Run("files", func(t *testing.T) {
		for left := n; left > 0; left -= perFile {
			one := &tally{deaths: map[string]int{}}
			eras = append(eras, one)
			t.Run(strconv.Itoa(len(eras)), func(t *testing.T) {
				t.Parallel()
				one.era(t, min(left, perFile))
			})
		}
	})
	all := tally{deaths: map[string]int{}}
	for _, one := range eras {
		all.add(one)
	}
	var how []string
	for _, name := range slices.Sorted(maps.Keys(all.deaths)) {
		how = append(how, fmt.Sprintf("%s %d", name, all.deaths[name]))
	}
	t.Logf("deaths: %s", strings.Join(how, ", "))
	t.Logf("%d commands in %d incidents, %d acknowledged, none lost, none twice", all.said, all.incidents, all.told)
	t.Logf("%d pages, %d delivered; %d messages, each seen once; %d shifts began", all.pages, all.delivered, all.messages, all.shifts)
	if n >= 20 && all.shifts == 0 {
		t.Error("no shift began: the clock was to pass a hand-over")
	}
	t.Logf("%d pages waited at a restart, the slowest left %v after it; %d clocks were overdue and fired once", all.waited, all.slowest.Round(time.Millisecond), all.overdue)
}

// add adds what another file's deaths came to.
func (all *tally) add(one *tally) {
	for how, n := range one.deaths {
		all.deaths[how] += n
	}
	all.said += one.said
	all.told += one.told
	all.incidents += one.incidents
	all.messages += one.messages
	all.shifts += one.shifts
	all.pages += one.pages
	all.delivered += one.delivered
	all.waited += one.waited
	all.overdue += one.overdue
	all.slowest = max(all.slowest, one.slowest)
}

// points are the named moments at which the program kills itself.
var points = []engine.Points{engine.BeforeCommit, engine.AfterCommit, app.BeforeSend, app.AfterSend, engine.BeforeSettle}

// TestEachDeath kills the program at every named moment, and during every call
// of Slack, of one and the same declaration.
func TestEachDeath(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t, 60), &ledger{}
	first := w.start() // it puts on record who is on call
	w.ready(first)
	w.stop(first)
	die := func(fault sendFault, change func(*setup)) {
		l := w.start(change)
		w.ready(l)
		w.setFault(fault)
		one := said.add(&saying{text: "create P1 MARK is slow", by: "erin", once: true})
		answered := make(chan bool, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_, ok := w.insist(ctx, said, one)
			answered <- ok
		}()
		select {
		case <-l.gone:
		case <-time.After(5 * time.Second):
			t.Errorf("the program did not die: %+v", fault)
			l.kill()
		}
		w.setFault(sendFault{})
		l = w.start()
		if !<-answered {
			t.Fatalf("%q was not answered", one.text)
		}
		w.ready(l)
		w.settle(l, said)
	}
	for _, point := range points {
		die(sendFault{}, func(s *setup) { s.Point, s.Nth = point, 1 })
	}
	for _, method := range changing {
		for _, carried := range []bool{false, true} {
			die(sendFault{method: method, nth: 1, carried: carried}, func(*setup) {})
		}
	}
	w.finish(w.start(), said)
}

// wait is a page that waited when a program was started.
type wait struct {
	id   string
	life *life
}

// era is the life of one data file.
func (all *tally) era(t *testing.T, deaths int) {
	w := newWorldAt(t, beforeHandover, 60)
	said := &ledger{}
	stop, _ := w.load(said)
	var waits []wait
	start := func(change ...func(*setup)) *life {
		pages := w.pending()
		l := w.start(change...)
		for _, id := range pages {
			waits = append(waits, wait{id, l})
		}
		return l
	}
	for n := 0; n < deaths; n++ {
		switch kind := n % 10; kind {
		case 0:
			w.pagesDue(said, start)
			n++ // it kills twice
		case 1, 2, 3, 4, 5:
			l := start(func(s *setup) { s.Point, s.Nth = points[kind-1], 1+rand.Int64N(12) })
			l.killAfter(1500 * time.Millisecond)
		case 6, 7:
			w.setFault(sendFault{nth: 1 + rand.IntN(12), carried: kind == 7})
			start().killAfter(1500 * time.Millisecond)
			w.setFault(sendFault{})
		case 8:
			w.ws.SetFaults(workspace.Faults{DoubleEnvelopes: true, LoseAnswersEvery: 3, RateLimitEvery: 7})
			start().killAfter(time.Duration(5+rand.IntN(400)) * time.Millisecond)
			w.ws.SetFaults(workspace.Faults{})
		default:
			start().killAfter(time.Duration(5+rand.IntN(400)) * time.Millisecond)
		}
		if n%25 == 24 {
			s := w.open(w.data)
			w.must(s.Verify())
			w.must(s.Close())
		}
	}
	for _, l := range w.lives {
		all.deaths[l.died()]++
	}
	l := start()
	w.ready(l)
	stop()
	w.settle(l, said)
	all.audit(w, said.all(), waits)
}

// killAfter waits for the process's own death, and kills it if none comes.
func (l *life) killAfter(d time.Duration) {
	select {
	case <-l.gone:
	case <-time.After(d):
		l.kill()
	}
}

// pagesDue has an incident declared while Slack is down, lets the program die
// and stay away until more is due, and wants every page that waits to leave
// soon after the next start.
func (w *world) pagesDue(said *ledger, start func(...func(*setup)) *life) {
	w.Helper()
	w.ws.SetFaults(workspace.Faults{SlackDown: true})
	l := start()
	w.do(said, "erin", "", "create P0 MARK while Slack is down")
	l.kill()
	w.ws.SetFaults(workspace.Faults{})
	pages := w.pending()
	if len(pages) == 0 {
		w.Error("an incident was declared while Slack was down, and no page waits")
	}
	time.Sleep(1100 * time.Millisecond)
	l = start()
	for end := l.begun.Add(clocksWithin); len(pages) > 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		there := map[string]bool{}
		for _, m := range w.seen(nil) {
			there[m.delivery] = true
		}
		pages = slices.DeleteFunc(pages, func(id string) bool { return there[id] })
	}
	l.kill()
}

// settle ends what is open, waits until nothing waits to be sent, and ends the
// program.
func (w *world) settle(l *life, said *ledger) {
	w.Helper()
	for {
		open, err := w.list(context.Background())
		w.must(err)
		if len(open) == 0 {
			break
		}
		for _, id := range open {
			w.do(said, "carol", id, "resolve "+id+" MARK")
		}
	}
	w.wait(60*time.Second, "empty outbox", func() bool { return w.metric("muster_outbox_waiting") == 0 })
	w.stop(l)
}

// metric adds up what /metrics says under a name.
func (w *world) metric(name string) (sum float64) {
	w.Helper()
	resp, err := w.client.Get(w.url("/metrics"))
	w.must(err)
	defer resp.Body.Close()
	for _, line := range lines(resp.Body) {
		if strings.HasPrefix(line, name) {
			v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			w.must(err)
			sum += v
		}
	}
	return sum
}

// finish has a program that was just started end everything, and audits it.
func (w *world) finish(l *life, said *ledger) {
	w.Helper()
	w.ready(l)
	w.settle(l, said)
	var all tally
	all.audit(w, said.all(), nil)
	w.Logf("%d commands, %d acknowledged; %d pages; %d messages, each seen once", all.said, all.told, all.pages, all.messages)
}

// audit holds one file and one workspace to everything that was promised.
func (all *tally) audit(w *world, list []saying, waits []wait) {
	w.Helper()
	s := w.open(w.data)
	defer s.Close()
	w.must(s.Verify())
	if rest, err := s.Pending(); err != nil || len(rest) > 0 {
		w.Errorf("after the end %d deliveries wait, the first is %+v: %v", len(rest), rest[:min(1, len(rest))], err)
	}
	histories := w.read(s)
	messages := w.seen(histories)
	all.told += w.checkLedger(histories, list)
	desk, shifts := w.checkDesk(s, messages)
	w.checkSeen(histories, messages, desk)
	pages, delivered := w.checkPages(histories)
	all.overdue += w.checkClocks(histories)
	all.checkWaits(w, histories, messages, waits)
	all.said += len(list)
	all.incidents += len(histories)
	all.shifts += shifts
	all.messages += len(messages)
	all.pages += pages
	all.delivered += delivered
}

// checkWaits fails if a page that waited at a start had neither left nor been
// called off when the program had run for long enough.
func (all *tally) checkWaits(w *world, histories []history, messages []seen, waits []wait) {
	w.Helper()
	left := map[string]time.Time{}
	for _, m := range messages {
		left[m.delivery] = m.at
	}
	for _, one := range waits {
		all.waited++
		at, ok := left[one.id]
		ran := one.life.ended.Sub(one.life.begun)
		switch {
		case ok && at.Before(one.life.begun): // only its record was missing
		case ok && !at.After(one.life.ended):
			took := at.Sub(one.life.begun)
			all.slowest = max(all.slowest, took)
			if took > clocksWithin {
				w.Errorf("page %s left %v after the start", one.id, took)
			}
		case ran > clocksWithin && !calledOff(histories, one.id):
			w.Errorf("page %s waited and did not leave while the program ran for %v", one.id, ran)
		}
	}
}

// calledOff tells whether a page ceased to matter.
func calledOff(histories []history, id string) bool {
	stream, _, _ := strings.Cut(id, "/")
	i := slices.IndexFunc(histories, func(h history) bool { return h.id == stream })
	if i < 0 {
		return false
	}
	for _, d := range histories[i].deliveries() {
		if d.id == id {
			return histories[i].excused(d)
		}
	}
	return false
}
