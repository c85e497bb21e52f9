package playbooks

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token of SQL is.
type tokenKind byte

const (
	spaceToken  tokenKind = ' ' // spaces and comments
	wordToken   tokenKind = 'w' // a name or a keyword
	quotedName  tokenKind = '"'
	textToken   tokenKind = '\''
	dollarText  tokenKind = '$'
	numberToken tokenKind = '0'
	placeToken  tokenKind = '?' // a parameter outside quotes
	symbolToken tokenKind = '.' // one character, or :: := =>
)

type token struct {
	kind tokenKind
	text string
	line int
}

// lexSQL takes SQL apart as PostgreSQL does with standard strings. Joined, the
// tokens' texts are the text. It gives what is wrong when the text ends within
// a token.
func lexSQL(text string) (tokens []token, broken string) {
	line := 1
	for at := 0; at < len(text); {
		kind, end := nextToken(text, at)
		if end <= at || end > len(text) {
			end = len(text)
			switch kind {
			case textToken, dollarText:
				broken = "a text in quotes does not end"
			case quotedName:
				broken = "a name in double quotes does not end"
			case spaceToken:
				broken = "a comment does not end"
			}
		}
		t := token{kind, text[at:end], line}
		line += strings.Count(t.text, "\n")
		tokens = append(tokens, t)
		at = end
	}
	return tokens, broken
}

// nextToken gives the kind and the end of the token at a place; an end that
// is not behind it says that the token does not end.
func nextToken(text string, at int) (tokenKind, int) {
	rest := text[at:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f':
		return spaceToken, at + size
	case strings.HasPrefix(rest, "--"):
		if n := strings.IndexAny(rest, "\r\n"); n >= 0 {
			return spaceToken, at + n
		}
		return spaceToken, len(text)
	case strings.HasPrefix(rest, "/*"):
		return spaceToken, commentEnd(text, at)
	case r == '\'':
		return textToken, quoteEnd(text, at+1, '\'', false)
	case (r == 'e' || r == 'E') && strings.HasPrefix(rest[1:], "'"):
		end := quoteEnd(text, at+2, '\'', true)
		// A quote on a later line goes on with the text, and a \ keeps its
		// meaning there.
		for end > 0 {
			next := continued(text, end)
			if next < 0 {
				break
			}
			end = quoteEnd(text, next+1, '\'', true)
		}
		return textToken, end
	case strings.ContainsRune("bBxXnN", r) && strings.HasPrefix(rest[1:], "'"):
		return textToken, quoteEnd(text, at+2, '\'', false)
	case (r == 'u' || r == 'U') && strings.HasPrefix(rest[1:], "&'"):
		return textToken, quoteEnd(text, at+3, '\'', false)
	case (r == 'u' || r == 'U') && strings.HasPrefix(rest[1:], `&"`):
		return quotedName, quoteEnd(text, at+3, '"', false)
	case r == '"':
		return quotedName, quoteEnd(text, at+1, '"', false)
	case r == '$':
		if tag := dollarTag(rest); tag != "" {
			if n := strings.Index(rest[len(tag):], tag); n >= 0 {
				return dollarText, at + len(tag) + n + len(tag)
			}
			return dollarText, -1
		}
		n := size
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n > size {
			return wordToken, at + n // $1
		}
		return symbolToken, at + size
	case isHole(r):
		return placeToken, at + size
	case nameStart(r):
		n := size
		for n < len(rest) {
			r, size := utf8.DecodeRuneInString(rest[n:])
			if !nameStart(r) && r != '$' && (r < '0' || r > '9') || isHole(r) {
				break
			}
			n += size
		}
		return wordToken, at + n
	case r >= '0' && r <= '9':
		return numberToken, at + numberEnd(rest)
	case strings.HasPrefix(rest, "::") || strings.HasPrefix(rest, ":=") || strings.HasPrefix(rest, "=>"):
		return symbolToken, at + 2
	default:
		return symbolToken, at + size
	}
}

// numberEnd gives how much of a text that begins with a digit is the number.
// An e without an exponent belongs to what follows, which may be a text: 1e'…'.
func numberEnd(rest string) int {
	digit := func(i int) bool { return i < len(rest) && rest[i] >= '0' && rest[i] <= '9' }
	n, exponent := 1, false
	for n < len(rest) {
		switch {
		case digit(n) || rest[n] == '.' || rest[n] == '_' && digit(n+1):
			n++
		case rest[n]|0x20 == 'e' && !exponent && digit(n+1):
			exponent = true
			n += 2
		case rest[n]|0x20 == 'e' && !exponent && n+1 < len(rest) && (rest[n+1] == '+' || rest[n+1] == '-') && digit(n+2):
			exponent = true
			n += 3
		default:
			return n
		}
	}
	return n
}

// continued gives the place of the quote that goes on with the text before it:
// behind spaces and comments of a line, at least one line further. -1: none.
func continued(text string, at int) int {
	further := false
	for at < len(text) {
		switch c := text[at]; {
		case c == '\n' || c == '\r':
			further = true
			at++
		case c == ' ' || c == '\t' || c == '\f' || c == '\v':
			at++
		case strings.HasPrefix(text[at:], "--"):
			n := strings.IndexAny(text[at:], "\r\n")
			if n < 0 {
				return -1
			}
			at += n
		case c == '\'' && further:
			return at
		default:
			return -1
		}
	}
	return -1
}

func nameStart(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= utf8.RuneSelf && !isHole(r)
}

// commentEnd knows that comments may be within comments.
func commentEnd(text string, at int) int {
	depth := 0
	for i := at; i < len(text)-1; i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func quoteEnd(text string, at int, quote byte, backslash bool) int {
	for i := at; i < len(text); i++ {
		switch {
		case backslash && text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return -1
}

// dollarTag gives $$ or $name$ where a text in dollars begins.
func dollarTag(rest string) string {
	for i := 1; i < len(rest); i++ {
		c := rest[i]
		switch {
		case c == '$':
			return rest[:i+1]
		case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf || i > 1 && c >= '0' && c <= '9':
		default:
			return ""
		}
	}
	return ""
}

// splitSQL takes the tokens apart at the semicolons. Statements without a
// word are left out.
func splitSQL(tokens []token) [][]token {
	var all [][]token
	var one []token
	flush := func() {
		for _, t := range one {
			if t.kind != spaceToken {
				all = append(all, one)
				break
			}
		}
		one = nil
	}
	for _, t := range tokens {
		if t.kind == symbolToken && t.text == ";" {
			flush()
			continue
		}
		one = append(one, t)
	}
	flush()
	return all
}

func joinSQL(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return strings.TrimSpace(b.String())
}

// lowerASCII makes small letters as the database does: the sign for Kelvin is
// no k.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r | 0x20
		}
		return r
	}, text)
}

// words are a statement's names, numbers and symbols in lower case, without
// spaces and comments; texts are ”.
func sqlWords(tokens []token) []string {
	var out []string
	for _, t := range tokens {
		switch t.kind {
		case spaceToken:
		case textToken, dollarText:
			out = append(out, "''")
		case wordToken:
			out = append(out, lowerASCII(t.text))
		case quotedName:
			out = append(out, t.text)
		default:
			out = append(out, t.text)
		}
	}
	return out
}
