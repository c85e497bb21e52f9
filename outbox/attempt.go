package outbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The retries of what failed: 1 s, 2 s, 4 s … 1 min, each a quarter more or less.
const (
	firstRetry  = time.Second
	lastRetry   = time.Minute
	retryJitter = 0.25
)

func newBackoff() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     firstRetry,
		RandomizationFactor: retryJitter,
		Multiplier:          2,
		MaxInterval:         lastRetry,
	}
	b.Reset()
	return b
}

// nextRetry is how long a job waits after one more failure.
func nextRetry(j *job) time.Duration {
	if j.retry == nil {
		j.retry = newBackoff()
	}
	return j.retry.NextBackOff()
}

// flight is one attempt and what it holds.
type flight struct {
	job       *job
	class     *class
	limits    []*limit
	maybeSent bool
	probe     bool
	// What came of it.
	result  Result
	reason  string
	receipt []byte
	err     error
	took    time.Duration
}

// start takes what the attempt needs and lets it go.
func (o *Outbox) start(j *job, c *class, now time.Time) {
	c.provider.turns[priority(j)].done(j.d.Stream, j.turn, true)
	for _, l := range c.limits {
		l.take(now)
	}
	c.provider.slots[kind(c.page)].free--
	o.slots[kind(c.page)].free--
	j.phase, j.age = flying, 0
	if g := j.group; g != nil {
		g.flying = j
		if g.waiting == j {
			g.waiting = nil
		}
	}
	o.flying++
	f := &flight{job: j, class: c, limits: c.limits, maybeSent: j.maybeSent, probe: c.provider.probes(now)}
	o.running.Go(func() {
		o.attempt(f)
		if o.landed(f) {
			o.commit(j)
		}
		o.mu.Lock()
		c.provider.slots[kind(c.page)].free++
		o.slots[kind(c.page)].free++
		o.flying--
		o.yard.mark(&c.provider.slots[kind(c.page)].gate)
		o.yard.mark(&o.slots[kind(c.page)].gate)
		o.mu.Unlock()
		o.poke()
	})
}

// attempt asks whether the delivery still matters and makes one try.
func (o *Outbox) attempt(f *flight) {
	ctx, cancel := context.WithTimeout(o.work, o.cfg.Timeout)
	defer cancel()
	d := f.job.d
	var reason string
	var ok bool
	err := o.guard(func() (err error) {
		reason, ok, err = o.cfg.Queue.Relevant(ctx, d)
		return err
	})
	switch {
	case err != nil && o.work.Err() != nil:
		f.result = ResultStopped
		return
	case err != nil:
		f.result, f.err = resultUnasked, fmt.Errorf("asking whether %s still matters: %w", d.ID, err)
		return
	case !ok:
		f.result, f.reason = resultIrrelevant, reason
		return
	}
	h := o.cfg.handler(d.Kind)
	if h == nil {
		f.result, f.reason = resultIrrelevant, ""
		f.err = fmt.Errorf("nothing here delivers %q", d.Kind)
		return
	}
	began := time.Now()
	f.receipt, f.result, f.err = o.deliver(ctx, h, d, f.maybeSent)
	f.took = time.Since(began)
	o.cfg.Hooks.Attempted(d, f.class.provider.name, f.result, f.took)
}

// deliver calls the handler and names how it ended.
func (o *Outbox) deliver(ctx context.Context, h Handler, d Delivery, maybeSent bool) (receipt []byte, r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The value may hold the body, so only its type is told.
			err = fmt.Errorf("the handler of %q panicked (%T)", d.Kind, p)
			receipt, r = nil, ResultPanic
			o.cfg.Log.Error("a handler panicked", "delivery", d.ID, "kind", d.Kind,
				"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		}
	}()
	receipt, err = h.Deliver(ctx, d, maybeSent)
	return receipt, o.judgeError(err), err
}

func (o *Outbox) judgeError(err error) Result {
	if err == nil {
		return ResultDelivered
	}
	if o.work.Err() != nil {
		return ResultStopped
	}
	if _, is := find[PermanentError](err); is {
		return ResultPermanent
	}
	if _, is := find[RetryAfterError](err); is {
		return ResultRetryAfter
	}
	if _, is := find[NotSentError](err); is {
		return ResultNotSent
	}
	return ResultUnclear
}

// find looks for an error of a type, by value or by pointer.
func find[E error](err error) (E, bool) {
	var byValue E
	if errors.As(err, &byValue) {
		return byValue, true
	}
	var byPointer *E
	if errors.As(err, any(&byPointer)) && byPointer != nil {
		return *byPointer, true
	}
	return byValue, false
}

// landed draws the consequences of an attempt. It tells whether the outcome is
// to be committed now.
func (o *Outbox) landed(f *flight) bool {
	defer o.poke()
	o.mu.Lock()
	defer o.mu.Unlock()
	j, p, now := f.job, f.class.provider, o.cfg.Now()
	if g := j.group; g != nil {
		g.flying = nil
		if b := g.blocked; b != nil {
			g.blocked = nil
			o.candidate(b)
		}
	}
	o.judge(p, f.result, f.probe, now)
	if f.err != nil {
		j.lastErr = f.err
	}
	if f.result != resultIrrelevant && f.result != resultUnasked {
		j.attempts++
	}
	switch f.result {
	case ResultDelivered:
		j.outcome = Outcome{State: Delivered, Receipt: f.receipt}
	case ResultPermanent:
		e, _ := find[PermanentError](f.err)
		if e.Reason == "" {
			e.Reason = e.Error()
		}
		j.outcome = Outcome{State: Failed, Reason: e.Reason}
	case resultIrrelevant:
		o.giveBack(f)
		j.outcome = Outcome{State: Cancelled, Reason: f.reason}
		if f.err != nil {
			j.outcome = Outcome{State: Failed, Reason: f.err.Error()}
		}
	default:
		o.again(f, now)
		return false
	}
	return o.conclude(j, now)
}

// giveBack returns the tokens of an attempt that was not made.
func (o *Outbox) giveBack(f *flight) {
	for _, l := range f.limits {
		l.giveBack()
		o.yard.mark(&l.gate)
	}
}

// again has a job that did not get through wait for its next try, or gives its
// place to a newer version.
func (o *Outbox) again(f *flight, now time.Time) {
	j, p := f.job, f.class.provider
	var at time.Time
	switch f.result {
	case resultUnasked:
		o.giveBack(f)
		p = nil
		at = now.Add(nextRetry(j))
		o.cfg.Log.Warn("cannot tell whether a delivery still matters", "delivery", j.d.ID, "error", f.err)
	case ResultRetryAfter:
		p = nil
		at = o.closeLimit(f, now)
	case ResultNotSent:
		at = now.Add(nextRetry(j))
	case ResultPanic:
		p = nil
		j.maybeSent = true
		at = now.Add(nextRetry(j))
	default:
		j.maybeSent = true
		at = now.Add(nextRetry(j))
	}
	if p != nil {
		o.cfg.Log.Info("an attempt failed", "delivery", j.d.ID, "provider", p.name, "result", f.result, "error", f.err)
	}
	o.rest(j, p, at)
	if g := j.group; g != nil {
		newer := g.waiting
		if newer == nil {
			g.waiting = j
		} else {
			o.remove(newer)
			o.replace(j, newer)
		}
	}
}

// closeLimit closes what a provider refused, for everybody, and says when the
// job itself may try again.
func (o *Outbox) closeLimit(f *flight, now time.Time) time.Time {
	e, _ := find[RetryAfterError](f.err)
	until := now.Add(max(e.After, time.Second))
	name := e.Limit
	if name == "" && len(f.limits) > 0 {
		name = f.limits[0].Name
	}
	l := o.limits[name]
	if l == nil {
		return until
	}
	l.close(until)
	o.tell(func() { o.cfg.Hooks.Closed(name, until) })
	for _, mine := range f.limits {
		if mine == l {
			// It waits in line at the limit, by its priority.
			return now
		}
	}
	return until
}
