package playbooks

import (
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
		calmValue := map[ParamKind]string{TextParam: "a", NumberParam: "1", IdentifierParam: "a"}[kind]
		calm, err := Bind(s, map[string]string{"x": calmValue})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Bind(s, map[string]string{"x": value})
		if err != nil {
			continue
		}
		if kind == IdentifierParam && strings.Contains(value, ".") {
			continue // two names and a dot
		}
		want, _ := sqlShape(calm.Text)
		got, broken := sqlShape(b.Text)
		if got != want || broken != "" || len(b.Statements) != len(calm.Statements) {
			t.Fatalf("the value %q changed what is parsed: %s\nfrom %s", value, b.Text, calm.Text)
		}
		if b.Class != calm.Class {
			t.Fatalf("the value %q changed the class of %s", value, b.Text)
		}
	}
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
