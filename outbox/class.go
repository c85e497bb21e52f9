package outbox

import (
	"strings"
	"time"
)

// class gathers the candidates of one route: they pass the same limits, the
// same breaker and the same slots, so only the first of them needs to be
// looked at.
type class struct {
	key        string
	limits     []*limit
	provider   *provider
	page       bool
	candidates heap[*job]

	// gate is where the class waits; nil while it is in the yard.
	gate  *gate
	index int
	from  *gate
	moves uint64
}

func (c *class) top() *job { return c.candidates.top() }

// before is the order in which candidates are served: by priority, then in
// turn between the streams, then by age.
func before(a, b *job) bool {
	if pa, pb := priority(a), priority(b); pa != pb {
		return pa < pb
	}
	if a.turn != b.turn {
		return a.turn < b.turn
	}
	return a.age < b.age
}

// priority is the job's priority, kept within the known ones.
func priority(j *job) Priority { return min(max(j.d.Priority, Paging), Decoration) }

// gate is a place where classes wait for one thing.
type gate struct {
	waiters heap[*class]
	// open tells whether the first may try, and if not, arranges for a look
	// when that can have changed.
	open   func(now time.Time) bool
	marked bool
}

func newClassHeap() heap[*class] {
	return heap[*class]{
		less: func(a, b *class) bool { return before(a.top(), b.top()) },
		at:   func(c *class) *int { return &c.index },
	}
}

// slots is a number of attempts that may run at once.
type slots struct {
	free int
	gate
}

// yard holds the classes that are to be looked at now, and the gates to be
// asked for their first.
type yard struct {
	classes heap[*class]
	marked  []*gate
}

// mark has a gate asked.
func (y *yard) mark(g *gate) {
	if !g.marked && g.waiters.len() > 0 {
		g.marked = true
		y.marked = append(y.marked, g)
	}
}

// next gives the class to look at first, nil when there is none: every marked
// gate that is open sends its first, and the most urgent of all is taken.
func (y *yard) next(now time.Time) *class {
	for len(y.marked) > 0 {
		g := y.marked[len(y.marked)-1]
		y.marked = y.marked[:len(y.marked)-1]
		g.marked = false
		if g.waiters.len() == 0 || !g.open(now) {
			continue
		}
		c := g.waiters.pop()
		c.gate, c.from = nil, g
		c.moves++
		y.classes.push(c)
	}
	if y.classes.len() == 0 {
		return nil
	}
	return y.classes.pop()
}

// enter puts a class into the yard, from wherever it waits.
func (y *yard) enter(c *class) {
	if c.gate != nil {
		c.gate.waiters.remove(c)
		c.gate = nil
	} else if c.index >= 0 {
		y.classes.fix(c)
		return
	}
	c.moves++
	y.classes.push(c)
}

// park has a class wait at a gate.
func (c *class) park(g *gate) {
	c.gate = g
	g.waiters.push(c)
}

// class finds or makes the class of a delivery.
func (o *Outbox) class(d Delivery) *class {
	r := o.cfg.Route(d)
	page := d.Lane == Page
	var b strings.Builder
	b.WriteString(r.Provider)
	if page {
		b.WriteString("\x00page")
	}
	for _, l := range r.Limits {
		b.WriteString("\x00=")
		b.WriteString(l.Name)
	}
	key := b.String()
	c := o.classes[key]
	if c == nil {
		c = &class{key: key, page: page, index: -1, provider: o.provider(r.Provider)}
		c.candidates = heap[*job]{less: before, at: func(j *job) *int { return &j.index }}
		for i, l := range r.Limits {
			if !named(r.Limits[:i], l.Name) {
				lim := o.limit(l.Name)
				lim.refs++
				c.limits = append(c.limits, lim)
			}
		}
		o.classes[key] = c
	}
	for _, l := range r.Limits {
		lim := o.limits[l.Name]
		l.Burst = max(l.Burst, 1)
		l.Every = max(l.Every, 0)
		lim.Limit = l
	}
	return c
}

func named(limits []Limit, name string) bool {
	for _, l := range limits {
		if l.Name == name {
			return true
		}
	}
	return false
}

// limit finds or makes a limit.
func (o *Outbox) limit(name string) *limit {
	if l := o.limits[name]; l != nil {
		return l
	}
	if len(o.limits) >= o.sweepAt {
		now := o.cfg.Now()
		for name, l := range o.limits {
			if l.idle(now) {
				l.wake.stop()
				delete(o.limits, name)
			}
		}
		o.sweepAt = 2*len(o.limits) + 64
	}
	l := &limit{Limit: Limit{Name: name, Burst: 1}}
	l.waiters = newClassHeap()
	l.wake = newAlarm(func(time.Time) { o.yard.mark(&l.gate) })
	l.open = func(now time.Time) bool {
		t := l.next()
		if t.Before(l.held) {
			t = l.held
		}
		if t.After(now) {
			o.alarms.set(l.wake, t)
			return false
		}
		return true
	}
	o.limits[name] = l
	return l
}

// dropIfEmpty forgets a class without candidates.
func (o *Outbox) dropIfEmpty(c *class) {
	if c.candidates.len() > 0 {
		return
	}
	c.moves++
	for _, l := range c.limits {
		l.refs--
	}
	delete(o.classes, c.key)
}

// join makes j a candidate of its class and has the class looked at if that
// changes who is first.
func (c *class) join(j *job, y *yard) {
	first := c.top()
	j.class = c
	if c.candidates.len() == 0 {
		c.candidates.push(j)
		y.enter(c)
		return
	}
	c.candidates.push(j)
	if c.top() != first {
		y.enter(c)
	}
}

// leave takes a candidate out of its class, wherever the class waits.
func (o *Outbox) leave(j *job) {
	c := j.class
	j.class = nil
	// The class stands by its first candidate: take it out of its place first.
	switch {
	case c.gate != nil:
		g := c.gate
		g.waiters.remove(c)
		c.gate = nil
		c.moves++
		c.candidates.remove(j)
		if c.candidates.len() > 0 {
			o.yard.classes.push(c)
		}
		o.yard.mark(g)
	case c.index >= 0:
		o.yard.classes.remove(c)
		c.candidates.remove(j)
		if c.candidates.len() > 0 {
			o.yard.classes.push(c)
		}
	default:
		c.candidates.remove(j)
	}
	o.dropIfEmpty(c)
}

// look tries to start the first of a class, and else has the class wait at
// what is in the way.
func (o *Outbox) look(c *class, now time.Time) {
	from := c.from
	c.from = nil
	j := c.top()
	switch g := o.obstacle(c, j, now); g {
	case nil:
		c.candidates.pop()
		j.class = nil
		o.start(j, c, now)
		if c.candidates.len() > 0 {
			o.yard.enter(c)
		}
		o.dropIfEmpty(c)
	default:
		c.park(g)
	}
	if from != nil && from != c.gate {
		o.yard.mark(from)
	}
}

// obstacle gives the gate at which j has to wait, nil when nothing is in the
// way.
func (o *Outbox) obstacle(c *class, j *job, now time.Time) *gate {
	var last *limit
	for _, l := range c.limits {
		if t := l.next(); t.After(now) && (last == nil || t.After(last.next())) {
			last = l
		}
	}
	if last != nil {
		est := last.next()
		for _, l := range c.limits {
			if l != last {
				l.claim(c, est, now)
			}
		}
		o.alarms.set(last.wake, est)
		return &last.gate
	}
	for _, l := range c.limits {
		if until, kept := l.keptFor(j, now); kept {
			l.held = until
			o.alarms.set(l.wake, until)
			return &l.gate
		}
	}
	p := c.provider
	if !o.passes(p, c.page, now) || p.slots[kind(c.page)].free == 0 {
		return &p.slots[kind(c.page)].gate
	}
	if s := &o.slots[kind(c.page)]; s.free == 0 {
		return &s.gate
	}
	return nil
}

func kind(page bool) int {
	if page {
		return 1
	}
	return 0
}
