package incident

import (
	"fmt"
	"time"
)

// Erase gives up the history of an incident that ended long enough ago.
type Erase struct {
	// Keep is how long incidents are kept after their end, by severity; zero:
	// for ever.
	Keep map[Severity]time.Duration
}

func (Erase) intent() {}

// Erased is the tombstone: the only record that is left of an incident. All
// that it says was true when the history was given up.
type Erased struct {
	Severity   Severity  `json:"severity"`
	DeclaredAt time.Time `json:"declared_at"`
	EndedAt    time.Time `json:"ended_at"`
	// Records is how many there were, Kept how long they had to be kept.
	Records uint64        `json:"records"`
	Kept    time.Duration `json:"kept"`
	Private bool          `json:"private,omitempty"`
}

func (Erased) event() {}

// IsErased tells whether only a tombstone is left.
func (s Incident) IsErased() bool { return !s.ErasedAt.IsZero() }

// EndedAt is when the incident was over: resolved, else closed or merged. Zero:
// it is not.
func (s Incident) EndedAt() time.Time {
	switch {
	case s.Open():
		return time.Time{}
	case s.ResolvedAt.IsZero():
		return s.ClosedAt
	}
	return s.ResolvedAt
}

// erase gives the tombstone once it is time; nothing is erased while follow-up
// work waits. That of a drill, a merged or an imported incident waits for nobody.
func (s Incident) erase(in Erase, now time.Time) []Event {
	keep := in.Keep[s.Severity]
	waits := false
	for _, a := range s.Actions {
		waits = waits || !a.Done && !s.Drill.On && s.MergedInto == "" && s.Imported.From == ""
	}
	over := s.EndedAt()
	if keep <= 0 || waits || over.IsZero() || now.Before(over.Add(keep)) || s.IsErased() {
		return nil
	}
	return []Event{Erased{
		Severity: s.Severity, DeclaredAt: s.DeclaredAt, EndedAt: over, Records: s.Seq, Kept: keep, Private: s.Circle.Private,
	}}
}

func (s Incident) applyErased(e Erased, r Record) Incident {
	return Incident{
		ID: s.ID, Seq: r.Seq, Severity: e.Severity, Status: Closed, DeclaredAt: e.DeclaredAt, ResolvedAt: e.EndedAt, ClosedAt: r.At,
		Circle: Circle{Private: e.Private}, Erased: e, ErasedAt: r.At,
	}
}

// Gone refuses what is asked or said of an incident of which only a tombstone
// is left.
func (s Incident) Gone() error {
	switch {
	case !s.IsErased():
		return nil
	case s.Circle.Private:
		return Hidden(s.ID)
	}
	e := s.Erased
	return Refusal{"erased", fmt.Sprintf("%s was erased on %s: its %d records had to be kept for %s. It was a %s, declared on %s, over on %s.",
		s.ID, day(s.ErasedAt), e.Records, Days(e.Kept), e.Severity, day(e.DeclaredAt), day(e.EndedAt)), ""}
}

// Days says how long something is kept.
func Days(d time.Duration) string {
	const whole = 24 * time.Hour
	switch {
	case d%whole != 0:
		return d.String()
	case d == whole:
		return "1 day"
	}
	return fmt.Sprintf("%d days", d/whole)
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }
