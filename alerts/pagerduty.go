package alerts

import (
	"strings"

	"muster/incident"
)

// ReadPagerDuty reads a v3 webhook about an incident that somebody opened in
// PagerDuty. Its signature must have been checked. A webhook about anything
// else, and one that changes nothing here, gives a batch without alerts.
//
// ours tells by an incident's key that it is a page of Muster's own, which must
// not come back as news.
//
// https://developer.pagerduty.com/docs/webhooks-overview
func ReadPagerDuty(body []byte, ours func(key string) bool) (Batch, error) {
	if err := bounded(body); err != nil {
		return Batch{}, err
	}
	o, ok := readObject(body)
	event := o.object("event")
	if !ok || event == nil {
		return Batch{}, Unreadable{Text: "The request is not a PagerDuty webhook of version 3."}
	}
	b := Batch{Source: incident.FromPagerDuty, Key: cut(event.text("id"), maxName)}
	data := event.object("data")
	id := cut(data.text("id"), maxName)
	if event.text("resource_type") != "incident" || id == "" || ours(data.text("incident_key")) {
		return b, nil
	}
	a := incident.Alert{
		Source: incident.FromPagerDuty, Name: data.text("title"), Fingerprint: "pagerduty/" + id, Firing: true,
		Service: data.object("service").text("summary"), Severity: "warning", Labels: map[string]string{},
		Links: incident.AlertLinks{Graph: data.text("html_url")},
	}
	if strings.TrimSpace(a.Name) == "" {
		a.Name = "PagerDuty incident " + id
	}
	if data.text("urgency") != "low" {
		a.Severity = "critical"
	}
	again := false
	a.ToldAt, _ = event.moment("occurred_at")
	switch strings.TrimPrefix(event.text("event_type"), "incident.") {
	case "triggered":
	case "reopened":
		again = true
	case "priority_updated":
		a.Firing = data.text("status") != "resolved"
	case "resolved":
		a.Firing = false
	default:
		return b, nil
	}
	if !a.Firing {
		a.EndsAt = a.ToldAt
	}
	switch a.StartsAt, ok = data.moment("created_at"); {
	case again && !a.ToldAt.IsZero():
		a.StartsAt = a.ToldAt
	case !ok:
		a.StartsAt = noTime
	}
	if p := data.object("priority").text("summary", "name"); p != "" {
		a.Labels["priority"] = p
	}
	a.Labels["pagerduty"] = id
	if number := data.text("number"); number != "" {
		a.Labels["number"] = number
	}
	b.GroupKey = a.Fingerprint
	b.Alerts = []incident.Alert{named(a)}
	return b, nil
}
