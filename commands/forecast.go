package commands

import (
	"slices"
	"time"

	"muster/incident"
)

// maxForecast bounds the records that a forecast makes up.
const maxForecast = 400

// forecast lets the rules act on a state as if nobody said anything until a
// moment. Every page is taken as delivered. More stops it early; nil: never.
func forecast(rules []incident.Rule, s incident.Incident, now, until time.Time, stop func(incident.Record) bool) []incident.Record {
	var out []incident.Record
	record := func(e incident.Event) (incident.Record, bool) {
		r := incident.Record{Seq: s.Seq + 1, At: now, Event: e}
		s = incident.Apply(s, r)
		out = append(out, r)
		return r, len(out) >= maxForecast || stop != nil && stop(r)
	}
	for {
		var wake time.Time
		quiet := true
		for _, rule := range rules {
			d := rule.Reconcile(s, now)
			for _, e := range d.Events {
				quiet = false
				if _, done := record(e); done {
					return out
				}
				if p, ok := e.(incident.Paged); ok {
					for _, m := range p.Methods {
						s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: now, Event: incident.PageSettled{Attempt: p.Attempt, Method: m, State: incident.PageDelivered}})
					}
				}
			}
			wake = incident.Sooner(wake, d.Wake)
		}
		if !quiet {
			continue
		}
		if wake.IsZero() || wake.After(until) || !wake.After(now) {
			return out
		}
		now = wake
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

// simulate says who would be paged when, if an incident were declared and
// nobody answered.
func (c *Commands) simulate(x *exec) Reply {
	if len(c.Rules) == 0 || c.Plan == nil {
		return refuse(CodeMissing, "Simulations are not configured here.")
	}
	severity, named := incident.P1, false
	if t, ok := x.args.take(func(t token) bool { _, ok := severityWord(t); return ok }); ok {
		severity, _ = severityWord(t)
		named = true
	}
	mark := false
	if _, ok := x.args.take(func(t token) bool { return t.word() == "critical" }); ok {
		mark = true
	}
	at := x.call.Now
	if text := x.args.text(); text != "" {
		t, err := ParseTime(text, x.call.Now, c.zone(x.call.By))
		if err != nil {
			return usage(x.spec, err.Error())
		}
		at = t
	}
	if !named {
		return usage(x.spec, "Which severity is it to be?")
	}
	return c.simulated(severity, mark, at)
}

// Simulated is one line of a simulation, for programs.
type Simulated struct {
	At    time.Time      `json:"at"`
	After time.Duration  `json:"after_ns"`
	Event incident.Event `json:"event"`
}

func (c *Commands) simulated(severity incident.Severity, mark bool, at time.Time) Reply {
	declared := incident.Record{Seq: 1, At: at, Event: incident.Declared{ID: "INC-0", Title: "simulated", Severity: severity, Critical: mark, Plan: c.Plan(severity)}}
	s := incident.Apply(incident.Incident{}, declared)
	records := forecast(c.Rules, s, at, at.Add(24*time.Hour), func(r incident.Record) bool {
		e, ok := r.Event.(incident.LadderStarted)
		return ok && e.Round > 0
	})
	body := Say(Bold(severity.String()), " declared ", at, ", if nobody answers:")
	var data []Simulated
	for _, r := range records {
		switch e := r.Event.(type) {
		case incident.Paged:
			if e.Level == "" {
				continue
			}
		case incident.LevelPassed:
			if e.Level == "" {
				continue
			}
		case incident.LadderStarted:
			if e.Round == 0 {
				continue
			}
		case incident.LastResortPaged:
		default:
			continue
		}
		data = append(data, Simulated{At: r.At, After: r.At.Sub(at), Event: r.Event})
		body = Say(body, "\n+", Span(r.At.Sub(at)), "  ", Line(r.Event))
	}
	if len(data) == 0 {
		body = Say(body, "\nNobody is paged: ", severity, " is only announced.")
	}
	r := answer(body)
	r.Data = data
	return r
}
