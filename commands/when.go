package commands

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TimeError says that a text is not a moment, a day or a duration.
type TimeError struct {
	Text string
	Want string
}

// Error is one sentence for a person.
func (e TimeError) Error() string {
	return fmt.Sprintf("%q is not a %s.", shorten(e.Text, 60), e.Want)
}

const wantTime = `time: use for example "now", "in 2h", "Sun 03:00", "tomorrow 9:00 Europe/Berlin" or 2026-01-05 09:00`

var units = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

var spanPiece = regexp.MustCompile(`^([0-9]{1,6})(?:[.]([0-9]{1,3}))?\s*([a-z]+)\s*`)

// ParseSpan reads a duration: "30m", "1h30m", "1 hour 15 minutes", "an hour",
// "2 days". A day is 24 hours. It refuses a number without a unit, and zero.
func ParseSpan(text string) (time.Duration, error) {
	bad := TimeError{text, "duration: use for example 30m, 1h or 2 days"}
	rest := strings.ToLower(strings.TrimSpace(text))
	switch rest {
	case "half an hour":
		return 30 * time.Minute, nil
	case "a quarter of an hour":
		return 15 * time.Minute, nil
	}
	for _, one := range []string{"an ", "a ", "one "} {
		if strings.HasPrefix(rest, one) {
			rest = "1 " + rest[len(one):]
		}
	}
	var total time.Duration
	for rest != "" {
		m := spanPiece.FindStringSubmatch(rest)
		if m == nil || units[m[3]] == 0 {
			return 0, bad
		}
		n, _ := strconv.Atoi(m[1])
		unit := units[m[3]]
		if float64(n)*float64(unit) > float64(longestSpan) {
			return 0, bad
		}
		total += time.Duration(n) * unit
		if m[2] != "" {
			f, _ := strconv.ParseFloat("0."+m[2], 64)
			total += time.Duration(f * float64(unit))
		}
		rest = rest[len(m[0]):]
	}
	if total <= 0 || total > longestSpan {
		return 0, bad
	}
	return total, nil
}

// longestSpan is more than any rota looks ahead.
const longestSpan = 20 * 366 * 24 * time.Hour

// day is a day of the calendar in a zone.
type day struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{y, m, d}
}

func (d day) plus(n int) day {
	return dayOf(time.Date(d.year, d.month, d.day+n, 12, 0, 0, 0, time.UTC))
}

func (d day) weekday() time.Weekday {
	return time.Date(d.year, d.month, d.day, 12, 0, 0, 0, time.UTC).Weekday()
}

// at gives the moment when the clock on the zone's wall shows the time: one
// that is skipped is the first moment after the gap, one that is repeated the
// first of the two.
func (d day) at(c clock, zone *time.Location) time.Time {
	naive := time.Date(d.year, d.month, d.day, c.hour, c.minute, c.second, 0, time.UTC)
	_, before := naive.Add(-26 * time.Hour).In(zone).Zone()
	_, after := naive.Add(26 * time.Hour).In(zone).Zone()
	var best time.Time
	for _, offset := range []int{before, after} {
		t := naive.Add(-time.Duration(offset) * time.Second).In(zone)
		if h, m, s := t.Clock(); h == c.hour && m == c.minute && s == c.second && t.Day() == naive.Day() {
			if best.IsZero() || t.Before(best) {
				best = t
			}
		}
	}
	if !best.IsZero() {
		return best
	}
	t := naive.Add(-time.Duration(before) * time.Second).In(zone)
	if start, _ := t.ZoneBounds(); !start.IsZero() && t.Sub(start) < 26*time.Hour {
		return start
	}
	return t
}

// clock is a time of day.
type clock struct{ hour, minute, second int }

var clockShape = regexp.MustCompile(`^([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2}))?)?\s*(am|pm|h|z)?$`)

// parseClock reads "9:00", "09:00:30", "9am", "noon".
func parseClock(word string) (clock, bool) {
	switch word {
	case "noon":
		return clock{hour: 12}, true
	case "midnight":
		return clock{}, true
	}
	m := clockShape.FindStringSubmatch(word)
	if m == nil || (m[2] == "" && m[4] != "am" && m[4] != "pm") {
		return clock{}, false
	}
	var c clock
	c.hour, _ = strconv.Atoi(m[1])
	c.minute, _ = strconv.Atoi("0" + m[2])
	c.second, _ = strconv.Atoi("0" + m[3])
	if m[4] == "am" || m[4] == "pm" {
		if c.hour < 1 || c.hour > 12 {
			return clock{}, false
		}
		c.hour %= 12
		if m[4] == "pm" {
			c.hour += 12
		}
	}
	return c, c.hour < 24 && c.minute < 60 && c.second < 60
}

// weekdayOf reads a weekday's name or its first letters, from three on.
func weekdayOf(word string) (time.Weekday, bool) {
	for w := time.Sunday; w <= time.Saturday; w++ {
		name := strings.ToLower(w.String())
		if len(word) >= 3 && strings.HasPrefix(name, word) || word == name+"s" {
			return w, true
		}
	}
	switch word {
	case "tues":
		return time.Tuesday, true
	case "thurs":
		return time.Thursday, true
	}
	return 0, false
}

// zoneOf reads a zone of the tz database, or UTC. Words that are no zone's
// exact name are none.
func zoneOf(word string) (*time.Location, bool) {
	switch strings.ToUpper(word) {
	case "UTC", "GMT", "Z":
		return time.UTC, true
	}
	if !strings.Contains(word, "/") || strings.Contains(word, "..") {
		return nil, false
	}
	zone, err := time.LoadLocation(word)
	return zone, err == nil
}

var dateShape = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$`)

func parseDate(word string) (day, bool) {
	m := dateShape.FindStringSubmatch(word)
	if m == nil {
		return day{}, false
	}
	y, _ := strconv.Atoi(m[1])
	mo, _ := strconv.Atoi(m[2])
	d, _ := strconv.Atoi(m[3])
	got := day{y, time.Month(mo), d}
	return got, y >= 1970 && got.plus(0) == got
}

// ParseTime reads a moment: "now", "in 2h", "2h ago", "9:00", "Sun 03:00
// Europe/Berlin", "tomorrow 9am", "2026-01-05 09:00", "Mon 2026-01-05 09:00", RFC 3339. A text without
// a zone is read in zone (nil: UTC). A weekday or a time of day alone is the
// next one, which may be now; a day without a time begins at midnight. The
// error is a TimeError.
func ParseTime(text string, now time.Time, zone *time.Location) (time.Time, error) {
	t, err := parseTime(text, now, zone)
	if _, offset := t.Zone(); offset <= -daySeconds || offset >= daySeconds { // which no encoding has
		t = t.UTC()
	}
	if year := t.UTC().Year(); err == nil && (year < 1 || max(year, t.Year()) > 9999) {
		return time.Time{}, TimeError{text, wantTime}
	}
	return t, err
}

const daySeconds = 24 * 60 * 60

func parseTime(text string, now time.Time, zone *time.Location) (time.Time, error) {
	bad := TimeError{text, wantTime}
	if zone == nil {
		zone = time.UTC
	}
	text = strings.TrimSpace(strings.Trim(strings.TrimSpace(text), `"'“”‘’„`))
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04 -0700"} {
		if t, err := time.Parse(layout, strings.ToUpper(text)); err == nil {
			return t, nil
		}
	}
	fields := strings.Fields(strings.NewReplacer(",", " ").Replace(text))
	if n := len(fields); n > 0 {
		if z, ok := zoneOf(fields[n-1]); ok {
			zone, fields = z, fields[:n-1]
		}
	}
	if len(fields) == 0 {
		return time.Time{}, bad
	}
	low := strings.ToLower(strings.Join(fields, " "))
	if t, ok := relative(low, now); ok {
		return t.In(zone), nil
	}
	if d, c, ok := strings.Cut(low, "t"); ok && len(fields) == 1 {
		if day, isDate := parseDate(d); isDate {
			if clock, isClock := parseClock(c); isClock {
				return day.at(clock, zone), nil
			}
		}
	}
	t, ok := calendar(strings.Fields(low), now.In(zone), zone)
	if !ok {
		return time.Time{}, bad
	}
	return t, nil
}

// relative reads "now", "in 2h", "2h", "2h ago".
func relative(low string, now time.Time) (time.Time, bool) {
	if low == "now" {
		return now, true
	}
	if before, ok := strings.CutSuffix(low, " ago"); ok {
		d, err := ParseSpan(before)
		return now.Add(-d), err == nil
	}
	d, err := ParseSpan(strings.TrimPrefix(low, "in "))
	return now.Add(d), err == nil
}

// dated drops the weekdays that stand beside a date, and says whether they are
// the date's own: "Mon 2026-01-05" is that date, "Tue 2026-01-05" is a slip.
func dated(fields []string) ([]string, bool) {
	i := slices.IndexFunc(fields, func(f string) bool { _, ok := parseDate(f); return ok })
	if i < 0 {
		return fields, true
	}
	date, _ := parseDate(fields[i])
	var rest []string
	for _, f := range fields {
		w, ok := weekdayOf(f)
		if ok && w != date.weekday() {
			return nil, false
		}
		if !ok {
			rest = append(rest, f)
		}
	}
	return rest, true
}

// calendar reads a day, a time of day, or both in either order.
func calendar(fields []string, now time.Time, zone *time.Location) (time.Time, bool) {
	fields, agree := dated(fields)
	if !agree {
		return time.Time{}, false
	}
	today := dayOf(now)
	var date day
	var c clock
	var hasDate, hasClock, isWeekday, next bool
	for _, f := range fields {
		if f == "at" || f == "on" || f == "this" || f == "the" {
			continue
		}
		if f == "next" {
			next = true
			continue
		}
		if got, ok := parseClock(f); ok && !hasClock {
			c, hasClock = got, true
			continue
		}
		if hasDate {
			return time.Time{}, false
		}
		hasDate = true
		if w, ok := weekdayOf(f); ok {
			isWeekday = true
			date = today.plus((int(w) - int(today.weekday()) + 7) % 7)
			continue
		}
		switch f {
		case "today":
			date = today
		case "tonight":
			date = today
			if !hasClock {
				c = clock{hour: 20}
			}
		case "tomorrow":
			date = today.plus(1)
		case "yesterday":
			date = today.plus(-1)
		default:
			got, ok := parseDate(f)
			if !ok {
				return time.Time{}, false
			}
			date = got
		}
	}
	switch {
	case hasDate && isWeekday:
		t := date.at(c, zone)
		if t.Before(now) && (hasClock || next) {
			t = date.plus(7).at(c, zone)
		}
		return t, true
	case hasDate:
		return date.at(c, zone), !next
	case hasClock && !next:
		t := today.at(c, zone)
		if t.Before(now) {
			t = today.plus(1).at(c, zone)
		}
		return t, true
	default:
		return time.Time{}, false
	}
}

// ParseDay reads a day: a date, a weekday (the next one, today included),
// "today", "tomorrow", "in 3 days", as YYYY-MM-DD. The error is a TimeError.
func ParseDay(text string, now time.Time, zone *time.Location) (string, error) {
	bad := TimeError{text, `day: use for example 2026-01-05, friday, tomorrow or "in 3 days"`}
	if zone == nil {
		zone = time.UTC
	}
	low := strings.ToLower(strings.TrimSpace(text))
	if rest, ok := strings.CutPrefix(low, "in "); ok {
		d, err := ParseSpan(rest)
		if err != nil {
			return "", bad
		}
		return format(dayOf(now.In(zone).Add(d))), nil
	}
	t, ok := calendar(strings.Fields(low), now.In(zone), zone)
	if !ok {
		return "", bad
	}
	if _, isClock := parseClock(low); isClock {
		return "", bad
	}
	return format(dayOf(t.In(zone))), nil
}

func format(d day) string { return fmt.Sprintf("%04d-%02d-%02d", d.year, int(d.month), d.day) }
