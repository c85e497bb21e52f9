package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"muster/incident"
	"muster/outbox"
	"muster/store"
)

// Relevant asks the stream whether a delivery still matters.
func (e *Engine[S]) Relevant(ctx context.Context, d outbox.Delivery) (string, bool, error) {
	effect, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return "", false, err
	}
	s, err := e.State(ctx, d.Stream)
	if err != nil {
		return "", false, err
	}
	reason, ok := e.model.Relevant(s, effect)
	return reason, ok, nil
}

// Settle records what came of a delivery in the transaction that removes it.
func (e *Engine[S]) Settle(ctx context.Context, d outbox.Delivery, o outbox.Outcome) error {
	effect, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return err
	}
	in := incident.Settled{Effect: effect, Reason: o.Reason, Took: max(o.At.Sub(d.At), 0)}
	switch o.State {
	case outbox.Delivered:
		in.State = incident.PageDelivered
	case outbox.Failed:
		in.State = incident.PageFailed
	default:
		in.State = incident.PageCancelled
	}
	if len(o.Receipt) > 0 {
		if err := json.Unmarshal(o.Receipt, &in.Receipt); err != nil {
			return fmt.Errorf("read the receipt of %s: %w", d.ID, err)
		}
	}
	e.Passing(BeforeSettle)
	_, err = e.Do(ctx, Request[S]{Stream: d.Stream, Intent: in, settle: d.ID})
	if errors.Is(err, store.ErrGone) {
		return nil
	}
	return err
}

// Late records that a page could not leave in time.
func (e *Engine[S]) Late(ctx context.Context, d outbox.Delivery, cause error) error {
	effect, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return err
	}
	in := incident.Settled{Effect: effect, State: incident.PageLate, Reason: "not accepted within a minute"}
	if n, ok := errors.AsType[outbox.NotSentError](cause); ok && n.Err != nil {
		cause = n.Err // that it is late says so already
	}
	if cause != nil {
		in.Reason += ": " + cause.Error()
	}
	_, err = e.Do(ctx, Request[S]{Stream: d.Stream, Intent: in})
	return err
}

// Streams is the part of an engine that a Queue needs.
type Streams interface {
	Relevant(ctx context.Context, d outbox.Delivery) (string, bool, error)
	Settle(ctx context.Context, d outbox.Delivery, o outbox.Outcome) error
	Late(ctx context.Context, d outbox.Delivery, cause error) error
}

// Queue is the outbox's view of the store: it brings each delivery to the
// engine of its stream.
type Queue struct {
	Store *store.Store
	// ByPrefix finds the engine by the beginning of a stream's name.
	ByPrefix map[string]Streams
}

// Pending gives every stored delivery.
func (q Queue) Pending(context.Context) ([]outbox.Delivery, error) { return q.Store.Pending() }

// Relevant asks the delivery's engine.
func (q Queue) Relevant(ctx context.Context, d outbox.Delivery) (string, bool, error) {
	s, err := q.of(d)
	if err != nil {
		return "", false, err
	}
	return s.Relevant(ctx, d)
}

// Settle tells the delivery's engine.
func (q Queue) Settle(ctx context.Context, d outbox.Delivery, o outbox.Outcome) error {
	s, err := q.of(d)
	if err != nil {
		return err
	}
	return s.Settle(ctx, d, o)
}

// Late tells the delivery's engine.
func (q Queue) Late(ctx context.Context, d outbox.Delivery, cause error) error {
	s, err := q.of(d)
	if err != nil {
		return err
	}
	return s.Late(ctx, d, cause)
}

func (q Queue) of(d outbox.Delivery) (Streams, error) {
	for prefix, s := range q.ByPrefix {
		if strings.HasPrefix(d.Stream, prefix) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("delivery %s: no engine has the stream %s", d.ID, d.Stream)
}
