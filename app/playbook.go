package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/config"
	"muster/playbooks"
)

// LintPlaybooks says of the files, or of all playbooks of the configuration
// where there are none, what every step is and what is wrong. It is Exit(1)
// when anything is.
func LintPlaybooks(q Question, files []string) error {
	books, limits, err := readPlaybooks(q, files)
	if err != nil {
		return err
	}
	type linted struct {
		playbooks.Playbook
		Missing map[string][]string `json:"missing,omitempty"`
	}
	var text strings.Builder
	var data []linted
	problems := 0
	for _, b := range books {
		missing := map[string][]string{}
		for _, s := range b.Steps() {
			if m := limits.Missing(s); len(m) > 0 {
				missing[s.ID] = m
			}
		}
		data = append(data, linted{b, missing})
		problems += len(b.Problems)
		lintText(&text, b, limits)
	}
	switch problems {
	case 0:
		fmt.Fprintf(&text, "%s, no problems.\n", numbered(len(books), "playbook"))
	default:
		fmt.Fprintf(&text, "%s, %s.\n", numbered(len(books), "playbook"), numbered(problems, "problem"))
	}
	if err := q.print(text.String(), map[string]any{"ok": problems == 0, "problems": problems, "playbooks": data}); err != nil {
		return err
	}
	if problems > 0 {
		return Exit(1)
	}
	return nil
}

func numbered(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func lintText(w *strings.Builder, b playbooks.Playbook, limits playbooks.Limits) {
	rated := "no severity"
	if b.Rated {
		rated = b.Severity.String()
	}
	fmt.Fprintf(w, "%s: %s (%s)\n", b.File, b.Title, rated)
	for _, s := range b.Steps() {
		fmt.Fprintf(w, "  %3d  %-9s  %-10s  %s\n", s.N, s.Kind, s.Class, s.Title)
		if s.Class == playbooks.Impossible {
			fmt.Fprintf(w, "       %s:%d: %s\n", b.File, s.Line, s.Why)
		}
	}
	needsText(w, b, limits)
	for _, p := range b.Problems {
		if p.Line > 0 {
			fmt.Fprintf(w, "%s:%d: %s\n", b.File, p.Line, p.Text)
		} else {
			fmt.Fprintf(w, "%s: %s\n", b.File, p.Text)
		}
	}
	w.WriteString("\n")
}

// needsText says once what several steps lack.
func needsText(w *strings.Builder, b playbooks.Playbook, limits playbooks.Limits) {
	var needs []string
	steps := map[string][]string{}
	for _, s := range b.Steps() {
		for _, m := range limits.Missing(s) {
			if steps[m] == nil {
				needs = append(needs, m)
			}
			steps[m] = append(steps[m], strconv.Itoa(s.N))
		}
	}
	for _, m := range needs {
		fmt.Fprintf(w, "  needs  %s (step %s)\n", m, strings.Join(steps[m], ", "))
	}
}

// PlanPlaybook says what the steps of a playbook, or one of them, would run.
func PlanPlaybook(q Question, file, step string) error {
	books, limits, err := readPlaybooks(q, []string{file})
	if err != nil {
		return err
	}
	b := books[0]
	steps := b.Steps()
	if step != "" {
		s, ok := b.Step(step)
		if !ok {
			return fmt.Errorf("%s has no step %q: give its number (1 to %d), or the beginning of its title", b.File, step, len(steps))
		}
		steps = []playbooks.Step{s}
	}
	type planned struct {
		playbooks.Step
		Missing []string `json:"missing,omitempty"`
	}
	var text strings.Builder
	var data []planned
	fmt.Fprintf(&text, "%s: %s\n", b.File, b.Title)
	for _, s := range steps {
		data = append(data, planned{s, limits.Missing(s)})
		planText(&text, b.File, s, limits)
	}
	return q.print(text.String(), map[string]any{"file": b.File, "title": b.Title, "steps": data})
}

func planText(w *strings.Builder, file string, s playbooks.Step, limits playbooks.Limits) {
	fmt.Fprintf(w, "\n%d. %s (%s:%d)\n", s.N, s.Title, file, s.Line)
	fmt.Fprintf(w, "   %s, %s: %s\n", s.Kind, s.Class, s.Why)
	if s.Timeout > 0 {
		fmt.Fprintf(w, "   ends after %s at the latest\n", strings.TrimSuffix(s.Timeout.Round(time.Second).String(), "0s"))
	}
	for _, item := range s.Items {
		fmt.Fprintf(w, "   [ ] %s\n", item)
	}
	for _, c := range s.Commands {
		fmt.Fprintf(w, "   %-10s  %s\n", c.Class, indented(c.Text))
		fmt.Fprintf(w, "               %s\n", c.Why)
	}
	for _, p := range s.Params {
		fmt.Fprintf(w, "   parameter   <%s>: %s%s\n", p.Name, p.Kind, paramNote(p))
	}
	for _, m := range limits.Missing(s) {
		fmt.Fprintf(w, "   needs       %s\n", m)
	}
	if s.Kind == playbooks.Show {
		fmt.Fprintf(w, "   text        %s\n", indented(s.Code))
	}
}

func paramNote(p playbooks.Param) string {
	var notes []string
	if p.Default != "" {
		notes = append(notes, "default "+p.Default)
	}
	if len(p.Choices) > 0 {
		notes = append(notes, "one of "+strings.Join(p.Choices, ", "))
	}
	if p.Narrow {
		notes = append(notes, "only letters, digits and . _ - / : @ +")
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

func indented(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n               ")
}

// readPlaybooks reads files, or finds them among the configuration's by their
// names. With no files it gives all of the configuration's.
func readPlaybooks(q Question, files []string) ([]playbooks.Playbook, playbooks.Limits, error) {
	cfg, err := config.Load(q.Config, q.Env)
	var problems config.Problems
	switch {
	case errors.As(err, &problems) && len(files) > 0:
		// A file can be looked at while the configuration is broken.
		cfg = &config.Config{}
	case err != nil:
		return nil, playbooks.Limits{}, err
	}
	limits := playbookLimits(cfg, q.Env)
	if len(files) == 0 {
		return cfg.Books, limits, nil
	}
	var books []playbooks.Playbook
	for _, f := range files {
		data, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			name := strings.ToLower(strings.TrimSuffix(filepath.Base(f), ".md"))
			if i := slices.IndexFunc(cfg.Books, func(b playbooks.Playbook) bool { return b.ID == name }); i >= 0 {
				books = append(books, cfg.Books[i])
				continue
			}
			return nil, limits, fmt.Errorf("there is no file %s, and no playbook of that name; the playbooks are %s", f, bookNames(cfg))
		}
		if err != nil {
			return nil, limits, fmt.Errorf("read the playbook: %w", err)
		}
		books = append(books, playbooks.Parse(f, data))
	}
	return books, limits, nil
}

func bookNames(cfg *config.Config) string {
	var names []string
	for _, b := range cfg.Books {
		names = append(names, b.ID)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// playbookLimits says what a configuration and an environment allow and have.
func playbookLimits(cfg *config.Config, env func(string) (string, bool)) playbooks.Limits {
	has := func(name string) bool {
		v, ok := env(name)
		return ok && v != ""
	}
	l := playbooks.Limits{
		ExecAllow: cfg.Playbooks.ExecAllow, CurlAllow: cfg.Playbooks.CurlAllow,
		Cluster: has("KUBECONFIG") || has("KUBERNETES_SERVICE_HOST"), Prometheus: has("PROMETHEUS_URL"), Loki: has("LOKI_URL"),
	}
	for name := range cfg.DataSources {
		l.DataSources = append(l.DataSources, name)
	}
	slices.Sort(l.DataSources)
	return l
}
