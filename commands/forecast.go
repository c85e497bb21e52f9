package commands

import (
	"slices"
	"time"

	"muster/incident"
)

// maxForecast bounds the records that a forecast makes up.
const maxForecast = 4000

// assumed is an acknowledgement that a forecast takes for granted.
type assumed struct {
	at time.Time
	// by is who acknowledges; nobody: the person who was paged last, else who
	// is on call.
	by incident.Person
}

// forecast lets the rules act on a state until a moment, as if nobody said
// anything but what is assumed. Every page is taken as delivered. Stop ends it
// early; nil: never.
func forecast(rules []incident.Rule, s incident.Incident, now, until time.Time, stop func(incident.Record) bool, said ...assumed) []incident.Record {
	var out []incident.Record
	record := func(e incident.Event) (done bool) {
		r := incident.Record{Seq: s.Seq + 1, At: now, Event: e}
		s = incident.Apply(s, r)
		out = append(out, r)
		if p, ok := e.(incident.Paged); ok {
			for _, m := range p.Methods {
				s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: now, Event: incident.PageSettled{Attempt: p.Attempt, Method: m, State: incident.PageDelivered}})
			}
		}
		return len(out) >= maxForecast || stop != nil && stop(r)
	}
	for {
		var wake time.Time
		quiet := true
		for _, rule := range rules {
			d := rule.Reconcile(s, now)
			for _, e := range d.Events {
				quiet = false
				if record(e) {
					return out
				}
			}
			wake = incident.Sooner(wake, d.Wake)
		}
		if !quiet {
			continue
		}
		if len(said) > 0 && !now.Before(said[0].at) {
			events, err := incident.Handle(s, incident.Acknowledge{By: likely(s, said[0].by), Via: ViaCommand}, now)
			said = said[1:]
			for _, e := range events {
				if err == nil && record(e) {
					return out
				}
			}
			continue
		}
		if len(said) > 0 {
			wake = incident.Sooner(wake, said[0].at)
		}
		if wake.IsZero() || wake.After(until) || !wake.After(now) {
			return out
		}
		now = wake
	}
}

// likely gives who acknowledges when nobody was named.
func likely(s incident.Incident, by incident.Person) incident.Person {
	switch n := len(s.Climb.Pages); {
	case !by.Nobody():
		return by
	case n > 0:
		return s.Climb.Pages[n-1].Person
	default:
		return s.OnCall
	}
}

// horizon is how far ahead the next page and the next update are looked for.
const horizon = 48 * time.Hour

// nextPage says which level is paged next if nobody answers, and when.
func (c *Commands) nextPage(s incident.Incident, now time.Time) (Rich, bool) {
	if !s.Open() {
		return nil, false
	}
	isPage := func(r incident.Record) bool {
		switch e := r.Event.(type) {
		case incident.Paged:
			return e.Level != ""
		case incident.LastResortPaged:
			return true
		}
		return false
	}
	records := forecast(c.Rules, s, now, now.Add(horizon), isPage)
	if len(records) == 0 || !isPage(records[len(records)-1]) {
		return nil, false
	}
	last := records[len(records)-1]
	e, ok := last.Event.(incident.Paged)
	if !ok {
		return Say("the last resort at ", last.At), true
	}
	lapses := slices.ContainsFunc(records, func(r incident.Record) bool { _, ok := r.Event.(incident.AckLapsed); return ok })
	what := Say(e.Level, " ", e.Role, " (", e.Person, ") at ", last.At)
	if l, known := s.Level(e.Level); known && l.Until == incident.UntilResolved {
		return Say(what, " unless it is resolved"), true
	}
	if lapses {
		return Say(what, " unless an update is posted"), true
	}
	return Say(what, " unless somebody acknowledges"), true
}

// nextUpdate gives when the next reminder is due; zero: never.
func (c *Commands) nextUpdate(s incident.Incident, now time.Time) time.Time {
	if !s.Open() || s.Plan.Cadence[s.Severity] == "" {
		return time.Time{}
	}
	isReminder := func(r incident.Record) bool { _, ok := r.Event.(incident.ReminderDue); return ok }
	records := forecast(c.Rules, s, now, now.Add(horizon), isReminder)
	for _, r := range records {
		if e, ok := r.Event.(incident.ReminderDue); ok {
			return e.Due
		}
	}
	return time.Time{}
}
