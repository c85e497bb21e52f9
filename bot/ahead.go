package bot

import (
	"strings"
	"time"

	"muster/bot/render"
	"muster/incident"
	"muster/reminders"
)

// How far the card looks ahead, and how many records it makes up for it.
const (
	aheadFor   = 12 * time.Hour
	aheadSteps = 60
)

// Ahead tells what an incident's clocks will do if nobody says anything, by
// asking the rules: the next page and the next update, for Config.Ahead.
func Ahead(rules func() []incident.Rule) func(incident.Incident, time.Time) render.Ahead {
	return func(s incident.Incident, now time.Time) render.Ahead {
		a := render.Ahead{UpdateDue: s.Clock.Due}
		for _, l := range s.Levels() {
			if !s.Rung(l.Name).Since.IsZero() {
				a.Level = l.Name
			}
		}
		if s.Open() {
			lookAhead(rules(), s, now, &a)
		}
		return a
	}
}

// again marks a page that only repeats the level that was reached: it is told
// when nothing else follows.
const again = " again"

func climbs(next string) bool { return next != "" && !strings.HasSuffix(next, again) }

// aheadOfState is for a bot without the rules of paging: the ladder is read off
// the state, the update clock follows the incident's own cadence.
func aheadOfState(s incident.Incident, now time.Time) render.Ahead {
	a := render.ReadAhead(s)
	if s.Open() {
		a.UpdateDue = Ahead(func() []incident.Rule { return []incident.Rule{reminders.Updates{}} })(s, now).UpdateDue
	}
	return a
}

// lookAhead lets the rules act on the state until both answers are known.
func lookAhead(rules []incident.Rule, s incident.Incident, now time.Time, a *render.Ahead) {
	until := now.Add(aheadFor)
	for range aheadSteps {
		var wake time.Time
		quiet := true
		for _, rule := range rules {
			d := rule.Reconcile(s, now)
			for _, e := range d.Events {
				quiet = false
				s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: now, Event: e})
				foresee(e, now, a)
			}
			wake = incident.Sooner(wake, d.Wake)
		}
		if climbs(a.Next) && !a.UpdateDue.IsZero() {
			return
		}
		if quiet {
			if wake.IsZero() || wake.After(until) || !wake.After(now) {
				return
			}
			now = wake
		}
	}
}

// foresee notes what one record that is to come says.
func foresee(e incident.Event, at time.Time, a *render.Ahead) {
	switch e := e.(type) {
	case incident.Paged:
		next := e.Level + " " + e.Person.String()
		switch {
		case e.Level == "" || climbs(a.Next):
		case e.Level != a.Level:
			a.Next, a.NextAt = next, at
		case a.Next == "":
			a.Next, a.NextAt = next+again, at
		}
	case incident.LastResortPaged:
		if !climbs(a.Next) {
			a.Next, a.NextAt = "the last resort", at
		}
	case incident.ReminderDue:
		if a.UpdateDue.IsZero() {
			a.UpdateDue = e.Due
		}
	}
}
