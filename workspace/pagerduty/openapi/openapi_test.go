package openapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWrongRequests shows that the descriptions reject what PagerDuty would.
func TestWrongRequests(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	const event = `{"routing_key":"k","event_action":"trigger","dedup_key":"INC-1/L1/a","payload":{"summary":"s","severity":"critical","source":"INC-1"}}`
	const create = `{"incident":{"type":"incident","title":"t","service":{"id":"PS","type":"service_reference"},"urgency":"high"}}`
	const put = `{"incidents":[{"id":"Q1","type":"incident_reference","status":"acknowledged"}]}`
	right := []struct{ name, method, path, body string }{
		{"trigger", "POST", "/v2/enqueue", event},
		{"resolve", "POST", "/v2/enqueue", `{"routing_key":"k","event_action":"resolve","dedup_key":"INC-1/L1/a"}`},
		{"create", "POST", "/incidents", create},
		{"acknowledge", "PUT", "/incidents", put},
		{"list", "GET", "/incidents?statuses[]=triggered&statuses[]=acknowledged&limit=25", ""},
		{"newest first", "GET", "/incidents?sort_by=created_at:desc&date_range=all", ""},
		{"overrides", "GET", "/schedules/PS/overrides?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z", ""},
		{"user", "GET", "/users/PA?include[]=contact_methods", ""},
		{"alerts", "GET", "/incidents/Q1/alerts?statuses[]=triggered&sort_by=created_at:desc&include[]=incidents&alert_key=k", ""},
		{"users", "GET", "/users?query=ann&team_ids[]=PT&limit=100&offset=100", ""},
		{"services", "GET", "/services?query=api&sort_by=name:desc&include[]=integrations&time_zone=UTC", ""},
		{"the key's user", "GET", "/users/me?include[]=teams", ""},
	}
	for _, c := range right {
		if err := d.Check(asked(c.method, c.path, c.body, nil)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	none := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	wrong := []struct {
		name, method, path, body string
		change                   func(*http.Request)
	}{
		{"an unknown severity", "POST", "/v2/enqueue", strings.Replace(event, "critical", "fatal", 1), nil},
		{"a long key", "POST", "/v2/enqueue", strings.Replace(event, "INC-1/L1/a", strings.Repeat("k", 256), 1), nil},
		{"a long summary", "POST", "/v2/enqueue", strings.Replace(event, `"s"`, `"`+strings.Repeat("s", 1025)+`"`, 1), nil},
		{"no source", "POST", "/v2/enqueue", strings.Replace(event, `,"source":"INC-1"`, "", 1), nil},
		{"no key to resolve", "POST", "/v2/enqueue", `{"routing_key":"k","event_action":"resolve"}`, nil},
		{"an unknown action", "POST", "/v2/enqueue", strings.Replace(event, "trigger", "open", 1), nil},
		{"an unknown path", "POST", "/v2/change", event, nil},
		{"a null priority", "POST", "/incidents", strings.Replace(create, `"urgency"`, `"priority":null,"urgency"`, 1), nil},
		{"an unknown urgency", "POST", "/incidents", strings.Replace(create, "high", "highest", 1), nil},
		{"no service", "POST", "/incidents", `{"incident":{"type":"incident","title":"t"}}`, nil},
		{"no From", "POST", "/incidents", create, none("From")},
		{"no key", "POST", "/incidents", create, none("Authorization")},
		{"another version", "POST", "/incidents", create, func(r *http.Request) { r.Header.Set("Accept", "application/json") }},
		{"a bearer token", "GET", "/users", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer k") }},
		{"an unknown status", "PUT", "/incidents", strings.Replace(put, "acknowledged", "closed", 1), nil},
		{"an unknown status to list", "GET", "/incidents?statuses[]=open", "", nil},
		{"too many at once", "GET", "/incidents?limit=1000", "", nil},
		{"an unknown parameter", "GET", "/incidents?status=open", "", nil},
		{"three orders", "GET", "/incidents?sort_by=created_at,urgency,resolved_at", "", nil},
		{"an unknown order", "GET", "/incidents?sort_by=status:asc", "", nil},
		{"a status twice", "GET", "/incidents?statuses[]=triggered&statuses[]=triggered", "", nil},
		{"no Content-Type to read", "GET", "/users", "", none("Content-Type")},
		{"no Accept", "GET", "/users", "", none("Accept")},
		{"a From that is no address", "POST", "/incidents", create, func(r *http.Request) { r.Header.Set("From", "muster") }},
		{"another type", "POST", "/incidents", strings.Replace(create, `"type":"incident"`, `"type":"incident_reference"`, 1), nil},
		{"a reference of another kind", "POST", "/incidents", strings.Replace(create, "service_reference", "user_reference", 1), nil},
		{"overrides without a span", "GET", "/schedules/PS/overrides", "", nil},
		{"overrides of a day", "GET", "/schedules/PS/overrides?since=2026-01-01&until=2026-01-02", "", nil},
		{"an unknown include", "GET", "/users/PA?include[]=teams&include[]=phones", "", nil},
		{"alerts in an unknown order", "GET", "/incidents/Q1/alerts?sort_by=severity", "", nil},
		{"acknowledged alerts", "GET", "/incidents/Q1/alerts?statuses[]=acknowledged", "", nil},
		{"services with their users", "GET", "/services?include[]=users", "", nil},
		{"users by address", "GET", "/users?email=ann@example.com", "", nil},
		{"an event without its type", "POST", "/v2/enqueue", event, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		{"no routing key", "POST", "/v2/enqueue", strings.Replace(event, `"routing_key":"k",`, "", 1), nil},
		{"a time that is none", "POST", "/v2/enqueue", strings.Replace(event, `"source"`, `"timestamp":"yesterday","source"`, 1), nil},
		{"an empty note", "POST", "/incidents/Q1/notes", `{"note":{"content":""}}`, nil},
		{"an unknown method", "DELETE", "/incidents/Q1", "", nil},
	}
	for _, c := range wrong {
		if err := d.Check(asked(c.method, c.path, c.body, c.change)); err == nil {
			t.Errorf("%s is taken", c.name)
		}
	}
}

// asked is a request with all headers that PagerDuty wants.
func asked(method, path, body string, change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Token token=k")
	r.Header.Set("From", "bot@example.com")
	if change != nil {
		change(r)
	}
	return r
}
