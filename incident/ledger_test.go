package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// TestLedger follows pages through everything that can become of them.
func TestLedger(t *testing.T) {
	ann, bob := incident.Person{Key: "ann@example.com", Name: "Ann"}, incident.Person{Key: "bob@example.com", Name: "Bob"}
	settled := func(attempt int, method string, state incident.PageState, reason, ref string) incident.Event {
		return incident.PageSettled{Attempt: attempt, Method: method, State: state, Reason: reason, Ref: ref, Took: 2 * time.Second}
	}
	var history []incident.Record
	for i, e := range []incident.Event{
		incident.Declared{ID: "INC-1"},
		incident.Paged{Attempt: 1, Level: "L1", Role: "primary", Person: ann, Methods: []string{"phone", "slack", "email"}, Missing: map[string]string{"pagerduty": "not configured"}, Why: incident.WhyDue},
		settled(1, "slack", incident.PageDelivered, "", "D1/1.1"),
		settled(1, "phone", incident.PageDelivered, "", "CA1"),
		settled(1, "email", incident.PageLate, "not accepted within a minute", ""),
		incident.Noted{By: incident.Self, Source: incident.CallSource + "CA1", Text: "The call to Ann was not answered."},
		incident.Noted{By: bob, Source: "C1/1.1", Text: "somebody's own note"},
		settled(1, "email", incident.PageFailed, "no such mailbox", ""),
		incident.Paged{Attempt: 2, Person: bob, Methods: []string{"phone"}, Why: incident.WhyAsked, Reason: "knows it best"},
		incident.Acknowledged{By: ann, Via: "slack"},
		settled(2, "phone", incident.PageCancelled, "Ann has acknowledged", ""),
		settled(7, "phone", incident.PageDelivered, "of no page", "CA9"),
	} {
		history = append(history, incident.Record{Seq: uint64(i + 1), At: begin.Add(time.Duration(i) * time.Minute), Event: e})
	}
	var got []string
	for _, e := range incident.Ledger(history) {
		line := fmt.Sprintf("%d %s%s %s:", e.Attempt, e.Person, when(e.Level != "", " "+e.Level), e.Method)
		for _, s := range e.Steps {
			line += fmt.Sprintf(" %s %s%s", offset(s.At), s.State, when(s.Reason != "", " ("+s.Reason+")"))
		}
		line += when(e.Delay > 0, " delay "+short(e.Delay)) + when(!e.AnsweredAt.IsZero(), " answered "+offset(e.AnsweredAt))
		if last := e.Steps[len(e.Steps)-1].State; e.State != last {
			t.Errorf("%s: the state is %s, the last step %s", line, e.State, last)
		}
		got = append(got, line)
	}
	want := `1 Ann L1 phone: +1m queued +3m accepted +5m told (The call to Ann was not answered.) delay 2s answered +9m
1 Ann L1 slack: +1m queued +2m delivered delay 2s answered +9m
1 Ann L1 email: +1m queued +4m late (not accepted within a minute) +7m failed (no such mailbox) answered +9m
1 Ann L1 pagerduty: +1m not used (not configured)
2 Bob phone: +8m queued +10m cancelled (Ann has acknowledged)`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("the ledger is\n%s\nwant\n%s", text, want)
	}
}
