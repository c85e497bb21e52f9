package pagerduty

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// enqueue is Events v2: an accepted event may still do nothing.
func (p *PagerDuty) enqueue(w http.ResponseWriter, r *http.Request) {
	var in struct {
		RoutingKey string `json:"routing_key"`
		Action     string `json:"event_action"`
		Key        string `json:"dedup_key"`
		Payload    struct {
			Summary  string          `json:"summary"`
			Severity string          `json:"severity"`
			Details  json.RawMessage `json:"custom_details"`
		} `json:"payload"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	wrong := ""
	switch {
	case err != nil:
		wrong = "the event is not JSON"
	case in.RoutingKey == "" || (p.cfg.RoutingKey != "" && in.RoutingKey != p.cfg.RoutingKey):
		wrong = "Invalid routing key"
	case in.Action == "trigger" && in.Payload.Summary == "":
		wrong = "'payload.summary' is missing or blank"
	case in.Action != "trigger" && in.Key == "":
		wrong = "'dedup_key' is missing or blank"
	case in.Action != "trigger" && in.Action != "acknowledge" && in.Action != "resolve":
		wrong = "'event_action' is none that is known"
	}
	if wrong != "" {
		reply(w, http.StatusBadRequest, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": []string{wrong}})
		return
	}
	p.mu.Lock()
	open := p.openKey(in.Key)
	switch {
	case in.Action == "trigger" && open == nil:
		if in.Key == "" {
			in.Key = fmt.Sprintf("event-%d", p.count+1)
		}
		urgency := "low"
		if in.Payload.Severity == "critical" || in.Payload.Severity == "error" {
			urgency = "high"
		}
		p.create(Incident{
			Key: in.Key, Title: in.Payload.Summary, Body: string(in.Payload.Details), Urgency: urgency,
			Service: p.cfg.Services[0].ID, Event: true,
		}, p.cfg.OnCall, "")
	case in.Action == "acknowledge" && open != nil:
		_ = p.change(open, acknowledged, "") // what is done already is accepted too
	case in.Action == "resolve" && open != nil:
		_ = p.change(open, resolved, "")
	}
	p.mu.Unlock()
	reply(w, http.StatusAccepted, map[string]string{"status": "success", "message": "Event processed", "dedup_key": in.Key})
}
