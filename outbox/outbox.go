package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// longestSleep bounds the wait for an alarm, so that a jump of the wall clock
// or a suspended machine delays nothing for longer than this.
const longestSleep = 15 * time.Second

// Outbox delivers what is added to it. Make one with New.
type Outbox struct {
	cfg     Config
	kick    chan struct{}
	work    context.Context // of the attempts; outlives Run's by the grace
	running sync.WaitGroup

	inboxMu sync.Mutex
	inbox   []Delivery

	mu        sync.Mutex
	started   bool
	jobs      map[string]*job
	loaded    map[string]struct{} // IDs that came from disk, for good
	lanes     map[laneKey]*lane
	groups    map[groupKey]*group
	stirred   map[*lane]struct{}
	classes   map[string]*class
	limits    map[string]*limit
	sweepAt   int
	providers map[string]*provider
	slots     [2]slots
	flying    int
	yard      yard
	alarms    alarms // by Config.Now as it runs
	wall      alarms // by the wall clock: NotBefore
	chores    [2]heap[*chore]
	busy      [2]int
	arrivals  uint64
	ages      uint64
	news      []func() // to be told without the lock
}

// New makes an outbox. It does nothing before Run.
func New(cfg Config) *Outbox {
	o := &Outbox{
		cfg:       cfg.withDefaults(),
		kick:      make(chan struct{}, 1),
		jobs:      map[string]*job{},
		loaded:    map[string]struct{}{},
		lanes:     map[laneKey]*lane{},
		groups:    map[groupKey]*group{},
		stirred:   map[*lane]struct{}{},
		classes:   map[string]*class{},
		limits:    map[string]*limit{},
		sweepAt:   64,
		providers: map[string]*provider{},
		yard:      yard{classes: newClassHeap()},
		alarms:    newAlarms(),
		wall:      newAlarms(),
		chores:    [2]heap[*chore]{newChores(), newChores()},
	}
	o.slots[0].free, o.slots[1].free = o.cfg.Slots.All, o.cfg.Slots.Pages
	for i := range o.slots {
		s := &o.slots[i]
		s.waiters = newClassHeap()
		s.open = func(time.Time) bool { return s.free > 0 }
	}
	return o
}

// Add takes deliveries that are committed. It never blocks and may be called
// before Run and from anywhere. What the outbox already has, it ignores.
func (o *Outbox) Add(ds ...Delivery) {
	if len(ds) == 0 {
		return
	}
	o.inboxMu.Lock()
	o.inbox = append(o.inbox, ds...)
	o.inboxMu.Unlock()
	o.poke()
}

func (o *Outbox) poke() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// Run loads what is stored and delivers until ctx is done; then attempts under
// way have Config.Grace to end, and what is not settled stays stored. It may be
// called once. It returns nil after an orderly end.
func (o *Outbox) Run(ctx context.Context) error {
	if o.cfg.Queue == nil || o.cfg.Route == nil {
		return errors.New("the outbox needs a queue and a route")
	}
	o.mu.Lock()
	again := o.started
	o.started = true
	o.mu.Unlock()
	if again {
		return errors.New("the outbox runs already")
	}
	pending, err := o.cfg.Queue.Pending(ctx)
	if err != nil {
		return fmt.Errorf("loading the stored deliveries: %w", err)
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	o.work = work
	now := o.cfg.Now()
	o.mu.Lock()
	o.load(pending, o.arrived(), now)
	o.mu.Unlock()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait, any := o.step(); any {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return o.stop(cancel)
		case <-o.kick:
		case <-timer.C:
		}
	}
}

// arrived empties the inbox.
func (o *Outbox) arrived() []Delivery {
	o.inboxMu.Lock()
	defer o.inboxMu.Unlock()
	ds := o.inbox
	o.inbox = nil
	return ds
}

// step does everything that can be done now and says how long there is
// nothing to do; false: until something happens.
func (o *Outbox) step() (wait time.Duration, any bool) {
	o.mu.Lock()
	now := o.cfg.Now()
	for _, d := range o.arrived() {
		o.take(d, false, now)
	}
	o.wall.ringDue(now)
	o.alarms.ringDue(now)
	o.advanceAll()
	for c := o.yard.next(now); c != nil; c = o.yard.next(now) {
		o.look(c, now)
	}
	o.doChores()
	for _, s := range []*alarms{&o.alarms, &o.wall} {
		if a := s.top(); a != nil {
			if w := max(o.cfg.Until(a.at), 0); !any || w < wait {
				wait, any = w, true
			}
		}
	}
	news := o.news
	o.news = nil
	o.mu.Unlock()
	for _, tell := range news {
		tell()
	}
	return min(wait, longestSleep), any
}

// advanceAll has every lane that changed put its first forward, in the order
// in which they came.
func (o *Outbox) advanceAll() {
	if len(o.stirred) == 0 {
		return
	}
	lanes := slices.SortedFunc(maps.Keys(o.stirred), func(a, b *lane) int {
		if a.queue.len() == 0 || b.queue.len() == 0 {
			return b.queue.len() - a.queue.len()
		}
		return cmp.Compare(a.queue.top().own.arrival, b.queue.top().own.arrival)
	})
	clear(o.stirred)
	for _, l := range lanes {
		o.advance(l)
	}
}

// tell has f called once the lock is free.
func (o *Outbox) tell(f func()) { o.news = append(o.news, f) }

// stop ends Run: attempts may end within the grace, then they are told to,
// and then they are left behind.
func (o *Outbox) stop(cancel context.CancelFunc) error {
	ended := make(chan struct{})
	go func() {
		o.running.Wait()
		close(ended)
	}()
	grace := time.NewTimer(o.cfg.Grace)
	defer grace.Stop()
	select {
	case <-ended:
		return nil
	case <-grace.C:
	}
	cancel()
	grace.Reset(o.cfg.Grace)
	select {
	case <-ended:
		return nil
	case <-grace.C:
		o.mu.Lock()
		defer o.mu.Unlock()
		return fmt.Errorf("%d attempts did not end within %v after they were told to", o.flying, o.cfg.Grace)
	}
}
