package playbooks

import (
	"fmt"
	"slices"
	"strings"
)

// lint reports a step that will not run as its author may think.
func (p *parser) lint(s Step) {
	switch s.Kind {
	case Bash, SQL, PromQL, LogQL, Open:
	default:
		return
	}
	for _, c := range s.Commands {
		if c.Class == Impossible {
			p.problem(c.Line, fmt.Sprintf("%s: it is shown as text to copy, because %s", oneLine(c.Text, 80), c.Why))
		}
	}
	for _, q := range s.Params {
		if q.Default == "" {
			continue
		}
		if err := q.Check(q.Default); err != nil {
			p.problem(q.Line, "the default cannot be used: "+err.Error())
		}
	}
}

// whole reports what a playbook lacks as a whole.
func (p *parser) whole() {
	if p.out.Title == "" {
		p.out.Title = strings.ReplaceAll(p.out.ID, "-", " ")
		p.problem(1, "the playbook has no title; begin it with # and a title")
	}
	if !p.out.Rated {
		p.problem(1, "the playbook names no severity; write Severity: P1 below the title")
	}
	if len(p.out.Steps()) == 0 {
		p.problem(1, "the playbook has no steps: no fenced block, no check-list, no message")
	}
	if len(p.out.Alerts) == 0 && camel(p.out.Title) {
		p.out.Alerts = []string{p.out.Title} // a runbook of one alert has its name
	}
	if len(p.out.Alerts)+len(p.out.Services)+len(p.out.Words) == 0 && len(titleWords(p.out.Title)) == 0 {
		p.problem(1, "nothing says when the playbook fits; name its alerts, services or words in the front matter")
	}
	titles := map[string]bool{"": true}
	for i, s := range p.out.Sections {
		if titles[s.Title] && (s.Title != "" || i > 0) {
			p.problem(s.Line, fmt.Sprintf("there are two sections named %q", oneLine(s.Title, 60)))
		}
		titles[s.Title] = true
	}
}

// Limits are what a configuration allows and has. The zero value has nothing.
type Limits struct {
	ExecAllow, CurlAllow []string
	DataSources          []string
	Cluster              bool
	Prometheus, Loki     bool
}

// Missing says, one sentence each, what has to be configured before the step
// can run; none: nothing.
func (l Limits) Missing(s Step) []string {
	var all []string
	add := func(text string) {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, c := range s.Commands {
		for _, n := range c.Needs {
			if text := l.missing(n); text != "" {
				add(text)
			}
		}
	}
	return all
}

func (l Limits) missing(n Need) string {
	switch n.Kind {
	case NeedCluster:
		if !l.Cluster {
			return "No Kubernetes cluster is configured: set KUBECONFIG, or run Muster inside the cluster."
		}
	case NeedSQL:
		if !slices.Contains(l.DataSources, n.Name) {
			if n.Name == "main" {
				return "The data source main is not configured: set DATABASE_URL, or data_sources in muster.yaml."
			}
			return fmt.Sprintf("The data source %s is not configured: add it to data_sources in muster.yaml.", n.Name)
		}
	case NeedPrometheus:
		if !l.Prometheus {
			return "Prometheus is not configured: set PROMETHEUS_URL."
		}
	case NeedLoki:
		if !l.Loki {
			return "Loki is not configured: set LOKI_URL."
		}
	case NeedHost:
		if n.Name != "" && !slices.Contains(l.CurlAllow, n.Name) && !slices.Contains(l.CurlAllow, hostOnly(n.Name)) {
			return fmt.Sprintf("curl may not read %s: add it to playbooks.curl_allow in muster.yaml.", n.Name)
		}
		if n.Name == "" && len(l.CurlAllow) == 0 {
			return "curl may not read any host: add those that it may to playbooks.curl_allow in muster.yaml."
		}
	case NeedExec:
		if len(l.ExecAllow) == 0 {
			return fmt.Sprintf("kubectl exec may not run %s: add it to playbooks.exec_allow in muster.yaml.", oneLine(n.Name, 80))
		}
	case NeedEvidence, NeedPagerDuty, NeedIncident:
	}
	return ""
}

func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}
