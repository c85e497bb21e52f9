package escalation

import (
	"time"

	"muster/incident"
)

// OnCall keeps the incident's word of who is on call for its ladder's first
// level.
type OnCall struct{ Roster Roster }

// Reconcile says when somebody else is on call.
func (o OnCall) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	if !s.Open() || len(s.Plan.Ladder.Levels) == 0 {
		return incident.Decision{}
	}
	shift := o.Roster.OnCall(s.Plan.Ladder.Levels[0].Role, now)
	var p incident.Person
	if len(shift.Contacts) > 0 {
		p = shift.Contacts[0].Person
	}
	if p.Key != s.OnCall.Key {
		return incident.Decision{Events: []incident.Event{incident.OnCallChanged{Person: p}}}
	}
	if !shift.Until.After(now) {
		return incident.Decision{}
	}
	return incident.Decision{Wake: shift.Until}
}
