package render

import (
	"time"

	"muster/incident"
)

// Frame is what rendering needs beside the incident. The zero value works:
// names instead of mentions, no links, the built-in lines.
type Frame struct {
	// Now is the moment for which is rendered.
	Now time.Time
	// Mention gives a person's mention as mrkdwn; empty or nil: the name.
	Mention func(incident.Person) string
	// Group gives the mention of a user group such as "@sre" as a token; nil:
	// it stays as it is written.
	Group func(mention string) string
	// Link gives the address of a message or channel; empty: none is known.
	Link func(incident.Spot) string
	// Lines are the templates of the messages; nil functions: the built-in
	// ones.
	Lines Lines
	// Ahead says what the clocks will do next; nil: read off the state.
	Ahead func(incident.Incident, time.Time) Ahead
}

// Ahead is what the ladder and the update clock will do next. Zero times mean
// never.
type Ahead struct {
	// Level is the level that was reached; empty: none yet.
	Level string
	// Next is the level or the step that follows, at NextAt.
	Next   string
	NextAt time.Time
	// UpdateDue is when the next update is due; one in the past is overdue.
	UpdateDue time.Time
}

// mention gives a person's mention, or the escaped name.
func (f Frame) mention(p incident.Person) string {
	if p.Nobody() && p.Name == "" {
		return "nobody"
	}
	if f.Mention != nil {
		if m := f.Mention(p); m != "" {
			return m
		}
	}
	return name(p)
}

// name gives a person's escaped name, without waking anybody.
func name(p incident.Person) string {
	if p.Nobody() && p.Name == "" {
		return "nobody"
	}
	return line(p.String())
}

// by gives who said something; the empty person is Muster itself.
func by(p incident.Person) string {
	if p.Nobody() && p.Name == "" {
		return "Muster"
	}
	return line(p.String())
}

func (f Frame) link(s incident.Spot) string {
	if f.Link == nil || s.Channel == "" {
		return ""
	}
	return f.Link(s)
}

// titled links an incident's name to its card.
func (f Frame) titled(s incident.Incident) string {
	if url := f.link(s.Card); url != "" {
		return "<" + url + "|" + s.ID + ">"
	}
	return s.ID
}

func (f Frame) ahead(s incident.Incident) Ahead {
	if f.Ahead != nil {
		return f.Ahead(s, f.Now)
	}
	return ReadAhead(s)
}

// ReadAhead reads off the state what it tells by itself: the level that was
// reached, the first delay after it, and an update that is due.
func ReadAhead(s incident.Incident) Ahead {
	a := Ahead{UpdateDue: s.Clock.Due}
	for _, l := range s.Levels() {
		r := s.Rung(l.Name)
		switch {
		case !r.Since.IsZero():
			a.Level, a.Next, a.NextAt = l.Name, "", time.Time{}
		case a.Next == "" && !s.Climb.Start.IsZero() && !r.Passed && !(s.Acked() && l.Until == incident.UntilAcknowledged):
			a.Next, a.NextAt = l.Name, s.Climb.Start.Add(l.DueAfter(s.Severity))
		}
	}
	return a
}
