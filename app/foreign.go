package app

import (
	"context"
	"errors"
	"time"

	"muster/alerts"
	"muster/engine"
	"muster/incident"
	"muster/notify"
	"muster/notify/pagerduty"
)

// foreign takes in what happens to an incident that others opened in
// PagerDuty. A webhook that cannot be read would be no better the next time.
func (p *Program) foreign(ctx context.Context, body []byte) error {
	b, err := alerts.ReadPagerDuty(body, pagerduty.Ours)
	if err != nil {
		p.log.Warn("a signed PagerDuty webhook cannot be read and is left out", "error", err)
		return nil
	}
	p.metrics.alerts.WithLabelValues(b.Source, alerts.Taken).Add(float64(len(b.Alerts)))
	return p.intake.Take(ctx, b)
}

// origin tells which incident came from one in PagerDuty. What was done there
// before it was opened again is past.
func (p *Program) origin(ctx context.Context, id string, at time.Time) (string, bool) {
	g, err := p.intake.groups.State(ctx, engine.GroupStream(incident.FromPagerDuty, "pagerduty/"+id))
	if err != nil || g.Incident == "" || g.Lead().StartsAt.After(at) {
		return "", false
	}
	return g.Incident, true
}

// answerAlerts records what a person answered to a page for alerts that
// declared no incident.
func (p *Program) answerAlerts(ctx context.Context, a notify.Answer) error {
	who := a.Person
	if m, ok := p.roster.Schedule().Member(who); ok {
		who = m.Person()
	}
	if a.Kind != notify.Acknowledge {
		return incident.Refusal{Code: "usage", Text: "Alerts can be acknowledged that way, and nothing else.", Hint: "Declare an incident from them in Slack."}
	}
	_, err := p.intake.groups.Do(ctx, engine.Request[incident.AlertGroup]{
		Stream: a.Incident, Intent: incident.AckAlerts{By: who, Via: a.Via}, Key: a.Via + ":" + a.Key,
		Reply: func(incident.AlertGroup, []incident.Event) []byte { return nil },
	})
	var refusal incident.Refusal
	if errors.As(err, &refusal) && refusal.Code == "resolved" {
		return nil
	}
	return err
}
