package rota

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

//go:embed testdata/zones.txt
var zoneNames string

// changed gives every zone whose clock changed since 2020, with the moments.
func changed(t testing.TB) map[string][]time.Time {
	t.Helper()
	all := map[string][]time.Time{}
	for _, name := range strings.Fields(zoneNames) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatalf("zone %s: %v", name, err)
		}
		end := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(time.Hour) {
			_, before := at.In(zone).Zone()
			_, after := at.Add(time.Hour).In(zone).Zone()
			if before == after {
				continue
			}
			for minute := at; ; minute = minute.Add(time.Minute) {
				if _, now := minute.In(zone).Zone(); now != before {
					all[name] = append(all[name], minute)
					break
				}
			}
		}
	}
	return all
}

// label is a wall time as the walk reads it, in minutes; made from the parts
// of a date alone.
func label(t time.Time) int {
	y, m, d := t.Date()
	days := 0
	// Days before the year, then before the month: counted, not computed.
	for year := 2019; year < y; year++ {
		days += 365
		if year%4 == 0 {
			days++
		}
	}
	for month := time.January; month < m; month++ {
		days += [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
		if month == time.February && y%4 == 0 {
			days++
		}
	}
	return (days+d-1)*24*60 + t.Hour()*60 + t.Minute()
}

// mondayLabel is midnight of 2018-12-31, a Monday, the day before label 0.
const mondayLabel = -24 * 60

type tableCase struct {
	rota Rota
	// number gives which hand-over a wall time is, and whether it is one.
	number func(label int) (int64, bool)
}

func every(anchor, step int) func(int) (int64, bool) {
	return func(l int) (int64, bool) {
		n := (l - anchor) / step
		return int64(n), n*step == l-anchor && l >= anchor
	}
}

// cases are rotas that hand over at a wall time, beginning on 2019-01-01 or,
// weekly, on the first such weekday after it.
func cases(zone *time.Location, w Clock, day time.Weekday) []tableCase {
	start := Date{2019, time.January, 1}
	minute := w.Hour*60 + w.Minute
	first := mondayLabel + (int(day)+6)%7*24*60
	if first < 0 {
		first += 7 * 24 * 60
	}
	base := Rota{Name: "r", Zone: zone, At: w, StartsOn: start, Members: people(3)}
	with := func(kind Rotation, every time.Duration) Rota {
		r := base
		r.Type, r.Every, r.Weekday = kind, every, day
		return r
	}
	return []tableCase{
		{with(Daily, 0), every(minute, 24*60)},
		{with(Weekly, 0), every(first+minute, 7*24*60)},
		{with(Custom, 12*time.Hour), every(minute, 12*60)},
		{with(Custom, 3*24*time.Hour), every(minute, 3*24*60)},
		{with(Custom, time.Hour), every(minute, 60)},
	}
}

func people(n int) []Member {
	all := make([]Member, n)
	for i := range all {
		name := string(rune('a' + i))
		all[i] = Member{Name: strings.ToUpper(name), Email: name + "@example.com", Slack: "@" + name}
	}
	return all
}

// TestEveryZone compares hand-overs around every clock change since 2020, in
// every zone that had one, with a walk that looks at the wall once a minute: a
// hand-over is when the wall shows its time, or a later one, for the first
// time.
func TestEveryZone(t *testing.T) {
	zones := changed(t)
	if len(zones) < 100 {
		t.Fatalf("only %d zones changed their clock: the scan is broken", len(zones))
	}
	const around = 36 * 60 // minutes
	windows, compared := 0, 0
	walls := make([]int, 2*around)
	for name, changes := range zones {
		zone, _ := time.LoadLocation(name)
		if testing.Short() {
			changes = changes[:1]
		}
		for i, change := range changes {
			windows++
			from := change.Add(-around * time.Minute)
			for m := range walls {
				walls[m] = label(from.Add(time.Duration(m) * time.Minute).In(zone))
			}
			before, after := change.Add(-time.Minute).In(zone), change.In(zone)
			// Hand-overs in the middle of what is skipped or repeated, at its
			// edges, and far from it, in turns.
			span := walls[around] - walls[around-1] - 1
			middle := before.Add(time.Minute + time.Duration(span/2)*time.Minute)
			clocks := []Clock{
				{middle.Hour(), middle.Minute()}, {9, 0},
				{after.Hour(), after.Minute()}, {0, 0},
			}
			if span > 0 { // wall clocks of a gap exist only as numbers
				w := (walls[around-1] + 1 + span/2) % (24 * 60)
				clocks[0] = Clock{w / 60, w % 60}
			}
			for _, w := range []Clock{clocks[0], clocks[1+i%3]} {
				for _, c := range cases(zone, w, before.Weekday()) {
					compared += compare(t, name, c, from, walls)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	if compared == 0 {
		t.Fatal("nothing was compared")
	}
	t.Logf("%d zones, %d clock changes, %d hand-overs", len(zones), windows, compared)
}

func compare(t *testing.T, name string, c tableCase, from time.Time, walls []int) int {
	t.Helper()
	found, latest := 0, walls[0]
	current, known := int64(0), false
	for m, l := range walls {
		for latest < l {
			latest++
			n, ok := c.number(latest)
			if !ok {
				continue
			}
			found++
			want := from.Add(time.Duration(m) * time.Minute)
			where := fmt.Sprintf("%s %s %v at %02d:%02d, hand-over %d", name, c.rota.Type, c.rota.Every, c.rota.At.Hour, c.rota.At.Minute, n)
			if got := c.rota.Boundary(n); !got.Equal(want) {
				t.Errorf("%s is at %s, want %s", where, got, want)
				return found
			}
			if got := c.rota.NextBoundary(want.Add(-time.Second)); !got.Equal(want) {
				t.Errorf("%s: the next after %s is %s", where, want.Add(-time.Second), got)
			}
			// Of hand-overs at one moment the last counts.
			last := n
			for k := latest + 1; k <= l; k++ {
				if more, ok := c.number(k); ok {
					last = more
				}
			}
			current, known = last, true
			got, begin, end := c.rota.Shift(want)
			if got != last || !begin.Equal(want) || !end.After(want) {
				t.Errorf("%s: at %s shift %d from %s to %s, want shift %d", where, want, got, begin, end, last)
			}
			if shift := (Schedule{Rotas: map[string]Rota{"r": c.rota}}).OnCall("r", want, nil); !shift.OnCall().Is(c.rota.Members[last%3]) {
				t.Errorf("%s: %s is on call", where, shift.OnCall())
			}
		}
		if at := from.Add(time.Duration(m) * time.Minute); known && m%19 == 0 {
			if got, _, _ := c.rota.Shift(at); got != current {
				t.Errorf("%s %s %v: at %s shift %d, want %d", name, c.rota.Type, c.rota.Every, at, got, current)
			}
		}
	}
	return found
}

// TestClockChanges states by hand what happens at some well-known changes.
func TestClockChanges(t *testing.T) {
	for _, c := range []struct {
		what, zone string
		at         Clock
		day        Date
		every      time.Duration
		n          int64
		want       string
	}{
		{"an ordinary day", "Europe/Berlin", Clock{9, 0}, Date{2026, 3, 28}, 0, 0, "2026-03-28T09:00:00+01:00"},
		{"the day after the change", "Europe/Berlin", Clock{9, 0}, Date{2026, 3, 28}, 0, 1, "2026-03-29T09:00:00+02:00"},
		{"in the skipped hour", "Europe/Berlin", Clock{2, 30}, Date{2026, 3, 29}, 0, 0, "2026-03-29T03:00:00+02:00"},
		{"in the repeated hour", "Europe/Berlin", Clock{2, 30}, Date{2026, 10, 25}, 0, 0, "2026-10-25T02:30:00+02:00"},
		{"at the end of the repeated hour", "Europe/Berlin", Clock{3, 0}, Date{2026, 10, 25}, 0, 0, "2026-10-25T03:00:00+01:00"},
		{"midnight skipped", "America/Sao_Paulo", Clock{0, 0}, Date{2018, 11, 4}, 0, 0, "2018-11-04T01:00:00-02:00"},
		{"half an hour skipped", "Australia/Lord_Howe", Clock{2, 15}, Date{2026, 10, 4}, 0, 0, "2026-10-04T02:30:00+11:00"},
		{"a day skipped", "Pacific/Apia", Clock{9, 0}, Date{2011, 12, 29}, 0, 1, "2011-12-31T00:00:00+14:00"},
		{"the day after that", "Pacific/Apia", Clock{9, 0}, Date{2011, 12, 29}, 0, 2, "2011-12-31T09:00:00+14:00"},
		{"a day repeated", "Pacific/Kwajalein", Clock{9, 0}, Date{1969, 9, 30}, 0, 0, "1969-09-30T09:00:00+11:00"},
		{"twelve hours on the wall", "Europe/Berlin", Clock{9, 0}, Date{2026, 3, 28}, 12 * time.Hour, 2, "2026-03-29T09:00:00+02:00"},
		{"the last day of a leap year", "Europe/Berlin", Clock{9, 0}, Date{2096, 12, 31}, 0, 0, "2096-12-31T09:00:00+01:00"},
		{"far in the future", "America/New_York", Clock{9, 0}, Date{2200, 7, 1}, 0, 0, "2200-07-01T09:00:00-04:00"},
		{"long ago", "Europe/London", Clock{9, 0}, Date{1900, 1, 1}, 0, 0, "1900-01-01T09:00:00Z"},
		{"before it starts", "Europe/Berlin", Clock{9, 0}, Date{2026, 3, 30}, 0, -2, "2026-03-28T09:00:00+01:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		r := Rota{Type: Daily, At: c.at, Zone: zone, StartsOn: c.day, Members: people(2)}
		if c.every > 0 {
			r.Type, r.Every = Custom, c.every
		}
		if got := r.Boundary(c.n).Format(time.RFC3339); got != c.want {
			t.Errorf("%s (%s): %s, want %s", c.what, c.zone, got, c.want)
		}
	}
}
