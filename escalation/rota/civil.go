package rota

import "time"

// A wall time is counted in seconds as a clock on the wall shows them, as if
// that clock never jumped: seconds since 1970-01-01 00:00 read in UTC.
type wall int64

const daySeconds = 24 * 60 * 60

// widestOffset is more than any zone was ever away from UTC, in seconds.
const widestOffset = daySeconds

// Clock is a time of day on the wall. The zero value is midnight.
type Clock struct {
	Hour, Minute int
}

// Date is a day of the calendar. The zero value stands for 1970-01-01.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func (d Date) wall(c Clock) wall {
	if d == (Date{}) {
		d = Date{1970, time.January, 1}
	}
	return wall(time.Date(d.Year, d.Month, d.Day, c.Hour, c.Minute, 0, 0, time.UTC).Unix())
}

// OnOrAfter is the first day with the weekday w that is not before d.
func (d Date) OnOrAfter(w time.Weekday) Date {
	t := time.Unix(int64(d.wall(Clock{})), 0).UTC()
	t = t.AddDate(0, 0, (int(w)-int(t.Weekday())+7)%7)
	return Date{t.Year(), t.Month(), t.Day()}
}

// wallAt reads the clock on the wall of zone at a moment.
func wallAt(at time.Time, zone *time.Location) wall {
	_, offset := at.In(zone).Zone()
	return wall(at.Unix() + int64(offset))
}

// reached is the first moment at which the clock on the wall of zone shows w
// or has passed it: a time that is skipped happens at the first moment after
// the gap, one that is repeated happens the first time. It never decreases
// when w grows.
func reached(w wall, zone *time.Location) time.Time {
	// A day before the candidate read as UTC, every zone's wall shows less.
	from := int64(w) - widestOffset
	for {
		t := time.Unix(from, 0).In(zone)
		_, offset := t.Zone()
		exact := int64(w) - int64(offset)
		_, end := t.ZoneBounds()
		if exact < from {
			return t // the zone's clock jumped over w at this moment
		}
		if end.IsZero() || exact < end.Unix() {
			return time.Unix(exact, 0).In(zone)
		}
		if next := end.Unix(); next > from {
			from = next
			continue
		}
		// ZoneBounds gives an end that has passed on the last day of a leap
		// year, where no rule changes the clock: go on at the next UTC day.
		from += daySeconds - floorMod(from, daySeconds)
		if exact < from {
			return time.Unix(exact, 0).In(zone)
		}
	}
}

func floorMod[T ~int | ~int64](a, b T) T {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
