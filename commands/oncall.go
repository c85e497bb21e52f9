package commands

import (
	"slices"
	"strings"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

// noRotas answers where nobody is on call because nothing says so.
func noRotas() Reply {
	return refuse(CodeMissing, "No rota is configured: add oncall/rotation.yaml to the configuration.")
}

// when reads what is left of a text as a moment; an empty one is now.
func (c *Commands) when(x *exec) (time.Time, *Reply) {
	for !x.args.empty() && slices.Contains([]string{"at", "on", "is", "for", "call", "was", "will", "be"}, x.args.first().word()) {
		x.args.drop(0, 1)
	}
	if x.args.empty() {
		return x.call.Now, nil
	}
	at, err := ParseTime(x.args.text(), x.call.Now, c.zone(x.call.By))
	if err != nil {
		r := usage(x.spec, err.Error())
		return time.Time{}, &r
	}
	return at, nil
}

// OnCall is one role's answer, for programs.
type OnCall struct {
	rota.Shift
	Zone string `json:"zone,omitempty"`
}

func (c *Commands) oncall(x *exec) Reply {
	if c.Rotas == nil {
		return noRotas()
	}
	schedule, overrides := c.Rotas.Schedule(), c.Rotas.Overrides()
	roles := schedule.Roles()
	if t, ok := x.args.take(func(t token) bool { _, ok := c.roleWord(t, incident.Incident{}); return ok }); ok {
		name, _ := c.roleWord(t, incident.Incident{})
		roles = []string{name}
	}
	at, wrong := c.when(x)
	if wrong != nil {
		return *wrong
	}
	if len(roles) == 0 {
		return noRotas()
	}
	lines := []Rich{Say("On call at ", at, ":")}
	var data []OnCall
	for _, role := range roles {
		shift := schedule.OnCall(role, at, overrides)
		lines = append(lines, c.shiftLine(shift))
		o := OnCall{Shift: shift}
		if shift.Zone != nil {
			o.Zone = shift.Zone.String()
		}
		data = append(data, o)
	}
	r := answer(Join(lines, "\n"))
	r.Data = data
	return r
}

// shiftLine says who, until when, who is next, and reached by what.
func (c *Commands) shiftLine(s rota.Shift) Rich {
	m := s.OnCall()
	line := Say("• ", Bold(s.Role), ": ")
	if m.Nobody() {
		return Say(line, "nobody")
	}
	line = Say(line, m.Person())
	for _, w := range s.Why {
		if w.Kind == rota.Overridden || w.Kind == rota.Swapped {
			line = Say(line, " (", string(w.Kind), ")")
			break
		}
	}
	if s.Until.IsZero() {
		line = Say(line, " · no end")
	} else {
		line = Say(line, " until ", s.Until, " · next: ", s.Next.Person())
	}
	var without map[string]string
	if c.Missing != nil {
		without = c.Missing(m.Person())
	}
	ways := slices.DeleteFunc(m.Ways(), func(way string) bool { return without[way] != "" })
	if len(ways) > 0 {
		line = Say(line, " · by ", methodList(ways))
	} else {
		line = Say(line, " · no way to be reached")
	}
	if why := missing(without); why != "" {
		line = Say(line, "; not used: ", why)
	}
	if len(s.Members) > 1 {
		var others []Rich
		for _, o := range s.Members[1:] {
			others = append(others, Say(o.Person()))
		}
		line = Say(line, " · then ", Join(others, ", "))
	}
	return line
}

func (c *Commands) why(x *exec) Reply {
	if c.Rotas == nil {
		return noRotas()
	}
	schedule, overrides := c.Rotas.Schedule(), c.Rotas.Overrides()
	p, wrong, named := c.who(x)
	if wrong != nil {
		return *wrong
	}
	roles := schedule.Roles()
	if !named {
		t, ok := x.args.take(func(t token) bool { _, ok := c.roleWord(t, incident.Incident{}); return ok })
		if !ok {
			if x.args.empty() {
				return usage(x.spec, "Whose turn is in question? Roles are ", strings.Join(roles, ", "), ".")
			}
			return usage(x.spec, Code(shorten(x.args.text(), 40)), " is neither a person nor a role. Roles are ", strings.Join(roles, ", "), ".")
		}
		name, _ := c.roleWord(t, incident.Incident{})
		roles = []string{name}
	}
	at, wrong := c.when(x)
	if wrong != nil {
		return *wrong
	}
	zone := c.zone(x.call.By)
	var lines []Rich
	data := map[string][]rota.Step{}
	for _, role := range roles {
		shift := schedule.OnCall(role, at, overrides)
		if named && !touches(shift, p) {
			continue
		}
		data[role] = shift.Why
		lines = append(lines, Say(Bold(role), " at ", at, ": ", shift.OnCall().Person()))
		for _, step := range shift.Why {
			lines = append(lines, Say("• ", step.Sentence(zone)))
		}
	}
	if len(lines) == 0 {
		return answer(p, " is not on call for anything at ", at, ".")
	}
	r := answer(Join(lines, "\n"))
	r.Data = data
	return r
}

// touches tells whether a person is in a shift, or was put in or out of it.
func touches(s rota.Shift, p incident.Person) bool {
	if slices.ContainsFunc(s.Members, func(m rota.Member) bool { return m.Person().Is(p) }) {
		return true
	}
	return slices.ContainsFunc(s.Why, func(w rota.Step) bool { return w.Person.Is(p) || w.Instead.Is(p) })
}
