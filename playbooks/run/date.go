package run

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/timefmt-go"

	"muster/playbooks/run/shell"
)

// date performs `date [-u] [-I[seconds]] [-d WHEN] [+FORMAT]`. WHEN is now, @seconds, RFC 3339, a date, or a span such
// as "30 minutes ago".
func date(_ context.Context, s shell.Streams, args []string) error {
	at, layout := time.Now(), "%a %b %e %H:%M:%S %Z %Y"
	at = at.UTC()
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "-u" || a == "--utc" || a == "--universal":
		case strings.HasPrefix(a, "+"):
			layout = a[1:]
		case a == "-R" || a == "--rfc-email":
			layout = "%a, %d %b %Y %H:%M:%S %z"
		case a == "-I" || a == "--iso-8601" || a == "-Idate":
			layout = "%Y-%m-%d"
		case a == "-Iseconds" || a == "--iso-8601=seconds" || a == "-Is":
			layout = "%Y-%m-%dT%H:%M:%S+00:00"
		case a == "-d" || a == "--date" || strings.HasPrefix(a, "--date=") || strings.HasPrefix(a, "-d") && len(a) > 2:
			when := strings.TrimPrefix(strings.TrimPrefix(a, "--date="), "-d")
			if a == "-d" || a == "--date" {
				if i++; i >= len(args) {
					return fmt.Errorf("%s needs a time", a)
				}
				when = args[i]
			}
			var err error
			if at, err = moment(at, when); err != nil {
				return err
			}
		default:
			return shell.Refusef("date %s is not here.", a)
		}
	}
	layout = fractions.ReplaceAllStringFunc(layout, func(found string) string {
		nanos := fmt.Sprintf("%09d", at.Nanosecond())
		switch {
		case found == "%%":
			return found
		case found == "%q":
			return strconv.Itoa(int(at.Month()+2) / 3)
		case len(found) == 3:
			return nanos[:found[1]-'0']
		}
		return nanos
	})
	fmt.Fprintln(s.Out, timefmt.Format(at, layout))
	return nil
}

// fractions are the parts of a layout that the library does not know: %N and %3N of a second, %q of a year.
var fractions = regexp.MustCompile(`%%|%[1-9]?N|%q`)

// The first and the last second that has a date with a year of four digits.
const firstSecond, lastSecond = -62135596800, 253402300799

func moment(now time.Time, when string) (time.Time, error) {
	at, ok := named(now, when)
	if !ok || at.Unix() < firstSecond || at.Unix() > lastSecond {
		return time.Time{}, fmt.Errorf("%q is no time that is understood here", when)
	}
	return at, nil
}

func named(now time.Time, when string) (time.Time, bool) {
	when = strings.TrimSpace(when)
	switch strings.ToLower(when) {
	case "", "now":
		return now, true
	case "today":
		return now, true
	case "yesterday":
		return now.AddDate(0, 0, -1), true
	case "tomorrow":
		return now.AddDate(0, 0, 1), true
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(when, "@"), 10, 64); err == nil && strings.HasPrefix(when, "@") {
		return time.Unix(max(firstSecond-1, min(n, lastSecond+1)), 0).UTC(), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, when); err == nil {
			return t.UTC(), true
		}
	}
	words := strings.Fields(strings.TrimPrefix(when, "+"))
	sign := 1
	if n := len(words); n == 3 && words[2] == "ago" {
		sign, words = -1, words[:2]
	}
	if len(words) != 2 {
		return time.Time{}, false
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n > mostBack || n < -mostBack {
		return time.Time{}, false
	}
	n *= sign
	switch strings.TrimSuffix(words[1], "s") {
	case "second", "sec":
		return now.Add(time.Duration(n) * time.Second), true
	case "minute", "min":
		return now.Add(time.Duration(n) * time.Minute), true
	case "hour":
		return now.Add(time.Duration(n) * time.Hour), true
	case "day":
		return now.AddDate(0, 0, n), true
	case "week":
		return now.AddDate(0, 0, 7*n), true
	case "month":
		return now.AddDate(0, n, 0), true
	case "year":
		return now.AddDate(n, 0, 0), true
	}
	return time.Time{}, false
}

// mostBack is the most of a unit that a time is reckoned from now: of hours it is what a duration can hold.
const mostBack = 2_000_000
