package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/workspace/pagerduty"
)

// foreigners is the street, and somebody who looks on.
var foreigners = map[string]string{
	"escalation.yaml": everyWay, "oncall/rotation.yaml": streetRota + "  third:\n    name: Third\n    members:\n      - {name: Erin Davis, email: erin@example.com, slack: '@erin'}\n",
}

// opens has a person open an incident in PagerDuty, and gives its ID there.
func (s *street) opens(who, title string) string {
	s.Helper()
	body := fmt.Sprintf(`{"incident":{"type":"incident","title":%q,"service":{"id":"PMUSTER","type":"service_reference"},"urgency":"high","assignments":[{"assignee":{"id":"PMUSTER"}}]}}`, title)
	req := httptest.NewRequest(http.MethodPost, "/incidents", strings.NewReader(body))
	req.Header.Set("Authorization", "Token token=pager5ecret")
	req.Header.Set("From", who)
	w := httptest.NewRecorder()
	s.pager.Handler().ServeHTTP(w, req)
	var said struct {
		Incident struct {
			ID string `json:"id"`
		} `json:"incident"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != http.StatusCreated {
		s.Fatalf("PagerDuty answers %d %v: %s", w.Code, err, w.Body)
	}
	return said.Incident.ID
}

// hooks posts a signed webhook about an incident in PagerDuty.
func (s *street) hooks(delivery, event, kind, status, id string, created, at time.Time, more string) {
	s.Helper()
	body := []byte(fmt.Sprintf(`{"event":{"id":%q,"event_type":"incident.%s","resource_type":"incident","occurred_at":%q,"agent":{"id":"PBOB","type":"user_reference"},
		"data":{"id":%q,"type":"incident","status":%q,"title":"The till is stuck","urgency":"high","created_at":%q%s}}}`,
		event, kind, at.UTC().Format(time.RFC3339Nano), id, status, created.UTC().Format(time.RFC3339), more))
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://muster.local/v1/webhooks/pagerduty", bytes.NewReader(body))
	s.must(err)
	req.Header.Set("X-Webhook-Id", delivery)
	req.Header.Set("X-PagerDuty-Signature", pagerduty.Sign(body, "hook5ecret"))
	resp, err := s.client().Do(req)
	s.must(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		s.Fatalf("the webhook %s is answered with %s", kind, resp.Status)
	}
}

func (s *street) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// there gives an incident as PagerDuty has it.
func (s *street) there(id string) pagerduty.Incident {
	s.Helper()
	for _, i := range s.pager.Incidents() {
		if i.ID == id {
			return i
		}
	}
	s.Fatalf("PagerDuty has no %s", id)
	return pagerduty.Incident{}
}

// again stops the program, lets time pass, and starts it anew.
func (s *street) again(away time.Duration) {
	s.Helper()
	s.stop()
	time.Sleep(away)
	s.begin()
	s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
}

// TestWhatIsOpenedInPagerDutyIsOneIncident: it is declared here once, whatever
// comes again, and our own pages for it are not declared in turn. Answers go
// both ways.
func TestWhatIsOpenedInPagerDutyIsOneIncident(t *testing.T) {
	onStreet(t, foreigners, func(s *street) {
		began := time.Now()
		id := s.opens("bob@example.com", "The shop answers nobody")
		s.inChannel("#incidents", 20*time.Second, "🚨 P0 Incident: The shop answers nobody")
		s.wait(time.Minute, "page of ours in PagerDuty", func() bool { return s.arrived("pagerduty", alice) == 1 })
		for range 2 { // the same delivery, another one, and after a restart
			s.hooks("again", "EVENT", "triggered", "triggered", id, began, began, "")
			s.hooks("and again", "EVENT", "triggered", "triggered", id, began, began, "")
			s.again(time.Second)
		}
		if status, answer := s.ask("POST", "/v1/test-page", "api-token", "", `{"as":"alice@example.com"}`); status != http.StatusOK {
			t.Fatalf("the test page is answered with %d: %s", status, answer)
		}
		s.wait(time.Minute, "test page in PagerDuty", func() bool { return s.arrived("pagerduty", alice) == 2 })
		time.Sleep(5 * time.Minute)
		if list := s.incidents(); len(list) != 1 {
			t.Fatalf("one incident in PagerDuty is %d here", len(list))
		}
		s.must(s.pager.Acknowledge("PBOB", id))
		s.wait(20*time.Second, "acknowledgement here", func() bool { return s.state("INC-1").AckedBy(bob) })
		s.post(200, "resolve INC-1 the till was stuck", "alice@example.com", "")
		s.wait(time.Minute, "resolved incident in PagerDuty", func() bool { return s.there(id).Status == "resolved" })
		s.again(time.Minute)
		time.Sleep(5 * time.Minute)
		if list := s.incidents(); len(list) != 1 {
			t.Fatalf("after its end there are %d incidents", len(list))
		}
		if n := s.facts("INC-1")["resolved"]; n != 1 {
			t.Errorf("it was resolved %d times", n)
		}
		s.checkOnce()
	})
}

// TestWebhooksThatOvertakeOneAnother: an end that comes before the beginning
// ends it all the same, and a late one ends nothing that was opened again.
func TestWebhooksThatOvertakeOneAnother(t *testing.T) {
	onStreet(t, foreigners, func(s *street) {
		at := func(minutes int) time.Time { return time.Date(2000, 1, 1, 0, minutes, 0, 1e6, time.UTC) }
		time.Sleep(time.Until(at(30)))
		s.hooks("1", "E1", "resolved", "resolved", "PSOON", at(0), at(10), "")
		time.Sleep(2 * time.Minute)
		s.again(time.Second)
		s.hooks("2", "E2", "triggered", "triggered", "PSOON", at(0), at(0), "")
		time.Sleep(time.Minute)
		s.hooks("3", "E3", "priority_updated", "resolved", "PSOON", at(0), at(11), `,"priority":{"summary":"P2"}`)
		time.Sleep(time.Minute)
		if n := len(s.incidents()); n != 0 {
			t.Fatalf("what is over became %d incidents", n)
		}
		s.hooks("4", "E4", "reopened", "triggered", "PSOON", at(0), at(20), "")
		s.inChannel("#incidents", 20*time.Second, "🚨 P0 Incident: The till is stuck")
		s.hooks("5", "E5", "resolved", "resolved", "PSOON", at(0), at(12), "")
		time.Sleep(time.Minute)
		if firing, total := s.state("INC-1").AlertsFiring(); firing != 1 || total != 1 || !s.state("INC-1").Open() {
			t.Errorf("after an old end %d of %d alerts fire, and the incident is %s", firing, total, s.state("INC-1").Status)
		}
		s.hooks("6", "E6", "resolved", "resolved", "PSOON", at(0), at(25), "")
		s.wait(20*time.Second, "end by Bob", func() bool { return s.state("INC-1").Resolution.By.Is(bob) })
		if n := len(s.incidents()); n != 1 {
			t.Errorf("%d incidents", n)
		}
	})
}

// TestWebhooksWithoutKeysAndSecrets: the secret alone takes PagerDuty's
// incidents in; without it every webhook is refused with what to set; with a
// routing key alone, what may be a page of ours does not come back.
func TestWebhooksWithoutKeysAndSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		secret, routing string
		agent           string
		status          int
		says            string
		incidents       int
	}{
		"nothing":               {agent: "user_reference", status: 403, says: "set PAGERDUTY_WEBHOOK_SECRET"},
		"the routing key alone": {routing: "r0uting", agent: "user_reference", status: 403, says: "set PAGERDUTY_WEBHOOK_SECRET"},
		"the secret alone":      {secret: "hook5ecret", agent: "user_reference", status: 202, incidents: 1},
		"both, by a person":     {secret: "hook5ecret", routing: "r0uting", agent: "user_reference", status: 202, incidents: 1},
		"both, by an event":     {secret: "hook5ecret", routing: "r0uting", agent: "events_api_v2_inbound_integration_reference", status: 202},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, map[string]string{"escalation.yaml": "levels:\n  - {level: L1, title: One, role: primary, methods: [slack], due: 0s, until: acknowledged}\nlast_resort: {slack: '#incidents'}\n"}, func(w *world) {
				w.stop()
				w.change = func(o *Options) {
					o.Env.PagerDutyWebhookSecret, o.Env.PagerDutyRoutingKey = config.NewSecret(c.secret), config.NewSecret(c.routing)
				}
				w.start()
				body := []byte(`{"event":{"id":"E","event_type":"incident.triggered","resource_type":"incident","occurred_at":"2000-01-01T00:00:00Z","agent":{"id":"PX","type":"` + c.agent + `"},
					"data":{"id":"PELSE","type":"incident","status":"triggered","title":"The till is stuck","urgency":"high","created_at":"2000-01-01T00:00:00Z"}}}`)
				req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://muster.local/v1/webhooks/pagerduty", bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-PagerDuty-Signature", pagerduty.Sign(body, "hook5ecret"))
				resp, err := w.client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				var said bytes.Buffer
				_, _ = said.ReadFrom(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != c.status || !strings.Contains(said.String(), c.says) {
					t.Errorf("answered with %s: %s", resp.Status, &said)
				}
				time.Sleep(10 * time.Second)
				if n := len(w.incidents()); n != c.incidents {
					t.Errorf("%d incidents, want %d", n, c.incidents)
				}
			})
		})
	}
}

// TestDoctorSaysWhetherPagerDutyIsHeard names what is missing for its webhooks.
func TestDoctorSaysWhetherPagerDutyIsHeard(t *testing.T) {
	for name, c := range map[string]struct {
		env  config.Env
		says string
		ok   bool
	}{
		"a key and no secret":         {config.Env{PagerDutyAPIKey: config.NewSecret("k")}, "PAGERDUTY_WEBHOOK_SECRET is not set", true},
		"a routing key and no secret": {config.Env{PagerDutyRoutingKey: config.NewSecret("k")}, "acknowledg", false},
		"both":                        {config.Env{PagerDutyAPIKey: config.NewSecret("k"), PagerDutyWebhookSecret: config.NewSecret("s")}, "become incidents here", true},
		"the secret alone":            {config.Env{PagerDutyWebhookSecret: config.NewSecret("s")}, "become incidents here", true},
	} {
		checks := Question{}.checkAlerts(t.Context(), c.env, nil, "")
		i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == "pagerduty webhooks" })
		if i < 0 || checks[i].OK != c.ok || !strings.Contains(checks[i].Detail, c.says) {
			t.Errorf("%s: %+v", name, checks)
		}
	}
	for _, c := range (Question{}).checkAlerts(t.Context(), config.Env{}, nil, "") {
		if c.Name == "pagerduty webhooks" {
			t.Errorf("without PagerDuty it says %+v", c)
		}
	}
}
