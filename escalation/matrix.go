package escalation

import (
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// Roster answers who is on call and what reaches a person. It must give the
// same answer for the same moment.
type Roster interface {
	// OnCall gives the people to try for a role at a moment, the one on call
	// first.
	OnCall(role string, at time.Time) Shift
	// Contact says what reaches a person.
	Contact(p incident.Person) Contact
}

// Shift is one answer of a Roster.
type Shift struct {
	Contacts []Contact
	// Until is when the answer changes; zero: never.
	Until time.Time
}

// Contact is a person and what is missing to reach them.
type Contact struct {
	Person incident.Person
	// Missing says, by method, why it cannot be used; a method that is not
	// in the map can.
	Missing map[string]string
}

// Methods are all the ways to page, in the order in which a person asked for
// by name is tried.
var Methods = []string{"slack", "pagerduty", "phone", "email"}

// Shortest is the least time between two pages of one level, and between the
// ladder's end and its next start, whatever the configuration says.
const Shortest = incident.ShortestAnswer

// Unheard is the longest wait for the ladder's next start after a round whose
// every page failed: providers come back sooner than people forget.
const Unheard = 5 * time.Minute

// Matrix climbs the ladder of an incident.
type Matrix struct{ Roster Roster }

// Reconcile says which page is due, one decision at a time.
func (m Matrix) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	if !s.Open() {
		return incident.Decision{}
	}
	c := climb{s: s, now: now, roster: m.Roster, levels: s.Levels()}
	for _, step := range []func() []incident.Event{c.demand, c.follow, c.lapse, c.start, c.hold} {
		if events := step(); len(events) > 0 {
			return incident.Decision{Events: events}
		}
	}
	if len(c.levels) == 0 || s.Held() {
		return incident.Decision{Wake: c.wake}
	}
	for i := range c.levels {
		if e, due := c.level(i); due {
			return incident.Decision{Events: []incident.Event{e}}
		}
	}
	if events := c.end(); len(events) > 0 {
		return incident.Decision{Events: events}
	}
	return incident.Decision{Wake: c.wake}
}

// climb is one look at the ladder. Each of its steps gives the fact that is
// due, or notes when it will be.
type climb struct {
	s      incident.Incident
	now    time.Time
	roster Roster
	levels []incident.Level
	wake   time.Time
}

// at tells whether a moment has come; if not, it is remembered.
func (c *climb) at(t time.Time) bool {
	if c.now.Before(t) {
		c.wake = incident.Sooner(c.wake, t)
		return false
	}
	return true
}

// late is how far behind a page is. What people only now made due is not late.
func (c *climb) late(due time.Time) time.Duration {
	if c.s.Climb.Turned.After(due) {
		due = c.s.Climb.Turned
	}
	return Late(due, c.now)
}

// Late is how far now is behind what was due, in whole seconds; below one
// second it is on time.
func Late(due, now time.Time) time.Duration { return max(now.Sub(due), 0).Truncate(time.Second) }

// lapse ends every acknowledgement without any update (transcripts 5.5).
func (c *climb) lapse() []incident.Event {
	expires := c.s.Plan.Ladder.AckExpires
	if expires <= 0 || c.s.Severity > incident.P1 {
		return nil
	}
	var out []incident.Event
	for _, a := range c.s.Acks {
		since := a.At
		if c.s.Update.At.After(since) {
			since = c.s.Update.At
		}
		if due := since.Add(expires); c.at(due) {
			out = append(out, incident.AckLapsed{By: a.By, Since: since, Late: c.late(due)})
		}
	}
	return out
}

// start begins the first climb (transcripts 5.1).
func (c *climb) start() []incident.Event {
	if len(c.levels) == 0 || !c.s.Climb.Start.IsZero() {
		return nil
	}
	why := c.s.Climb.StartWhy
	if why == "" {
		why = incident.WhyDeclared
	}
	return []incident.Event{incident.LadderStarted{Why: why}}
}

// hold ends a hold whose time is over (transcripts 5.8).
func (c *climb) hold() []incident.Event {
	if !c.s.Held() || !c.at(c.s.Climb.HeldUntil) {
		return nil
	}
	return []incident.Event{incident.HoldEnded{Late: Late(c.s.Climb.HeldUntil, c.now)}}
}

// within is a level's time to answer; zero: it is paged once.
func within(l incident.Level) time.Duration {
	if l.RespondWithin <= 0 {
		return 0
	}
	return max(l.RespondWithin, Shortest)
}

// pause is the wait between the ladder's end and its next start.
func (c *climb) pause() time.Duration { return max(c.s.Plan.Ladder.RepeatAfter, Shortest) }

// stopped tells whether an acknowledgement stops a level (transcripts 5.5).
func (c *climb) stopped(l incident.Level) bool {
	return l.Until == incident.UntilAcknowledged && c.s.Acked()
}

// due gives when a level is due for the first time in this round, and why.
func (c *climb) due(l incident.Level) (time.Time, incident.Why) {
	from, why := c.s.Climb.Start, incident.WhyDue
	if c.s.Climb.Round > 0 {
		why = incident.WhyRepeat
	}
	if !c.s.Climb.Base.IsZero() && l.Until == incident.UntilAcknowledged {
		from, why = c.s.Climb.Base, c.s.Climb.BaseWhy
	}
	due := from.Add(l.DueAfter(c.s.Severity))
	if p := c.s.Rung(l.Name).Pulled; !p.IsZero() && p.Before(due) {
		return p, incident.WhyPassed
	}
	return due, why
}

// level looks at one level (transcripts 5.3 to 5.6).
func (c *climb) level(i int) (incident.Event, bool) {
	l := c.levels[i]
	r := c.s.Rung(l.Name)
	if r.Passed || c.stopped(l) || c.s.Climb.Over {
		return nil, false
	}
	if r.Since.IsZero() {
		due, why := c.due(l)
		if !c.at(due) {
			return nil, false
		}
		return c.page(i, why, c.late(due), nil), true
	}
	if c.s.AckedBy(r.Asked()) {
		return nil, false
	}
	page, known := c.s.Page(r.Attempt)
	if allFailed(page) {
		if e, due := c.repeat(i, r); due {
			return e, true
		}
		return c.page(i, incident.WhyFailed, 0, r.Tried), true
	}
	if known && c.s.Plan.Ladder.Mode == incident.Sequence {
		if next, ok := c.nextMethod(l, r, page.Person); ok {
			return c.step(i, r, page.Person, next)
		}
	}
	return c.repeat(i, r)
}

// step tries the next method of a level (transcripts 5.3-sequence).
func (c *climb) step(i int, r incident.Rung, p incident.Person, next string) (incident.Event, bool) {
	due := r.Last.Add(c.s.Plan.Ladder.Step)
	if c.isPast(i, due) || !c.at(due) {
		return nil, false
	}
	return c.paged(c.levels[i], p, []string{next}, nil, incident.WhyStep, c.late(c.again(i, due))), true
}

// repeat pages a level again when nobody answered in time (transcripts 5.4). In
// sequence its methods have all had their turn first.
func (c *climb) repeat(i int, r incident.Rung) (incident.Event, bool) {
	wait := within(c.levels[i])
	due := r.Cycle.Add(wait)
	if turn := r.Last.Add(max(c.s.Plan.Ladder.Step, Shortest)); c.s.Plan.Ladder.Mode == incident.Sequence && turn.After(due) {
		due = turn
	}
	if wait == 0 || c.isPast(i, due) || !c.at(due) {
		return nil, false
	}
	return c.page(i, incident.WhyUnanswered, c.late(c.again(i, due)), nil), true
}

// again gives when a level's next page was due: not before the last moment at
// which a level behind it was passed, since until then that one had it.
func (c *climb) again(i int, due time.Time) time.Time {
	for _, l := range c.levels[i+1:] {
		if at := c.s.Rung(l.Name).PassedAt; at.After(due) {
			due = at
		}
	}
	return due
}

// isPast tells whether the incident is past a level: a level behind it was
// paged, or has its turn by the time the level's next page would be due.
func (c *climb) isPast(i int, due time.Time) bool {
	turn := time.Time{}
	for j := i + 1; j < len(c.levels) && turn.IsZero(); j++ {
		r := c.s.Rung(c.levels[j].Name)
		if r.Passed || c.stopped(c.levels[j]) {
			continue
		}
		if !r.Since.IsZero() {
			return true
		}
		turn, _ = c.due(c.levels[j])
	}
	if turn.IsZero() {
		end, ok := c.used()
		if !ok {
			return false
		}
		turn = end.Add(c.pause())
	}
	// Clocks are no finer than a second: who is asked next at that moment is not paged for both.
	return due.After(turn.Add(-time.Second)) || !c.now.Before(turn)
}

// used gives when the last level of this round was paged or passed. It is not
// used up while a level is still to come, and never while everybody whom it
// could ask has answered.
func (c *climb) used() (time.Time, bool) {
	end, asked := c.s.Climb.Start, false
	for _, l := range c.levels {
		r := c.s.Rung(l.Name)
		if c.stopped(l) {
			continue
		}
		if !r.Passed && r.Since.IsZero() {
			return time.Time{}, false
		}
		for _, at := range []time.Time{r.Since, r.PassedAt, c.s.Climb.Base} {
			if at.After(end) {
				end = at
			}
		}
		asked = asked || !c.answered(r)
	}
	return end, asked
}

// answered tells whether the one whom a level asks has acknowledged.
func (c *climb) answered(r incident.Rung) bool {
	if r.Passed {
		return r.Why == incident.WhyAnswered
	}
	return c.s.AckedBy(r.Asked())
}

// end starts the ladder again, or turns to the last resort (transcripts 5.4, 5.6).
func (c *climb) end() []incident.Event {
	end, used := c.used()
	if !used || c.s.Climb.Over {
		return nil
	}
	ladder := c.s.Plan.Ladder
	if !c.s.Climb.LastResort && !c.reached() {
		return c.turnTo(incident.LastResortPaged{Why: incident.WhyNobody})
	}
	due := end.Add(c.pause())
	heard, refused := c.refused()
	if refused {
		sooner := end.Add(Unheard)
		if heard.After(sooner) {
			sooner = heard
		}
		due = incident.Sooner(due, sooner)
	}
	if !c.at(due) {
		return nil
	}
	// A round that reached nobody uses nothing up: the ladder goes on until somebody has been paged.
	if c.s.Climb.Round < ladder.Repeat || refused {
		return []incident.Event{incident.LadderStarted{Round: c.s.Climb.Round + 1, Why: incident.WhyRepeat, Late: c.late(due)}}
	}
	return c.turnTo(incident.LastResortPaged{Why: incident.WhyUsedUp, Final: true})
}

// reached tells whether a page of this round left, or may still leave.
func (c *climb) reached() bool {
	for _, l := range c.levels {
		if r := c.s.Rung(l.Name); !r.Since.IsZero() && !(r.Passed && r.Why == incident.WhyFailed) {
			return true
		}
	}
	return false
}

// refused tells whether this round had somebody to page and every page failed,
// and when that was heard of the last one.
func (c *climb) refused() (heard time.Time, ok bool) {
	if c.reached() {
		return time.Time{}, false
	}
	for _, p := range c.s.Climb.Pages {
		if p.Round != c.s.Climb.Round || !allFailed(p) {
			continue
		}
		ok = true
		for _, m := range p.Methods {
			if m.At.After(heard) {
				heard = m.At
			}
		}
	}
	return heard, ok
}

// page finds whom a level wakes now, leaving out who was tried, or says that
// it has nobody and which level is paged instead.
func (c *climb) page(i int, why incident.Why, late time.Duration, tried []string) incident.Event {
	l := c.levels[i]
	contacts := c.roster.OnCall(l.Role, c.now).Contacts
	if why == incident.WhyFailed && c.s.Plan.Ladder.Mode == incident.Sequence {
		r := c.s.Rung(l.Name)
		if page, ok := c.s.Page(r.Attempt); ok {
			if next, ok := c.nextMethod(l, r, page.Person); ok {
				return c.paged(l, page.Person, []string{next}, nil, why, late)
			}
		}
	}
	passed, detail := incident.WhyNobody, []string{}
	for _, contact := range contacts {
		usable, missing := split(contact, l.Methods)
		switch {
		case slices.Contains(tried, contact.Person.Key):
			passed = incident.WhyFailed
			detail = append(detail, contact.Person.String()+": every method failed")
		case c.s.AckedBy(contact.Person):
			return incident.LevelPassed{Level: l.Name, Role: l.Role, Round: c.s.Climb.Round, Why: incident.WhyAnswered, Detail: contact.Person.String()}
		case l.Until == incident.UntilAcknowledged && slices.Contains(c.s.Climb.GaveBack, contact.Person.Key):
			passed = incident.WhyGivenBack
			detail = append(detail, contact.Person.String()+" gave it back")
		case len(usable) == 0:
			if passed != incident.WhyFailed {
				passed = incident.WhyNoMethod
			}
			detail = append(detail, contact.Person.String()+": "+reasons(l.Methods, missing))
		default:
			if c.s.Plan.Ladder.Mode == incident.Sequence {
				usable = usable[:1]
			}
			return c.paged(l, contact.Person, usable, missing, why, late)
		}
	}
	return incident.LevelPassed{
		Level: l.Name, Role: l.Role, Round: c.s.Climb.Round, Why: passed,
		Detail: strings.Join(detail, "; "), Next: c.next(i),
	}
}

func (c *climb) paged(l incident.Level, p incident.Person, methods []string, missing map[string]string, why incident.Why, late time.Duration) incident.Paged {
	e := incident.Paged{
		Level: l.Name, Role: l.Role, Round: c.s.Climb.Round, Attempt: c.s.Climb.Attempts + 1,
		Person: p, Methods: methods, Missing: missing, Why: why, Late: late,
	}
	if wait := within(l); wait > 0 {
		from := c.now
		if r := c.s.Rung(l.Name); (why == incident.WhyFailed || why == incident.WhyStep) && !r.Cycle.IsZero() {
			from = r.Cycle
		}
		e.AnswerBy = from.Add(wait)
	}
	return e
}

// next names the level behind i that is paged in its place; none when the
// levels behind were paged, passed or answered before.
func (c *climb) next(i int) string {
	for _, l := range c.levels[i+1:] {
		r := c.s.Rung(l.Name)
		switch {
		case r.Passed || c.stopped(l):
			continue
		case r.Since.IsZero():
			return l.Name
		}
		return ""
	}
	return ""
}

// nextMethod gives the next usable method of a level that was not used yet.
func (c *climb) nextMethod(l incident.Level, r incident.Rung, p incident.Person) (string, bool) {
	usable, _ := split(c.roster.Contact(p), l.Methods)
	for _, m := range usable {
		if !slices.Contains(r.Used, m) {
			return m, true
		}
	}
	return "", false
}

// split parts the methods of a level into those that reach a person and the
// reasons why the others do not.
func split(c Contact, methods []string) (usable []string, missing map[string]string) {
	for _, m := range methods {
		if why, ok := c.Missing[m]; ok {
			if missing == nil {
				missing = map[string]string{}
			}
			missing[m] = why
			continue
		}
		usable = append(usable, m)
	}
	return usable, missing
}

// reasons lists what is missing, in the order of the methods.
func reasons(methods []string, missing map[string]string) string {
	var out []string
	for _, m := range methods {
		if why, ok := missing[m]; ok {
			out = append(out, m+" "+why)
		}
	}
	return strings.Join(out, ", ")
}

// allFailed tells whether every method of a page failed, or could not leave in
// time.
func allFailed(p incident.PageStatus) bool {
	for _, m := range p.Methods {
		if m.State != incident.PageFailed && m.State != incident.PageLate {
			return false
		}
	}
	return len(p.Methods) > 0
}
