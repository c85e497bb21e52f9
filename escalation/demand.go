package escalation

import (
	"strings"

	"muster/incident"
)

// demand serves an escalation that a person asked for (transcripts 5.8). It pages
// now, whatever the clocks, holds and acknowledgements say.
func (c *climb) demand() []incident.Event {
	if len(c.s.Climb.Demands) == 0 {
		return nil
	}
	d := c.s.Climb.Demands[0]
	switch {
	case !d.Person.Nobody():
		return c.orNext(d, c.ask(d, incident.Level{Methods: c.s.Plan.Ladder.Ways(Methods)}, []Contact{c.roster.Contact(d.Person)}))
	case d.Role != "":
		l := incident.Level{Role: d.Role, Methods: c.s.Plan.Ladder.Ways(Methods)}
		return c.orNext(d, c.ask(d, l, c.roster.OnCall(d.Role, c.now).Contacts))
	default:
		return c.askLevel(d)
	}
}

// askLevel pages the level that was asked for, or the first one behind it that
// can reach somebody; the ones between are told (transcripts 5.6).
func (c *climb) askLevel(d incident.Demand) []incident.Event {
	levels := c.levels
	if len(levels) == 0 || d.Level != "" {
		levels = c.s.Plan.Ladder.Levels
	}
	if len(levels) == 0 {
		return c.turnTo(incident.LastResortPaged{Why: incident.WhyNobody, Demand: d.Seq})
	}
	var out []incident.Event
	behind := levels[c.from(levels, d.Level):]
	for i, l := range behind {
		e := c.ask(d, l, c.roster.OnCall(l.Role, c.now).Contacts)
		if passed, ok := e.(incident.LevelPassed); ok && i+1 < len(behind) {
			passed.Next = behind[i+1].Name
			e = passed
		}
		out = append(out, e)
		if _, ok := e.(incident.Paged); ok {
			return out
		}
	}
	return append(out, c.turnTo(incident.LastResortPaged{Why: incident.WhyNobody, Demand: d.Seq})...)
}

// turnTo tells the last resort. A person who is one is paged over everything
// that reaches them.
func (c *climb) turnTo(e incident.LastResortPaged) []incident.Event {
	e.Round, e.Target = c.s.Climb.Round, c.s.Plan.Ladder.LastResort
	if e.Target.Person == "" {
		return []incident.Event{e}
	}
	who := c.roster.Contact(incident.Person{Key: e.Target.Person}).Person
	return []incident.Event{e, incident.Escalated{By: incident.Self, Person: who, Reason: "the last resort", Last: true}}
}

// orNext asks the next level when a person or a role that was asked for cannot
// be reached (transcripts 5.6).
func (c *climb) orNext(d incident.Demand, e incident.Event) []incident.Event {
	passed, ok := e.(incident.LevelPassed)
	if !ok || d.Last {
		return []incident.Event{e}
	}
	return []incident.Event{e, incident.Escalated{By: incident.Self, Reason: unreached(d, passed.Detail)}}
}

func unreached(d incident.Demand, detail string) string {
	who := d.Person.String()
	if who == "" {
		who = d.Role
	}
	if detail == "" {
		return who + " could not be reached: nobody is on call"
	}
	return who + " could not be reached: " + detail
}

// follow finds another way to reach a person when every method of a page
// failed that the levels do not look after: one that was asked for, or one
// about an overdue update.
func (c *climb) follow() []incident.Event {
	for _, p := range c.s.Climb.Pages {
		if p.Followed || p.Why == incident.WhyLastResort || !p.Asked && p.Why != incident.WhyOverdue || !allFailed(p) || c.watched(p) {
			continue
		}
		reason := p.Person.String() + " could not be reached: every method failed"
		if p.Why == incident.WhyOverdue { // asks for an update, not for help: the same person, by whatever reaches them
			return []incident.Event{incident.Escalated{By: incident.Self, Person: p.Person, Reason: "the update is overdue, and Slack did not reach you", After: p.Attempt}}
		}
		next, more := c.behind(p.Level)
		if !more {
			return c.turnTo(incident.LastResortPaged{Why: incident.WhyFailed, After: p.Attempt})
		}
		return []incident.Event{incident.Escalated{By: incident.Self, Level: next, Reason: reason, After: p.Attempt}}
	}
	return nil
}

// watched tells whether the climb itself goes on after a failed page.
func (c *climb) watched(p incident.PageStatus) bool {
	if p.Why == incident.WhyOverdue || c.s.Held() || c.s.Climb.Over {
		return false
	}
	for _, l := range c.levels {
		if r := c.s.Rung(l.Name); l.Name == p.Level && r.Attempt == p.Attempt {
			return !r.Passed && !c.stopped(l) && !c.s.AckedBy(r.Asked())
		}
	}
	return false
}

// behind names the level that is asked after one that failed: empty for the
// next one that was not paged yet. More is false when none is left.
func (c *climb) behind(level string) (next string, more bool) {
	levels := c.levels
	if len(levels) == 0 {
		levels = c.s.Plan.Ladder.Levels
	}
	for i, l := range levels {
		if l.Name != level {
			continue
		}
		if i+1 == len(levels) {
			return "", false
		}
		return levels[i+1].Name, true
	}
	return "", len(levels) > 0
}

// from gives the index of the level that was asked for; with none it is the
// first that was not paged in this round, else the last one.
func (c *climb) from(levels []incident.Level, name string) int {
	for i, l := range levels {
		if r := c.s.Rung(l.Name); name == l.Name || name == "" && r.Since.IsZero() && !r.Passed {
			return i
		}
	}
	return len(levels) - 1
}

// ask pages the first contact that can be reached.
func (c *climb) ask(d incident.Demand, l incident.Level, contacts []Contact) incident.Event {
	var detail []string
	for _, contact := range contacts {
		usable, missing := split(contact, l.Methods)
		if len(usable) == 0 {
			detail = append(detail, contact.Person.String()+": "+reasons(l.Methods, missing))
			continue
		}
		e := c.paged(l, contact.Person, usable, missing, incident.WhyAsked, 0)
		e.Reason, e.Demand = d.Reason, d.Seq
		if d.Last {
			e.Why = incident.WhyLastResort
		}
		return e
	}
	why := incident.WhyNobody
	if len(detail) > 0 {
		why = incident.WhyNoMethod
	}
	return incident.LevelPassed{Level: l.Name, Role: l.Role, Why: why, Detail: strings.Join(detail, "; "), Demand: d.Seq}
}
