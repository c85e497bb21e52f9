// Package ics writes shifts and meetings as calendar files (RFC 5545) that
// calendar programs import, subscribe to or get by mail.
//
// It decides nothing about who is on call or who meets, reads no clock, and
// writes no phone number, and no mail address but those of an invitation.
package ics

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	ical "github.com/arran4/golang-ical"

	"muster/escalation/rota"
	"muster/incident"
)

// Options say which part of the shifts is written, and for whom.
type Options struct {
	// Person limits the calendar to the shifts of one person; nobody: all.
	Person incident.Person
	// From and To are the span that the shifts were asked for. A shift without
	// begin or end is cut there; the others are written whole.
	From, To time.Time
	// Site tells installations apart, for example by the host of the public
	// address; empty: muster.
	Site string
	// Titles are the rotas' names for reading, by role; a role without one is
	// written as it is.
	Titles map[string]string
	// Now is when the calendar is made.
	Now time.Time
}

// refresh is how often a subscribed calendar is to be fetched again.
const refresh = "PT1H"

// Shifts writes a calendar of that name. An event is known by its role and
// begin, so that a later file replaces an earlier one: another person, another
// end. Times are moments in UTC, which every program shows in its own zone, and
// a change of the clock between two shifts moves nothing.
func Shifts(name string, shifts []rota.Shift, o Options) []byte {
	if o.Site == "" {
		o.Site = "muster"
	}
	cal := ical.NewCalendarFor("Muster")
	cal.SetProductId("-//Muster//On call//EN")
	cal.SetMethod(ical.MethodPublish)
	cal.SetName(line(name))
	cal.SetRefreshInterval(refresh)
	cal.SetXPublishedTTL(refresh)
	if zone := commonZone(shifts); zone != "" {
		cal.SetXWRTimezone(zone)
	}
	for _, s := range shifts {
		add(cal, s, o)
	}
	return []byte(cal.Serialize(ical.WithNewLineWindows))
}

func add(cal *ical.Calendar, s rota.Shift, o Options) {
	who := s.OnCall().Person()
	from, until := s.From, s.Until
	if from.IsZero() {
		from = o.From
	}
	if until.IsZero() {
		until = o.To
	}
	if who.Nobody() || !o.Person.Nobody() && !who.Is(o.Person) || from.IsZero() || !until.After(from) {
		return
	}
	title := line(o.Titles[s.Role])
	if title == "" {
		title = s.Role
	}
	e := cal.AddEvent(uid(o.Site, s.Role, from))
	e.SetDtStampTime(o.Now)
	e.SetLastModifiedAt(o.Now)
	e.SetSequence(sequence(o.Now))
	e.SetStartAt(from)
	e.SetEndAt(until)
	e.SetSummary(fmt.Sprintf("On call: %s (%s)", name(s.OnCall()), title))
	e.SetDescription(description(s))
	e.SetTimeTransparency(ical.TransparencyTransparent) // being on call blocks no meeting
	e.AddCategory("On call")
}

// name of a person, never an address.
func name(m rota.Member) string {
	switch {
	case line(m.Name) != "":
		return line(m.Name)
	case m.Slack != "":
		return m.Slack
	}
	return "somebody without a name"
}

// line makes one line of a text.
func line(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

func description(s rota.Shift) string {
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	text := ""
	if !s.From.IsZero() {
		text += "From " + rota.Stamp(s.From, zone) + ". "
	}
	if s.Until.IsZero() {
		return text + "Without an end."
	}
	text += "Until " + rota.Stamp(s.Until, zone)
	if !s.Next.Nobody() {
		text += ", then " + name(s.Next)
	}
	return text + "."
}

// commonZone is the zone of all shifts; empty: they differ, or have none.
func commonZone(shifts []rota.Shift) string {
	zone := ""
	for i, s := range shifts {
		switch {
		case s.Zone == nil, i > 0 && s.Zone.String() != zone:
			return ""
		}
		zone = s.Zone.String()
	}
	return zone
}

func uid(site, role string, from time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", site, role, from.Unix()))
	return hex.EncodeToString(sum[:16]) + "@" + site
}

// epoch is where sequences begin: a number of 32 bits lasts until 2094.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// sequence grows with every second, so that a later file wins.
func sequence(now time.Time) int { return max(0, int(now.Sub(epoch)/time.Second)) }
