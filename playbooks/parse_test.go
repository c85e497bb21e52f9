package playbooks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"muster/incident"
)

func builtIns(t testing.TB) []Playbook {
	t.Helper()
	files, err := filepath.Glob("../config/builtin/playbooks/*.md")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v %v", files, err)
	}
	var all []Playbook
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Parse(f, data))
	}
	return all
}

// TestBuiltInPlaybooks: they have no problem, everything in them can run, and
// with its defaults each step binds.
func TestBuiltInPlaybooks(t *testing.T) {
	want := map[string]incident.Severity{
		"Critical service down": incident.P0, "Database performance degradation": incident.P1, "Security incident": incident.P0,
	}
	examples := map[ParamKind]string{
		PodParam: "api-0", NumberParam: "4711", IdentifierParam: "orders", AddressParam: "203.0.113.7/32", ImageParam: "registry.example.com/api:2", TextParam: "2026-01-05 09:00:00+00",
	}
	for _, b := range builtIns(t) {
		if s, ok := want[b.Title]; !ok || !b.Rated || b.Severity != s {
			t.Errorf("%s is %v %v", b.Title, b.Rated, b.Severity)
		}
		if b.Impact == "" || b.ResponseTime == "" || b.Escalation == "" || len(b.Alerts) == 0 {
			t.Errorf("%s lacks impact, response time, escalation or alerts", b.Title)
		}
		for _, p := range b.Problems {
			t.Errorf("%s:%d: %s", b.File, p.Line, p.Text)
		}
		ids := map[string]bool{}
		for _, s := range b.Steps() {
			if s.Class == Impossible {
				t.Errorf("%s, %s: %s", b.Title, s.Title, s.Why)
			}
			if ids[s.ID] {
				t.Errorf("%s: the ID of %q is there twice", b.Title, s.Title)
			}
			ids[s.ID] = true
			if !s.Runs() {
				continue
			}
			values := map[string]string{}
			for _, p := range s.Params {
				if p.Default == "" {
					values[p.Name] = examples[p.Kind]
				}
			}
			if bound, err := Bind(s, values); err != nil {
				t.Errorf("%s, %s: %v", b.Title, s.Title, err)
			} else if bound.Class != s.Class {
				t.Errorf("%s, %s: bound it is %s, before it was %s", b.Title, s.Title, bound.Class, s.Class)
			}
		}
	}
}

// TestIDsStay: a step keeps its ID when others come and go.
func TestIDsStay(t *testing.T) {
	text := "# T\n\nSeverity: P1\n\n## A\n\n### One\n\n```bash\nkubectl get pods\n```\n\n### Two\n\n```bash\nkubectl get nodes\n```\n"
	before := Parse("a.md", []byte(text)).Steps()
	after := Parse("a.md", []byte(strings.Replace(text, "### One\n\n```bash\nkubectl get pods\n```\n", "- [ ] look\n", 1))).Steps()
	if len(before) != 2 || len(after) != 2 || before[1].ID != after[1].ID || before[0].ID == after[0].ID {
		t.Errorf("%v %v", before, after)
	}
}

// TestDefaults: a default may come from the place itself or
// from the front matter, which wins.
func TestDefaults(t *testing.T) {
	p := Parse("a.md", []byte("---\nparams:\n  lines: {default: '20', label: how many lines}\n---\n# Queue stuck\n\nSeverity: P1\n\n## A\n\n```bash\nkubectl logs <Pod Name> --tail ${LINES:-50} -n ${NAMESPACE:-production}\n```\n"))
	if len(p.Problems) > 0 || len(p.Params) != 3 {
		t.Fatalf("%+v", p)
	}
	s := p.Steps()[0]
	want := []Param{
		{Name: "pod-name", Kind: PodParam, Line: 12},
		{Name: "lines", Kind: NumberParam, Label: "how many lines", Default: "20", Line: 12},
		{Name: "namespace", Kind: NamespaceParam, Default: "production", Line: 12},
	}
	if !slices.EqualFunc(s.Params, want, func(a, b Param) bool {
		return a.Name == b.Name && a.Kind == b.Kind && a.Default == b.Default && a.Label == b.Label && a.Line == b.Line
	}) {
		t.Errorf("%+v", s.Params)
	}
	b, err := Bind(s, map[string]string{"pod-name": "api-0"})
	if err != nil || b.Text != "kubectl logs 'api-0' --tail '20' -n 'production'" {
		t.Errorf("%q %v", b.Text, err)
	}
	if _, err := Bind(s, nil); err == nil {
		t.Error("a parameter without a value was bound")
	}
	if _, err := Bind(s, map[string]string{"pod-name": "api-0", "other": "x"}); err == nil {
		t.Error("a value that nothing needs was taken")
	}
}

// TestNoHiddenLines: what stands on one line of the front matter is read as
// one, and what comes after it is said to be on the line where it is.
func TestNoHiddenLines(t *testing.T) {
	says := func(text string, line int, part string) bool {
		return slices.ContainsFunc(Parse("a.md", []byte(text)).Problems, func(p Problem) bool { return p.Line == line && strings.Contains(p.Text, part) })
	}
	for _, mark := range []string{"\u0085", "\u2028", "\u2029"} {
		if !says("---\ntitle: Queue stuck\nimpact: 'slow "+mark+"'\nservices: queue\nother: 1\n---\n", 5, `"other"`) {
			t.Errorf("%U: the line after it is counted wrongly", []rune(mark))
		}
		if !says("---\ntitle: Queue stuck\nimpact: slow "+mark+"severity: P9\n---\n", 3, "no YAML") {
			t.Errorf("%U hides a key", []rune(mark))
		}
	}
}

// TestAnImpossibleStepNeverBinds.
func TestAnImpossibleStepNeverBinds(t *testing.T) {
	s := Step{Kind: Bash, Code: "rm -rf <x>", Line: 1}
	s.fill(nil)
	if b, err := Bind(s, map[string]string{"x": "a"}); err == nil || b.Tree != nil || b.Text != "" {
		t.Errorf("%+v %v", b, err)
	}
}

func TestMatch(t *testing.T) {
	all := builtIns(t)
	all = append(all, Parse("payments.md", []byte("# Payments fail\n\nSeverity: P1\nServices: payments\n\n- [ ] look\n")))
	for _, c := range []struct {
		s      Subject
		id     string
		reason Reason
	}{
		{Subject{Alerts: []string{"Other", "apiservicedown"}, Title: "database slow"}, "critical-service-down", ByAlert},
		{Subject{Service: "Payments", Title: "API is down"}, "payments", ByService},
		{Subject{Title: "API service down - investigating"}, "critical-service-down", ByTitle},
		{Subject{Title: "Slow queries on the PostgreSQL database"}, "database-performance-degradation", ByTitle},
		{Subject{Title: "We were hacked"}, "security-incident", ByTitle},
		{Subject{Title: "countdown timer wrong"}, "", ""},
		{Subject{}, "", ""},
	} {
		got := Match(all, c.s)
		switch {
		case c.id == "" && len(got) > 0:
			t.Errorf("%+v fits %+v", c.s, got)
		case c.id != "" && (len(got) == 0 || got[0].ID != c.id || got[0].Reason != c.reason || got[0].Why == ""):
			t.Errorf("%+v: %+v", c.s, got)
		}
	}
}

// TestJudge: whoever runs a command asks once more with the
// words that it really has.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		argv  []string
		class Class
	}{
		{[]string{"kubectl", "get", "pods"}, Reading},
		{[]string{"kubectl", "describe", "--as=admin"}, Impossible},
		{[]string{"kubectl", "delete", "pod", "a b"}, Changing},
		{[]string{"watch", "kubectl get pods | grep a"}, Reading},
		{[]string{"watch", "rm x"}, Impossible},
		{[]string{"kubectl\U000F0000"}, Impossible},
		{[]string{"echo", "\U00100000", "*", "$(x)"}, Reading},
		{nil, Reading},
	} {
		if got := Judge(c.argv); got.Class != c.class {
			t.Errorf("%q is %s: %s", c.argv, got.Class, got.Why)
		}
	}
}

func TestMissing(t *testing.T) {
	var all []string
	for _, b := range builtIns(t) {
		for _, s := range b.Steps() {
			all = append(all, Limits{}.Missing(s)...)
			if m := (Limits{Cluster: true, Prometheus: true, Loki: true, DataSources: []string{"main"}, ExecAllow: []string{"tar ..."}, CurlAllow: []string{"x"}}).Missing(s); len(m) > 0 {
				t.Errorf("%s: %v", s.Title, m)
			}
		}
	}
	for _, name := range []string{"KUBECONFIG", "DATABASE_URL", "PROMETHEUS_URL", "LOKI_URL", "exec_allow"} {
		if !strings.Contains(strings.Join(all, "\n"), name) {
			t.Errorf("nothing says that %s is needed", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/books/*.md")
	more, _ := filepath.Glob("../config/builtin/playbooks/*.md")
	for _, name := range append(files, more...) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	archive, err := txtar.ParseFile("testdata/hostile.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add([]byte("# T\n```" + strings.TrimPrefix(filepath.Ext(file.Name), ".") + "\n" + string(file.Data) + "```\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, data) })
}

// checkParse: whatever a file holds, its steps can be shown, kept and bound.
func checkParse(t *testing.T, data []byte) {
	t.Helper()
	p := Parse("a.md", data)
	if _, err := json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	for i, s := range p.Steps() {
		if s.N != i+1 || s.ID == "" || s.Title == "" || s.Why == "" {
			t.Fatalf("%+v", s)
		}
		values := map[string]string{}
		for _, q := range s.Params {
			values[q.Name] = "1"
		}
		b, err := Bind(s, values)
		if err != nil {
			continue
		}
		if s.Class == Impossible || b.Class == Impossible || s.Class.Exceeds(b.Class) {
			t.Fatalf("%s became %s", s.Class, b.Class)
		}
		if s.Kind == Bash {
			shape(t, b.Text)
		}
	}
}

// TestHugeFilesAreRead: no text of the greatest length takes long to read.
// The limit is generous: a square of the length would take hours.
func TestHugeFilesAreRead(t *testing.T) {
	for name, piece := range map[string]string{
		"brackets": "[", "images": "![", "stars": "*a ", "underlines": "_a", "quotes": "> ", "lists": "- ", "numbers": "1. ", "ticks": "`", "ticks two": "`a``b",
		"tags": "<a", "entities": "&", "fences": "```\n", "open fences": "```a\nx\n", "tildes": "~~~\n```\n", "headings": "## a\n", "same headings": "#\n", "steps": "```bash\nkubectl get pods\n```\n",
		"items": "- [ ] a\n", "nested items": "  - [ ] a\n", "tables": "|a|b|\n", "colons": "a:\n\n", "front": "---\n", "links": "[a](b)", "references": "[a]: b\n", "html": "<!--", "emphasis": "**a *b ", "lines": "\n", "nul": "\x00", "backslash": "\\",
	} {
		began := time.Now()
		p := Parse("a.md", []byte("# T\n"+strings.Repeat(piece, maxFile/len(piece))))
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s take %s", name, took)
		} else {
			t.Logf("%-14s %6d steps %6d problems %s", name, len(p.Steps()), len(p.Problems), took)
		}
	}
	for name, code := range map[string]string{
		"parens": strings.Repeat("(", maxCode), "braces": strings.Repeat("{ ", maxCode/2), "ifs": strings.Repeat("if a; then ", maxCode/11), "substitutions": strings.Repeat("$(", maxCode/2),
		"quotes": strings.Repeat(`"$`, maxCode/2), "ticks": strings.Repeat("`", maxCode), "pipes": strings.Repeat("a|", maxCode/2), "ands": strings.Repeat("a&&", maxCode/3) + "a", "nots": strings.Repeat("! ", maxCode/2),
		"heredocs": strings.Repeat("cat <<A\n", maxCode/8), "doubling": "X=aaaaaaaaaa\n" + strings.Repeat("X=$X$X$X$X$X$X$X$X\n", 3000), "loops": strings.Repeat("for a in 1 2 3 4 5 6 7 8 9; do ", 30) + "echo $a;" + strings.Repeat("done;", 30),
		"cases": strings.Repeat("case a in a) ", maxCode/13), "whiles": strings.Repeat("while a; do ", maxCode/12), "times": strings.Repeat("time ", maxCode/5), "arith": "echo $((" + strings.Repeat("1+", 30000) + "1))", "params": strings.Repeat("<a>", maxCode/3),
		"elifs": "if a; then b;" + strings.Repeat("elif a; then b;", 4000) + "fi", "brace": "echo " + strings.Repeat("{a,b}", 10000), "expansion": "X=a; echo " + strings.Repeat("${X:-", 10000) + strings.Repeat("}", 10000),
	} {
		began := time.Now()
		s := Step{Kind: Bash, Code: code[:min(len(code), maxCode)], Line: 1}
		s.fill(nil)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s take %s", name, took)
		} else {
			t.Logf("%-14s %s %d commands %s", name, s.Class, len(s.Commands), took)
		}
	}
}
