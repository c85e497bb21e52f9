package app

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/config"
	"muster/workspace"
)

const heartbeatURL = "https://beats.example.com/7c1e-only-we-know"

// receiver takes heartbeats, and is what everything else over HTTP finds.
type receiver struct {
	mu     sync.Mutex
	beats  []time.Time
	asked  string
	answer func() (*http.Response, error) // nil: 200
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Host != "beats.example.com" {
		return nil, errors.New("nobody is there")
	}
	r.beats, r.asked = append(r.beats, time.Now()), req.Method+" "+req.URL.String()
	if r.answer != nil {
		return r.answer()
	}
	return status(http.StatusOK), nil
}

func status(code int) *http.Response {
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader("")), Header: http.Header{}}
}

func (r *receiver) set(answer func() (*http.Response, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// since counts the beats after a moment.
func (r *receiver) since(at time.Time) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.beats {
		if b.After(at) {
			n++
		}
	}
	return n
}

// listening runs a test with a program that has a receiver for its heartbeat.
func listening(t *testing.T, env func(*config.Env), test func(w *world, r *receiver, log func() string)) {
	synctest.Test(t, func(t *testing.T) {
		r, out := &receiver{}, &lockedText{}
		w := newWorld(t, nil)
		defer w.end()
		w.log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.change = func(o *Options) {
			o.Env.MusterDeadmanURL = config.NewSecret(heartbeatURL)
			o.HTTP = &http.Client{Transport: r}
			if env != nil {
				env(&o.Env)
			}
		}
		w.start()
		defer func() { w.stop() }()
		test(w, r, out.String)
		if log := out.String(); strings.Contains(log, "only-we-know") || strings.Contains(log, "beats.example.com") {
			t.Errorf("the address is in the log:\n%s", log)
		}
	})
}

type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestHeartbeatStopsWithSlack(t *testing.T) {
	listening(t, nil, func(w *world, r *receiver, log func() string) {
		began := time.Now()
		time.Sleep(10*time.Minute + time.Second)
		if n := r.since(began); n != 20 {
			t.Errorf("%d beats in ten minutes, want 20", n)
		}
		if r.asked != "GET "+heartbeatURL {
			t.Errorf("the beat is %s", r.asked)
		}
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		down := time.Now()
		time.Sleep(10 * time.Minute)
		if n := r.since(down.Add(time.Minute)); n != 0 {
			t.Errorf("%d beats later than a minute after Slack went", n)
		}
		if n := strings.Count(log(), "held back"); n != 1 {
			t.Errorf("that it is held back is logged %d times", n)
		}
		w.ws.SetFaults(workspace.Faults{})
		w.wait(5*time.Minute, "beat", func() bool { return r.since(down.Add(10*time.Minute)) > 0 })
	})
}

func TestHeartbeatGoesOnWithAnotherWay(t *testing.T) {
	pager := func(e *config.Env) {
		e.PagerDutyRoutingKey, e.PagerDutyEventsURL = config.NewSecret("routing"), "http://events.example.com"
	}
	listening(t, pager, func(w *world, r *receiver, log func() string) {
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(5*time.Minute + time.Second)
		if n := r.since(time.Now().Add(-time.Minute)); n != 2 {
			t.Errorf("%d beats in a minute although pages can leave over PagerDuty", n)
		}
		// Nothing but the receiver of the heartbeat answers now: a page cannot
		// leave at all.
		w.post(http.StatusOK, "create P1 Flood in the cellar", "alice@example.com", "")
		all := time.Now()
		time.Sleep(10 * time.Minute)
		if n := r.since(all.Add(50 * time.Second)); n != 0 { // its breaker opens before the page has waited for a minute
			t.Errorf("%d beats later than 50 s after every way out was gone", n)
		}
	})
}

func TestHeartbeatReceiverFails(t *testing.T) {
	for name, answer := range map[string]func() (*http.Response, error){
		"refuses": func() (*http.Response, error) { return status(http.StatusNotFound), nil },
		"sends on": func() (*http.Response, error) {
			r := status(http.StatusFound)
			r.Header.Set("Location", heartbeatURL+"/2")
			return r, nil
		},
		"not reached": func() (*http.Response, error) { return nil, errors.New("dial beats.example.com: no route") },
	} {
		t.Run(name, func(t *testing.T) {
			listening(t, nil, func(w *world, r *receiver, log func() string) {
				time.Sleep(time.Minute)
				r.set(answer)
				time.Sleep(5*time.Minute + time.Second)
				if n := r.since(time.Now().Add(-time.Minute)); n != 2 {
					t.Errorf("%d tries in a minute", n)
				}
				if n := strings.Count(log(), "does not take it"); n != 1 {
					t.Errorf("logged %d times:\n%s", n, log())
				}
				r.set(nil)
				time.Sleep(2 * time.Minute)
				if n := strings.Count(log(), "goes out"); n != 2 { // at the start, too
					t.Errorf("that it is well again is logged %d times:\n%s", n, log())
				}
			})
		})
	}
}
