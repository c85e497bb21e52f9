package outbox

import "time"

// alarm is a function to be called at a time. Make one with newAlarm.
type alarm struct {
	at    time.Time
	index int
	in    *alarms // where it was set last
	ring  func(now time.Time)
}

func newAlarm(ring func(now time.Time)) *alarm { return &alarm{index: -1, ring: ring} }

// alarms are rung in the order of their times.
type alarms struct{ heap[*alarm] }

func newAlarms() alarms {
	return alarms{heap[*alarm]{
		less: func(a, b *alarm) bool { return a.at.Before(b.at) },
		at:   func(a *alarm) *int { return &a.index },
	}}
}

// set makes a ring at t, also when it was set before.
func (s *alarms) set(a *alarm, t time.Time) {
	a.at, a.in = t, s
	if a.index < 0 {
		s.push(a)
	} else {
		s.fix(a)
	}
}

// stop keeps a from ringing; it may be nil or not set.
func (a *alarm) stop() {
	if a != nil && a.index >= 0 {
		a.in.remove(a)
	}
}

// ringDue rings everything that is due.
func (s *alarms) ringDue(now time.Time) {
	for s.len() > 0 && !s.top().at.After(now) {
		s.pop().ring(now)
	}
}
