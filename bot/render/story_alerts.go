package render

import (
	"fmt"
	"time"

	"muster/incident"
)

// refs are groups of alerts as an incident has them.
func (x sample) refs(firing int) []incident.AlertRef {
	var out []incident.AlertRef
	for i := range max(1, x.many) {
		out = append(out, incident.AlertRef{
			Group: fmt.Sprintf("ALR-%012x", i), Title: x.text(0), Names: []string{x.text(1)}, Class: incident.Critical, Firing: firing, Total: 2,
			Since: storyStart, Lines: []string{x.text(1), x.text(2)}, Spot: incident.Spot{Channel: "C0000001", TS: "1772333705.000100"}, Why: x.text(3),
		})
	}
	return out
}

// group is a group of alerts' whole life with one record of each type.
func (x sample) group() []incident.Record {
	t := x.text
	var list, over []incident.Alert
	for i := range max(1, x.many) {
		a := incident.Alert{
			Name: t(1), Severity: []string{"critical", "warning", "info"}[i%3], Summary: t(0), Description: t(2), Service: t(1), Firing: true,
			Labels: map[string]string{"instance": t(i)}, Fingerprint: fmt.Sprint(i), StartsAt: storyStart, Expr: "up == 0", Source: incident.FromAlertmanager,
			Links: incident.AlertLinks{Runbook: "https://runbooks.example.com/a?b=c", Dashboard: t(0), Graph: "javascript:alert(1)"},
		}
		list = append(list, a)
		a.Firing = false
		over = append(over, a)
	}
	post := incident.Spot{Channel: "C0000001", TS: "1772333705.000100"}
	events := []incident.Event{
		incident.AlertsHeard{Key: t(0), Source: incident.FromAlertmanager, Episode: 1, Alerts: list},
		incident.GroupAnnounced{
			Episode: 1, Class: incident.Critical, Channels: []incident.Channel{{Name: "#incidents", Mention: "@here"}},
			Person: x.person(2), Methods: []string{"phone"},
		},
		incident.GroupPosted{Episode: 1, Channel: "#incidents", Spot: post},
		incident.GroupPageSettled{Person: x.person(2), Method: "phone", State: incident.PageFailed, Reason: t(4)},
		incident.GroupAcked{By: x.person(1), Via: "slack"},
		incident.GroupHeld{Window: "MW-1"}, incident.GroupHeld{},
		incident.GroupSilenced{Silence: incident.Silence{N: 1, By: x.person(1), At: storyStart, Until: storyStart.Add(4 * time.Hour), Remote: true}},
		incident.SilenceSettled{N: 1, Failed: t(4)},
		incident.SilenceEnded{N: 1, Late: time.Minute},
		incident.GroupDeclaring{Declaring: incident.Declaring{Title: t(0), Severity: incident.P0, Why: t(3)}},
		incident.GroupJoined{Incident: "INC-1", Why: t(3)},
		incident.GroupInStorm{Storm: 1},
		incident.GroupFlapping{On: true, Turns: 6, Within: 10 * time.Minute},
		incident.GroupCharted{Chart: incident.Chart{File: "F0000001"}},
		incident.AlertsHeard{Episode: 1, Alerts: over, Turn: true},
		incident.AlertsHeard{Episode: 1, Alerts: list, Again: true, Turn: true},
		incident.EffectFailed{What: "alert_post", Reason: t(4)},
		incident.GroupOver{},
	}
	var out []incident.Record
	for i, e := range events {
		out = append(out, incident.Record{Seq: uint64(i + 1), At: storyStart.Add(time.Duration(i) * 90 * time.Second), Event: e})
	}
	return out
}

// alerts are the messages of a group of alerts.
func (t *teller) alerts() {
	x := t.sample
	g := incident.AlertGroup{ID: "ALR-0123456789ab"}
	window := incident.Window{ID: "MW-1", Text: x.text(0), By: x.person(1), Until: storyStart.Add(time.Hour)}
	for i, r := range x.group() {
		g = incident.ApplyGroup(g, r)
		f := x.frame(r.At)
		kind := fmt.Sprintf("%02d %s", i+1, incident.EventKind(r.Event))
		v := AlertGroup{Group: g, Window: window}
		t.message("alert after "+kind, f.Alert(v))
		t.message("first alert after "+kind, f.AlertFirst(v, "@here"))
		if m, ok := f.AlertThread(g, r, "@here"); ok {
			t.message("alert thread "+kind, m)
		}
		if m, ok := f.AlertOperations(g, r); ok {
			t.message("alert operations "+kind, m)
		}
	}
	firing := incident.AlertGroup{}
	for _, r := range x.group()[:5] {
		firing = incident.ApplyGroup(firing, r)
	}
	home := Home{Person: x.person(1)}
	for range max(1, x.many) {
		home.Alerts = append(home.Alerts, firing)
	}
	t.view("alert home", x.frame(storyStart).Home(home))
	s := incident.Incident{ID: "INC-1", Seq: 1, Title: x.text(0), Severity: incident.P0, Status: incident.Investigating, DeclaredAt: storyStart}
	for firing := range 2 {
		s.Alerts = x.refs(firing)
		t.message(fmt.Sprintf("list of alerts, %d firing", firing), x.frame(storyStart).AlertList(s))
		t.message(fmt.Sprintf("alert card, %d firing", firing), x.frame(storyStart).Card(s))
	}
}
