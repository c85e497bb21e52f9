package email

import (
	"context"
	"fmt"
	"sync"
	"time"

	"muster/outbox"
)

// maxTalks bounds the conversations at one time; mail servers begin to refuse
// a client somewhere above.
const maxTalks = 20

// keepResult is how long the end of a conversation waits for a repeat to ask.
// The outbox comes back after at most a minute.
const keepResult = 5 * time.Minute

// flights are the conversations under way, by delivery. A conversation
// outlives the call that began it, so that a slow server is not sent the same
// mail again and again while it makes up its mind.
type flights struct {
	carry func(ctx context.Context, p parcel, done func(error))
	slots chan struct{}
	ctx   context.Context
	end   context.CancelFunc
	wg    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	under  map[string]*flight
}

// flight is one conversation; err counts once done is closed.
type flight struct {
	done  chan struct{}
	err   error
	ended time.Time
}

func newFlights(carry func(context.Context, parcel, func(error))) *flights {
	f := &flights{carry: carry, slots: make(chan struct{}, maxTalks), under: map[string]*flight{}}
	f.ctx, f.end = context.WithCancel(context.Background())
	return f
}

// take sends a parcel, or joins the conversation that does already.
func (f *flights) take(ctx context.Context, p parcel) error {
	one := f.find(p.key)
	if one == nil {
		select {
		case f.slots <- struct{}{}:
		case <-ctx.Done():
			return outbox.NotSentError{Err: fmt.Errorf("%d other mails wait for the mail server's answers: %w", maxTalks, ctx.Err())}
		}
		var err error
		if one, err = f.begin(p); err != nil {
			return err
		}
	}
	select {
	case <-one.done:
	case <-ctx.Done():
		return fmt.Errorf("the mail server is slow; the conversation goes on: %w", ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.under[p.key] == one {
		delete(f.under, p.key)
	}
	return one.err
}

func (f *flights) find(key string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, one := range f.under {
		if !one.ended.IsZero() && time.Since(one.ended) > keepResult {
			delete(f.under, k)
		}
	}
	return f.under[key]
}

// begin starts a conversation in a slot that is taken.
func (f *flights) begin(p parcel) (*flight, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		<-f.slots
		return nil, outbox.NotSentError{Err: context.Canceled}
	}
	if one := f.under[p.key]; one != nil {
		<-f.slots
		return one, nil
	}
	one := &flight{done: make(chan struct{})}
	f.under[p.key] = one
	f.wg.Go(func() {
		defer func() { <-f.slots }()
		f.carry(f.ctx, p, func(err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			one.err, one.ended = err, time.Now()
			close(one.done)
		})
	})
	return one, nil
}

func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.end()
	f.wg.Wait()
}
