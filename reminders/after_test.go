package reminders_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/reminders"
)

// after plays a resolved incident and writes down what the rule says, and when.
type after struct {
	s    incident.Incident
	rule reminders.After
	now  time.Time
	said []string
}

var resolved = time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC) // a Wednesday

func resolvedAs(sev incident.Severity, meeting time.Time) *after {
	a := &after{now: resolved}
	a.add(incident.Declared{ID: "INC-1", Severity: sev, By: incident.Person{Key: "ann", Name: "Ann"}})
	a.add(incident.ResolvedEvent{Postmortem: meeting})
	return a
}

func (a *after) add(e incident.Event) {
	a.s = incident.Apply(a.s, incident.Record{Seq: a.s.Seq + 1, At: a.now, Event: e})
}

// until lets time pass, always to the wake that the rule named.
func (a *after) until(end time.Time) string {
	for range 100 {
		d := a.rule.Reconcile(a.s, a.now)
		if len(d.Events) == 0 {
			if d.Wake.IsZero() || d.Wake.After(end) {
				break
			}
			a.now = d.Wake
			continue
		}
		for _, e := range d.Events {
			a.add(e)
			switch e := e.(type) {
			case incident.MeetingNear:
				a.say("meeting in %s", e.At.Sub(a.now))
			case incident.PostmortemOverdue:
				a.say("overdue")
			case incident.ActionNear:
				a.say("action %d %s over=%t", e.N, e.Owner.Name, e.Over)
			}
		}
	}
	a.now = end
	out := strings.Join(a.said, "\n")
	a.said = nil
	return out
}

func (a *after) say(format string, args ...any) {
	a.said = append(a.said, a.now.UTC().Format("Mon 15:04 ")+fmt.Sprintf(format, args...))
}

func (a *after) wants(t *testing.T, days int, want ...string) {
	t.Helper()
	if got := a.until(a.now.AddDate(0, 0, days)); got != strings.Join(want, "\n") {
		t.Errorf("the rule said\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestMeetingIsRemindedOf(t *testing.T) {
	a := resolvedAs(incident.P1, resolved.Add(31*time.Hour))
	a.wants(t, 30, "Wed 10:00 meeting in 24h0m0s", "Thu 09:00 meeting in 1h0m0s", "Fri 03:00 overdue")
	if a.s.Live() {
		t.Error("nothing is due any more, and the incident is live")
	}
}

func TestNearMeetingIsRemindedOfOnce(t *testing.T) {
	a := resolvedAs(incident.P3, resolved.Add(5*time.Hour))
	a.wants(t, 1, "Wed 07:00 meeting in 1h0m0s")
	a = resolvedAs(incident.P3, resolved.Add(30*time.Minute))
	a.wants(t, 1)
}

func TestMovedMeetingIsRemindedOfAgain(t *testing.T) {
	a := resolvedAs(incident.P2, resolved.Add(26*time.Hour))
	a.wants(t, 1, "Wed 05:00 meeting in 24h0m0s")
	a.add(incident.PostmortemPlanned{At: a.now.Add(30 * time.Hour)})
	a.wants(t, 10, "Thu 09:00 meeting in 24h0m0s", "Fri 08:00 meeting in 1h0m0s", "Fri 10:00 overdue")
}

func TestOverduePostmortem(t *testing.T) {
	for name, c := range map[string]struct {
		sev     incident.Severity
		meeting time.Duration
		close   bool
		want    string
	}{
		"P1 without a meeting":   {sev: incident.P1, want: "Fri 03:00 overdue"},
		"P3 without a meeting":   {sev: incident.P3},
		"closed":                 {sev: incident.P0, close: true},
		"over the weekend":       {sev: incident.P0, meeting: 5 * 24 * time.Hour, want: "Sun 03:00"},
		"closed before anything": {sev: incident.P3, meeting: time.Hour, close: true},
	} {
		var at time.Time
		if c.meeting > 0 {
			at = resolved.Add(c.meeting)
		}
		a := resolvedAs(c.sev, at)
		if c.close {
			a.add(incident.ClosedEvent{})
		}
		got := a.until(resolved.AddDate(0, 0, 4))
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFollowUpIsRemindedOfInTheOwnersMorning(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	a := resolvedAs(incident.P3, time.Time{})
	a.rule.Zone = func(p incident.Person) *time.Location {
		if p.Key == "kei" {
			return tokyo
		}
		return nil
	}
	a.add(incident.ActionAdded{N: 1, Text: "alert on queue length", Owner: incident.Person{Key: "kei", Name: "Kei"}, Due: "2026-03-10"})
	a.add(incident.ActionAdded{N: 2, Text: "write it down", Due: "2026-03-09"})
	a.add(incident.ActionAdded{N: 3, Text: "done soon", Due: "2026-03-09"})
	a.add(incident.ActionAdded{N: 4, Text: "without a date"})
	a.add(incident.ActionDone{N: 3})
	a.wants(t, 30, "Sun 09:00 action 2 Ann over=false", "Mon 00:00 action 1 Kei over=false", "Tue 09:00 action 2 Ann over=true", "Wed 00:00 action 1 Kei over=true")
	if a.s.Live() {
		t.Error("nothing is due any more, and the incident is live")
	}
}

func TestDrillLeavesNoFollowUp(t *testing.T) {
	a := &after{now: resolved}
	a.add(incident.Declared{ID: "INC-1", Severity: incident.P0, Drill: incident.Drill{On: true}})
	a.add(incident.ActionAdded{N: 1, Text: "try", Owner: incident.Person{Key: "kei", Name: "Kei"}, Due: "2026-03-10"})
	a.add(incident.ResolvedEvent{})
	a.wants(t, 30)
	if a.s.Live() {
		t.Error("a drill is live after its end")
	}
}
