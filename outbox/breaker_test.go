package outbox_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"muster/outbox"
)

// down has the provider fail until a moment of the scenario.
func (w *world) down(until time.Duration) {
	w.slack.Answer = func(context.Context, outbox.Delivery, int) error {
		if time.Since(w.began) < until {
			return errDown
		}
		return nil
	}
}

func TestTheBreakerOpensAndNothingHammers(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(10 * time.Minute)
		var told []string
		w.cfg.Hooks.Breaker = func(p string, open bool) { told = append(told, fmt.Sprint(p, open)) }
		for i := range 200 {
			w.add(w.update(fmt.Sprint("s", i)))
		}
		w.wait(time.Second)
		if !w.box.Status().Down["slack"] {
			t.Error("the breaker is closed")
		}
		w.wait(10*time.Minute - 2*time.Second)
		// 5 to open it, those that were in flight then, and a probe each 5, 10, 20, 30, 30 … s.
		if n := len(w.slack.Calls()); n > 12+23 {
			t.Errorf("%d attempts while it was down", n)
		}
		w.wait(40 * time.Second)
		if n := w.queue.Stored(); n > 0 {
			t.Errorf("%d were left", n)
		}
		if len(told) != 2 || told[0] != "slacktrue" || told[1] != "slackfalse" {
			t.Errorf("told %v", told)
		}
	})
}

func TestAnsweredFailuresDoNotOpenTheBreaker(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error {
			return outbox.PermanentError{Reason: "invalid_blocks"}
		}
		for i := range 50 {
			w.add(w.update(fmt.Sprint("s", i)))
		}
		w.wait(time.Second)
		if w.box.Status().Down["slack"] || w.queue.Stored() > 0 {
			t.Error("answers opened the breaker")
		}
	})
}

func TestAnyAnswerClosesTheBreaker(t *testing.T) {
	for name, answer := range map[string]error{
		"refused for now":  outbox.RetryAfterError{After: time.Minute},
		"refused for good": outbox.PermanentError{Reason: "no"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.cfg.Breaker.After = 1
				probe := w.make("b", outbox.Reply, outbox.Answer)
				w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
					if d.ID == probe.ID {
						return answer
					}
					return errDown
				}
				closed := false
				w.cfg.Hooks.Breaker = func(_ string, open bool) { closed = closed || !open }
				w.add(w.update("a"))
				w.wait(time.Second)
				if !w.box.Status().Down["slack"] {
					t.Error("it did not open")
				}
				w.add(probe)
				w.wait(5 * time.Second)
				if !closed {
					t.Error("it did not close after an answer")
				}
			})
		})
	}
}

func TestPanicsDoNotOpenTheBreaker(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(context.Context, outbox.Delivery, int) error { panic("always") }
		w.add(w.update("a"))
		w.wait(10 * time.Minute)
		if w.box.Status().Down["slack"] {
			t.Error("a panic of ours counts against the provider")
		}
	})
}

func TestPagesProbeAnOpenBreaker(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(12 * time.Second)
		for i := range 20 {
			w.add(w.update(fmt.Sprint("s", i)))
		}
		w.wait(8 * time.Second) // open; the next probe of others is at 15 s
		page := w.page("p")
		w.add(page)
		w.wait(0)
		w.first(page, 8*time.Second)
		late := w.page("p")
		w.wait(5 * time.Second) // between two tries of the first
		w.add(late)
		w.wait(0)
		w.first(late, 13*time.Second)
		w.is(late, outbox.Delivered)
		w.wait(0)
		w.is(page, outbox.Delivered) // all that rested after a failure goes too
		if n := w.queue.Stored(); n > 0 {
			t.Errorf("%d were left", n)
		}
	})
}

func TestManyPagesDoNotHammerEither(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(10 * time.Minute)
		for i := range 100 {
			w.add(w.page(fmt.Sprint("s", i)))
		}
		w.wait(time.Minute)
		if n := len(w.slack.Calls()); n > 16+60+5 {
			t.Errorf("%d attempts in a minute", n)
		}
		if n := len(w.queue.LatePages()); n != 100 {
			t.Errorf("%d pages were told to be late, want all", n)
		}
	})
}

func TestTheProbeIsTheMostUrgent(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(10 * time.Minute)
		w.cfg.Breaker = outbox.Breaker{After: 1, Wait: 40 * time.Second}
		decor := w.make("d", outbox.Decor, outbox.Decoration)
		w.add(decor)
		w.wait(0)
		update, card := w.update("u"), w.card("c")
		answer := w.make("a", outbox.Reply, outbox.Answer)
		w.add(card, update, answer)
		w.wait(40 * time.Second)
		w.sent(decor, answer)
	})
}

func TestTheMostUrgentProbesAlsoWhileItRests(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(10 * time.Minute)
		w.cfg.Breaker = outbox.Breaker{After: 1, Wait: 500 * time.Millisecond}
		answer, card := w.make("a", outbox.Reply, outbox.Answer), w.card("c")
		w.add(answer)
		w.wait(100 * time.Millisecond)
		w.add(card)
		w.wait(500 * time.Millisecond)
		w.sent(answer, answer)
	})
}

func TestADownProviderHoldsNoOther(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = func(d outbox.Delivery) outbox.Route {
			return outbox.Route{Provider: d.Kind, Limits: []outbox.Limit{{Name: d.Kind, Every: time.Second, Burst: 10}}}
		}
		back := 10 * time.Minute
		w.slack.Answer = func(ctx context.Context, d outbox.Delivery, _ int) error {
			if d.Kind == "slack" && time.Since(w.began) < back {
				return hang(ctx)
			}
			return nil
		}
		all := map[outbox.Priority][]outbox.Delivery{}
		slack := of("slack")
		for minute := range 9 {
			for i := range 20 {
				s := fmt.Sprint("s", minute, "-", i)
				ds := []outbox.Delivery{w.update(s, slack), w.make(s, outbox.Reply, outbox.Answer, slack),
					w.make(s, outbox.Decor, outbox.Decoration, slack), w.page(s, slack), w.card(s+"c", slack)}
				for _, d := range ds {
					all[d.Priority] = append(all[d.Priority], d)
				}
				w.add(ds...)
			}
			w.wait(30 * time.Second)
			phone := w.page("s", of("phone"))
			w.add(phone)
			w.wait(0)
			if s := w.is(phone, outbox.Delivered); !s.Outcome.At.Equal(phone.At) {
				t.Errorf("a page by phone left %v late", s.Outcome.At.Sub(phone.At))
			}
			w.wait(30 * time.Second)
		}
		w.wait(time.Hour)
		if n := w.queue.Stored(); n > 0 {
			t.Fatalf("%d were left", n)
		}
		if n := len(w.queue.LatePages()); n != len(all[outbox.Paging]) {
			t.Errorf("%d pages were told to be late, want %d", n, len(all[outbox.Paging]))
		}
		// Drained by priority: nothing of a lower one leaves before the last of a
		// higher one, except the probe that found the provider back and what fills
		// the moment between an attempt and the lane's next.
		last := map[outbox.Priority]time.Time{}
		for _, c := range w.slack.Calls() {
			if c.Kind == "slack" && c.Err == nil && c.Begin.After(last[c.Priority]) {
				last[c.Priority] = c.Begin
			}
		}
		early := 0
		for _, c := range w.slack.Calls() {
			if c.Kind != "slack" || c.Err != nil {
				continue
			}
			for p := outbox.Paging; p < c.Priority; p++ {
				if c.Begin.Before(last[p]) {
					early++
				}
			}
		}
		if early > 0 {
			t.Errorf("%d left before something more urgent", early)
		}
	})
}

func TestACancelledProbeLetsTheNextTry(t *testing.T) {
	bubble(t, func(w *world) {
		w.down(6 * time.Second)
		w.queue.Irrelevant = func(d outbox.Delivery) string {
			if d.Stream == "resolved" {
				return "resolved"
			}
			return ""
		}
		w.cfg.Breaker = outbox.Breaker{After: 1, Wait: 10 * time.Minute}
		w.add(w.update("x"))
		w.wait(7 * time.Second)
		for range 10 {
			w.add(w.page("resolved"))
		}
		page := w.page("open")
		w.add(page)
		w.wait(0)
		w.first(page, 7*time.Second)
		w.is(page, outbox.Delivered)
	})
}
