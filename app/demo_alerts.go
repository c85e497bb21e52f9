package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"muster/config"
	"muster/workspace"
)

// sampleAlert is one alert of the samples.
type sampleAlert struct{ name, severity, service, instance, summary, description string }

// samples are the alerts that the demo's page sends, by the button's name.
var samples = map[string][]sampleAlert{
	"down": {{"APIServiceDown", "critical", "api", "api-1:8080", "The API service is down", "No instance of the API has answered for 2 minutes. Customers see errors."}},
	"slow": {{"DatabaseSlow", "warning", "database", "db-1:5432", "Database queries are slow", "The 95th percentile of query time is above 2 seconds."}},
	"disk": {{"DiskFilling", "info", "files", "files-1", "A disk fills up in four days", "At this rate the disk of files-1 is full on Thursday."}},
}

// demoActions are the buttons of the demo's page.
func demoActions() []workspace.Action {
	return []workspace.Action{
		{Name: "down", Label: "The API service goes down", Note: "A critical alert: an incident is declared and the ladder starts."},
		{Name: "down over", Label: "The API service is back", Note: "The same alert, resolved."},
		{Name: "slow", Label: "The database is slow", Note: "A warning: a message in #alerts."},
		{Name: "slow over", Label: "The database is well again", Note: "The same alert, resolved."},
		{Name: "disk", Label: "A disk fills up", Note: "For information, in #monitoring."},
		{Name: "storm", Label: "Forty alerts at once", Note: "A storm: one incident with a list."},
		{Name: "storm over", Label: "The storm is over", Note: "All forty, resolved."},
	}
}

// alarmBell posts sample alerts to the program as Alertmanager would.
type alarmBell struct {
	url   string
	token config.Secret
	now   func() time.Time

	mu    sync.Mutex
	since map[string]time.Time // of what fires
}

// press sends what a button stands for.
func (a *alarmBell) press(name string) error {
	over := len(name) > 5 && name[len(name)-5:] == " over"
	if over {
		name = name[:len(name)-5]
	}
	a.mu.Lock()
	since, fires := a.since[name]
	if !fires {
		since = a.now().UTC().Truncate(time.Millisecond)
	}
	if over {
		delete(a.since, name)
	} else {
		a.since[name] = since
	}
	a.mu.Unlock()
	if name != "storm" {
		return a.post(alertmanagerBody(name, samples[name], since, a.now(), over))
	}
	for i := range 40 {
		one := sampleAlert{"InstanceDown", "critical", fmt.Sprintf("shop-%02d", i), fmt.Sprintf("shop-%02d:9100", i), fmt.Sprintf("shop-%02d is down", i), ""}
		if err := a.post(alertmanagerBody(fmt.Sprintf("storm-%02d", i), []sampleAlert{one}, since, a.now(), over)); err != nil {
			return err
		}
	}
	return nil
}

func (a *alarmBell) post(body []byte) error {
	return postAlerts(a.url, a.token, body)
}

// alertmanagerBody is a webhook of a group, as a real Alertmanager sends it.
func alertmanagerBody(group string, list []sampleAlert, since, now time.Time, over bool) []byte {
	status, ended := "firing", time.Time{}
	if over {
		status, ended = "resolved", now.UTC()
	}
	alerts := []any{}
	for _, s := range list {
		alerts = append(alerts, map[string]any{
			"status": status, "startsAt": since, "endsAt": ended, "fingerprint": fmt.Sprintf("%016x", hash(s.name+s.instance)),
			"labels":       map[string]string{"alertname": s.name, "severity": s.severity, "service": s.service, "instance": s.instance},
			"annotations":  map[string]string{"summary": s.summary, "description": s.description},
			"generatorURL": "",
		})
	}
	body, _ := json.Marshal(map[string]any{
		"version": "4", "status": status, "receiver": "muster", "groupKey": `{}:{sample="` + group + `"}`, "alerts": alerts,
		"groupLabels": map[string]string{"sample": group}, "truncatedAlerts": 0,
	})
	return body
}

// hash is FNV-1a over a name: a fingerprint for samples.
func hash(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// postAlerts sends a webhook to a running program.
func postAlerts(url string, token config.Secret, body []byte) error {
	req, err := http.NewRequest(http.MethodPost, url+"/v1/alerts/alertmanager", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("MUSTER_URL: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	client := &http.Client{Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the program at %s does not answer: is muster run up, and is MUSTER_URL right? (%w)", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var said struct {
		Text string `json:"text"`
	}
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&said)
	return fmt.Errorf("the alert was not taken (HTTP %d): %s", resp.StatusCode, said.Text)
}
