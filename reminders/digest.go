package reminders

import (
	"time"

	"muster/incident"
)

// Digest is the rule of looking back: people are told of the week behind. The
// zero value never speaks.
type Digest struct {
	// Due is the last moment at or before now at which it was due, after
	// another; zero: none. Next is the first one after a moment; zero: none.
	Due  func(after, now time.Time) time.Time
	Next func(after time.Time) time.Time
	// Began is when the program did, for the first of all: what was due before
	// anybody ran it is nobody's.
	Began time.Time
}

// A digest tells of the time since the last one, when that is not too long ago;
// else of a week.
const (
	week        = 7 * 24 * time.Hour
	digestReach = 5 * week
)

// Reconcile says whether it is due, and when the next is.
func (g Digest) Reconcile(d incident.Desk, now time.Time) incident.Decision {
	if g.Due == nil || g.Next == nil {
		return incident.Decision{}
	}
	after := d.Told
	if after.IsZero() {
		after = g.Began
	}
	if at := g.Due(after, now); !at.IsZero() && at.After(d.Told) {
		from := d.Told
		if from.IsZero() || at.Sub(from) > digestReach {
			from = at.Add(-week)
		}
		return incident.Decision{Events: []incident.Event{incident.DigestDue{From: from.UTC(), At: at.UTC()}}}
	}
	return incident.Decision{Wake: g.Next(now)}
}
