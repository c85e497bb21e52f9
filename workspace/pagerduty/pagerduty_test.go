package pagerduty

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func users() []User {
	return []User{{ID: "PA", Name: "Ann", Email: "ann@example.com"}, {ID: "PB", Name: "Ben", Email: "ben@example.com"}}
}

// do sends one request and gives its status and PagerDuty's error code.
func do(p *PagerDuty, method, path, from, body string) (status, code int) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Token token=k")
	r.Header.Set("From", from)
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	var e struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &e)
	return w.Code, e.Error.Code
}

func incidentFor(user, key string) string {
	return `{"incident":{"type":"incident","title":"t","service":{"id":"PMUSTER","type":"service_reference"},"incident_key":"` + key +
		`","assignments":[{"assignee":{"id":"` + user + `","type":"user_reference"}}]}}`
}

func TestWhatPagerDutyRefuses(t *testing.T) {
	p := New(Config{Users: users(), APIKey: "k"})
	if s, _ := do(p, "POST", "/incidents", "ann@example.com", incidentFor("PB", "one")); s != 201 {
		t.Fatalf("create: %d", s)
	}
	id := p.Incidents()[0].ID
	put := func(status string) string {
		return `{"incidents":[{"id":"` + id + `","type":"incident_reference","status":"` + status + `"}]}`
	}
	for _, c := range []struct {
		name, method, path, from, body string
		status, code                   int
	}{
		{"an open key", "POST", "/incidents", "ann@example.com", incidentFor("PB", "one"), 400, 2002},
		{"an unknown sender", "POST", "/incidents", "zoe@example.com", incidentFor("PB", "two"), 400, 1008},
		{"an unknown user", "POST", "/incidents", "ann@example.com", incidentFor("PZ", "two"), 400, 1007},
		{"an unknown incident", "GET", "/incidents/QX", "", "", 404, 2100},
		{"an unknown status", "PUT", "/incidents", "ann@example.com", put("closed"), 400, 1003},
		{"acknowledge", "PUT", "/incidents", "ann@example.com", put("acknowledged"), 200, 0},
		{"acknowledge again", "PUT", "/incidents", "ann@example.com", put("acknowledged"), 400, 1002},
		{"resolve", "PUT", "/incidents", "ann@example.com", put("resolved"), 200, 0},
		{"resolve again", "PUT", "/incidents", "ann@example.com", put("resolved"), 400, 1001},
		{"the key is free again", "POST", "/incidents", "ann@example.com", incidentFor("PB", "one"), 201, 0},
	} {
		if s, code := do(p, c.method, c.path, c.from, c.body); s != c.status || code != c.code {
			t.Errorf("%s: %d, code %d; want %d, code %d", c.name, s, code, c.status, c.code)
		}
	}
}

func TestWhoIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var woken []string
		p := New(Config{Users: users(), OnCall: "PB", Notify: func(n Notification) { woken = append(woken, n.User.ID) }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		do(p, "POST", "/incidents", "ann@example.com", incidentFor("PB", "one"))
		do(p, "POST", "/incidents", "ann@example.com", incidentFor("PA", "two")) // her own: nobody
		do(p, "POST", "/v2/enqueue", "", `{"routing_key":"r","event_action":"trigger","dedup_key":"three","payload":{"summary":"s","severity":"info","source":"x"}}`)
		do(p, "POST", "/v2/enqueue", "", `{"routing_key":"r","event_action":"trigger","dedup_key":"three","payload":{"summary":"s","severity":"info","source":"x"}}`)
		do(p, "POST", "/v2/enqueue", "", `{"routing_key":"r","event_action":"acknowledge","dedup_key":"none"}`) // dropped without a word
		synctest.Wait()
		cancel()
		<-done
		if got := strings.Join(woken, " "); got != "PB PB" {
			t.Errorf("woken: %s", got)
		}
		if got := p.Incidents(); len(got) != 3 || got[1].Status != acknowledged {
			t.Errorf("incidents: %+v", got)
		}
	})
}

// answers is a web server that answers each webhook with the next status.
type answers struct {
	statuses []int
	got      []string // X-Webhook-Id
	wrong    int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("X-PagerDuty-Signature") != Sign(body, "s") {
		a.wrong++
	}
	a.got = append(a.got, r.Header.Get("X-Webhook-Id"))
	status := 202
	if len(a.statuses) > 0 {
		status, a.statuses = a.statuses[0], a.statuses[1:]
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
}

func TestWebhooks(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		acts     int
		calls    int
		distinct int
	}{
		{"taken", nil, 1, 1, 1},
		{"comes again after 500 and 429", []int{500, 429, 202}, 1, 3, 1},
		{"given up after five", []int{500, 500, 500, 500, 500, 500}, 1, 5, 1},
		{"dropped after a 4xx", []int{403}, 1, 1, 1},
		{"off after three dropped", []int{403, 403, 403}, 6, 3, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &answers{statuses: c.statuses}
			p := New(Config{Users: users(), WebhookURL: "http://muster.test/", WebhookSecret: "s", HTTP: &http.Client{Transport: a}})
			for range c.acts {
				p.mu.Lock()
				p.emit("incident.acknowledged", &Incident{ID: "Q1", Created: time.Now()}, "PA")
				p.mu.Unlock()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_ = p.Run(ctx)
			distinct := map[string]bool{}
			for _, id := range a.got {
				distinct[id] = true
			}
			if len(a.got) != c.calls || len(distinct) != c.distinct || a.wrong != 0 {
				t.Errorf("%s: %d calls of %d webhooks, %d badly signed; want %d of %d", c.name, len(a.got), len(distinct), a.wrong, c.calls, c.distinct)
			}
		})
	}
}
