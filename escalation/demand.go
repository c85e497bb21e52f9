package escalation

import (
	"strings"

	"muster/incident"
)

// demand serves an escalation that a person asked for (RULES 5.8). It pages
// now, whatever the clocks, holds and acknowledgements say.
func (c *climb) demand() (incident.Event, bool) {
	if len(c.s.Climb.Demands) == 0 {
		return nil, false
	}
	d := c.s.Climb.Demands[0]
	switch {
	case !d.Person.Nobody():
		return c.ask(d, incident.Level{Methods: Methods}, []Contact{c.roster.Contact(d.Person)}), true
	case d.Role != "":
		l := incident.Level{Role: d.Role, Methods: Methods}
		return c.ask(d, l, c.roster.OnCall(d.Role, c.now).Contacts), true
	default:
		return c.askLevel(d), true
	}
}

// askLevel pages the level that was asked for, or the first one behind it that
// can reach somebody.
func (c *climb) askLevel(d incident.Demand) incident.Event {
	levels := c.levels
	if len(levels) == 0 || d.Level != "" {
		levels = c.s.Plan.Ladder.Levels
	}
	if len(levels) == 0 {
		return incident.LevelPassed{Why: incident.WhyNobody, Detail: "the ladder has no levels", Demand: d.Seq}
	}
	from := c.from(levels, d.Level)
	var detail []string
	for _, l := range levels[from:] {
		switch e := c.ask(d, l, c.roster.OnCall(l.Role, c.now).Contacts).(type) {
		case incident.LevelPassed:
			detail = append(detail, l.Name+": "+orNobody(e.Detail))
		case incident.Paged:
			return e
		}
	}
	return incident.LevelPassed{Why: incident.WhyNobody, Detail: strings.Join(detail, "; "), Demand: d.Seq}
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
	return incident.LevelPassed{
		Role: l.Role, Why: incident.WhyNobody, Detail: orNobody(strings.Join(detail, "; ")), Demand: d.Seq,
	}
}

func orNobody(detail string) string {
	if detail == "" {
		return "nobody is on call"
	}
	return detail
}
