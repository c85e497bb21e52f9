package outbox

import (
	"log/slog"
	"time"
)

// Limit is one rate that a provider imposes. Limits of one name are one
// bucket, shared by all deliveries whose route names it.
type Limit struct {
	// Name is the bucket's name, such as "slack chat.update".
	Name string
	// Every is the time in which one more attempt becomes free; zero: no rate,
	// only a name that a RetryAfterError can close.
	Every time.Duration
	// Burst is how many attempts may go at once after a quiet time; below one
	// counts as one.
	Burst int
}

// Route is the way of a delivery: whose breaker it depends on and which
// limits must all admit it.
type Route struct {
	Provider string
	Limits   []Limit
}

// Slots bound how many attempts run at the same time. Deliveries of the Page
// lane have slots of their own, so that nothing else can hold a page.
type Slots struct {
	// All is for everything but pages; zero: 32.
	All int
	// PerProvider is for everything but pages, per provider; zero: 8.
	PerProvider int
	// Pages is for pages; zero: 64.
	Pages int
	// PagesPerProvider is for pages, per provider; zero: 16.
	PagesPerProvider int
}

// Breaker says when a provider counts as down.
type Breaker struct {
	// After is how many failures in a row open it; zero: 5. Only failures
	// without an answer count.
	After int
	// Wait is the time until anything may probe the provider again; it doubles
	// with every failed probe up to MaxWait. Zero: 5 s and 30 s.
	Wait, MaxWait time.Duration
	// PageEvery is the least time between two probes by pages, which do not wait
	// for Wait; zero: 1 s.
	PageEvery time.Duration
}

// Hooks are told what happens, for metrics; each may be nil. They are called
// without any lock and must not block.
type Hooks struct {
	// Attempted: one attempt at a provider ended; result is one of the words of
	// Result.
	Attempted func(d Delivery, provider string, result Result, took time.Duration)
	// Settled: the outcome is committed; waited is the time since Delivery.At.
	Settled func(d Delivery, o Outcome, waited time.Duration)
	// Late: a page could not leave in time.
	Late func(d Delivery)
	// Breaker: a provider's breaker opened or closed.
	Breaker func(provider string, open bool)
	// Closed: a provider closed a limit until then.
	Closed func(limit string, until time.Time)
}

// Result is how one attempt ended.
type Result string

// The ends of an attempt.
const (
	ResultDelivered  Result = "delivered"
	ResultPermanent  Result = "permanent"
	ResultRetryAfter Result = "retry_after"
	ResultNotSent    Result = "not_sent"
	ResultUnclear    Result = "unclear"
	ResultPanic      Result = "panic"
	// The attempt was given up because the program stops.
	ResultStopped Result = "stopped"

	resultIrrelevant Result = "irrelevant"
	resultUnasked    Result = "unasked"
)

// Config is what an outbox needs. Queue, Route and a handler are required.
type Config struct {
	Queue Queue
	// Handlers are found by Delivery.Kind; Handler takes the kinds that are not
	// among them. A delivery without either is settled as Failed.
	Handlers map[string]Handler
	Handler  Handler
	// Route gives the way of a delivery. It must be quick, may be called again
	// for the same delivery, and must not call the outbox. A limit's newest Every
	// and Burst count.
	Route func(Delivery) Route

	// Now gives the time by which everything is decided; nil: time.Now.
	Now func() time.Time
	// Until gives the real time to wait until Now gives t; nil: time.Until.
	Until func(t time.Time) time.Duration

	// Timeout is the real time one attempt may take; zero: 10 s.
	Timeout time.Duration
	// Grace is the real time that attempts have to end once Run's context is
	// done; zero: 5 s.
	Grace time.Duration
	// LateAfter is how long a page may be unable to leave before Queue.Late is
	// told; zero: 60 s.
	LateAfter time.Duration

	Slots   Slots
	Breaker Breaker
	Hooks   Hooks
	// Log gets what went wrong, without any body; nil: nowhere.
	Log *slog.Logger
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	either(&c.Slots.All, 32)
	either(&c.Slots.PerProvider, 8)
	either(&c.Slots.Pages, 64)
	either(&c.Slots.PagesPerProvider, 16)
	either(&c.Breaker.After, 5)
	either(&c.Breaker.Wait, 5*time.Second)
	either(&c.Breaker.MaxWait, 30*time.Second)
	either(&c.Breaker.PageEvery, time.Second)
	either(&c.Timeout, 10*time.Second)
	either(&c.Grace, 5*time.Second)
	either(&c.LateAfter, time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Until == nil {
		c.Until = time.Until
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Hooks.Attempted == nil {
		c.Hooks.Attempted = func(Delivery, string, Result, time.Duration) {}
	}
	if c.Hooks.Settled == nil {
		c.Hooks.Settled = func(Delivery, Outcome, time.Duration) {}
	}
	if c.Hooks.Late == nil {
		c.Hooks.Late = func(Delivery) {}
	}
	if c.Hooks.Breaker == nil {
		c.Hooks.Breaker = func(string, bool) {}
	}
	if c.Hooks.Closed == nil {
		c.Hooks.Closed = func(string, time.Time) {}
	}
	return c
}

// handler gives the handler for a kind, or nil.
func (c Config) handler(kind string) Handler {
	if h := c.Handlers[kind]; h != nil {
		return h
	}
	return c.Handler
}

func either[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
