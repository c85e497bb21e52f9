package engine

import (
	"context"
	"maps"
	"sync"

	"muster/incident"
)

// lookBack is how many of the newest incidents are found by their place; of
// older ones only those that something was said to since the start.
const lookBack = 2000

// places finds an incident by where it stands in Slack.
type places struct {
	mu  sync.Mutex
	ids map[place]string
	// read is set once the incidents from before the start are in ids.
	read bool
}

// place is a channel of an incident's own, or the thread under a card.
type place struct{ channel, thread string }

func newPlaces() *places { return &places{ids: map[place]string{}} }

// note files an incident under its places.
func (p *places) note(id string, card, room incident.Spot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if room.Channel != "" {
		p.ids[place{room.Channel, ""}] = id
	}
	if card.TS != "" {
		p.ids[place{card.Channel, card.TS}] = id
	}
}

// forget takes an incident out of its places.
func (p *places) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.ids, func(_ place, there string) bool { return there == id })
}

func (p *places) find(channel, thread string) (id string, ok, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok = p.ids[place{channel, ""}]; !ok && thread != "" {
		id, ok = p.ids[place{channel, thread}]
	}
	return id, ok, p.read
}

// ByPlace finds the incident to which a channel of its own, or the thread
// under its card, belongs.
func (e Incidents) ByPlace(ctx context.Context, channel, thread string) (string, bool) {
	if channel == "" {
		return "", false
	}
	id, ok, all := e.places.find(channel, thread)
	if ok || all {
		return id, ok
	}
	earlier, err := e.List(ctx, lookBack)
	if err != nil {
		e.Log.Error("an incident could not be looked up by its place", "error", err)
		return "", false
	}
	for _, s := range earlier {
		e.places.note(s.ID, s.Card, s.Room)
	}
	e.places.mu.Lock()
	e.places.read = true
	e.places.mu.Unlock()
	id, ok, _ = e.places.find(channel, thread)
	return id, ok
}
