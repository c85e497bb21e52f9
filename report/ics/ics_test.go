package ics

import (
	"bytes"
	"strings"
	"testing"
	"time"

	ical "github.com/arran4/golang-ical"

	"muster/escalation/rota"
	"muster/incident"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func member(name string) rota.Member {
	return rota.Member{Name: name, Email: strings.ToLower(name) + "@example.com", Phone: "+15550101", Slack: "@" + strings.ToLower(name)}
}

func schedule(t *testing.T, zone string) (rota.Schedule, *time.Location) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return rota.Schedule{Rotas: map[string]rota.Rota{
		"primary": {
			Name: "primary", Type: rota.Weekly, Weekday: time.Monday, At: rota.Clock{Hour: 9}, Zone: loc,
			StartsOn: rota.Date{Year: 2026, Month: 1, Day: 5}, Members: []rota.Member{member("Alice"), member("Bob")},
		},
		"manager": {Name: "manager", Members: []rota.Member{member("Heidi")}},
	}}, loc
}

// event is what a reader of our own finds: a second opinion beside the library
// that wrote the file.
type event map[string]string

// read unfolds and splits a calendar file by the rules of RFC 5545, 3.1.
func read(t *testing.T, file []byte) (calendar event, events []event) {
	t.Helper()
	text := string(file)
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") || !strings.HasSuffix(text, "END:VCALENDAR\r\n") {
		t.Fatalf("lines do not end as they must:\n%q", text)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 75 {
			t.Errorf("a line has %d bytes: %q", len(line), line)
		}
	}
	unescape := strings.NewReplacer(`\n`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`)
	calendar = event{}
	into := calendar
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n ", "")) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok {
			t.Fatalf("a line has no value: %q", line)
		}
		switch {
		case name == "BEGIN" && value == "VEVENT":
			into = event{}
			events = append(events, into)
		case name == "END" && value == "VEVENT":
			into = calendar
		default:
			name, _, _ = strings.Cut(name, ";")
			if _, twice := into[name]; twice && name != "BEGIN" && name != "END" {
				t.Errorf("%s stands twice", name)
			}
			into[name] = unescape.Replace(value)
		}
	}
	return calendar, events
}

func moment(t *testing.T, e event, name string) time.Time {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", e[name])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestHandOverStaysOnTheWallOverAChangeOfTheClock(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"} {
		s, loc := schedule(t, zone)
		shifts := s.Shifts("primary", time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), nil)
		calendar, events := read(t, Shifts("Primary", shifts, Options{Now: now}))
		if calendar["X-WR-TIMEZONE"] != zone || calendar["METHOD"] != "PUBLISH" || calendar["VERSION"] != "2.0" {
			t.Errorf("the calendar says %v", calendar)
		}
		if len(events) != len(shifts) || len(events) < 38 {
			t.Fatalf("%d events for %d shifts", len(events), len(shifts))
		}
		offsets := map[int]bool{}
		for i, e := range events {
			from, until := moment(t, e, "DTSTART").In(loc), moment(t, e, "DTEND").In(loc)
			if from.Weekday() != time.Monday || from.Hour() != 9 || from.Minute() != 0 || until.Weekday() != time.Monday || until.Hour() != 9 {
				t.Errorf("%s: a shift from %v until %v", zone, from, until)
			}
			if !from.Equal(shifts[i].From) || !until.Equal(shifts[i].Until) {
				t.Errorf("%s: shift %d is from %v until %v", zone, i, from, until)
			}
			if i > 0 && !moment(t, events[i-1], "DTEND").Equal(from) {
				t.Errorf("%s: a gap before %v", zone, from)
			}
			_, offset := from.Zone()
			offsets[offset] = true
		}
		if want := map[bool]int{true: 1, false: 2}[zone == "UTC"]; len(offsets) != want {
			t.Errorf("%s: %d offsets, not %d: the span shows nothing", zone, len(offsets), want)
		}
	}
}

// The library that reads other people's calendars reads ours alike.
func TestReadByAnother(t *testing.T) {
	s, _ := schedule(t, "Europe/Berlin")
	shifts := s.Shifts("primary", now, now.AddDate(0, 2, 0), nil)
	cal, err := ical.ParseCalendar(bytes.NewReader(Shifts("Primary, on call; \n all", shifts, Options{Now: now, Titles: map[string]string{"primary": "Primary, On-Call"}})))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range cal.Events() {
		from, err := e.GetStartAt()
		if err != nil || !from.Equal(shifts[i].From) {
			t.Errorf("event %d begins %v, %v", i, from, err)
		}
		if got, want := e.GetProperty(ical.ComponentPropertySummary).Value, "On call: "+shifts[i].OnCall().Name+" (Primary, On-Call)"; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// A later file replaces what it changes, and leaves the rest as it was.
func TestLaterFileReplaces(t *testing.T) {
	s, loc := schedule(t, "Europe/Berlin")
	from, to := now, now.AddDate(0, 1, 0)
	write := func(at time.Time, overrides ...rota.Override) map[string]event {
		t.Helper()
		byID := map[string]event{}
		_, events := read(t, Shifts("Primary", s.Shifts("primary", from, to, overrides), Options{Now: at, Site: "muster.example.com"}))
		for _, e := range events {
			if byID[e["UID"]] != nil {
				t.Errorf("two events are %s", e["UID"])
			}
			byID[e["UID"]] = e
		}
		return byID
	}
	before := write(now)
	again := write(now.Add(time.Hour))
	for id, e := range before {
		if again[id]["DTSTART"] != e["DTSTART"] || again[id]["SUMMARY"] != e["SUMMARY"] {
			t.Errorf("%s is another event an hour later", id)
		}
		if again[id]["SEQUENCE"] <= e["SEQUENCE"] || again[id]["DTSTAMP"] <= e["DTSTAMP"] {
			t.Errorf("the later file does not win: %v, %v", e, again[id])
		}
	}
	// Carol takes the middle of a shift: it is cut, and two are new.
	o := rota.Override{
		ID: "OV-1", Role: "primary", Who: incident.Person{Key: "carol@example.com", Name: "Carol"}, At: now,
		From: time.Date(2026, 3, 11, 9, 0, 0, 0, loc), Until: time.Date(2026, 3, 12, 9, 0, 0, 0, loc),
	}
	after := write(now.Add(2*time.Hour), o)
	if len(after) != len(before)+2 {
		t.Errorf("%d events, not %d", len(after), len(before)+2)
	}
	carols := 0
	for id, e := range before {
		if after[id] == nil {
			t.Errorf("%s is gone", id)
		}
		if e["DTSTART"] == "20260309T080000Z" && after[id]["DTEND"] != "20260311T080000Z" {
			t.Errorf("the shift that was cut ends %s", after[id]["DTEND"])
		}
	}
	for _, e := range after {
		if strings.Contains(e["SUMMARY"], "Carol") {
			carols++
		}
	}
	if carols != 1 {
		t.Errorf("Carol has %d shifts", carols)
	}
}

func TestOnePersonsShifts(t *testing.T) {
	s, _ := schedule(t, "Europe/Berlin")
	to := now.AddDate(0, 1, 0)
	shifts := append(s.Shifts("primary", now, to, nil), s.Shifts("manager", now, to, nil)...)
	file := Shifts("Bob's shifts", shifts, Options{Person: member("Bob").Person(), From: now, To: to, Now: now})
	_, events := read(t, file)
	if len(events) != 2 && len(events) != 3 {
		t.Errorf("%d events", len(events))
	}
	for _, e := range events {
		if !strings.Contains(e["SUMMARY"], "Bob") || !strings.Contains(e["DESCRIPTION"], "then Alice") {
			t.Errorf("an event of somebody else: %v", e)
		}
	}
	// A rota that never hands over has one shift, cut at the span.
	_, events = read(t, Shifts("Heidi", shifts, Options{Person: member("Heidi").Person(), From: now, To: to, Now: now}))
	if len(events) != 1 || !moment(t, events[0], "DTSTART").Equal(now) || !moment(t, events[0], "DTEND").Equal(to) {
		t.Errorf("%v", events)
	}
	if all := Shifts("All", shifts, Options{From: now, To: to, Now: now}); bytes.Contains(all, []byte("5550101")) || bytes.Contains(all, []byte("@example.com")) {
		t.Error("the file holds a phone number or a mail address")
	}
	if _, events := read(t, Shifts("None", nil, Options{Now: now})); len(events) != 0 {
		t.Error("nothing gives events")
	}
}

// Long names and titles in any script are folded without breaking a letter.
func TestLongNames(t *testing.T) {
	s, _ := schedule(t, "Europe/Berlin")
	r := s.Rotas["primary"]
	long := strings.Repeat("Größe 数据库 🚨, ", 20)
	r.Members = []rota.Member{{Name: long + "\r\nEND:VEVENT", Email: "x@example.com"}}
	s.Rotas["primary"] = r
	_, events := read(t, Shifts(long, s.Shifts("primary", now, now.AddDate(0, 0, 8), nil), Options{Now: now}))
	for _, e := range events {
		if want := "On call: " + long + "END:VEVENT (primary)"; e["SUMMARY"] != want {
			t.Errorf("%q", e["SUMMARY"])
		}
	}
	if len(events) != 3 {
		t.Errorf("%d events", len(events))
	}
}

// A name that somebody wrote with control characters breaks no line and leaves
// none in the file: no calendar program has to take them.
func TestNamesWithControlCharacters(t *testing.T) {
	s, _ := schedule(t, "Europe/Berlin")
	r := s.Rotas["manager"]
	r.Members[0].Name = "He\x07idi\r\nEND:VEVENT \x1b[31mLee\x00"
	to := now.AddDate(0, 0, 7)
	file := Shifts("On\x07 call", s.Shifts("manager", now, to, nil), Options{From: now, To: to, Now: now, Titles: map[string]string{"manager": "the\x00 boss"}})
	calendar, events := read(t, file)
	if len(events) != 1 || events[0]["SUMMARY"] != "On call: Heidi END:VEVENT [31mLee (the boss)" || calendar["NAME"] != "On call" {
		t.Errorf("the file is %q %q", calendar, events)
	}
	if bytes.ContainsAny(file, "\x00\x07\x1b") {
		t.Errorf("control characters are in %q", file)
	}
}
