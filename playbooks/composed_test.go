package playbooks

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// composing gives a source of chance that is the same in every run, and how
// many texts to compose. By hand, COMPOSED_SEED and COMPOSED_TIMES ask for
// others and for more.
func composing(t *testing.T, times int) (*rand.Rand, int) {
	t.Helper()
	seed := uint64(1)
	if s, err := strconv.ParseUint(os.Getenv("COMPOSED_SEED"), 10, 64); err == nil {
		seed = s
	}
	if n, err := strconv.Atoi(os.Getenv("COMPOSED_TIMES")); err == nil {
		times *= n
	}
	return rand.New(rand.NewPCG(seed, 1)), times
}

func oneOf(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// compose joins pieces of a language, and now and then cuts the text.
func compose(r *rand.Rand, pieces []string, most int) string {
	var b strings.Builder
	for range 1 + r.IntN(most) {
		b.WriteString(oneOf(r, pieces))
	}
	text := b.String()
	if r.IntN(8) == 0 {
		text = text[:r.IntN(len(text)+1)]
	}
	return text
}

// shellPieces are what shell text is made of, with a parameter at its places.
var shellPieces = []string{
	"<x>", "<x>", "<x>", "{{x}}", "${X}", "${X}", "$X", "${X:-a}", "${X:-<x>}", "${Y:-<x>}", "${X:?no}", "${P#<x>}", "${P//<x>/b}", "${P:1:2}", "$P", "${P}", "P=<x>;", "P=a;", "P=<x>\n", "P+=<x>;",
	"echo ", "echo ", "echo ", "kubectl get pods ", "kubectl logs ", "grep ", "| grep ", "| head -", "date ", "sleep ", " ", " ", " ", "\n", "\n", ";", "&&", "||", "|", "&", "!",
	`"`, `"`, `"`, "'", "'", `$"`, "$'", `\`, `\`, `\\`, `\"`, `\'`, "`", "$", "$", "$(", "$(echo ", ")", "(", "$((", "))", "${", "}", "{", "[", "]", "[[ ", " ]]", " == ", " -eq ", " =~ ", "[ ", " ]",
	"<<EOF\n", "<<EOF\n<x>\nEOF\n", "<<'EOF'\n<x>\nEOF\n", "<<-EOF\n\t<x>\n\tEOF\n", "<<<", "<< ", "<<a\n<x>\na\n", "EOF", "\nEOF\n", "\na\n", "a\n", "<<${X}\n", "${X}\n", ">", ">>/dev/null", "2>&1", "<(", ">(", "#", " #", "~", "*", "?", "@(", "+(", "a", "b", "1", "-", "--", "-n ", "=", "a=", ",", "{a,", "{1..3}", ".", ":", "/", "%", "^", "+",
	"if ", "; then ", "; else ", "; fi", "for p in ", "; do ", "; done", "while ", "case ", " in ", "a) ", ";; ", "esac", "read p", "export P=<x>;", "set -e;", "time ", "watch ", "test ", "printf ", "jq ", ".a", "awk ", "sed ", "s/a/<x>/", "tr ", "cut -d", "xargs ", "bash -c ", "eval ", "curl -s https://a.example/", "open https://a.example/", "psql -c ", "/incident update ",
	"\t", "\r", "\r\n", "\f", "\x00", "\ufeff", "\u0085", "\u2028", "\u00a0", "ä", "\xff", "\U000F0000", "\\\n",
}

// shellWriter writes shell text that mostly can be read, with parameters at
// its places.
type shellWriter struct {
	*rand.Rand
	deep int
}

func (w *shellWriter) pick(from ...string) string { return from[w.IntN(len(from))] }

// part is a piece of a word; quoted says within which quotes.
func (w *shellWriter) part(quoted string) string {
	if w.deep++; w.deep > 8 {
		return "z"
	}
	defer func() { w.deep-- }()
	switch n := w.IntN(24); {
	case n < 6:
		return w.pick("<x>", "{{x}}", "${X}", "${X:-d}", "${X:?no}", "${X:=e f}")
	case n < 9:
		return w.pick("a", "b1", "-n", "=", ":", "/", ".", ",", "EOF", "%s", "@", "+", "#", "ä")
	case n == 9:
		return w.pick("$", `\`, `\\`, "!", "^", "%", "~", "*", "?", "[", "]", "{", "}", "[a-c]", "{a,b}", "{1..3}", "=~", "$$", "$1", "$?", "\\\n")
	case n == 10:
		return "$P"
	case n == 11:
		return "${P" + w.pick(":-", ":+", "#", "##", "%", "%%", "/", "//", "^", ",,", ":", "@", "=", ":?") + w.parts("}") + "}"
	case n == 12:
		return "$(" + w.command() + ")"
	case n == 13 && quoted == "":
		return "`" + w.pick("echo ", "date ") + w.pick("<x>", "a", "${X}") + "`"
	case n == 14:
		return "$((" + w.pick("1+", "2*", "P-", "<x>+", "") + w.pick("1", "P", "$P", "${X}") + "))"
	case n == 15 && quoted == "":
		return w.pick("@(", "+(", "?(", "<(", ">(") + w.pick("a|b", "<x>", "echo a") + ")"
	case n < 20 && quoted == "":
		return w.pick(`"`, `"`, `"`, `$"`) + w.parts(`"`) + `"`
	case n < 23 && quoted == "":
		return w.pick("'", "'", "'", "$'") + w.pick("", "a ", `\`, `\n`, `"`, "$", "$P ", "#", "\n") + w.pick("<x>", "{{x}}", "${X}", "b") + w.pick("", " c", `\`, "$", "EOF") + "'"
	case quoted == `"`:
		return w.pick(" ", "\n", "'", `\"`, `\$`, "\t", "; ", "| ")
	}
	return w.pick("c", "<x>")
}

func (w *shellWriter) parts(quoted string) string {
	var b strings.Builder
	for range 1 + w.IntN(3) {
		b.WriteString(w.part(quoted))
	}
	return b.String()
}

func (w *shellWriter) words(most int) string {
	var b strings.Builder
	for range 1 + w.IntN(most) {
		b.WriteString(w.pick(" ", " ", " ", "  ", "\t", " \\\n ") + w.parts(""))
	}
	return b.String()
}

var programs = []string{"echo", "echo", "echo", "printf", "kubectl get pods", "kubectl logs", "kubectl delete pod", "kubectl exec <x> --", "kubectl patch deployment api -p", "grep", "head", "jq", "awk", "sed", "tr", "sort", "cut", "wc", "date", "sleep", "read", "test", "[", "xargs", "bash -c", "sh -c", "eval", "env", "watch", "curl -s", "open", "psql -c", "true", "set", "export", "P=", "command", "timeout 5", "/incident update", "/page"}

func (w *shellWriter) command() string {
	if w.deep++; w.deep > 6 {
		return "echo z"
	}
	defer func() { w.deep-- }()
	switch w.IntN(14) {
	case 0:
		return w.command() + w.pick(" | ", " && ", " || ", "; ", "\n", " |& ") + w.command()
	case 1:
		return "for p in" + w.words(3) + "; do " + w.command() + "; done"
	case 2:
		return "if " + w.command() + "; then " + w.command() + "; fi"
	case 3:
		return "case " + w.parts("") + " in " + w.parts("") + ") " + w.command() + ";; esac"
	case 4:
		return "[[ " + w.parts("") + w.pick(" == ", " != ", " =~ ", " -eq ", " < ") + w.parts("") + " ]] && " + w.command()
	case 5:
		end := w.pick("EOF", "a", "x", "E1")
		var body strings.Builder
		for range 1 + w.IntN(3) {
			body.WriteString(w.pick("", "", "\t", " ", "k: ", "$", `\`) + w.part("doc") + w.pick("", "", " b", `\`, "{a}") + "\n")
		}
		mark, close := w.pick("<<", "<<-", "<< "), w.pick("", "", "\t")
		return "cat " + mark + w.pick(end, "'"+end+"'", `"`+end+`"`, `\`+end) + w.pick("", " | grep a", "; echo b") + "\n" + body.String() + close + end + "\n"
	case 6:
		return "grep a <<<" + w.parts("")
	case 7:
		return w.pick("{ ", "( ") + w.command() + w.pick("; }", " )")
	case 8:
		return "P=" + w.parts("") + w.pick("; ", "\n", " ") + w.command() + w.pick("", " $P", ` "$P"`, ` "${P}"`)
	}
	return oneOf(w.Rand, programs) + w.words(4) + w.pick("", "", "", " 2>&1", " >/dev/null", " # <x>", " &")
}

// TestShellComposed: whatever a block of shell text is made of, no value
// changes what is parsed.
func TestShellComposed(t *testing.T) {
	r, times := composing(t, 3000)
	bound := 0
	for range times {
		frame := (&shellWriter{Rand: r}).command()
		switch r.IntN(8) {
		case 0:
			frame = "echo " + compose(r, shellPieces, 12)
		case 1:
			at := r.IntN(len(frame) + 1)
			frame = frame[:at] + oneOf(r, shellPieces) + frame[at:]
		}
		s := Step{Kind: Bash, Code: frame, Line: 1}
		s.fill(nil)
		if s.Class == Impossible || len(s.Params) == 0 {
			continue
		}
		bound++
		checkBoundStep(t, s, oneOf(r, nasty))
		checkBoundStep(t, s, compose(r, nasty, 3))
	}
	if bound < times/50 {
		t.Errorf("only %d of %d could run", bound, times)
	}
}

// sqlPieces are what SQL is made of, with a parameter at its places.
var sqlPieces = []string{
	"<x>", "<x>", "<x>", "${X}", "{{x}}", "'<x>'", "'a <x> b'", `"<x>"`, "E'<x>'", "U&'<x>'", `U&"<x>"`, "u&<x>", "$$<x>$$", "$<x>$", "$<x>",
	"SELECT ", "SELECT ", "SELECT ", "select * from t where ", "UPDATE t SET a = ", "DELETE FROM t", "EXPLAIN ", "EXPLAIN ANALYZE ", "WITH a AS (", "INSERT INTO t VALUES (", "DROP TABLE t", "COPY t TO ", "VACUUM ", "BEGIN", "DO ", "pg_read_file(", `"pg_read_file"(`, "pg_sleep(1)", "count(*)", "f(",
	" ", " ", " ", "\n", "\n", "\r", "\t", "\f", "\v", ";", ";", ",", "(", ")", "=", "<", ">", "=>", ":=", "::", ":", "[", "]", "*", "/", "+", "-", "~", "!", "@", "#", "%", "^", "&", "|", "?", ".", "..",
	"'", "'", "''", "'a'", "'a'\n'b'", "'b\\'", `\`, `\'`, `"`, `""`, `"a"`, "E'", "e'", `E'\''`, `E'a'`, "\n'", "B'1'", "x'f'", "N'a'", "U&'", `U&"`, "U&", "UESCAPE '!'",
	"--", "-- c\n", "--c", "/*", "*/", "/* c */", "/*/", "**/", "/* /* */ */",
	"$", "$$", "$a$", "$ä$", "$_1$", "$1", "$1$", "$a", "a$", "$A$", "$a$ <x> $a$",
	"1", "1.", ".5", "1e5", "1e", "1e+", "1.5e-3", "0x1F", "0b1", "1_000", "1_", "a", "e", "E", "n", "x", "B", "U", "u", "a1", "_", "ä", "\u212a", "\u00a0", "\ufeff", "\u0085", "\u2028", "\x00", "\xff", "\U000F0000", "\\.", "\\gexec",
}

// sqlWholes are pieces that end by themselves.
var sqlWholes = []string{"<x>", "<x>", "${X}", "{{x}}", "'<x>'", "'a <x>''b'", `"<x>"`, `"a""<x>"`, "a.<x>", "<x>::text", "-<x>", "$<x>", "U&<x>", "u& <x>", "E'\\''\n'<x>'", "e'a' -- c\n'\\' '", "'a'\n<x>", "<x>\n'b'", "<x>'b'", "$$ ' $$", "$ä$ ' $ä$", "(<x>)", "1e5", "0x1F", "1.5", "'\\'", "E'\\''", "count(*)", "f(<x>)", "/* /* ' */ */ 1", "a -- <x>"}

// TestSQLComposed: SQL is taken apart as PostgreSQL does, and whatever a block
// of it is made of, no value changes what is parsed.
func TestSQLComposed(t *testing.T) {
	r, times := composing(t, 600)
	bound := 0
	for range times {
		frame := compose(r, sqlPieces, 14)
		switch r.IntN(4) {
		case 0:
			frame = "SELECT " + frame
		case 1, 2:
			frame = "SELECT 1"
			for range 1 + r.IntN(6) {
				frame += oneOf(r, []string{", ", " = ", "\n+", "; SELECT ", " -- c\n,", " /* <x> */ - ", "||"}) + oneOf(r, sqlWholes) + oneOf(r, []string{"", "", " ", "\n"})
			}
			if r.IntN(3) == 0 {
				frame += oneOf(r, sqlPieces)
			}
		}
		if _, _, found := odd(frame); !found {
			text := strings.ReplaceAll(frame, "<x>", "x")
			if tokens, _ := lexSQL(text); misplaced(tokens) == "" && ends(scanned(text)) != ends(lexed(text)) {
				t.Fatalf("%q is read as %q and by a database as %q", text, lexed(text), scanned(text))
			}
		}
		kind := []ParamKind{TextParam, NumberParam, IdentifierParam}[r.IntN(3)]
		s := Step{Kind: SQL, Code: frame, Line: 1, Source: "main"}
		s.fill([]Param{{Name: "x", Kind: kind}})
		if s.Class == Impossible || len(s.Params) != 1 || s.Params[0].Name != "x" {
			continue
		}
		bound++
		checkSQLStep(t, s, kind, oneOf(r, nasty))
		checkSQLStep(t, s, kind, strings.ReplaceAll(compose(r, sqlPieces, 4), "<x>", "x"))
	}
	if bound < times/50 {
		t.Errorf("only %d of %d could run", bound, times)
	}
}

// ends leaves of a text's signs what says where texts and statements end.
// Which signs make a number depends on the database's version.
func ends(signs string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("w0p$.+-_", r) {
			return -1
		}
		return r
	}, signs)
}

// bookPieces are what playbooks are made of.
var bookPieces = []string{
	"# T\n", "## A\n", "### b\n", "#", "Setext\n===\n", "---\n", "---\n", "...\n", "\n", "\n", "\n\n", " ", "    ", "\t", "> ", "- ", "* ", "1. ", "999999999. ", "- [ ] ", "- [x] a\n", "+\n",
	"```bash\n", "```sql\n", "```\n", "```", "~~~\n", "````\n", "```promql\n", "```logql\n", "```template\n", "```text\n", "```yaml\n", "```{.bash}\n", "```bash copy timeout=99h source=x\n", "``` \n", "kubectl get pods -n <ns>\n", "kubectl apply -f - <<EOF\n", "EOF\n", "$ kubectl get pods\n", "SELECT <x>;\n", "up{a=\"<x>\"}\n", "open https://a.example/${X}\n", "# a comment\n", "X=1\n", "echo $X ${Y} {{z}}\n", "curl -s https://a.example/<a>\n", `\`, "&&", "|",
	"title: a\n", "severity: P0\n", "severity: [P0]\n", "alerts: [A, &a B, *a]\n", "alerts: *a\n", "params:\n  x: {kind: number, default: a}\n", "params: {<x>: [1]}\n", "watch: [{query: a, above: .nan}]\n", "watch: [{query: 'a{', above: 0x1F}]\n", "above: .inf", "<<: *a\n", "!!binary x\n", "? [a]\n: b\n", "words: |\n  a\n", "data_source: &x y\n", "%YAML 9\n", "impact: \"\\ud800\"\n",
	"**Impact:** x\n", "Severity: P9\n", "Alerts: `HighErrorRate`, OtherAlert\n", "Services: a, b\n", "Status update:\n", "**bold**", "*", "_", "`", "`a`", "[a](b)", "[a]: b\n", "[", "]", "![", "<a", "<!--", "-->", "<div>\n", "</div>\n", "&amp;", "&#0;", "&#x110000;", "|a|b|\n|-|-|\n", "<https://x>", "\\\n", "  \n",
	"\r", "\r\n", "\f", "\v", "\x00", "\ufeff", "\u0085", "\u2028", "\u00a0", "\u202e", "\xff", "ä", "💥", "\U000F0000", "\U00100000", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
}

// TestParseComposed: whatever a playbook is made of, its steps can be shown,
// kept and bound.
func TestParseComposed(t *testing.T) {
	r, times := composing(t, 1000)
	for range times {
		text := compose(r, bookPieces, 25)
		switch r.IntN(6) {
		case 0:
			text = "---\n" + compose(r, bookPieces, 6) + "\n---\n" + text
		case 1:
			text = "```bash\n" + (&shellWriter{Rand: r}).command() + "\n```\n" + text
		case 2:
			text += "\n```sql\n" + compose(r, sqlPieces, 10) + "\n```\n"
		}
		checkParse(t, []byte(text))
	}
}
