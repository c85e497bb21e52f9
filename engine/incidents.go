package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"muster/incident"
)

// IncidentPrefix begins the name of every incident.
const IncidentPrefix = "INC-"

// Incidents is the engine of incidents, with the questions that are asked
// about all of them.
type Incidents struct {
	*Engine[incident.Incident]
	places *places
	todos  *todos
}

// Summary is an incident in a listing.
type Summary struct {
	// Fold is the SnapshotVersion that it was made with; see Renew.
	Fold       int               `json:"fold,omitempty"`
	ID         string            `json:"id"`
	Title      string            `json:"title"`
	Severity   incident.Severity `json:"severity"`
	Status     incident.Status   `json:"status"`
	Service    string            `json:"service,omitempty"`
	DeclaredAt time.Time         `json:"declared_at"`
	ResolvedAt time.Time         `json:"resolved_at,omitzero"`
	Commander  incident.Person   `json:"commander,omitzero"`
	MergedInto string            `json:"merged_into,omitempty"`
	Reopens    int               `json:"reopens,omitempty"`
	Tally      incident.Tally    `json:"tally,omitzero"`
	Drill      bool              `json:"drill,omitempty"`
	Score      incident.Score    `json:"score,omitzero"` // of a resolved drill
	Card       incident.Spot     `json:"card,omitzero"`
	Room       incident.Spot     `json:"room,omitzero"`
	// Todo is the follow-up work that waits, and Writer does what nobody owns.
	Todo   []incident.Action `json:"todo,omitempty"`
	Writer incident.Person   `json:"writer,omitzero"`
	Circle incident.Circle   `json:"circle,omitzero"` // who may see it
	// Imported says where it came from.
	Imported incident.Imported `json:"imported,omitzero"`
	// Erased is set where only a tombstone is left.
	Erased bool `json:"erased,omitempty"`
}

// Summarise gives an incident's entry in listings.
func Summarise(s incident.Incident) Summary {
	var score incident.Score
	if s.Drill.On && !s.ResolvedAt.IsZero() {
		score = s.Score()
	}
	todo, writer := undone(s), incident.Person{}
	if len(todo) > 0 {
		writer = s.Writer()
	}
	return Summary{
		Fold: SnapshotVersion,
		Todo: todo, Writer: writer,
		Drill: s.Drill.On, Score: score,
		ID: s.ID, Title: s.Title, Severity: s.Severity, Status: s.Status, Service: s.Service,
		DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, Commander: s.Holder(incident.Commander),
		MergedInto: s.MergedInto, Reopens: s.Reopens, Tally: s.Tally, Card: s.Card, Room: s.Room, Circle: s.Circle, Imported: s.Imported,
		Erased: s.IsErased(),
	}
}

// NewIncidents makes the engine of incidents. Rules is asked at every step, so
// that a reload changes the rules of the day.
func NewIncidents(cfg Config, rules func() []incident.Rule) Incidents {
	where, todo := newPlaces(), newTodos()
	return Incidents{New(cfg, Model[incident.Incident]{
		Prefix:   IncidentPrefix,
		Empty:    func(stream string) incident.Incident { return incident.Incident{ID: stream} },
		Seq:      func(s incident.Incident) uint64 { return s.Seq },
		Apply:    incident.Apply,
		Handle:   incident.Handle,
		Effects:  incident.Effects,
		Relevant: incident.Relevant,
		Open:     incident.Incident.Live,
		Summary:  func(s incident.Incident) any { return Summarise(s) },
		Keep: func(s incident.Incident) {
			if s.IsErased() {
				where.forget(s.ID)
			} else {
				where.note(s.ID, s.Card, s.Room)
			}
			todo.note(s)
		},
		Rules: func() []func(incident.Incident, time.Time) incident.Decision {
			var out []func(incident.Incident, time.Time) incident.Decision
			for _, r := range rules() {
				out = append(out, r.Reconcile)
			}
			return out
		},
	}), where, todo}
}

// OpenIncidents gives the incidents that are neither resolved, closed nor
// merged, newest first.
func (e Incidents) OpenIncidents() []incident.Incident {
	return e.OpenWhere(func(*incident.Incident) bool { return true })
}

// OpenWhere gives those of OpenIncidents for which keep says yes, and copies no
// others: an incident is some kilobytes. Keep must not change what it is shown.
func (e Incidents) OpenWhere(keep func(*incident.Incident) bool) []incident.Incident {
	kept := slices.DeleteFunc(e.shown(), func(s *incident.Incident) bool { return !s.Open() || !keep(s) })
	slices.SortFunc(kept, func(a, b *incident.Incident) int {
		return cmp.Or(b.DeclaredAt.Compare(a.DeclaredAt), cmp.Compare(len(b.ID), len(a.ID)), cmp.Compare(b.ID, a.ID))
	})
	out := make([]incident.Incident, len(kept))
	for i, s := range kept {
		out[i] = *s
	}
	return out
}

// List gives up to limit incidents that were not erased, newest first; zero: all.
func (e Incidents) List(ctx context.Context, limit int) ([]Summary, error) {
	var out []Summary
	for s, err := range e.All() {
		if err != nil {
			return nil, err
		}
		if s.Erased {
			continue
		}
		if out = append(out, s); len(out) == limit {
			break
		}
	}
	return out, nil
}

// All gives every incident that there ever was, newest first.
func (e Incidents) All() iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for entry, err := range e.Store.Summaries(IncidentPrefix) {
			var s Summary
			if err == nil {
				if err = json.Unmarshal(entry.Entry, &s); err != nil {
					err = fmt.Errorf("%s: %w", entry.Stream, err)
				}
			}
			if err != nil {
				yield(Summary{}, fmt.Errorf("list incidents: %w", err))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}
