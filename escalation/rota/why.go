package rota

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// StepKind names one link of the chain that leads to an answer.
type StepKind string

// The links. Boundary and Index are the rotation's; Fixed is a rota without
// rotation, Empty one without members, NoRota a role that no rota defines;
// Overridden and Swapped replaced somebody; Unused is an override whose person
// to replace is not on call.
const (
	Boundary   StepKind = "boundary"
	Index      StepKind = "index"
	Fixed      StepKind = "no_rotation"
	Empty      StepKind = "empty"
	NoRota     StepKind = "no_rota"
	Overridden StepKind = "override"
	Swapped    StepKind = "swap"
	Unused     StepKind = "unused"
)

// Step is one link of the chain, in the order in which they apply. Fields
// that its kind does not need are zero.
type Step struct {
	Kind StepKind `json:"kind"`
	// From and Until are the rotation's boundaries or the override's span.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Person is on call after this link.
	Person   incident.Person `json:"person,omitzero"`
	Instead  incident.Person `json:"instead,omitzero"`
	Rotation Rotation        `json:"rotation,omitempty"`
	// Number counts the shifts from the first member's first, which is 0.
	Number int64 `json:"number,omitempty"`
	// Index is the place among Of members, the first being 0.
	Index    int       `json:"index,omitempty"`
	Of       int       `json:"of,omitempty"`
	Override *Override `json:"override,omitempty"`
}

// Sentence says the link in plain words with its times in zone.
func (s Step) Sentence(zone *time.Location) string {
	switch s.Kind {
	case Boundary:
		return fmt.Sprintf("The last %s hand-over was %s, the next is %s.", s.Rotation, Stamp(s.From, zone), Stamp(s.Until, zone))
	case Index:
		return fmt.Sprintf("That is shift %d of the rotation: number %d of %d in the order, %s.", s.Number+1, s.Index+1, s.Of, s.Person)
	case Fixed:
		if s.Of == 1 {
			return fmt.Sprintf("The rota does not rotate: %s is its only member.", s.Person)
		}
		return fmt.Sprintf("The rota does not rotate: %s is first, %d more follow if unreachable.", s.Person, s.Of-1)
	case Empty:
		return "The rota has no members."
	case NoRota:
		return "No rota defines this role."
	}
	o := s.Override
	if o == nil {
		return ""
	}
	var b strings.Builder
	switch {
	case s.Kind == Unused:
		fmt.Fprintf(&b, "An override puts %s in the place of %s, who is not on call then, so it changes nothing", s.Person, o.Instead)
	case s.Kind == Swapped:
		fmt.Fprintf(&b, "A swap puts %s in the place of %s", s.Person, s.Instead)
	case s.Instead.Nobody():
		fmt.Fprintf(&b, "An override puts %s on call", s.Person)
	default:
		fmt.Fprintf(&b, "An override puts %s in the place of %s", s.Person, s.Instead)
	}
	fmt.Fprintf(&b, " from %s to %s", Stamp(o.From, zone), Stamp(o.Until, zone))
	if !o.By.Nobody() {
		fmt.Fprintf(&b, ", set by %s", o.By)
		if !o.At.IsZero() {
			fmt.Fprintf(&b, " on %s", Stamp(o.At, zone))
		}
	}
	if o.Reason != "" {
		fmt.Fprintf(&b, ": %s", strings.TrimRight(o.Reason, "."))
	}
	return b.String() + "."
}

// Stamp writes a moment for people: weekday, date, time, zone.
func Stamp(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "open end"
	}
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon 2006-01-02 15:04 MST")
}
