package ics_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	goical "github.com/emersion/go-ical"

	"muster/report/ics"
)

// calendar is a calendar program: it takes meetings in as their method and
// sequence say, and shows them in its own zone. It reads with another library
// than the one that writes.
type calendar struct {
	*testing.T
	events map[string]*entry
}

type entry struct {
	sequence int
	start    time.Time
	end      time.Time
	summary  string
	guests   []string
	off      bool
}

func (c *calendar) take(file []byte) {
	c.Helper()
	dec := goical.NewDecoder(bytes.NewReader(file))
	cal, err := dec.Decode()
	if err != nil {
		c.Fatalf("%v in\n%s", err, file)
	}
	var out bytes.Buffer // a writer that checks what the standard demands
	if err := goical.NewEncoder(&out).Encode(cal); err != nil {
		c.Fatalf("the file breaks the standard: %v\n%s", err, file)
	}
	method := cal.Props.Get(goical.PropMethod).Value
	for _, e := range cal.Events() {
		uid, err := e.Props.Text(goical.PropUID)
		if err != nil {
			c.Fatal(err)
		}
		sequence, err := e.Props.Get(goical.PropSequence).Int()
		if err != nil {
			c.Fatal(err)
		}
		if old := c.events[uid]; old != nil && old.sequence >= sequence {
			continue
		}
		start, err := e.DateTimeStart(time.UTC)
		if err != nil {
			c.Fatal(err)
		}
		end, err := e.DateTimeEnd(time.UTC)
		if err != nil {
			c.Fatal(err)
		}
		summary, err := e.Props.Text(goical.PropSummary)
		if err != nil {
			c.Fatal(err)
		}
		got := &entry{sequence: sequence, start: start, end: end, summary: summary, off: method == "CANCEL"}
		for _, p := range e.Props.Values(goical.PropAttendee) {
			got.guests = append(got.guests, p.Params.Get(goical.ParamCommonName)+" "+p.Value)
		}
		status, err := e.Status()
		if err != nil || (status == goical.EventCancelled) != got.off {
			c.Errorf("the method is %s and the status %s (%v)", method, status, err)
		}
		c.events[uid] = got
	}
}

func meeting(sequence int, at time.Time) ics.Meeting {
	return ics.Meeting{
		UID: ics.MeetingUID([]byte("secret"), "INC-12"), Sequence: sequence, At: at, Title: "Post-mortem of INC-12: API, service; down\nagain",
		Text: "P0\nWhat happened, what we learn; nobody, really nobody, is to blame. " + "ä long line that must be folded somewhere in the middle of its letters ööö", URL: "https://example.slack.com/archives/C1/p1",
		Organizer: "muster@example.com", Now: at.Add(-time.Hour),
		Invited: []ics.Guest{{Name: `Ann "the Hammer" Lee: ops, really`, Address: "ann@example.com"}, {Address: "board@example.com"}},
	}
}

// What arrives later replaces what arrived before, whatever the order of the
// mails; the time is right on both sides of a change of the clock.
func TestMeetingInAForeignCalendar(t *testing.T) {
	uid := ics.MeetingUID([]byte("secret"), "INC-12")
	for zone, c := range map[string]struct{ before, after time.Time }{
		"Europe/Berlin":    {time.Date(2026, 10, 23, 8, 0, 0, 0, time.UTC), time.Date(2026, 10, 26, 9, 0, 0, 0, time.UTC)},
		"America/New_York": {time.Date(2026, 10, 30, 14, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)},
		"America/Santiago": {time.Date(2026, 9, 4, 14, 0, 0, 0, time.UTC), time.Date(2026, 9, 7, 13, 0, 0, 0, time.UTC)},
		"Asia/Kolkata":     {time.Date(2026, 10, 23, 4, 30, 0, 0, time.UTC), time.Date(2026, 10, 26, 4, 30, 0, 0, time.UTC)},
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		cal := &calendar{T: t, events: map[string]*entry{}}
		cal.take(meeting(17, c.before).File())
		first := cal.events[uid]
		if first == nil || !first.start.Equal(c.before) || first.start.In(loc).Format("15:04") != "10:00" || first.end.Sub(first.start) != ics.MeetingFor {
			t.Fatalf("%s: the calendar has %+v", zone, first)
		}
		if first.summary != "Post-mortem of INC-12: API, service; down again" || len(first.guests) != 2 {
			t.Errorf("%s: %q with %q", zone, first.summary, first.guests)
		}
		moved := meeting(21, c.after)
		cal.take(moved.File())
		cal.take(meeting(17, c.before).File()) // the first mail comes late once more
		if e := cal.events[uid]; len(cal.events) != 1 || e.off || e.start.In(loc).Format("15:04") != "10:00" || !e.start.Equal(c.after) {
			t.Errorf("%s: after the move %+v", zone, e)
		}
		moved.Sequence, moved.Cancel = 30, true
		cal.take(moved.File())
		if e := cal.events[uid]; len(cal.events) != 1 || !e.off {
			t.Errorf("%s: after it was called off %+v", zone, e)
		}
	}
}

func TestMeetingForEverybodyNamesNobody(t *testing.T) {
	m := meeting(1, time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC))
	if got := m.Method(); got != "REQUEST" {
		t.Errorf("the method is %s", got)
	}
	m.Organizer, m.Invited = "", nil
	if file := m.File(); m.Method() != "PUBLISH" || bytes.Contains(file, []byte("example.com\r")) || bytes.Contains(file, []byte("mailto:")) {
		t.Errorf("%s", file)
	}
	if a, b := ics.MeetingUID([]byte("s"), "INC-1"), ics.MeetingUID([]byte("t"), "INC-1"); a == b {
		t.Error("two installations give their meetings the same name")
	}
}

// What the standard asks of the text itself: lines end in CRLF and have at most
// 75 octets, no letter is cut in two, and nothing that somebody typed begins a
// line of its own.
func TestMeetingIsWellFormed(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("W", 4000), strings.Repeat("👩‍👩‍👧", 300), "a\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nATTENDEE:mailto:eve@example.com", `\n;,:"^`, "\x00\x07\x1b",
		"\u202eabc", strings.Repeat("ä", 73) + "€", "",
	} {
		m := meeting(3, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC))
		m.Title, m.Text, m.Invited = "Post-mortem: "+text, text, []ics.Guest{{Name: text, Address: "ann@example.com"}}
		file := string(m.File())
		if strings.Count(file, "\n") != strings.Count(file, "\r\n") || strings.Count(file, "\r") != strings.Count(file, "\r\n") {
			t.Errorf("%.20q: a line does not end in CRLF", text)
		}
		for _, line := range strings.Split(file, "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%.20q: the line %q has %d octets", text, line, len(line))
			}
		}
		if strings.Count(file, "\r\nBEGIN:VEVENT") != 1 || strings.Count(file, "\r\nATTENDEE") != 1 {
			t.Errorf("%.20q is read as more than a text", text)
		}
		cal := &calendar{T: t, events: map[string]*entry{}}
		cal.take([]byte(file))
		if e := cal.events[m.UID]; e == nil || !e.start.Equal(m.At) || len(e.guests) != 1 {
			t.Errorf("%.20q: the calendar has %+v", text, e)
		}
	}
}

// A name with an apostrophe is read back as it is said.
func TestMeetingNamesAnApostrophe(t *testing.T) {
	m := meeting(1, time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC))
	m.Invited = []ics.Guest{{Name: "Niamh O'Brien", Address: "niamh@example.com"}}
	cal := &calendar{T: t, events: map[string]*entry{}}
	cal.take(m.File())
	if got := cal.events[m.UID].guests; len(got) != 1 || !strings.HasPrefix(got[0], "Niamh O’Brien mailto:") {
		t.Errorf("the calendar has %q", got)
	}
}
