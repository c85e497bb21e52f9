package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// TestLedgerIsSeen: what became of every page stands on the card's details, in
// show, over HTTP and in the metrics.
func TestLedgerIsSeen(t *testing.T) {
	onStreet(t, map[string]string{"escalation.yaml": everyWay}, func(s *street) {
		s.play("email", is404)
		s.play("phone", is400)
		id := s.declare()
		time.Sleep(30 * time.Second)
		want := map[string]incident.LedgerState{
			"pagerduty": incident.LedgerAccepted, "slack": incident.LedgerDelivered, "email": incident.LedgerFailed, "phone": incident.LedgerFailed,
		}
		var said struct {
			Text string
			Data struct {
				ID     string
				Ledger []incident.LedgerEntry
			}
		}
		read := func(from string) {
			t.Helper()
			if err := json.Unmarshal([]byte(from), &said); err != nil {
				t.Fatal(err)
			}
		}
		read(s.post(http.StatusOK, "show "+id, "bob@example.com", ""))
		var over struct{ Ledger []incident.LedgerEntry }
		_, text := s.ask(http.MethodGet, "/v1/incidents/"+id, "api-token", "", "")
		if err := json.Unmarshal([]byte(text), &over); err != nil {
			t.Fatal(err)
		}
		for where, list := range map[string][]incident.LedgerEntry{"show --json": said.Data.Ledger, "HTTP": over.Ledger} {
			got := map[string]incident.LedgerState{}
			for _, e := range list {
				got[e.Method] = e.State
				if e.State == incident.LedgerFailed && e.Steps[1].Reason == "" || e.Steps[0].At.IsZero() {
					t.Errorf("%s: %s lacks its reason or its time: %+v", where, e.Method, e.Steps)
				}
			}
			for method, state := range want {
				if got[method] != state {
					t.Errorf("%s: the page over %s is %s, want %s", where, method, got[method], state)
				}
			}
		}
		if said.Data.ID != id {
			t.Errorf("the incident itself is not in the answer: %q", said.Data.ID)
		}
		for _, words := range []string{"Alice Johnson, L1 primary, due", "PagerDuty accepted", "Slack delivered", "phone failed ("} {
			if !strings.Contains(said.Text, words) {
				t.Errorf("show does not say %q:\n%s", words, said.Text)
			}
		}
		s.click("bob", s.cardNow("API down"), "#incidents", "Details")
		s.privately("bob", "#incidents", "Pages", "L1 primary, due", "Slack delivered")
		_, metrics := s.ask(http.MethodGet, "/metrics", "", "", "")
		for _, line := range []string{
			`muster_pages_total{level="L1",method="pagerduty",state="accepted"} 1`, `muster_pages_total{level="L1",method="email",state="failed"} 1`,
			`muster_page_seconds_count{method="slack"} 1`,
		} {
			if !strings.Contains(metrics, line) {
				t.Errorf("the metrics lack %s", line)
			}
		}
	})
}
