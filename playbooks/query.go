package playbooks

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// analyseQuery judges a PromQL or LogQL block, which only reads. Each
// non-empty block is one query.
func analyseQuery(kind Kind, code string) ([]Command, holes, []token) {
	need := Need{Kind: NeedPrometheus}
	if kind == LogQL {
		need.Kind = NeedLoki
	}
	c := Command{Line: 1, Text: oneLine(code, 400), Tool: string(kind), Verb: "query", Class: Reading, Why: "a query only reads", Needs: []Need{need}}
	fail := func(line int, why string) ([]Command, holes, []token) {
		c.Line, c.Class, c.Why = line, Impossible, why
		return []Command{c}, nil, nil
	}
	if len(code) > maxCode {
		return fail(1, fmt.Sprintf("the block is longer than %d KiB", maxCode>>10))
	}
	if line, why, found := odd(code); found {
		return fail(line, why)
	}
	text, h := dig(strings.ReplaceAll(code, "\r\n", "\n"), queryPlaces)
	if h.full() {
		return fail(1, tooMany)
	}
	if kind == LogQL {
		text, h = patterns(text, h)
	}
	tokens, broken := lexQuery(text)
	if broken != "" {
		return fail(1, broken)
	}
	c.Text = oneLine(h.show(joinQuery(tokens)), 400)
	if c.Text == "" {
		return fail(1, "there is no query in it")
	}
	for _, t := range tokens {
		if t.kind == textToken && t.text[0] == '`' && hasHole(t.text) {
			return fail(t.line, "a parameter inside `…` is not filled in; use double quotes")
		}
	}
	return []Command{c}, h, tokens
}

// patterns gives back the <names> of LogQL's patterns, which are no
// parameters.
func patterns(text string, h holes) (string, holes) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, "pattern") || strings.Contains(line, "|>") || strings.Contains(line, "!>") {
			line = expandHoles(line, h)
		}
		b.WriteString(line)
	}
	return b.String(), h
}

// expandHoles writes <spellings> back as they were.
func expandHoles(s string, h holes) string {
	var b strings.Builder
	for _, r := range s {
		if isHole(r) && strings.HasPrefix(h[r-firstHole].spelling, "<") {
			b.WriteString(h[r-firstHole].spelling)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// lexQuery takes a query apart into texts in quotes, places for values,
// comments and the rest.
func lexQuery(text string) (tokens []token, broken string) {
	line := 1
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			tokens = append(tokens, token{wordToken, plain.String(), line})
			line += strings.Count(plain.String(), "\n")
			plain.Reset()
		}
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == '"' || r == '\'' || r == '`':
			flush()
			end := at + 1
			for ; end < len(text) && text[end] != byte(r); end++ {
				if text[end] == '\\' && r != '`' {
					end++
				}
			}
			if end >= len(text) {
				return nil, "a text in quotes does not end"
			}
			t := token{textToken, text[at : end+1], line}
			line += strings.Count(t.text, "\n")
			tokens = append(tokens, t)
			at = end + 1
		case r == '#':
			flush()
			end := strings.IndexByte(text[at:], '\n')
			if end < 0 {
				end = len(text) - at
			}
			tokens = append(tokens, token{spaceToken, text[at : at+end], line})
			at += end
		case isHole(r):
			flush()
			tokens = append(tokens, token{placeToken, text[at : at+size], line})
			at += size
		default:
			plain.WriteString(text[at : at+size])
			at += size
		}
	}
	flush()
	return tokens, ""
}

// joinQuery leaves the comments out.
func joinQuery(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		if t.kind != spaceToken {
			b.WriteString(t.text)
		}
	}
	return strings.TrimSpace(b.String())
}
