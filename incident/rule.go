package incident

import "time"

// Rule says what must follow from the state alone. It looks at what is, never
// at what just happened; the events it returns are what keeps it from saying
// so again.
type Rule interface {
	Reconcile(s Incident, now time.Time) Decision
}

// Decision is a rule's answer.
type Decision struct {
	// Events are the facts that follow now; none: the rule is quiet.
	Events []Event
	// Wake is the next moment at which time alone changes the answer; zero:
	// never.
	Wake time.Time
}

// Sooner gives the earlier of two moments, where zero means never.
func Sooner(a, b time.Time) time.Time {
	switch {
	case a.IsZero():
		return b
	case b.IsZero() || a.Before(b):
		return a
	default:
		return b
	}
}
