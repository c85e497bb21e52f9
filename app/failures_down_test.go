package app

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/escalation"
	"muster/incident"
)

var bob = incident.Person{Key: "bob@example.com", Name: "Bob Smith"}

// everyWay has Alice paged over everything at once, and Bob after her.
const everyWay = `levels:
  - {level: L1, title: One, role: primary, methods: [pagerduty, phone, email, slack], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, title: Two, role: secondary, methods: [pagerduty, phone, email, slack], due: 15m, respond_within: 15m, until: acknowledged}
last_resort: {slack: '#incidents', mention: '@channel'}
`

// onStreet runs a test with every provider in a bubble.
func onStreet(t *testing.T, files map[string]string, test func(s *street)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, files)
		defer s.down()
		s.begin()
		defer func() { s.stop() }()
		s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
		test(s)
	})
}

func (s *street) declare() string {
	return s.step("", incident.Declare{Title: "API down", Severity: incident.P1, By: erin, Plan: plan(s.program.opt.Live.Get())})
}

// TestEveryChannelDown: no channel works, and /readyz says so. As soon as one
// is back somebody is reached over it; when it is Slack, the last resort and
// the operations channel have it too.
func TestEveryChannelDown(t *testing.T) {
	for _, trick := range []trick{refuses, hangs, is401, limited, is500} {
		soon := 75 * time.Second // the longest wait between two tries
		if trick == is401 {
			soon = escalation.Unheard // nothing is tried again before the ladder's next start
		}
		for back := range spares {
			t.Run(string(trick)+"/"+back, func(t *testing.T) {
				onStreet(t, map[string]string{"escalation.yaml": everyWay}, func(s *street) {
					for way := range spares {
						s.play(way, trick)
					}
					id := s.declare()
					time.Sleep(12 * time.Minute)
					if status, answer := s.ask(http.MethodGet, "/readyz", "", "", ""); status != http.StatusServiceUnavailable || !strings.Contains(answer, "page") {
						t.Errorf("/readyz says %d %s", status, answer)
					}
					s.play(back, healthy)
					s.wait(soon, "page to anybody", func() bool { return s.arrived(back, alice)+s.arrived(back, bob) > 0 })
					if back != "slack" {
						return
					}
					s.wait(time.Minute, "last resort", func() bool { return count(s.ws.Person("bob").Messages("#incidents"), id, "<!channel>") > 0 })
					s.wait(time.Minute, "word in the operations channel", func() bool { return count(s.ws.Person("bob").Messages("#muster-ops"), id) > 0 })
				})
			})
		}
	}
}

// TestLastResortPerson: a person who is the last resort has the page over
// whatever is back first.
func TestLastResortPerson(t *testing.T) {
	const alone = `levels:
  - {level: L1, title: One, role: primary, methods: [pagerduty, phone, email, slack], due: 0s, respond_within: 5m, until: acknowledged}
repeat: 0
last_resort: {person: bob@example.com}
`
	for back := range spares {
		t.Run(back, func(t *testing.T) {
			onStreet(t, map[string]string{"escalation.yaml": alone}, func(s *street) {
				for way := range spares {
					s.play(way, refuses)
				}
				s.declare()
				time.Sleep(12 * time.Minute)
				s.play(back, healthy)
				s.wait(75*time.Second, "page to Bob", func() bool { return s.arrived(back, bob) > 0 })
			})
		})
	}
}

// TestRefusedForLong: rounds in which every page was refused use up nothing.
func TestRefusedForLong(t *testing.T) {
	onStreet(t, map[string]string{"escalation.yaml": everyWay}, func(s *street) {
		for way := range spares {
			s.play(way, is403)
		}
		s.declare()
		time.Sleep(42 * time.Minute)
		s.play("phone", healthy)
		s.wait(escalation.Unheard, "call to Alice", func() bool { return s.arrived("phone", alice) > 0 })
	})
}

// TestLevelWithNobody: it is passed in the same step.
func TestLevelWithNobody(t *testing.T) {
	empty := strings.Replace(everyWay, "role: primary", "role: spare", 1)
	rota := streetRota + "  spare:\n    name: Spare\n    members:\n      - {name: Carol Jones, slack: '@carol'}\n"
	for what, files := range map[string]map[string]string{
		"no usable method": {"escalation.yaml": strings.Replace(empty, "[pagerduty, phone, email, slack]", "[pagerduty, phone, email]", 1), "oncall/rotation.yaml": rota},
	} {
		t.Run(what, func(t *testing.T) {
			onStreet(t, files, func(s *street) {
				id := s.declare()
				s.wait(time.Second, "page to Bob", func() bool { return s.arrived("phone", bob) == 1 })
				var passed, paged time.Time
				for _, r := range s.history(id) {
					switch r.Event.(type) {
					case incident.LevelPassed:
						passed = r.At
					case incident.Paged:
						paged = r.At
					}
				}
				if passed.IsZero() || !passed.Equal(paged) {
					t.Errorf("the level was passed at %v, and the next one paged at %v", passed, paged)
				}
			})
		})
	}
}

// TestNoSlackAccount: who has none, or none any more, is paged by the other
// ways, and the page over Slack goes on at once.
func TestNoSlackAccount(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		rota := strings.Replace(streetRota, " slack: '@alice',", "", 1)
		onStreet(t, map[string]string{"escalation.yaml": everyWay, "oncall/rotation.yaml": rota}, func(s *street) {
			s.declare()
			s.wait(5*time.Second, "page by the other ways", func() bool {
				return s.arrived("phone", alice) == 1 && s.arrived("email", alice) == 1 && s.arrived("pagerduty", alice) == 1
			})
		})
	})
	t.Run("switched off", func(t *testing.T) {
		onStreet(t, map[string]string{"escalation.yaml": ladderOf("slack", "first page")}, func(s *street) {
			if err := s.ws.Deactivate("alice"); err != nil {
				t.Fatal(err)
			}
			id := s.declare()
			s.wait(2*time.Second, "page by PagerDuty", func() bool { return s.arrived("pagerduty", alice) == 1 })
			if page, _ := s.state(id).Page(1); page.Methods[0].State != incident.PageFailed || !strings.Contains(page.Methods[0].Reason, "switched off") {
				t.Errorf("the page over Slack is %+v", page.Methods[0])
			}
		})
	})
}
