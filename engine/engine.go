// Package engine takes one step of one stream at a time: it folds the
// records, reads the clock once, lets the pure rules decide, and commits the
// facts, the effects and the answered request in one transaction.
//
// It never talks to a provider and never decides what a fact means.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"muster/incident"
	"muster/outbox"
	"muster/store"
)

// maxRounds is how often the rules may ask for more in one step. More is a bug
// in a rule.
const maxRounds = 32

// snapshotEvery is the number of records after which the fold is stored again.
const snapshotEvery = 32

// Model is what the engine must know of an aggregate. All functions are pure.
type Model[S any] struct {
	// Prefix begins the names of its streams ("INC-").
	Prefix string
	Empty  func(stream string) S
	// Seq is the sequence of the last record that was folded.
	Seq    func(S) uint64
	Apply  func(S, incident.Record) S
	Handle func(S, incident.Intent, time.Time) ([]incident.Event, error)
	// Rules gives the rules of the day; they may change between steps.
	Rules    func() []func(S, time.Time) incident.Decision
	Effects  func(S, incident.Record) []incident.Effect
	Relevant func(S, incident.Effect) (reason string, ok bool)
	// Open tells whether the stream has clocks that run.
	Open func(S) bool
	// Summary is the stream's entry in listings.
	Summary func(S) any
	// Keep is told of every state that is on disk, by one goroutine at a time
	// for each stream; nil: nobody.
	Keep func(S)
}

// Points are the named moments of a step, for tests that end the process
// there.
type Points string

// The named moments.
const (
	BeforeCommit Points = "before commit"
	AfterCommit  Points = "after commit"
	BeforeSettle Points = "before settle"
)

// Config is what an engine works with.
type Config struct {
	Store *store.Store
	// Now is the clock that decides; nil: time.Now.
	Now func() time.Time
	// Until is how long to wait for a moment of that clock; nil: time.Until.
	Until func(time.Time) time.Duration
	// Send takes deliveries that are committed; nil: nobody is told.
	Send func(...outbox.Delivery)
	// Log receives faults; nil: none.
	Log *slog.Logger
	// Passing is told at the named moments; nil: nobody.
	Passing func(Points)
	// Lateness is told how late each due step was taken; nil: nobody.
	Lateness func(time.Duration)
}

// Engine steps the streams of one aggregate. Use New.
type Engine[S any] struct {
	Config
	model Model[S]

	mu    sync.Mutex
	cells map[string]*cell[S]
	// damaged says of streams why they cannot be read.
	damaged map[string]error
	clock   alarms
}

// cell is one stream in memory. Its lock is held for the whole of a step.
type cell[S any] struct {
	sync.Mutex
	stream string
	users  int // under Engine.mu
	// state is as it is on disk and is replaced, never changed; nil: nothing
	// was loaded yet.
	state  *S
	loaded bool
	open   bool
	// shown is the state while it is open, for those who only look: they do
	// not wait for a step. nil: not open.
	shown atomic.Pointer[S]
}

// New makes an engine. Start must be called before the first step.
func New[S any](cfg Config, model Model[S]) *Engine[S] {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Until == nil {
		cfg.Until = time.Until
	}
	if cfg.Send == nil {
		cfg.Send = func(...outbox.Delivery) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Passing == nil {
		cfg.Passing = func(Points) {}
	}
	if cfg.Lateness == nil {
		cfg.Lateness = func(time.Duration) {}
	}
	if model.Keep == nil {
		model.Keep = func(S) {}
	}
	return &Engine[S]{Config: cfg, model: model, cells: map[string]*cell[S]{}, damaged: map[string]error{}, clock: newAlarms()}
}

// Request is one thing said.
type Request[S any] struct {
	// Stream is whom it is said to. Empty with New: a new stream.
	Stream string
	New    bool
	Intent incident.Intent
	// Key names the request; a repeat within the retention gets the same
	// answer. Empty: no repeat is recognised.
	Key string
	// Reply makes the answer that is stored with the key; nil: none.
	Reply func(after S, events []incident.Event) []byte
	// settle is a delivery that this request removes.
	settle string
}

// Result is what came of a request.
type Result[S any] struct {
	Stream string
	State  S
	// Events are the new facts; none: nothing changed, and the request's key
	// is not remembered.
	Events []incident.Event
	Reply  []byte
	// Repeated is set when the request was answered before: Reply is the
	// answer of then, State and Events are empty.
	Repeated bool
}

// Do takes one step. An incident.Refusal is for the person who asked; any
// other error means that nothing was recorded.
func (e *Engine[S]) Do(ctx context.Context, req Request[S]) (Result[S], error) {
	if req.Key != "" {
		if reply, seen, err := e.Store.Request(req.Key); err != nil {
			return Result[S]{}, fmt.Errorf("look for an earlier answer: %w", err)
		} else if seen {
			return Result[S]{Reply: reply, Repeated: true}, nil
		}
	}
	if req.New {
		return e.begin(ctx, req)
	}
	c := e.hold(req.Stream)
	defer e.release(c)
	for {
		if err := e.load(c); err != nil {
			return Result[S]{}, err
		}
		now := e.now()
		w, err := e.work(c.stream, *c.state, req, now)
		if err != nil {
			return Result[S]{}, err
		}
		if !w.changes(req) {
			e.keep(c, w)
			return Result[S]{Stream: c.stream, State: w.state, Reply: w.reply}, nil
		}
		result, err := e.commit(ctx, c, req, w)
		if errors.Is(err, store.ErrConflict) {
			c.loaded = false
			continue
		}
		return result, err
	}
}

// now is the one clock read of a step; wall time, so that a suspended machine
// or a corrected clock is seen.
func (e *Engine[S]) now() time.Time { return e.Now().Round(0).UTC() }

// work is what one step adds up to before it is committed.
type work[S any] struct {
	state   S
	step    store.Step
	events  []incident.Event
	reply   []byte
	wake    time.Time
	wasOpen bool
	isOpen  bool
}

// changes tells whether the step has anything to commit.
func (w work[S]) changes(req Request[S]) bool {
	return len(w.step.Records) > 0 || req.settle != ""
}

// work folds what was said and what follows from it.
func (e *Engine[S]) work(stream string, s S, req Request[S], now time.Time) (work[S], error) {
	w := work[S]{state: s, wasOpen: e.model.Open(s)}
	before := e.model.Seq(s)
	w.step = store.Step{Stream: stream, Expect: before}
	said, err := e.model.Handle(s, req.Intent, now)
	if r, ok := errors.AsType[incident.Refusal](err); ok && r.Code == "unknown" && before == 0 {
		err = incident.Hidden(stream) // in the words for one that may not be seen, so that neither gives the other away
	}
	if err != nil {
		return w, err
	}
	if err := e.fold(&w, said, now); err != nil {
		return w, err
	}
	if err := e.reconcile(&w, now); err != nil {
		return w, fmt.Errorf("step %s: %w", stream, err)
	}
	w.isOpen = e.model.Open(w.state)
	if req.settle != "" {
		w.step.Settle = []string{req.settle}
	}
	if req.Reply != nil {
		w.reply = req.Reply(w.state, w.events)
	}
	if len(w.step.Records) == 0 {
		return w, nil
	}
	if w.isOpen != w.wasOpen || before == 0 {
		w.step.Hot = &w.isOpen
	}
	if w.step.Summary, err = json.Marshal(e.model.Summary(w.state)); err != nil {
		return w, fmt.Errorf("summarise %s: %w", stream, err)
	}
	if after := e.model.Seq(w.state); w.isOpen && after/snapshotEvery != before/snapshotEvery {
		if w.step.Snapshot, err = json.Marshal(w.state); err != nil {
			return w, fmt.Errorf("snapshot %s: %w", stream, err)
		}
		w.step.SnapshotVersion = SnapshotVersion
	}
	if req.Key != "" {
		w.step.Request = &store.Request{Key: req.Key, Reply: w.reply, At: now}
	}
	return w, nil
}

// reconcile asks every rule until all are quiet.
func (e *Engine[S]) reconcile(w *work[S], now time.Time) error {
	rules := e.model.Rules()
	for range maxRounds {
		quiet := true
		w.wake = time.Time{}
		for _, rule := range rules {
			d := rule(w.state, now)
			if len(d.Events) > 0 {
				quiet = false
				if err := e.fold(w, d.Events, now); err != nil {
					return err
				}
				continue
			}
			w.wake = incident.Sooner(w.wake, d.Wake)
		}
		if quiet {
			if !w.wake.IsZero() && !w.wake.After(now) { // a wake that does not lie ahead must not spin
				w.wake = now.Add(retryAfter)
			}
			return nil
		}
	}
	return fmt.Errorf("the rules did not come to rest after %d rounds", maxRounds)
}

// fold applies events and collects their records and effects.
func (e *Engine[S]) fold(w *work[S], events []incident.Event, now time.Time) error {
	for _, ev := range events {
		kind, body, err := incident.EncodeEvent(ev)
		if err != nil {
			return err
		}
		if ev, err = incident.DecodeEvent(kind, incident.EventVersion, body); err != nil {
			return err // what is stored is what is folded, now and after a restart
		}
		r := incident.Record{Seq: e.model.Seq(w.state) + 1, At: now, Event: ev}
		w.state = e.model.Apply(w.state, r)
		if _, last := ev.(incident.Erased); last {
			w.step.Erase = len(w.step.Records) == 0
		}
		w.events = append(w.events, ev)
		w.step.Records = append(w.step.Records, store.Record{At: now, Kind: kind, Version: incident.EventVersion, Body: body})
		for _, effect := range e.model.Effects(w.state, r) {
			d, err := delivery(effect, now)
			if err != nil {
				return err
			}
			w.step.Deliver = append(w.step.Deliver, d)
		}
	}
	return nil
}

func delivery(effect incident.Effect, now time.Time) (outbox.Delivery, error) {
	kind, body, err := incident.EncodeEffect(effect)
	if err != nil {
		return outbox.Delivery{}, err
	}
	t := incident.Travel(effect)
	return outbox.Delivery{
		Lane: outbox.Lane(t.Lane), Priority: outbox.Priority(t.Priority), Replaces: t.Replaces,
		Kind: kind, Body: body, At: now,
	}, nil
}

// begin starts a new stream.
func (e *Engine[S]) begin(ctx context.Context, req Request[S]) (Result[S], error) {
	var w work[S]
	now := e.now()
	step := store.Step{New: e.model.Prefix, Write: func(stream string) (store.Step, error) {
		var err error
		w, err = e.work(stream, e.model.Empty(stream), req, now)
		return onlyNewest(w.step), err
	}}
	if req.Key != "" {
		step.Request = &store.Request{Key: req.Key, At: now}
	}
	e.Passing(BeforeCommit)
	done, err := e.Store.Commit(ctx, step)
	if errors.Is(err, store.ErrRepeated) {
		return Result[S]{Reply: done.Reply, Repeated: true}, nil
	}
	if err != nil {
		return Result[S]{}, err
	}
	e.Passing(AfterCommit)
	c := e.hold(done.Stream)
	defer e.release(c)
	if !c.loaded || e.model.Seq(*c.state) <= e.model.Seq(w.state) { // else somebody took the next step already
		c.loaded = true
		e.keep(c, w)
	}
	e.Send(done.Deliveries...)
	return Result[S]{Stream: done.Stream, State: w.state, Events: w.events, Reply: w.reply}, nil
}

// commit makes a step durable, then remembers it.
func (e *Engine[S]) commit(ctx context.Context, c *cell[S], req Request[S], w work[S]) (Result[S], error) {
	e.Passing(BeforeCommit)
	done, err := e.Store.Commit(ctx, onlyNewest(w.step))
	if errors.Is(err, store.ErrRepeated) {
		return Result[S]{Reply: done.Reply, Repeated: true}, nil
	}
	if err != nil {
		return Result[S]{}, err
	}
	e.Passing(AfterCommit)
	e.keep(c, w)
	e.Send(done.Deliveries...)
	return Result[S]{Stream: c.stream, State: w.state, Events: w.events, Reply: w.reply}, nil
}

// onlyNewest drops effects of a step that a later one of it replaces.
func onlyNewest(step store.Step) store.Step {
	newest := map[string]int{}
	for i, d := range step.Deliver {
		if d.Replaces != "" {
			newest[d.Replaces] = i
		}
	}
	kept := step.Deliver[:0:0]
	for i, d := range step.Deliver {
		if d.Replaces == "" || newest[d.Replaces] == i {
			kept = append(kept, d)
		}
	}
	step.Deliver = kept
	return step
}

// keep remembers the state and the next moment that matters.
func (e *Engine[S]) keep(c *cell[S], w work[S]) {
	c.show(w.state, w.isOpen)
	e.model.Keep(w.state)
	if !c.open {
		w.wake = time.Time{}
	}
	e.clock.set(c.stream, w.wake)
}
