package app

import (
	"sync/atomic"
	"time"

	"muster/bot"
	"muster/config"
	"muster/engine"
	"muster/escalation"
	"muster/escalation/rota"
	"muster/incident"
	"muster/playbooks/flow"
	"muster/reminders"
)

// roster answers who is on call from the configuration in force and the
// overrides made by hand.
type roster struct {
	live *config.Live
	// notifiers says, by method, why nothing can be sent over it; a method
	// that is not in the map works.
	notifiers map[string]string
	blind     string    // why nothing can be watched after a resolution; empty: it can
	began     time.Time // when the program did
	overrides atomic.Pointer[[]rota.Override]
	// books finds the playbooks that fit; nil: nothing is suggested.
	books flow.Fitting
	// reloaded is when the configuration was last changed while running.
	reloaded atomic.Pointer[time.Time]
}

func (r *roster) Schedule() rota.Schedule { return r.live.Get().Schedule }

func (r *roster) Overrides() []rota.Override {
	if p := r.overrides.Load(); p != nil {
		return *p
	}
	return nil
}

// remember takes over what the desk recorded.
func (r *roster) remember(d incident.Desk) {
	out := overridesOf(d)
	r.overrides.Store(&out)
}

func overridesOf(d incident.Desk) []rota.Override {
	out := make([]rota.Override, len(d.Overrides))
	for i, o := range d.Overrides {
		out[i] = rota.Override{
			ID: o.ID, Role: o.Role, From: o.From, Until: o.Until, Who: o.Who, Instead: o.Instead,
			Swap: o.Swap, By: o.By, At: o.At, Reason: o.Reason,
		}
	}
	return out
}

// members are the people of the rotas, for the Slack edge.
func (r *roster) members() []bot.Member {
	var out []bot.Member
	for _, m := range r.Schedule().Members() {
		out = append(out, bot.Member{Person: m.Person(), Slack: m.Slack})
	}
	return out
}

// OnCall gives the people to try for a role.
func (r *roster) OnCall(role string, at time.Time) escalation.Shift {
	shift := r.Schedule().OnCall(role, at, r.Overrides())
	out := escalation.Shift{Until: shift.Until}
	for _, m := range shift.Members {
		out.Contacts = append(out.Contacts, r.contact(m))
	}
	return out
}

// Contact says what reaches a person; somebody in no rota is reached by Slack
// and mail only.
func (r *roster) Contact(p incident.Person) escalation.Contact {
	m, _ := r.Schedule().Member(p)
	c := r.contact(m)
	if p.Name != "" {
		c.Person = p
	}
	return c
}

func (r *roster) contact(m rota.Member) escalation.Contact {
	c := escalation.Contact{Person: m.Person(), Missing: map[string]string{}}
	for _, method := range escalation.Methods {
		if why, ok := r.notifiers[method]; ok {
			c.Missing[method] = why
		} else if !m.Reachable(method) {
			c.Missing[method] = "no address"
		}
	}
	return c
}

// missing says, by method, why a person cannot be reached over it.
// zone gives a person's zone; nil: not known.
func (r *roster) zone(who incident.Person) *time.Location { return (&people{roster: r}).Zone(who) }

func (r *roster) missing(p incident.Person) map[string]string { return r.Contact(p).Missing }

// desk puts what people say about who is on call on record.
type desk struct {
	engine engine.Desk
	roster *roster
}

// rules are the rules of the day for incidents.
func (r *roster) rules() []incident.Rule {
	return []incident.Rule{escalation.OnCall{Roster: r}, escalation.Matrix{Roster: r}, reminders.Updates{Roster: r}, reminders.After{Roster: r, Zone: r.zone},
		r.watch(), flow.Lapse{}, flow.Suggest{Playbooks: r.books}}
}
