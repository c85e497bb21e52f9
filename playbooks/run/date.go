package run

import (
	"context"
	"fmt"
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
	fmt.Fprintln(s.Out, timefmt.Format(at, strings.NewReplacer("%N", fmt.Sprintf("%09d", at.Nanosecond()), "%:z", "+00:00").Replace(layout)))
	return nil
}

func moment(now time.Time, when string) (time.Time, error) {
	when = strings.TrimSpace(when)
	switch strings.ToLower(when) {
	case "", "now":
		return now, nil
	case "today":
		return now, nil
	case "yesterday":
		return now.AddDate(0, 0, -1), nil
	case "tomorrow":
		return now.AddDate(0, 0, 1), nil
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(when, "@"), 10, 64); err == nil && strings.HasPrefix(when, "@") {
		return time.Unix(n, 0).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, when); err == nil {
			return t.UTC(), nil
		}
	}
	words := strings.Fields(strings.TrimPrefix(when, "+"))
	sign := 1
	if n := len(words); n == 3 && words[2] == "ago" {
		sign, words = -1, words[:2]
	}
	if len(words) == 2 {
		if n, err := strconv.Atoi(words[0]); err == nil {
			switch strings.TrimSuffix(words[1], "s") {
			case "second", "sec":
				return now.Add(time.Duration(sign*n) * time.Second), nil
			case "minute", "min":
				return now.Add(time.Duration(sign*n) * time.Minute), nil
			case "hour":
				return now.Add(time.Duration(sign*n) * time.Hour), nil
			case "day":
				return now.AddDate(0, 0, sign*n), nil
			case "week":
				return now.AddDate(0, 0, 7*sign*n), nil
			case "month":
				return now.AddDate(0, sign*n, 0), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time that is understood here", when)
}
