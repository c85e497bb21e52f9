package commands

import (
	"context"

	"muster/incident"
)

// Runbooks knows the playbooks of the day.
type Runbooks interface {
	// All lists them; Why is empty.
	All() []incident.Suggestion
	// Fitting lists those that fit an incident, best first, each with the reason.
	Fitting(s incident.Incident) []incident.Suggestion
	// Book gives a playbook as an incident is shown it.
	Book(id string, s incident.Incident) (incident.Playbook, bool)
	// Bind fills a step's values in. What is missing or wrong with them is in the
	// answer; the error is a Refusal.
	Bind(id, step string, s incident.Incident, values map[string]string) (Bound, error)
	// Approval tells whether a step's change needs a second person.
	Approval(id, step string, s incident.Incident) bool
	// Choices lists what the cluster has of a kind ("pod") in a namespace (empty:
	// the usual one); nil: it cannot be told.
	Choices(ctx context.Context, kind, namespace string) []string
}

// Bound is a step with its values.
type Bound struct {
	Step incident.Step
	// Values are those that the step has, defaults among them.
	Values map[string]string
	// Missing lists the parameters without a value, Wrong what is wrong with the
	// others. Only when both are empty the rest is set.
	Missing []incident.Param
	Wrong   map[string]string
	// Command is what will run, as it can be read.
	Command string
	Class   incident.Effort
	Block   incident.Block
	// Needs says what must be configured before it runs here; empty: nothing.
	Needs    string
	Approval bool
}
