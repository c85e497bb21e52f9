package playbooks

import (
	"strconv"
	"strings"
	"time"

	"muster/incident"
)

// Playbook is one runbook as it could be read. The zero value is an empty one.
type Playbook struct {
	// ID is the file's name without its folder and .md, in lower case.
	ID string `json:"id"`
	// File is the name that Parse got; lines count in it from 1.
	File  string `json:"file"`
	Title string `json:"title"`
	// Severity counts only when Rated; else the playbook names none.
	Severity incident.Severity `json:"severity"`
	Rated    bool              `json:"rated"`
	// Impact, ResponseTime and Escalation are prose; empty: not given.
	Impact       string `json:"impact,omitempty"`
	ResponseTime string `json:"response_time,omitempty"`
	Escalation   string `json:"escalation,omitempty"`
	// Alerts and Services are exact names, Words are words of a title.
	Alerts   []string `json:"alerts,omitempty"`
	Services []string `json:"services,omitempty"`
	Words    []string `json:"words,omitempty"`
	// Params are all parameters of all steps and of the front matter.
	Params []Param `json:"params,omitempty"`
	// DataSource is where sql steps run; "main" unless the file says more.
	DataSource string `json:"data_source"`
	// Watch are the queries that are looked at after the incident.
	Watch    []Watch   `json:"watch,omitempty"`
	Sections []Section `json:"sections"`
	// Templates are update messages by their names.
	Templates map[string]string `json:"templates,omitempty"`
	Problems  []Problem         `json:"problems,omitempty"`
}

// Watch is one query of the look-out after an incident.
type Watch struct {
	Name  string `json:"name"`
	Query string `json:"query"` // PromQL
	Unit  string `json:"unit,omitempty"`
	// Above is the value over which it is a regression; nil: only charted.
	Above *float64 `json:"above,omitempty"`
}

// Section is a heading with its prose and its steps.
type Section struct {
	Title string `json:"title"`
	// Text is the prose in Markdown, without what the steps hold.
	Text  string `json:"text,omitempty"`
	Steps []Step `json:"steps,omitempty"`
	Line  int    `json:"line"`
}

// Kind is what a step is made of.
type Kind string

// The kinds of steps. Show is text to copy, and never runs.
const (
	Bash      Kind = "bash"
	SQL       Kind = "sql"
	PromQL    Kind = "promql"
	LogQL     Kind = "logql"
	Checklist Kind = "checklist"
	Template  Kind = "template"
	Open      Kind = "open"
	Show      Kind = "show"
)

// Class is what running something may do. The greater one decides for a
// whole: one changing command makes a changing step.
type Class string

// The three classes.
const (
	// Reading leaves everything as it is, or speaks only for the incident
	// itself with the words and rights of whoever clicks.
	Reading Class = "reading"
	// Changing changes production, or cannot be told from what does.
	Changing Class = "changing"
	// Impossible never runs here; the step is text to copy.
	Impossible Class = "impossible"
)

// rank orders the classes; an unknown one is the worst.
func (c Class) rank() int {
	switch c {
	case Reading:
		return 0
	case Changing:
		return 1
	default:
		return 2
	}
}

// Worse gives the graver one of two classes.
func (c Class) Worse(d Class) Class {
	if d.rank() > c.rank() {
		return d
	}
	return c
}

// Exceeds tells whether c may do more than d allows.
func (c Class) Exceeds(d Class) bool { return c.rank() > d.rank() }

// Step is one thing to do.
type Step struct {
	// ID is made of the section, the title and the content, so that it stays
	// the same when other steps come and go. At most 16 characters.
	ID string `json:"id"`
	// N counts the playbook's steps from 1.
	N     int    `json:"n"`
	Title string `json:"title"`
	// Text is the prose that leads to the step, in Markdown.
	Text string `json:"text,omitempty"`
	Kind Kind   `json:"kind"`
	// Code is the block as the file has it; of a template its text.
	Code string `json:"code,omitempty"`
	// Line is where Code, or the list, begins in the file.
	Line int `json:"line"`
	// Class and Why are for the whole step; of a check-list and a template
	// they are Reading, of Show Impossible.
	Class Class  `json:"class"`
	Why   string `json:"why"`
	// Params are those that this step needs, in the order of their places.
	Params []Param `json:"params,omitempty"`
	// Items are the lines of a check-list.
	Items []string `json:"items,omitempty"`
	// Commands is everything that would run, in the order of the text.
	Commands []Command `json:"commands,omitempty"`
	// Source is the data source of an sql step.
	Source string `json:"source,omitempty"`
	// Timeout is how long the step may take; 0: the default of whoever runs it.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Check is the ID of the reading step that tells whether this one did what
	// it should; empty: none.
	Check string `json:"check,omitempty"`
}

// Runs tells whether the step has a button that runs something.
func (s Step) Runs() bool {
	switch s.Kind {
	case Bash, SQL, PromQL, LogQL:
		return s.Class != Impossible
	default:
		return false
	}
}

// Command is one thing that a step would run.
type Command struct {
	// Line is its place in the file.
	Line int `json:"line,omitempty"`
	// Text is the command as it can be read, parameters as <name>.
	Text string `json:"text"`
	// Tool is the program or language: kubectl, curl, sql, promql, …
	Tool string `json:"tool"`
	// Verb is what it does: "rollout undo", "select", "acknowledge".
	Verb  string `json:"verb,omitempty"`
	Class Class  `json:"class"`
	// Why is one sentence without a full stop: "rollout undo changes a
	// workload".
	Why string `json:"why"`
	// Needs is what must be there or configured for it to run.
	Needs []Need `json:"needs,omitempty"`
	// Argv are the words of a simple command. A word that is not known before
	// it runs has an empty Known.
	Argv []Arg `json:"argv,omitempty"`
}

// Arg is one word of a command.
type Arg struct {
	// Text is the word as it can be read.
	Text string `json:"text"`
	// Known tells whether Text is the value itself, and not something that
	// becomes one later.
	Known bool `json:"known"`
	// Param is the name of the parameter that is the whole word.
	Param string `json:"param,omitempty"`
	// open says that it may become no word, or several.
	open bool
}

// NeedKind says what a step needs.
type NeedKind string

// The kinds of needs.
const (
	NeedCluster    NeedKind = "cluster"     // Kubernetes; Name: the verb and the resource, where they are known
	NeedSQL        NeedKind = "data_source" // Name: the data source
	NeedPrometheus NeedKind = "prometheus"
	NeedLoki       NeedKind = "loki"
	NeedHost       NeedKind = "curl_allow" // Name: the host that curl reads; empty: known when it runs
	NeedExec       NeedKind = "exec_allow" // Name: the command that kubectl exec runs; empty: known when it runs
	NeedEvidence   NeedKind = "evidence"   // the evidence store; Name: the file
	NeedPagerDuty  NeedKind = "pagerduty"  // the incident's page at PagerDuty
	NeedIncident   NeedKind = "incident"   // Muster's own commands; Name: the command
)

// Need is one thing that must be there or configured.
type Need struct {
	Kind NeedKind `json:"kind"`
	Name string   `json:"name,omitempty"`
}

// Problem is what lint reports: something in the file that is read otherwise
// than its author may think.
type Problem struct {
	// Line counts from 1; 0: the file as a whole.
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// Steps lists all steps of all sections in order.
func (p Playbook) Steps() []Step {
	var all []Step
	for _, s := range p.Sections {
		all = append(all, s.Steps...)
	}
	return all
}

// Step finds a step by its ID, its number, or the beginning of its title.
func (p Playbook) Step(name string) (Step, bool) {
	name = strings.TrimSpace(name)
	n, _ := strconv.Atoi(name)
	all := p.Steps()
	for _, s := range all {
		if s.ID == name || n > 0 && s.N == n {
			return s, true
		}
	}
	for _, s := range all {
		if name != "" && len(s.Title) >= len(name) && strings.EqualFold(s.Title[:len(name)], name) {
			return s, true
		}
	}
	return Step{}, false
}

// Param finds a parameter by its name.
func (p Playbook) Param(name string) (Param, bool) {
	for _, q := range p.Params {
		if q.Name == name {
			return q, true
		}
	}
	return Param{}, false
}
