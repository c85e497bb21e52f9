package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTemplatesEnd: a template that would go on and on, or make more and more
// of nothing, is a problem with its line.
func TestTemplatesEnd(t *testing.T) {
	var calls strings.Builder
	for i := range 60 {
		fmt.Fprintf(&calls, "{{define \"t%d\"}}{{template \"t%d\"}}{{template \"t%d\"}}{{end}}\n", i, i+1, i+1)
	}
	calls.WriteString("{{define \"t60\"}}{{end}}{{template \"t0\"}}")
	doubled := "{{$a := \"xxxxxxxxxxxxxxxx\"}}" + strings.Repeat("{{$a = print $a $a}}", 60)
	for name, text := range map[string]string{
		"a range over a number": "{{range 99999999999999}}{{end}}", "and in brackets": "\n{{range (print 1 | len | slice \"a\" 0 1)}}{{end}}", "a number behind a name": "{{$n := 99999999999}}{{range $n}}{{end}}",
		"over the minutes": "{{range .Minutes}}{{end}}", "itself": "{{template \"first\" .}}", "each other": "{{define \"a\"}}{{template \"b\"}}{{end}}{{define \"b\"}}{{template \"a\"}}{{end}}{{template \"a\"}}",
		"doubling": doubled, "doubling as page": strings.ReplaceAll(doubled, "print", "html"), "a wide number": "{{$a := printf \"%0999999d\" 1}}", "calls": calls.String(),
	} {
		began := time.Now()
		_, err := Load(write(t, "templates/first.tmpl", string(builtinFile("templates/first.tmpl"))+text), env())
		var problems Problems
		if !errors.As(err, &problems) || problems[0].Line == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if time.Since(began) > time.Minute {
			t.Errorf("%s takes %s", name, time.Since(began))
		}
	}
	for name, text := range map[string]string{
		"a range over a number": "{{range 99999999999}}{{end}}", "a number behind a name": "{{$n := 99999999999}}{{range $n}}{{end}}", "ranges": strings.Repeat("{{range .Timeline}}", 4) + strings.Repeat("{{end}}", 4), "doubling": doubled, "calls": calls.String(),
	} {
		for _, file := range []string{markdownTemplate, pageTemplate} {
			if _, err := Load(write(t, file, text), env()); err == nil {
				t.Errorf("%s are taken in %s", name, file)
			}
		}
	}
	if _, err := Load(write(t, markdownTemplate, string(builtinFile(markdownTemplate)), pageTemplate, string(builtinFile(pageTemplate))), env()); err != nil {
		t.Error(err)
	}
}

// TestABrokenLineIsFoundInBoundedTime: however long the file, what is read
// again to find its broken line stays within a limit.
func TestABrokenLineIsFoundInBoundedTime(t *testing.T) {
	lines := make([][]byte, 1<<16)
	for i := range lines {
		lines[i] = []byte("0123456789abcdef")
	}
	read := 0
	line := brokenLine(lines, func(begin [][]byte) bool {
		read += 16 * len(begin)
		return len(begin)%50 == 0
	})
	if read > maxSearched || line < 1 || line > len(lines) {
		t.Errorf("line %d after %d bytes", line, read)
	}
}

// TestRepeatedTextIsBounded: aliases and variables make no more of a file than
// a configuration is, and its problems stay readable.
func TestRepeatedTextIsBounded(t *testing.T) {
	long, key := strings.Repeat("x", 1<<12), strings.Repeat("k", 1000)
	for name, text := range map[string]string{
		"a long text":   "permissions: {run: [&a '" + long + "', " + strings.Repeat("*a, ", 4000) + "]}",
		"a long key":    "routes: [&a {" + key + ": 1}, " + strings.Repeat("*a, ", 2000) + "]",
		"one key twice": "- &a {" + key + ": 1, " + key + ": 2}\n" + strings.Repeat("- *a\n", 2000),
		"a variable":    "permissions: {run: [&a '" + strings.Repeat("${X}", 1000) + "', " + strings.Repeat("*a, ", 4000) + "]}",
		"the same key":  strings.Repeat("a: b\n", 5000),
	} {
		_, err := Load(write(t, musterFile, text), env("X", strings.Repeat("y", 1<<12)))
		if err == nil || len(err.Error()) > 8<<20 {
			t.Errorf("%s: %d bytes of problems", name, len(fmt.Sprint(err)))
		}
	}
}
