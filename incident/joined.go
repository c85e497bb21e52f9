package incident

import (
	"slices"
	"time"
)

// AlertRef is a group of alerts as its incident knows it.
type AlertRef struct {
	Group   string   `json:"group"`
	Episode int      `json:"episode,omitempty"`
	Title   string   `json:"title,omitempty"`
	Names   []string `json:"names,omitempty"`
	Class   Class    `json:"class,omitempty"`
	Service string   `json:"service,omitempty"`
	Source  string   `json:"source,omitempty"`
	// Remote is the source's own name of it; empty: not needed.
	Remote string `json:"remote,omitempty"`
	// Firing of Total alerts fire now.
	Firing     int       `json:"firing"`
	Total      int       `json:"total"`
	Since      time.Time `json:"since,omitzero"`
	QuietSince time.Time `json:"quiet_since,omitzero"`
	// Lines name the alerts, the first few hundred.
	Lines []string `json:"lines,omitempty"`
	Spot  Spot     `json:"spot,omitzero"` // of its message
	// Expr is the expression of its first alert that has one.
	Expr string `json:"expr,omitempty"`
	// Why it belongs to the incident, in a few words.
	Why string `json:"why,omitempty"`
	// Gone is set when it was moved to another incident.
	Gone bool `json:"gone,omitempty"`
}

// Same tells whether nothing about the group has changed.
func (r AlertRef) Same(q AlertRef) bool {
	return r.Group == q.Group && r.Episode == q.Episode && r.Title == q.Title && slices.Equal(r.Names, q.Names) && r.Class == q.Class &&
		r.Service == q.Service && r.Source == q.Source && r.Remote == q.Remote && r.Firing == q.Firing && r.Total == q.Total &&
		r.Since.Equal(q.Since) && r.QuietSince.Equal(q.QuietSince) && slices.Equal(r.Lines, q.Lines) && r.Spot == q.Spot && r.Why == q.Why &&
		r.Expr == q.Expr && r.Gone == q.Gone
}

// AlertsTold records which alerts belong to the incident and how they stand.
type AlertsTold struct {
	Joined  []AlertRef `json:"joined,omitempty"`
	Changed []AlertRef `json:"changed,omitempty"`
	Left    []AlertRef `json:"left,omitempty"`
	// Again is set when alerts fire again after all were resolved.
	Again bool `json:"again,omitempty"`
}

// AllAlertsResolved records that none of the incident's alerts fires any more.
type AllAlertsResolved struct {
	Count int `json:"count"` // of alerts
}

func (AlertsTold) event()        {}
func (AllAlertsResolved) event() {}

// TellAlerts tells an incident how its alerts stand.
type TellAlerts struct{ Alerts []AlertRef }

func (TellAlerts) intent() {}

// PlaceAlerts is the list of the incident's alerts in its thread.
const PlaceAlerts Place = "alerts"

// FewAlerts is how many groups of alerts the card itself lists; above it there
// is a list of its own in the thread.
const FewAlerts = 5

// AlertsFiring counts the incident's alerts that fire, and all of them.
func (s Incident) AlertsFiring() (firing, total int) {
	for _, r := range s.Alerts {
		firing += r.Firing
		total += r.Total
	}
	return firing, total
}

// Untouched tells whether a rule declared the incident and nobody has worked on
// it yet: it may be acknowledged, but there is nothing that a person wrote.
func (s Incident) Untouched() bool {
	return s.DeclaredBy.Nobody() && s.Status == Investigating && s.Update.At.IsZero() && len(s.Roles) == 0 && len(s.Actions) == 0 &&
		len(s.Sources) == 0 && len(s.Shelf.Runs) == 0 && len(s.Shelf.Ticks) == 0 && s.Reopens == 0
}

// AlertsOver tells whether the incident has alerts and none fires any more.
func (s Incident) AlertsOver() bool {
	firing, total := s.AlertsFiring()
	return total > 0 && firing == 0
}

func tellAlerts(s Incident, in TellAlerts) ([]Event, error) {
	if !s.ClosedAt.IsZero() {
		return nil, nil
	}
	var e AlertsTold
	over := s.AlertsOver()
	for _, r := range in.Alerts {
		i := slices.IndexFunc(s.Alerts, func(old AlertRef) bool { return old.Group == r.Group })
		switch {
		case i < 0 && r.Gone:
		case i < 0:
			e.Joined = append(e.Joined, r)
		case r.Gone:
			e.Left = append(e.Left, r)
		case !s.Alerts[i].Same(r):
			e.Changed = append(e.Changed, r)
		}
	}
	if len(e.Joined)+len(e.Changed)+len(e.Left) == 0 {
		return nil, nil
	}
	after := Apply(s, Record{Seq: s.Seq, Event: e})
	firing, total := after.AlertsFiring()
	e.Again = over && firing > 0
	out := []Event{e}
	if s.Open() && !over && after.AlertsOver() {
		out = append(out, AllAlertsResolved{Count: total})
	}
	return out, nil
}

// told folds how the alerts stand.
func (s Incident) told(e AlertsTold) Incident {
	s.Alerts = slices.Clone(s.Alerts)
	for _, list := range [][]AlertRef{e.Joined, e.Changed} {
		for _, r := range list {
			if i := slices.IndexFunc(s.Alerts, func(old AlertRef) bool { return old.Group == r.Group }); i >= 0 {
				s.Alerts[i] = r
			} else {
				s.Alerts = append(s.Alerts, r)
			}
		}
	}
	for _, r := range e.Left {
		s.Alerts = without(s.Alerts, func(old AlertRef) bool { return old.Group == r.Group })
	}
	if len(s.Alerts) == 0 {
		s.Alerts = nil
	}
	return s
}

func alertsTold(s Incident, e AlertsTold, thread Thread) []Effect {
	out := []Effect{RefreshCard{}}
	switch {
	case e.Again:
		loud := thread
		loud.Also = true
		out = append(out, loud)
	case len(e.Joined)+len(e.Left) > 0 && len(s.Alerts) <= FewAlerts:
		out = append(out, thread)
	}
	if len(s.Alerts) > FewAlerts {
		out = append(out, AlertList{})
	}
	return out
}
