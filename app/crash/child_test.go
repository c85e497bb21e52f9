package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"muster/app"
	"muster/config"
	"muster/engine"
	"muster/playbooks/evidence"
	"muster/playbooks/run"
	"muster/store"
)

// setupEnv holds the setup, as JSON, that turns this test binary into the
// program.
const setupEnv = "MUSTER_CRASH_PROGRAM"

// setup is what a program that is to die must know.
type setup struct {
	Data, Config, Slack, BotToken, AppToken string
	Clock                                   clock
	// Point is the named moment at which the program kills itself, Nth how
	// often it must pass there first.
	Point  engine.Points
	Nth    int64
	NoSync bool
	// Armed has the moments counted only after SIGUSR2, which is answered with
	// the word armed in the log.
	Armed bool
	// Away is how much later the clock is than the wall's.
	Away time.Duration
}

func TestMain(m *testing.M) {
	run.ChildMain()
	raw := os.Getenv(setupEnv)
	if raw == "" {
		os.Exit(m.Run())
	}
	var s setup
	err := json.Unmarshal([]byte(raw), &s)
	if err == nil {
		err = program(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// program is the real one: app.New and Run on a data file, with Slack and HTTP
// over TCP. It ends with its parent, at the latest.
func program(s setup) (err error) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	s.Clock.jumped = new(atomic.Int64)
	jump := make(chan os.Signal, 1)
	signal.Notify(jump, syscall.SIGUSR1)
	go func() {
		<-jump
		s.Clock.jumped.Store(time.Now().UnixNano())
	}()
	if s.Away > 0 {
		s.Clock.Ahead = s.Away
		s.Clock.jumped.Store(1)
	}
	live, err := config.NewLive(s.Config, noEnv)
	if err != nil {
		return err
	}
	data, err := store.Open(s.Data, store.Options{SnapshotVersion: engine.SnapshotVersion, NoSync: s.NoSync})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	ln, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	defer ln.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return app.New(app.Options{
		Live: live, Store: data, Listener: ln, Now: s.Clock.Now, Until: s.Clock.Until, Passing: s.passing(), Evidence: evidence.Open(evidence.Beside(s.Data), s.Clock.Now),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Env: config.Env{
			SlackBotToken: config.NewSecret(s.BotToken), SlackAppToken: config.NewSecret(s.AppToken), SlackAPIURL: s.Slack + "/api/",
			MusterAPIToken: config.NewSecret(apiToken),
		},
	}).Run(ctx)
}

func noEnv(string) (string, bool) { return "", false }

// passing kills the process at the named moment; nothing follows it.
func (s setup) passing() func(engine.Points) {
	var n atomic.Int64
	var counts atomic.Bool
	counts.Store(!s.Armed)
	if s.Armed {
		arm := make(chan os.Signal, 1)
		signal.Notify(arm, syscall.SIGUSR2)
		go func() {
			<-arm
			counts.Store(true)
			fmt.Fprintln(os.Stderr, armedWord)
		}()
	}
	return func(p engine.Points) {
		if p == s.Point && counts.Load() && n.Add(1) == s.Nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}

// armedWord is said once a setup's moments count.
const armedWord = "armed: the moments count from now on"

// clock runs faster than the wall's. It is the same in every process that has
// its fields, and goes on while a process is stopped.
type clock struct {
	// Begin is a moment on the wall, Start what the fast clock shows then.
	Begin, Start time.Time
	Speed        float64
	// Ahead is how far a jump sets the clock forward; jumped when, on the wall,
	// in nanoseconds of Unix; 0: not yet.
	Ahead  time.Duration
	jumped *atomic.Int64
}

// Now is the moment on the fast clock.
func (c clock) Now() time.Time {
	wall := time.Now().Round(0)
	now := c.Start.Add(time.Duration(float64(wall.Sub(c.Begin)) * c.Speed))
	if c.at() != 0 {
		now = now.Add(c.Ahead)
	}
	return now
}

func (c clock) at() int64 {
	if c.jumped == nil {
		return 0
	}
	return c.jumped.Load()
}

// wall is when the fast clock shows t; what a jump left out is at the jump.
func (c clock) wall(t time.Time) time.Time {
	wall := c.Begin.Add(time.Duration(float64(t.Sub(c.Start)) / c.Speed))
	at := c.at()
	if at == 0 || wall.UnixNano() <= at {
		return wall
	}
	wall = wall.Add(-time.Duration(float64(c.Ahead) / c.Speed))
	if jump := time.Unix(0, at); wall.Before(jump) {
		return jump
	}
	return wall
}

// Until is how long to wait, on the wall, for a moment of the fast clock.
func (c clock) Until(t time.Time) time.Duration { return time.Until(c.wall(t)) }
