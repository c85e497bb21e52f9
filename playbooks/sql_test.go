package playbooks

import (
	"regexp"
	"strings"
	"testing"
)

// sqlFrames have a parameter at every kind of place.
var sqlFrames = []string{
	"SELECT * FROM t WHERE a = <x>",
	"SELECT * FROM t WHERE a = '<x>' AND b = 'c <x> d'",
	`SELECT "<x>" FROM t -- <x>`,
	"UPDATE t SET a = <x>; SELECT ${X}, {{x}}",
}

func sqlShape(text string) (string, string) {
	tokens, broken := lexSQL(text)
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte(byte(t.kind))
		if t.kind == symbolToken {
			b.WriteString(t.text)
		}
	}
	return b.String(), broken
}

func checkSQL(t testing.TB, frame, value string) {
	t.Helper()
	for _, kind := range []ParamKind{TextParam, NumberParam, IdentifierParam} {
		s := Step{Kind: SQL, Code: frame, Line: 1, Source: "main"}
		s.fill([]Param{{Name: "x", Kind: kind}})
		if s.Class == Impossible {
			t.Fatalf("%q cannot run: %s", frame, s.Why)
		}
		checkSQLStep(t, s, kind, value)
	}
}

// checkSQLStep: a value in the place of the parameter x gives the tokens that
// a calm one gives, or is refused.
func checkSQLStep(t testing.TB, s Step, kind ParamKind, value string) {
	t.Helper()
	calmValue := map[ParamKind]string{TextParam: "a", NumberParam: "1", IdentifierParam: "a"}[kind]
	calm, err := Bind(s, map[string]string{"x": calmValue})
	if err != nil {
		t.Fatalf("%q with a calm value: %v", s.Code, err)
	}
	b, err := Bind(s, map[string]string{"x": value})
	if err != nil {
		return
	}
	if kind == IdentifierParam && strings.Contains(value, ".") {
		return // two names and a dot
	}
	want, _ := sqlShape(calm.Text)
	got, broken := sqlShape(b.Text)
	if got != want || broken != "" || len(b.Statements) != len(calm.Statements) {
		t.Fatalf("the value %q changed what is parsed: %s\nfrom %s\nof %q", value, b.Text, calm.Text, s.Code)
	}
	for i := range b.Statements {
		if got, want := scanned(b.Statements[i].Text), scanned(calm.Statements[i].Text); got != want {
			t.Fatalf("the value %q changed what a database reads: %s\nfrom %s\nof %q", value, b.Text, calm.Text, s.Code)
		}
	}
	if n := strings.Count(strings.TrimRight(scanned(b.Text), " "), ";"); n != len(b.Statements) {
		t.Fatalf("the text shows %d statements and has %d: %s", n, len(b.Statements), b.Text)
	}
	if b.Class != calm.Class {
		t.Fatalf("the value %q changed the class of %s", value, b.Text)
	}
}

// scanRules are the rules by which PostgreSQL takes a text apart, the longest
// match first; what begins with a quote or a comment goes on by rules of its
// own. They are written without a look at the lexer that is tried by them.
var scanRules = []struct {
	sign string
	rule *regexp.Regexp
}{
	{" ", regexp.MustCompile(`^[ \t\n\r\f\v]+`)}, {" ", regexp.MustCompile(`^--[^\n\r]*`)}, {"/", regexp.MustCompile(`^/\*`)},
	{"q", regexp.MustCompile(`^[bBxXnN]?'`)}, {"e", regexp.MustCompile(`^[eE]'`)}, {"q", regexp.MustCompile(`^[uU]&'`)}, {"d", regexp.MustCompile(`^([uU]&)?"`)},
	{"$", regexp.MustCompile(`^\$([A-Za-z_[:^ascii:]][A-Za-z_0-9[:^ascii:]]*)?\$`)}, {"w", regexp.MustCompile(`^[A-Za-z_[:^ascii:]][A-Za-z_0-9$[:^ascii:]]*`)},
	{"p", regexp.MustCompile(`^\$[0-9]+`)}, {"0", regexp.MustCompile(`^([0-9]+(_[0-9]+)*(\.[0-9]*(_[0-9]+)*)?|\.[0-9]+)([eE][+-]?[0-9]+)?`)},
}

// further is what may stand between a text and the rest of it.
const further = `([ \t\f\v]|--[^\n\r]*)*[\n\r]([ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'`

var (
	scanComment = regexp.MustCompile(`/\*|\*/`)
	scanAfter   = map[string]*regexp.Regexp{
		"q": regexp.MustCompile(`^([^']|'')*'`), "d": regexp.MustCompile(`^([^"]|"")*"`),
		"e": regexp.MustCompile(`^([^'\\]|''|(?s:\\.))*'(` + further + `([^'\\]|''|(?s:\\.))*')*`),
	}
	scanFurther = regexp.MustCompile("^" + further)
)

// scanned gives a sign for each token: q a text, d a name in quotes, w a
// word, 0 a number, p a parameter of the protocol, ! one that does not end,
// itself any other sign. Spaces and comments are one space.
func scanned(text string) string {
	var out strings.Builder
	for text != "" {
		sign, size := "", 0
		for _, r := range scanRules {
			if m := r.rule.FindString(text); len(m) > size {
				sign, size = r.sign, len(m)
			}
		}
		switch sign {
		case "":
			sign, size = text[:1], 1
		case "q", "d", "e":
			m := scanAfter[sign].FindString(text[size:])
			rest := text[size+len(m):]
			if m == "" || strings.HasPrefix(rest, m[len(m)-1:]) || sign == "e" && scanFurther.MatchString(rest) {
				return out.String() + "!"
			}
			sign, size = strings.Replace(sign, "e", "q", 1), size+len(m)
		case "$":
			end := strings.Index(text[size:], text[:size])
			if end < 0 {
				return out.String() + "!"
			}
			sign, size = "q", size+end+size
		case "/":
			depth, at := 0, 0
			for {
				m := scanComment.FindStringIndex(text[at:])
				if m == nil {
					return out.String() + "!"
				}
				if at += m[1]; text[at-1] == '*' {
					depth++
				} else if depth--; depth == 0 {
					break
				}
			}
			sign, size = " ", at
		}
		if sign != " " || !strings.HasSuffix(out.String(), " ") {
			out.WriteString(sign)
		}
		text = text[size:]
	}
	return out.String()
}

// lexed gives what scanned gives, from the lexer.
func lexed(text string) string {
	tokens, broken := lexSQL(text)
	var out strings.Builder
	for i, t := range tokens {
		sign := ""
		switch {
		case broken != "" && i == len(tokens)-1:
			sign = "!"
		case t.kind == spaceToken:
			if sign = " "; strings.HasSuffix(out.String(), " ") {
				sign = ""
			}
		case t.kind == textToken || t.kind == dollarText:
			sign = "q"
		case t.kind == quotedName:
			sign = "d"
		default:
			sign = scanned(t.text)
		}
		out.WriteString(sign)
	}
	return out.String()
}

func TestNoValueChangesSQL(t *testing.T) {
	for _, f := range sqlFrames {
		for _, v := range nasty {
			checkSQL(t, f, v)
		}
	}
}

func FuzzNoValueChangesSQL(f *testing.F) {
	for i := range sqlFrames {
		for _, v := range nasty {
			f.Add(uint8(i), v)
		}
	}
	f.Fuzz(func(t *testing.T, frame uint8, value string) {
		checkSQL(t, sqlFrames[int(frame)%len(sqlFrames)], value)
	})
}

func TestStatementsAlone(t *testing.T) {
	for text, want := range map[string]bool{
		"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (c)": true, "CREATE INDEX i ON t (c)": false, "VACUUM t": true,
		"DROP INDEX CONCURRENTLY i": true, "REINDEX INDEX CONCURRENTLY i": true, "REINDEX TABLE t": false, "ALTER SYSTEM SET a = 1": true,
		"SELECT 'concurrently'": false, "CREATE DATABASE d": true,
	} {
		s := Step{Kind: SQL, Code: text, Line: 1, Source: "main"}
		s.fill(nil)
		b, err := Bind(s, nil)
		if err != nil || len(b.Statements) != 1 || b.Statements[0].Alone != want {
			t.Errorf("%s: %+v %v", text, b.Statements, err)
		}
	}
}
