package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"muster/incident"
)

// Prefixes of the streams that alerts have.
const (
	AlertPrefix   = "ALR-"
	LookoutPrefix = "LOOKOUT-"
	// LookoutStream is the one stream of the lookout.
	LookoutStream = "LOOKOUT-1"
)

// GroupStream names the stream of a source's group, alike whoever tells of it.
func GroupStream(source, key string) string {
	sum := sha256.Sum256([]byte(source + "\n" + key))
	return AlertPrefix + hex.EncodeToString(sum[:6])
}

// AlertSummary is a group of alerts in a listing.
type AlertSummary struct {
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	Class    incident.Class `json:"class"`
	Firing   int            `json:"firing"`
	Total    int            `json:"total"`
	Began    time.Time      `json:"began,omitzero"`
	Incident string         `json:"incident,omitempty"`
}

// Alerts is the engine of groups of alerts.
type Alerts struct{ *Engine[incident.AlertGroup] }

// NewAlerts makes the engine of groups of alerts. Rule is asked at every step.
func NewAlerts(cfg Config, rule func() func(incident.AlertGroup, time.Time) incident.Decision) Alerts {
	return Alerts{New(cfg, Model[incident.AlertGroup]{
		Prefix:   AlertPrefix,
		Empty:    func(stream string) incident.AlertGroup { return incident.AlertGroup{ID: stream} },
		Seq:      func(g incident.AlertGroup) uint64 { return g.Seq },
		Apply:    incident.ApplyGroup,
		Handle:   incident.HandleGroup,
		Effects:  incident.EffectsGroup,
		Relevant: incident.RelevantGroup,
		Open:     incident.AlertGroup.Live,
		Summary: func(g incident.AlertGroup) any {
			return AlertSummary{ID: g.ID, Title: g.Title(), Class: g.Worst(), Firing: len(g.Firing()), Total: len(g.Alerts), Began: g.Began, Incident: g.Incident}
		},
		Rules: func() []func(incident.AlertGroup, time.Time) incident.Decision {
			return []func(incident.AlertGroup, time.Time) incident.Decision{rule()}
		},
	})}
}

// Lookout is the engine of what concerns all alerts.
type Lookout struct{ *Engine[incident.Lookout] }

// NewLookout makes the engine of the lookout. Rule is asked at every step;
// keep is told of every state that is on disk.
func NewLookout(cfg Config, rule func() func(incident.Lookout, time.Time) incident.Decision, keep func(incident.Lookout)) Lookout {
	return Lookout{New(cfg, Model[incident.Lookout]{
		Prefix:   LookoutPrefix,
		Empty:    func(stream string) incident.Lookout { return incident.Lookout{Stream: stream} },
		Seq:      func(l incident.Lookout) uint64 { return l.Seq },
		Apply:    incident.ApplyLookout,
		Handle:   incident.HandleLookout,
		Effects:  incident.EffectsLookout,
		Relevant: incident.RelevantLookout,
		Open:     func(l incident.Lookout) bool { return l.Seq > 0 },
		Summary:  func(incident.Lookout) any { return struct{}{} },
		Keep:     keep,
		Rules: func() []func(incident.Lookout, time.Time) incident.Decision {
			return []func(incident.Lookout, time.Time) incident.Decision{rule()}
		},
	})}
}

// Step says something to the lookout.
func (l Lookout) Step(ctx context.Context, in incident.Intent, key string) (Result[incident.Lookout], error) {
	return l.Do(ctx, Request[incident.Lookout]{Stream: LookoutStream, Intent: in, Key: key, Reply: func(incident.Lookout, []incident.Event) []byte { return nil }})
}

// State gives the lookout as it is; nothing said yet: the zero Lookout.
func (l Lookout) State(ctx context.Context) (incident.Lookout, error) {
	c := l.hold(LookoutStream)
	defer l.release(c)
	if err := l.load(c); err != nil {
		return incident.Lookout{}, err
	}
	return *c.state, nil
}
