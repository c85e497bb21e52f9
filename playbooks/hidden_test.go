package playbooks

import (
	"fmt"
	"strings"
	"testing"
)

// TestNothingHidesFromTheLexer: what PostgreSQL would run is not taken for a
// part of a text, by any of the ways in which it writes texts.
func TestNothingHidesFromTheLexer(t *testing.T) {
	for name, code := range map[string]string{
		"letters of a tag":      "SELECT $ä$ ' $ä$; DROP TABLE t; SELECT $ä$ ' $ä$",
		"a text that goes on":   "SELECT E'a'\n'\\' , '; DROP TABLE t; --'",
		"and behind a comment":  "SELECT E'a' -- c\n'\\' , '; DROP TABLE t; --'",
		"and twice":             "SELECT E'a'\n'b'\r'\\' , '; DROP TABLE t; --'",
		"a number and a text":   "SELECT 1e'\\' , '; DROP TABLE t; --'",
		"a number and a letter": "SELECT 1_0E'\\' , '; DROP TABLE t; --'",
		"an exponent":           "SELECT 1e5e'\\' , '; DROP TABLE t; --'",
		"the sign for Kelvin":   "SELECT ran\u212a()",
	} {
		s := Step{Kind: SQL, Code: code, Line: 1, Source: "main"}
		if s.fill(nil); s.Class == Reading {
			t.Errorf("%s: %q only reads: %s", name, code, s.Why)
		}
	}
	for _, code := range []string{"SELECT $ä$ ' ; DROP TABLE t; ' $ä$", "SELECT E'a'\n'\\' ; DROP TABLE t; --'", "SELECT 1e5, 1E+3, 0x1F, 1_000, .5e-1, 1.5::text"} {
		s := Step{Kind: SQL, Code: code, Line: 1, Source: "main"}
		if s.fill(nil); s.Class != Reading || len(s.Commands) != 1 {
			t.Errorf("%q is %s: %s", code, s.Class, s.Why)
		}
	}
}

// TestPlacesThatAreNone: where a value would be read together with what stands
// next to it, nothing runs.
func TestPlacesThatAreNone(t *testing.T) {
	for code, kind := range map[string]Kind{
		"echo $<x>": Bash, "cat <<EOF\n$<x>\nEOF": Bash, `echo \<x>`: Bash, "echo @(<x>|b)": Bash, "echo 'a b$'$`echo <x>`": Bash,
		strings.Repeat("echo <x>\n", 5000): Bash, strings.Repeat("echo $X\n", 5000): Bash,
		`SELECT U&"<x>" FROM t`: SQL, "SELECT U&<x>": SQL, "SELECT $ä$ <x> $ä$": SQL, "SELECT E'a'\n'<x>'": SQL, "SELECT $<x>": SQL,
		"SELECT " + strings.Repeat("<x>, ", 5000) + "1": SQL, strings.Repeat("a{b=\"<x>\"} + ", 4200) + "1": PromQL,
	} {
		s := Step{Kind: kind, Code: code, Line: 1, Source: "main"}
		if s.fill(nil); s.Class != Impossible {
			t.Errorf("%.60q is %s", code, s.Class)
		}
	}
}

// TestNoValueEndsADocument: a value that is the last line of the
// here-document that it stands in is refused.
func TestNoValueEndsADocument(t *testing.T) {
	for _, code := range []string{"cat <<EOF\n<x>\nEOF\n", "cat <<'EOF'\na\n<x>\nEOF\n", "cat <<-\"EOF\"\n\t<x>\n\tEOF\n", "cat <<\\EOF\n<x>F\nEOF\n"} {
		s := Step{Kind: Bash, Code: code, Line: 1}
		s.fill(nil)
		value := map[bool]string{true: "EO", false: "EOF"}[strings.Contains(code, "<x>F")]
		if b, err := Bind(s, map[string]string{"x": value}); err == nil {
			t.Errorf("%q became %q", code, b.Text)
		}
		if _, err := Bind(s, map[string]string{"x": "EOFs"}); err != nil {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// TestACommentHidesNoSemicolon: the text that people see has each statement
// end where it ends.
func TestACommentHidesNoSemicolon(t *testing.T) {
	s := Step{Kind: SQL, Code: "SELECT 1 -- one\n; SELECT 2", Line: 1, Source: "main"}
	s.fill(nil)
	b, err := Bind(s, nil)
	if err != nil || b.Text != "SELECT 1 -- one\n;\nSELECT 2;" {
		t.Errorf("%q %v", b.Text, err)
	}
}

// TestWhatAPlaybookComesToIsBounded: no file makes numbers that cannot be
// kept, nor names and templates without number.
func TestWhatAPlaybookComesToIsBounded(t *testing.T) {
	for _, limit := range []string{".nan", ".inf", "-.inf", "1e999"} {
		p := Parse("a.md", []byte("---\nwatch: [{query: up, above: "+limit+"}]\n---\n# T\n"))
		if len(p.Watch) != 1 || p.Watch[0].Above != nil || len(p.Problems) == 0 {
			t.Errorf("%s: %+v", limit, p)
		}
	}
	p := Parse("a.md", []byte("# T\n## Message\n"+strings.Repeat("```template\nx\n```\n", 2000)))
	if len(p.Templates) > maxSteps {
		t.Errorf("%d templates", len(p.Templates))
	}
	var services strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&services, "s%d,", i)
	}
	if p := Parse("a.md", []byte("# T\nServices: "+services.String()+"\n")); len(p.Services) != maxNames {
		t.Errorf("%d services", len(p.Services))
	}
}
