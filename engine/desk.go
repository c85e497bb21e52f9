package engine

import (
	"context"
	"time"

	"muster/incident"
)

// DeskStream is the one stream of the desk.
const DeskStream = "DESK-1"

// Desk is the engine of overrides and swaps.
type Desk struct{ *Engine[incident.Desk] }

// NewDesk makes the engine of the desk.
func NewDesk(cfg Config) Desk {
	return Desk{New(cfg, Model[incident.Desk]{
		Prefix:   "DESK-",
		Empty:    func(stream string) incident.Desk { return incident.Desk{Stream: stream} },
		Seq:      func(d incident.Desk) uint64 { return d.Seq },
		Apply:    incident.ApplyDesk,
		Handle:   incident.HandleDesk,
		Effects:  incident.EffectsDesk,
		Relevant: func(incident.Desk, incident.Effect) (string, bool) { return "", true },
		Open:     func(d incident.Desk) bool { return d.Seq > 0 },
		Summary:  func(incident.Desk) any { return struct{}{} },
		Rules:    func() []func(incident.Desk, time.Time) incident.Decision { return nil },
	})}
}

// State gives the overrides and swaps as they are; without any, the zero Desk.
func (d Desk) State(ctx context.Context) (incident.Desk, error) {
	c := d.hold(DeskStream)
	defer d.release(c)
	err := d.load(c)
	return c.state, err
}
