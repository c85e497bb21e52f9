package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pure packages decide: they read no clock and wait for nothing.
var pure = []string{"incident", "alerts/triage", "escalation", "escalation/rota", "reminders", "playbooks", "bot/render"}

// clockReads are the functions of package time that read the clock or wait.
var clockReads = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

type pkg struct {
	imports  map[string][]string // of this module, by the file that has it
	comments []string            // files with a package comment
	files    []*ast.File
	fset     *token.FileSet
}

// packages parses every package of the module, without tests.
func packages(t *testing.T) map[string]*pkg {
	t.Helper()
	out := map[string]*pkg{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || exists(filepath.Join(name, "go.mod"))) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(name))
		p := out[dir]
		if p == nil {
			p = &pkg{imports: map[string][]string{}, fset: fset}
			out[dir] = p
		}
		p.files = append(p.files, file)
		if file.Doc != nil {
			p.comments = append(p.comments, name)
		}
		for _, imp := range file.Imports {
			if rest, ok := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), "muster/"); ok {
				p.imports[rest] = append(p.imports[rest], name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// arrows reads the table of ARCHITECTURE.md: "| `from` | `to`, `to` |".
func arrows(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([^`]+)`")
	out := map[string][]string{}
	_, table, found := strings.Cut(string(text), "<!-- arrows -->")
	table, _, end := strings.Cut(table, "<!-- /arrows -->")
	if !found || !end {
		t.Fatal("ARCHITECTURE.md has no table between <!-- arrows --> and <!-- /arrows -->")
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		from := name.FindStringSubmatch(cells[1])
		if from == nil {
			continue
		}
		out[from[1]] = []string{}
		for _, to := range name.FindAllStringSubmatch(cells[2], -1) {
			out[from[1]] = append(out[from[1]], to[1])
		}
	}
	return out
}

func TestArrows(t *testing.T) {
	want, have := arrows(t), packages(t)
	for dir, p := range have {
		allowed, listed := want[dir]
		if !listed {
			t.Errorf("package %s is not in the table of ARCHITECTURE.md", dir)
			continue
		}
		for imported, files := range p.imports {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s (%s): ARCHITECTURE.md has no such arrow", dir, imported, files[0])
			}
		}
		for _, to := range allowed {
			if len(p.imports[to]) == 0 {
				t.Errorf("ARCHITECTURE.md has an arrow from %s to %s that nothing uses", dir, to)
			}
		}
	}
	for dir := range want {
		if have[dir] == nil {
			t.Errorf("ARCHITECTURE.md lists %s, which is no package", dir)
		}
	}
}

func TestPurePackagesReadNoClock(t *testing.T) {
	all := packages(t)
	for _, dir := range pure {
		p := all[dir]
		if p == nil {
			t.Errorf("there is no package %s", dir)
			continue
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clockReads, sel.Sel.Name) {
					t.Errorf("package %s reads the clock: time.%s", dir, sel.Sel.Name)
				}
				return true
			})
		}
	}
}

func TestIncidentImportsStandardLibraryOnly(t *testing.T) {
	for _, file := range packages(t)["incident"].files {
		for _, imp := range file.Imports {
			if name := strings.Trim(imp.Path.Value, `"`); strings.Contains(strings.SplitN(name, "/", 2)[0], ".") || strings.HasPrefix(name, "muster/") {
				t.Errorf("package incident imports %s", name)
			}
		}
	}
}

func TestOnePackageComment(t *testing.T) {
	for dir, p := range packages(t) {
		if len(p.comments) != 1 {
			t.Errorf("package %s has %d package comments, want exactly one: %v", dir, len(p.comments), p.comments)
		}
	}
}
