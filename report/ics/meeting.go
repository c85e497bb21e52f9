package ics

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"

	ical "github.com/arran4/golang-ical"
)

// MeetingFor is how long a post-mortem's meeting is.
const MeetingFor = 30 * time.Minute

// Meeting is the meeting of a post-mortem.
type Meeting struct {
	// UID is the same for every version of it: see MeetingUID.
	UID string
	// Sequence rises with every version, so that a later file replaces an
	// earlier one, in whatever order they arrive.
	Sequence int
	At       time.Time
	Title    string
	Text     string // says what it is about; may have several lines
	URL      string // empty: none
	// Organizer and Invited are mail addresses; of a file for everybody they
	// are empty.
	Organizer string
	Invited   []Guest
	// Cancel takes the meeting back.
	Cancel bool
	// Now is when this version is made.
	Now time.Time
}

// Guest is one who is invited.
type Guest struct{ Name, Address string }

// MeetingUID is the name of an incident's meeting, which nobody else's
// calendar has. The secret is the installation's own and does not change.
func MeetingUID(secret []byte, incident string) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "muster meeting\x00%s", incident)
	return hex.EncodeToString(mac.Sum(nil)[:16]) + "@muster"
}

// Method is what the file asks of a calendar program: to put the meeting in,
// for those who are invited with their answer, or to take it out.
func (m Meeting) Method() string {
	switch {
	case m.Cancel:
		return string(ical.MethodCancel)
	case len(m.Invited) > 0:
		return string(ical.MethodRequest)
	default:
		return string(ical.MethodPublish)
	}
}

// File writes it as a calendar file. The time is a moment in UTC: every
// program shows it in its own zone, on either side of a change of the clock.
func (m Meeting) File() []byte {
	cal := ical.NewCalendarFor("Muster")
	cal.SetProductId("-//Muster//Post-mortem//EN")
	cal.SetMethod(ical.Method(m.Method()))
	e := cal.AddEvent(m.UID)
	e.SetDtStampTime(m.Now)
	e.SetLastModifiedAt(m.Now)
	e.SetSequence(m.Sequence)
	e.SetStartAt(m.At)
	e.SetEndAt(m.At.Add(MeetingFor))
	e.SetSummary(line(m.Title))
	if text := clean(m.Text); text != "" {
		e.SetDescription(text)
	}
	if m.URL != "" {
		e.SetURL(m.URL)
	}
	e.SetStatus(ical.ObjectStatusConfirmed)
	if m.Cancel {
		e.SetStatus(ical.ObjectStatusCancelled)
	}
	if m.Organizer != "" {
		e.SetOrganizer("mailto:"+m.Organizer, ical.WithCN("Muster"))
	}
	for _, g := range m.Invited {
		options := []ical.PropertyParameter{ical.CalendarUserTypeIndividual, ical.ParticipationRoleReqParticipant, ical.ParticipationStatusNeedsAction, ical.WithRSVP(false)}
		if name := plain(g.Name); name != "" {
			options = append(options, ical.WithCN(name))
		}
		e.AddAttendee(g.Address, options...)
	}
	return []byte(cal.Serialize(ical.WithNewLineWindows))
}

// clean drops the controls that a text may not have, but for the end of a line:
// RFC 5545, section 3.1.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		default:
			return r
		}
	}, text)
}

// plain is a name without the letters that have a meaning in a parameter, and
// that not every program reads back: RFC 5545, section 3.2. The library writes a
// backslash before an apostrophe, which is read as a part of the name.
func plain(name string) string {
	return line(strings.Map(func(r rune) rune {
		switch {
		case r == '\'':
			return '’'
		case unicode.IsControl(r) || strings.ContainsRune("\":;,\\^", r):
			return ' '
		default:
			return r
		}
	}, name))
}
