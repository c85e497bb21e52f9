package pagerduty

import (
	"context"
	"net/http"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/incident"
	"muster/notify"
)

// eventSeverity is how bad an event is, in PagerDuty's words.
func eventSeverity(s incident.Severity) string {
	switch s {
	case incident.P0:
		return "critical"
	case incident.P1:
		return "error"
	case incident.P2:
		return "warning"
	default:
		return "info"
	}
}

// trigger sends the event of a page and gives its dedup key.
func (c *Channel) trigger(ctx context.Context, m notify.Message) (string, error) {
	key := providerKey(m.Dedup)
	custom := map[string]string{}
	for _, f := range facts(m) {
		custom[f.name] = f.value
	}
	e := &sdk.V2Event{
		Action: "trigger", DedupKey: key, Client: "Muster", ClientURL: m.Link,
		Payload: &sdk.V2Payload{
			Summary: headline(m.Incident, maxSummary), Source: m.Incident.ID, Severity: eventSeverity(m.Incident.Severity),
			Component: m.Incident.Service, Group: m.Page.Level, Class: "incident", Details: custom,
		},
	}
	if !m.Incident.DeclaredAt.IsZero() {
		e.Payload.Timestamp = m.Incident.DeclaredAt.UTC().Format(time.RFC3339)
	}
	type link struct {
		Href string `json:"href"`
		Text string `json:"text"`
	}
	if m.Link != "" {
		e.Links = append(e.Links, link{m.Link, "The incident's card"})
	}
	if m.AckURL != "" {
		e.Links = append(e.Links, link{m.AckURL, "Acknowledge"})
	}
	return key, c.event(ctx, "send the page", e)
}

// event sends e; PagerDuty drops an acknowledge or resolve of an alert that is
// not open without a word, which is what we want.
func (c *Channel) event(ctx context.Context, what string, e *sdk.V2Event) error {
	e.RoutingKey = c.cfg.RoutingKey
	return c.call(ctx, request{what: what, method: http.MethodPost, path: "/v2/enqueue", event: true, body: e})
}
