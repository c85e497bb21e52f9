package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word, one quoted text, or one mention of a command's text.
type token struct {
	text       string // without quotes
	quoted     bool
	start, end int // where it stands in the source, in bytes
}

// word is the token in lower case without the punctuation around it; empty
// for a quoted one, which is never a keyword.
func (t token) word() string {
	if t.quoted {
		return ""
	}
	return strings.ToLower(strings.Trim(t.text, ".,:;!?()[]"))
}

// closing gives the runes that end a quotation that r opens, and false when r
// opens none.
func closing(r rune) (string, bool) {
	switch r {
	case '"', '“', '”', '„', '«', '»':
		return "\"“”«»", true
	case '\'', '‘', '’', '‚':
		return "'‘’", true
	default:
		return "", false
	}
}

// tokens cuts a text into its tokens. A quotation opens only where a word
// begins (or after "key=") and closes only where one ends, so that "can't"
// stays a word; one that never closes is a character like any other. A mention
// in angle brackets is one token.
func tokens(src string) []token {
	var out []token
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRuneInString(src[i:])
		if unicode.IsSpace(r) {
			i += n
			continue
		}
		t, end := next(src, i)
		out = append(out, t)
		i = end
	}
	return out
}

// next reads the token that begins at i.
func next(src string, i int) (token, int) {
	r, n := utf8.DecodeRuneInString(src[i:])
	if set, ok := closing(r); ok {
		if to, width := closes(src, i+n, set); to > 0 {
			return token{text: src[i+n : to], quoted: true, start: i, end: to + width}, to + width
		}
	}
	if r == '<' {
		if to := mention(src, i); to > 0 {
			return token{text: src[i:to], start: i, end: to}, to
		}
	}
	j := i + n
	for j < len(src) {
		r, n = utf8.DecodeRuneInString(src[j:])
		if unicode.IsSpace(r) {
			break
		}
		if prev := src[j-1]; prev == '=' || prev == ':' {
			if set, ok := closing(r); ok {
				if to, width := closes(src, j+n, set); to > 0 {
					return token{text: src[i:j] + src[j+n:to], start: i, end: to + width}, to + width
				}
			}
		}
		j += n
	}
	return token{text: src[i:j], start: i, end: j}, j
}

// closes finds the quotation mark that ends a quotation begun before from: the
// first one of the set with a space, the text's end or punctuation after it.
// It gives 0 when there is none, or nothing between the marks.
func closes(src string, from int, set string) (at, width int) {
	for j := from; j < len(src); {
		r, n := utf8.DecodeRuneInString(src[j:])
		if strings.ContainsRune(set, r) {
			after, _ := utf8.DecodeRuneInString(src[j+n:])
			if j+n == len(src) || unicode.IsSpace(after) || strings.ContainsRune(",.;:!?)", after) {
				return j, n
			}
		}
		j += n
	}
	return 0, 0
}

// mention gives the end of a mention in angle brackets, or 0.
func mention(src string, i int) int {
	rest := src[i+1:]
	if rest == "" || !strings.ContainsRune("@#!mh", rune(rest[0])) {
		return 0
	}
	end := strings.IndexAny(rest, "<>\n")
	if end <= 0 || rest[end] != '>' {
		return 0
	}
	return i + 1 + end + 1
}

// args are the tokens that are left of a text once its keywords are taken.
type args struct {
	src  string
	toks []token
	// readable turns the mentions of a text into names; nil: they stay.
	readable func(text string) string
}

// empty tells whether nothing is left.
func (a *args) empty() bool { return len(a.toks) == 0 }

// text gives what is left as it was typed: one quotation loses its marks,
// what was taken from the middle leaves one space.
func (a *args) text() string { return a.plain(between(a.src, a.toks)) }

func (a *args) plain(text string) string {
	if a.readable == nil {
		return text
	}
	return a.readable(text)
}

func between(src string, toks []token) string {
	if len(toks) == 0 {
		return ""
	}
	if len(toks) == 1 {
		return strings.TrimSpace(toks[0].text)
	}
	var b strings.Builder
	for i, t := range toks {
		if i > 0 {
			gap := src[toks[i-1].end:t.start]
			if strings.TrimSpace(gap) != "" {
				gap = " "
			}
			b.WriteString(gap)
		}
		b.WriteString(src[t.start:t.end])
	}
	return strings.TrimSpace(b.String())
}

// first gives the first token; the zero token when there is none.
func (a *args) first() token {
	if a.empty() {
		return token{}
	}
	return a.toks[0]
}

// drop takes n tokens from the position at.
func (a *args) drop(at, n int) {
	a.toks = append(append([]token{}, a.toks[:at]...), a.toks[at+n:]...)
}

// take removes and gives the first token that yes accepts.
func (a *args) take(yes func(token) bool) (token, bool) {
	for i, t := range a.toks {
		if yes(t) {
			a.drop(i, 1)
			return t, true
		}
	}
	return token{}, false
}

// lead removes and gives the first token, when yes accepts it.
func (a *args) lead(yes func(token) bool) (token, bool) {
	if a.empty() || !yes(a.toks[0]) {
		return token{}, false
	}
	t := a.toks[0]
	a.drop(0, 1)
	return t, true
}

// keyed removes "key=value" and "key: value" for the keys given and gives the
// values by key. A value in quotes or directly after the mark of a key in
// short is one word; any other goes on to the next key or the end.
func (a *args) keyed(short []string, long []string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(a.toks); {
		key, isLong := keyOf(a.toks[i], short, long)
		if key == "" {
			i++
			continue
		}
		t := a.toks[i]
		mark := strings.IndexAny(t.text, "=:")
		value := t.text[mark+1:]
		quoted := t.end-t.start != len(t.text)
		n := 1
		switch {
		case quoted:
		case isLong:
			for i+n < len(a.toks) {
				if k, _ := keyOf(a.toks[i+n], short, long); k != "" {
					break
				}
				n++
			}
			parts := append([]token{}, a.toks[i:i+n]...)
			parts[0].start += mark + 1
			parts[0].text = value
			if value == "" {
				parts = parts[1:]
			}
			value = between(a.src, parts)
		case value == "" && i+1 < len(a.toks):
			value = a.toks[i+1].text
			n = 2
		}
		out[key] = a.plain(strings.Trim(strings.TrimSpace(value), ";"))
		a.drop(i, n)
	}
	return out
}

// keyOf gives the key that a token starts with, if it is one of those given.
func keyOf(t token, short, long []string) (key string, isLong bool) {
	mark := strings.IndexAny(t.text, "=:")
	if t.quoted || mark <= 0 {
		return "", false
	}
	name := strings.ToLower(t.text[:mark])
	for _, k := range short {
		if k == name {
			return k, false
		}
	}
	for _, k := range long {
		if k == name {
			return k, true
		}
	}
	return "", false
}
