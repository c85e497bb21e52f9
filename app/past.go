package app

import (
	"context"
	"errors"

	"muster/engine"
	"muster/incident"
	"muster/outbox"
)

// lookBack puts on record what happened the last times that the same alert or
// service failed.
func (p *Program) lookBack(ctx context.Context, d outbox.Delivery) error {
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	list, err := p.incidents.List(ctx, 0) // newest first
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	var found incident.PastFound
	for _, one := range list {
		if len(found.Past) == incident.MaxPast {
			break
		}
		if one.ID == s.ID || one.ResolvedAt.IsZero() || one.Drill || one.Circle.Private || !s.Resembles(one.Service, one.Tally.Alerts) {
			continue
		}
		before, err := p.incidents.State(ctx, one.ID)
		if err != nil {
			return outbox.NotSentError{Err: err}
		}
		if past, ok := before.AsPast(); ok {
			found.Past = append(found.Past, past)
		}
	}
	if len(found.Past) == 0 {
		return nil
	}
	_, err = p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: d.Stream, Intent: incident.RecordPast{PastFound: found}, Key: "delivery:" + d.ID,
		Reply: func(incident.Incident, []incident.Event) []byte { return nil },
	})
	if _, refused := errors.AsType[incident.Refusal](err); refused {
		return outbox.PermanentError{Err: err}
	}
	return err
}
