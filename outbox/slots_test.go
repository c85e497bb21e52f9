package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/outbox"
)

func TestChatThatHangsHoldsNoPage(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Breaker.After = 1000
		w.slack.Answer = func(ctx context.Context, d outbox.Delivery, _ int) error {
			if d.Lane != outbox.Page {
				return hang(ctx)
			}
			return nil
		}
		for i := range 500 {
			w.add(w.update(fmt.Sprint("s", i)))
		}
		w.wait(5 * time.Second)
		page := w.page("p")
		w.add(page)
		w.wait(0)
		w.first(page, 5*time.Second)
	})
}

func TestPagesThatHangHoldNoOtherProvidersPages(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Breaker.After = 1000
		w.cfg.Route = func(d outbox.Delivery) outbox.Route { return outbox.Route{Provider: d.Kind} }
		w.slack.Answer = func(ctx context.Context, d outbox.Delivery, _ int) error {
			if d.Kind == "slack" {
				return hang(ctx)
			}
			return nil
		}
		for i := range 500 {
			w.add(w.page(fmt.Sprint("s", i), of("slack")))
		}
		w.wait(5 * time.Second)
		page := w.page("s1", of("phone"))
		w.add(page)
		w.wait(0)
		w.first(page, 5*time.Second)
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = func(d outbox.Delivery) outbox.Route { return outbox.Route{Provider: d.Kind} }
		w.cfg.Slots = outbox.Slots{All: 10, PerProvider: 4, Pages: 6, PagesPerProvider: 2}
		w.slack.Answer = func(ctx context.Context, d outbox.Delivery, _ int) error { time.Sleep(time.Second); return nil }
		for i := range 30 {
			for p := range 5 {
				k := of(fmt.Sprint("provider", p))
				w.add(w.update(fmt.Sprint("s", i, p), k), w.page(fmt.Sprint("s", i, p), k))
			}
		}
		for second := range 100 {
			w.wait(time.Second / 2)
			var chat, pages int
			by := map[string]int{}
			for _, c := range w.slack.Calls() {
				switch {
				case !c.End.IsZero():
				case c.Lane == outbox.Page:
					pages++
					by["page "+c.Kind]++
				default:
					chat++
					by["chat "+c.Kind]++
				}
			}
			if chat > 10 || pages > 6 {
				t.Fatalf("second %d: %d and %d attempts at once", second, chat, pages)
			}
			for k, n := range by {
				if n > 4 || n > 2 && k[:4] == "page" {
					t.Fatalf("second %d: %d of %s at once", second, n, k)
				}
			}
			if second == 0 && (chat != 10 || pages != 6) {
				t.Errorf("only %d and %d attempts at once", chat, pages)
			}
		}
		if n := w.queue.Stored(); n > 0 {
			t.Errorf("%d were left", n)
		}
	})
}

func TestALatePageIsToldOnceAndKeepsTrying(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(3 * time.Minute)
		page, later := w.page("a"), w.page("a", notBefore(w.began.Add(30*time.Second)))
		fine := w.update("a")
		w.add(page, later, fine)
		w.wait(59 * time.Second)
		if n := len(w.queue.LatePages()); n != 0 {
			t.Fatalf("%d told to be late too early", n)
		}
		w.wait(10 * time.Minute)
		late := w.queue.LatePages()
		if len(late) != 2 || late[0].ID != page.ID || late[1].ID != later.ID {
			t.Fatalf("late: %+v", late)
		}
		if at := late[0].At.Sub(w.began); at != time.Minute {
			t.Errorf("told after %v", at)
		}
		if at := late[1].At.Sub(w.began); at != 90*time.Second {
			t.Errorf("the one of later told after %v", at)
		}
		if !errors.Is(late[0].Err, errDown) {
			t.Errorf("told with %v", late[0].Err)
		}
		w.is(page, outbox.Delivered)
		w.is(later, outbox.Delivered)
	})
}

func TestAPageBehindAClosedLimitIsLateWithItsReason(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "post"})
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if d.Lane == outbox.Chat && try == 1 {
				return outbox.RetryAfterError{After: 2 * time.Minute}
			}
			return nil
		}
		w.add(w.update("a"))
		w.wait(0)
		w.add(w.page("a"))
		w.wait(time.Minute)
		late := w.queue.LatePages()
		if len(late) != 1 || late[0].Err == nil || late[0].Err.Error() != `waiting for the limit "post"` {
			t.Errorf("late: %+v", late)
		}
	})
}

func TestLateIsToldAgainAfterAnError(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(3 * time.Minute)
		refused := 0
		w.queue.Fail = func(call string, _ outbox.Delivery) error {
			if call == "late" && refused < 2 {
				refused++
				return errors.New("disk full")
			}
			return nil
		}
		w.add(w.page("a"))
		w.wait(2 * time.Minute)
		if n := len(w.queue.LatePages()); n != 1 || refused != 2 {
			t.Errorf("told %d times, refused %d", n, refused)
		}
	})
}

func TestLateIsNeverToldAfterTheSettling(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(65 * time.Second)
		w.queue.Fail = func(call string, _ outbox.Delivery) error {
			if call == "late" {
				time.Sleep(10 * time.Minute) // the news is slow, the page leaves meanwhile
			}
			return nil
		}
		page := w.page("a")
		w.add(page)
		w.wait(5 * time.Minute)
		w.is(page, "")
		w.wait(10 * time.Minute)
		w.is(page, outbox.Delivered)
		if n := len(w.queue.LatePages()); n != 1 || len(w.slack.Calls()) < 2 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestWhatCannotBeSettledIsNotSentAgain(t *testing.T) {
	bubble(t, func(w *world) {
		w.queue.Fail = func(call string, _ outbox.Delivery) error {
			if call == "settle" && time.Since(w.began) < 10*time.Minute {
				return errors.New("disk full")
			}
			return nil
		}
		a, b, page := w.update("a"), w.update("a"), w.page("a")
		v1 := w.card("b")
		v2 := w.card("b")
		w.add(a, b, page, v1, v2)
		w.wait(9 * time.Minute)
		w.sentInAnyOrder(page, a, v2)
		if s := w.box.Status(); s.Unsettled != 4 {
			t.Errorf("%d unsettled, want 4", s.Unsettled)
		}
		w.wait(5 * time.Minute)
		w.sentInAnyOrder(page, a, v2, b)
		if n := w.queue.Stored(); n > 0 {
			t.Errorf("%d were left", n)
		}
	})
}

func TestWhetherItMattersIsAskedAgainWhenThatFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "post", Every: time.Hour})
		asked := 0
		w.queue.Fail = func(call string, _ outbox.Delivery) error {
			if call == "relevant" {
				if asked++; asked < 8 {
					return errors.New("disk gone")
				}
			}
			return nil
		}
		d := w.update("a")
		w.add(d)
		w.wait(5 * time.Minute)
		w.is(d, outbox.Delivered)
		if w.box.Status().Down["slack"] {
			t.Error("the breaker counts what is not the provider's fault")
		}
		if c := w.slack.Calls(); len(c) != 1 || c[0].MaybeSent {
			t.Errorf("calls %+v", c)
		}
	})
}

func TestAnUnknownKindFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Handlers = map[string]outbox.Handler{"post": w.slack}
		w.cfg.Handler = nil
		known, unknown := w.update("a"), w.page("a", of("telegram"))
		w.add(known, unknown)
		w.wait(0)
		w.is(known, outbox.Delivered)
		if s := w.is(unknown, outbox.Failed); s.Reason != `nothing here delivers "telegram"` {
			t.Errorf("reason %q", s.Reason)
		}
	})
}

func TestStoppingGivesAttemptsAGrace(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Grace = 3 * time.Second
		quick, slow, waiting := w.update("a"), w.update("b"), w.update("a")
		w.slack.Answer = func(ctx context.Context, d outbox.Delivery, _ int) error {
			if d.ID == quick.ID {
				time.Sleep(2 * time.Second)
				return nil
			}
			return hang(ctx)
		}
		w.add(quick, slow, waiting)
		w.wait(time.Second)
		w.stop()
		if took := time.Since(w.began); took != 4*time.Second {
			t.Errorf("stopped after %v", took)
		}
		w.is(quick, outbox.Delivered)
		w.is(slow, "")
		w.is(waiting, "")
		if w.queue.Stored() != 2 {
			t.Errorf("%d stored", w.queue.Stored())
		}
		w.slack.Answer = nil
		w.wait(time.Second) // starts again
		w.is(slow, outbox.Delivered)
		w.is(waiting, outbox.Delivered)
		for _, c := range w.slack.Calls()[2:] {
			if !c.MaybeSent {
				t.Errorf("%s may have been sent before the restart", c.ID)
			}
		}
	})
}

func TestStoppingDoesNotWaitForeverForADeafHandler(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(time.Hour); return nil }
		w.add(w.update("a"))
		w.wait(0)
		err := w.quit()
		w.quit = nil
		if took := time.Since(w.began); err == nil || took > 11*time.Second {
			t.Errorf("stopped after %v with %v", took, err)
		}
		time.Sleep(time.Hour)
	})
}

func TestCancelTakesOutWhatWaits(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(time.Second); return nil }
		flying := w.update("a")
		w.add(flying)
		w.wait(0)
		queued, early := w.update("a"), w.page("a", notBefore(w.began.Add(time.Hour)))
		keep, other := w.card("a"), w.update("b")
		w.cfg.Route = nil
		w.add(queued, early, keep, other)
		w.wait(0)
		n := w.box.Cancel("a", "resolved", func(d outbox.Delivery) bool { return d.Replaces == "" })
		if n != 2 {
			t.Errorf("%d cancelled", n)
		}
		w.wait(2 * time.Hour)
		w.is(queued, outbox.Cancelled)
		w.is(early, outbox.Cancelled)
		w.is(flying, outbox.Delivered)
		w.is(keep, outbox.Delivered)
		w.is(other, outbox.Delivered)
	})
}

func TestStatusCountsByLane(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { time.Sleep(5 * time.Second); return nil }
		w.add(w.update("a"), w.update("a"), w.page("a", notBefore(w.began.Add(time.Hour))))
		w.wait(time.Second)
		s := w.box.Status()
		if c := s.Lanes[outbox.Chat]; c.Flying != 1 || c.Waiting != 1 || !c.Oldest.Equal(w.began) {
			t.Errorf("chat %+v", c)
		}
		if p := s.Lanes[outbox.Page]; p.Waiting != 1 || !p.Oldest.IsZero() {
			t.Errorf("page %+v", p)
		}
	})
}

func TestAFasterClock(t *testing.T) {
	bubble(t, func(w *world) {
		const speed = 60
		began := w.began
		w.cfg.Now = func() time.Time { return began.Add(speed * time.Since(began)) }
		w.cfg.Until = func(t time.Time) time.Duration { return t.Sub(w.cfg.Now()) / speed }
		w.cfg.Route = limited("slack", outbox.Limit{Name: "post", Every: time.Minute})
		a, b := w.page("a", notBefore(began.Add(time.Hour))), w.page("a")
		c := w.page("a")
		w.add(a, b, c)
		w.wait(2 * time.Minute)
		w.first(b, 0)
		w.first(c, time.Second)
		w.first(a, time.Minute)
	})
}

func TestWithoutQueueOrTwice(t *testing.T) {
	if err := outbox.New(outbox.Config{}).Run(t.Context()); err == nil {
		t.Error("it runs without a queue")
	}
	bubble(t, func(w *world) {
		w.start()
		if err := w.box.Run(t.Context()); err == nil {
			t.Error("it runs twice")
		}
	})
	bubble(t, func(w *world) {
		w.queue.Fail = func(call string, _ outbox.Delivery) error { return errDown }
		if err := outbox.New(w.cfg).Run(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("it runs without what is stored: %v", err)
		}
	})
}
