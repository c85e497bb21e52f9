package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"muster/alerts"
	"muster/alerts/alertmanager"
	"muster/incident"
	"muster/outbox"
	"muster/query"
	"muster/report/chart"
)

// sources are the servers that alerts come from. A nil one is not configured.
type sources struct {
	alertmanager *alertmanager.Client
	prometheus   *query.Prometheus
}

func (p *Program) newSources() (s sources, err error) {
	env := p.opt.Env
	if env.AlertmanagerURL != "" {
		if s.alertmanager, err = alertmanager.New(alertmanager.Config{URL: env.AlertmanagerURL, HTTP: p.opt.HTTP}); err != nil {
			return s, fmt.Errorf("%w: %w", errSetup, err)
		}
	}
	if env.PrometheusURL != "" {
		if s.prometheus, err = query.NewPrometheus(query.Config{URL: env.PrometheusURL, HTTP: p.opt.HTTP}); err != nil {
			return s, fmt.Errorf("%w: %w", errSetup, err)
		}
	}
	return s, nil
}

// silence asks Alertmanager to keep a silence, once: one with the same labels
// and the same words is found again.
func (p *Program) silence(ctx context.Context, d outbox.Delivery, e incident.AlertSilence, _ bool) (incident.Receipt, error) {
	if p.sources.alertmanager == nil {
		return incident.Receipt{}, outbox.PermanentError{Reason: "ALERTMANAGER_URL is not set"}
	}
	g, err := p.intake.groups.State(ctx, d.Stream)
	if err != nil {
		return incident.Receipt{}, outbox.NotSentError{Err: err}
	}
	made := g.Silence
	if made.N != e.N {
		return incident.Receipt{}, outbox.PermanentError{Reason: "the silence was ended before Alertmanager heard of it"}
	}
	what := g.ID
	if g.Incident != "" {
		what = g.Incident
	}
	var ids []string
	for _, labels := range silenced(g) {
		id, err := p.sources.alertmanager.Create(ctx, alertmanager.Silence{
			Labels: labels, From: p.now(), Until: made.Until, By: made.By.String(),
			Comment: fmt.Sprintf("Silenced in Muster by %s for %s (%s, silence %d)", made.By, what, g.ID, e.N),
		})
		if err != nil {
			return incident.Receipt{}, failed(err)
		}
		ids = append(ids, id)
	}
	return incident.Receipt{Ref: strings.Join(ids, ",")}, nil
}

// silenced are the labels of the silences that meet a group and as little else
// as possible: there is always the name of an alert among them.
func silenced(g incident.AlertGroup) []map[string]string {
	var list []incident.Alert
	for _, a := range g.Alerts {
		if a.Firing || !g.Fires() {
			list = append(list, a.Alert)
		}
	}
	labels := alertmanager.Matchers(g.Key, list)
	if labels["alertname"] != "" {
		return []map[string]string{labels}
	}
	var out []map[string]string
	for _, name := range g.Names() {
		one := maps.Clone(labels)
		if one == nil {
			one = map[string]string{}
		}
		one["alertname"] = name
		out = append(out, one)
	}
	return out
}

// failed says whether another attempt can help.
func failed(err error) error {
	var f *alertmanager.Failure
	if errors.As(err, &f) && f.Permanent {
		return outbox.PermanentError{Reason: f.Text}
	}
	return err
}

// unsilence asks Alertmanager to end a silence.
func (p *Program) unsilence(ctx context.Context, e incident.AlertUnsilence) error {
	if p.sources.alertmanager == nil {
		return outbox.PermanentError{Reason: "ALERTMANAGER_URL is not set"}
	}
	for id := range strings.SplitSeq(e.ID, ",") {
		if err := p.sources.alertmanager.Expire(ctx, id); err != nil {
			return failed(err)
		}
	}
	return nil
}

// lookEvery is how often Alertmanager is asked about what it was told to keep
// silent: it tells nothing of that by itself, not even the end.
const lookEvery = 30 * time.Second

// watchSilenced finds out what silenced alerts have ended.
func (p *Program) watchSilenced(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	down := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := p.lookAtSilenced(ctx)
		if ctx.Err() == nil && (err != nil) != down {
			if down = err != nil; down {
				p.log.Warn("Alertmanager does not say whether silenced alerts still fire", "error", err)
			}
		}
	}
}

func (p *Program) lookAtSilenced(ctx context.Context) error {
	var worst error
	for _, g := range p.intake.groups.Open() {
		if g.Silence.N == 0 || !g.Silence.Remote || g.Silence.ID == "" || !g.Fires() {
			continue
		}
		if err := p.lookAtGroup(ctx, g); err != nil {
			worst = err
		}
	}
	return worst
}

// lookAtGroup puts on record which of a group's alerts Alertmanager has no more.
func (p *Program) lookAtGroup(ctx context.Context, g incident.AlertGroup) error {
	there := map[string]bool{}
	for _, labels := range silenced(g) {
		list, err := p.sources.alertmanager.Alerts(ctx, labels)
		if err != nil {
			return err
		}
		for _, a := range list {
			there[a.Fingerprint] = true
		}
	}
	var over []incident.Alert
	for _, a := range g.Firing() {
		if !there[a.Fingerprint] {
			ended := a.Alert
			ended.Firing, ended.EndsAt = false, p.now()
			over = append(over, ended)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return p.intake.take(ctx, p.opt.Live.Get(), alerts.Batch{Source: g.Source, Receiver: g.Receiver}, g.Key, over)
}

// The picture of an alert's expression: the last hour, for a phone.
const chartSpan = time.Hour

// chartAlert draws what a group's alert measures and keeps the picture for its
// message. Without Prometheus, or without values, there is none.
func (p *Program) chartAlert(ctx context.Context, d outbox.Delivery, e incident.AlertChart) (incident.Receipt, error) {
	none := incident.Receipt{}
	if p.sources.prometheus == nil {
		return none, nil
	}
	g, err := p.intake.groups.State(ctx, d.Stream)
	if err != nil {
		return none, outbox.NotSentError{Err: err}
	}
	lead := g.Lead()
	for _, a := range g.Alerts {
		if lead.Expr == "" {
			lead = a.Alert
		}
	}
	if lead.Expr == "" {
		return none, nil
	}
	picture, err := p.draw(ctx, lead)
	if err != nil {
		if kind, ok := query.Of(err); ok && kind != query.Away {
			return none, nil // the expression is at fault: there is nothing to show
		}
		return none, outbox.NotSentError{Err: err}
	}
	if picture == nil {
		return none, nil
	}
	id, err := p.bot.Keep(ctx, "alert.png", lead.Name, picture)
	return incident.Receipt{Ref: id, Name: graphLink(lead)}, err
}

// draw asks for what an alert measures and draws it; nil: there are no values.
func (p *Program) draw(ctx context.Context, a incident.Alert) ([]byte, error) {
	q := incident.WatchQuery{Name: a.Name, Expr: a.Expr}
	if measured, op, limit, ok := query.Condition(a.Expr); ok {
		q.Expr, q.Op, q.Limit = measured, op, &limit
	}
	to := p.now().Truncate(time.Second)
	c, ok, err := p.measured(ctx, q, to.Add(-chartSpan), to, chartStep)
	if !ok {
		return nil, err
	}
	if !a.StartsAt.IsZero() {
		c.Marks = []chart.Mark{{At: a.StartsAt, Label: "firing"}}
	}
	return chart.PNG(c, chartWidth, chartHeight)
}

func graphLink(a incident.Alert) string {
	if u, err := url.Parse(a.Links.Graph); err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return ""
	}
	return a.Links.Graph
}
