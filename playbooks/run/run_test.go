package run

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

// reading performs a bash block that was judged reading.
func reading(t *testing.T, cfg Config, code string, limits Limits) Result {
	t.Helper()
	res, err := New(cfg).Do(t.Context(), Request{Run: t.Name(), Mode: Read, Kind: Bash, Code: code, Limits: limits})
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return res
}

func TestAStepPrints(t *testing.T) {
	res := reading(t, Config{}, `for i in 1 2 3; do echo "line $i"; done; [ $i = 3 ] && printf '%s\n' done`, Limits{})
	if res.Ended != Done || string(res.Output) != "line 1\nline 2\nline 3\ndone\n" {
		t.Errorf("%s %q: %s", res.Ended, res.Output, res.Why)
	}
}

// A step that hangs, prints forever, eats memory or multiplies ends at its limit and says which.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, code string
		want       []Ended
		says       string
		eats       bool // memory
	}{
		{"an endless loop", `while true; do :; done`, []Ended{Deadline}, "still running after", false},
		{"prints forever", `x=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; x=$x$x$x$x$x$x$x$x; while true; do echo $x$x$x$x; done`, []Ended{Output}, "printed more than", false},
		{"ten megabytes", `x=yyyyyyyyyy; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; echo $x$x$x$x$x$x$x$x$x$x`, []Ended{Output}, "printed more than", true},
		{"doubles a value", `x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done`, []Ended{Memory}, "MiB of memory", true},
		{"a fork bomb", `:(){ :|:& };:`, []Ended{Refused}, "define commands", false},
		{"a command of its own", `f() { f; }; f`, []Ended{Refused}, "define commands", false},
		{"a quiet wait", `read x; while ! test -n "$x"; do read x; done`, []Ended{Deadline}, "still running", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits := Limits{Deadline: 3 * time.Second, MaxMemory: 128 << 20, MaxOutput: 1 << 20}
			if underRace && c.eats {
				t.Skip("the race detector's own memory counts as the step's; run without -race")
			}
			if c.want[0] == Output {
				limits.Deadline, limits.MaxOutput = time.Minute, 64<<10
			}
			res := reading(t, Config{}, c.code, limits)
			for _, want := range c.want {
				if res.Ended == want && strings.Contains(res.Why, c.says) {
					return
				}
			}
			t.Errorf("%s: %q, want %v with %q", res.Ended, res.Why, c.want, c.says)
		})
	}
}

func TestCancelEndsTheChild(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(300*time.Millisecond, func() { cancel(errors.New("somebody pressed Cancel")) })
	res, err := New(Config{}).Do(ctx, Request{Run: "r", Mode: Read, Kind: Bash, Code: `echo begun; while true; do :; done`})
	if err != nil || res.Ended != Cancelled {
		t.Errorf("%s %q %v", res.Ended, res.Why, err)
	}
}

func TestTheSameRunIsPerformedOnce(t *testing.T) {
	r := New(Config{})
	req := Request{Run: "once", Mode: Read, Kind: Bash, Code: `echo $RANDOM$RANDOM$RANDOM`}
	first, err := r.Do(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Do(t.Context(), req)
	if err != nil || string(first.Output) != string(second.Output) || first.Took != second.Took {
		t.Errorf("%q, then %q %v", first.Output, second.Output, err)
	}
}

func TestNothingOfThisMachineIsSeen(t *testing.T) {
	t.Setenv("MUSTER_SECRET_FOR_TEST", "do-not-show")
	for _, code := range []string{
		`echo "$MUSTER_SECRET_FOR_TEST $PATH $USER $SLACK_BOT_TOKEN"`,
		`echo /* /etc/* ~`,
		`[ -e /etc/passwd ] && echo there`,
		`[ -r /proc/self/environ ] && echo there`,
	} {
		res := reading(t, Config{}, code, Limits{})
		if out := string(res.Output); strings.Contains(out, "do-not-show") || strings.Contains(out, "etc/passwd") || strings.Contains(out, "there") || strings.Contains(out, "/bin") {
			t.Errorf("%s prints %q", code, out)
		}
	}
}
