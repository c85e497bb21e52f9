package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"muster/incident"
	"muster/outbox"
)

// insistEvery is how long to wait before the last resort is tried again.
const insistEvery = 30 * time.Second

// insist keeps trying where nobody is behind: the newest last resort of an
// open incident, and the word of it to the operations channel, are never given
// up for a refusal that somebody may heal. Any other error stays as it is.
func (p *Program) insist(ctx context.Context, d outbox.Delivery, e incident.Effect, err error) error {
	var refused outbox.PermanentError
	if !errors.As(err, &refused) || !p.isLast(ctx, d, e) {
		return err
	}
	// No other delivery waits for this one: the limit is its own. The refusal
	// itself is not wrapped, or it would still count as one.
	return outbox.RetryAfterError{After: insistEvery, Limit: "last resort", Err: errors.New(refused.Error())}
}

// isLast tells whether nobody hears of an open incident when this is lost.
func (p *Program) isLast(ctx context.Context, d outbox.Delivery, e incident.Effect) bool {
	var seq uint64
	switch e := e.(type) {
	case incident.Last:
		seq = e.Seq
	case incident.Operations:
		seq = e.Seq
	default:
		return false
	}
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil || !s.Open() {
		return false
	}
	history, err := p.incidents.History(ctx, d.Stream)
	if err != nil {
		return false
	}
	for _, r := range slices.Backward(history) {
		if _, last := r.Event.(incident.LastResortPaged); last {
			return r.Seq == seq // an older one is said by the newest
		}
	}
	return false
}
