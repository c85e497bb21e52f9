package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/config"
	"muster/workspace"
)

// world is the whole program beside a local Slack workspace, inside a bubble.
type world struct {
	*testing.T
	ws      *workspace.Workspace
	slack   *workspace.Pipe
	http    *workspace.Pipe
	dir     string
	env     map[string]string
	program *Program
	stop    func()
	end     func()         // of the workspace
	log     *slog.Logger   // nil: the test's own
	change  func(*Options) // before the start; nil: nothing
}

// inBubble runs a test in a bubble with a world that was started.
func inBubble(t *testing.T, files map[string]string, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files)
		defer w.end()
		w.start()
		defer func() { w.stop() }()
		test(w)
	})
}

func newWorld(t *testing.T, files map[string]string) *world {
	w := &world{T: t, dir: t.TempDir(), env: map[string]string{}, slack: workspace.NewPipe()}
	for name, text := range files {
		writeFile(t, filepath.Join(w.dir, "config", name), text)
	}
	cfg, err := config.Load(filepath.Join(w.dir, "config"), w.lookup)
	if err != nil {
		t.Fatal(err)
	}
	setup := demoWorkspace(cfg, newClock(1))
	setup.Now, setup.Speed, setup.SetSpeed = time.Now, nil, nil
	w.ws = workspace.New(setup)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.ws.Serve(ctx, w.slack) }()
	w.end = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the workspace ended badly: %v", err)
		}
	}
	return w
}

func (w *world) lookup(name string) (string, bool) {
	v, ok := w.env[name]
	return v, ok
}

// start runs the program on the data of before, and waits until it is
// connected.
func (w *world) start() {
	w.Helper()
	live, err := config.NewLive(filepath.Join(w.dir, "config"), w.lookup)
	if err != nil {
		w.Fatal(err)
	}
	s, err := openStore(filepath.Join(w.dir, "muster.db"))
	if err != nil {
		w.Fatal(err)
	}
	w.http = workspace.NewPipe()
	opt := Options{
		Live: live, Store: s, Listener: w.http, Dial: w.slack.DialContext, Log: w.logger(),
		Env: config.Env{
			SlackBotToken: config.NewSecret(w.ws.BotToken()), SlackAppToken: config.NewSecret(w.ws.AppToken()),
			SlackAPIURL: "http://slack.local/api/", MusterAPIToken: config.NewSecret("api-token"),
		},
	}
	if w.change != nil {
		w.change(&opt)
	}
	w.program = New(opt)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- w.program.Run(ctx) }()
	w.stop = func() {
		w.Helper()
		cancel()
		if err := <-done; err != nil {
			w.Errorf("the program ended badly: %v", err)
		}
		if err := s.Close(); err != nil {
			w.Errorf("the store closed badly: %v", err)
		}
		s = nil
	}
	w.wait(5*time.Second, "two sockets", func() bool { return w.ws.Sockets() == 2 })
}

// restart stops the program, lets time pass, and starts it again.
func (w *world) restart(away time.Duration) {
	w.Helper()
	w.stop()
	time.Sleep(away)
	w.start()
}

func (w *world) logger() *slog.Logger {
	if w.log != nil {
		return w.log
	}
	return slog.New(slog.NewTextHandler(testWriter{w.T}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// wait lets time pass until something holds, at most for a while.
func (w *world) wait(atMost time.Duration, what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(atMost); ; time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		if holds() {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("after %v there is no %s", atMost, what)
		}
	}
}

// client speaks HTTP to the program.
func (w *world) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: w.http.DialContext, DisableKeepAlives: true}}
}

// newChannel has a person create a channel.
func (w *world) newChannel(who, name string) error {
	form := url.Values{"token": {w.ws.Person(who).Token()}, "name": {name}}
	client := &http.Client{Transport: &http.Transport{DialContext: w.slack.DialContext, DisableKeepAlives: true}}
	resp, err := client.PostForm("http://slack.local/api/conversations.create", form)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || !answer.OK {
		return errors.Join(err, errors.New(answer.Error))
	}
	return nil
}
