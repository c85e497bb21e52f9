package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"muster/incident"
	"muster/store"
)

// damage notes that a stream cannot be read as it was written. Nothing is
// written to it, since no step of it can be folded; all others go on. The error
// is for people too.
func (e *Engine[S]) damage(stream string, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.damaged[stream]; !known {
		e.Log.Error("a history is damaged; nothing is written to it", "stream", stream, "error", err)
		e.damaged[stream] = err
	}
	return fmt.Errorf("%w (%w)", incident.Refusal{
		Code: "damaged", Text: stream + "'s history is damaged, so nothing is read from it or written to it.", Hint: "Run muster audit verify, and restore it from a backup.",
	}, err)
}

// Damaged gives, by stream, why it cannot be read; empty: all can.
func (e *Engine[S]) Damaged() map[string]error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.damaged)
}

// DamagedStreams are the names of Damaged, sorted.
func (e *Engine[S]) DamagedStreams() []string {
	return slices.Sorted(maps.Keys(e.Damaged()))
}

func isDamage(err error) bool { return errors.Is(err, store.ErrDamaged) }
