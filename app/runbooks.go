package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"muster/bot/render"
	"muster/commands"
	"muster/config"
	"muster/incident"
	"muster/playbooks"
	"muster/playbooks/run"
)

// runbooks are the playbooks of the configuration in force, for the commands
// and the rules.
type runbooks struct {
	live  *config.Live
	steps *steps

	mu   sync.Mutex
	of   *config.Config
	text map[string]string // digests of the files, by ID
}

// all gives the playbooks of the day, and takes their digests once.
func (r *runbooks) all() []playbooks.Playbook {
	cfg := r.live.Get()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of != cfg {
		r.of, r.text = cfg, map[string]string{}
		for i, file := range cfg.Runbooks {
			sum := sha256.Sum256([]byte(file.Text))
			r.text[cfg.Books[i].ID] = hex.EncodeToString(sum[:])
		}
	}
	return cfg.Books
}

func (r *runbooks) find(id string) (playbooks.Playbook, bool) {
	for _, p := range r.all() {
		if p.ID == id {
			return p, true
		}
	}
	return playbooks.Playbook{}, false
}

// All implements commands.Runbooks.
func (r *runbooks) All() []incident.Suggestion {
	var out []incident.Suggestion
	for _, p := range r.all() {
		out = append(out, incident.Suggestion{ID: p.ID, Title: p.Title})
	}
	return out
}

// Fitting implements commands.Runbooks and flow.Fitting.
func (r *runbooks) Fitting(s incident.Incident) []incident.Suggestion {
	var out []incident.Suggestion
	for _, m := range playbooks.Match(r.all(), subject(s)) {
		out = append(out, incident.Suggestion{ID: m.ID, Title: m.Title, Why: m.Why})
	}
	return out
}

func subject(s incident.Incident) playbooks.Subject {
	return playbooks.Subject{Alerts: alertNames(s), Service: s.Service, Title: s.Title, Severity: s.Severity, Rated: true}
}

// alertNames are the names of the alerts that an incident is about.
func alertNames(s incident.Incident) []string {
	var out []string
	for _, ref := range s.Alerts {
		if !ref.Gone {
			out = append(out, ref.Names...)
		}
	}
	return out
}

// forAlert names the playbook that names an alert.
func (r *runbooks) forAlert(a incident.Alert) (string, bool) {
	for _, m := range playbooks.Match(r.all(), playbooks.Subject{Alerts: []string{a.Name}}) {
		if m.Reason == playbooks.ByAlert {
			return m.ID, true
		}
	}
	return "", false
}

// Match implements commands.Playbooks: the severity of the one that fits best.
func (r *runbooks) Match(title, service string) (incident.Severity, string, bool) {
	for _, m := range playbooks.Match(r.all(), playbooks.Subject{Title: title, Service: service}) {
		if m.Rated {
			return m.Severity, m.Title, true
		}
	}
	return 0, "", false
}

// Book implements commands.Runbooks.
func (r *runbooks) Book(id string, s incident.Incident) (incident.Playbook, bool) {
	p, ok := r.find(id)
	if !ok {
		return incident.Playbook{}, false
	}
	have := r.limits()
	out := incident.Playbook{
		ID: p.ID, Title: p.Title, Digest: r.digest(p.ID, s, have), Impact: p.Impact, Response: p.ResponseTime, Escalation: p.Escalation, Detection: p.Alerts,
	}
	if p.Rated {
		out.Severity = p.Severity.String()
	}
	for _, section := range p.Sections {
		parts := slices.Collect(slices.Chunk(section.Steps, render.MaxSectionSteps))
		if len(parts) == 0 {
			parts = [][]playbooks.Step{nil}
		}
		for i, part := range parts {
			shown := incident.BookSection{Title: section.Title}
			if len(parts) > 1 {
				shown.Title = fmt.Sprintf("%s (%d of %d)", section.Title, i+1, len(parts))
			}
			if i == 0 {
				shown.Text = beyondHead(section, p)
			}
			for _, step := range part {
				shown.Steps = append(shown.Steps, r.step(p, step, s, have))
			}
			if shown.Text != "" || len(shown.Steps) > 0 {
				out.Sections = append(out.Sections, shown)
			}
		}
	}
	for _, step := range p.Steps() { // in the file's order: the first one is the playbook's update
		if step.Kind == playbooks.Template {
			out.Templates = append(out.Templates, incident.Template{Name: step.Title, Text: step.Code})
		}
	}
	return out, true
}

// beyondHead is a section's text without the lines that the playbook's head
// shows already.
func beyondHead(section playbooks.Section, p playbooks.Playbook) string {
	if section.Title != "" {
		return section.Text
	}
	var kept []string
	for line := range strings.Lines(section.Text) {
		label, value, _ := strings.Cut(strings.NewReplacer("*", "", "_", "").Replace(line), ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(strings.TrimLeft(label, "- "))) {
		case "severity":
			if p.Rated && strings.HasPrefix(value, p.Severity.String()) {
				continue
			}
		case "impact", "response time", "escalation":
			if value != "" && (value == p.Impact || value == p.ResponseTime || value == p.Escalation) {
				continue
			}
		}
		kept = append(kept, strings.TrimRight(line, "\n"))
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

// digest names what is shown: the file, and what of the configuration and the
// incident decides how its steps look.
func (r *runbooks) digest(id string, s incident.Incident, have playbooks.Limits) string {
	r.mu.Lock()
	text := r.text[id]
	r.mu.Unlock()
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %+v %v", text, have, s.Severity.Class())))
	return hex.EncodeToString(sum[:])
}

func (r *runbooks) step(p playbooks.Playbook, step playbooks.Step, s incident.Incident, have playbooks.Limits) incident.Step {
	out := incident.Step{
		ID: step.ID, N: step.N, Title: step.Title, Text: step.Text, Kind: string(step.Kind), Code: step.Code, Class: incident.Effort(step.Class),
		Items: step.Items,
	}
	if step.Class != playbooks.Reading {
		out.Why = step.Why
	}
	if step.Kind == playbooks.Open {
		if b, err := playbooks.Bind(step, nil); err == nil {
			out.Code = b.URL
		}
	}
	if step.Runs() {
		out.Needs = strings.Join(have.Missing(step), " ")
		out.Approval = step.Class == playbooks.Changing && r.approval(p, step, s)
		for _, q := range step.Params {
			out.Params = append(out.Params, param(q))
		}
	}
	return out
}

func param(q playbooks.Param) incident.Param {
	return incident.Param{Name: q.Name, Title: q.Title(), Kind: string(q.Kind), Default: q.Default, Choices: q.Choices}
}

// limits are what this installation has and allows.
func (r *runbooks) limits() playbooks.Limits {
	cfg := r.live.Get()
	return playbooks.Limits{
		ExecAllow: cfg.Playbooks.ExecAllow, CurlAllow: cfg.Playbooks.CurlAllow, DataSources: slices.Sorted(maps.Keys(cfg.DataSources)),
		Cluster: r.steps.hasCluster(), Prometheus: r.steps.env.PrometheusURL != "", Loki: r.steps.env.LokiURL != "",
	}
}

// Bind implements commands.Runbooks.
func (r *runbooks) Bind(id, name string, s incident.Incident, values map[string]string) (commands.Bound, error) {
	p, ok := r.find(id)
	step, known := p.Step(name)
	if !ok || !known {
		return commands.Bound{}, incident.Refusal{Code: "unknown", Text: "The playbook has no such step any more.", Hint: "playbook " + s.ID + " shows it as it is now."}
	}
	have := r.limits()
	out := commands.Bound{Step: r.step(p, step, s, have), Values: map[string]string{}, Wrong: map[string]string{}}
	for _, q := range step.Params {
		v := values[q.Name]
		if v == "" {
			v = usual(q, s)
		}
		switch err := q.Check(v); {
		case v == "":
			out.Missing = append(out.Missing, param(q))
		case err != nil:
			out.Wrong[q.Name] = err.Error()
		}
		out.Values[q.Name] = v
	}
	if len(out.Missing) > 0 || len(out.Wrong) > 0 {
		return out, nil
	}
	b, err := playbooks.Bind(step, out.Values)
	if err != nil {
		return out, err
	}
	step.Commands = b.Commands
	out.Values, out.Command, out.Class = b.Values, b.Text, incident.Effort(b.Class)
	out.Needs = strings.Join(have.Missing(step), " ")
	out.Approval = b.Class == playbooks.Changing && r.approval(p, step, s)
	out.Block = incident.Block{
		Kind: string(step.Kind), Code: b.Text, Params: b.Values, Source: step.Source, Namespace: b.Values["namespace"], Deadline: step.Timeout,
	}
	for _, st := range b.Statements {
		out.Block.Statements = append(out.Block.Statements, st.Text)
	}
	if check, ok := p.Step(step.Check); ok && step.Check != "" && check.Class == playbooks.Reading && has(b.Values, check.Params) {
		values := map[string]string{}
		for _, q := range check.Params {
			values[q.Name] = b.Values[q.Name]
		}
		if bound, err := playbooks.Bind(check, values); err == nil {
			out.Block.PostKind, out.Block.PostCode = string(check.Kind), bound.Text
		}
	}
	return out, nil
}

func has(values map[string]string, params []playbooks.Param) bool {
	return !slices.ContainsFunc(params, func(q playbooks.Param) bool { return values[q.Name] == "" })
}

// usual is the value that a parameter has unless somebody gives another: its
// default, else the incident's service where it is one.
func usual(q playbooks.Param, s incident.Incident) string {
	if q.Default != "" {
		return q.Default
	}
	switch q.Kind {
	case playbooks.DeploymentParam, playbooks.ServiceParam, playbooks.StatefulSetParam, playbooks.IngressParam:
		if q.Check(s.Service) == nil {
			return s.Service
		}
	default:
		if q.Name == "service" || q.Name == "app" {
			return s.Service
		}
	}
	return ""
}

// Approval implements commands.Runbooks.
func (r *runbooks) Approval(id, name string, s incident.Incident) bool {
	p, ok := r.find(id)
	step, known := p.Step(name)
	return !ok || !known || r.approval(p, step, s)
}

// approval tells whether a changing step needs a second person: where the
// incident or the playbook is P0 or P1, unless auto_approve names the step, its
// playbook, or each of its changing commands.
func (r *runbooks) approval(p playbooks.Playbook, step playbooks.Step, s incident.Incident) bool {
	if s.Severity > incident.P1 && (!p.Rated || p.Severity > incident.P1) {
		return false
	}
	auto := r.live.Get().Playbooks.AutoApprove
	named := func(name string) bool {
		return slices.ContainsFunc(auto, func(a string) bool { return strings.EqualFold(strings.TrimSpace(a), name) })
	}
	if named(p.ID) || named(p.ID+"/"+step.ID) || named(p.ID+"/"+strconv.Itoa(step.N)) {
		return false
	}
	changes := 0
	for _, c := range step.Commands {
		if c.Class == playbooks.Reading {
			continue
		}
		if changes++; !named(strings.TrimSpace(c.Tool + " " + c.Verb)) {
			return true
		}
	}
	return changes == 0
}

// listing is how the cluster lists a kind of parameter.
var listing = map[string]string{
	string(playbooks.PodParam): "pods", string(playbooks.DeploymentParam): "deployments", string(playbooks.StatefulSetParam): "statefulsets",
	string(playbooks.NamespaceParam): "namespaces", string(playbooks.NodeParam): "nodes", string(playbooks.ServiceParam): "services",
	string(playbooks.IngressParam): "ingresses",
}

// listingTime bounds how long a form waits for the cluster's names.
const listingTime = 4 * time.Second

// Choices implements commands.Runbooks.
func (r *runbooks) Choices(ctx context.Context, kind, namespace string) []string {
	what := listing[kind]
	if what == "" || !r.steps.hasCluster() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, listingTime)
	defer stop()
	res, err := r.steps.do(ctx, run.Request{
		Run: fmt.Sprintf("list %s %s %d", what, namespace, time.Now().UnixNano()), Mode: run.Read, Kind: run.Bash,
		Code: "kubectl get " + what + " -o name", Namespace: namespace, Limits: run.Limits{Deadline: listingTime},
	})
	if err != nil || res.Ended != run.Done {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(res.Output)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "/"); ok {
			out = append(out, name)
		}
	}
	return out
}
