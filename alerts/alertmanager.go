package alerts

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"muster/incident"
)

// ReadAlertmanager reads the webhook of Alertmanager (version 4), or what
// imitates it. Unknown fields are left, missing ones are filled in. Alerts that
// cannot be read are dropped, and notes say which; a request without one
// readable alert is an [Unreadable] error.
//
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
func ReadAlertmanager(body []byte) (b Batch, dropped []string, err error) {
	if err := bounded(body); err != nil {
		return Batch{}, nil, err
	}
	o, ok := readObject(body)
	if !ok {
		return Batch{}, nil, Unreadable{Text: "The request is not a JSON object; send Alertmanager's webhook here."}
	}
	list, err := listOf(o["alerts"])
	if err != nil {
		return Batch{}, nil, err
	}
	b = Batch{Source: incident.FromAlertmanager, GroupKey: apart(o.text("groupKey"), maxLabel), Receiver: line(o.text("receiver"), maxName)}
	// Read once: they may be as long as the whole request.
	status, external := o.text("status"), link(o.text("externalURL"))
	var n notes
	for i, raw := range list {
		a, why := alertOf(raw, status, external)
		if why != "" {
			n.add("Alert %d of %d was dropped: %s.", i+1, len(list), why)
			continue
		}
		b.Alerts = append(b.Alerts, a)
	}
	if len(b.Alerts) == 0 {
		return Batch{}, nil, Unreadable{Text: "None of the request's alerts can be read. " + n.list[0]}
	}
	if left, _ := strconv.Atoi(o.text("truncatedAlerts")); left > 0 {
		n.add("Alertmanager left out %d alerts; raise max_alerts in its receiver.", left)
	}
	b.Alerts = once(b.Alerts)
	return b, n.all(), nil
}

// listOf reads the alerts of a request, which must be some.
func listOf(raw json.RawMessage) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, Unreadable{Text: `The request has no alerts; send them as a list named "alerts".`}
	}
	if len(list) > MaxAlerts {
		return nil, Unreadable{Text: fmt.Sprintf("The request has %d alerts, more than %d; set max_alerts in Alertmanager's receiver.", len(list), MaxAlerts), TooLarge: true}
	}
	return list, nil
}

// alertOf reads one alert of a group with a status, of an Alertmanager with an
// address; why is empty, or says in a few words why it cannot be.
func alertOf(raw json.RawMessage, status, external string) (a incident.Alert, why string) {
	o, ok := readObject(raw)
	if !ok {
		return a, "it is not an object"
	}
	labels, ok := o.texts("labels")
	if !ok {
		return a, "its labels are not an object"
	}
	a = incident.Alert{Source: incident.FromAlertmanager, Labels: labels, Fingerprint: apart(o.text("fingerprint"), maxName)}
	if a.Fingerprint == "" {
		if len(labels) == 0 {
			return a, "it has neither labels nor a fingerprint"
		}
		a.Fingerprint = fingerprint(labels)
	}
	if a.StartsAt, ok = o.moment("startsAt"); !ok {
		return a, "its startsAt is not a time"
	}
	a.EndsAt, _ = o.moment("endsAt") // the status decides
	a.Firing = firing(o.text("status"), status)
	if a.Firing {
		a.EndsAt = noTime
	}
	a.Annotations, _ = o.texts("annotations")
	generator := o.text("generatorURL")
	a.Expr = exprOf(generator)
	a.Links = incident.AlertLinks{
		Graph: generator, Dashboard: o.text("dashboardURL", "panelURL"),
		Silence: link(o.text("silenceURL"), silenceForm(external, labels)),
	}
	return complete(a), ""
}

// firing reads an alert's own status. A group says firing while one of it
// fires, so its status counts only where the alert has none. Anything unknown
// is firing: too loud is better than silent.
func firing(own, group string) bool {
	for _, s := range []string{own, group} {
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "resolved":
			return false
		case "":
			continue
		}
		return true
	}
	return true
}

// silenceForm is Alertmanager's own page for a silence of these labels; empty:
// its address is not known.
func silenceForm(external string, labels map[string]string) string {
	if external == "" {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, name+"="+strconv.Quote(labels[name]))
	}
	return strings.TrimSuffix(external, "/") + "/#/silences/new?filter=" + url.QueryEscape("{"+strings.Join(parts, ", ")+"}")
}
