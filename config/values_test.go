package config

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "3d": 72 * time.Hour, "2w": 336 * time.Hour,
		"1w2d3h": 219 * time.Hour, " 5m ": 5 * time.Minute, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "15", "-5m", "+5m", "5 m", "d", "1.5d", "2d1w", "five", "999999d", "-1d", "1d-5m", "2562047h2562047h", "9999999999h"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestParsePhone(t *testing.T) {
	for text, want := range map[string]string{
		"+1-555-0101": "+15550101", "+1 (202) 555.0101": "+12025550101", "+49/151/234": "+49151234", " +442071838750 ": "+442071838750",
	} {
		if got, err := ParsePhone(text); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "+", "12025550101", "+1+2025550101", "+1234567890123456", "+123", "+0123456789", "call me", "+1202555٠١٠١"} {
		if got, err := ParsePhone(text); err == nil {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestParseCadence(t *testing.T) {
	from := time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
	for spec, want := range map[string]time.Time{
		"@every 10m":   from.Add(10 * time.Minute),
		"0 * * * *":    time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		"*/15 9 * * 1": time.Date(2026, 3, 30, 9, 0, 0, 0, time.UTC),
		"@hourly":      time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
	} {
		s, err := ParseCadence(spec)
		if err != nil {
			t.Errorf("%q: %v", spec, err)
			continue
		}
		if got := s.Next(from); !got.Equal(want) {
			t.Errorf("%q comes at %s, want %s", spec, got, want)
		}
	}
	if s, err := ParseCadence("  "); s != nil || err != nil {
		t.Errorf("an empty spec: %v, %v", s, err)
	}
	for _, spec := range []string{"TZ=", "TZ=Europe/Berlin", "CRON_TZ=UTC", "@every", "@every 0s", "@every -5m", "@every 5", "* * * * * *", "x", "0 0 31 2 *", "*/0 * * * *"} {
		if _, err := ParseCadence(spec); err == nil {
			t.Errorf("%q is a cadence", spec)
		}
	}
}

func TestParseChannel(t *testing.T) {
	for text, want := range map[string]string{"#incidents": "#incidents", "inc_1-a": "#inc_1-a", "C0123ABCD": "C0123ABCD", "#störung": "#störung"} {
		if got, err := ParseChannel(text); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "#", "#a b", "#Big", "#a.b", "##a", "#<x>"} {
		if got, err := ParseChannel(text); err == nil {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"15m", "TZ=", "@every 5m", "Monday 09:00 UTC", "+1-555-0101", "rota:a", "2026-01-05", "#a", "@a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkValue(t, text) })
}

// checkValue: what is read as a value is one that is read again as the same.
func checkValue(t *testing.T, text string) {
	t.Helper()
	if d, err := ParseDuration(text); err == nil && d < 0 {
		t.Errorf("%q is the negative duration %s", text, d)
	}
	if phone, err := ParsePhone(text); err == nil {
		if again, err := ParsePhone(phone); err != nil || again != phone {
			t.Errorf("%q becomes %q, and that %q, %v", text, phone, again, err)
		}
	}
	if s, err := ParseSubject(text); err == nil {
		if again, err := ParseSubject(s.String()); err != nil || again != s {
			t.Errorf("%q becomes %q, and that %q, %v", text, s, again, err)
		}
	}
	if schedule, err := ParseCadence(text); err == nil && schedule != nil {
		now := time.Date(2026, 3, 28, 23, 59, 0, 0, time.UTC)
		for range 3 {
			next := schedule.Next(now)
			if !next.IsZero() && next.Sub(now) < time.Second {
				t.Errorf("%q comes at %s and at %s", text, now, next)
			}
			now = next
		}
	}
	if s, err := parseStart(text); err == nil && s.zone == nil {
		t.Errorf("%q has no zone", text)
	}
	if d, err := parseDate(text); err == nil && d.Year < 1900 {
		t.Errorf("%q is %v", text, d)
	}
	for name, parse := range map[string]func(string) (string, error){"channel": ParseChannel, "handle": ParseHandle, "address": ParseEmail} {
		if one, err := parse(text); err == nil {
			if again, err := parse(one); err != nil || again != one {
				t.Errorf("the %s %q becomes %q, and that %q, %v", name, text, one, again, err)
			}
		}
	}
}

// FuzzLoad: whatever the files hold, a load gives a configuration or problems
// with a file, and never panics; a configuration can be checked.
func FuzzLoad(f *testing.F) {
	f.Add(string(builtinFile(rotationFile)), string(builtinFile(escalationFile)), string(builtinFile(musterFile)), string(builtinFile("templates/first.tmpl")))
	f.Add("oncall_schedule: {primary: {members: [*a, &a {name: ${X}}]}}", "levels: [{level: L1}]", "<<: {a: b}", "{{.Title}}")
	f.Add("? [a]\n: b", "- a", "!!binary x", "{{define \"first\"}}{{end}}")
	f.Add("a: &a [*a]", "&a {<<: *a}", "cadence: {P0: 'TZ='}", "{{template \"first\" .}}")
	f.Fuzz(func(t *testing.T, rotation, escalation, muster, first string) {
		checkLoad(t, rotation, escalation, muster, first)
	})
}

func checkLoad(t *testing.T, rotation, escalation, muster, first string) {
	t.Helper()
	dir := write(t, rotationFile, rotation, escalationFile, escalation, musterFile, muster, "templates/first.tmpl", first)
	c, err := Load(dir, env("X", "x"))
	if err == nil {
		Check(c, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		if len(c.Templates.First(FirstMessage{Title: "t"})) > maxMessage {
			t.Error("a very long message")
		}
		return
	}
	problems, ok := err.(Problems)
	if !ok || len(problems) == 0 || c != nil {
		t.Fatalf("%T beside %v", err, c)
	}
	for _, p := range problems {
		if p.File == "" || p.Text == "" {
			t.Errorf("a problem without a place or a text: %+v", p)
		}
	}
}

// FuzzRead: any text is read as YAML, or said to be none with a line of it.
func FuzzRead(f *testing.F) {
	for _, name := range builtinNames() {
		f.Add(string(builtinFile(name)))
	}
	for _, text := range []string{"a: [b\n", "&a [*a]", "a: ${X", "- - - -", "\"\\x\"", "%YAML 9", "a:\n\tb", "--- a\n--- b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkRead(t, text) })
}

func checkRead(t *testing.T, text string) {
	t.Helper()
	var problems Problems
	r := reader{file: "f", env: env("X", "x"), problems: &problems}
	r.parse([]byte(text))
	for _, p := range problems {
		if p.Line < 1 || p.Line > 1+strings.Count(string(lineFeeds([]byte(text))), "\n") {
			t.Errorf("line %d of %q: %s", p.Line, text, p.Text)
		}
	}
}
