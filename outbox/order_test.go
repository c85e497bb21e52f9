package outbox_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"muster/outbox"
)

func TestNewestVersionTakesThePlaceOfTheOlder(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Breaker.After = 1000
		v1, note, v2, v3 := w.card("a"), w.update("a"), w.card("a"), w.card("a")
		posted := false
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if time.Since(w.began) < 30*time.Second {
				return outbox.NotSentError{Err: errDown}
			}
			if d.Replaces != "" {
				posted = true
			} else if !posted {
				return errors.New("there is no card to answer under")
			}
			return nil
		}
		w.add(v1, note)
		w.wait(5 * time.Second)
		w.add(v2)
		w.wait(5 * time.Second)
		w.add(v3)
		w.wait(time.Second)
		w.is(v2, outbox.Superseded)
		if w.queue.Stored() != 3 {
			t.Errorf("%d stored, want the newest, the note, and the row that keeps the place", w.queue.Stored())
		}

		w.stop() // the place survives a restart
		w.wait(time.Minute)
		w.is(v3, outbox.Delivered)
		w.is(note, outbox.Delivered)
		w.is(v1, outbox.Superseded)
		if at := w.at(note); len(at) != 1 {
			t.Errorf("the note was tried at %v", at)
		}
	})
}

func TestNewestVersionKeepsWaitingWithTheOlder(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if time.Since(w.began) < 20*time.Second {
				return errDown
			}
			return nil
		}
		w.cfg.Breaker.After = 1000
		w.add(w.card("a"))
		for range 100 {
			w.wait(100 * time.Millisecond)
			w.add(w.card("a"))
		}
		newest := w.card("a")
		w.add(newest)
		w.wait(time.Minute)
		w.is(newest, outbox.Delivered)
		calls := w.slack.Calls()
		if len(calls) > 8 {
			t.Errorf("%d attempts: new versions hammered a provider that is down", len(calls))
		}
		if last := calls[len(calls)-1]; last.ID != newest.ID || !last.MaybeSent {
			t.Errorf("last attempt %+v: an older version may have arrived", last)
		}
	})
}

func TestAVersionInFlightThatFailsGivesWayToTheNewest(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			time.Sleep(2 * time.Second)
			if d.ID == "a/1/0" {
				return errDown
			}
			return nil
		}
		v1, v2 := w.card("a"), w.card("a")
		w.add(v1)
		w.wait(time.Second)
		w.add(v2)
		w.wait(time.Minute)
		w.sent(v1, v2)
		w.is(v1, outbox.Superseded)
		w.is(v2, outbox.Delivered)
		if !w.slack.Calls()[1].MaybeSent {
			t.Error("the older may have arrived, and the newest was not told to look")
		}
	})
}

func TestAnEarlierVersionForLaterDoesNotOutliveTheNewest(t *testing.T) {
	bubble(t, func(w *world) {
		later, newest := w.card("a", notBefore(w.began.Add(time.Hour))), w.card("a")
		w.add(later, newest)
		w.wait(time.Minute)
		w.is(newest, outbox.Delivered)
		w.stop()
		w.wait(2 * time.Hour)
		w.sent(newest)
		w.is(later, outbox.Superseded)
	})
}

func TestADeliveredOldVersionThatCannotBeSettledHoldsTheNewersSettling(t *testing.T) {
	bubble(t, func(w *world) {
		old := w.card("a")
		newest := w.make("a", outbox.Decor, outbox.Decoration, replaces("card"))
		full := true
		w.queue.Fail = func(call string, d outbox.Delivery) error {
			if call == "settle" && full && d.ID == old.ID {
				return errors.New("disk full")
			}
			return nil
		}
		w.add(old)
		w.wait(0)
		w.add(newest)
		w.wait(time.Minute)
		w.sent(old, newest)
		w.is(newest, "")
		w.stop()
		full = false
		w.wait(time.Minute)
		w.sent(old, newest, newest)
		w.is(newest, outbox.Delivered)
	})
}

func TestStoredDeliveriesGoByAge(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "tier", Every: time.Second})
		var want []outbox.Delivery
		for _, stream := range []string{"z", "m", "x", "a"} {
			d := w.update(stream)
			w.queue.Store(d)
			want = append(want, d)
			time.Sleep(time.Second)
		}
		w.wait(time.Minute)
		w.sent(want...)
	})
}

func TestAnOldVersionNeverOverwritesANewer(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(time.Minute / 2); return nil }
		w.cfg.Timeout = time.Minute
		old := w.card("a", notBefore(w.began.Add(10*time.Second)))
		late := w.card("a")
		newest := w.card("a")
		w.add(newest)
		w.wait(time.Second)
		w.add(old, late)
		w.wait(time.Hour)
		w.sent(newest)
		w.is(old, outbox.Superseded)
		w.is(late, outbox.Superseded)
	})
}

func TestAnOldVersionIsGoneBeforeTheNewerIsSettled(t *testing.T) {
	bubble(t, func(w *world) {
		old, soon, newest := w.card("a"), w.card("a", notBefore(w.began.Add(time.Hour))), w.card("a")
		full := true
		w.queue.Fail = func(call string, d outbox.Delivery) error {
			if call == "settle" && full && d.ID != newest.ID {
				return errors.New("disk full")
			}
			return nil
		}
		w.add(old, soon, newest)
		w.wait(time.Minute)
		w.sent(newest)
		w.stop() // what is stored now is all that the next run knows
		full = false
		w.wait(2 * time.Hour)
		w.sent(newest, newest)
		w.is(old, outbox.Superseded)
		w.is(soon, outbox.Superseded)
	})
}

func TestVersionsInSeveralLanes(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(time.Second); return nil }
		v1 := w.card("a")
		v2 := w.make("a", outbox.Decor, outbox.Decoration, replaces("card"))
		v3 := w.make("a", outbox.Reply, outbox.Answer, replaces("card"))
		other := w.make("b", outbox.Decor, outbox.Decoration, replaces("card"))
		w.add(v1)
		w.wait(0)
		w.add(v2, other)
		w.wait(0)
		w.add(v3)
		w.wait(time.Minute)
		w.sent(v1, other, v3)
		w.is(v2, outbox.Superseded)
		w.first(v3, time.Second)
	})
}

func TestVersionsOfAPage(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			time.Sleep(time.Second)
			return nil
		}
		v1, v2, v3 := w.page("a", replaces("ann")), w.page("a", replaces("ann")), w.page("a", replaces("ann"))
		bob := w.page("a", replaces("bob"))
		w.add(v1)
		w.wait(0)
		w.add(v2, v3, bob)
		w.wait(time.Minute)
		w.is(v2, outbox.Superseded)
		w.first(bob, 0)
		w.first(v3, time.Second)
	})
}

func TestStreamsTakeTurns(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "tier", Every: time.Second})
		var many []outbox.Delivery
		for range 500 {
			many = append(many, w.page("busy"))
		}
		w.add(many...)
		w.wait(10 * time.Second)
		few := []outbox.Delivery{w.page("quiet"), w.page("quiet"), w.page("third")}
		w.add(few...)
		w.wait(8 * time.Second)
		for _, d := range few {
			w.is(d, outbox.Delivered)
		}
		w.wait(time.Second * 500)
		if w.queue.Stored() != 0 {
			t.Errorf("%d were left", w.queue.Stored())
		}
		for i, c := range w.slack.Calls()[:10] {
			if c.ID != many[i].ID {
				t.Errorf("page %d to leave was %s: pages of a stream start in order", i, c.ID)
			}
		}
	})
}

// limited routes everything to one provider through the same limits.
func limited(provider string, limits ...outbox.Limit) func(outbox.Delivery) outbox.Route {
	return func(outbox.Delivery) outbox.Route { return outbox.Route{Provider: provider, Limits: limits} }
}

func TestAJumpOfTheWallClockDelaysNothingForLong(t *testing.T) {
	bubble(t, func(w *world) {
		var jump atomic.Int64
		w.cfg.Now = func() time.Time { return time.Now().Add(time.Duration(jump.Load())) }
		w.cfg.Until = func(t time.Time) time.Duration { return t.Sub(w.cfg.Now()) }
		d := w.update("a", notBefore(w.began.Add(3*time.Hour)))
		w.add(d)
		w.wait(time.Minute)
		jump.Store(int64(4 * time.Hour))
		w.wait(20 * time.Second)
		w.is(d, outbox.Delivered)
	})
}
