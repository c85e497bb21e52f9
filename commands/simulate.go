package commands

import (
	"errors"
	"slices"
	"time"

	"muster/incident"
)

// A simulation looks this far ahead, and its text has at most so many lines.
const (
	simulatedFor   = 24 * time.Hour
	simulatedLines = 60
)

// simulate says who would be woken when, if an incident were declared and
// nobody answered, or one person acknowledged.
func (c *Commands) simulate(x *exec) Reply {
	if len(c.Rules) == 0 || c.Plan == nil {
		return refuse(CodeMissing, "Simulations are not configured here.")
	}
	acked, after, wrong := c.assumedAck(x)
	if wrong != nil {
		return *wrong
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
	if after > 0 {
		return c.simulated(severity, mark, at, assumed{at: at.Add(after), by: acked})
	}
	return c.simulated(severity, mark, at)
}

// assumedAck reads "ack 12m [@x]" at the end of a simulation's text; zero: it
// has none.
func (c *Commands) assumedAck(x *exec) (by incident.Person, after time.Duration, wrong *Reply) {
	i := slices.IndexFunc(x.args.toks, func(t token) bool { return slices.Contains([]string{"ack", "acked", "acknowledged"}, t.word()) })
	if i < 0 {
		return by, 0, nil
	}
	ack := *x
	ack.args = args{src: x.args.src, readable: x.args.readable, toks: slices.Clone(x.args.toks[i+1:])}
	x.args.toks = x.args.toks[:i]
	by, wrong, _ = c.who(&ack)
	if wrong != nil {
		return by, 0, wrong
	}
	ack.args.take(func(t token) bool { return t.word() == "after" })
	after, err := ParseSpan(ack.args.text())
	if err == nil && after > simulatedFor {
		err = errors.New("A simulation looks 24 hours ahead: name an earlier acknowledgement.")
	}
	if err != nil {
		r := usage(x.spec, "When is it acknowledged? ", err.Error())
		return by, 0, &r
	}
	return by, after, nil
}

// Simulated is one line of a simulation, for programs.
type Simulated struct {
	At    time.Time      `json:"at"`
	After time.Duration  `json:"after_ns"`
	Event incident.Event `json:"event"`
}

// told tells whether a simulation names a record: who is woken, what is passed
// over, and what an acknowledgement did.
func told(e incident.Event) bool {
	switch e := e.(type) {
	case incident.Paged, incident.LevelPassed, incident.LastResortPaged, incident.Acknowledged, incident.AckLapsed:
		return true
	case incident.LadderStarted:
		return e.Round > 0
	}
	return false
}

func (c *Commands) simulated(severity incident.Severity, mark bool, at time.Time, said ...assumed) Reply {
	declared := incident.Record{Seq: 1, At: at, Event: incident.Declared{ID: "INC-0", Title: "simulated", Severity: severity, Critical: mark, Plan: c.Plan(severity)}}
	s := incident.Apply(incident.Incident{}, declared)
	records := forecast(c.Rules, s, at, at.Add(simulatedFor), func(r incident.Record) bool {
		e, ok := r.Event.(incident.LadderStarted)
		return ok && e.Round > 0
	}, said...)
	body := Say(Bold(severity.String()), " declared ", at, ", if nobody answers:")
	if len(said) > 0 {
		body = Say(Bold(severity.String()), " declared ", at, ", acknowledged after ", Span(said[0].at.Sub(at)), ", and then nobody says anything:")
	}
	if len(s.Levels()) == 0 {
		body = Say(body, "\nNo level is paged: ", severity, " is only announced.")
	}
	var data []Simulated
	for _, r := range records {
		if !told(r.Event) {
			continue
		}
		data = append(data, Simulated{At: r.At, After: r.At.Sub(at), Event: r.Event})
		if len(data) <= simulatedLines {
			body = Say(body, "\n+", Span(r.At.Sub(at)), "  ", Line(r.Event))
		}
	}
	if more := len(data) - simulatedLines; more > 0 {
		body = Say(body, "\n… and ", more, " more.")
	}
	r := answer(body, c.simulatedEnd(s, at, len(records), said...))
	r.Data = data
	return r
}

// simulatedEnd says in a line what the rounds behind the first come to.
func (c *Commands) simulatedEnd(s incident.Incident, at time.Time, shown int, said ...assumed) Rich {
	var pages int
	var last incident.Record
	ended := false
	for i, r := range forecast(c.Rules, s, at, at.Add(simulatedFor), nil, said...) {
		if i < shown {
			continue
		}
		switch r.Event.(type) {
		case incident.Paged:
			pages, last = pages+1, r
		case incident.LastResortPaged:
			if !ended {
				ended, last = true, r
			}
		}
		if ended {
			break
		}
	}
	switch {
	case ended:
		return Say("\n… and so on, ", count(pages, "more page"), ", until\n+", Span(last.At.Sub(at)), "  ", Line(last.Event))
	case pages > 0:
		return Say("\n… and so on, ", count(pages, "more page"), " in these 24 hours, the last at +", Span(last.At.Sub(at)), ".")
	default:
		return nil
	}
}
