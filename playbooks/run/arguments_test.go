package run

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/playbooks/run/shell"
)

func TestTheTimeToWait(t *testing.T) {
	for word, want := range map[string]time.Duration{"5": 5 * time.Second, "0.5": time.Second / 2, "2m": 2 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour, "0": 0} {
		if d, err := seconds(word); err != nil || d != want {
			t.Errorf("%q is %s, %v", word, d, err)
		}
	}
	for _, word := range []string{"", "s", "-1", "nan", "NaN", "inf", "1e6d", "1e400", "9999999999", "5x", "infinity", "1 "} {
		if d, err := seconds(word); err == nil {
			t.Errorf("%q is %s", word, d)
		}
	}
}

func TestTheTimeOfOneRequest(t *testing.T) {
	for word, want := range map[string]time.Duration{"5": 5 * time.Second, "1e-30": time.Millisecond, "inf": time.Minute, "1e300": time.Minute, "0.25": time.Second / 4} {
		if c, err := parseCurl([]string{"-m", word, "http://a"}); err != nil || c.timeout != want {
			t.Errorf("-m %s is %s, %v", word, c.timeout, err)
		}
	}
	for _, word := range []string{"nan", "0", "-1", "-inf", "", "5s"} {
		if c, err := parseCurl([]string{"-m", word, "http://a"}); err == nil {
			t.Errorf("-m %q is %s", word, c.timeout)
		}
	}
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 30, 15, 123456789, time.UTC)
	for when, want := range map[string]string{
		"": "2026-03-31T12:30:15Z", "@0": "1970-01-01T00:00:00Z", "@-62135596800": "0001-01-01T00:00:00Z", "@253402300799": "9999-12-31T23:59:59Z", "2026-01-02": "2026-01-02T00:00:00Z",
		"30 minutes ago": "2026-03-31T12:00:15Z", "-2 hours ago": "2026-03-31T14:30:15Z", "+1 day": "2026-04-01T12:30:15Z", "1 year ago": "2025-03-31T12:30:15Z", "yesterday": "2026-03-30T12:30:15Z",
	} {
		if at, err := moment(now, when); err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("%q is %s, %v", when, at.Format(time.RFC3339), err)
		}
	}
	for _, when := range []string{"@253402300800", "@-62135596801", "@9223372036854775807", "@-9223372036854775808", "@99999999999999999999", "@", "@1.5", "99999999999 hours ago", "2000000 years", "-9223372036854775808 days ago",
		"1 ago", "day", "one day ago", "1 fortnight"} {
		if at, err := moment(now, when); err == nil {
			t.Errorf("%q is %s", when, at)
		}
	}
}

func TestDateLayouts(t *testing.T) {
	for layout, want := range map[string]string{
		"+%s%3N": "1700000000000", "+%N": "000000000", "+%%N %:z": "%N +00:00", "+%q": "4", "+%": "%", "+%999999999d": strings.Repeat("0", 1022) + "14", "+%-": "%-", "+\xff%Y": "\xff2023",
	} {
		var out bytes.Buffer
		if err := date(context.Background(), shell.Streams{Out: &out}, []string{"date", "-d", "@1700000000", layout}); err != nil || out.String() != want+"\n" {
			t.Errorf("%q prints %q, %v", layout, out.String(), err)
		}
	}
}

// Words of date, sleep and curl in any order end with an answer or an error.
func TestWordsComposed(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 22))
	words := []string{"-d", "-u", "-I", "-Iseconds", "--date=", "-R", "+%", "%", "3N", "%:::z", "%-5Y", "%^a", "%#Z", "%_010s", "@", "9223372036854775807", "-", "99999999999999999999", " days", " months ago", "1", "2026-01-01", "T", "é", "\xff", "\x00",
		"-s", "-m", "-sSfL", "-H", "a:b", "Host: x", "--retry", "-w", "%{http_code}", "-o", "/dev/null", "--url", "http://a", "https://[::1", "--data-urlencode", "a=b", "-X", "GET", "HEAD", "nan", "1e9", "--", "=", ":", "\r\n"}
	for range 5000 {
		var args []string
		for range 1 + r.IntN(5) {
			w := words[r.IntN(len(words))]
			for r.IntN(3) == 0 {
				w += words[r.IntN(len(words))]
			}
			args = append(args, w)
		}
		given := slices.Clone(args)
		var out bytes.Buffer
		err := date(context.Background(), shell.Streams{Out: &out}, append([]string{"date"}, args...))
		if (err == nil) != strings.HasSuffix(out.String(), "\n") || out.Len() > 1<<20 {
			t.Fatalf("date %q prints %d bytes, %v", args, out.Len(), err)
		}
		c, err := parseCurl(args)
		if err == nil && (c.timeout <= 0 || c.timeout > time.Minute || c.retries < 0 || c.retries > curlMaxRetries || c.url == "") {
			t.Fatalf("curl %q has %+v", args, c)
		}
		if d, err := seconds(args[0]); err == nil && (d < 0 || d > longestWait) {
			t.Fatalf("sleep %q is %s", args[0], d)
		}
		if !slices.Equal(args, given) {
			t.Fatalf("%q are %q now", given, args)
		}
	}
}

// A child that panics outside of what its commands do is no riddle for the reader.
func TestAChildThatPanics(t *testing.T) {
	h := &hearing{}
	for said, want := range map[string]string{
		"panic: x\n\ngoroutine 9 [running]:": "Muster made a mistake of its own, and the step's process ended there.",
		"fatal error: all goroutines asleep": "Muster made a mistake of its own, and the step's process ended there.",
		"":                                   "The step's process ended by itself: it ended without an answer.",
	} {
		if res := h.result("", nil, said, Limits{}); res.Why != want || res.Ended != Died || res.Exit != -1 {
			t.Errorf("after %q it says %q (%s)", said, res.Why, res.Ended)
		}
	}
	if res := h.result("", errors.Join(&exec.ExitError{}), "fatal error: stack overflow", Limits{MaxMemory: 1 << 20}); res.Ended != Memory {
		t.Errorf("a stack that is too deep is %s", res.Ended)
	}
}
