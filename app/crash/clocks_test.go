package crash

import (
	"os"
	"time"

	"muster/config"
	"muster/escalation"
	"muster/escalation/rota"
	"muster/incident"
	"muster/reminders"
)

// clocksWithin is how long a program that runs may leave a clock that is due,
// a start included. The promise is two seconds, on a machine that has nothing
// else to do: MUSTER_CRASH_STRICT holds it to that.
var clocksWithin = within(os.Getenv("MUSTER_CRASH_STRICT") != "")

func within(strict bool) time.Duration {
	if strict {
		return 2 * time.Second
	}
	return 15 * time.Second
}

// checkClocks fails if a clock was due and the program, although it ran, left
// it; or if one that was late does not say so. It gives how many fired while
// the program was away.
func (w *world) checkClocks(all []history) (overdue int) {
	w.Helper()
	cfg, err := config.Load(w.config, noEnv)
	w.must(err)
	who := roster{cfg.Schedule}
	rules := []incident.Rule{escalation.Matrix{Roster: who}, reminders.Updates{Roster: who}}
	for _, h := range all {
		dues := map[time.Time]bool{}
		for i, r := range h.records {
			if e, ok := r.Event.(incident.ReminderDue); ok {
				if dues[e.Due] {
					w.Errorf("%s: the reminder of %s fired twice", h.id, e.Due)
				}
				dues[e.Due] = true
				if late := escalation.Late(e.Due, r.At); late != e.Late {
					w.Errorf("%s record %d is %s late and says %s", h.id, r.Seq, late, e.Late)
				}
			}
			if i+1 < len(h.records) && h.records[i+1].At.Equal(r.At) {
				continue
			}
			var wake time.Time
			for _, rule := range rules {
				d := rule.Reconcile(h.states[i], r.At)
				if len(d.Events) > 0 {
					w.Errorf("%s record %d left something unsaid: %+v", h.id, r.Seq, d.Events)
				}
				wake = incident.Sooner(wake, d.Wake)
			}
			if wake.IsZero() || i+1 == len(h.records) || !h.records[i+1].At.After(wake) {
				continue
			}
			due, fired := w.clock.wall(wake), w.clock.wall(h.records[i+1].At)
			switch up := w.upBetween(due, fired); {
			case up > clocksWithin:
				w.Errorf("%s: what was due after record %d waited %v of the program's time", h.id, r.Seq, up)
			case up < fired.Sub(due):
				overdue++
			}
		}
	}
	return overdue
}

// upBetween is the longest time that one process ran between two moments.
func (w *world) upBetween(from, to time.Time) (longest time.Duration) {
	for _, l := range w.lives {
		end := to
		select {
		case <-l.gone:
			if l.ended.Before(end) {
				end = l.ended
			}
		default:
		}
		begin := l.begun
		if begin.Before(from) {
			begin = from
		}
		longest = max(longest, end.Sub(begin))
	}
	return longest
}

// roster is who is on call by a schedule alone, over Slack.
type roster struct{ rota.Schedule }

func (r roster) OnCall(role string, at time.Time) escalation.Shift {
	shift := r.Schedule.OnCall(role, at, nil)
	out := escalation.Shift{Until: shift.Until}
	for _, m := range shift.Members {
		out.Contacts = append(out.Contacts, r.Contact(m.Person()))
	}
	return out
}

func (r roster) Contact(p incident.Person) escalation.Contact {
	return escalation.Contact{Person: p, Missing: map[string]string{
		"pagerduty": "not configured", "phone": "not configured", "email": "not configured",
	}}
}
