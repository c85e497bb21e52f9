package config

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

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func compose(r *rand.Rand, pieces []string, most int) string {
	var b strings.Builder
	for range 1 + r.IntN(most) {
		b.WriteString(pick(r, pieces))
	}
	return b.String()
}

// splice changes a text at some places: a piece goes in, a span goes out or
// comes twice, or lines change places.
func splice(r *rand.Rand, text string, pieces []string) string {
	for range r.IntN(4) {
		at := r.IntN(len(text) + 1)
		to := min(len(text), at+r.IntN(30))
		switch r.IntN(5) {
		case 0, 1:
			text = text[:at] + pick(r, pieces) + text[at:]
		case 2:
			text = text[:at] + pick(r, pieces) + text[to:]
		case 3:
			text = text[:at] + text[to:]
		default:
			text = text[:to] + text[at:]
		}
	}
	return text
}

// yamlPieces are what YAML is made of.
var yamlPieces = []string{
	"a", "b", "a: ", "b: ", "- ", "- ", "? ", ": ", ":", "\n", "\n", "\n  ", "\n    ", "\n\t", "\r", "\r\n", " ", "  ", "\t", "#", " # c", "---\n", "...\n", "--- ", "%YAML 1.2\n", "%TAG ! x\n", "%",
	"'", "''", `"`, `\"`, `\x`, `\x41`, `\ud800`, `\u0085`, `\N`, `\L`, `\U0010ffff`, "|", "|-\n", "|+2\n", ">", ">-\n ", "|9\n", "[", "]", "{", "}", ",", "[]", "{}", "&a ", "&a", "*a", "*a ", "*b", "<<: ", "<<: *a", "<<: [*a, *a]", "!!binary ", "!!int ", "!!float x", "!!merge ", "!!set", "!!null", "!x ", "! ", "!<tag:yaml.org,2002:str> ",
	"~", "null", "true", "yes", "0o7", "0x1f", "1_000", ".inf", "-.Inf", ".nan", "1e999", "0b2", "-0", "=", "2026-01-01", "1:30", "${X}", "${X", "${", "$${X}", "${NO}", "${NO:-d}", "${X:-}", "${:-}", "${a b}",
	"\ufeff", "\u0085", "\u2028", "\u2029", "\u00a0", "\u200b", "\x00", "\x01", "\x7f", "\xff", "\xc3", "\xed\xa0\x80", "ä", "💥", "\f", "\v", "@", "`", "-", "--", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
}

// TestReadComposed: whatever YAML a file is made of, it is read or said to be
// none with a line of it.
func TestReadComposed(t *testing.T) {
	r, times := composing(t, 3000)
	var files []string
	for _, name := range builtinNames() {
		if strings.HasSuffix(name, ".yaml") {
			files = append(files, string(builtinFile(name)))
		}
	}
	for range times {
		text := compose(r, yamlPieces, 20)
		if r.IntN(30) == 0 {
			text = splice(r, pick(r, files), yamlPieces)
		}
		if checkRead(t, text); t.Failed() {
			return
		}
	}
}

// settingPieces are what stands in the three files.
var settingPieces = append([]string{
	"levels:\n", "- level: L1\n", "  role: primary\n", "  methods: [slack]\n", "  due: 5m\n", "  until: resolved\n", "due_by_severity: {P0: 0s}", "last_resort: {slack: '#a'}", "mode: sequence\n", "repeat: 99999999999\n", "step: 1ns\n",
	"oncall_schedule:\n", "  primary:\n", "    members: []\n", "    members:\n", "    - name: A\n", "      email: a@b.c\n", "rotation_type: custom\n", "every: 1h\n", "rotation_start: 'Monday 24:00 UTC'\n", "starts_on: 1900-01-01\n", "timezone: Europe/Berlin\n",
	"cadence: {P0: '@every 1m'}\n", "cadence: {P1: '0 0 29 2 *'}\n", "digest: {cron: '* * * * *', zone: Local}\n", "teams: {a: [b]}\n", "retention: {P0: 30d}\n", "permissions: {run: [everyone]}\n", "watch: {queries: [{name: a, expr: b, limit: '< .nan'}]}\n", "data_sources: {a: 'x=y'}\n", "channels: {incidents: #a}\n",
	"9223372036854775807", "106751d", "-1", "99999w", "P0", "p3", "L9", "everyone", "rota:", "role:commander", "'", "null", "{}", "[]", "1h", "0",
}, yamlPieces...)

// templatePieces are what templates are made of.
var templatePieces = []string{
	"{{", "}}", "{{.Title}}", "{{.Nope}}", "{{.Severity}}", "{{end}}", "{{if .ETA}}", "{{else}}", "{{with .Status}}", "{{range .Title}}", "{{range 9999999999}}", "{{range $i := 3}}", "{{break}}", "{{define \"a\"}}", "{{template \"a\" .}}", "{{template \"first\" .}}", "{{block \"b\" .}}", "{{$a := .Title}}", "{{$a = print $a $a}}", "{{printf \"%99999d\" 1}}", "{{printf \"%*d\" 1 2}}",
	"{{index .Title 99}}", "{{slice .Title 9 1}}", "{{len .Title}}", "{{call .Title}}", "{{html .Title}}", "{{- ", " -}}", "{{/* c */}}", "{{`", "'", "\"", "|", "(", ")", "\n", "🚨", "Status:", "\x00", "\xff", "{{1.e9}}", "{{nil}}", "{{true.x}}", "{{.}}", "{{\"\\ud800\"}}", "{{0x_1}}", "{{'a'}}", "{{1i}}",
}

// TestLoadComposed: whatever the files are made of, a load gives a
// configuration that can be checked, or problems.
func TestLoadComposed(t *testing.T) {
	r, times := composing(t, 12)
	file := func(name string) string {
		switch r.IntN(4) {
		case 0:
			return string(builtinFile(name))
		case 1:
			return compose(r, settingPieces, 25)
		default:
			return splice(r, string(builtinFile(name)), settingPieces)
		}
	}
	for range times {
		first := splice(r, string(builtinFile("templates/first.tmpl")), templatePieces) + compose(r, templatePieces, 4)
		if r.IntN(3) == 0 {
			first = string(builtinFile("templates/first.tmpl"))
		}
		if checkLoad(t, file(rotationFile), file(escalationFile), file(musterFile), first); t.Failed() {
			return
		}
	}
}

var valuePieces = []string{
	"1", "0", "15", "m", "h", "d", "w", "s", "ns", ".", "-", "+", " ", ":", "/", "*", ",", "?", "#", "@", "@every ", "@hourly", "@yearly", "TZ=", "CRON_TZ=", "UTC", "Europe/Berlin", "Local", "../x", "MON", "JAN", "L", "Monday", "sun", "09:00", "24:00", "9:00", "31 2", "29 2", "* * * * *", "0 0 1 1 *", "*/5", "1-59/7", "59", "60",
	"2026", "-01", "-02", "1900-", "9999999999999999999", "2562047h", "10000w", "a", "A", "ä", "İ", "K", "ſ", "@a", "#a", "U0123456", "C0123456", "rota:", "role:", "commander", "everyone", "a@b.c", "\"a b\"@c", "<a@b.c>", "a@[1.2.3.4]", "(c)", "+1", "555", "0101", "\u00a0", "\u2011", "٣", "\t", "\n", "\x00", "\xff", "\ufeff", "\u2028", "<", ">", "=", "_",
}

// TestValuesComposed: whatever a value is made of, it is read or refused.
func TestValuesComposed(t *testing.T) {
	r, times := composing(t, 4000)
	for range times {
		if checkValue(t, compose(r, valuePieces, 7)); t.Failed() {
			return
		}
	}
}
