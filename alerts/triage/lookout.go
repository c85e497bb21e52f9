package triage

import (
	"time"

	"muster/incident"
)

// Arrivals is what came in lately, beside the record.
type Arrivals interface {
	// Since counts the alerts that began to fire after a moment, and gives the
	// first of them and the worst class.
	Since(at time.Time) (n int, first time.Time, worst incident.Class)
	// Last is when the newest one came; zero: none did.
	Last() time.Time
	// Watchdog is when it was last heard, or the program began to listen,
	// whichever is later.
	Watchdog() time.Time
}

// Lookout is the rule for what concerns all alerts.
type Lookout struct {
	Policy   Policy
	Arrivals Arrivals
}

// calm is how many storm windows without a new alert end a storm.
const calm = 5

// Reconcile says what is missing now, one fact at a time.
func (r Lookout) Reconcile(l incident.Lookout, now time.Time) incident.Decision {
	var wake time.Time
	for _, ask := range []func(incident.Lookout, time.Time) (incident.Event, time.Time){r.windows, r.storm, r.watchdog} {
		event, at := ask(l, now)
		if event != nil {
			return incident.Decision{Events: []incident.Event{event}}
		}
		wake = incident.Sooner(wake, at)
	}
	return incident.Decision{Wake: wake}
}

// windows ends maintenance windows whose time is over.
func (r Lookout) windows(l incident.Lookout, now time.Time) (incident.Event, time.Time) {
	var wake time.Time
	for _, w := range l.Windows {
		if !now.Before(w.Until) {
			return incident.MaintenanceEnded{Window: w, Late: late(w.Until, now)}, time.Time{}
		}
		wake = incident.Sooner(wake, w.Until)
	}
	return nil, wake
}

// storm notices that many alerts came at once, and when it is over.
func (r Lookout) storm(l incident.Lookout, now time.Time) (incident.Event, time.Time) {
	if l.Storm.N != 0 {
		last := r.Arrivals.Last()
		if last.Before(l.Storm.At) {
			last = l.Storm.At
		}
		within := l.Storm.Within
		if within <= 0 {
			within = time.Minute
		}
		if due := last.Add(calm * within); now.Before(due) {
			return nil, due
		}
		return incident.StormEnded{N: l.Storm.N}, time.Time{}
	}
	if r.Policy.StormAlerts <= 0 {
		return nil, time.Time{}
	}
	n, first, worst := r.Arrivals.Since(now.Add(-r.Policy.StormWithin))
	if n <= r.Policy.StormAlerts {
		return nil, time.Time{}
	}
	return incident.StormBegan{Storm: incident.Storm{
		N: l.Storms + 1, From: first, Alerts: n, Within: r.Policy.StormWithin, Severity: stormSeverity(worst),
	}}, time.Time{}
}

// stormSeverity is one step above what a single alert of the class is.
func stormSeverity(worst incident.Class) incident.Severity {
	if s := worst.Declares(); s > incident.P0 {
		return s - 1
	}
	return incident.P0
}

// watchdog notices that the alert which always fires is not heard any more.
func (r Lookout) watchdog(l incident.Lookout, now time.Time) (incident.Event, time.Time) {
	w := l.Watchdog
	if r.Policy.WatchdogWithin <= 0 || !w.Armed || w.Name != r.Policy.Watchdog || !w.Missing.IsZero() {
		return nil, time.Time{}
	}
	last := w.Seen
	if heard := r.Arrivals.Watchdog(); heard.After(last) {
		last = heard
	}
	due := last.Add(r.Policy.WatchdogWithin)
	if now.Before(due) {
		return nil, due
	}
	return incident.WatchdogMissing{Name: w.Name, Since: last, For: r.Policy.WatchdogWithin, Late: late(due, now)}, time.Time{}
}
