package engine

import (
	"context"
	"time"

	"muster/incident"
)

// DeskStream is the one stream of the desk.
const DeskStream = "DESK-1"

// Desk is the engine of overrides, swaps and hand-overs.
type Desk struct{ *Engine[incident.Desk] }

// NewDesk makes the engine of the desk. Rules is asked at every step; nil:
// none. Keep is told of every state that is on disk; nil: nobody.
func NewDesk(cfg Config, rules func() []func(incident.Desk, time.Time) incident.Decision, keep func(incident.Desk)) Desk {
	if rules == nil {
		rules = func() []func(incident.Desk, time.Time) incident.Decision { return nil }
	}
	return Desk{New(cfg, Model[incident.Desk]{
		Prefix:   "DESK-",
		Empty:    func(stream string) incident.Desk { return incident.Desk{Stream: stream} },
		Seq:      func(d incident.Desk) uint64 { return d.Seq },
		Apply:    incident.ApplyDesk,
		Handle:   incident.HandleDesk,
		Effects:  incident.EffectsDesk,
		Relevant: incident.RelevantDesk,
		Open:     func(d incident.Desk) bool { return d.Seq > 0 },
		Summary:  func(incident.Desk) any { return struct{}{} },
		Rules:    rules,
		Keep:     keep,
	})}
}

// Begin steps the desk once, also one without records: what became due while
// the program was away happens now.
func (d Desk) Begin(ctx context.Context) error {
	_, err := d.Do(ctx, Request[incident.Desk]{Stream: DeskStream, Intent: incident.Wake{}})
	return err
}

// State gives the overrides and swaps as they are; without any, the zero Desk.
func (d Desk) State(ctx context.Context) (incident.Desk, error) {
	c := d.hold(DeskStream)
	defer d.release(c)
	if err := d.load(c); err != nil {
		return incident.Desk{}, err
	}
	return *c.state, nil
}
