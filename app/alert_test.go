package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/workspace"
)

// fires is one alert of a webhook.
type fires struct {
	name, severity, service, instance, summary string
	since                                      time.Time
	over                                       bool
	labels                                     map[string]string
}

// hook is an Alertmanager webhook of a group.
func hook(group string, list ...fires) string {
	var out []map[string]any
	for _, f := range list {
		labels := map[string]string{"alertname": f.name, "severity": f.severity, "service": f.service, "instance": f.instance}
		for k, v := range f.labels {
			labels[k] = v
		}
		a := map[string]any{
			"status": "firing", "labels": labels, "annotations": map[string]string{"summary": f.summary, "runbook_url": "https://runbooks.example.com/" + f.name},
			"startsAt": f.since, "endsAt": time.Time{}, "fingerprint": fmt.Sprintf("%x", f.name+f.instance+f.service),
			"generatorURL": "http://prometheus.local/graph?g0.expr=up+%3D%3D+0",
		}
		if f.over {
			a["status"], a["endsAt"] = "resolved", time.Now()
		}
		out = append(out, a)
	}
	body, _ := json.Marshal(map[string]any{"version": "4", "groupKey": group, "receiver": "muster", "alerts": out, "truncatedAlerts": 0, "newer": 1})
	return string(body)
}

// told posts a webhook that is taken.
func (w *world) told(body string) {
	w.Helper()
	if status, answer := w.ask("POST", "/v1/alerts/alertmanager", "api-token", "", body); status != http.StatusOK {
		w.Fatalf("the webhook is answered with %d: %s", status, answer)
	}
}

// inChannel waits for a message of the bot's in a channel.
func (w *world) inChannel(channel string, atMost time.Duration, words ...string) (m workspace.Message) {
	w.Helper()
	w.wait(atMost, fmt.Sprint("message ", words, " in ", channel), func() (ok bool) {
		m, ok = find(w.ws.Person("erin").Messages(channel), words...)
		return ok
	})
	return m
}

// count is how many messages of a channel say something.
func (w *world) count(channel string, words ...string) (n int) {
	for _, m := range w.ws.Person("erin").Messages(channel) {
		if says(m, words...) {
			n++
		}
	}
	return n
}

func serviceDown(since time.Time) fires {
	return fires{name: "ServiceDown", severity: "critical", service: "checkout", instance: "web-1:9100", summary: "checkout is down", since: since}
}

func TestACriticalAlertBecomesAnIncident(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		began := time.Now()
		down := serviceDown(began)
		w.told(hook("checkout", down))
		m := w.inChannel("#incidents", 5*time.Second, "CRITICAL: ServiceDown", "checkout is down", "Acknowledge", "Silence", "Runbook")
		if !strings.Contains(m.Text, "<!here>") {
			t.Errorf("the first message calls nobody: %s", m.Text)
		}
		card := w.inChannel("#incidents", 10*time.Second, "🚨 P0 Incident: checkout is down")
		w.inChannel("#incidents", 10*time.Second, "CRITICAL: ServiceDown", "INC-1", "P0")
		w.inChannel("#incidents", 10*time.Second, "🚨 P0 Incident", "*Alerts*: 1 of 1 firing")
		s := w.state("INC-1")
		if s.Severity != incident.P0 || s.Service != "checkout" || len(s.Climb.Pages) == 0 {
			t.Errorf("declared as %v of %q with %d pages", s.Severity, s.Service, len(s.Climb.Pages))
		}
		for range 3 { // again, from both senders
			w.told(hook("checkout", down))
		}
		down.over = true
		time.Sleep(5 * time.Minute)
		w.told(hook("checkout", down))
		w.told(hook("checkout", down))
		w.inThread(card, 10*time.Second, "The alert of INC-1 is resolved", "Resolve")
		w.inChannel("#incidents", 20*time.Second, "RESOLVED: ServiceDown")
		down.over = false
		w.told(hook("checkout", down)) // the other sender, late
		time.Sleep(10 * time.Second)
		w.inChannel("#incidents", time.Second, "RESOLVED: ServiceDown")
		if n := len(w.incidents()); n != 1 {
			t.Errorf("%d incidents of one alert", n)
		}
		if n := w.facts("INC-1")["all_alerts_resolved"]; n != 1 {
			t.Errorf("the end was told %d times", n)
		}
		w.checkOnce()
	})
}
