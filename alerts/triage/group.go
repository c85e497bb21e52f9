package triage

import (
	"slices"
	"time"

	"muster/incident"
)

// World is what a group's rule asks about beside the group.
type World interface {
	// Lookout is what concerns all alerts.
	Lookout() incident.Lookout
	// Open lists the open incidents, newest first.
	Open() []incident.Incident
	// OnCall is who is woken for alerts; methods are those that reach the
	// person, of the ones that are asked for. Nobody: there is nobody.
	OnCall(at time.Time, methods []string) (incident.Person, []string)
}

// Group is the rule for one group of alerts.
type Group struct {
	Policy Policy
	World  World
}

// Reconcile says what is missing now, one fact at a time.
func (r Group) Reconcile(g incident.AlertGroup, now time.Time) incident.Decision {
	if !g.Exists() {
		return incident.Decision{}
	}
	c := &check{Group: r, g: g, now: now, look: r.World.Lookout()}
	for _, ask := range []func() (incident.Event, time.Time){
		c.silence, c.leave, c.storm, c.held, c.join, c.announce, c.declare, c.flapping, c.over,
	} {
		event, wake := ask()
		if event != nil {
			return incident.Decision{Events: []incident.Event{event}}
		}
		c.wake = incident.Sooner(c.wake, wake)
	}
	return incident.Decision{Wake: c.wake}
}

// check is one look at one group.
type check struct {
	Group
	g    incident.AlertGroup
	now  time.Time
	look incident.Lookout
	wake time.Time
}

// silence ends one whose time is over, or whose alerts are.
func (c *check) silence() (incident.Event, time.Time) {
	s := c.g.Silence
	switch {
	case s.N == 0:
		return nil, time.Time{}
	case s.UntilResolved && !c.g.Fires():
		return incident.SilenceEnded{N: s.N, ID: s.ID, Early: s.Remote, Why: "the alerts are resolved"}, time.Time{}
	case c.now.Before(s.Until):
		return nil, s.Until
	default:
		return incident.SilenceEnded{N: s.N, ID: s.ID, Why: "its time is over", Late: late(s.Until, c.now)}, time.Time{}
	}
}

// leave takes the group out of an incident that was over before it fired again.
func (c *check) leave() (incident.Event, time.Time) {
	if c.g.Incident == "" || c.g.Refired.IsZero() || !c.g.Fires() {
		return nil, time.Time{}
	}
	if slices.ContainsFunc(c.World.Open(), func(s incident.Incident) bool { return s.ID == c.g.Incident }) {
		return nil, time.Time{}
	}
	return incident.GroupJoined{Why: c.g.Incident + " was over before they fired again"}, time.Time{}
}

// storm makes the group part of the storm that it came with.
func (c *check) storm() (incident.Event, time.Time) {
	s := c.look.Storm
	if s.N == 0 || !c.g.Fires() {
		return nil, time.Time{}
	}
	if c.g.Storm != s.N {
		came := slices.ContainsFunc(c.g.Alerts, func(a incident.GroupAlert) bool { return a.Firing && s.Had(a.HeardAt) })
		if !came || c.g.Incident != "" && !c.hasty(s) || c.quieted() {
			return nil, time.Time{}
		}
		return incident.GroupInStorm{Storm: s.N}, time.Time{}
	}
	switch {
	case s.Incident == "" || s.Incident == c.g.Incident:
		return nil, time.Time{}
	case c.g.Incident == "":
		return incident.GroupJoined{Incident: s.Incident, Why: "a storm of alerts"}, time.Time{}
	case c.hasty(s):
		return incident.GroupJoined{Incident: s.Incident, Why: "a storm of alerts", From: c.g.Incident, Merge: true}, time.Time{}
	}
	return nil, time.Time{}
}

// hasty tells whether a rule declared the group's incident for the first alerts
// of the storm, before it was known to be one. An incident on which people work,
// or that others opened, stays.
func (c *check) hasty(s incident.Storm) bool {
	return slices.ContainsFunc(c.World.Open(), func(i incident.Incident) bool {
		return i.ID == c.g.Incident && i.ID != s.Incident && s.Had(i.DeclaredAt) && i.Untouched() && len(i.Origins(incident.FromPagerDuty)) == 0
	})
}

// quieted tells whether nobody is to hear of the group's alerts.
func (c *check) quieted() bool { return c.g.Quieted() || c.window() != "" || c.dropped() }

// window is the maintenance window that covers all that fires; empty: none.
func (c *check) window() string {
	firing := c.g.Firing()
	if len(firing) == 0 {
		return ""
	}
	for _, w := range c.look.Windows {
		if !slices.ContainsFunc(firing, func(a incident.GroupAlert) bool { return !w.Covers(a.Alert, c.now) }) {
			return w.ID
		}
	}
	return ""
}

func (c *check) dropped() bool {
	return !slices.ContainsFunc(c.g.Firing(), func(a incident.GroupAlert) bool { return !c.Policy.Route(a.Alert).Drop })
}

// held puts on record that a maintenance window holds the group back.
func (c *check) held() (incident.Event, time.Time) {
	if !c.g.Fires() {
		return nil, time.Time{}
	}
	w := c.window()
	if w != c.g.Window {
		return incident.GroupHeld{Window: w}, time.Time{}
	}
	var wake time.Time
	for _, open := range c.look.Windows {
		if open.ID == w {
			wake = open.Until
		}
	}
	if !wake.After(c.now) {
		wake = time.Time{}
	}
	return nil, wake
}

// join puts the group into an open incident by rule.
func (c *check) join() (incident.Event, time.Time) {
	if c.g.Incident != "" || c.g.Alone || c.g.Storm != 0 || !c.g.Fires() || c.quieted() || c.g.Declaring.Seq != 0 {
		return nil, time.Time{}
	}
	id, why := c.Policy.Joins(c.g.Firing(), c.World.Open())
	if id == "" {
		return nil, time.Time{}
	}
	return incident.GroupJoined{Incident: id, Why: why}, time.Time{}
}

// announce tells the channels of the alerts' classes and routes, those that
// were not told yet.
func (c *check) announce() (incident.Event, time.Time) {
	if !c.g.Fires() || c.quieted() || c.g.Storm != 0 {
		return nil, time.Time{}
	}
	var channels []incident.Channel
	var methods []string
	for _, a := range c.g.Firing() {
		w := c.Policy.ways(a.Alert)
		for _, ch := range w.Channels {
			told := func(old incident.Channel) bool { return old.Name == ch.Name && old.Mail == ch.Mail }
			if !slices.ContainsFunc(c.g.Announced, told) && !slices.ContainsFunc(channels, told) {
				channels = append(channels, ch)
			}
		}
		for _, m := range w.Methods {
			if !slices.Contains(methods, m) {
				methods = append(methods, m)
			}
		}
	}
	worst := c.g.Worst()
	e := incident.GroupAnnounced{Episode: c.g.Episode, Class: worst, Channels: channels}
	if len(methods) > 0 && len(c.g.Pages) == 0 && !c.paged() {
		e.Person, e.Methods = c.World.OnCall(c.now, methods)
	}
	if len(e.Channels) == 0 && len(e.Methods) == 0 {
		return nil, time.Time{}
	}
	return e, time.Time{}
}

// paged tells whether an incident's ladder wakes people for these alerts, so
// that the alerts themselves do not.
func (c *check) paged() bool {
	if c.g.Incident != "" || c.g.Declaring.Seq != 0 {
		return true
	}
	_, _, declares := c.declares()
	return declares && !c.g.Alone
}

// declares finds the alert for which an incident is declared by rule.
func (c *check) declares() (incident.Alert, string, bool) {
	var lead incident.Alert
	var because string
	for _, a := range c.g.Firing() {
		if why, ok := c.Policy.Declares(a.Alert); ok && (because == "" || a.Class().Worse(lead.Class())) {
			lead, because = a.Alert, why
		}
	}
	return lead, because, because != ""
}

// declare opens an incident by rule, a moment after the alert came.
func (c *check) declare() (incident.Event, time.Time) {
	if c.g.Incident != "" || c.g.Alone || c.g.Storm != 0 || c.g.Declaring.Seq != 0 || c.quieted() {
		return nil, time.Time{}
	}
	a, why, ok := c.declares()
	if !ok {
		return nil, time.Time{}
	}
	heard := c.now
	for _, known := range c.g.Firing() {
		if known.Fingerprint == a.Fingerprint {
			heard = known.HeardAt
		}
	}
	if due := heard.Add(c.Policy.Settle); c.now.Before(due) {
		return nil, due
	}
	title := a.Summary
	if title == "" {
		title = a.Name
	}
	return incident.GroupDeclaring{Declaring: incident.Declaring{
		Title: title, Severity: c.Policy.severity(a), Service: a.Service, Impact: a.Description, Why: why,
	}}, time.Time{}
}

// flapping notices that the alerts come and go, and when they stopped to.
func (c *check) flapping() (incident.Event, time.Time) {
	if c.Policy.FlapTurns <= 0 {
		return nil, time.Time{}
	}
	n := 0
	var first time.Time
	for _, at := range c.g.Turns {
		if c.now.Sub(at) < c.Policy.FlapWithin {
			if n++; n == 1 {
				first = at
			}
		}
	}
	switch on := n >= c.Policy.FlapTurns; {
	case on && !c.g.Flapping:
		return incident.GroupFlapping{On: true, Turns: n, Within: c.Policy.FlapWithin}, time.Time{}
	case !on && c.g.Flapping:
		return incident.GroupFlapping{}, time.Time{}
	case on:
		return nil, first.Add(c.Policy.FlapWithin)
	}
	return nil, time.Time{}
}

// over ends an episode after a while of quiet.
func (c *check) over() (incident.Event, time.Time) {
	if c.g.Over || c.g.Fires() || c.g.QuietSince.IsZero() {
		return nil, time.Time{}
	}
	if due := c.g.QuietSince.Add(c.Policy.Quiet); c.now.Before(due) {
		return nil, due
	}
	return incident.GroupOver{}, time.Time{}
}

// late is how late something happens; zero below a second.
func late(due, now time.Time) time.Duration {
	if d := now.Sub(due); d >= time.Second {
		return d.Round(time.Second)
	}
	return 0
}
