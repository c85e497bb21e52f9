package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/outbox"
)

func TestALimitIsDrainedByPriority(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "tier", Every: time.Second})
		first := w.update("z")
		w.add(first) // takes the token
		w.wait(0)
		decor := w.make("a", outbox.Decor, outbox.Decoration)
		card, update := w.card("b"), w.update("c")
		answer, page := w.make("a", outbox.Reply, outbox.Answer), w.page("d")
		w.add(decor, card, update, answer, page)
		w.wait(time.Minute)
		w.sent(first, page, answer, update, card, decor)
		w.first(page, time.Second)
		w.first(decor, 5*time.Second)
	})
}

func TestANewPageOvertakesWhatWaits(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "tier", Every: time.Second})
		for range 20 {
			w.add(w.update(string(rune('a' + w.seq))))
		}
		w.wait(2500 * time.Millisecond)
		page := w.page("p")
		w.add(page)
		w.wait(time.Minute)
		w.first(page, 3*time.Second)
	})
}

func TestABurstAndThenTheRate(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "tier", Every: 3 * time.Second, Burst: 4})
		for range 6 {
			w.add(w.page("a"))
		}
		w.wait(time.Hour)
		var at []time.Duration
		for _, c := range w.slack.Calls() {
			at = append(at, c.Begin.Sub(w.began))
		}
		if want := []time.Duration{0, 0, 0, 0, 3 * time.Second, 6 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("attempts at %v, want %v", at, want)
		}
	})
}

func TestAllLimitsMustAdmit(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = func(d outbox.Delivery) outbox.Route {
			return outbox.Route{Provider: "slack", Limits: []outbox.Limit{
				{Name: "channel " + d.Stream, Every: time.Second},
				{Name: "tier", Every: 3 * time.Second, Burst: 2},
			}}
		}
		a1, a2, b1, b2 := w.update("a"), w.update("a"), w.update("b"), w.update("b")
		w.add(a1, a2, b1, b2)
		w.wait(time.Minute)
		w.first(a1, 0)
		w.first(b1, 0)
		got := append(w.at(a2), w.at(b2)...)
		slices.Sort(got)
		if want := []time.Duration{3 * time.Second, 6 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("the second ones at %v, want %v", got, want)
		}
	})
}

// A page needs two limits, and each of them alone is always wanted by others.
func TestWhoNeedsTwoLimitsIsNotStarvedByThoseWhoNeedOne(t *testing.T) {
	for name, p := range map[string]outbox.Priority{"more urgent": outbox.Paging, "as urgent": outbox.Update} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.cfg.Slots = outbox.Slots{All: 100, PerProvider: 100}
				one := outbox.Limit{Name: "one", Every: 2 * time.Second}
				two := outbox.Limit{Name: "two", Every: 2 * time.Second}
				w.cfg.Route = func(d outbox.Delivery) outbox.Route {
					r := outbox.Route{Provider: "slack"}
					if d.Kind != "two" {
						r.Limits = append(r.Limits, one)
					}
					if d.Kind != "one" {
						r.Limits = append(r.Limits, two)
					}
					return r
				}
				w.add(w.update("x", of("one")))
				w.wait(time.Second) // from now on the two tokens never come together
				w.add(w.update("y", of("two")))
				for i := range 50 {
					w.add(w.update("one"+string(rune('A'+i)), of("one")), w.update("two"+string(rune('A'+i)), of("two")))
				}
				w.wait(1500 * time.Millisecond)
				both := w.make("both", outbox.Page, p, of("both"))
				w.add(both)
				for i := range 300 {
					w.add(w.update(fmt.Sprint("more one", i), of("one")), w.update(fmt.Sprint("more two", i), of("two")))
					w.wait(2 * time.Second)
				}
				w.wait(10 * time.Minute)
				limit := 8 * time.Second
				if p == outbox.Update {
					limit = 120 * time.Second // its turn is after those who came before
				}
				if at := w.at(both); len(at) == 0 || at[0] > limit {
					t.Errorf("it left at %v, want within %v", at, limit)
				}
				if w.queue.Stored() > 0 {
					t.Errorf("%d left", w.queue.Stored())
				}
			})
		})
	}
}

func TestRetryAfterClosesOneLimitForEverybody(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = func(d outbox.Delivery) outbox.Route {
			return outbox.Route{Provider: "slack", Limits: []outbox.Limit{
				{Name: d.Kind, Every: time.Second, Burst: 5}, {Name: "workspace"}}}
		}
		refused := w.update("a", of("post"))
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if d.ID == refused.ID && try == 1 {
				return &outbox.RetryAfterError{After: 30 * time.Second}
			}
			return nil
		}
		var closed []string
		w.cfg.Hooks.Closed = func(limit string, until time.Time) {
			closed = append(closed, limit+" "+until.Sub(w.began).String())
		}
		w.add(refused)
		w.wait(time.Second)
		page, other := w.page("b", of("post")), w.update("c", of("edit"))
		w.add(page, other)
		w.wait(time.Minute)
		w.first(other, time.Second)
		w.first(page, 30*time.Second)
		if at := w.at(refused); len(at) != 2 || at[1] != 31*time.Second {
			t.Errorf("attempts at %v: after the closing one at a time, the page first", at)
		}
		if !slices.Equal(closed, []string{"post 30s"}) {
			t.Errorf("told %v", closed)
		}
	})
}

func TestRetryAfterOfANamedLimit(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = func(d outbox.Delivery) outbox.Route {
			return outbox.Route{Provider: "slack", Limits: []outbox.Limit{{Name: d.Kind}, {Name: "workspace"}}}
		}
		refused := w.update("a", of("post"))
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if d.ID == refused.ID && try == 1 {
				return outbox.RetryAfterError{After: 30 * time.Second, Limit: "workspace"}
			}
			return nil
		}
		w.add(refused)
		w.wait(time.Second)
		if s := w.box.Status(); len(s.Closed) != 1 || !s.Closed["workspace"].Equal(w.began.Add(30*time.Second)) {
			t.Errorf("closed: %v", s.Closed)
		}
		other := w.update("c", of("edit"))
		w.add(other)
		w.wait(time.Minute)
		w.first(other, 30*time.Second)
	})
}

func TestRetryAfterWithoutALimitHoldsOnlyItself(t *testing.T) {
	bubble(t, func(w *world) {
		refused := w.update("a")
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if d.ID == refused.ID && try == 1 {
				return outbox.RetryAfterError{After: 30 * time.Second}
			}
			return nil
		}
		other := w.update("b")
		w.add(refused, other)
		w.wait(time.Minute)
		w.first(other, 0)
		if at := w.at(refused); len(at) != 2 || at[1] != 30*time.Second {
			t.Errorf("attempts at %v", at)
		}
	})
}

func TestTooManyRequestsDoNotOpenTheBreaker(t *testing.T) {
	bubble(t, func(w *world) {
		w.slack.Answer = func(_ context.Context, d outbox.Delivery, try int) error {
			if try < 20 {
				return outbox.RetryAfterError{After: time.Second}
			}
			return nil
		}
		w.add(w.update("a"))
		for range 15 {
			w.wait(time.Second)
			if w.box.Status().Down["slack"] {
				t.Fatal("the breaker opened")
			}
		}
	})
}

func TestCancelledDeliveriesUseNoTokens(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Route = limited("slack", outbox.Limit{Name: "tier", Every: time.Minute})
		w.queue.Irrelevant = func(d outbox.Delivery) string {
			if d.Stream == "resolved" {
				return "resolved"
			}
			return ""
		}
		for range 100 {
			w.add(w.page("resolved"))
		}
		page := w.page("open")
		w.add(page)
		w.wait(time.Second)
		w.first(page, 0)
		w.wait(time.Minute)
		w.sent(page)
		if n := len(w.queue.Outcomes()); n != 101 {
			t.Errorf("%d settled", n)
		}
	})
}
