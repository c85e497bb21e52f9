package outbox

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// phase is where a job stands.
type phase int

const (
	early     phase = iota // before NotBefore
	queued                 // in its lane, behind another
	blocked                // first in its lane, but an older version is in flight in another lane
	candidate              // first in its lane, waits in its class
	resting                // first in its lane, waits after a failure
	flying                 // being attempted
	kept                   // superseded; its row keeps the place in the order for a newer version
	settling               // its outcome is known and not yet committed
)

// job is a delivery in the outbox.
type job struct {
	d     Delivery
	own   order // its place by its ID
	place order // its place in the lane: its own, or that of what it replaced
	phase phase
	lane  *lane
	group *group

	class *class
	index int    // in its lane's queue, its class or the chores
	turn  uint64 // among the streams
	age   uint64 // when it became a candidate

	provider  *provider // where it last failed, while it rests
	alarm     *alarm
	attempts  int
	retry     *backoff.ExponentialBackOff
	maybeSent bool
	lastErr   error

	// before is the older version whose place this one took and whose row is
	// settled together with it; nil: none.
	before *job

	late    *alarm
	telling bool // is being told, or waits to tell again
	outcome Outcome
	leaving bool // among those that its group counts
	waits   bool // in its group's ended
}

// order is the place of a delivery in its stream: by the two numbers at the
// end of its ID, and where there are none, by arrival, after all others.
type order struct{ seq, index, arrival uint64 }

func orderOf(id string, arrival uint64) order {
	last := order{math.MaxUint64, math.MaxUint64, arrival}
	rest, index, ok := cutLast(id)
	if !ok {
		return last
	}
	_, seq, ok := cutLast(rest)
	if !ok {
		return last
	}
	s, err1 := strconv.ParseUint(seq, 10, 64)
	i, err2 := strconv.ParseUint(index, 10, 64)
	if err1 != nil || err2 != nil {
		return last
	}
	return order{s, i, arrival}
}

func cutLast(s string) (head, tail string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, s, false
	}
	return s[:i], s[i+1:], true
}

func (a order) before(b order) bool {
	return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.index, b.index), cmp.Compare(a.arrival, b.arrival)) < 0
}

// lane keeps the order of its jobs: only head moves, queue waits.
type lane struct {
	key   laneKey
	head  *job
	queue heap[*job]
}

// laneKey names a lane of a stream. Pages do not wait for each other: each is
// alone in its lane, except the versions of one thing.
type laneKey struct {
	stream string
	lane   Lane
	alone  string
}

// group is all versions of one thing in a stream.
type group struct {
	key     groupKey
	jobs    int   // that are in the outbox
	newest  order // of those that joined
	some    bool  // newest is set
	waiting *job
	flying  *job
	blocked *job
	early   map[*job]struct{}
	// leaving counts versions that ended and are not committed yet. A newer one
	// is committed after them, or else they would be all that is found after a
	// restart, and be sent; such newer ones wait in ended.
	leaving int
	ended   []*job
}

type groupKey struct{ stream, name string }

func (o *Outbox) laneOf(d Delivery) *lane {
	key := laneKey{stream: d.Stream, lane: d.Lane}
	if d.Lane == Page {
		if d.Replaces != "" {
			key.alone = "=" + d.Replaces
		} else {
			key.alone = d.ID
		}
	}
	l := o.lanes[key]
	if l == nil {
		l = &lane{key: key}
		l.queue.less = func(a, b *job) bool { return a.place.before(b.place) }
		l.queue.at = func(j *job) *int { return &j.index }
		o.lanes[key] = l
	}
	return l
}

// load accepts, by age, what was stored at the start and what was added by
// then. The latter was committed by this process, so it was not sent yet.
func (o *Outbox) load(stored, added []Delivery, now time.Time) {
	fresh := map[string]bool{}
	for _, d := range added {
		fresh[d.ID] = true
	}
	all := slices.Concat(added, stored)
	slices.SortStableFunc(all, func(a, b Delivery) int { return a.At.Compare(b.At) })
	for _, d := range all {
		o.take(d, !fresh[d.ID], now)
	}
	for _, d := range stored {
		o.loaded[d.ID] = struct{}{}
	}
}

// take accepts a delivery, unless it is known.
func (o *Outbox) take(d Delivery, maybeSent bool, now time.Time) {
	if _, known := o.loaded[d.ID]; known || o.jobs[d.ID] != nil {
		return
	}
	o.arrivals++
	j := &job{d: d, index: -1, maybeSent: maybeSent, own: orderOf(d.ID, o.arrivals)}
	j.place = j.own
	o.jobs[d.ID] = j
	if d.Replaces != "" {
		key := groupKey{d.Stream, d.Replaces}
		if o.groups[key] == nil {
			o.groups[key] = &group{key: key}
		}
		j.group = o.groups[key]
		j.group.jobs++
	}
	if !d.NotBefore.After(now) || j.outdated() {
		o.joinLane(j, now)
		return
	}
	j.alarm = newAlarm(func(now time.Time) { o.joinLane(j, now) })
	o.wall.set(j.alarm, d.NotBefore)
	if g := j.group; g != nil {
		if g.early == nil {
			g.early = map[*job]struct{}{}
		}
		g.early[j] = struct{}{}
	}
}

// outdated tells whether a newer version came before j did.
func (j *job) outdated() bool {
	return j.group != nil && j.group.some && j.own.before(j.group.newest)
}

// lateAt is when a page counts as late: LateAfter from its decision, also over
// a restart. One that is overdue already gets a sixth of that for its own try.
func (o *Outbox) lateAt(d Delivery, now time.Time) time.Time {
	from := d.At
	if d.NotBefore.After(from) {
		from = d.NotBefore
	}
	at, soonest, latest := from.Add(o.cfg.LateAfter), now.Add(o.cfg.LateAfter/6), now.Add(o.cfg.LateAfter)
	switch {
	case d.At.IsZero() || at.After(latest):
		return latest
	case at.Before(soonest):
		return soonest
	default:
		return at
	}
}

// joinLane brings a job whose time has come into its lane, or into the place
// of the older version that waits there.
func (o *Outbox) joinLane(j *job, now time.Time) {
	j.alarm = nil
	j.lane = o.laneOf(j.d)
	if j.d.Lane == Page {
		j.late = newAlarm(func(time.Time) { o.isLate(j) })
		o.alarms.set(j.late, o.lateAt(j.d, now))
	}
	o.stir(j.lane)
	g := j.group
	if g == nil {
		o.enqueue(j)
		return
	}
	delete(g.early, j)
	if j.outdated() {
		if g.waiting != nil {
			g.waiting.maybeSent = g.waiting.maybeSent || j.maybeSent
		}
		o.supersede(j, "a newer version is on its way")
		return
	}
	g.newest, g.some = j.own, true
	for e := range g.early {
		if e.outdated() {
			o.remove(e)
			o.supersede(e, "replaced by "+j.d.ID)
		}
	}
	older := g.waiting
	g.waiting = j
	if older == nil {
		o.enqueue(j)
	} else {
		o.replace(older, j)
	}
}

func (o *Outbox) enqueue(j *job) {
	j.phase = queued
	j.lane.queue.push(j)
	o.stir(j.lane)
}

// stir has a lane looked at before anything is started.
func (o *Outbox) stir(l *lane) { o.stirred[l] = struct{}{} }

// advance makes the first of a lane its head, or forgets an empty lane.
func (o *Outbox) advance(l *lane) {
	if l.head != nil {
		return
	}
	if l.queue.len() == 0 {
		if o.lanes[l.key] == l {
			delete(o.lanes, l.key)
		}
		return
	}
	l.head = l.queue.pop()
	o.candidate(l.head)
}

// candidate lets the head of a lane compete for its limits.
func (o *Outbox) candidate(j *job) {
	o.rested(j)
	if g := j.group; g != nil && g.flying != nil && g.flying != j {
		j.phase, g.blocked = blocked, j
		return
	}
	j.phase = candidate
	c := o.class(j.d)
	o.ages++
	if j.age == 0 {
		j.age = o.ages
	}
	j.turn = c.provider.turns[priority(j)].draw(j.d.Stream)
	c.join(j, &o.yard)
}

// withdraw takes a candidate out of the competition.
func (o *Outbox) withdraw(j *job) {
	j.class.provider.turns[priority(j)].done(j.d.Stream, j.turn, false)
	o.leave(j)
}

// rest has a job wait until t after a failure at p (nil: not a provider's).
func (o *Outbox) rest(j *job, p *provider, t time.Time) {
	j.phase, j.provider = resting, p
	if p != nil {
		p.resting[j] = struct{}{}
		o.hasten(p, o.cfg.Now())
	}
	j.alarm = newAlarm(func(time.Time) { o.candidate(j) })
	o.alarms.set(j.alarm, t)
}

// rested ends a rest.
func (o *Outbox) rested(j *job) {
	j.alarm.stop()
	j.alarm = nil
	if j.provider != nil {
		delete(j.provider.resting, j)
		j.provider = nil
	}
}

// replace puts a newer version, which is in no queue, into the place of an
// older one that waits: it takes over how long that waited, its rest after a
// failure, and that it may have been sent.
func (o *Outbox) replace(older, newer *job) {
	newer.maybeSent = newer.maybeSent || older.maybeSent
	l := older.lane
	if l != newer.lane {
		o.remove(older)
		o.supersede(older, "replaced by "+newer.d.ID)
		o.enqueue(newer)
		return
	}
	newer.place, newer.age, newer.retry = older.place, older.age, older.retry
	newer.lastErr = older.lastErr
	was, rest, at := older.phase, older.provider, time.Time{}
	if was == resting {
		at = older.alarm.at
	}
	o.remove(older)
	if b := newer.before; b != nil {
		o.supersede(b, "replaced by "+newer.d.ID)
	}
	newer.before, older.before = older.before, nil
	if newer.before == nil && l.queue.len() > 0 {
		older.phase, newer.before = kept, older
	} else {
		o.supersede(older, "replaced by "+newer.d.ID)
	}
	if was == queued {
		o.enqueue(newer)
		return
	}
	l.head = newer
	if was == resting {
		o.rest(newer, rest, at)
	} else {
		o.candidate(newer)
	}
}

// remove takes a waiting job out of wherever it waits; its lane may then have
// no head.
func (o *Outbox) remove(j *job) {
	switch j.phase {
	case queued:
		j.lane.queue.remove(j)
	case candidate:
		o.withdraw(j)
	case blocked:
		j.group.blocked = nil
	case early:
		o.rested(j)
		if j.group != nil {
			delete(j.group.early, j)
		}
	case resting:
		o.rested(j)
	case flying, kept, settling:
	}
	if j.lane != nil {
		if j.lane.head == j {
			j.lane.head = nil
		}
		o.stir(j.lane)
	}
}

// supersede settles a job for which a newer version goes.
func (o *Outbox) supersede(j *job, reason string) {
	o.settle(j, Outcome{State: Superseded, Reason: reason})
}

// forget drops a job that is settled.
func (o *Outbox) forget(j *job) {
	delete(o.jobs, j.d.ID)
	if g := j.group; g != nil {
		if g.waiting == j {
			g.waiting = nil
		}
		if g.jobs--; g.jobs == 0 {
			delete(o.groups, g.key)
		}
		if j.leaving {
			if g.leaving--; g.leaving == 0 {
				ended := g.ended
				g.ended = nil
				for _, e := range ended {
					e.waits = false
					o.commitLater(e)
				}
			}
		}
	}
	if l := j.lane; l != nil {
		if l.head == j {
			l.head = nil
		}
		o.stir(l)
	}
}
