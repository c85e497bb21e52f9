package alerts

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"muster/incident"
)

var noTime time.Time

// ReadGeneric reads alerts of any sender: one object, a list of them, or an
// object with a list named "alerts". An alert has a name, and may have
// severity, summary, description, service, labels, annotations, status (firing
// or resolved), fingerprint, starts_at, ends_at, expr and links (an object of
// runbook, dashboard, graph and silence). Without a fingerprint its name,
// service and labels name it. Dropped alerts are named as in [ReadAlertmanager].
func ReadGeneric(body []byte) (b Batch, dropped []string, err error) {
	if err := bounded(body); err != nil {
		return Batch{}, nil, err
	}
	list := []json.RawMessage{body}
	b = Batch{Source: incident.FromGeneric}
	if o, ok := readObject(body); ok && o.present("alerts") {
		if list, err = listOf(o["alerts"]); err != nil {
			return Batch{}, nil, err
		}
		b.GroupKey = apart(o.text("group"), maxLabel)
	} else if ok {
		b.GroupKey = apart(o.text("group"), maxLabel)
	} else if list, err = listOf(body); err != nil {
		var u Unreadable
		if errors.As(err, &u) && !u.TooLarge {
			u.Text = `The request is neither an alert nor a list of alerts; send {"name": "…", "severity": "critical", "summary": "…"}.`
		}
		return Batch{}, nil, u
	}
	var n notes
	for i, raw := range list {
		a, why := genericOf(raw)
		if why != "" {
			n.add("Alert %d of %d was dropped: %s.", i+1, len(list), why)
			continue
		}
		b.Alerts = append(b.Alerts, a)
	}
	if len(b.Alerts) == 0 {
		return Batch{}, nil, Unreadable{Text: "None of the request's alerts can be read. " + n.list[0]}
	}
	b.Alerts = once(b.Alerts)
	return b, n.all(), nil
}

func genericOf(raw json.RawMessage) (a incident.Alert, why string) {
	o, ok := readObject(raw)
	if !ok {
		return a, "it is not an object"
	}
	labels, ok := o.texts("labels")
	if !ok {
		return a, "its labels are not an object"
	}
	if labels == nil {
		labels = map[string]string{}
	}
	a = incident.Alert{
		Source: incident.FromGeneric, Name: o.text("name"), Severity: o.text("severity"), Summary: o.text("summary"),
		Description: o.text("description"), Service: o.text("service"), Labels: labels, Expr: prose(o.text("expr"), maxExpr),
		Fingerprint: apart(o.text("fingerprint"), maxName), Firing: firing(o.text("status"), ""),
	}
	if strings.TrimSpace(a.Name) == "" {
		a.Name = labels["alertname"]
	}
	if strings.TrimSpace(a.Name) == "" {
		return a, "it has no name"
	}
	if a.StartsAt, ok = o.moment("starts_at", "startsAt"); !ok {
		return a, "its starts_at is not a time"
	}
	if a.EndsAt, _ = o.moment("ends_at", "endsAt"); a.Firing {
		a.EndsAt = noTime
	}
	a.Annotations, _ = o.texts("annotations")
	links := o.object("links")
	a.Links = incident.AlertLinks{
		Runbook: links.text("runbook"), Dashboard: links.text("dashboard"), Graph: links.text("graph", "source"), Silence: links.text("silence"),
	}
	return named(a), ""
}

// named puts what an alert is called into its labels, so that matchers find it
// as in any other, and names it by them where it has no fingerprint.
func named(a incident.Alert) incident.Alert {
	set := func(name, value string) {
		if a.Labels[name] == "" && value != "" {
			a.Labels[name] = value
		}
	}
	set("alertname", a.Name)
	set("service", a.Service)
	if a.Fingerprint == "" {
		a.Fingerprint = fingerprint(a.Labels)
	}
	set("severity", a.Severity)
	return complete(a)
}
