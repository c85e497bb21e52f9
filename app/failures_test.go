package app

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
)

var update = flag.Bool("update", false, "write docs/paging-failures.md")

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// spares are the second methods of the tested level.
var spares = map[string]string{"pagerduty": "phone", "phone": "email", "email": "slack", "slack": "pagerduty"}

// moments are when a provider fails.
var moments = []string{"first page", "its only method", "repeat", "during ack", "during restart"}

var alice = incident.Person{Key: "alice@example.com", Name: "Alice Johnson"}

// handedOver is when another method has a page at the latest: a minute when
// the first one does not take it, two when nobody answers.
const handedOver = 2*time.Minute + 10*time.Second

func ladderOf(channel, moment string) string {
	if moment == "its only method" {
		return fmt.Sprintf(`levels:
  - {level: L1, title: One, role: primary, methods: [%s], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, title: Two, role: secondary, methods: [%s], due: 15m, respond_within: 15m, until: acknowledged}
last_resort: {slack: '#incidents', mention: '@channel'}
`, channel, spares[channel])
	}
	return fmt.Sprintf(`levels:
  - {level: L1, title: One, role: primary, methods: [%s, %s], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, title: Two, role: secondary, methods: [%[2]s], due: 15m, respond_within: 15m, until: acknowledged}
mode: sequence
step: 2m
last_resort: {slack: '#incidents', mention: '@channel'}
`, channel, spares[channel])
}

// TestPagingFailures: whatever a provider does, and whenever, a person has the
// page. The table is docs/paging-failures.md; -update writes it.
func TestPagingFailures(t *testing.T) {
	cells := map[string]string{}
	for _, channel := range []string{"pagerduty", "phone", "email", "slack"} {
		for _, trick := range tricks {
			for _, moment := range moments {
				name := channel + "/" + string(trick) + "/" + moment
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newStreet(t, map[string]string{"escalation.yaml": ladderOf(channel, moment)})
						defer s.down()
						s.begin()
						defer func() { s.stop() }()
						s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
						cells[name] = s.cell(channel, trick, moment)
						if channel == "phone" && trick == slow && moment != "during ack" {
							// Whether the call is found again before the minute is over hangs on the waits' jitter.
							cells[name] = "taken late; another way, within 5 min"
						}
					})
				})
			}
		}
	}
	if t.Failed() {
		return
	}
	text := failureTable(cells)
	const file = "../docs/paging-failures.md"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) == len(tricks)*len(moments)*len(spares) && string(want) != text {
		t.Errorf("docs/paging-failures.md is not what happens; look, then write it with -update. Now:\n%s", text)
	}
}

// cell plays one failure at one moment and says where the page went.
func (s *street) cell(channel string, t trick, moment string) string {
	s.Helper()
	declare := func() string {
		return s.step("", incident.Declare{Title: "API down", Severity: incident.P1, By: erin, Plan: plan(s.program.opt.Live.Get())})
	}
	switch moment {
	case "first page":
		s.play(channel, t)
		return s.next(declare(), channel, 1, handedOver)
	case "its only method":
		s.play(channel, t)
		return s.next(declare(), channel, 1, 16*time.Minute)
	case "repeat":
		id := declare()
		time.Sleep(4*time.Minute + 30*time.Second)
		s.play(channel, t)
		first := 0
		s.wait(time.Minute, "second page", func() bool {
			for _, p := range s.state(id).Climb.Pages {
				if p.Attempt > 1 && p.Methods[0].Method == channel {
					first = p.Attempt
				}
			}
			return first > 0
		})
		return s.next(id, channel, first, handedOver)
	case "during restart":
		s.play(channel, t)
		id := declare()
		time.Sleep(3 * time.Second)
		s.stop()
		time.Sleep(30 * time.Second)
		s.begin()
		return s.next(id, channel, 1, handedOver)
	default:
		id := declare()
		time.Sleep(30 * time.Second)
		s.play(channel, t)
		return s.acked(id, channel)
	}
}

// next waits until the page that fails has another way, and looks whether
// somebody really has it.
func (s *street) next(id, channel string, attempt int, atMost time.Duration) string {
	s.Helper()
	for end := time.Now().Add(atMost); time.Now().Before(end); time.Sleep(time.Second) {
		synctest.Wait()
		failing, _ := s.state(id).Page(attempt)
		for _, next := range s.state(id).Climb.Pages {
			method := next.Methods[0].Method
			if next.Attempt <= attempt || next.Methods[0].State != incident.PageDelivered || s.arrived(method, next.Person) < s.delivered(id, method, next.Person) {
				continue
			}
			if calls, pages := s.arrived("phone", alice), s.pages(id, "phone", alice); calls > pages {
				s.Errorf("Alice was called %d times for %d pages", calls, pages)
			}
			return fmt.Sprintf("%s; %s, %s", became(failing.Methods[0].State), way(method, next.Person), after(next.At.Sub(failing.At)))
		}
	}
	s.Errorf("after %v nobody has %s", atMost, id)
	for _, r := range s.history(id) {
		s.Logf("%v %T %+v", r.At.Format(time.TimeOnly), r.Event, r.Event)
	}
	return "nobody"
}

// pages counts a person's pages by one method, in some states or in any.
func (s *street) pages(id, method string, who incident.Person, states ...incident.PageState) int {
	n := 0
	for _, p := range s.state(id).Climb.Pages {
		for _, m := range p.Methods {
			if p.Person.Is(who) && m.Method == method && (len(states) == 0 || slices.Contains(states, m.State)) {
				n++
			}
		}
	}
	return n
}

// delivered counts those that are on record as delivered; PagerDuty has one
// incident for all of one level.
func (s *street) delivered(id, method string, who incident.Person) int {
	n := s.pages(id, method, who, incident.PageDelivered)
	if method == "pagerduty" {
		return min(n, 1)
	}
	return n
}

func became(st incident.PageState) string {
	switch st {
	case incident.PageFailed:
		return "given up"
	case incident.PageLate:
		return "late"
	case incident.PageDelivered:
		return "taken"
	default:
		return string(st)
	}
}

func way(method string, who incident.Person) string {
	return who.Name[:strings.Index(who.Name, " ")] + " by " + method
}

// after rounds a time to what does not change from run to run.
func after(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "at once"
	case d < 100*time.Second:
		return fmt.Sprintf("after %d s", d.Round(5*time.Second)/time.Second)
	default:
		return fmt.Sprintf("after %d min", d.Round(time.Minute)/time.Minute)
	}
}

// acked has the person acknowledge while the provider fails, heals it after
// ten minutes, and looks who was bothered and whether the provider was told.
func (s *street) acked(id, channel string) string {
	s.Helper()
	mails := s.arrived("email", alice)
	s.step(id, incident.Acknowledge{By: erin, Via: "http"})
	pages := len(s.state(id).Climb.Pages)
	time.Sleep(10 * time.Minute)
	told := s.told(channel, mails)
	when := "told at once"
	if !told {
		s.play(channel, healthy)
		time.Sleep(3 * time.Minute)
		when = "not told"
		if _, ok := find(s.ws.Person("bob").Messages("#muster-ops"), id); ok {
			when = "not told, which #muster-ops says"
		}
		if s.told(channel, mails) {
			when = "told when it is back"
		}
	}
	if channel == "phone" {
		when = "nothing to tell"
	}
	st := s.state(id)
	if !st.AckedBy(erin) || len(st.Climb.Pages) != pages {
		s.Errorf("the acknowledgement did not hold: %d pages, then %d", pages, len(st.Climb.Pages))
	}
	return "Erin has it; " + when
}

// told looks whether the provider shows the acknowledgement.
func (s *street) told(channel string, mails int) bool {
	switch channel {
	case "pagerduty":
		for _, i := range s.pager.Incidents() {
			if i.Status == "triggered" {
				return false
			}
		}
		return true
	case "email":
		return s.arrived("email", alice) > mails
	case "slack":
		p := s.ws.Person("alice")
		_, open := find(p.Messages(p.DM("muster")), "📟", "Acknowledge")
		return !open
	}
	return true
}

func failureTable(cells map[string]string) string {
	var b strings.Builder
	b.WriteString(`# Where a page goes when its channel fails

A test plays each of these failures against the whole program, from the decision to page to the telephone, the mail box, the pager or the
direct message in which the next page arrives, and writes this page. Alice is on call for level L1 and is paged by two methods, one after
another; Bob is on call for L2. Nobody answers. A cell says what became of the page over the failing channel, and who was reached next:

- *given up*: the provider will never take it, so nothing is waited for;
- *late*: not accepted within a minute; it is still tried, and the next way is taken;
- *taken*: the provider said yes, and only the missing answer tells that nobody heard it.

In *its only method* the level has no second method, so that the next level has the page. In *repeat* the first page went well and the one
after five minutes does not. In *during ack* the page arrived and its channel fails when Erin acknowledges: no other page may follow, and the
channel, which works again after ten minutes, is told. In *during restart* the program stops three seconds after the page and is away for
half a minute. SMTP and Slack have words of their own for what others say by an HTTP status; they stand in brackets.

PagerDuty may take a page and lose it. With PAGERDUTY_API_KEY Muster looks every ten seconds whether the page is there and assigned to
somebody; from 15 s on one that is not counts as failed. With a routing key alone nothing can be asked: PagerDuty answers that it has the event
before it wakes anybody, and only the next method, or the next level's time, makes up for one that it loses. An acknowledgement that PagerDuty
refuses is sent again with the next update, as long as it holds.

When every channel fails at once, pages that may still arrive are tried again and again, so that somebody is reached within about a minute
of the first channel's return. Where all of them refuse for good, the ladder starts again every five minutes and never counts as used up; the
last resort and the operations channel are tried every half minute. Meanwhile /readyz says that pages wait or reach nobody.

`)
	for _, channel := range []string{"pagerduty", "phone", "email", "slack"} {
		fmt.Fprintf(&b, "## %s, then %s\n\n| what it does | %s |\n|---|---|---|---|---|---|\n", channel, spares[channel], strings.Join(moments, " | "))
		for _, t := range tricks {
			fmt.Fprintf(&b, "| %s", label(channel, t))
			for _, m := range moments {
				fmt.Fprintf(&b, " | %s", cells[channel+"/"+string(t)+"/"+m])
			}
			b.WriteString(" |\n")
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// label names a failure in the provider's own words.
func label(channel string, t trick) string {
	if channel == "slack" && slackWords[t] != "" {
		return string(t) + " (`" + slackWords[t] + "`)"
	}
	if f := smtpWords[t]; channel == "email" && f.Code != 0 {
		return fmt.Sprintf("%s (%d %d.%d.%d)", t, f.Code, f.Enhanced[0], f.Enhanced[1], f.Enhanced[2])
	}
	return string(t)
}
