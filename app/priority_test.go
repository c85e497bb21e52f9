package app

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/outbox"
)

// otherWays are the methods that need no Slack.
var otherWays = []string{"pagerduty", "phone", "email"}

// noRepeats is everyWay without a second page for an hour.
var noRepeats = strings.NewReplacer("respond_within: 5m", "respond_within: 60m", "due: 15m", "due: 60m").Replace(everyWay)

// TestSlackDelaysNoPage: whatever Slack does for ten minutes, PagerDuty, phone
// and mail have the page of every incident that is declared meanwhile at once.
func TestSlackDelaysNoPage(t *testing.T) {
	for _, trick := range []trick{healthy, refuses, hangs, limited, limitsAt, is500, slow} {
		t.Run("slack "+string(trick), func(t *testing.T) {
			onStreet(t, map[string]string{"escalation.yaml": noRepeats}, func(s *street) {
				before := s.declare()
				time.Sleep(time.Minute)
				s.play("slack", trick)
				longest := time.Duration(0)
				for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(25 * time.Second) {
					for range 5 { // and much to tell Slack
						s.step(before, incident.Note{By: erin, Text: "it goes on"})
					}
					id := s.declare()
					time.Sleep(5 * time.Second)
					longest = max(longest, s.longest(id, otherWays...))
				}
				t.Logf("the longest wait for a page over PagerDuty, phone or mail was %v", longest)
				if longest > 100*time.Millisecond {
					t.Errorf("a page waited %v", longest)
				}
			})
		})
	}
}

// longest is how long the first page of an incident took over the slowest of
// some methods; one that is not there yet is an error.
func (s *street) longest(id string, methods ...string) (longest time.Duration) {
	s.Helper()
	took := map[string]time.Duration{}
	for _, r := range s.history(id) {
		if e, ok := r.Event.(incident.PageSettled); ok && e.Attempt == 1 && e.State == incident.PageDelivered {
			took[e.Method] = e.Took
		}
	}
	for _, m := range methods {
		if _, ok := took[m]; !ok {
			s.Errorf("%s: the page over %s has not left", id, m)
		}
		longest = max(longest, took[m])
	}
	return longest
}

// TestCardsDelayNoPage: two thousand card updates wait for Slack, and a new
// incident's first page passes them, by direct message too.
func TestCardsDelayNoPage(t *testing.T) {
	const cards = 2000
	onStreet(t, map[string]string{"escalation.yaml": noRepeats}, func(s *street) {
		quiet := plan(s.program.opt.Live.Get())
		quiet.Notify, quiet.Cadence = nil, nil
		ids := make([]string, cards)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				ids[i] = s.step("", incident.Declare{Title: fmt.Sprint("Noise ", i), Severity: incident.P3, By: erin, Plan: quiet})
			})
		}
		all.Wait()
		for chat := cards; chat > 0; chat = s.program.outbox.Status().Lanes[outbox.Chat].Waiting {
			time.Sleep(10 * time.Minute) // Slack takes one announcement a second
		}
		for _, id := range ids {
			all.Go(func() { s.step(id, incident.MarkCritical{By: erin}) })
		}
		all.Wait()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := s.program.outbox.Status().Lanes[outbox.Chat].Waiting; n < cards {
			t.Fatalf("only %d deliveries wait", n)
		}
		id := s.declare()
		time.Sleep(5 * time.Second)
		longest := s.longest(id, append([]string{"slack"}, otherWays...)...)
		t.Logf("the first page took %v behind %d deliveries that wait", longest, s.program.outbox.Status().Lanes[outbox.Chat].Waiting)
		if longest >= time.Second {
			t.Errorf("the first page took %v", longest)
		}
	})
}

// TestEverythingDownForTenMinutes: the heartbeat stops within a minute. When
// all is back, pages leave before what only keeps people informed.
func TestEverythingDownForTenMinutes(t *testing.T) {
	for _, trick := range []trick{refuses, hangs, is500} {
		t.Run(string(trick), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStreet(t, map[string]string{"escalation.yaml": noRepeats})
				s.beats = &receiver{}
				defer s.down()
				s.begin()
				defer func() { s.stop() }()
				s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
				s.allDown(trick)
			})
		})
	}
}

func (s *street) allDown(t trick) {
	s.Helper()
	old := s.declare()
	time.Sleep(2 * time.Minute)
	down := time.Now()
	for way := range spares {
		s.play(way, t)
	}
	var ids []string
	for n := range 6 {
		ids = append(ids, s.declare())
		s.step(old, incident.PostUpdate{By: erin, Text: fmt.Sprint("we look at ", n)})
		time.Sleep(5 * time.Second)
	}
	time.Sleep(10*time.Minute - time.Since(down))
	last := down
	s.beats.mu.Lock()
	if n := len(s.beats.beats); n > 0 {
		last = s.beats.beats[n-1]
	}
	s.beats.mu.Unlock()
	s.Logf("the last heartbeat was %v after everything went", last.Sub(down))
	if last.Sub(down) > 45*time.Second || last.Before(down.Add(-time.Minute)) {
		s.Errorf("the last heartbeat was %v after everything went", last.Sub(down))
	}
	back := time.Now()
	for way := range spares {
		s.play(way, healthy)
	}
	s.wait(5*time.Minute, "heartbeat", func() bool { return s.beats.since(back) > 0 })
	s.calm(15 * time.Minute)
	for _, id := range ids {
		for _, way := range append([]string{"slack"}, otherWays...) {
			if s.pages(id, way, alice, incident.PageDelivered) == 0 {
				s.Errorf("%s was never paged over %s", id, way)
			}
		}
	}
	for name, is := range map[string]struct{ page, rest func(passage) bool }{
		"pagerduty": {
			func(p passage) bool { return p.path == "POST /incidents" },
			func(p passage) bool { return strings.HasSuffix(p.path, "/notes") && strings.HasPrefix(p.path, "POST") },
		},
		"slack": {
			func(p passage) bool {
				return strings.HasSuffix(p.path, "chat.postMessage") && strings.Contains(p.body, "%F0%9F%93%9F+P1")
			},
			func(p passage) bool { return strings.HasSuffix(p.path, "chat.update") },
		},
	} {
		var first, lastPage, firstRest time.Duration
		pages := 0
		for _, p := range s.fronts[name].since(back) {
			after := p.at.Sub(back)
			switch {
			case is.page(p):
				if pages++; pages == 1 {
					first = after
				}
				lastPage = after
			case is.rest(p) && firstRest == 0:
				firstRest = after
			}
		}
		s.Logf("%s: %d pages, from %v to %v after it was back; then the first of the rest at %v", name, pages, first, lastPage, firstRest)
		if pages == 0 || firstRest == 0 || first > firstRest {
			s.Errorf("%s: the first page left %v after it was back, the rest began at %v", name, first, firstRest)
		}
	}
}
