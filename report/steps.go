package report

import (
	"slices"
	"strings"
	"time"

	"muster/commands"
	"muster/incident"
)

// Step is one step of a playbook that somebody asked for, and what came of it.
type Step struct {
	N        int              `json:"n"`
	At       time.Time        `json:"at"`
	Playbook string           `json:"playbook,omitempty"`
	Title    string           `json:"title"`
	Command  string           `json:"command,omitempty"`
	Changing bool             `json:"changing,omitempty"`
	By       incident.Person  `json:"by"`
	Approved incident.Person  `json:"approved,omitzero"` // by a second person
	Outcome  incident.Outcome `json:"outcome,omitzero"`
	Undoes   int              `json:"undoes,omitempty"`
	UndoneBy int              `json:"undone_by,omitempty"`
}

// Alert is a group of alerts that belonged to the incident.
type Alert struct {
	Title   string    `json:"title"`
	Service string    `json:"service,omitempty"`
	Source  string    `json:"source,omitempty"`
	Count   int       `json:"count,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"` // zero: it fired to the end
}

// Result says in a few words what came of a step.
func (s Step) Result() string {
	word := commands.EndWord(s.Outcome)
	if s.Outcome.End == "" {
		return "did not run"
	}
	if why := strings.TrimSuffix(s.Outcome.Why, "."); why != "" {
		word += ": " + why
	}
	if s.Outcome.Check != "" && s.Outcome.Check != "ok" {
		word += "; the check after it failed: " + s.Outcome.Check
	}
	return word
}

// stepsOf reads the steps that were asked for, oldest first.
func stepsOf(s incident.Incident, history []incident.Record) []Step {
	approved := map[int]incident.Person{}
	for _, r := range history {
		if e, ok := r.Event.(incident.StepApproved); ok {
			approved[e.N] = e.By
		}
	}
	var out []Step
	for _, r := range s.Shelf.Runs {
		if r.Phase != incident.Ended {
			continue
		}
		at := r.StartedAt
		if at.IsZero() {
			at = r.AskedAt
		}
		out = append(out, Step{
			N: r.N, At: at, Playbook: r.Book, Title: r.Title, Command: strings.TrimSpace(r.Command), Changing: r.Class == incident.Changing,
			By: r.By, Approved: approved[r.N], Outcome: r.Outcome, Undoes: r.Undoes, UndoneBy: r.UndoneBy,
		})
	}
	return out
}

// alertsOf reads the alerts that belonged to the incident.
func alertsOf(s incident.Incident) []Alert {
	var out []Alert
	for _, a := range s.Alerts {
		if a.Gone {
			continue
		}
		title := strings.Join(a.Names, ", ")
		if title == "" {
			title = a.Title
		}
		out = append(out, Alert{Title: title, Service: a.Service, Source: a.Source, Count: a.Total, Since: a.Since, Until: a.QuietSince})
	}
	return out
}

// services are what the incident and its alerts name, each once.
func services(s incident.Incident) []string {
	var out []string
	for _, name := range append([]string{s.Service}, serviceNames(s.Alerts)...) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func serviceNames(alerts []incident.AlertRef) []string {
	var out []string
	for _, a := range alerts {
		if !a.Gone {
			out = append(out, a.Service)
		}
	}
	return out
}
