package app

import (
	"slices"
	"testing"
	"time"

	"muster/incident"
	"muster/notify"
)

// TestAnAcknowledgementStopsOnlyItsOwnPages: in the provider, too, a level that
// asks "is it resolved?" goes on asking when somebody else acknowledges.
func TestAnAcknowledgementStopsOnlyItsOwnPages(t *testing.T) {
	alice, carol := incident.Person{Key: "alice@example.com"}, incident.Person{Key: "carol@example.com"}
	page := func(level string, who incident.Person, ref string) incident.PageStatus {
		return incident.PageStatus{Level: level, Person: who, Methods: []incident.MethodStatus{{Method: "pagerduty", Ref: ref}}}
	}
	s := incident.Incident{
		Plan: incident.Plan{Ladder: incident.Ladder{Levels: []incident.Level{
			{Name: "L1", Until: incident.UntilAcknowledged}, {Name: "L3", Until: incident.UntilResolved},
		}}},
		Climb: incident.Climb{Pages: []incident.PageStatus{page("L1", alice, "P1"), page("L3", carol, "P3"), page("L1", alice, "P1")}},
	}
	if got := stopped(s, "pagerduty", alice); !slices.Equal(got, []string{"P1"}) {
		t.Errorf("alice's acknowledgement stops %v", got)
	}
	if got := stopped(s, "pagerduty", carol); !slices.Equal(got, []string{"P1", "P3"}) {
		t.Errorf("carol's acknowledgement stops %v", got)
	}
	// The program must ask it: the whole list would silence L3.
	h := newHouse(t)
	plan := h.program.plan()
	plan.Ladder.Levels = plan.Ladder.Levels[:1]
	plan.Ladder.Levels[0].Methods = []string{"pagerduty"}
	plan.Ladder.Levels[0].Until = incident.UntilResolved
	_, err := h.program.incidents.Do(t.Context(), declareRequest(plan))
	h.must(err)
	h.paged()
	h.must(h.program.answer(t.Context(), notify.Answer{
		Incident: "INC-1", Person: incident.Person{Key: "erin@example.com"}, Kind: notify.Acknowledge, Via: "email", Key: "1",
	}))
	h.until(10*time.Second, "empty outbox", func() bool { return len(h.program.outbox.Status().Lanes) == 0 })
	if got := h.in.pagerduty.Incidents()[0].Status; got != "triggered" {
		t.Errorf("the page of a level that asks for the resolution is %s in PagerDuty", got)
	}
}
