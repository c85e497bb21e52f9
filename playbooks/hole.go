package playbooks

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A parameter stands in the text of a block as one character of a private
// area while the text is parsed, so that <pod-name> is no redirection. unknown
// stands for what is known only when the step runs.
const (
	firstHole = '\U000F0000'
	lastHole  = '\U000F0FFF'
	unknown   = '\U00100000'
)

// hole is one place for a value.
type hole struct {
	name     string // as in Param.Name
	spelling string // as in the file
	fallback string // the default that the place itself gives
}

// holes are those of one block; hole i is the character firstHole+i.
type holes []hole

func isHole(r rune) bool { return r >= firstHole && r <= lastHole }

func hasHole(s string) bool { return strings.ContainsFunc(s, isHole) }

// static tells whether a text is the same whenever the step runs.
func static(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return isHole(r) || r == unknown })
}

// only gives the hole that a text consists of.
func (h holes) only(s string) (hole, bool) {
	r, n := utf8.DecodeRuneInString(s)
	if n != len(s) || !isHole(r) || int(r-firstHole) >= len(h) {
		return hole{}, false
	}
	return h[r-firstHole], true
}

// full tells whether there may be more places than there are characters.
func (h holes) full() bool { return len(h) > int(lastHole-firstHole) }

const tooMany = "it has thousands of parameters, more than can be filled in"

func (h *holes) add(name, spelling, fallback string) string {
	if h.full() {
		return spelling
	}
	*h = append(*h, hole{name, spelling, fallback})
	return string(firstHole + rune(len(*h)-1))
}

// show writes a text for people: parameters as <name>, what is not known yet
// as ….
func (h holes) show(s string) string {
	if static(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == unknown:
			b.WriteString("…")
		case isHole(r) && int(r-firstHole) < len(h):
			b.WriteString("<" + h[r-firstHole].name + ">")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

var (
	angled = `<[A-Za-z][A-Za-z0-9]*(?:[ _.-][A-Za-z0-9]+)*>`
	// places are <pod-name> and {{name}}; in SQL and queries a space cannot be
	// in the name, because a <b and c> d is a comparison.
	shellPlaces = regexp.MustCompile(angled + `|\{\{[ \t]*[A-Za-z][A-Za-z0-9_-]*[ \t]*\}\}`)
	queryPlaces = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)*>|\{\{[ \t]*[A-Za-z][A-Za-z0-9_-]*[ \t]*\}\}|\$\{[A-Za-z][A-Za-z0-9_]*\}`)
)

// templateWords are {{words}} of a Go template, which kubectl may get.
var templateWords = map[string]bool{"end": true, "else": true, "break": true, "continue": true, "nil": true, "true": true, "false": true, "println": true}

// dig replaces the places of a text by their characters. The text keeps its
// lines.
func dig(text string, places *regexp.Regexp) (string, holes) {
	var h holes
	var b strings.Builder
	at := 0
	for _, m := range places.FindAllStringIndex(text, -1) {
		spelling := text[m[0]:m[1]]
		name := strings.Trim(spelling, "<>{}$ \t")
		if notAPlace(text, m[0], spelling, name) {
			continue
		}
		b.WriteString(text[at:m[0]])
		b.WriteString(h.add(paramName(name), spelling, ""))
		at = m[1]
	}
	b.WriteString(text[at:])
	return b.String(), h
}

// notAPlace knows what looks like a parameter and is none: a tag of a page, a
// here-document's <<, a group (?P<name>…), a word of a template.
func notAPlace(text string, at int, spelling, name string) bool {
	before := text[:at]
	if spelling[0] == '{' {
		return templateWords[name]
	}
	if spelling[0] == '$' {
		return false
	}
	if strings.HasSuffix(before, "<") || strings.HasSuffix(before, "(?P") || strings.HasSuffix(before, "(?") {
		return true
	}
	if !strings.Contains(text, "</") {
		return false
	}
	switch strings.ToLower(name) {
	case "br", "hr", "p", "li", "tr", "td", "th":
		return true
	}
	return strings.Contains(text, "</"+name)
}
