package filter

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// syntaxOf says how a regular expression is written.
type syntaxOf int

const (
	basic    syntaxOf = iota // POSIX basic: \( \) \{ \} \| \+ \?
	extended                 // POSIX extended
	perl
	fixed
)

// compile makes a regular expression of one of the forms. What Go's expressions cannot do (references back, looking
// around) is an error that says so: they run in time that grows with the text only.
func compile(pattern string, form syntaxOf, ignoreCase bool) (*regexp.Regexp, error) {
	var expr string
	switch form {
	case fixed:
		expr = regexp.QuoteMeta(pattern)
	case perl:
		expr = pattern
	default:
		var err error
		if expr, err = translate(pattern, form == basic); err != nil {
			return nil, err
		}
	}
	if ignoreCase {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, fmt.Errorf("the pattern %q cannot be read: %s", pattern, bad.Code)
	}
	return re, err
}

// translate turns a POSIX expression into Go's form.
func translate(p string, isBasic bool) (string, error) {
	var b strings.Builder
	start := true // where * and ^ of a basic expression stand for themselves, or for the beginning
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			text, err := escaped(p[i], isBasic)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			start = isBasic && (p[i] == '(' || p[i] == '|')
			continue
		case c == '\\':
			return "", errors.New("the pattern ends with a \\")
		case c == '[':
			end, class := bracket(p[i:])
			if end == 0 {
				return "", fmt.Errorf("the pattern %q has a [ without its ]", p)
			}
			b.WriteString(class)
			i += end - 1
		case isBasic && strings.IndexByte("(){}|+?", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case isBasic && c == '*' && start:
			b.WriteString(`\*`)
		case isBasic && c == '^' && !start:
			b.WriteString(`\^`)
		case isBasic && c == '$' && i+1 < len(p) && !strings.HasPrefix(p[i+1:], `\)`) && !strings.HasPrefix(p[i+1:], `\|`):
			b.WriteString(`\$`)
		case !isBasic && c == '{' && !repeats(p[i:]):
			b.WriteString(`\{`)
		default:
			b.WriteByte(c)
		}
		start = isBasic && c == '^' && start
	}
	return b.String(), nil
}

// repeats tells whether a { begins a count.
func repeats(p string) bool {
	end := strings.IndexByte(p, '}')
	return end > 1 && strings.Trim(p[1:end], "0123456789,") == ""
}

// escaped translates what follows a backslash.
func escaped(c byte, isBasic bool) (string, error) {
	switch c {
	case '(', ')', '{', '}', '|', '+', '?':
		if isBasic {
			return string(c), nil
		}
		return `\` + string(c), nil
	case '<', '>':
		return `\b`, nil
	case 'b', 'B', 'w', 'W', 's', 'S', 'd', 'D', 'n', 't', 'r', 'f', 'v':
		return `\` + string(c), nil
	case '`':
		return `\A`, nil
	case '\'':
		return `\z`, nil
	}
	if c >= '1' && c <= '9' {
		return "", fmt.Errorf("a pattern cannot refer back to \\%c here", c)
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 {
		return string(c), nil
	}
	return `\` + string(c), nil
}

// bracket translates a list such as [^]a-z[:digit:]\] and gives its length; 0: it has no end.
func bracket(p string) (length int, class string) {
	var b strings.Builder
	b.WriteByte('[')
	i := 1
	if i < len(p) && p[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for first := true; i < len(p); first = false {
		c := p[i]
		switch {
		case c == ']' && !first:
			b.WriteByte(']')
			return i + 1, b.String()
		case c == '[' && i+1 < len(p) && (p[i+1] == ':' || p[i+1] == '.' || p[i+1] == '='):
			end := strings.Index(p[i+2:], string(p[i+1])+"]")
			if end < 0 {
				return 0, ""
			}
			name := p[i+2 : i+2+end]
			if p[i+1] == ':' {
				b.WriteString("[:" + name + ":]")
			} else {
				b.WriteString(`\` + name)
			}
			i += end + 4
		case c == '[' || c == ']' || c == '\\' || c == '&' || c == '~':
			if c == '\\' && i+1 < len(p) && strings.IndexByte(`ntrdwsDWS\]/-.`, p[i+1]) >= 0 {
				// GNU's tools and awk read these escapes in lists too.
				b.WriteByte('\\')
				b.WriteByte(p[i+1])
				i += 2
				continue
			}
			b.WriteByte('\\')
			b.WriteByte(c)
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return 0, ""
}
