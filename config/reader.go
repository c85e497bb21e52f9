package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits of one file, far above any real one, so that a wrong file is a
// problem and never a hang.
const (
	maxFileBytes = 1 << 20
	maxVisits    = 100_000
	maxDepth     = 50
	// heavy is how many bytes of text count as one more visit, so that a long
	// text that is repeated by an alias is no longer than many short ones.
	heavy = 64
	// maxSearched is how much is read again to find where a file breaks.
	maxSearched = 8 << 20
	// maxGrown is how much text the variables of a file come to.
	maxGrown = 8 << 20
)

// reader walks the nodes of one YAML file. It collects problems and goes on,
// so that one load reports them all.
type reader struct {
	file     string
	env      func(string) (string, bool)
	problems *Problems
	visits   int
	grown    int // bytes that came from variables
}

// value is one node with its aliases followed and its variables replaced.
type value struct {
	line int
	kind yaml.Kind
	tag  string
	// text is what a scalar holds, shown is what a message may show of it:
	// what the file says, never what a variable held.
	text, shown string
	null        bool
	// unset says that a variable in it could not be replaced, which is
	// reported: the value then counts as not given.
	unset    bool
	items    []*value
	keys     []string
	fields   map[string]*value
	keyLines map[string]int
}

var syntaxMessage = regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`)

// parse reads one document. Nil: the file is empty or cannot be read, which
// is then among the problems.
func (r *reader) parse(data []byte) (root *value) {
	if len(data) > maxFileBytes {
		r.problems.add(r.file, 0, "the file is larger than 1 MiB; a configuration is not")
		return nil
	}
	data = lineFeeds(data)
	if line, text := badText(data); line > 0 {
		r.problems.add(r.file, line, "%s", text)
		return nil
	}
	defer func() {
		if recover() != nil {
			r.problems.add(r.file, 1, "this is not YAML that can be read; check its quotes, brackets and indentation")
			root = nil
		}
	}()
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(data, err)
		return nil
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		r.problems.add(r.file, more.Line, "a second document begins here; put everything into one, without \"---\" between")
	case !errors.Is(err, io.EOF):
		r.syntax(data, err)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	root = r.value(doc.Content[0], 0)
	if root != nil && root.null {
		return nil
	}
	return root
}

// syntax reports text that is not YAML. The library's line is where the group
// that is broken begins, so the line is found by what still reads without it.
func (r *reader) syntax(data []byte, err error) {
	text := err.Error()
	if m := syntaxMessage.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	line := brokenLine(lines, reads)
	hint := "check its quotes, brackets and indentation"
	if bareVariable.Match(lines[line-1]) {
		hint = "put quotes around ${…} inside of brackets"
	}
	r.problems.add(r.file, line, "this is not YAML from here on (%s); %s", text, hint)
}

var bareVariable = regexp.MustCompile(`[{\[,][^'"]*\$\{`)

// brokenLine is the line after the longest beginning of a broken text that
// reads well. A list or text over several lines reads badly in its middle, so
// a beginning that ends there is not the last one.
func brokenLine(lines [][]byte, well func([][]byte) bool) int {
	const further = 50
	searched := 0
	reads := func(lines [][]byte) bool {
		for _, l := range lines {
			searched += len(l)
		}
		return searched <= maxSearched && well(lines)
	}
	good, bad := 0, len(lines)
	for {
		for bad-good > 1 {
			if middle := (good + bad) / 2; reads(lines[:middle]) {
				good = middle
			} else {
				bad = middle
			}
		}
		again := false
		for n := bad + 1; n < len(lines) && n <= bad+further && searched <= maxSearched; n++ {
			if reads(lines[:n]) {
				good, bad, again = n, len(lines), true
				break
			}
		}
		if !again {
			return good + 1
		}
	}
}

func reads(lines [][]byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines, nil)))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// lineFeeds ends all lines alike, as YAML reads them anyway, so that a line
// here is a line in an editor.
func lineFeeds(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// badText finds the first line that cannot be read as it looks, and says why.
// YAML breaks lines also at three characters at which few editors do: what is
// behind one would be read as something else than is seen.
func badText(data []byte) (line int, why string) {
	for i, text := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(text) {
			return i + 1, "this line is not UTF-8 text; save the file as UTF-8"
		}
		if at := bytes.IndexAny(text, "\u0085\u2028\u2029"); at >= 0 {
			c, _ := utf8.DecodeRune(text[at:])
			return i + 1, fmt.Sprintf("this line has an invisible line separator (%U) in it; delete it or begin a new line there", c)
		}
	}
	return 0, ""
}

func (r *reader) value(n *yaml.Node, depth int) *value {
	if r.visits > maxVisits {
		return nil
	}
	r.visits += 1 + len(n.Value)/heavy
	if r.visits > maxVisits || depth > maxDepth {
		r.visits = maxVisits + 1
		r.problems.add(r.file, n.Line, "the file is nested or repeated too deeply from here; write it out plainly")
		return nil
	}
	if n.Kind == yaml.AliasNode {
		v := r.value(n.Alias, depth+1)
		if v != nil {
			v.line = n.Line
		}
		return v
	}
	v := &value{line: n.Line, kind: n.Kind, tag: n.ShortTag()}
	switch n.Kind {
	case yaml.ScalarNode:
		v.shown = n.Value
		before := len(*r.problems)
		v.text = r.expand(n)
		v.unset = len(*r.problems) > before
		v.null = v.unset || v.tag == "!!null" && v.text == n.Value
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if item := r.value(c, depth+1); item != nil {
				v.items = append(v.items, item)
			}
		}
	case yaml.MappingNode:
		r.mapping(v, n, depth)
	default:
		return nil
	}
	return v
}

func (r *reader) mapping(v *value, n *yaml.Node, depth int) {
	v.fields, v.keyLines = map[string]*value{}, map[string]int{}
	var merged []*value
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			r.problems.add(r.file, n.Content[i].Line, "a key must be a plain word")
			continue
		}
		r.visits += len(k.Value) / heavy
		line := n.Content[i].Line
		if first, ok := v.keyLines[k.Value]; ok {
			r.problems.add(r.file, line, "the key %q is here for the second time, first on line %d; keep one", k.Value, first)
			continue
		}
		c := r.value(n.Content[i+1], depth+1)
		if c == nil {
			continue
		}
		if k.ShortTag() == "!!merge" {
			merged = append(merged, c)
			continue
		}
		v.keys = append(v.keys, k.Value)
		v.keyLines[k.Value] = line
		v.fields[k.Value] = c
	}
	for _, m := range merged {
		sources := []*value{m}
		if m.kind == yaml.SequenceNode {
			sources = m.items
		}
		for _, src := range sources {
			for _, k := range src.keys {
				if _, ok := v.fields[k]; !ok {
					v.keys = append(v.keys, k)
					v.keyLines[k], v.fields[k] = src.keyLines[k], src.fields[k]
				}
			}
		}
	}
}

// A "$${" stands for a plain "${".
var variable = regexp.MustCompile(`\$?\$\{([^}]*)(\}?)`)
var variableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(?:(:-)(.*))?$`)

// expand replaces the variables of a scalar.
func (r *reader) expand(n *yaml.Node) string {
	if !strings.Contains(n.Value, "${") {
		return n.Value
	}
	if r.grown > maxGrown { // which is reported
		return ""
	}
	return variable.ReplaceAllStringFunc(n.Value, func(found string) string {
		if strings.HasPrefix(found, "$${") {
			return found[1:]
		}
		inner, closed := strings.CutSuffix(strings.TrimPrefix(found, "${"), "}")
		m := variableName.FindStringSubmatch(inner)
		if !closed || m == nil {
			r.problems.add(r.file, n.Line, "%q is not a variable; write ${NAME} or ${NAME:-default}, or $${ for a plain ${", short(found))
			return ""
		}
		name, hasDefault, fallback := m[1], m[2] != "", m[3]
		text, set := r.env(name)
		switch {
		case hasDefault && text == "":
			return fallback
		case !set:
			r.problems.add(r.file, n.Line, "the environment variable %s is not set; set it, or give a default with ${%s:-…}", name, name)
		}
		before := r.grown
		if r.grown += len(text); r.grown > maxGrown {
			if before > maxGrown {
				return ""
			}
			r.problems.add(r.file, n.Line, "the environment variables make more than 8 MiB of this file; a configuration is not so large")
			return ""
		}
		return text
	})
}

// is names what a value is, for messages.
func (v *value) is() string {
	switch v.kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a group of keys"
	}
	if v.null {
		return "empty"
	}
	return strconv.Quote(short(v.shown))
}

func short(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

func (r *reader) wrong(v *value, what, want string) {
	if v.unset {
		return
	}
	r.problems.add(r.file, v.line, "%s must be %s, and this is %s", what, want, v.is())
}

// object wants a mapping with known keys only. Keys with an empty value are
// taken out: they count as not given.
func (r *reader) object(v *value, what string, known ...string) (*value, bool) {
	v, ok := r.group(v, what)
	if !ok {
		return nil, false
	}
	for _, k := range v.keys {
		if slices.Contains(known, k) {
			continue
		}
		r.problems.add(r.file, v.keyLines[k], "%s has no key %q; did you mean %q?", what, k, nearest(k, known))
	}
	return v, true
}

// group wants a mapping with any keys.
func (r *reader) group(v *value, what string) (*value, bool) {
	if v.kind != yaml.MappingNode {
		r.wrong(v, what, "a group of keys")
		return nil, false
	}
	return v, true
}

// get gives a key's value; nil: not given.
func (v *value) get(key string) *value {
	f := v.fields[key]
	if f == nil || f.null {
		return nil
	}
	return f
}

// need is get with a problem when the key is not given.
func (r *reader) need(v *value, what, key, example string) *value {
	f := v.get(key)
	if given := v.fields[key]; f == nil && (given == nil || !given.unset) {
		line := v.line
		if given != nil {
			line = v.keyLines[key]
		}
		r.problems.add(r.file, line, "%s has no %s; add %s", what, key, example)
	}
	return f
}

func (r *reader) list(v *value, what string) []*value {
	if v.kind != yaml.SequenceNode {
		r.wrong(v, what, "a list")
		return nil
	}
	return v.items
}

func (r *reader) text(v *value, what string) (string, bool) {
	if v.kind != yaml.ScalarNode || v.null {
		r.wrong(v, what, "text")
		return "", false
	}
	return strings.TrimSpace(v.text), true
}

// oneOf wants one of some words, in any case, and gives it as known has it.
func (r *reader) oneOf(v *value, what string, known ...string) (string, bool) {
	if v.kind == yaml.ScalarNode {
		for _, k := range known {
			if strings.EqualFold(strings.TrimSpace(v.text), k) {
				return k, true
			}
		}
	}
	r.wrong(v, what, orList(known))
	return "", false
}

func (r *reader) number(v *value, what string, least int) (int, bool) {
	if v.kind == yaml.ScalarNode {
		if n, err := strconv.Atoi(strings.TrimSpace(v.text)); err == nil && n >= least {
			return n, true
		}
	}
	r.wrong(v, what, fmt.Sprintf("a whole number, %d or more", least))
	return 0, false
}

func (r *reader) truth(v *value, what string) (bool, bool) {
	if v.kind == yaml.ScalarNode {
		switch strings.ToLower(strings.TrimSpace(v.text)) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	r.wrong(v, what, "true or false")
	return false, false
}

func (r *reader) duration(v *value, what string, least time.Duration) (time.Duration, bool) {
	if v.kind != yaml.ScalarNode || v.null {
		r.wrong(v, what, "a duration such as 15m")
		return 0, false
	}
	d, err := ParseDuration(v.text)
	switch {
	case err != nil:
		r.wrong(v, what, "a duration such as 15m, 4h or 0")
		return 0, false
	case d < least:
		r.wrong(v, what, "a duration of "+least.String()+" or more")
		return 0, false
	}
	return d, true
}

func (r *reader) words(v *value, what string) []string {
	words := []string{}
	for _, item := range r.list(v, what) {
		if text, ok := r.text(item, "an entry of "+what); ok && text != "" {
			words = append(words, text)
		}
	}
	return words
}

const (
	scalar   = yaml.ScalarNode
	sequence = yaml.SequenceNode
	mapping  = yaml.MappingNode
)
