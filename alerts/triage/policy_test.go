package triage_test

import (
	"testing"

	"muster/alerts/triage"
	"muster/incident"
)

func TestAlertsJoinByServiceAndNoDrill(t *testing.T) {
	p := triage.Policy{JoinService: true}
	alerts := []incident.GroupAlert{{Alert: incident.Alert{Name: "HighErrorRate", Service: "api", Firing: true}}}
	open := []incident.Incident{
		{ID: "INC-4", Service: "api", Drill: incident.Drill{On: true}}, {ID: "INC-3", Service: "shop"}, {ID: "INC-2", Service: "API"}, {ID: "INC-1", Service: "api"},
	}
	if id, why := p.Joins(alerts, open); id != "INC-2" || why == "" {
		t.Errorf("the alert joins %q (%s), want the newest real incident of its service", id, why)
	}
	if id, _ := p.Joins(alerts, open[:2]); id != "" {
		t.Errorf("the alert joins %s, want none", id)
	}
}
