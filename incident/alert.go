package incident

import (
	"strings"
	"time"
)

// Alert is one alert as a monitoring system told it. Two with the same
// Identity are the same alert, told again.
type Alert struct {
	Name string `json:"name"`
	// Severity is the label of that name: critical, warning, info or anything.
	Severity    string            `json:"severity,omitempty"`
	Summary     string            `json:"summary,omitempty"`
	Description string            `json:"description,omitempty"`
	Service     string            `json:"service,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Firing      bool              `json:"firing,omitempty"`
	// Fingerprint names what the alert is about, StartsAt this time that it
	// fires. EndsAt is zero while no end is known.
	Fingerprint string    `json:"fingerprint"`
	StartsAt    time.Time `json:"starts_at,omitzero"`
	EndsAt      time.Time `json:"ends_at,omitzero"`
	// ToldAt is when the source says that this was so, where its tellings may
	// overtake one another; zero: they come in order.
	ToldAt time.Time `json:"told_at,omitzero"`
	// Source is alertmanager, generic or pagerduty.
	Source string     `json:"source,omitempty"`
	Links  AlertLinks `json:"links,omitzero"`
	// Expr is the expression that fires, where it is known.
	Expr string `json:"expr,omitempty"`
}

// AlertLinks are addresses that belong to an alert; empty: none.
type AlertLinks struct {
	Runbook   string `json:"runbook,omitempty"`
	Dashboard string `json:"dashboard,omitempty"`
	Graph     string `json:"graph,omitempty"`
	Silence   string `json:"silence,omitempty"`
}

// Where alerts come from.
const (
	FromAlertmanager = "alertmanager"
	FromGeneric      = "generic"
	FromPagerDuty    = "pagerduty"
)

// Identity names one firing of one alert.
func (a Alert) Identity() string {
	return a.Fingerprint + "@" + a.StartsAt.UTC().Format(time.RFC3339Nano)
}

// Class says which notification channels apply to the alert.
func (a Alert) Class() Class {
	switch strings.ToLower(strings.TrimSpace(a.Severity)) {
	case string(Critical):
		return Critical
	case string(Warning):
		return Warning
	default:
		return Info
	}
}
