package playbooks

import (
	"fmt"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// shape is a tree with every literal word as one sign, so that two trees have
// the same shape when only values differ.
func shape(t testing.TB, text string) (string, []string) {
	t.Helper()
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		t.Fatalf("what was bound cannot be read again: %v\n%s", err, text)
	}
	var b strings.Builder
	var args []string
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Word:
			words, err := expand.Fields(&expand.Config{}, n)
			if err == nil {
				args = append(args, words...)
			}
			fmt.Fprintf(&b, "w%d ", len(words))
			if err == nil {
				return false
			}
		case nil:
			b.WriteString(") ")
		case *syntax.SglQuoted, *syntax.DblQuoted, *syntax.Lit:
		default:
			fmt.Fprintf(&b, "(%T ", n)
		}
		return true
	})
	return b.String(), args
}

// frames are commands with a parameter at every kind of place.
var frames = []string{
	`kubectl logs <x> --tail=10`,
	`kubectl logs "<x>" -n production`,
	`kubectl logs '<x>'`,
	`kubectl logs ${X} | grep -i error`,
	`kubectl logs "pod/${X}-a"`,
	`echo a <x> b`,
	`echo "say <x> and 'so' on $(date) <x>"`,
	`echo 'it {{x}} is'`,
	`/incident update "we did <x>"`,
	`kubectl annotate deployment api "note=<x>"`,
	"kubectl apply -f - <<EOF\nmetadata:\n  name: <x>\nEOF\nkubectl get pods",
	"kubectl apply -f - <<'EOF'\nname: ${NO} <x>\nEOF",
	"grep <<<\"<x>\" a && echo done; echo {{x}}",
	"P=<x>\nkubectl get pod $P \"$P\" && kubectl describe pod \"${P}\"",
	"for p in <x> b; do kubectl describe pod \"$p\"; done",
	`kubectl patch deployment api -p '{"metadata":{"labels":{"a":"<x>"}}}'`,
	`curl -s "https://status.example.com/api/<x>?q=1"`,
	"[[ <x> == a* ]] && echo \"yes <x>\"\ncase <x> in a) echo b;; esac",
}

// nasty are values that mean something to a shell, to SQL, or to an option
// parser.
var nasty = []string{
	"a", "a b", "'", "''", `"`, `a'b"c`, "$(rm -rf /)", "`id`", "${IFS}", "$HOME", "a;b", "a&&b", "a|b", "a>b", "a<b", "-n", "--as=admin", "-", "--", "",
	"a\nb", "a\x00b", "a\tb", `\`, `a\'b`, "*", "?", "[a]", "{a,b}", "{1..9}", "~", "~root", "!!", "#", "a#b", "()", "x=y", "ä", "日本", "\u202e", "\u200b", "\U000F0000", "\U00100000", "\xff",
	"a' OR '1'='1", "1); DROP TABLE x; --", "$$", "%s", "EOF", "<x>", "{{x}}", "${X}", strings.Repeat("a", 2000), "/*", "*/", "a: b", "a,b", "..", "../../etc",
}

func checkBound(t testing.TB, frame, value string) {
	t.Helper()
	s := Step{Kind: Bash, Code: frame, Line: 1}
	s.fill([]Param{{Name: "x", Kind: TextParam}})
	if s.Class == Impossible {
		t.Fatalf("the frame %q cannot run: %s", frame, s.Why)
	}
	checkBoundStep(t, s, value)
}

// checkBoundStep: a value in the places of all parameters of a step gives what
// a calm one gives, with the value in its place, or is refused.
func checkBoundStep(t testing.TB, s Step, value string) {
	t.Helper()
	with := func(v string) map[string]string {
		values := map[string]string{}
		for _, q := range s.Params {
			values[q.Name] = v
		}
		return values
	}
	b, err := Bind(s, with(value))
	if err != nil {
		return
	}
	calm, err := Bind(s, with("calm"))
	if err != nil {
		t.Fatalf("%q with a calm value: %v", s.Code, err)
	}
	defer func() {
		if t.Failed() {
			t.Logf("of %q", s.Code)
		}
	}()
	want, calmArgs := shape(t, calm.Text)
	got, args := shape(t, b.Text)
	if got != want || len(args) != len(calmArgs) {
		t.Fatalf("the value %q in %q changed what is parsed:\n%s\n%s\nfrom\n%s\n%s", value, s.Code, b.Text, got, calm.Text, want)
	}
	for i, a := range args {
		// What holds the value is what it was with the calm one, and the value in its place.
		if a != calmArgs[i] && !strings.Contains(a, value) {
			t.Fatalf("the value %q changed the word %q into %q", value, calmArgs[i], a)
		}
	}
	if b.Class != calm.Class || len(b.Commands) != len(calm.Commands) {
		t.Fatalf("the value %q changed the class %s into %s", value, calm.Class, b.Class)
	}
	for i := range b.Commands {
		if len(b.Commands[i].Argv) != len(calm.Commands[i].Argv) {
			t.Fatalf("the value %q changed the number of arguments of %q: %q", value, calm.Commands[i].Text, b.Commands[i].Text)
		}
	}
	again, err := Bind(s, with(value))
	if err != nil || again.Digest != b.Digest || again.Text != b.Text {
		t.Fatalf("binding twice gave something else")
	}
}

func TestNoValueChangesWhatIsParsed(t *testing.T) {
	for _, f := range frames {
		for _, v := range nasty {
			checkBound(t, f, v)
		}
	}
}

func FuzzNoValueChangesWhatIsParsed(f *testing.F) {
	for i := range frames {
		for _, v := range nasty {
			f.Add(uint8(i), v)
		}
	}
	f.Fuzz(func(t *testing.T, frame uint8, value string) {
		checkBound(t, frames[int(frame)%len(frames)], value)
	})
}
