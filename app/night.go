package app

import (
	"context"
	"fmt"
	"time"
)

const (
	// sweepHour is when the nightly sweep is, in UTC.
	sweepHour = 4
	// sweepWithin bounds one sweep: Slack may ask to wait.
	sweepWithin = 10 * time.Minute
	// sweepAgain is the wait before a sweep that nobody could be told of is
	// done again.
	sweepAgain = 10 * time.Minute
	// lastSweep is where the store keeps when the last one was.
	lastSweep = "sweep"
)

// chores are what the program does for its own sake, by the clock.
func (p *Program) chores() []*part {
	parts := []*part{{name: "sweep", run: p.sweepNightly}, {name: "damage", run: p.tellDamage}, {name: "listings", run: p.renewListings}}
	if p.opt.Env.MusterDeadmanURL.IsSet() {
		parts = append(parts, &part{name: "heartbeat", run: p.beat})
	}
	return parts
}

// sweepNightly looks every night whether the people on call can be reached, and
// tells the operations channel what would keep a page from them. A night that
// passed while the program was away is made up for once.
func (p *Program) sweepNightly(ctx context.Context) error {
	next, err := p.firstSweep()
	if err != nil {
		return err
	}
	for {
		for p.now().Before(next) {
			// Not longer than an hour: a suspended machine does not count.
			wait := time.NewTimer(min(p.opt.Until(next), time.Hour))
			select {
			case <-ctx.Done():
				wait.Stop()
				return nil
			case <-wait.C:
			}
		}
		next = night(p.now())
		if err := p.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("the nightly look at the people on call could not be told of; it is done again", "error", err)
			next = p.now().Add(sweepAgain)
		}
	}
}

// firstSweep is the first night after the last sweep.
func (p *Program) firstSweep() (time.Time, error) {
	value, found, err := p.store.Get(lastSweep)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the last sweep was: %w", err)
	}
	last := p.now()
	if found {
		if t, err := time.Parse(time.RFC3339, string(value)); err == nil && t.Before(last) {
			last = t
		}
	}
	return night(last), nil
}

// night is the next sweepHour after a moment.
func night(after time.Time) time.Time {
	y, m, d := after.UTC().Date()
	next := time.Date(y, m, d, sweepHour, 0, 0, 0, time.UTC)
	if !next.After(after) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}

// sweepOnce sweeps and tells. A panic ends this sweep, not the program.
func (p *Program) sweepOnce(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.log.Error("the sweep failed badly; the next one is tomorrow", "panic", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	found := p.sweep().run(ctx)
	if len(found) > 0 {
		text := "Pages would not reach everybody who is on call in the next 14 days:\n" + sweepText(found)
		if err := p.bot.Say(ctx, p.opt.Live.Get().Channels.Operations, text); err != nil {
			return err
		}
	}
	p.log.Info("the people on call were looked at", "findings", len(found))
	return p.store.Put(ctx, lastSweep, []byte(p.now().Format(time.RFC3339)))
}

// sweep looks with everything that the program has.
func (p *Program) sweep() sweep {
	s := sweep{
		cfg: p.opt.Live.Get(), overrides: p.roster.Overrides(), now: p.now(), bot: p.bot, pagerduty: p.channels.pagerduty,
	}
	if p.channels.phone != nil {
		s.tested = phoneTested(p.store)
	}
	return s
}
