package app

import (
	"slices"
	"time"

	"muster/bot"
	"muster/commands"
	"muster/incident"
	"muster/reminders"
)

// shifts answers the rule of hand-overs: the rotas in force with the desk's
// own overrides.
type shifts struct{ *roster }

// deskRules are the rules of the day for who is on call.
func (r *roster) deskRules() []func(incident.Desk, time.Time) incident.Decision {
	rule := reminders.Handover{Shifts: shifts{r}, Within: r.live.Get().Handover.AcceptWithin}
	return []func(incident.Desk, time.Time) incident.Decision{rule.Reconcile, r.digestRule().Reconcile}
}

func (s shifts) Roles() []string { return s.Schedule().Roles() }

func (s shifts) Shift(d incident.Desk, role string, at time.Time) reminders.Shift {
	shift := s.Schedule().OnCall(role, at, overridesOf(d))
	out := reminders.Shift{Who: shift.OnCall().Person(), From: shift.From, Until: shift.Until}
	if t := s.reloaded.Load(); t != nil {
		out.Decided = *t
	}
	for _, step := range shift.Why {
		if step.Override != nil && step.Override.At.After(out.Decided) {
			out.Decided = step.Override.At
		}
	}
	return out
}

// Above is who is on call at the next level of the ladder.
func (s shifts) Above(d incident.Desk, role string, at time.Time, not ...incident.Person) incident.Person {
	levels := s.live.Get().Ladder.Levels
	i := slices.IndexFunc(levels, func(l incident.Level) bool { return l.Role == role })
	if i < 0 {
		return incident.Person{}
	}
	for _, l := range levels[i+1:] {
		who := s.Schedule().OnCall(l.Role, at, overridesOf(d)).OnCall().Person()
		if l.Role != role && !who.Nobody() && !slices.ContainsFunc(not, who.Is) {
			return who
		}
	}
	return incident.Person{}
}

// mostListed is how many open incidents a hand-over lists.
const mostListed = 10

// handover says who takes over from whom, and what they take over.
func (p *Program) handover(e incident.ShiftBegan) commands.Reply {
	return said(commands.Say("🔁 ", commands.Bold(e.Role), ": ", e.To, " takes over from ", e.From, behind(e), ".\n", p.running(incident.Person{})))
}

// shiftBegan says to a person that they are on call now.
func (p *Program) shiftBegan(e incident.ShiftBegan) commands.Reply {
	body := commands.Say("🔁 You are on call as ", commands.Bold(e.Role), " since ", e.At, ", taking over from ", e.From, behind(e))
	if !e.Until.IsZero() {
		body = commands.Say(body, ", until ", e.Until)
	}
	body = commands.Say(body, ".\n", p.running(e.To))
	if e.AcceptBy.IsZero() {
		return said(body)
	}
	r := said(commands.Say(body, "\nPlease accept by ", e.AcceptBy, "."))
	r.Pick = []commands.Choice{{Value: "accept " + e.Role, Label: "Accept"}}
	return r
}

// shiftUnanswered says to one person that another did not accept.
func shiftUnanswered(e incident.ShiftUnanswered, to incident.Person) commands.Reply {
	body := commands.Say("⚠️ ", e.To, " took over ", commands.Bold(e.Role), " from ", e.From, " at ", e.At, " and has not accepted it. ")
	if to.Is(e.From) {
		return said(commands.Say(body, "Please reach them; ", commands.Code("override me "+e.Role+" for 2h"), " takes it back."))
	}
	return said(commands.Say(body, "Pages that they do not answer come to you."))
}

func behind(e incident.ShiftBegan) commands.Rich {
	if e.Late == 0 {
		return nil
	}
	return commands.Say(" since ", e.At, " (told ", e.Late, " late)")
}

func said(body commands.Rich) commands.Reply {
	return commands.Reply{OK: true, Body: body, Text: body.Plain()}
}

// running lists the open incidents that a person may see (nobody: that everybody
// may) with the clocks that run.
func (p *Program) running(to incident.Person) commands.Rich {
	var open []incident.Incident
	for _, s := range p.incidents.OpenIncidents() {
		if s.VisibleTo(to) {
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		return commands.Say("No incident is open.")
	}
	ahead := bot.Ahead(p.roster.rules)
	body := commands.Say("Open:")
	for i, s := range open {
		if i == mostListed {
			return commands.Say(body, "\nand ", len(open)-i, " more: ", commands.Code("list"))
		}
		a := ahead(s, p.now())
		body = commands.Say(body, "\n• ", s.ID, " ", s.Severity, " ", s.Title, ": ")
		if a.Level == "" {
			body = commands.Say(body, "no level paged yet")
		} else {
			body = commands.Say(body, "level ", a.Level)
		}
		if a.Next != "" {
			body = commands.Say(body, ", next ", a.Next, " at ", a.NextAt)
		}
		if !a.UpdateDue.IsZero() {
			body = commands.Say(body, "; update due ", a.UpdateDue)
		}
	}
	return body
}
