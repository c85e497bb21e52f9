package report

import (
	"fmt"
	"slices"
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
		if strings.HasPrefix(e.Chosen, "the leading word ") {
			e.Chosen = ""
		}
		e.Chosen = byRule(e.Chosen, "the rule ")
		return commands.Line(e)
	case incident.AlertsTold:
		e.Joined, e.Changed = slices.Clone(e.Joined), slices.Clone(e.Changed)
		for i := range e.Joined {
			e.Joined[i].Why = byRule(e.Joined[i].Why, "by the rule ")
		}
		for i := range e.Changed {
			e.Changed[i].Why = ""
		}
		return commands.Line(e)
	case incident.Acknowledged:
		if word := viaWords[e.Via]; word != "" {
			e.Via = word
		}
		return commands.Line(e)
	case incident.Paged:
		e.Why = incident.Why(whyPaged(e.Why))
		return commands.Line(e)
	case incident.LastResortPaged:
		e.Why = incident.Why(whyPaged(e.Why))
		return commands.Line(e)
	case incident.UpdateOverdue:
		switch e.Step {
		case 1:
			return commands.Line(e)
		case 2:
			return commands.Say("The update is still overdue")
		}
		return commands.Say(overdueAgain, e.Step)
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

// overdueAgain begins the lines of an update that stays away, of which the
// first two are enough.
const overdueAgain = "The update is still overdue, step "

// viaWords are the ways to answer as people call them.
var viaWords = map[string]string{
	commands.ViaSlack: "Slack", commands.ViaHTTP: "the HTTP API", commands.ViaCommand: "the command line",
	"pagerduty": "PagerDuty", "email": "e-mail", "sms": "a text message", "phone": "the phone",
}

// byRule is where a severity, or an alert's incident, came from, with the key
// of the configuration said in words.
func byRule(why, words string) string {
	if rule, ok := strings.CutPrefix(why, "auto_declare: "); ok {
		return words + rule
	}
	return why
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

// whysPaged are the reasons of a page for those who do not know the ladder.
var whysPaged = map[incident.Why]string{
	incident.WhyDue: "the level's turn", incident.WhyDeclared: "the level's turn", incident.WhyUnanswered: "no answer before",
	incident.WhyPassed: "the level before reached nobody", incident.WhyFailed: "every method before failed", incident.WhyAsked: "somebody asked for it",
	incident.WhyRaised: "the severity was raised", incident.WhyRepeat: "the levels began again", incident.WhyLapsed: "the acknowledgement lapsed",
	incident.WhyGivenBack: "the acknowledgement was given back", incident.WhyOverdue: "the update was overdue", incident.WhyReopened: "it was reopened",
	incident.WhyUsedUp: "nobody answered on any level",
}

// whyPaged says why somebody was paged.
func whyPaged(why incident.Why) string {
	if words := whysPaged[why]; words != "" {
		return words
	}
	return string(why)
}
