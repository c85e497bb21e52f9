package incident_test

import (
	"testing"
	"time"

	"muster/incident"
)

// TestOneRequestTellsTwoFirings: of two firings of one alert in one request the
// later one counts, whichever stands first, and the request told again is no
// news.
func TestOneRequestTellsTwoFirings(t *testing.T) {
	old := incident.Alert{Name: "A", Fingerprint: "f", Firing: true, StartsAt: begin.Add(-5 * time.Hour)}
	over := incident.Alert{Name: "A", Fingerprint: "f", StartsAt: begin.Add(-4 * time.Hour), EndsAt: begin.Add(-3 * time.Hour)}
	fires := incident.Alert{Name: "A", Fingerprint: "f", Firing: true, StartsAt: begin.Add(-time.Hour)}
	for name, c := range map[string]struct {
		alerts []incident.Alert
		fires  bool
	}{
		"over last":   {[]incident.Alert{old, over}, false},
		"over first":  {[]incident.Alert{over, old}, false},
		"fires last":  {[]incident.Alert{over, fires}, true},
		"fires first": {[]incident.Alert{fires, over}, true},
		"all three":   {[]incident.Alert{fires, old, over}, true},
	} {
		g := incident.AlertGroup{ID: "ALR-1"}
		for round := range 2 {
			events, err := incident.HandleGroup(g, incident.HearAlerts{Key: "f", Source: incident.FromGeneric, Alerts: c.alerts}, begin)
			if err != nil {
				t.Fatal(err)
			}
			if round > 0 && len(events) > 0 {
				t.Errorf("%s: the same again is news: %+v", name, events)
			}
			for _, e := range events {
				g = incident.ApplyGroup(g, incident.Record{Seq: g.Seq + 1, At: begin, Event: e})
			}
		}
		if g.Fires() != c.fires {
			t.Errorf("%s: the group fires: %v", name, g.Fires())
		}
	}
}
