package reminders

import (
	"time"

	"muster/escalation"
	"muster/incident"
)

// morning is the hour at which people are reminded of a date.
const morning = 9

// After is the rule of what follows an incident: the meeting comes near, the
// post-mortem is overdue, follow-up work is due. The zero value works.
type After struct {
	// Roster says who is on call as manager; nil: nobody is told.
	Roster escalation.Roster
	// Zone gives the zone of a person's mornings; nil, or a nil zone: UTC.
	Zone func(incident.Person) *time.Location
}

// Reconcile says what is due, and when the next is.
func (a After) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	if !s.Exists() || s.MergedInto != "" {
		return incident.Decision{}
	}
	out := a.actions(s, now)
	if !s.NeedsPostmortem() {
		return out
	}
	for _, d := range []incident.Decision{meeting(s, now), a.overdue(s, now)} {
		out.Events = append(out.Events, d.Events...)
		out.Wake = incident.Sooner(out.Wake, d.Wake)
	}
	return out
}

// meeting reminds a day and an hour before it.
func meeting(s incident.Incident, now time.Time) incident.Decision {
	at := s.After.Meeting
	before, ok := s.After.NextReminder()
	if !ok || !at.After(now) {
		return incident.Decision{}
	}
	return decide(at.Add(-before), now, func() []incident.Event {
		return []incident.Event{incident.MeetingNear{At: at, Before: before, Late: escalation.Late(at.Add(-before), now)}}
	})
}

// overdue tells who writes it and the manager on call, once.
func (a After) overdue(s incident.Incident, now time.Time) incident.Decision {
	if s.After.Overdue {
		return incident.Decision{}
	}
	due := s.ResolvedAt.Add(incident.PostmortemWithin)
	if after := s.After.Meeting.Add(time.Hour); after.After(due) {
		due = after // the weekend stood between
	}
	return decide(due, now, func() []incident.Event {
		e := incident.PostmortemOverdue{Since: s.ResolvedAt, Late: escalation.Late(due, now)}
		if a.Roster != nil {
			if on := a.Roster.OnCall("manager", now).Contacts; len(on) > 0 {
				e.Tell = on[0].Person
			}
		}
		return []incident.Event{e}
	})
}

// actions reminds the owners on the morning before the date, and once more on
// the morning after it.
func (a After) actions(s incident.Incident, now time.Time) incident.Decision {
	var out incident.Decision
	if s.Drill.On { // it leaves nothing to do
		return out
	}
	for _, w := range s.Actions {
		if w.Done || w.Over || w.Due == "" {
			continue
		}
		owner := w.Owner
		if owner.Nobody() {
			owner = s.Writer()
		}
		over, ok := a.morning(w.Due, owner, 1)
		if !ok {
			continue
		}
		switch before, _ := a.morning(w.Due, owner, -1); {
		case !now.Before(over):
			out.Events = append(out.Events, incident.ActionNear{N: w.N, Owner: owner, Over: true, Late: escalation.Late(over, now)})
		case w.Reminded:
			out.Wake = incident.Sooner(out.Wake, over)
		case !now.Before(before):
			out.Events = append(out.Events, incident.ActionNear{N: w.N, Owner: owner, Late: escalation.Late(before, now)})
		default:
			out.Wake = incident.Sooner(out.Wake, before)
		}
	}
	return out
}

// morning is nine o'clock some days from a date, where a person is.
func (a After) morning(date string, p incident.Person, days int) (time.Time, bool) {
	zone := time.UTC
	if a.Zone != nil {
		if z := a.Zone(p); z != nil {
			zone = z
		}
	}
	d, err := time.ParseInLocation(time.DateOnly, date, zone)
	if err != nil {
		return time.Time{}, false
	}
	return time.Date(d.Year(), d.Month(), d.Day()+days, morning, 0, 0, 0, zone), true
}
