package engine

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"muster/incident"
)

// stepWorkers bounds how many due streams are stepped at once; their commits
// share an fsync.
const stepWorkers = 64

// maxNap bounds one wait for the clock, so that a suspended machine or a
// corrected wall clock is noticed.
const maxNap = time.Second

// retryAfter is the pause before a step that failed is tried again.
const retryAfter = time.Second

// alarms keeps the next moment of each stream.
type alarms struct {
	mu     sync.Mutex
	heap   alarmHeap
	byName map[string]*alarm
	poke   chan struct{}
}

type alarm struct {
	stream string
	at     time.Time
	index  int
}

func newAlarms() alarms {
	return alarms{byName: map[string]*alarm{}, poke: make(chan struct{}, 1)}
}

// set replaces the next moment of a stream; zero: none.
func (a *alarms) set(stream string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.byName[stream]
	switch {
	case at.IsZero() && old == nil:
		return
	case at.IsZero():
		heap.Remove(&a.heap, old.index)
		delete(a.byName, stream)
		return
	case old == nil:
		old = &alarm{stream: stream, at: at}
		a.byName[stream] = old
		heap.Push(&a.heap, old)
	case old.at.Equal(at):
		return
	default:
		old.at = at
		heap.Fix(&a.heap, old.index)
	}
	if a.heap[0] == old {
		select {
		case a.poke <- struct{}{}:
		default:
		}
	}
}

// due takes out the stream whose moment has come, or says when the next one
// comes; zero: none is set.
func (a *alarms) due(now time.Time) (due *alarm, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.heap) == 0 {
		return nil, time.Time{}
	}
	if first := a.heap[0]; now.Before(first.at) {
		return nil, first.at
	}
	first := heap.Pop(&a.heap).(*alarm)
	delete(a.byName, first.stream)
	return first, time.Time{}
}

// Run steps streams when their moment comes, until the context ends. It waits
// for the steps it began.
func (e *Engine[S]) Run(ctx context.Context) error {
	work := make(chan *alarm)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(work)
	for range stepWorkers {
		wg.Go(func() {
			for due := range work {
				e.wake(ctx, due)
			}
		})
	}
	timer := time.NewTimer(maxNap)
	defer timer.Stop()
	for {
		due, next := e.clock.due(e.now())
		if due != nil {
			select {
			case work <- due:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		timer.Reset(e.nap(next))
		select {
		case <-timer.C:
		case <-e.clock.poke:
		case <-ctx.Done():
			return nil
		}
	}
}

// nap is how long to wait before the clock is looked at again.
func (e *Engine[S]) nap(next time.Time) time.Duration {
	if next.IsZero() {
		return maxNap
	}
	return min(max(e.Until(next), 0), maxNap)
}

// wake takes the step of a stream whose moment has come. A step that fails is
// tried again: a clock is never lost.
func (e *Engine[S]) wake(ctx context.Context, due *alarm) {
	e.Lateness(e.now().Sub(due.at))
	_, err := e.Do(ctx, Request[S]{Stream: due.stream, Intent: incident.Wake{}})
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	e.Log.Error("a due step failed and is tried again", "stream", due.stream, "error", err)
	e.clock.set(due.stream, e.now().Add(retryAfter))
}

type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *alarmHeap) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}
func (h *alarmHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
