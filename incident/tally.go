package incident

import (
	"slices"
	"time"
)

// maxWoken bounds how many pages a tally names; the history has all of them.
const maxWoken = 300

// maxTallied bounds how many approvals, steps and alerts a tally names.
const maxTallied = 100

// Tally is what the history of one incident adds up to for those who look back
// at many. It is kept with every step, so that statistics need no histories.
type Tally struct {
	// Acknowledged, Updated and Mitigated are the first times; zero: never.
	// Resolving counts as mitigating.
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Updated      time.Time `json:"updated,omitzero"`
	Mitigated    time.Time `json:"mitigated,omitzero"`
	// Kept counts the updates that came before anybody had to be told that one
	// is overdue, Missed the times that somebody was. Without an update clock
	// nothing is counted.
	Kept   int `json:"kept,omitempty"`
	Missed int `json:"missed,omitempty"`
	// Woken lists who was paged and when, oldest first; several methods at once
	// are one.
	Woken []Woken `json:"woken,omitempty"`
	// Approvals are how long steps waited for a second person who approved
	// them, Steps how long those that ran took; oldest first.
	Approvals []time.Duration `json:"approvals,omitempty"`
	Steps     []time.Duration `json:"steps,omitempty"`
	// Alerts are the names of the alerts that belonged to it, each once.
	Alerts []string `json:"alerts,omitempty"`
	// Levels are the levels that were paged, each once.
	Levels []string `json:"levels,omitempty"`
	// Records counts the history's entries.
	Records int `json:"records,omitempty"`
}

// Woken is one page of one person.
type Woken struct {
	Person Person    `json:"person"`
	At     time.Time `json:"at"`
}

// tally folds one record into what the incident adds up to; s is the state
// before it.
func tally(s Incident, r Record) Tally {
	t := s.Tally
	t.Records++
	switch e := r.Event.(type) {
	case Acknowledged:
		t.Acknowledged = first(t.Acknowledged, r.At)
	case Updated:
		t.Updated = first(t.Updated, r.At)
		if e.Status == Mitigating {
			t.Mitigated = first(t.Mitigated, r.At)
		}
		if s.Open() && s.Plan.Cadence[s.Severity] != "" && s.Clock.Step == 0 {
			t.Kept++
		}
	case StatusChanged:
		if e.To == Mitigating {
			t.Mitigated = first(t.Mitigated, r.At)
		}
	case UpdateOverdue:
		if e.Step == 1 {
			t.Missed++
		}
	case ResolvedEvent:
		t.Mitigated = first(t.Mitigated, r.At)
	case StepApproved, StepEnded:
		t.steps(s, r)
	case AlertsTold:
		for _, ref := range e.Joined {
			t.alerted(ref)
		}
	case Paged:
		if !e.Person.Nobody() {
			if e.Level != "" && !slices.Contains(t.Levels, e.Level) {
				t.Levels = append(slices.Clone(t.Levels), e.Level)
			}
			t.Woken = tail(append(t.Woken[:len(t.Woken):len(t.Woken)], Woken{Person: e.Person, At: r.At}), maxWoken)
		}
	}
	return t
}

// steps adds how long a step waited or ran.
func (t *Tally) steps(s Incident, r Record) {
	add := func(list []time.Duration, n int, since func(StepRun) time.Time) []time.Duration {
		i := slices.IndexFunc(s.Shelf.Runs, func(run StepRun) bool { return run.N == n })
		if i < 0 || since(s.Shelf.Runs[i]).IsZero() {
			return list
		}
		return tail(append(list[:len(list):len(list)], max(0, r.At.Sub(since(s.Shelf.Runs[i])))), maxTallied)
	}
	switch e := r.Event.(type) {
	case StepApproved:
		t.Approvals = add(t.Approvals, e.N, func(run StepRun) time.Time { return run.SureAt })
	case StepEnded:
		t.Steps = add(t.Steps, e.N, func(run StepRun) time.Time { return run.StartedAt })
	}
}

// alerted adds the names of alerts that joined.
func (t *Tally) alerted(ref AlertRef) {
	names := ref.Names
	if len(names) == 0 && ref.Title != "" {
		names = []string{ref.Title}
	}
	for _, name := range names {
		if len(t.Alerts) < maxTallied && !slices.Contains(t.Alerts, name) {
			t.Alerts = append(t.Alerts[:len(t.Alerts):len(t.Alerts)], name)
		}
	}
}

// first keeps the earlier of two moments; at is never earlier than known.
func first(known, at time.Time) time.Time {
	if known.IsZero() {
		return at
	}
	return known
}
