package triage

import (
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// Policy is what the configuration of the day says about alerts.
type Policy struct {
	// Classes are the ways in which each class is announced.
	Classes map[incident.Class]Ways
	// Routes are asked in order; the first that matches an alert counts.
	Routes []Route
	// AutoDeclare are label matches: an alert that carries all labels of one
	// of them declares an incident.
	AutoDeclare []map[string]string
	// JoinService lets the rules put alerts into an open incident of the same
	// service instead of declaring another.
	JoinService bool
	// Playbook names the one that is for an alert; nil: there are none.
	Playbook func(incident.Alert) (name string, ok bool)
	// Settle is how long the rules wait before they declare: what comes at
	// once may be a storm.
	Settle time.Duration
	// Quiet is how long a group must be resolved before its next alert is news
	// with a message of its own.
	Quiet time.Duration
	// FlapTurns within FlapWithin is flapping; zero turns: nothing is.
	FlapTurns  int
	FlapWithin time.Duration
	// StormAlerts within StormWithin is a storm when there are more; zero:
	// nothing is.
	StormAlerts int
	StormWithin time.Duration
	// Watchdog is the alert whose absence for WatchdogWithin is reported;
	// zero: it is not watched for.
	Watchdog       string
	WatchdogWithin time.Duration
}

// Ways are how a class or a route is announced.
type Ways struct {
	Channels []incident.Channel
	// Methods page whoever is on call: pagerduty, phone.
	Methods []string
}

// Route treats some alerts in their own way.
type Route struct {
	Match map[string]string
	// Ways replace those of the class; nil: the class's.
	Ways *Ways
	// Declare says whether an incident is declared; nil: AutoDeclare says it.
	Declare *bool
	// Severity is what is declared; nil: the class says it.
	Severity *incident.Severity
	// Join puts the alerts into an open incident that matches: "service" one of
	// the same service, "any" the newest, "never" none; empty: JoinService says it.
	Join string
	// Drop leaves the alerts on record and tells nobody.
	Drop bool
}

// Route gives the first route that matches an alert; the zero Route: none does.
func (p Policy) Route(a incident.Alert) Route {
	for _, r := range p.Routes {
		if a.Matches(r.Match) {
			return r
		}
	}
	return Route{}
}

// Declares tells whether an alert declares an incident by itself, and why.
func (p Policy) Declares(a incident.Alert) (why string, ok bool) {
	r := p.Route(a)
	if r.Drop {
		return "", false
	}
	if r.Declare != nil {
		return "its route declares", *r.Declare
	}
	if a.Source == incident.FromPagerDuty {
		return "opened in PagerDuty", true
	}
	for _, m := range p.AutoDeclare {
		if a.Matches(m) {
			return "auto_declare: " + text(m), true
		}
	}
	if p.Playbook != nil {
		if name, ok := p.Playbook(a); ok {
			return "named by the playbook " + name, true
		}
	}
	return "", false
}

// text writes a match as it stands in the configuration.
func text(match map[string]string) string {
	var out []string
	for label, value := range match {
		out = append(out, label+"="+value)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// ways are how an alert is announced.
func (p Policy) ways(a incident.Alert) Ways {
	r := p.Route(a)
	switch {
	case r.Drop:
		return Ways{}
	case r.Ways != nil:
		return *r.Ways
	default:
		return p.Classes[a.Class()]
	}
}

// severity is what an alert is declared with.
func (p Policy) severity(a incident.Alert) incident.Severity {
	if r := p.Route(a); r.Severity != nil {
		return *r.Severity
	}
	return a.Class().Declares()
}

// joins gives the open incident that an alert belongs to by rule; empty: none.
func (p Policy) joins(a incident.Alert, open []incident.Incident) (id, why string) {
	how := p.Route(a).Join
	if how == "" && p.JoinService {
		how = "service"
	}
	for _, s := range open { // newest first
		switch {
		case s.Drill.On: // a real alert is no part of an exercise
		case how == "any":
			return s.ID, "its route joins the newest incident"
		case how == "service" && a.Service != "" && strings.EqualFold(s.Service, a.Service):
			return s.ID, "the same service"
		}
	}
	return "", ""
}

// Joins gives the open incident that one of the alerts belongs to by rule.
func (p Policy) Joins(list []incident.GroupAlert, open []incident.Incident) (id, why string) {
	for _, a := range list {
		if id, why := p.joins(a.Alert, open); id != "" {
			return id, why
		}
	}
	return "", ""
}
