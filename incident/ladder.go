package incident

import (
	"slices"
	"time"
)

// Ladder is the escalation matrix that one incident climbs. It is copied into
// the incident when it is declared, so a changed configuration never reaches
// into a running incident.
type Ladder struct {
	Levels []Level `json:"levels"`
	// Mode says whether a level's methods go out together or one by one.
	Mode Mode `json:"mode"`
	// Step is the wait between two methods of one level in Sequence mode.
	Step time.Duration `json:"step,omitempty"`
	// Repeat is how many times the ladder starts again from its first level;
	// zero: never.
	Repeat int `json:"repeat"`
	// RepeatAfter is the wait between the ladder's end and its next start.
	RepeatAfter time.Duration `json:"repeat_after"`
	// AckExpires is how long an acknowledgement holds without any update;
	// zero: for ever.
	AckExpires time.Duration `json:"ack_expires"`
	LastResort LastResort    `json:"last_resort"`
	// Only are the methods that any page may use; empty: all.
	Only []string `json:"only,omitempty"`
}

// Mode says how a level uses its methods.
type Mode string

// The two modes.
const (
	All      Mode = "all"
	Sequence Mode = "sequence"
)

// Until says which answer stops a level.
type Until string

// UntilAcknowledged levels stop when somebody acknowledges; UntilResolved
// levels ask "is it resolved?" and stop only then.
const (
	UntilAcknowledged Until = "acknowledged"
	UntilResolved     Until = "resolved"
)

// Level is one rung of the ladder.
type Level struct {
	Name    string   `json:"name"` // L1 … L5
	Title   string   `json:"title,omitempty"`
	Role    string   `json:"role"`
	Methods []string `json:"methods"`
	// RespondWithin is the time to answer, and the interval of repeated
	// pages; zero: as needed, paged once.
	RespondWithin time.Duration `json:"respond_within,omitempty"`
	// Due is the delay from the ladder's start.
	Due time.Duration `json:"due"`
	// DueBySeverity overrides Due for some severities.
	DueBySeverity map[Severity]time.Duration `json:"due_by_severity,omitempty"`
	Until         Until                      `json:"until"`
	// Severities are the ones that climb to this level; empty: P0 and P1.
	Severities []Severity `json:"severities,omitempty"`
	// BusinessCritical levels apply only to incidents that are so marked.
	BusinessCritical bool `json:"business_critical,omitempty"`
}

// LastResort is who hears when the ladder is used up: a channel with a
// mention, or a person by e-mail.
type LastResort struct {
	Channel string `json:"channel,omitempty"`
	Mention string `json:"mention,omitempty"`
	Person  string `json:"person,omitempty"`
}

// DueAfter is the level's delay for a severity, from the ladder's start.
func (l Level) DueAfter(s Severity) time.Duration {
	if d, ok := l.DueBySeverity[s]; ok {
		return d
	}
	return l.Due
}

// Applies tells whether the level is part of the ladder of an incident with
// this severity and business-critical mark.
func (l Level) Applies(s Severity, critical bool) bool {
	if l.BusinessCritical && !critical {
		return false
	}
	if len(l.Severities) == 0 {
		return s <= P1
	}
	return slices.Contains(l.Severities, s)
}
