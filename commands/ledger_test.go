package commands

import (
	"testing"
	"time"

	"muster/incident"
)

// TestWhatAProviderSaysLater does not change when it took the page.
func TestWhatAProviderSaysLater(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	step := func(s incident.LedgerState, after time.Duration, why string) incident.LedgerStep {
		return incident.LedgerStep{State: s, At: at.Add(after), Reason: why}
	}
	got := attempt([]incident.LedgerEntry{{
		Attempt: 1, Person: incident.Person{Name: "Ann"}, Level: "L1", Role: "primary", Method: "phone", Why: incident.WhyDue, State: incident.LedgerTold,
		Steps: []incident.LedgerStep{
			step(incident.LedgerQueued, 0, ""), step(incident.LedgerAccepted, 2*time.Second, ""), step(incident.LedgerTold, time.Minute, "A machine answered."),
			step(incident.LedgerTold, 12*time.Minute, "The call to Ann was not answered."),
		},
	}}).Plain()
	const want = "• 2026-11-22 03:00 UTC Ann, L1 primary, due: phone accepted after 2 s (The call to Ann was not answered.)"
	if got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}
