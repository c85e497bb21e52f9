package playbooks

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s:%d is\n%s\nand should be\n%s\n(go test ./playbooks -update writes it anew)", file, i+1, at(g, i), at(w, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// TestHostileBlocks: every block that wants more than it may is refused or
// counts as changing, and says why.
func TestHostileBlocks(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/hostile.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range archive.Files {
		kind := map[string]Kind{".sh": Bash, ".sql": SQL, ".promql": PromQL, ".logql": LogQL}[filepath.Ext(f.Name)]
		s := Step{Kind: kind, Code: strings.TrimSuffix(string(f.Data), "\n"), Line: 1}
		s.fill(nil)
		fmt.Fprintf(&out, "%s: %s\n", f.Name, s.Class)
		for _, c := range s.Commands {
			fmt.Fprintf(&out, "\t%d %s [%s] %s\n", c.Line, c.Class, c.Text, c.Why)
			for _, n := range c.Needs {
				if n.Kind == NeedExec || n.Kind == NeedHost || n.Kind == NeedEvidence {
					fmt.Fprintf(&out, "\t\tneeds %s %s\n", n.Kind, n.Name)
				}
			}
		}
		for _, p := range s.Params {
			fmt.Fprintf(&out, "\tparameter %s (%s) narrow=%v\n", p.Name, p.Kind, p.Narrow)
		}
		if s.Why == "" {
			t.Errorf("%s: no reason", f.Name)
		}
	}
	if len(archive.Files) < 60 {
		t.Errorf("only %d blocks", len(archive.Files))
	}
	golden(t, "testdata/hostile.golden", out.String())
}

// report is what lint and plan say of a playbook.
func report(p Playbook) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\nseverity %v %v\nimpact %s\nresponse %s\nescalation %s\nalerts %v\nservices %v\nwords %v\n",
		p.Title, p.Rated, p.Severity, p.Impact, p.ResponseTime, p.Escalation, p.Alerts, p.Services, p.Words)
	for _, sec := range p.Sections {
		fmt.Fprintf(&out, "\n# %s (line %d)\n", sec.Title, sec.Line)
		for _, s := range sec.Steps {
			fmt.Fprintf(&out, "%d. %s (line %d) %s %s: %s\n", s.N, s.Title, s.Line, s.Kind, s.Class, s.Why)
			for _, c := range s.Commands {
				fmt.Fprintf(&out, "\t%d %s [%s] %s\n", c.Line, c.Class, c.Text, c.Why)
			}
			for _, item := range s.Items {
				fmt.Fprintf(&out, "\t[ ] %s\n", item)
			}
			for _, q := range s.Params {
				fmt.Fprintf(&out, "\tparameter %s (%s) default=%q narrow=%v\n", q.Name, q.Kind, q.Default, q.Narrow)
			}
			if s.Kind == Template {
				fmt.Fprintf(&out, "\t%q\n", s.Code)
			}
		}
	}
	out.WriteString("\n")
	for _, q := range p.Problems {
		fmt.Fprintf(&out, "problem %d: %s\n", q.Line, q.Text)
	}
	return out.String()
}

// TestBooksOfOthers: playbooks in other people's manner, and untidy ones, say
// exactly what would run and what is wrong.
func TestBooksOfOthers(t *testing.T) {
	files, err := filepath.Glob("testdata/books/*.md")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(f, ".md")+".golden", report(Parse(filepath.Base(f), data)))
		})
	}
}
