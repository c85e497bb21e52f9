package app

import (
	"context"
	"sync"
	"time"
)

// Times of showing what a step that runs has said. Slack takes some 50 changed
// messages a minute from everybody together.
const (
	progressEvery = 3 * time.Second  // of one step
	progressSlow  = 10 * time.Second // of one that runs for longer than progressLong
	progressLong  = 30 * time.Second
	progressApart = 2 * time.Second // of all steps
	progressTime  = 3 * time.Second // how long one may take
)

// progress keeps the message of one step that runs current.
type progress struct {
	mu    sync.Mutex
	text  []byte
	fresh chan struct{} // holds one when there is something new
	stop  context.CancelFunc
	done  chan struct{}
}

func (p *progress) take(output []byte) {
	p.mu.Lock()
	p.text = output
	p.mu.Unlock()
	p.again()
}

func (p *progress) again() {
	select {
	case p.fresh <- struct{}{}:
	default:
	}
}

func (p *progress) now() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text
}

// end waits until nothing is shown any more.
func (p *progress) end() {
	p.stop()
	<-p.done
}

// progress begins to show what a step says; its end has to be called.
func (p *Program) progress(ctx context.Context, stream string, n int) *progress {
	ctx, stop := context.WithCancel(ctx)
	out := &progress{fresh: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	began := time.Now()
	p.steps.all.Go(func() {
		defer close(out.done)
		every := progressEvery
		for pause(ctx, every) {
			select {
			case <-out.fresh:
			case <-ctx.Done():
				return
			}
			if !pause(ctx, p.steps.turn(time.Now())) {
				return
			}
			p.showProgress(ctx, stream, n, out)
			if time.Since(began) > progressLong {
				every = progressSlow
			}
		}
	})
	return out
}

// showProgress is not broken off when the step ends: a message that is under
// way would come after the step's last one.
func (p *Program) showProgress(ctx context.Context, stream string, n int, from *progress) {
	call, stop := context.WithTimeout(context.WithoutCancel(ctx), progressTime)
	defer stop()
	if err := p.bot.Progress(call, stream, n, clean(from.now())); err != nil {
		p.log.Debug("a step's progress was not shown", "incident", stream, "run", n, "error", err)
		from.again()
	}
}

// turn gives how long to wait until one more message may change.
func (s *steps) turn(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.shown.Add(progressApart)
	if at.Before(now) {
		at = now
	}
	s.shown = at
	return at.Sub(now)
}

// pause waits; false: the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
