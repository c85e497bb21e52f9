package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/query"
)

// impactWithin is how long a count of failed requests is tried for, while
// Prometheus does not answer.
const impactWithin = time.Hour

// countImpact asks how many requests failed while the incident lasted, and
// puts it on record.
func (p *Program) countImpact(ctx context.Context, d outbox.Delivery, e incident.CountImpact) error {
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	if p.sources.prometheus == nil {
		return outbox.PermanentError{Reason: "failed requests cannot be counted: PROMETHEUS_URL is not set"}
	}
	plan := s.Plan.Impact.Over(e.To.Sub(e.From))
	counted := incident.ImpactCounted{From: e.From, To: e.To}
	if counted.Failed, err = p.count(ctx, plan.Failed, e.To); err == nil && plan.All != "" {
		counted.All, err = p.count(ctx, plan.All, e.To)
	}
	if kind, ok := query.Of(err); err != nil && (ok && kind != query.Away || p.now().Sub(e.To) > impactWithin) {
		return outbox.PermanentError{Reason: "failed requests could not be counted: " + err.Error(), Err: err}
	}
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	_, err = p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: d.Stream, Intent: incident.RecordImpact{ImpactCounted: counted}, Key: "delivery:" + d.ID,
		Reply: func(incident.Incident, []incident.Event) []byte { return nil },
	})
	if _, refused := errors.AsType[incident.Refusal](err); refused {
		return outbox.PermanentError{Err: err}
	}
	return err
}

// count adds the values of an expression up. No value is none.
func (p *Program) count(ctx context.Context, expr string, at time.Time) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	samples, err := p.sources.prometheus.Instant(ctx, expr, at)
	if err != nil {
		return 0, fmt.Errorf("count failed requests: %w", err)
	}
	sum := 0.0
	for _, s := range samples {
		if !math.IsNaN(s.V) && !math.IsInf(s.V, 0) {
			sum += s.V
		}
	}
	return sum, nil
}
