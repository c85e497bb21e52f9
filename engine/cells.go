package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"

	"muster/incident"
	"muster/store"
)

// SnapshotVersion is the shape of the stored fold. It goes up whenever the
// state, Apply or Summary changes; older snapshots are then ignored, and older
// entries of listings made again by Renew.
const SnapshotVersion = 5

// hold locks a stream for one step.
func (e *Engine[S]) hold(stream string) *cell[S] {
	e.mu.Lock()
	c := e.cells[stream]
	if c == nil {
		c = &cell[S]{stream: stream}
		e.cells[stream] = c
	}
	c.users++
	e.mu.Unlock()
	c.Lock()
	return c
}

// release lets go of a stream; one without running clocks leaves the memory
// with its last user.
func (e *Engine[S]) release(c *cell[S]) {
	open := c.open
	c.Unlock()
	e.mu.Lock()
	if c.users--; c.users == 0 && !open {
		delete(e.cells, c.stream)
	}
	e.mu.Unlock()
}

// load folds the stored records of a cell that is not in memory.
func (e *Engine[S]) load(c *cell[S]) error {
	if c.loaded {
		return nil
	}
	s, err := e.read(c.stream)
	if isDamage(err) {
		return e.damage(c.stream, err)
	}
	if err != nil {
		return err
	}
	c.loaded = true
	c.show(s, e.model.Open(s))
	return nil
}

// show takes over a state that is on disk.
func (c *cell[S]) show(s S, open bool) {
	c.state, c.open = &s, open
	if !open {
		c.shown.Store(nil)
		return
	}
	c.shown.Store(&s)
}

func (e *Engine[S]) read(stream string) (S, error) {
	s := e.model.Empty(stream)
	loaded, err := e.Store.Load(stream)
	if err != nil {
		return s, fmt.Errorf("load %s: %w", stream, err)
	}
	if loaded.Snapshot != nil {
		if err := json.Unmarshal(loaded.Snapshot, &s); err != nil {
			return s, fmt.Errorf("load %s: snapshot: %w", stream, err)
		}
	}
	for _, stored := range loaded.After {
		r, err := decode(stored)
		if err != nil {
			return s, fmt.Errorf("load %s record %d: %w: %w", stream, stored.Seq, store.ErrDamaged, err)
		}
		s = e.model.Apply(s, r)
	}
	return s, nil
}

func decode(stored store.Record) (incident.Record, error) {
	ev, err := incident.DecodeEvent(stored.Kind, stored.Version, stored.Body)
	return incident.Record{Seq: stored.Seq, At: stored.At, Event: ev}, err
}

// Start steps every stream whose clocks run, once: that is the catch-up after
// any time away. One that is damaged is left out, and Damaged names it.
func (e *Engine[S]) Start(ctx context.Context) error {
	hot, err := e.Store.Hot()
	if err != nil {
		return fmt.Errorf("list what is open: %w", err)
	}
	next := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for stream := range next {
				if _, err := e.Do(ctx, Request[S]{Stream: stream, Intent: incident.Wake{}}); err != nil && !isDamage(err) {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	for _, stream := range hot {
		if len(stream) >= len(e.model.Prefix) && stream[:len(e.model.Prefix)] == e.model.Prefix {
			next <- stream
		}
	}
	close(next)
	wg.Wait()
	return failed
}

// State gives a stream as it is; one without records gives a Refusal.
func (e *Engine[S]) State(ctx context.Context, stream string) (S, error) {
	c := e.hold(stream)
	defer e.release(c)
	if err := e.load(c); err != nil {
		var none S
		return none, err
	}
	if e.model.Seq(*c.state) == 0 {
		return *c.state, incident.Hidden(stream)
	}
	return *c.state, nil
}

// History gives all records of a stream.
func (e *Engine[S]) History(ctx context.Context, stream string) ([]incident.Record, error) {
	stored, err := e.Store.Records(stream, 1)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	out := make([]incident.Record, len(stored))
	for i, s := range stored {
		if out[i], err = decode(s); err != nil {
			return nil, fmt.Errorf("read %s record %d: %w", stream, s.Seq, err)
		}
	}
	return out, nil
}

// Open gives the streams whose clocks run (the model says which) as they are on disk, in no order. It
// does not wait for steps that are being taken.
func (e *Engine[S]) Open() []S {
	shown := e.shown()
	out := make([]S, len(shown))
	for i, s := range shown {
		out[i] = *s
	}
	return out
}

// Where gives those of Open for which keep says yes, and copies no others. Keep
// must not change what it is shown.
func (e *Engine[S]) Where(keep func(*S) bool) []S {
	var out []S
	for _, s := range e.shown() {
		if keep(s) {
			out = append(out, *s)
		}
	}
	return out
}

func (e *Engine[S]) shown() []*S {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]*S, 0, len(e.cells))
	for _, c := range e.cells {
		if s := c.shown.Load(); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// Seen gives the answer to an earlier request with the same key.
func (e *Engine[S]) Seen(ctx context.Context, key string) (reply []byte, seen bool, err error) {
	return e.Store.Request(key)
}
