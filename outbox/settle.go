package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The chores are what is committed beside the attempts: outcomes without an
// attempt, outcomes whose commit failed, and late pages. That many run at once,
// and as many again for pages.
const choresAtOnce = 16

// chore is a call of the queue that waits for its turn.
type chore struct {
	job   *job
	age   uint64
	run   func()
	index int
}

func newChores() heap[*chore] {
	return heap[*chore]{
		less: func(a, b *chore) bool {
			if pa, pb := priority(a.job), priority(b.job); pa != pb {
				return pa < pb
			}
			return a.age < b.age
		},
		at: func(c *chore) *int { return &c.index },
	}
}

// chore queues a call of the queue.
func (o *Outbox) chore(j *job, run func()) {
	o.ages++
	o.chores[kind(j.d.Lane == Page)].push(&chore{job: j, age: o.ages, run: run})
}

// doChores starts as many as may run.
func (o *Outbox) doChores() {
	for k := range o.chores {
		for o.chores[k].len() > 0 && o.busy[k] < choresAtOnce {
			c := o.chores[k].pop()
			o.busy[k]++
			o.running.Go(func() {
				c.run()
				o.mu.Lock()
				o.busy[k]--
				o.mu.Unlock()
				o.poke()
			})
		}
	}
}

// settle gives a job its outcome and queues the commit.
func (o *Outbox) settle(j *job, outcome Outcome) {
	j.outcome = outcome
	if o.conclude(j, o.cfg.Now()) {
		o.chore(j, func() { o.commit(j) })
	}
}

// commitLater queues the commit of a job that ended, once nothing has to come
// before it.
func (o *Outbox) commitLater(j *job) {
	if o.committable(j) {
		o.chore(j, func() { o.commit(j) })
	}
}

// committable tells whether the outcome of j may be committed now. If not, it
// will be looked at again.
func (o *Outbox) committable(j *job) bool {
	if g := j.group; g != nil && !j.leaving {
		if g.leaving > 0 && j.outcome.State != Superseded {
			if !j.waits {
				j.waits = true
				g.ended = append(g.ended, j)
			}
			return false
		}
		j.leaving = true
		g.leaving++
	}
	return !j.telling
}

// conclude ends a job's time outside and tells whether its outcome is to be
// committed now.
func (o *Outbox) conclude(j *job, now time.Time) bool {
	j.phase = settling
	j.outcome.At, j.outcome.Attempts = now, j.attempts
	j.late.stop()
	if g := j.group; g != nil && g.waiting == j {
		g.waiting = nil
	}
	return o.committable(j)
}

// commit settles a job, first the older version whose place it took. What
// cannot be committed is tried again; the delivery is not sent again.
func (o *Outbox) commit(j *job) {
	// What was sent is recorded, also when the program is about to stop.
	ctx := context.WithoutCancel(o.work)
	if b := j.before; b != nil {
		b.outcome = Outcome{State: Superseded, Reason: "replaced by " + j.d.ID, Attempts: b.attempts, At: j.outcome.At}
		if !o.committed(ctx, j, b) {
			return
		}
		j.before = nil
	}
	o.committed(ctx, j, j)
}

// committed settles one job and tells whether it could; if not, j is tried
// again later.
func (o *Outbox) committed(ctx context.Context, j, one *job) bool {
	err := o.guard(func() error { return o.cfg.Queue.Settle(ctx, one.d, one.outcome) })
	o.mu.Lock()
	if err == nil {
		o.forget(one)
		o.mu.Unlock()
		o.cfg.Hooks.Settled(one.d, one.outcome, one.outcome.At.Sub(one.d.At))
		return true
	}
	if j.phase == settling && j.alarm == nil {
		j.retry = newBackoff()
	}
	j.alarm = newAlarm(func(time.Time) { o.chore(j, func() { o.commit(j) }) })
	o.alarms.set(j.alarm, o.cfg.Now().Add(nextRetry(j)))
	o.mu.Unlock()
	o.cfg.Log.Error("what came of a delivery could not be recorded; trying again",
		"delivery", one.d.ID, "state", one.outcome.State, "error", err)
	return false
}

// isLate queues the news that a page could not leave.
func (o *Outbox) isLate(j *job) {
	if j.phase == settling || j.phase == kept {
		return
	}
	j.telling = true
	err := j.lastErr
	if err == nil {
		err = o.reasonToWait(j)
	}
	var tell func()
	tell = func() {
		o.mu.Lock()
		moot := j.phase == settling
		o.mu.Unlock()
		if !moot {
			if e := o.guard(func() error { return o.cfg.Queue.Late(o.work, j.d, err) }); e != nil {
				o.cfg.Log.Error("a late page could not be recorded; trying again", "delivery", j.d.ID, "error", e)
				o.mu.Lock()
				if j.phase != settling {
					o.alarms.set(j.late, o.cfg.Now().Add(firstRetry))
					j.telling = false
					o.mu.Unlock()
					return
				}
				o.mu.Unlock()
			} else {
				o.cfg.Hooks.Late(j.d)
			}
		}
		o.mu.Lock()
		j.telling = false
		if j.phase == settling {
			o.commitLater(j)
		}
		o.mu.Unlock()
	}
	o.chore(j, tell)
}

// reasonToWait says what a page without any attempt waits for.
func (o *Outbox) reasonToWait(j *job) error {
	switch {
	case j.phase == flying:
		return errors.New("the first attempt has not ended")
	case j.phase == candidate && j.class.provider.open:
		return fmt.Errorf("%s counts as down", j.class.provider.name)
	case j.phase == candidate:
		for _, l := range j.class.limits {
			if l.next().After(o.cfg.Now()) {
				return fmt.Errorf("waiting for the limit %q", l.Name)
			}
		}
		return fmt.Errorf("all connections to %s are busy", j.class.provider.name)
	}
	return errors.New("waiting for an older version to leave")
}

// guard turns a panic of the queue into an error, so that one delivery cannot
// stop the others.
func (o *Outbox) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the queue panicked (%T)", p)
		}
	}()
	return f()
}
