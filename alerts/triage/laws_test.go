package triage_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/alerts/triage"
	"muster/incident"
)

var begin = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// world stands in for the rest of the program.
type world struct {
	look incident.Lookout
	open []incident.Incident
}

func (w *world) Lookout() incident.Lookout { return w.look }
func (w *world) Open() []incident.Incident { return w.open }
func (w *world) OnCall(_ time.Time, methods []string) (incident.Person, []string) {
	return incident.Person{Key: "ann@example.com"}, methods
}

func policy() triage.Policy {
	return triage.Policy{
		Classes: map[incident.Class]triage.Ways{
			incident.Critical: {Channels: []incident.Channel{{Name: "#incidents", Mention: "@here"}}, Methods: []string{"phone"}},
			incident.Warning:  {Channels: []incident.Channel{{Name: "#alerts"}}},
		},
		AutoDeclare: []map[string]string{{"severity": "critical"}}, JoinService: true, Settle: 2 * time.Second, Quiet: 15 * time.Minute,
		FlapTurns: 4, FlapWithin: 10 * time.Minute,
	}
}

// sim plays one group.
type sim struct {
	*rapid.T
	rule    triage.Group
	world   *world
	g       incident.AlertGroup
	now     time.Time
	wake    time.Time
	history []incident.Record
	told    map[string]int // announcements by episode and channel
}

func (s *sim) fold(events []incident.Event) {
	for _, e := range events {
		kind, body, err := incident.EncodeEvent(e)
		if err != nil {
			s.Fatal(err)
		}
		if e, err = incident.DecodeEvent(kind, incident.EventVersion, body); err != nil {
			s.Fatal(err)
		}
		r := incident.Record{Seq: s.g.Seq + 1, At: s.now, Event: e}
		before := text(s.g)
		next := incident.ApplyGroup(s.g, r)
		if text(s.g) != before {
			s.Fatalf("%T changed the state it was applied to", e)
		}
		s.g = next
		s.history = append(s.history, r)
		for _, effect := range incident.EffectsGroup(s.g, r) {
			if p, ok := effect.(incident.AlertPost); ok {
				s.told[fmt.Sprint(p.Episode, p.Channel.Name)]++
			}
		}
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// settle asks the rule until it is quiet.
func (s *sim) settle() {
	for range 32 {
		d := s.rule.Reconcile(s.g, s.now)
		if len(d.Events) == 0 {
			s.wake = d.Wake
			if !s.wake.IsZero() && !s.wake.After(s.now) {
				s.Fatalf("a wake at %v that does not lie ahead of %v", s.wake, s.now)
			}
			return
		}
		s.fold(d.Events)
	}
	s.Fatal("the rule does not come to rest")
}

func (s *sim) say(in incident.Intent) {
	events, err := incident.HandleGroup(s.g, in, s.now)
	if err != nil {
		if _, refused := err.(incident.Refusal); !refused {
			s.Fatal(err)
		}
		return
	}
	s.fold(events)
	s.settle()
}

// pass lets time pass; nothing may change before the moment that was named.
func (s *sim) pass(d time.Duration) {
	end := s.now.Add(d)
	for !s.wake.IsZero() && !s.wake.After(end) {
		if gap := s.wake.Sub(s.now); gap > time.Second {
			if early := s.rule.Reconcile(s.g, s.wake.Add(-time.Nanosecond)); len(early.Events) > 0 {
				s.Fatalf("%T comes before its moment", early.Events[0])
			}
		}
		s.now = s.wake
		s.settle()
	}
	s.now = end
	s.settle()
}

func TestLaws(t *testing.T) { rapid.Check(t, laws) }

func FuzzLaws(f *testing.F) { f.Fuzz(rapid.MakeFuzz(laws)) }

func laws(t *rapid.T) {
	w := &world{}
	s := &sim{T: t, world: w, rule: triage.Group{Policy: policy(), World: w}, now: begin, told: map[string]int{}, g: incident.AlertGroup{ID: "ALR-1"}}
	started := map[string]time.Time{}
	for range rapid.IntRange(1, 40).Draw(t, "acts") {
		switch rapid.IntRange(0, 7).Draw(t, "act") {
		case 0, 1, 2:
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "alert")
			over := rapid.Bool().Draw(t, "over")
			if started[name].IsZero() || !over && rapid.Bool().Draw(t, "new") {
				started[name] = s.now
			}
			a := incident.Alert{
				Name: name, Severity: rapid.SampledFrom([]string{"critical", "warning", "info"}).Draw(t, "severity"), Fingerprint: name,
				StartsAt: started[name], Firing: !over, Labels: map[string]string{"alertname": name}, Service: "api",
			}
			a.Labels["severity"] = a.Severity
			if over {
				a.EndsAt = s.now
			}
			hear := incident.HearAlerts{Key: "k", Source: incident.FromAlertmanager, Alerts: []incident.Alert{a}}
			s.say(hear)
			if again, err := incident.HandleGroup(s.g, hear, s.now); err != nil || len(again) > 0 {
				t.Fatalf("the same again is news: %v %v", again, err)
			}
			if known := find(s.g, name); !over && (known == nil || !known.Firing) && s.now.Sub(resolvedAt(known)) >= time.Minute {
				t.Fatal("an alert that fires is lost")
			}
		case 3:
			s.say(incident.AckAlerts{By: incident.Person{Key: "ann@example.com"}})
		case 4:
			s.say(incident.SilenceAlerts{
				By: incident.Person{Key: "ann@example.com"}, For: time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute,
				UntilResolved: rapid.Bool().Draw(t, "until resolved"),
			})
		case 5:
			s.say(incident.EndSilence{})
		case 6: // the incident that is being declared comes about
			if s.g.Declaring.Seq != 0 {
				s.say(incident.Settled{Effect: incident.OpenIncident{Seq: s.g.Declaring.Seq}, State: incident.PageDelivered, Receipt: incident.Receipt{Ref: "INC-1"}})
			}
		case 7:
			w.look.Windows = nil
			if rapid.Bool().Draw(t, "maintenance") {
				w.look.Windows = []incident.Window{{ID: "MW-1", From: s.now, Until: s.now.Add(time.Hour)}}
			}
			s.settle()
		}
		s.pass(time.Duration(rapid.SampledFrom([]int{0, 1, 3, 30, 70, 600, 2000}).Draw(t, "seconds")) * time.Second)
		if len(s.g.Pages) > 0 && s.g.Incident != "" && s.g.Ack.By.Nobody() && len(s.history) < 3 {
			t.Fatal("both the alert and its incident page")
		}
	}
	for where, n := range s.told {
		if n > 1 {
			t.Fatalf("%s was told %d times", where, n)
		}
	}
	back := incident.AlertGroup{ID: "ALR-1"}
	for _, r := range s.history {
		back = incident.ApplyGroup(back, r)
	}
	if text(back) != text(s.g) {
		t.Fatalf("the history adds up to another state\nreplay %s\nlive   %s", text(back), text(s.g))
	}
	s.pass(40 * 24 * time.Hour)
	if !s.g.Fires() && s.g.Live() {
		t.Fatal("a group that is long resolved is still alive")
	}
}

func find(g incident.AlertGroup, name string) *incident.GroupAlert {
	for i := range g.Alerts {
		if g.Alerts[i].Fingerprint == name {
			return &g.Alerts[i]
		}
	}
	return nil
}

func resolvedAt(a *incident.GroupAlert) time.Time {
	if a == nil {
		return time.Time{}
	}
	return a.ResolvedAt
}
