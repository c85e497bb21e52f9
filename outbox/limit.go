package outbox

import "time"

// limit is one token bucket, kept as the theoretical arrival time of the next
// token: exact, and an unused token can be given back.
type limit struct {
	Limit
	tat    time.Time
	closed time.Time
	refs   int // classes that use it

	// Classes that wait for this limit before any other.
	gate
	wake *alarm
	// held is until when its next token is kept for somebody who was here
	// first and waits for another limit.
	held time.Time
	// claims are those who wait elsewhere and will need a token of this limit,
	// by priority.
	claims [Decoration + 1]heap[*claim]
}

// claim says that a class, unless it has moved since, needs a token at est.
type claim struct {
	est   time.Time
	class *class
	moves uint64
	index int
}

func (c *claim) valid(now time.Time) bool {
	return c.moves == c.class.moves && !c.est.Before(now)
}

// next is when the limit admits one more attempt.
func (l *limit) next() time.Time {
	free := l.tat.Add(-time.Duration(l.Burst-1) * l.Every)
	if free.Before(l.closed) {
		return l.closed
	}
	return free
}

// nextAfterTake is what next will be if a token is taken now.
func (l *limit) nextAfterTake(now time.Time) time.Time {
	before := l.tat
	l.advance(now)
	after := l.next()
	l.tat = before
	return after
}

func (l *limit) advance(now time.Time) {
	if l.tat.Before(now) {
		l.tat = now
	}
	l.tat = l.tat.Add(l.Every)
}

func (l *limit) take(now time.Time) {
	l.advance(now)
	l.held = time.Time{}
}

// giveBack returns a token that was taken and not used.
func (l *limit) giveBack() { l.tat = l.tat.Add(-l.Every) }

// close admits nobody until t, and then one at a time at the limit's rate:
// what would have gathered meanwhile is not a burst the provider would take.
func (l *limit) close(t time.Time) {
	if t.After(l.closed) {
		l.closed = t
	}
	if full := l.closed.Add(time.Duration(l.Burst-1) * l.Every); l.tat.Before(full) {
		l.tat = full
	}
}

// idle tells whether the limit is as good as new.
func (l *limit) idle(now time.Time) bool {
	return l.refs == 0 && !l.tat.After(now) && !l.closed.After(now)
}

// claim notes that c, which waits elsewhere, will need a token at est.
func (l *limit) claim(c *class, est time.Time, now time.Time) {
	h := &l.claims[priority(c.top())]
	if h.less == nil {
		h.less = func(a, b *claim) bool { return a.est.Before(b.est) }
		h.at = func(a *claim) *int { return &a.index }
	}
	if h.len() > 2*l.refs+16 {
		valid := h.items
		h.items = nil
		for _, x := range valid {
			if x.valid(now) {
				h.push(x)
			}
		}
	}
	h.push(&claim{est: est, class: c, moves: c.moves})
}

// keptFor tells whether a token taken now by j would delay a more urgent
// claim, and until when that claim holds.
func (l *limit) keptFor(j *job, now time.Time) (until time.Time, kept bool) {
	after := l.nextAfterTake(now)
	for p := range priority(j) + 1 {
		h := &l.claims[p]
		for h.len() > 0 && !h.top().valid(now) {
			h.pop()
		}
		if first := h.top(); first != nil && first.est.Before(after) && before(first.class.top(), j) {
			return first.est.Add(1), true
		}
	}
	return time.Time{}, false
}
