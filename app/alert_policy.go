package app

import (
	"slices"
	"strings"
	"time"

	"muster/alerts/triage"
	"muster/config"
	"muster/incident"
)

// policy turns the configuration into what the rules of alerts ask. Mail is
// left out where there is none.
func policy(cfg *config.Config, mail bool, playbook func(incident.Alert) (string, bool)) triage.Policy {
	p := triage.Policy{
		Classes: map[incident.Class]triage.Ways{}, AutoDeclare: cfg.AutoDeclare, JoinService: cfg.Alerts.JoinService, Playbook: playbook,
		Settle: cfg.Alerts.Settle, Quiet: cfg.Alerts.Quiet, FlapTurns: cfg.Alerts.Flapping.Changes, FlapWithin: cfg.Alerts.Flapping.Window,
		StormAlerts: cfg.Storm.Alerts, StormWithin: cfg.Storm.Window, Watchdog: cfg.Watchdog.Alert, WatchdogWithin: cfg.Watchdog.AbsentFor,
	}
	for _, class := range []incident.Class{incident.Critical, incident.Warning, incident.Info} {
		p.Classes[class] = ways(cfg.Notify[class], mail)
	}
	for _, r := range cfg.Routes {
		route := triage.Route{Match: r.Match, Declare: r.AutoDeclare, Severity: r.Severity, Join: r.Join, Drop: r.Drop}
		if r.Channels != nil {
			w := ways(r.Channels, mail)
			route.Ways = &w
		}
		p.Routes = append(p.Routes, route)
	}
	return p
}

// ways are the channels of a class or a route.
func ways(list []config.Channel, mail bool) triage.Ways {
	var w triage.Ways
	for _, c := range list {
		switch c.Type {
		case "slack":
			w.Channels = append(w.Channels, incident.Channel{Name: c.Channel, Mention: c.Mention})
		case "email":
			if mail {
				w.Channels = append(w.Channels, incident.Channel{Mail: strings.Join(c.To, ",")})
			}
		default:
			if !slices.Contains(w.Methods, c.Type) {
				w.Methods = append(w.Methods, c.Type)
			}
		}
	}
	return w
}

// playbookFor names the playbook that is for an alert.
func (p *Program) playbookFor(a incident.Alert) (string, bool) {
	if p.opt.Playbook == nil {
		return p.runbooks.forAlert(a)
	}
	return p.opt.Playbook(a)
}

// alertFor is how long the declaration of an incident from alerts is waited
// for, so that its name can be answered.
const alertFor = 2 * time.Second
