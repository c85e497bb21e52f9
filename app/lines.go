package app

import (
	"muster/bot/render"
	"muster/config"
)

// lines are the templates of a configuration, for rendering.
func lines(cfg *config.Config) render.Lines {
	t := cfg.Templates
	return render.Lines{
		First: func(m render.First) []string {
			return t.First(config.FirstMessage{
				Severity: m.Severity, Title: m.Title, Status: m.Status, Impact: m.Impact, ETA: m.ETA, OnCall: config.Mrkdwn(m.OnCall),
			})
		},
		Update:     func(m render.Update) []string { return t.Update(config.Update(m)) },
		Resolution: func(m render.Resolution) []string { return t.Resolution(resolution(cfg, m)) },
	}
}

func resolution(cfg *config.Config, m render.Resolution) config.Resolution {
	out := config.Resolution{Subject: m.Subject, Minutes: m.Minutes, Cause: m.Cause, Fix: m.Fix, Postmortem: m.Postmortem}
	if cfg.Watch.For <= 0 || m.Unwatched {
		out.Monitoring = "none"
	}
	return out
}
