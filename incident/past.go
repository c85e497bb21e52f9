package incident

import (
	"slices"
	"strings"
	"time"
)

// MaxPast is how many incidents of before are named.
const MaxPast = 3

// Past is an incident of before that this one reminds of.
type Past struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	At    time.Time `json:"at"` // when it was declared
	// Took is from its declaration to its resolution.
	Took time.Duration `json:"took"`
	// Fix is what ended it; empty: nobody said. Ran is set where it is a command
	// of a playbook that did.
	Fix  string `json:"fix,omitempty"`
	Ran  bool   `json:"ran,omitempty"`
	Card Spot   `json:"card,omitzero"`
}

// LookBack asks for the incidents of before with the same alert or service.
type LookBack struct {
	Seq uint64 `json:"seq"`
}

// PastFound says what happened the last times, the newest first.
type PastFound struct {
	Past []Past `json:"past"`
}

// RecordPast puts it on record, once.
type RecordPast struct{ PastFound }

func (LookBack) effect()   {}
func (PastFound) event()   {}
func (RecordPast) intent() {}

// looksBack is asked for when an incident begins, and when the first alerts
// join it: they say more than its words.
func looksBack(s Incident, r Record) []Effect {
	if s.Drill.On || s.Circle.Private || s.Recalled || s.Service == "" && len(s.Alerts) == 0 {
		return nil
	}
	return []Effect{LookBack{Seq: r.Seq}}
}

func recordPast(s Incident, in RecordPast) []Event {
	if s.Recalled || !s.Open() || len(in.Past) == 0 {
		return nil
	}
	return []Event{PastFound{Past: slices.Clone(in.Past[:min(len(in.Past), MaxPast)])}}
}

// Resembles tells whether an incident with this service and these alerts is of
// the same kind as s.
func (s Incident) Resembles(service string, alerts []string) bool {
	if service != "" && strings.EqualFold(service, s.Service) {
		return true
	}
	for _, ref := range s.Alerts {
		for _, name := range ref.Names {
			if !ref.Gone && slices.Contains(alerts, name) {
				return true
			}
		}
	}
	return false
}

// AsPast gives what a later incident is told of this one; ok is false while it
// is open, and where it is none of its own.
func (s Incident) AsPast() (p Past, ok bool) {
	if s.ResolvedAt.IsZero() || s.MergedInto != "" || s.Drill.On || s.Circle.Private {
		return Past{}, false
	}
	p = Past{ID: s.ID, Title: s.Title, At: s.DeclaredAt, Took: s.ResolvedAt.Sub(s.DeclaredAt), Fix: s.Text(SectionFix), Card: s.Card}
	for _, run := range slices.Backward(s.Shelf.Runs) {
		if run.Class == Changing && run.Phase == Ended && run.Outcome.End == EndDone && run.UndoneBy == 0 && run.Undoes == 0 {
			p.Fix, p.Ran = strings.Join(strings.Fields(run.Command), " "), true
			break
		}
	}
	return p, true
}
