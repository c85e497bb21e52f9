package bot

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"muster/bot/render"
)

// Slack waits three seconds for an acknowledgement.
// https://docs.slack.dev/apis/events-api/using-socket-mode
const (
	// answerWithin is when Slack is answered honestly that nothing is recorded
	// yet; the rest is for the way back.
	answerWithin = 2500 * time.Millisecond
	// maxAck is the largest payload in bytes that goes with an acknowledgement;
	// Slack drops those of 20 KB.
	maxAck = 19 << 10
	// rememberFor is how long a handled request is known; Slack redelivers for
	// about five minutes.
	rememberFor = 15 * time.Minute
)

// job is what an envelope asks for.
type job struct {
	// key is the request's stable identity; empty: it is never repeated.
	key string
	// run does the work. What it changes is recorded when it returns.
	run func(ctx context.Context) result
	// late is the acknowledgement when run takes too long, and sayLate tells
	// the person; nil: nothing is said.
	late    any
	sayLate func(ctx context.Context)
	// to is where a person is told that the work broke off; the zero place:
	// nobody is.
	to place
	// patient work is acknowledged only when it is done: Slack redelivers it.
	patient bool
}

// result is what came of a job.
type result struct {
	// ack is the acknowledgement's payload; nil: an empty one.
	ack any
	// fault is set when nothing could be recorded: the request is not
	// remembered, so that its repeat is tried again.
	fault bool
	// refused is set when nothing was changed and the same request may be sent
	// again with other content: a form keeps its identity when it is corrected.
	refused bool
	// after sends what the acknowledgement could not carry: late is set when it
	// had left before the work was done, lost when it could not be delivered.
	after func(ctx context.Context, late, lost bool)
}

// take handles an envelope elsewhere, so that the pump goes on.
func (b *Bot) take(ctx context.Context, env envelope) {
	b.running.Go(func() { b.handle(context.WithoutCancel(ctx), env) })
}

func (b *Bot) handle(ctx context.Context, env envelope) {
	ctx, stop := context.WithTimeout(ctx, workTimeout)
	defer stop()
	var j job
	b.guarded(func() { j = b.read(ctx, env) })
	if j.run == nil {
		b.ack(ctx, env, nil)
		return
	}
	first, entry := b.seen.enter(j.key, time.Now())
	if first {
		b.running.Go(func() {
			b.slots <- struct{}{}
			defer func() { <-b.slots }()
			entry.settle(b.carry(ctx, j))
		})
	}
	timer := time.NewTimer(answerWithin - time.Since(env.at))
	defer timer.Stop()
	late := false
	select {
	case <-entry.done:
	case <-timer.C:
		late = !j.patient
		if late {
			b.ack(ctx, env, j.late)
			if first && j.sayLate != nil {
				j.sayLate(ctx)
			}
		}
		select {
		case <-entry.done:
		case <-ctx.Done():
			b.cfg.Log.Error("an envelope was not handled in time", "type", env.Type)
			return
		}
	}
	r := entry.result
	if r.fault || r.refused {
		b.seen.forget(j.key)
	}
	if r.fault && j.patient {
		return // Slack sends it again
	}
	lost := !late && !b.ack(ctx, env, r.ack)
	if first && r.after != nil {
		b.guarded(func() { r.after(ctx, late, lost) })
	}
}

// carry does the work of a job. A mistake of ours in it ends neither the program
// nor the person's wait: they are told, and may send it again.
func (b *Bot) carry(ctx context.Context, j job) (r result) {
	whole := b.guarded(func() { r = j.run(ctx) })
	if !whole {
		r = result{fault: true}
		if j.to.user != "" {
			r.after = func(ctx context.Context, _, _ bool) { b.tell(ctx, j.to, brokenMessage()) }
		}
	}
	return r
}

// guarded runs f and tells whether it came to its end; a panic is logged.
func (b *Bot) guarded(f func()) (whole bool) {
	defer func() {
		if p := recover(); p != nil {
			b.cfg.Log.Error("an envelope was handled badly", "panic", p)
		}
	}()
	f()
	return true
}

// ack acknowledges and tells whether that was handed over.
func (b *Bot) ack(ctx context.Context, env envelope, payload any) bool {
	if !env.Accepts && env.Type == "events_api" {
		payload = nil
	}
	if err := b.links.ack(ctx, env, payload); err != nil {
		b.cfg.Log.Warn("an envelope could not be acknowledged", "type", env.Type, "error", err)
		return false
	}
	if b.cfg.Acked != nil {
		b.cfg.Acked(time.Since(env.at))
	}
	return true
}

// read finds out what an envelope asks for; a job without run is only
// acknowledged.
func (b *Bot) read(ctx context.Context, env envelope) job {
	switch env.Type {
	case "slash_commands":
		return b.slash(env.Payload)
	case "interactive":
		return b.interactive(env.Payload)
	case "events_api":
		return b.event(ctx, env)
	default:
		return job{}
	}
}

// seen remembers requests for a while, so that a redelivered one is answered
// once. What changes state is kept apart by the request's key in the store;
// this is for answers that people see.
type seen struct {
	mu      sync.Mutex
	entries map[string]*entry
	swept   time.Time
}

type entry struct {
	done   chan struct{}
	result result
	at     time.Time
}

func (e *entry) settle(r result) {
	e.result = r
	close(e.done)
}

// enter gives the entry of a key, and whether the caller is the first.
func (s *seen) enter(key string, now time.Time) (first bool, e *entry) {
	e = &entry{done: make(chan struct{}), at: now}
	if key == "" {
		return true, e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.entries[key]; ok {
		return false, old
	}
	if s.entries == nil {
		s.entries = map[string]*entry{}
	}
	if now.Sub(s.swept) > time.Minute {
		s.swept = now
		for k, old := range s.entries {
			if now.Sub(old.at) > rememberFor {
				delete(s.entries, k)
			}
		}
	}
	s.entries[key] = e
	return true, e
}

func (s *seen) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
}

// fits gives a message as an acknowledgement's payload, or nil when it is too
// large to go with one.
func fits(m render.Message) any {
	payload := ephemeral(m)
	if b, err := json.Marshal(payload); err != nil || len(b) > maxAck {
		return nil
	}
	return payload
}
