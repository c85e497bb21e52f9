package shell_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"muster/playbooks/run/shell"
)

// tokens are what shell text is made of.
var tokens = []string{"$((", "))", "((", "$(", ")", "(", "{ ", "; }", "${", "}", "a", "b", "1", "-1", "0", "9223372036854775807", "99999999999999999999", "+", "-", "*", "/", "%", "<<", ">>", "**", "++", "--", "?", ":", "=",
	"==", "!", "~", "&&", "||", "|", "|&", "; ", "\n", " ", " ", "'", "\"", "`", "echo ", "printf ", "'%d'", "'%*d'", "'%s'", "'%b'", `'\x'`, "'%c'", "'%(%s)T'", "test ", "[ ", " ]", "[[ ", " ]]", "-n ", "-eq ", "=~ ", "-v ", "-R ",
	"-o ", "-a ", "-t ", "exit ", "return ", "set ", "-x", "-e", "-u", "-- ", "shift ", "read ", "-r ", "-a ", "-p ", "break ", "continue ", "unset ", "let ", "getopts ", "a:b ", "OPTIND=", "x=", "x+=", "x=(", "x[", "]", "x[1]", "x[-1]",
	"@", "#", "$x", "${x}", "${#x}", "${x:", "${x:-1", "${x#", "${x%", "${x/", "${x//", "${x^^", "${x,,", "${x[@]", "$@", "$*", "$#", "$?", "$!", "$$", "$-", "$0", "$1", "${10}", "for a in ", "; do ", "; done", "while ", "until ", "if ",
	"; then ", "; else ", "; fi", "case a in ", "a) ", ";; ", " esac", "for ((", "true", "false", "copy", "none", "<<E\n", "\nE\n", "<<<", ">/dev/null", "2>&1", ">&2", "<&-", ">&-", "{1..3}", "{a,b}", "{3..1..2}", "{1..0..0}", `$'\n'`,
	`$'\0'`, `$"a"`, "declare ", "local ", "export ", "readonly ", "typeset ", "nameref ", "-i ", "-A ", "time ", "[[:", "?(a", "*(", "+(", "!(", "é", `\`, "\x00", "IFS=", "RANDOM", "LINENO", "eval ", "trap ", "/", ".."}

// blocks are where they stand.
var blocks = []string{"%s", "echo a | %s | copy", "%s | copy", "echo $((%s))", "echo a | echo $((%s))", "x=abc; echo ${x%s}", "x=abc; echo ${x%s} | copy", "x=(a b c); echo ${x[@]%s}", "[[ %s ]]", "[[ a %s ]] | copy", "[ %s ]", "[ a %s ]", "test %s | copy",
	"printf %s", "read %s <<< 'a b'", "let %s", "echo a | while read x; do %s; done", "set -x; %s", "set -u; %s", "x=(1 2); x[%s]=3", "unset %s", "getopts %s", "shift %s", "(( %s ))", "for ((%s)); do break; done", "case a in %s) echo;; esac",
	"declare %s", "copy <<E\n%s\nE", "local %s", "set -- a b c; %s", "echo ${#x%s", "exit %s", "declare -A m=([a]=1); echo ${m[%s]}", "declare -A m; m[%s]=1 | copy", "declare -A m=([%s]=1)", "declare -n r=%s; echo $r ${r[1]}", "declare -i n=%s; echo $n",
	"echo *%s", "readonly x=1; x%s; unset x", "x=(%s); echo ${x[@]} ${#x[@]} ${x[-1]}", "x=(a b c); x+=(%s); echo ${x[1]:1}", "x=abc; echo ${x:%s}", "OPTIND=%s; getopts ab: v -a", "IFS=%s; read a b <<< 'x y'; echo $*", "echo {%s}", "printf '%%%ss' a"}

// checkBlock runs a block that can be parsed: neither it nor a pipe of it may panic.
func checkBlock(t *testing.T, text string) {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "step")
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond) // what is endless ends
	defer cancel()
	left := 100
	var out safe
	_, err = shell.Run(ctx, shell.Block{File: file, Out: &out, Err: &out,
		Allow: func([]string) error {
			out.mu.Lock()
			defer out.mu.Unlock()
			if left--; left < 0 {
				return errors.New("enough")
			}
			return nil
		},
		Commands: map[string]shell.Command{
			"copy": func(_ context.Context, s shell.Streams, _ []string) error { _, err := io.Copy(s.Out, s.In); return err },
			"none": func(context.Context, shell.Streams, []string) error { return shell.Exit(3) },
		}})
	if err != nil && strings.Contains(err.Error(), "mistake") {
		t.Errorf("%q: %v", text, err)
	}
}

// Text made of the shell's own tokens never makes the interpreter panic, not in a pipe either.
func TestBlocksComposed(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 21))
	for range 4000 {
		var b strings.Builder
		for range 1 + r.IntN(7) {
			b.WriteString(tokens[r.IntN(len(tokens))])
			if r.IntN(3) == 0 {
				b.WriteString(" ")
			}
		}
		checkBlock(t, fmt.Sprintf(blocks[r.IntN(len(blocks))], b.String()))
	}
}

// What the interpreter panics over is refused with a sentence, before or right when it would run; what is like it and
// does no harm is not.
func TestWhatWouldPanicIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"unset '' | copy":                    "unset needs the name of a variable, and one of its words is empty.",
		"shift -1":                           "shift needs a number that is not negative.",
		"x=(1 2); (( x[1]++ ))":              "Arithmetic changes plain variables only here: no element of an array, and no name from a variable.",
		"let -- x[-1]":                       "Arithmetic changes plain variables only here: no element of an array, and no name from a variable.",
		`x=ab; echo ${x%$'\xff'}`:            "The pattern of a variable is text here: take away the bytes that are none.",
		`x=ab; echo ${x//$'a\377'/b}`:        "The pattern of a variable is text here: take away the bytes that are none.",
		"[ a = b = c ]":                      "A test compares words: put && between two tests.",
		"test -n a = b":                      "A test compares words: put && between two tests.",
		"x=; [ -v \"$x\" ]":                  "A test of a variable needs its name, and the word is empty.",
		"x=; [[ -v $x ]]":                    "The name after -v is written out here.",
		"declare -n r=x":                     "A variable cannot name another one here: take away the -n.",
		`declare -\n r=x`:                    "A variable cannot name another one here: take away the -n.",
		"x=-n; declare $x r=x":               "The options and names after declare are written out here.",
		"copy <&- | copy >&-":                "",
		"nameref r=x":                        "A variable cannot name another one here: take away the nameref.",
		"declare -A m; m[a-b]=1":             "The index of an array that was declared with -A is one word here: put it in quotes.",
		"declare -A m=([a]=1); echo ${m[a]}": "",
		"x=3; (( x++, x += 2 )); let x=x*2":  "",
		"[ a = a -a b = b ] && test ! -n '' && [ \\( a \\) ]":    "",
		"x=a-b; echo ${x%%-*} ${x#$'a'} ${x/-/$'\\n'}":           "",
		"export A=1; readonly B=\"$A\"; declare -i n=2; local c": "",
		"set -- a b; shift; shift 1":                             "",
		"unset A B; [[ -v A || a == a ]]":                        "",
	} {
		_, out, err := ran(t, text, map[string]shell.Command{"copy": func(_ context.Context, s shell.Streams, _ []string) error {
			_, err := io.Copy(s.Out, s.In)
			return err
		}}, nil)
		if got := ""; err != nil {
			got = err.Error()
			if got != want {
				t.Errorf("%q ends with %q", text, got)
			}
		} else if want != "" {
			t.Errorf("%q is not refused and prints %q", text, out)
		}
	}
}
