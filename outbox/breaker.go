package outbox

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// provider is one place outside: its breaker, its slots and who shares its
// turns.
type provider struct {
	name  string
	slots [2]slots // for everything else; for pages
	turns [Decoration + 1]turns

	failures  int // in a row, without an answer
	open      bool
	probing   bool
	until     time.Time // when anything may probe again
	wait      time.Duration
	lastProbe time.Time
	wake      *alarm // at until
	wakePage  *alarm // when the next page may probe
	// resting are the jobs that wait after a failure at this provider.
	resting map[*job]struct{}
}

// turns hands out turns between the streams of one priority: a stream with
// much to send takes a later turn for each further delivery.
type turns struct {
	served  uint64
	streams map[string]*standing
}

// standing is a stream's last turn and how many of its candidates wait.
type standing struct {
	last    uint64
	waiting int
}

func (t *turns) draw(stream string) uint64 {
	if t.streams == nil {
		t.streams = map[string]*standing{}
	}
	s := t.streams[stream]
	if s == nil {
		s = &standing{}
		t.streams[stream] = s
	}
	s.last = max(s.last, t.served) + 1
	s.waiting++
	return s.last
}

// done ends the wait for a turn.
func (t *turns) done(stream string, turn uint64, served bool) {
	if served {
		t.served = max(t.served, turn)
	}
	if s := t.streams[stream]; s != nil {
		if s.waiting--; s.waiting == 0 {
			delete(t.streams, stream)
		}
	}
}

func (o *Outbox) provider(name string) *provider {
	if p := o.providers[name]; p != nil {
		return p
	}
	p := &provider{name: name, resting: map[*job]struct{}{}}
	p.slots[0].free, p.slots[1].free = o.cfg.Slots.PerProvider, o.cfg.Slots.PagesPerProvider
	for i := range p.slots {
		s := &p.slots[i]
		s.waiters = newClassHeap()
		s.gate.open = func(now time.Time) bool { return s.free > 0 && o.passes(p, i == 1, now) }
	}
	p.wakePage = newAlarm(func(time.Time) { o.yard.mark(&p.slots[1].gate) })
	p.wake = newAlarm(func(now time.Time) { o.halfOpen(p, now) })
	o.providers[name] = p
	return p
}

// passes tells whether the breaker lets an attempt through now.
func (o *Outbox) passes(p *provider, page bool, now time.Time) bool {
	switch {
	case !p.open:
		return true
	case p.probing:
		return false
	case !now.Before(p.until):
		return true
	case !page:
		return false
	}
	if next := p.lastProbe.Add(o.cfg.Breaker.PageEvery); next.After(now) {
		o.alarms.set(p.wakePage, next)
		return false
	}
	return true
}

// halfOpen lets the most urgent of all that wait for the provider probe it,
// also one that rests after a failure.
func (o *Outbox) halfOpen(p *provider, now time.Time) {
	if !p.open || p.probing || now.Before(p.until) {
		return
	}
	var first *job
	for j := range p.resting {
		if first == nil || before(j, first) {
			first = j
		}
	}
	if first != nil {
		better := true
		for i := range p.slots {
			if c := p.slots[i].waiters.top(); c != nil && priority(c.top()) <= priority(first) {
				better = false
			}
		}
		if better {
			o.candidate(first)
		}
	}
	o.yard.mark(&p.slots[0].gate)
	o.yard.mark(&p.slots[1].gate)
}

// probes notes that an attempt through an open breaker begins.
func (p *provider) probes(now time.Time) bool {
	if !p.open {
		return false
	}
	p.probing, p.lastProbe = true, now
	return true
}

// judge learns from the end of an attempt.
func (o *Outbox) judge(p *provider, r Result, probe bool, now time.Time) {
	if probe {
		p.probing = false
	}
	switch r {
	case ResultDelivered, ResultPermanent, ResultRetryAfter:
		p.failures = 0
		if p.open {
			p.open = false
			p.wake.stop()
			p.wakePage.stop()
			o.tell(func() { o.cfg.Hooks.Breaker(p.name, false) })
			again := slices.SortedFunc(maps.Keys(p.resting), func(a, b *job) int {
				return cmp.Compare(a.own.arrival, b.own.arrival)
			})
			for _, j := range again {
				o.candidate(j)
			}
		}
	case ResultNotSent, ResultUnclear:
		p.failures++
		switch {
		case !p.open && p.failures >= o.cfg.Breaker.After:
			p.open, p.wait = true, o.cfg.Breaker.Wait
			p.until = now.Add(p.wait)
			p.lastProbe = now
			o.tell(func() {
				o.cfg.Log.Warn("provider counts as down", "provider", p.name, "failures", o.cfg.Breaker.After)
				o.cfg.Hooks.Breaker(p.name, true)
			})
		case p.open && probe && !now.Before(p.until):
			p.wait = min(2*p.wait, o.cfg.Breaker.MaxWait)
			p.until = now.Add(p.wait)
			o.hasten(p, now)
		}
	case ResultPanic, ResultStopped:
		if p.open && probe && !now.Before(p.until) {
			p.until = now.Add(p.wait)
		}
	case resultIrrelevant, resultUnasked:
		if probe {
			p.lastProbe = time.Time{} // nothing reached the provider
		}
	}
	if p.open && !p.probing {
		o.alarms.set(p.wake, p.until)
	}
	o.yard.mark(&p.slots[0].gate)
	o.yard.mark(&p.slots[1].gate)
}

// hasten has a provider for which a page rests probed every Breaker.Wait at the
// latest: the page leaves soon after the provider is back.
func (o *Outbox) hasten(p *provider, now time.Time) {
	latest := now.Add(o.cfg.Breaker.Wait)
	if !p.open || p.probing || !p.until.After(latest) {
		return
	}
	for j := range p.resting {
		if j.d.Lane == Page {
			p.until = latest
			o.alarms.set(p.wake, p.until)
			return
		}
	}
}
