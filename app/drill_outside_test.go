package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/workspace"
)

const drillRota = streetRota + `  manager:
    members: [{name: Mia Chef, email: mia@example.com, slack: '@mia'}]
notification_channels:
  critical: [{type: slack, channel: '#general', mention: '@here'}, {type: slack, channel: '#incidents', mention: '@here'}, {type: email, to: [board@example.com]}]
`

const drillMuster = `incident_channel: {P0: true, P1: false, P2: false, P3: false}
postmortem: {invite: [board@example.com]}
digest: {cron: '0 9 * * *'}
`

const drillLadder = `levels:
  - {level: L1, role: primary, methods: [pagerduty, phone, slack, email], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, role: secondary, methods: [phone, email, pagerduty, slack], due: 10m, respond_within: 5m, until: acknowledged}
  - {level: L3, role: manager, methods: [slack, email], due: 20m, respond_within: 5m, until: acknowledged}
repeat: 0
last_resort: {slack: '#incidents', mention: '@channel'}
`

// outside is everything that left for a pager, a telephone or a mail box since a
// moment. Questions to PagerDuty change nothing there.
func (s *street) outside(since time.Time) (out []string) {
	for _, way := range []string{"pagerduty", "phone"} {
		for _, p := range s.fronts[way].since(since) {
			if !strings.HasPrefix(p.path, http.MethodGet) {
				out = append(out, way+" "+p.path+" "+p.body)
			}
		}
	}
	for _, m := range s.mail.Mails("") {
		if m.TS >= float64(since.Unix()) {
			out = append(out, "mail to "+m.To+": "+m.Subject)
		}
	}
	return out
}

// called are the messages that mention a whole channel, wherever they stand.
func (s *street) called(channels ...string) (out []string) {
	for _, c := range append(channels, "#incidents", "#general", "#alerts", "#muster-ops") {
		for _, m := range s.ws.Person("alice").Messages(c) {
			for _, m := range append([]workspace.Message{m}, s.ws.Person("alice").Thread(c, m.TS)...) {
				all := m.Text + string(m.Blocks)
				if strings.Contains(all, "!here") || strings.Contains(all, "!channel") || strings.Contains(all, "!subteam") || strings.Contains(all, "!everyone") || strings.Contains(all, `"broadcast"`) {
					out = append(out, c+": "+m.Text)
				}
			}
		}
	}
	return out
}

// A drill at ten times the speed, ended by kill and start in its middle, goes up
// to the last resort and to its end, and nothing leaves for a pager, a phone or a
// mail box, and no channel is called; a real one beside it keeps its clocks. The
// same for real, and a drill with --real-pages, show that all of it would.
func TestADrillStaysInside(t *testing.T) {
	onStreet(t, map[string]string{"oncall/rotation.yaml": drillRota, "muster.yaml": drillMuster, "escalation.yaml": drillLadder}, func(s *street) {
		s.post(200, `create P2 "a real one" service=db`, "mia@example.com", "")
		time.Sleep(time.Minute)
		before, began := s.state("INC-1"), time.Now()
		s.post(200, `drill P0 "database gone" --speed 10 service=db`, "mia@example.com", "")
		s.post(200, `drill P1 "behind closed doors" --speed 10 --private`, "mia@example.com", "")
		time.Sleep(90 * time.Second)
		s.again(20 * time.Second)
		time.Sleep(6 * time.Minute)
		d := s.state("INC-2")
		if got := strings.Join(d.Tally.Levels, " "); got != "L1 L2 L3" || s.facts("INC-2")["last_resort_paged"] == 0 {
			s.Errorf("the levels %q were paged and the last resort %d times: there is little to see", got, s.facts("INC-2")["last_resort_paged"])
		}
		if s.facts("INC-2")["update_overdue"] < 2 {
			s.Errorf("the drill's updates were overdue %d times, want more", s.facts("INC-2")["update_overdue"])
		}
		if now := s.state("INC-1"); !now.Clock.From.Equal(before.Clock.From) || now.Climb.Attempts != before.Climb.Attempts || len(now.Tally.Woken) != len(before.Tally.Woken) {
			s.Errorf("the drill touched the real one:\n%+v\n%+v", before.Clock, now.Clock)
		}
		s.post(200, "ack INC-2", "bob@example.com", "")
		s.post(200, "update INC-2 mitigating the replica takes over", "bob@example.com", "")
		s.post(200, "action INC-2 write it down @alice tomorrow", "bob@example.com", "")
		s.post(200, "resolve INC-2 a lock postmortem=none", "bob@example.com", "")
		s.post(200, "resolve INC-3 a lock", "mia@example.com", "")
		s.post(200, "postmortem INC-2 when tomorrow 10:00", "bob@example.com", "")
		s.post(200, "resolve INC-1 gone by itself postmortem=none", "mia@example.com", "")
		time.Sleep(10 * time.Hour)
		if list := s.outside(began); len(list) != 0 {
			s.Errorf("the drills left for outside %d times:\n%s", len(list), strings.Join(list, "\n"))
		}
		if list := s.called("#" + d.Room.Name); len(list) != 0 {
			s.Errorf("whole channels were called:\n%s", strings.Join(list, "\n"))
		}
		for _, m := range s.ws.Person("alice").Messages("#incidents") {
			if says(m, "database gone") && !says(m, "DRILL") {
				s.Errorf("a message does not say that it is a drill: %s", m.Text)
			}
		}
		seen := 0
		for _, m := range s.ws.Person("alice").Messages("#incidents") {
			if m.ThreadTS == d.Card.TS {
				if seen++; !strings.Contains(m.Text, "DRILL") {
					s.Errorf("a line in the channel does not say that it is a drill's: %s", m.Text)
				}
			}
			if m.ThreadTS == d.Card.TS && says(m, "RESOLVED", "Duration") && !says(m, "Monitoring: none") {
				s.Errorf("a drill says that it is watched: %s", m.Text)
			}
		}
		if seen < 3 {
			s.Errorf("%d lines of the drill stand in the channel: there is little to see", seen)
		}
		for _, who := range []string{"alice", "bob", "mia"} {
			p := s.ws.Person(who)
			for _, m := range p.Messages(p.DM("muster")) {
				if says(m, "INC-2") && !says(m, "DRILL") {
					s.Errorf("a message to %s does not say that it is a drill: %s", who, m.Text)
				}
			}
		}
		if !strings.Contains(d.Room.Name, "drill") {
			s.Errorf("the drill's channel is %q", d.Room.Name)
		}
		if status, answer := s.ask("GET", "/v1/incidents/INC-2", "api-token", "", ""); status != http.StatusOK || !strings.Contains(answer, `"drill"`) {
			s.Errorf("the API answers %d: %.300s", status, answer)
		}

		began = time.Now()
		s.post(200, `create P0 "database gone for real"`, "mia@example.com", "")
		time.Sleep(75 * time.Minute)
		all := strings.Join(s.outside(began), "\n")
		for _, want := range []string{"pagerduty", "phone", "mail to board@example.com", "mail to alice@example.com", "mail to bob@example.com"} {
			if !strings.Contains(all, want) {
				s.Errorf("the real one has no %q:\n%s", want, all)
			}
		}
		if list := strings.Join(s.called(), "\n"); !strings.Contains(list, "#general") || !strings.Contains(list, "#incidents") {
			s.Errorf("the real one called\n%s", list)
		}
		s.post(200, "resolve INC-4 a lock postmortem=none", "mia@example.com", "")
		time.Sleep(time.Hour)

		began = time.Now()
		s.post(200, `drill P0 "with pages" --real-pages`, "mia@example.com", "")
		time.Sleep(5 * time.Minute)
		list := s.outside(began)
		all = strings.Join(list, "\n")
		for _, want := range []string{"pagerduty", "phone", "mail to alice@example.com"} {
			if !strings.Contains(all, want) {
				s.Errorf("the drill with real pages has no %q:\n%s", want, all)
			}
		}
		for _, one := range list {
			if !strings.Contains(one, "DRILL") && !strings.HasPrefix(one, "phone") {
				s.Errorf("a page does not say that it is a drill: %.300s", one)
			}
		}
	})
}

// Real alerts are not put into an exercise, in which nobody would be paged for
// them.
func TestADrillTakesNoAlerts(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(200, `drill P2 "the disk fills"`, "erin@example.com", "")
		w.told(hook("disk", warning("db-1")))
		w.inChannel("#alerts", 5*time.Second, "DiskFilling")
		group := w.alertGroup("disk").ID
		for text, status := range map[string]int{"alert join INC-1 " + group: http.StatusUnprocessableEntity, "alert join " + group: http.StatusNotFound} {
			if answer := w.post(status, text, "erin@example.com", ""); strings.Contains(answer, "join INC-1") || !strings.Contains(answer, "alert declare") {
				w.Errorf("%s: %s", text, answer)
			}
		}
	})
}

// A drill whose page reached nobody does not stop the heartbeat, and none is a
// figure that an alert would take for real.
func TestADrillAlarmsNoMonitor(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		over := make(chan struct{})
		defer close(over)
		w.change = func(o *Options) { // no page gets through before it has failed
			o.Passing = func(at engine.Points) {
				if at == BeforeSend {
					<-over
				}
			}
		}
		w.restart(0)
		for _, c := range []struct {
			id, text, gauge string
			trouble         bool
		}{
			{"INC-1", `drill P0 "database gone"`, `muster_incidents_open{severity="P0"} 0`, false},
			{"INC-2", `create P0 "database gone"`, `muster_incidents_open{severity="P0"} 1`, true},
		} {
			w.post(200, c.text, "erin@example.com", "")
			time.Sleep(5 * time.Second)
			for i := 0; i < 20 && !unheard(w.state(c.id)); i++ { // whom the failed pages are followed by
				for _, p := range w.state(c.id).Climb.Pages {
					for _, m := range p.Methods {
						w.step(c.id, incident.Settled{Effect: incident.Page{Attempt: p.Attempt, Method: m.Method, Person: p.Person}, State: incident.PageFailed, Reason: "it is away"})
					}
				}
			}
			if !unheard(w.state(c.id)) {
				w.Fatalf("%s was heard: %+v", c.id, w.state(c.id).Climb.Pages)
			}
			if got := w.program.pageTrouble(); (got != "") != c.trouble {
				w.Errorf("%s: the trouble is %q", c.text, got)
			}
			if _, all := w.ask("GET", "/metrics", "", "", ""); !strings.Contains(all, c.gauge) {
				w.Errorf("%s: the metrics do not say %s", c.text, c.gauge)
			}
		}
	})
}
