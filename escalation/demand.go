package escalation

import (
	"strings"

	"muster/incident"
)

// demand serves an escalation that a person asked for (RULES 5.8). It pages
// now, whatever the clocks, holds and acknowledgements say.
func (c *climb) demand() []incident.Event {
	if len(c.s.Climb.Demands) == 0 {
		return nil
	}
	d := c.s.Climb.Demands[0]
	switch {
	case !d.Person.Nobody():
		return []incident.Event{c.ask(d, incident.Level{Methods: Methods}, []Contact{c.roster.Contact(d.Person)})}
	case d.Role != "":
		l := incident.Level{Role: d.Role, Methods: Methods}
		return []incident.Event{c.ask(d, l, c.roster.OnCall(d.Role, c.now).Contacts)}
	default:
		return c.askLevel(d)
	}
}

// askLevel pages the level that was asked for, or the first one behind it that
// can reach somebody; the ones between are told (RULES 5.6).
func (c *climb) askLevel(d incident.Demand) []incident.Event {
	levels := c.levels
	if len(levels) == 0 || d.Level != "" {
		levels = c.s.Plan.Ladder.Levels
	}
	if len(levels) == 0 {
		return []incident.Event{incident.LevelPassed{Why: incident.WhyNobody, Detail: "the ladder has no levels", Demand: d.Seq}}
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
			break
		}
	}
	return out
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
		return e
	}
	why := incident.WhyNobody
	if len(detail) > 0 {
		why = incident.WhyNoMethod
	}
	return incident.LevelPassed{Level: l.Name, Role: l.Role, Why: why, Detail: strings.Join(detail, "; "), Demand: d.Seq}
}
