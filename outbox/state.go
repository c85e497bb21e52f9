package outbox

import "time"

// Status is what the outbox looks like at one moment.
type Status struct {
	// Lanes has an entry for each lane with something in it.
	Lanes map[Lane]Depth
	// Down names the providers whose breaker is open; false for the others that
	// were ever used.
	Down map[string]bool
	// Closed has the limits that a provider closed, until when.
	Closed map[string]time.Time
	// Unsettled counts deliveries whose outcome is known and could not be
	// committed yet.
	Unsettled int
}

// Depth is what is in one lane, over all streams.
type Depth struct {
	// Waiting deliveries are not on their way; those whose time has not come are
	// among them.
	Waiting int
	Flying  int
	// Oldest is the decision time of the oldest one that may go now; zero: none.
	Oldest time.Time
}

// Status looks at everything that is in the outbox; its cost grows with that.
func (o *Outbox) Status() Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.cfg.Now()
	s := Status{Lanes: map[Lane]Depth{}, Down: map[string]bool{}, Closed: map[string]time.Time{}}
	for _, j := range o.jobs {
		if j.phase == settling || j.phase == kept {
			s.Unsettled++
			continue
		}
		d := s.Lanes[j.d.Lane]
		if j.phase == flying {
			d.Flying++
		} else {
			d.Waiting++
		}
		if j.phase != early && (d.Oldest.IsZero() || j.d.At.Before(d.Oldest)) {
			d.Oldest = j.d.At
		}
		s.Lanes[j.d.Lane] = d
	}
	o.inboxMu.Lock()
	for _, one := range o.inbox {
		d := s.Lanes[one.Lane]
		d.Waiting++
		if !one.NotBefore.After(now) && (d.Oldest.IsZero() || one.At.Before(d.Oldest)) {
			d.Oldest = one.At
		}
		s.Lanes[one.Lane] = d
	}
	o.inboxMu.Unlock()
	for name, p := range o.providers {
		s.Down[name] = p.open
	}
	for name, l := range o.limits {
		if l.closed.After(now) {
			s.Closed[name] = l.closed
		}
	}
	return s
}

// Oldest is the decision time of the oldest delivery of a lane that may go now,
// of the streams that count; nil: all do. Zero: there is none.
func (o *Outbox) Oldest(lane Lane, counts func(stream string) bool) (oldest time.Time) {
	look := func(d Delivery) {
		if d.Lane == lane && (counts == nil || counts(d.Stream)) && (oldest.IsZero() || d.At.Before(oldest)) {
			oldest = d.At
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, j := range o.jobs {
		if j.phase != settling && j.phase != kept && j.phase != early {
			look(j.d)
		}
	}
	now := o.cfg.Now()
	o.inboxMu.Lock()
	defer o.inboxMu.Unlock()
	for _, one := range o.inbox {
		if !one.NotBefore.After(now) {
			look(one)
		}
	}
	return oldest
}

// Cancel settles as Cancelled what waits in a stream and matches; nil matches
// everything. What is on its way stays so. It gives how many there were; what
// was added and not yet looked at is left to Queue.Relevant.
func (o *Outbox) Cancel(stream, reason string, match func(Delivery) bool) int {
	defer o.poke()
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, j := range o.jobs {
		switch {
		case j.d.Stream != stream || match != nil && !match(j.d):
		case j.phase == flying || j.phase == settling || j.phase == kept:
		default:
			o.remove(j)
			o.settle(j, Outcome{State: Cancelled, Reason: reason})
			n++
		}
	}
	return n
}
