// Package flow holds the rules that put playbooks in front of people: which
// ones an incident is told of, and when a step that waits for somebody lapses.
//
// It never reads a playbook, runs nothing, and reads no clock.
package flow

import (
	"slices"
	"time"

	"muster/incident"
)

// Lapse ends what waited too long: a step that nobody confirmed or approved,
// and an approval under which nothing began.
type Lapse struct{}

// Reconcile implements incident.Rule.
func (Lapse) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	var d incident.Decision
	if !s.Open() {
		return d
	}
	for _, r := range s.Shelf.Runs {
		switch {
		case r.Phase != incident.Previewing && r.Phase != incident.Waiting && r.Phase != incident.Ready, r.Until.IsZero():
		case r.Until.After(now):
			d.Wake = incident.Sooner(d.Wake, r.Until)
		default:
			d.Events = append(d.Events, incident.StepLapsed{N: r.N, Was: r.Phase, Late: late(now.Sub(r.Until))})
		}
	}
	return d
}

// late is zero where nobody would call it late.
func late(d time.Duration) time.Duration {
	if d < time.Second {
		return 0
	}
	return d.Round(time.Second)
}

// Fitting finds the playbooks that fit an incident, each with the reason, best
// first.
type Fitting interface {
	Fitting(s incident.Incident) []incident.Suggestion
}

// Suggest tells an open incident of each playbook that fits it, once.
type Suggest struct{ Playbooks Fitting }

// Reconcile implements incident.Rule.
func (r Suggest) Reconcile(s incident.Incident, _ time.Time) incident.Decision {
	if r.Playbooks == nil || !s.Open() {
		return incident.Decision{}
	}
	var fresh []incident.Suggestion
	for _, found := range r.Playbooks.Fitting(s) {
		known := func(k incident.Suggestion) bool { return k.ID == found.ID }
		_, shown := s.Shelf.Book(found.ID)
		if !shown && !slices.ContainsFunc(s.Shelf.Suggested, known) && !slices.ContainsFunc(fresh, known) {
			fresh = append(fresh, found)
		}
	}
	if len(fresh) == 0 {
		return incident.Decision{}
	}
	return incident.Decision{Events: []incident.Event{incident.PlaybookSuggested{Playbooks: fresh}}}
}
