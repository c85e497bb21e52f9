package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/outbox"
	"muster/outbox/outboxtest"
)

// world is one outbox with its fakes, in a bubble.
type world struct {
	*testing.T
	cfg   outbox.Config
	queue *outboxtest.Queue
	slack *outboxtest.Provider
	box   *outbox.Outbox
	quit  func() error
	began time.Time
	seq   int
}

// bubble runs a scenario; the outbox is stopped at its end.
func bubble(t *testing.T, scenario func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, queue: &outboxtest.Queue{}, slack: &outboxtest.Provider{}, began: time.Now()}
		w.cfg = outbox.Config{
			Queue:   w.queue,
			Handler: w.slack,
			Route:   func(outbox.Delivery) outbox.Route { return outbox.Route{Provider: "slack"} },
			Timeout: 10 * time.Second,
		}
		scenario(w)
		w.stop()
	})
}

// start runs the outbox; add and wait start it when the scenario did not.
func (w *world) start() {
	if w.quit != nil {
		return
	}
	w.box = outbox.New(w.cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.box.Run(ctx) }()
	w.quit = func() error { cancel(); return <-ended }
	synctest.Wait()
}

func (w *world) stop() {
	if w.quit != nil {
		if err := w.quit(); err != nil {
			w.Errorf("stopping: %v", err)
		}
		w.quit = nil
	}
}

// add stores and adds deliveries.
func (w *world) add(ds ...outbox.Delivery) {
	w.start()
	w.queue.Store(ds...)
	w.box.Add(ds...)
}

// wait lets simulated time pass.
func (w *world) wait(d time.Duration) {
	w.start()
	time.Sleep(d)
	synctest.Wait()
}

// make builds a delivery of a stream: "name" is its kind and part of its ID.
func (w *world) make(stream string, lane outbox.Lane, p outbox.Priority, opts ...func(*outbox.Delivery)) outbox.Delivery {
	w.seq++
	d := outbox.Delivery{
		ID: fmt.Sprintf("%s/%d/0", stream, w.seq), Stream: stream, Lane: lane, Priority: p,
		Kind: "post", Body: []byte("a secret"), At: time.Now(),
	}
	for _, o := range opts {
		o(&d)
	}
	return d
}

func (w *world) page(stream string, opts ...func(*outbox.Delivery)) outbox.Delivery {
	return w.make(stream, outbox.Page, outbox.Paging, opts...)
}

func (w *world) update(stream string, opts ...func(*outbox.Delivery)) outbox.Delivery {
	return w.make(stream, outbox.Chat, outbox.Update, opts...)
}

func (w *world) card(stream string, opts ...func(*outbox.Delivery)) outbox.Delivery {
	return w.make(stream, outbox.Chat, outbox.Card, append(opts, replaces("card"))...)
}

func of(kind string) func(*outbox.Delivery) { return func(d *outbox.Delivery) { d.Kind = kind } }
func replaces(name string) func(*outbox.Delivery) {
	return func(d *outbox.Delivery) { d.Replaces = name }
}
func notBefore(t time.Time) func(*outbox.Delivery) {
	return func(d *outbox.Delivery) { d.NotBefore = t }
}

// sent checks which deliveries were attempted, in this order.
func (w *world) sent(want ...outbox.Delivery) {
	w.Helper()
	if got := w.slack.IDs(); !slices.Equal(got, ids(want)) {
		w.Errorf("attempted %v, want %v", got, ids(want))
	}
}

// sentInAnyOrder checks which deliveries were attempted, each once.
func (w *world) sentInAnyOrder(want ...outbox.Delivery) {
	w.Helper()
	got, all := w.slack.IDs(), ids(want)
	slices.Sort(got)
	slices.Sort(all)
	if !slices.Equal(got, all) {
		w.Errorf("attempted %v, want %v in any order", got, all)
	}
}

func ids(ds []outbox.Delivery) []string {
	var s []string
	for _, d := range ds {
		s = append(s, d.ID)
	}
	return s
}

// is checks the outcome of a delivery; "" means that it has none.
func (w *world) is(d outbox.Delivery, want outbox.State) outboxtest.Settled {
	w.Helper()
	got, _ := w.queue.Outcome(d.ID)
	if got.State != want {
		w.Errorf("%s ended as %q (%s), want %q", d.ID, got.State, got.Reason, want)
	}
	return got
}

// began gives when each attempt of a delivery began, since the scenario's start.
func (w *world) at(d outbox.Delivery) []time.Duration {
	var at []time.Duration
	for _, c := range w.slack.Calls() {
		if c.ID == d.ID {
			at = append(at, c.Begin.Sub(w.began))
		}
	}
	return at
}

// first checks when the first attempt of a delivery began.
func (w *world) first(d outbox.Delivery, want time.Duration) {
	w.Helper()
	if at := w.at(d); len(at) == 0 || at[0] != want {
		w.Errorf("%s was first attempted at %v, want %v", d.ID, at, want)
	}
}

var errDown = errors.New("connection reset")

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestDeliversAndSettles(t *testing.T) {
	bubble(t, func(w *world) {
		d := w.update("a")
		w.add(d)
		w.wait(0)
		w.sent(d)
		s := w.is(d, outbox.Delivered)
		if string(s.Receipt) != d.ID || s.Attempts != 1 || !s.Outcome.At.Equal(w.began) {
			t.Errorf("outcome %+v", s.Outcome)
		}
		if w.queue.Stored() != 0 {
			t.Error("it is still stored")
		}
	})
}

func TestOrderWithinALaneOfOneStream(t *testing.T) {
	bubble(t, func(w *world) {
		a, b, c := w.update("a"), w.update("a"), w.update("a")
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if d.ID == a.ID && try == 1 {
				return errDown
			}
			time.Sleep(time.Second)
			return nil
		}
		w.add(c, a, b) // arrives out of order
		w.wait(time.Minute)
		w.sent(a, a, b, c)
	})
}

func TestLanesAndStreamsDoNotBlockEachOther(t *testing.T) {
	bubble(t, func(w *world) {
		stuck := w.update("a")
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, _ int) error {
			if d.ID == stuck.ID {
				return outbox.NotSentError{Err: errDown}
			}
			return nil
		}
		w.cfg.Breaker.After = 1000
		behind, reply, action, other := w.update("a"), w.make("a", outbox.Reply, outbox.Answer), w.make("a", outbox.Action, outbox.Answer), w.update("b")
		w.add(stuck, behind, reply, action, other)
		w.wait(10 * time.Minute)
		for _, d := range []outbox.Delivery{reply, action, other} {
			w.first(d, 0)
		}
		w.is(behind, "")
	})
}

func TestPagesOfOneStreamDoNotWaitForEachOthersRetries(t *testing.T) {
	bubble(t, func(w *world) {
		a, b, c := w.page("a"), w.page("a"), w.page("a")
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if d.ID == a.ID && try < 3 {
				return errDown
			}
			return nil
		}
		w.add(a, b, c)
		w.wait(0)
		if got := w.slack.IDs(); len(got) != 3 {
			t.Errorf("attempted %v", got)
		}
		w.is(b, outbox.Delivered)
		w.is(c, outbox.Delivered)
		w.wait(time.Minute)
		w.is(a, outbox.Delivered)
	})
}

func TestOnlyTheNewestVersionIsSent(t *testing.T) {
	bubble(t, func(w *world) {
		gate := make(chan struct{})
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { <-gate; return nil }
		v1 := w.card("a")
		w.add(v1)
		w.wait(0) // v1 is in flight
		v2, v3, v4 := w.card("a"), w.card("a"), w.card("a")
		w.add(v2, v3)
		w.add(v4)
		w.wait(time.Second)
		w.sent(v1)
		w.is(v2, outbox.Superseded)
		w.is(v3, outbox.Superseded)
		close(gate)
		w.wait(0)
		w.sent(v1, v4)
		w.is(v1, outbox.Delivered)
		w.is(v4, outbox.Delivered)
	})
}

func TestIrrelevantIsCancelledAndNeverSent(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.page("a"), w.page("a")
		w.queue.Irrelevant = func(d outbox.Delivery) string {
			if d.ID == a.ID {
				return "acknowledged"
			}
			return ""
		}
		w.add(a, b)
		w.wait(0)
		w.sent(b)
		if s := w.is(a, outbox.Cancelled); s.Reason != "acknowledged" || s.Attempts != 0 {
			t.Errorf("outcome %+v", s.Outcome)
		}
	})
}

func TestNotBefore(t *testing.T) {
	bubble(t, func(w *world) {
		later := w.update("a", notBefore(w.began.Add(10*time.Minute)))
		now := w.update("a")
		w.add(later, now)
		w.wait(time.Hour)
		w.sent(now, later)
		w.first(later, 10*time.Minute)
	})
}

func TestRetriesWithGrowingWaits(t *testing.T) {
	bubble(t, func(w *world) {
		d := w.update("a")
		w.cfg.Breaker.After = 1000
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { return errDown }
		w.add(d)
		w.wait(10 * time.Minute)
		at := w.at(d)
		want, jitter := time.Second, false
		for i := 1; i < len(at); i++ {
			gap := at[i] - at[i-1]
			if gap < want*3/4 || gap > want*5/4 {
				t.Errorf("wait %d was %v, want about %v", i, gap, want)
			}
			jitter = jitter || gap != want
			want = min(2*want, time.Minute)
		}
		if len(at) < 12 || !jitter {
			t.Errorf("%d attempts, jitter %v", len(at), jitter)
		}
	})
}

func TestPermanentErrorIsNotTriedAgain(t *testing.T) {
	for name, err := range map[string]error{
		"value":   outbox.PermanentError{Reason: "no such channel"},
		"pointer": &outbox.PermanentError{Reason: "no such channel"},
		"wrapped": fmt.Errorf("posting: %w", outbox.PermanentError{Reason: "no such channel", Err: errDown}),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				d := w.update("a")
				w.slack.Answer = func(context.Context, outbox.Delivery, int) error { return err }
				w.add(d)
				w.wait(time.Hour)
				w.sent(d)
				if s := w.is(d, outbox.Failed); s.Reason != "no such channel" || s.Attempts != 1 {
					t.Errorf("outcome %+v", s.Outcome)
				}
			})
		})
	}
}

func TestMaybeSent(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"unclear":     {errDown, true},
		"not sent":    {outbox.NotSentError{Err: errDown}, false},
		"retry after": {outbox.RetryAfterError{After: time.Second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.slack.Answer = func(_ context.Context, _ outbox.Delivery, try int) error {
					if try == 1 {
						return c.err
					}
					return nil
				}
				w.add(w.update("a"))
				w.wait(time.Minute)
				calls := w.slack.Calls()
				if len(calls) != 2 || calls[0].MaybeSent || calls[1].MaybeSent != c.want {
					t.Errorf("calls %+v", calls)
				}
			})
		})
	}
}

func TestMaybeSentStaysAfterALaterRefusal(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(_ context.Context, _ outbox.Delivery, try int) error {
			return []error{errDown, outbox.RetryAfterError{After: time.Second}, nil}[try-1]
		}
		w.add(w.update("a"))
		w.wait(time.Minute)
		if calls := w.slack.Calls(); len(calls) != 3 || !calls[2].MaybeSent {
			t.Errorf("calls %+v", calls)
		}
	})
}

func TestLoadedDeliveriesMayHaveBeenSent(t *testing.T) {
	bubble(t, func(w *world) {
		d := w.update("a")
		w.queue.Store(d)
		w.wait(0)
		w.box.Add(d) // told late by whoever committed it while it was loaded
		w.wait(time.Hour)
		calls := w.slack.Calls()
		if len(calls) != 1 || !calls[0].MaybeSent {
			t.Errorf("calls %+v", calls)
		}
	})
}

func TestPanicIsAFailedAttempt(t *testing.T) {
	bubble(t, func(w *world) {
		var log strings.Builder
		w.cfg.Log = textLog(&log)
		d := w.update("a")
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if try == 1 {
				panic(string(d.Body))
			}
			return nil
		}
		w.add(d)
		w.wait(time.Minute)
		w.is(d, outbox.Delivered)
		if calls := w.slack.Calls(); len(calls) != 2 || !calls[1].MaybeSent {
			t.Errorf("calls %+v", calls)
		}
		if s := log.String(); strings.Contains(s, "secret") || !strings.Contains(s, d.ID) {
			t.Errorf("log: %s", s)
		}
	})
}
