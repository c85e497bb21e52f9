package config

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/robfig/cron/v3"

	"muster/escalation/rota"
)

// ParseDuration reads "15m", "1h30m", "3d", "2w" and "0". Days are 24 hours
// and weeks 7 days. It refuses negative ones, and numbers without a unit.
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "0" {
		return 0, nil
	}
	rest := text
	var whole time.Duration
	for _, unit := range []struct {
		mark string
		size time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.mark)
		if !found {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > 10_000 {
			return 0, fmt.Errorf("%q is not a duration such as 15m, 4h or 3d", text)
		}
		whole += time.Duration(n) * unit.size
		rest = after
	}
	if rest == "" && text != "" {
		return whole, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") {
		return 0, fmt.Errorf("%q is not a duration such as 15m, 4h or 3d", text)
	}
	if d+whole < d {
		return 0, fmt.Errorf("%q is too long", text)
	}
	return d + whole, nil
}

// ParsePhone gives a phone number in E.164 form: a plus and 7 to 15 digits.
// It drops spaces, dots, dashes, slashes and brackets.
func ParsePhone(text string) (string, error) {
	var b strings.Builder
	for i, c := range strings.TrimSpace(text) {
		switch {
		case c == '+' && i == 0, c >= '0' && c <= '9':
			b.WriteRune(c)
		case strings.ContainsRune(" -.()/\u00a0\u2010\u2011\u2013", c):
		default:
			return "", fmt.Errorf("has %q in it", c)
		}
	}
	number := b.String()
	switch {
	case !strings.HasPrefix(number, "+"):
		return "", errors.New("has no country code")
	case len(number) < 8 || len(number) > 16 || number[1] == '0':
		return "", errors.New("does not have the 7 to 15 digits of an international number")
	}
	return number, nil
}

// ParseEmail checks a bare e-mail address and gives it without spaces around.
func ParseEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || a.Name != "" || !strings.Contains(text, "@") {
		return "", fmt.Errorf("%q is not an e-mail address", text)
	}
	return text, nil
}

var slackID = regexp.MustCompile(`^[UWCGS][A-Z0-9]{7,}$`)

// ParseChannel checks a Slack channel and gives "#name", or the ID as it is.
func ParseChannel(text string) (string, error) {
	text = strings.TrimSpace(text)
	if slackID.MatchString(text) && (text[0] == 'C' || text[0] == 'G') {
		return text, nil
	}
	name := strings.TrimPrefix(text, "#")
	if name == "" || utf8.RuneCountInString(name) > 80 {
		return "", errors.New("a channel name has 1 to 80 characters")
	}
	for _, c := range name {
		switch {
		case unicode.IsUpper(c):
			return "", fmt.Errorf("a channel name has no capitals: #%s", strings.ToLower(name))
		case !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != '_':
			return "", fmt.Errorf("a channel name has no %q in it", c)
		}
	}
	return "#" + name, nil
}

// ParseHandle gives "@handle", or a Slack user's ID as it is.
func ParseHandle(text string) (string, error) {
	text = strings.TrimSpace(text)
	if slackID.MatchString(text) && (text[0] == 'U' || text[0] == 'W') {
		return text, nil
	}
	name := strings.TrimPrefix(text, "@")
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return unicode.IsSpace(c) || c == '@' || c == '<' }) {
		return "", fmt.Errorf("%q is not a Slack handle", text)
	}
	return "@" + name, nil
}

// LoadZone finds a zone of the tz database by its exact name.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone", name)
	}
	return zone, nil
}

// ParseCadence reads an update clock: a cron expression with five fields, or
// "@every 10m". Empty: no clock, and no schedule. The schedule runs in UTC.
func ParseCadence(spec string) (schedule cron.Schedule, err error) {
	spec = strings.TrimSpace(spec)
	if spec == "" {
		return nil, nil
	}
	if strings.Contains(spec, "TZ=") {
		return nil, errors.New("a cadence has no zone of its own")
	}
	defer func() {
		if recover() != nil {
			schedule, err = nil, errors.New("it cannot be read")
		}
	}()
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		d, err := ParseDuration(every)
		if err != nil || d < time.Minute {
			return nil, errors.New("@every needs a duration of one minute or more")
		}
		return cron.Every(d), nil
	}
	schedule, err = cron.ParseStandard("TZ=UTC " + spec)
	if err != nil {
		return nil, err
	}
	if schedule.Next(time.Unix(0, 0)).IsZero() {
		return nil, errors.New("it never comes")
	}
	return schedule, nil
}

var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
	"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// start is a rotation_start: the weekday (nil: none), the time, the zone.
type start struct {
	weekday *time.Weekday
	at      rota.Clock
	zone    *time.Location
}

var clockText = regexp.MustCompile(`^([01]?[0-9]|2[0-3]):([0-5][0-9])$`)

func parseStart(text string) (start, error) {
	var s start
	fields := strings.Fields(text)
	if len(fields) > 0 {
		if w, ok := weekdays[strings.ToLower(fields[0])]; ok {
			s.weekday = &w
			fields = fields[1:]
		}
	}
	if len(fields) == 0 {
		return s, errors.New("has no time")
	}
	m := clockText.FindStringSubmatch(fields[0])
	if m == nil {
		return s, fmt.Errorf("has %q where a time from 00:00 to 23:59 belongs", fields[0])
	}
	s.at.Hour, _ = strconv.Atoi(m[1])
	s.at.Minute, _ = strconv.Atoi(m[2])
	switch len(fields) {
	case 1:
		return s, errors.New("has no zone")
	case 2:
		zone, err := LoadZone(fields[1])
		if err != nil {
			return s, fmt.Errorf("names the zone %q, which does not exist", fields[1])
		}
		s.zone = zone
		return s, nil
	default:
		return s, fmt.Errorf("has %q after the zone", strings.Join(fields[2:], " "))
	}
}

func parseDate(text string) (rota.Date, error) {
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return rota.Date{}, fmt.Errorf("%q is not a day such as 2026-01-05", text)
	}
	return rota.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}, nil
}
