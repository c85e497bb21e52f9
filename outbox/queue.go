package outbox

import (
	"context"
	"fmt"
	"time"
)

// Queue is where deliveries are stored and where what came of them is
// recorded. The engine provides it. All methods may be called from several
// goroutines at once.
type Queue interface {
	// Pending gives every stored delivery. It is asked once, when Run starts.
	Pending(ctx context.Context) ([]Delivery, error)

	// Relevant tells whether a delivery still matters. It is asked right before
	// each attempt. If not, the delivery is settled as Cancelled with the reason
	// and never sent. An error means "cannot tell now": it is asked again later.
	Relevant(ctx context.Context, d Delivery) (reason string, ok bool, err error)

	// Settle commits what came of a delivery and removes it, in one transaction.
	// It succeeds once per delivery. After an error the outbox keeps trying to
	// settle, and does not send the delivery again in this process.
	Settle(ctx context.Context, d Delivery, o Outcome) error

	// Late is told once when a delivery of the Page lane could not leave for
	// Config.LateAfter; the outbox keeps trying afterwards. It is never told
	// after Settle was begun. After an error it is told again.
	Late(ctx context.Context, d Delivery, lastErr error) error
}

// State is how a delivery ended.
type State string

// The four ends of a delivery.
const (
	// Delivered: the provider took it.
	Delivered State = "delivered"
	// Failed: the provider, or we, will never take it.
	Failed State = "failed"
	// Cancelled: it no longer mattered, and was not sent.
	Cancelled State = "cancelled"
	// Superseded: a newer version of the same thing goes in its place.
	Superseded State = "superseded"
)

// Outcome is what came of a delivery.
type Outcome struct {
	State State
	// Reason says why it failed, was cancelled or superseded; empty when it was
	// delivered.
	Reason string
	// Receipt is what the handler returned for a delivered one; may be nil.
	Receipt []byte
	// Attempts counts how often a handler was called in this process.
	Attempts int
	// At is when it ended, by Config.Now.
	At time.Time
}

// Handler brings one kind of delivery to its provider.
type Handler interface {
	// Deliver makes one attempt. With maybeSent an earlier attempt may have
	// reached the provider (an unclear failure, or the delivery was loaded from
	// disk), or an attempt for an older version that this one replaces may have:
	// the handler must look there before it repeats.
	//
	// The errors PermanentError, RetryAfterError and NotSentError are
	// understood, wrapped or not; any other is an unclear failure. ctx ends after
	// Config.Timeout.
	Deliver(ctx context.Context, d Delivery, maybeSent bool) (receipt []byte, err error)
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, d Delivery, maybeSent bool) ([]byte, error)

// Deliver calls f.
func (f HandlerFunc) Deliver(ctx context.Context, d Delivery, maybeSent bool) ([]byte, error) {
	return f(ctx, d, maybeSent)
}

// PermanentError says that a delivery will never be taken: it is settled as
// Failed and not tried again. The provider answered, so its breaker counts it
// as alive.
type PermanentError struct {
	// Reason is the word or sentence that is recorded; empty: Err's text.
	Reason string
	Err    error // may be nil
}

// Error gives the reason and the cause.
func (e PermanentError) Error() string {
	switch {
	case e.Err == nil:
		return e.Reason
	case e.Reason == "":
		return e.Err.Error()
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e PermanentError) Unwrap() error { return e.Err }

// RetryAfterError says that the provider refuses more for now (HTTP 429).
// Nothing was sent. The limit it names is closed for every delivery until then.
type RetryAfterError struct {
	// After is the provider's Retry-After; below one second counts as one.
	After time.Duration
	// Limit names the limit that is closed; empty: the first limit of the
	// delivery's route. Without any limit only this delivery waits.
	Limit string
	Err   error // may be nil
}

// Error says how long to wait and why.
func (e RetryAfterError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("refused for %v", e.After)
	}
	return fmt.Sprintf("refused for %v: %v", e.After, e.Err)
}

// Unwrap gives the cause.
func (e RetryAfterError) Unwrap() error { return e.Err }

// NotSentError says that this attempt surely did not reach the provider
// (connection refused, name not found, refused before it was read). It is tried
// again like any failure, without having to look first.
type NotSentError struct{ Err error }

// Error gives the cause.
func (e NotSentError) Error() string {
	if e.Err == nil {
		return "not sent"
	}
	return "not sent: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e NotSentError) Unwrap() error { return e.Err }
