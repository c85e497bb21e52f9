package config

import (
	"fmt"
	"time"

	"muster/incident"
)

// Route treats the alerts that carry all labels of Match in its own way. The
// first route that matches an alert counts.
type Route struct {
	Match map[string]string
	// Channels replace those of the alert's class; nil: the class's.
	Channels []Channel
	// AutoDeclare says whether an incident is declared; nil: auto_declare says it.
	AutoDeclare *bool
	// Severity is what is declared; nil: the class of the alert says it.
	Severity *incident.Severity
	// Join is service, any or never; empty: alerts.join says it.
	Join string
	// Drop keeps the alerts on record and tells nobody.
	Drop bool
	Line int // in muster.yaml
}

// Alerts is how alerts are taken.
type Alerts struct {
	// JoinService puts alerts into an open incident of the same service.
	JoinService bool
	// Settle is the pause before an incident is declared by rule, Quiet the time
	// after which a resolved group that fires again is news.
	Settle, Quiet time.Duration
	Flapping      Flapping
}

// Flapping is when alerts come and go: Changes within Window. No changes: never.
type Flapping struct {
	Changes int
	Window  time.Duration
}

// Watchdog is an alert whose absence raises an incident. AbsentFor zero: none.
type Watchdog struct {
	Alert     string
	AbsentFor time.Duration
}

// alerts reads what muster.yaml says of alerts beside auto_declare and storm.
func (l *loader) alerts(r *reader, root *value) {
	c := l.cfg
	r.section(root, "alerts", []string{"join", "settle", "quiet", "flapping"}, func(key, what string, v *value) {
		switch key {
		case "join":
			join, _ := r.oneOf(v, what, "service", "never")
			c.Alerts.JoinService = join == "service"
		case "settle":
			c.Alerts.Settle, _ = r.duration(v, what, 0)
		case "quiet":
			c.Alerts.Quiet, _ = r.duration(v, what, time.Second)
		default:
			l.flapping(r, v, what)
		}
	})
	r.section(root, "watchdog", []string{"alert", "absent_for"}, func(key, what string, v *value) {
		if key == "alert" {
			c.Watchdog.Alert, _ = r.text(v, what)
		} else {
			c.Watchdog.AbsentFor, _ = r.duration(v, what, 0)
		}
	})
	if f := root.get("routes"); f != nil {
		c.Routes = l.routes(r, f)
	}
}

func (l *loader) flapping(r *reader, v *value, what string) {
	v, ok := r.object(v, what, "changes", "window")
	if !ok {
		return
	}
	if f := v.get("changes"); f != nil {
		l.cfg.Alerts.Flapping.Changes, _ = r.number(f, what+".changes", 0)
	}
	if f := v.get("window"); f != nil {
		l.cfg.Alerts.Flapping.Window, _ = r.duration(f, what+".window", time.Second)
	}
}

func (l *loader) routes(r *reader, v *value) []Route {
	all := []Route{}
	for i, item := range r.list(v, "routes") {
		what := fmt.Sprintf("route %d", i+1)
		item, ok := r.object(item, what, "match", "channels", "auto_declare", "severity", "join", "drop")
		if !ok {
			continue
		}
		route := Route{Line: item.line}
		m := r.need(item, what, "match", "match: {team: db}, the labels of its alerts")
		if m == nil {
			continue
		}
		route.Match = r.labels(m, "match of "+what)
		if f := item.get("channels"); f != nil {
			route.Channels = []Channel{}
			for j, ch := range r.list(f, "channels of "+what) {
				if c, ok := r.channel(ch, fmt.Sprintf("channel %d of %s", j+1, what)); ok {
					route.Channels = append(route.Channels, c)
				}
			}
		}
		if f := item.get("auto_declare"); f != nil {
			if yes, ok := r.truth(f, "auto_declare of "+what); ok {
				route.AutoDeclare = &yes
			}
		}
		if f := item.get("severity"); f != nil {
			if s, ok := r.severity(f, "severity of "+what); ok {
				route.Severity = &s
			}
		}
		if f := item.get("join"); f != nil {
			route.Join, _ = r.oneOf(f, "join of "+what, "service", "any", "never")
		}
		if f := item.get("drop"); f != nil {
			route.Drop, _ = r.truth(f, "drop of "+what)
		}
		all = append(all, route)
	}
	return all
}

// labels reads label matches; none is a problem, for it would match anything.
func (r *reader) labels(v *value, what string) map[string]string {
	v, ok := r.group(v, what)
	if !ok {
		return nil
	}
	m := map[string]string{}
	for _, label := range v.keys {
		if f := v.fields[label]; f != nil {
			m[label], _ = r.text(f, fmt.Sprintf("the label %q of %s", label, what))
		}
	}
	if len(m) == 0 {
		r.problems.add(r.file, v.line, "%s has no labels and would match every alert; add one, such as {severity: critical}", what)
	}
	return m
}
