package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"muster/alerts"
	"muster/alerts/triage"
	"muster/config"
	"muster/engine"
	"muster/incident"
)

// intake takes alerts in: it puts them on record, and keeps what the rules ask
// about beside the record.
type intake struct {
	program *Program
	groups  engine.Alerts
	look    engine.Lookout
	seen    atomic.Pointer[incident.Lookout] // as it is on disk
	poke    chan struct{}

	mu       sync.Mutex
	arrivals []arrival // within the storm's window, oldest first
	last     time.Time
	watchdog time.Time

	// declaring lets one incident be declared from alerts at a time, so that the
	// second one finds the first.
	declaring sync.Mutex
	informing keyed
}

// arrival is one alert that began to fire.
type arrival struct {
	at    time.Time
	class incident.Class
}

func newIntake(p *Program, cfg engine.Config) *intake {
	in := &intake{program: p, poke: make(chan struct{}, 1), watchdog: p.now()}
	in.groups = engine.NewAlerts(cfg, func() func(incident.AlertGroup, time.Time) incident.Decision {
		return triage.Group{Policy: p.triage(), World: in}.Reconcile
	})
	in.look = engine.NewLookout(cfg, func() func(incident.Lookout, time.Time) incident.Decision {
		return triage.Lookout{Policy: p.triage(), Arrivals: in}.Reconcile
	}, in.keep)
	return in
}

// triage is what the configuration of the day says about alerts.
func (p *Program) triage() triage.Policy {
	cfg := p.opt.Live.Get()
	return policy(cfg, hasEmail(p.opt.Env), p.playbookFor)
}

// keep takes over what concerns all alerts; what it changes for the groups
// reaches them at once.
func (in *intake) keep(l incident.Lookout) {
	old := in.seen.Swap(&l)
	if old != nil && old.Seq != l.Seq {
		in.wake()
	}
}

func (in *intake) wake() {
	select {
	case in.poke <- struct{}{}:
	default:
	}
}

// Lookout gives what concerns all alerts.
func (in *intake) Lookout() incident.Lookout {
	if l := in.seen.Load(); l != nil {
		return *l
	}
	return incident.Lookout{}
}

// Open lists the open incidents to which alerts can belong, newest first.
func (in *intake) Open() []incident.Incident { return in.program.publicOpen() }

// OnCall is who is woken for alerts that declare no incident: the first level's
// person on call, and those of the methods that reach them.
func (in *intake) OnCall(at time.Time, methods []string) (incident.Person, []string) {
	role := "primary"
	if levels := in.program.opt.Live.Get().Ladder.Levels; len(levels) > 0 {
		role = levels[0].Role
	}
	for _, c := range in.program.roster.OnCall(role, at).Contacts {
		var usable []string
		for _, m := range methods {
			if c.Missing[m] == "" {
				usable = append(usable, m)
			}
		}
		if len(usable) > 0 {
			return c.Person, usable
		}
	}
	return incident.Person{}, nil
}

// Since counts the alerts that came after a moment.
func (in *intake) Since(at time.Time) (n int, first time.Time, worst incident.Class) {
	in.mu.Lock()
	defer in.mu.Unlock()
	worst = incident.Info
	for _, a := range in.arrivals {
		if !a.at.After(at) {
			continue
		}
		if n++; n == 1 {
			first = a.at
		}
		if a.class.Worse(worst) {
			worst = a.class
		}
	}
	return n, first, worst
}

// Last is when the newest alert came.
func (in *intake) Last() time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.last
}

// Watchdog is when it was last heard, or this program began to listen.
func (in *intake) Watchdog() time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.watchdog
}

// arrived counts the alerts of a group that began to fire since a moment, and
// tells whether there are so many now that it may be a storm.
func (in *intake) arrived(g incident.AlertGroup, since time.Time, storm config.Storm) bool {
	if g.Window != "" || g.Quieted() {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, a := range g.Alerts {
		if a.Firing && !a.HeardAt.Before(since) {
			i := len(in.arrivals)
			for i > 0 && in.arrivals[i-1].at.After(a.HeardAt) {
				i-- // a few come at once
			}
			in.arrivals = slices.Insert(in.arrivals, i, arrival{a.HeardAt, a.Class()})
			if a.HeardAt.After(in.last) {
				in.last = a.HeardAt
			}
		}
	}
	gone := in.last.Add(-storm.Window)
	if i := slices.IndexFunc(in.arrivals, func(a arrival) bool { return a.at.After(gone) }); i > 0 {
		in.arrivals = in.arrivals[i:]
	}
	return storm.Alerts > 0 && len(in.arrivals) > storm.Alerts
}

// Take puts a batch of alerts on record.
func (in *intake) Take(ctx context.Context, b alerts.Batch) error {
	cfg := in.program.opt.Live.Get()
	list := b.Alerts
	if cfg.Watchdog.AbsentFor > 0 && slices.ContainsFunc(list, isWatchdog(cfg)) {
		if slices.ContainsFunc(list, func(a incident.Alert) bool { return isWatchdog(cfg)(a) && a.Firing }) {
			if err := in.heardWatchdog(ctx, cfg); err != nil {
				return err
			}
		}
		list = slices.DeleteFunc(slices.Clone(list), isWatchdog(cfg))
	}
	if b.GroupKey != "" {
		return in.take(ctx, cfg, b, b.GroupKey, list)
	}
	for _, a := range list {
		if err := in.take(ctx, cfg, b, a.Fingerprint, []incident.Alert{a}); err != nil {
			return err
		}
	}
	return nil
}

func isWatchdog(cfg *config.Config) func(incident.Alert) bool {
	return func(a incident.Alert) bool { return cfg.Watchdog.AbsentFor > 0 && a.Name == cfg.Watchdog.Alert }
}

// take puts the alerts of one group on record.
func (in *intake) take(ctx context.Context, cfg *config.Config, b alerts.Batch, key string, list []incident.Alert) error {
	if len(list) == 0 {
		return nil
	}
	began, look := in.program.now().Round(0).UTC(), in.Lookout().Seq
	done, err := in.groups.Do(ctx, engine.Request[incident.AlertGroup]{
		Stream: engine.GroupStream(b.Source, key), Key: b.Key,
		Intent: incident.HearAlerts{Key: key, Source: b.Source, Receiver: b.Receiver, Alerts: list},
		Reply:  func(incident.AlertGroup, []incident.Event) []byte { return nil },
	})
	in.program.metrics.batches.WithLabelValues(b.Source, outcomeOf(err, done.Events)).Inc()
	if err == nil && in.Lookout().Seq != look {
		// The step may have looked before that, and its group was not yet among those that are woken.
		_, err = in.groups.Do(ctx, engine.Request[incident.AlertGroup]{Stream: done.State.ID, Intent: incident.Wake{}})
	}
	if err != nil {
		return err
	}
	heard := slices.ContainsFunc(done.Events, func(e incident.Event) bool { _, ok := e.(incident.AlertsHeard); return ok })
	if !heard || !in.arrived(done.State, began, cfg.Storm) || in.Lookout().Storm.N != 0 {
		return nil
	}
	if _, err := in.look.Step(ctx, incident.Wake{}, ""); err != nil {
		// The alerts are on record; the storm is noticed with the next one.
		in.program.log.Error("a storm of alerts could not be recorded", "error", err)
	}
	return nil
}

// outcomeOf is what a group's batch came to, for the metrics.
func outcomeOf(err error, events []incident.Event) string {
	switch {
	case err != nil:
		return "failed"
	case len(events) == 0:
		return "repeated"
	default:
		return "recorded"
	}
}

func (in *intake) heardWatchdog(ctx context.Context, cfg *config.Config) error {
	in.mu.Lock()
	in.watchdog = in.program.now()
	in.mu.Unlock()
	_, err := in.look.Step(ctx, incident.HearWatchdog{Name: cfg.Watchdog.Alert, Within: cfg.Watchdog.AbsentFor}, "")
	return err
}

// start catches up: what became due while the program was away happens now.
func (in *intake) start(ctx context.Context) error {
	l, err := in.look.State(ctx)
	if err != nil {
		return err
	}
	in.seen.Store(&l)
	if _, err := in.look.Step(ctx, incident.Wake{}, ""); err != nil {
		return err
	}
	if err := in.groups.Start(ctx); err != nil {
		return err
	}
	cfg := in.program.opt.Live.Get()
	since := in.program.now().Add(-cfg.Storm.Window)
	storm := false
	for _, g := range in.groups.Open() {
		storm = in.arrived(g, since, cfg.Storm) || storm
	}
	if storm {
		_, err = in.look.Step(ctx, incident.Wake{}, "")
	}
	return err
}

// run lets what concerns all alerts reach the groups.
func (in *intake) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-in.poke:
		}
		in.wakeGroups(ctx)
	}
}

// wakers is how many groups are asked at once; they share an fsync.
const wakers = 32

func (in *intake) wakeGroups(ctx context.Context) {
	next := make(chan string)
	var wg sync.WaitGroup
	for range wakers {
		wg.Go(func() {
			for id := range next {
				_, err := in.groups.Do(ctx, engine.Request[incident.AlertGroup]{Stream: id, Intent: incident.Wake{}})
				if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
					in.program.log.Error("a group of alerts could not be looked at again", "group", id, "error", err)
				}
			}
		})
	}
	for _, g := range in.groups.Open() {
		next <- g.ID
	}
	close(next)
	wg.Wait()
}

// keyed is a lock for each name.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*held
}

type held struct {
	sync.Mutex
	users int
}

// lock waits for a name's lock and gives what lets it go.
func (k *keyed) lock(name string) func() {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*held{}
	}
	h := k.locks[name]
	if h == nil {
		h = &held{}
		k.locks[name] = h
	}
	h.users++
	k.mu.Unlock()
	h.Lock()
	return func() {
		h.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(k.locks, name)
		}
	}
}
