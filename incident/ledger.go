package incident

import (
	"maps"
	"slices"
	"time"
)

// LedgerEntry is one page to one person over one method, with everything that
// became of it.
type LedgerEntry struct {
	Attempt int    `json:"attempt"` // counts all pages of the incident from 1
	Person  Person `json:"person"`
	Level   string `json:"level,omitempty"` // empty: asked for by name
	Role    string `json:"role,omitempty"`
	Round   int    `json:"round,omitempty"`
	Method  string `json:"method"`
	Why     Why    `json:"why"`
	// Reason is what the person said who asked for the page.
	Reason string `json:"reason,omitempty"`
	// State is the newest of Steps.
	State LedgerState  `json:"state"`
	Steps []LedgerStep `json:"steps"` // oldest first, the decision being the first
	// Delay is the time from the decision until the provider took it; zero: it
	// has not.
	Delay time.Duration `json:"delay_ns,omitempty"`
	// Ref is the provider's own name of the page; empty: it has none.
	Ref string `json:"ref,omitempty"`
	// AnsweredAt is when the person acknowledged this page or a later one; zero:
	// not yet, or another way ended it.
	AnsweredAt time.Time `json:"answered_at,omitzero"`
}

// LedgerStep is one thing that became of a page.
type LedgerStep struct {
	State  LedgerState `json:"state"`
	At     time.Time   `json:"at"`
	Reason string      `json:"reason,omitempty"`
}

// LedgerState is what became of a page, as the ledger tells it.
type LedgerState string

// The states of the ledger. Accepted: the provider took it, and what it says
// of it later follows as Told. Delivered: it stands where the person reads it.
// Unused: the method was not usable, and the reason says why.
const (
	LedgerQueued    LedgerState = "queued"
	LedgerLate      LedgerState = "late"
	LedgerAccepted  LedgerState = "accepted"
	LedgerDelivered LedgerState = "delivered"
	LedgerTold      LedgerState = "told"
	LedgerFailed    LedgerState = "failed"
	LedgerCancelled LedgerState = "cancelled"
	LedgerUnused    LedgerState = "not used"
)

// CallSource begins the Source of a note about a call; the provider's name of
// the call follows.
const CallSource = "call:"

// Ledger lists every page of an incident's history, by attempt and method. It
// has them all, unlike the state, which forgets the oldest.
func Ledger(history []Record) []LedgerEntry {
	var l ledger
	for _, r := range history {
		switch e := r.Event.(type) {
		case Paged:
			l.paged(e, r.At)
		case PageSettled:
			l.settled(e, r.At)
		case Noted:
			l.told(e, r.At)
		case Acknowledged:
			l.answered(e.By, r.At)
		}
	}
	return l
}

type ledger []LedgerEntry

func (l *ledger) paged(e Paged, at time.Time) {
	entry := LedgerEntry{
		Attempt: e.Attempt, Person: e.Person, Level: e.Level, Role: e.Role, Round: e.Round, Why: e.Why, Reason: e.Reason,
	}
	for _, m := range e.Methods {
		entry.Method, entry.State = m, LedgerQueued
		entry.Steps = []LedgerStep{{LedgerQueued, at, ""}}
		*l = append(*l, entry)
	}
	for _, m := range slices.Sorted(maps.Keys(e.Missing)) {
		entry.Method, entry.State = m, LedgerUnused
		entry.Steps = []LedgerStep{{LedgerUnused, at, e.Missing[m]}}
		*l = append(*l, entry)
	}
}

func (l ledger) settled(e PageSettled, at time.Time) {
	for i := range l {
		entry := &l[i]
		if entry.Attempt != e.Attempt || entry.Method != e.Method || entry.State == LedgerUnused {
			continue
		}
		step := LedgerStep{ledgerState(e), at, e.Reason}
		entry.State, entry.Steps = step.State, append(entry.Steps, step)
		if e.Ref != "" {
			entry.Ref = e.Ref
		}
		if e.State == PageDelivered && entry.Delay == 0 {
			entry.Delay = max(e.Took, 1)
		}
	}
}

func ledgerState(e PageSettled) LedgerState {
	switch e.State {
	case PageDelivered:
		if e.Method == "slack" {
			return LedgerDelivered
		}
		return LedgerAccepted
	case PageFailed:
		return LedgerFailed
	case PageCancelled:
		return LedgerCancelled
	case PageLate:
		return LedgerLate
	default:
		return LedgerQueued
	}
}

// told adds what the provider says of a call afterwards.
func (l ledger) told(e Noted, at time.Time) {
	for i := range l {
		if entry := &l[i]; entry.Ref != "" && e.By == Self && e.Source == CallSource+entry.Ref {
			entry.State, entry.Steps = LedgerTold, append(entry.Steps, LedgerStep{LedgerTold, at, e.Text})
		}
	}
}

func (l ledger) answered(by Person, at time.Time) {
	for i := range l {
		if entry := &l[i]; entry.Person.Is(by) && entry.AnsweredAt.IsZero() && entry.State != LedgerUnused {
			entry.AnsweredAt = at
		}
	}
}
