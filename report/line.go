package report

import (
	"fmt"
	"strings"

	"muster/commands"
	"muster/incident"
)

// line is a record in words, without the marks that only machines compare.
func (c collector) line(e incident.Event) commands.Rich {
	titled := func(n int) string {
		if title := c.runs[n]; title != "" {
			return fmt.Sprintf("run %d (%s)", n, title)
		}
		return fmt.Sprintf("run %d", n)
	}
	switch e := e.(type) {
	case incident.StepApproved:
		return commands.Say(e.By, " approved ", titled(e.N))
	case incident.StepEnded:
		why := strings.TrimSuffix(e.Outcome.Why, ".")
		if why != "" {
			why = ": " + why
		}
		return commands.Say(titled(e.N), " ", commands.EndWord(e.Outcome), why)
	case incident.Declared:
		if e.By.Nobody() {
			e.By = incident.Self
		}
		return commands.Line(e)
	case incident.RoleGiven:
		role := strings.TrimPrefix(roleWord(e.Role), "the ")
		if e.By.Is(e.Person) {
			return commands.Say(e.By, " took the role of "+role)
		}
		return commands.Say(e.By, gaveRole+role+" to ", e.Person)
	case incident.ResolvedEvent:
		e.Cause, e.Fix = strings.TrimSuffix(strings.TrimSpace(e.Cause), "."), strings.TrimSuffix(strings.TrimSpace(e.Fix), ".")
		return commands.Line(e)
	case incident.LevelPassed:
		e.Detail = nameless(e)
		return commands.Line(e)
	default:
		return commands.Line(e)
	}
}

const gaveRole = " gave the role of "

// tellRole says without names who was named for a role: the part that the
// person has since says it already. False: the line is another one.
func tellRole(r commands.Rich, who func(incident.Person) string) (commands.Rich, bool) {
	if len(r) != 3 || !strings.HasPrefix(r[1].Text, gaveRole) {
		return r, false
	}
	role := strings.TrimSuffix(strings.TrimPrefix(r[1].Text, gaveRole), " to ")
	if who(r[2].Person) != "the "+role {
		return r, false
	}
	return commands.Say(r[0].Person, " named ", r[2].Person), true
}

// nameless is why a level was passed, without the people whom it names.
func nameless(e incident.LevelPassed) string {
	if e.Why == incident.WhyAnswered {
		return ""
	}
	var out []string
	for _, one := range strings.Split(e.Detail, "; ") {
		if _, missing, ok := strings.Cut(one, ": "); ok {
			one = missing
		}
		var ways []string
		for _, way := range strings.Split(one, ", ") {
			method, why, _ := strings.Cut(way, " ")
			ways = append(ways, strings.TrimSpace(commands.MethodName(method)+" "+why))
		}
		out = append(out, strings.Join(ways, ", "))
	}
	return strings.Join(out, "; ")
}

// whyPaged says in a table why somebody was paged.
func whyPaged(why incident.Why) string {
	switch why {
	case incident.WhyDue, incident.WhyDeclared:
		return "the level's turn"
	case incident.WhyUnanswered:
		return "no answer before"
	case incident.WhyPassed:
		return "the level before reached nobody"
	default:
		return string(why)
	}
}
