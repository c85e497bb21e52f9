// Package outboxtest has a queue in memory and a provider that remembers its
// calls, for tests of what hands deliveries to an outbox or takes them from
// it, and the suite that every queue must pass.
//
// It never sends anything and keeps nothing on disk.
package outboxtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"muster/outbox"
)

// Queue is an outbox.Queue in memory. The zero value is empty and ready.
type Queue struct {
	// Irrelevant names why a delivery no longer matters; nil or "": it does. It
	// is called without a lock.
	Irrelevant func(outbox.Delivery) string
	// Fail, if set, is asked before each call ("pending", "relevant", "settle",
	// "late") and may refuse it.
	Fail func(call string, d outbox.Delivery) error

	mu      sync.Mutex
	stored  map[string]outbox.Delivery
	settled []Settled
	late    []Late
}

// Settled is one outcome that was committed.
type Settled struct {
	outbox.Delivery
	outbox.Outcome
}

// Late is one page that was told to be late.
type Late struct {
	outbox.Delivery
	Err error
	At  time.Time
}

// Store keeps deliveries as a commit would; they are then to be added to the
// outbox.
func (q *Queue) Store(ds ...outbox.Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stored == nil {
		q.stored = map[string]outbox.Delivery{}
	}
	for _, d := range ds {
		q.stored[d.ID] = d
	}
}

// Pending gives what is stored, ordered by ID as a file would.
func (q *Queue) Pending(context.Context) ([]outbox.Delivery, error) {
	if err := q.fail("pending", outbox.Delivery{}); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]outbox.Delivery, 0, len(q.stored))
	for _, d := range q.stored {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b outbox.Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// Relevant asks Irrelevant.
func (q *Queue) Relevant(_ context.Context, d outbox.Delivery) (string, bool, error) {
	if err := q.fail("relevant", d); err != nil {
		return "", false, err
	}
	if q.Irrelevant == nil {
		return "", true, nil
	}
	reason := q.Irrelevant(d)
	return reason, reason == "", nil
}

// Settle removes the delivery and remembers the outcome; what is not stored
// is an error.
func (q *Queue) Settle(_ context.Context, d outbox.Delivery, o outbox.Outcome) error {
	if err := q.fail("settle", d); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, is := q.stored[d.ID]; !is {
		return fmt.Errorf("%s is not stored or was settled before", d.ID)
	}
	delete(q.stored, d.ID)
	q.settled = append(q.settled, Settled{d, o})
	return nil
}

// Late remembers the page.
func (q *Queue) Late(_ context.Context, d outbox.Delivery, lastErr error) error {
	if err := q.fail("late", d); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, is := q.stored[d.ID]; !is {
		return errors.New(d.ID + " is late after it was settled")
	}
	q.late = append(q.late, Late{d, lastErr, time.Now()})
	return nil
}

func (q *Queue) fail(call string, d outbox.Delivery) error {
	if q.Fail == nil {
		return nil
	}
	return q.Fail(call, d)
}

// Outcomes gives what was settled, in order.
func (q *Queue) Outcomes() []Settled {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.settled)
}

// Outcome gives what came of a delivery; false: nothing yet.
func (q *Queue) Outcome(id string) (Settled, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.settled {
		if s.ID == id {
			return s, true
		}
	}
	return Settled{}, false
}

// LatePages gives the pages that were told to be late, in order.
func (q *Queue) LatePages() []Late {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.late)
}

// Stored counts what is not settled.
func (q *Queue) Stored() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.stored)
}

// Provider is an outbox.Handler that remembers its calls. The zero value takes
// everything at once.
type Provider struct {
	// Answer decides an attempt, by its context and number (from 1); nil: taken.
	Answer func(ctx context.Context, d outbox.Delivery, attempt int) error

	mu    sync.Mutex
	calls []Call
	tries map[string]int
}

// Call is one attempt.
type Call struct {
	outbox.Delivery
	MaybeSent bool
	Begin     time.Time
	End       time.Time // zero while it is under way
	Err       error
}

// Deliver remembers the attempt and answers it; the receipt is the ID.
func (p *Provider) Deliver(ctx context.Context, d outbox.Delivery, maybeSent bool) ([]byte, error) {
	p.mu.Lock()
	if p.tries == nil {
		p.tries = map[string]int{}
	}
	p.tries[d.ID]++
	try, n := p.tries[d.ID], len(p.calls)
	p.calls = append(p.calls, Call{Delivery: d, MaybeSent: maybeSent, Begin: time.Now()})
	p.mu.Unlock()
	err := errors.New("the answer panicked")
	defer func() {
		p.mu.Lock()
		p.calls[n].End, p.calls[n].Err = time.Now(), err
		p.mu.Unlock()
	}()
	if p.Answer == nil {
		err = nil
	} else {
		err = p.Answer(ctx, d, try)
	}
	if err != nil {
		return nil, err
	}
	return []byte(d.ID), nil
}

// Calls gives the attempts in the order in which they began.
func (p *Provider) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// IDs gives the deliveries of the attempts in the order in which they began.
func (p *Provider) IDs() []string {
	var ids []string
	for _, c := range p.Calls() {
		ids = append(ids, c.ID)
	}
	return ids
}
