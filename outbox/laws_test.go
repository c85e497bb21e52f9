package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"muster/outbox"
	"muster/outbox/outboxtest"
)

// history is a random course of events: what is decided when, how the
// providers answer, and when the program is restarted.
type history struct {
	steps  []step
	limits []outbox.Limit
	faults []fault // of the attempts, in their order; then all goes well
	disk   []bool  // which calls of the queue fail, in their order
	slots  outbox.Slots
}

type step struct {
	after   time.Duration
	add     []outbox.Delivery // without ID and times
	later   []time.Duration   // NotBefore, from the step
	restart bool
}

type fault struct {
	took  time.Duration
	err   error
	panic bool
}

func drawHistory(t *rapid.T) history {
	lanes := []outbox.Lane{outbox.Page, outbox.Reply, outbox.Chat, outbox.Decor}
	span := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * 250 * time.Millisecond
	}
	var h history
	for i := range 3 {
		h.limits = append(h.limits, outbox.Limit{
			Name:  fmt.Sprint("limit", i),
			Every: span("every", 12),
			Burst: rapid.IntRange(1, 3).Draw(t, "burst"),
		})
	}
	h.slots = outbox.Slots{
		All: rapid.IntRange(1, 4).Draw(t, "all"), PerProvider: rapid.IntRange(1, 3).Draw(t, "per provider"),
		Pages: rapid.IntRange(1, 4).Draw(t, "pages"), PagesPerProvider: rapid.IntRange(1, 3).Draw(t, "pages per provider"),
	}
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		s := step{after: span("after", 40)}
		s.restart = rapid.IntRange(0, 9).Draw(t, "restart") == 9
		for range rapid.IntRange(0, 4).Draw(t, "deliveries") {
			d := outbox.Delivery{
				Stream:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "stream"),
				Lane:     rapid.SampledFrom(lanes).Draw(t, "lane"),
				Priority: outbox.Priority(rapid.IntRange(0, 4).Draw(t, "priority")),
				Kind:     rapid.SampledFrom([]string{"0", "1", "2", "01", "12", "02", "free"}).Draw(t, "kind"),
				Replaces: rapid.SampledFrom([]string{"", "", "card"}).Draw(t, "replaces"),
			}
			if d.Lane == outbox.Page {
				d.Replaces = ""
			}
			s.add = append(s.add, d)
			s.later = append(s.later, max(0, span("later", 60)-10*time.Second))
		}
		h.steps = append(h.steps, s)
	}
	for range rapid.IntRange(0, 40).Draw(t, "faults") {
		f := fault{took: span("took", 50)}
		switch rapid.IntRange(0, 7).Draw(t, "fault") {
		case 0, 1:
			f.err = errors.New("unclear")
		case 2:
			f.err = outbox.NotSentError{Err: errDown}
		case 3:
			f.err = outbox.PermanentError{Reason: "no"}
		case 4:
			f.err = outbox.RetryAfterError{After: span("retry after", 100)}
		case 5:
			f.panic = true
		}
		h.faults = append(h.faults, f)
	}
	h.disk = rapid.SliceOfN(rapid.Bool(), 0, 40).Draw(t, "disk")
	return h
}

// past is what was seen of a history.
type past struct {
	history

	all    []outbox.Delivery
	added  map[string]time.Time
	calls  []outboxtest.Call
	queue  *outboxtest.Queue
	route  func(outbox.Delivery) outbox.Route
	errs   []string
	starts []time.Time
	ends   []time.Time // of the program, one for each start but the last
}

func (p *past) failf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Sprintf(format, args...))
}

// live plays a history in a bubble.
func (h history) live(t *testing.T) *past {
	p := &past{history: h, queue: &outboxtest.Queue{}, added: map[string]time.Time{}}
	p.route = func(d outbox.Delivery) outbox.Route {
		r := outbox.Route{Provider: d.Kind[:1]}
		if d.Kind != "free" {
			for _, k := range d.Kind {
				r.Limits = append(r.Limits, h.limits[k-'0'])
			}
		}
		return r
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		faults, disk := h.faults, h.disk
		p.queue.Fail = func(call string, _ outbox.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			if (call == "settle" || call == "relevant") && len(disk) > 0 {
				fails := disk[0]
				disk = disk[1:]
				if fails {
					return errors.New("disk full")
				}
			}
			return nil
		}
		provider := &outboxtest.Provider{Answer: func(ctx context.Context, _ outbox.Delivery, _ int) error {
			mu.Lock()
			var f fault
			if len(faults) > 0 {
				f, faults = faults[0], faults[1:]
			}
			mu.Unlock()
			select {
			case <-time.After(f.took):
			case <-ctx.Done():
				return ctx.Err()
			}
			if f.panic {
				panic("for the test")
			}
			return f.err
		}}
		var box *outbox.Outbox
		var stop func()
		start := func() {
			box = outbox.New(outbox.Config{Queue: p.queue, Handler: provider, Route: p.route, Slots: h.slots,
				Timeout: 10 * time.Second, Grace: 2 * time.Second})
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := box.Run(ctx); err != nil {
					p.failf("Run: %v", err)
				}
			}()
			synctest.Wait()
			p.starts = append(p.starts, time.Now())
			stop = func() { cancel(); <-done; p.ends = append(p.ends, time.Now()) }
		}
		start()
		for n, s := range h.steps {
			time.Sleep(s.after)
			if s.restart {
				time.Sleep(time.Millisecond) // so that no two attempts of two runs are of one moment
				stop()
				time.Sleep(time.Millisecond)
				start()
			}
			var ds []outbox.Delivery
			for i, d := range s.add {
				d.At = time.Now()
				if s.later[i] > 0 {
					d.NotBefore = d.At.Add(s.later[i])
				}
				d.ID = fmt.Sprintf("%s/%d/%d", d.Stream, n+1, i)
				p.added[d.ID] = d.At
				ds = append(ds, d)
			}
			p.queue.Store(ds...)
			box.Add(ds...)
			p.all = append(p.all, ds...)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		stop()
		p.calls = provider.Calls()
	})
	return p
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawHistory(rt).live(t)
		p.settledOnce()
		p.ordered()
		p.withinLimits()
		p.closedAfterRefusal()
		p.newestWins()
		p.lateInTime()
		p.withinSlots()
		if len(p.errs) > 0 {
			// Not to rt, which forgets what it was told when goroutines take another
			// turn the next time.
			t.Log(p.story())
			rt.FailNow()
		}
	})
}

// story tells what was seen.
func (p *past) story() string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(p.errs, "\n"))
	since := func(t time.Time) time.Duration { return t.Sub(p.starts[0]) }
	for i, end := range p.ends {
		fmt.Fprintln(&b, "ran", since(p.starts[i]), "to", since(end))
	}
	for _, d := range p.all {
		fmt.Fprintln(&b, "added", since(d.At), d.ID, d.Lane, d.Priority, d.Kind, d.Replaces, d.NotBefore.Sub(d.At))
	}
	for _, c := range p.calls {
		fmt.Fprintln(&b, "called", since(c.Begin), since(c.End), c.ID, c.Lane, c.Kind, c.Replaces, c.MaybeSent, c.Err)
	}
	for _, o := range p.queue.Outcomes() {
		fmt.Fprintln(&b, "settled", since(o.Outcome.At), o.ID, o.State, o.Reason)
	}
	return b.String()
}

func (p *past) settledOnce() {
	if n := p.queue.Stored(); n > 0 {
		p.failf("%d were never settled", n)
	}
	at := map[string]time.Time{}
	for _, o := range p.queue.Outcomes() {
		if _, again := at[o.ID]; again {
			p.failf("%s was settled twice", o.ID)
		}
		at[o.ID] = o.Outcome.At
	}
	if len(at) != len(p.all) {
		p.failf("%d of %d were settled", len(at), len(p.all))
	}
	under := map[string]time.Time{}
	for _, c := range p.calls {
		if c.Begin.After(at[c.ID]) {
			p.failf("%s was sent after it was settled", c.ID)
		}
		if c.Begin.Before(under[c.ID]) {
			p.failf("%s was attempted twice at the same time", c.ID)
		}
		under[c.ID] = c.End
		if c.Begin.Before(c.NotBefore) {
			p.failf("%s was sent before its time", c.ID)
		}
	}
}

// ordered: in a lane other than the pages' no two attempts overlap, and of
// what replaces nothing and was due at once, the next begins after the one
// before has ended for good.
func (p *past) ordered() {
	type key struct {
		stream string
		lane   outbox.Lane
	}
	lanes := map[key][]outboxtest.Call{}
	for _, c := range p.calls {
		if c.Lane != outbox.Page {
			k := key{c.Stream, c.Lane}
			lanes[k] = append(lanes[k], c)
		}
	}
	for k, calls := range lanes {
		var last outboxtest.Call
		var rank [2]int
		for i, c := range calls {
			if i > 0 && c.Begin.Before(calls[i-1].End) {
				p.failf("%v: %s began before %s ended", k, c.ID, calls[i-1].ID)
			}
			if c.Replaces != "" || !c.NotBefore.IsZero() {
				continue
			}
			var now [2]int
			fmt.Sscanf(c.ID[len(c.Stream)+1:], "%d/%d", &now[0], &now[1])
			if slices.Compare(now[:], rank[:]) < 0 {
				p.failf("%v: %s came after %s", k, c.ID, last.ID)
			}
			last, rank = c, now
		}
	}
}

// withinLimits looks at every window between two attempts. After a restart the
// buckets are full again.
func (p *past) withinLimits() {
	for i, l := range p.limits {
		for n, start := range p.starts {
			var at []time.Time
			for _, c := range p.calls {
				if c.Kind != "free" && slices.Contains([]rune(c.Kind), rune('0'+i)) &&
					!c.Begin.Before(start) && (n >= len(p.ends) || c.Begin.Before(p.ends[n])) {
					at = append(at, c.Begin)
				}
			}
			if l.Every == 0 {
				continue
			}
			for from := range at {
				for to := from; to < len(at); to++ {
					if got, most := to-from+1, l.Burst+int(at[to].Sub(at[from])/l.Every); got > most {
						p.failf("%s admitted %d within %v, at most %d", l.Name, got, at[to].Sub(at[from]), most)
						return
					}
				}
			}
		}
	}
}

// closedAfterRefusal: from a refusal until its Retry-After nothing begins
// under the limit that was refused, in the same run of the program.
func (p *past) closedAfterRefusal() {
	for _, r := range p.calls {
		e, is := r.Err.(outbox.RetryAfterError)
		if !is || r.Kind == "free" {
			continue
		}
		until := r.End.Add(max(e.After, time.Second))
		for _, end := range p.ends {
			if end.After(r.Begin) && end.Before(until) {
				until = end
			}
		}
		for _, c := range p.calls {
			if c.Kind != "free" && slices.Contains([]rune(c.Kind), rune(r.Kind[0])) &&
				c.Begin.After(r.End) && c.Begin.Before(until) {
				p.failf("%s began at %v under a limit closed until %v", c.ID, c.Begin, until)
			}
		}
	}
}

// newestWins: no version is attempted after a newer one was, and the newest
// ends as delivered or refused for good.
func (p *past) newestWins() {
	newest := map[string]outbox.Delivery{}
	position := map[string]int{}
	for i, d := range p.all {
		position[d.ID] = i
		if d.Replaces != "" {
			if old := newest[d.Stream]; old.ID == "" || position[old.ID] < i {
				newest[d.Stream] = d
			}
		}
	}
	last := map[string]int{}
	for _, c := range p.calls {
		if c.Replaces == "" {
			continue
		}
		if position[c.ID] < last[c.Stream] {
			p.failf("%s was attempted after a newer version", c.ID)
		}
		last[c.Stream] = max(last[c.Stream], position[c.ID])
	}
	for _, d := range newest {
		if o, _ := p.queue.Outcome(d.ID); o.State != outbox.Delivered && o.State != outbox.Failed {
			p.failf("the newest version %s ended as %s", d.ID, o.State)
		}
	}
	for _, o := range p.queue.Outcomes() {
		if o.State == outbox.Superseded && (o.Replaces == "" || newest[o.Stream].ID == o.ID) {
			p.failf("%s was superseded by nothing", o.ID)
		}
	}
}

// lateInTime: a page is told to be late exactly when it is not settled a minute
// after it was due, in each run of the program.
func (p *past) lateInTime() {
	told := map[string]int{}
	for _, l := range p.queue.LatePages() {
		told[l.ID]++
	}
	for _, d := range p.all {
		o, _ := p.queue.Outcome(d.ID)
		end := o.Outcome.At
		must, may := 0, 0
		for n, start := range p.starts {
			due := slices.MaxFunc([]time.Time{start, p.added[d.ID], d.NotBefore}, time.Time.Compare)
			stop := end
			if n < len(p.ends) && p.ends[n].Before(stop) {
				stop = p.ends[n]
			}
			if d.Lane != outbox.Page || due.After(stop) {
				continue
			}
			late := slices.MaxFunc([]time.Time{d.At, d.NotBefore}, time.Time.Compare).Add(time.Minute)
			if soonest := due.Add(10 * time.Second); late.Before(soonest) {
				late = soonest
			}
			if latest := due.Add(time.Minute); d.At.IsZero() || late.After(latest) {
				late = latest
			}
			switch {
			case stop.After(late.Add(3 * time.Second)): // the grace of an end is no time to tell
				must++
				may++
			case !stop.Before(late):
				may++
			}
		}
		if told[d.ID] < must || told[d.ID] > may {
			p.failf("%s was told to be late %d times, want %d to %d", d.ID, told[d.ID], must, may)
		}
	}
}

func (p *past) withinSlots() {
	for _, c := range p.calls {
		all, own := 0, 0
		for _, other := range p.calls {
			if (other.Lane == outbox.Page) != (c.Lane == outbox.Page) ||
				other.Begin.After(c.Begin) || !other.End.After(c.Begin) {
				continue
			}
			all++
			if other.Kind[:1] == c.Kind[:1] {
				own++
			}
		}
		most, mine := p.slots.All, p.slots.PerProvider
		if c.Lane == outbox.Page {
			most, mine = p.slots.Pages, p.slots.PagesPerProvider
		}
		if all > most || own > mine {
			p.failf("%d attempts at once and %d at one provider, at most %d and %d", all, own, most, mine)
		}
	}
}
