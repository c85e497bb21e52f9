package filter

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxProgram bounds the text of a program or a pattern, and with it how deeply its parts can be nested.
const maxProgram = 64 << 10

// maxPattern bounds what a pattern comes to when its counts are written out.
const maxPattern = 50_000

// maxFound bounds how many places of a text a pattern is looked up at, times its groups.
const maxFound = 1 << 20

var errTooLong = fmt.Errorf("the program is longer than %d KiB", maxProgram>>10)

// syntaxOf says how a regular expression is written.
type syntaxOf int

const (
	basic    syntaxOf = iota // POSIX basic: \( \) \{ \} \| \+ \?
	extended                 // POSIX extended
	perl
	fixed
	awkish // POSIX extended, with escapes inside [ ]
)

// compile makes a regular expression of one of the forms. What Go's expressions cannot do (references back, looking
// around) is an error that says so: they run in time that grows with the text only. Of POSIX forms the longest of the
// first matches counts, and a dot is a line's end too.
func compile(pattern string, form syntaxOf, ignoreCase bool) (*regexp.Regexp, error) {
	return compileLines(pattern, form, ignoreCase, false)
}

// compileLines is compile; with lines, ^ and $ are also the ends of lines inside of the text.
func compileLines(pattern string, form syntaxOf, ignoreCase, lines bool) (*regexp.Regexp, error) {
	if len(pattern) > maxProgram {
		return nil, fmt.Errorf("a pattern is longer than %d KiB", maxProgram>>10)
	}
	var expr string
	switch form {
	case fixed:
		expr = regexp.QuoteMeta(pattern)
	case perl:
		expr = pattern
	default:
		var err error
		if expr, err = translate(pattern, form); err != nil {
			return nil, err
		}
		expr = "(?s)" + expr
	}
	if ignoreCase {
		expr = "(?i)" + expr
	}
	if lines {
		expr = "(?m)" + expr
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err == nil && patternSize(tree) > maxPattern {
		return nil, fmt.Errorf("the pattern %q is too large", shortened(pattern))
	}
	var re *regexp.Regexp
	if err == nil {
		re, err = regexp.Compile(expr)
	}
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, fmt.Errorf("the pattern %q cannot be read: %s", shortened(pattern), bad.Code)
	}
	if err != nil {
		return nil, err
	}
	if form == basic || form == extended || form == awkish {
		re.Longest()
	}
	return re, nil
}

func shortened(text string) string {
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return text
}

// patternSize is about how many steps a pattern has when its counts are written out.
func patternSize(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += patternSize(sub)
		if n > maxPattern {
			return n
		}
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

// found gives where a pattern is found and its groups; limit below 0: everywhere.
func found(re *regexp.Regexp, text string, limit int) ([][]int, error) {
	most := max(1000, maxFound/(re.NumSubexp()+1))
	if limit >= 0 && limit <= most {
		return re.FindAllStringSubmatchIndex(text, limit), nil
	}
	all := re.FindAllStringSubmatchIndex(text, most+1)
	if len(all) > most {
		return nil, fmt.Errorf("a pattern is found more than %d times in one text", most)
	}
	return all, nil
}

// translate turns a POSIX expression into Go's form.
func translate(p string, form syntaxOf) (string, error) {
	var b []byte
	isBasic := form == basic
	start := true    // where * and ^ of a basic expression stand for themselves, or for the beginning
	count := byte(0) // what how-often mark was written last
	often := func(mark byte) error {
		switch {
		case count == 0:
			b = append(b, mark)
		case count == '{' || mark == '{':
			return fmt.Errorf("the pattern %q has two counts beside each other", shortened(p))
		case count != mark:
			b[len(b)-1] = '*'
			mark = '*'
		}
		count = mark
		return nil
	}
	for i := 0; i < len(p); i++ {
		c := p[i]
		mark := byte(0)
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			if isBasic && !start && (p[i] == '+' || p[i] == '?' || p[i] == '{') {
				mark = p[i]
				break
			}
			text, err := escaped(p, i, form)
			if err != nil {
				return "", err
			}
			if text == wordBegins {
				text, i = `\b\w`, i+1
			}
			if form != awkish && p[i] == 'x' {
				i += 2
			}
			b = append(b, text...)
			start, count = isBasic && (p[i] == '(' || p[i] == '|'), 0
			continue
		case c == '\\':
			return "", errors.New("the pattern ends with a \\")
		case c == '[':
			end, class, err := bracket(p[i:], form)
			if err != nil {
				return "", err
			}
			if end == 0 {
				return "", fmt.Errorf("the pattern %q has a [ without its ]", shortened(p))
			}
			b = append(b, class...)
			i += end - 1
		case isBasic && strings.IndexByte("(){}|+?", c) >= 0:
			b = append(b, '\\', c)
		case isBasic && c == '*' && start:
			b = append(b, `\*`...)
		case isBasic && c == '^' && !start:
			b = append(b, `\^`...)
		case isBasic && c == '$' && i+1 < len(p) && !strings.HasPrefix(p[i+1:], `\)`) && !strings.HasPrefix(p[i+1:], `\|`):
			b = append(b, `\$`...)
		case c == '*' || !isBasic && (c == '+' || c == '?'):
			mark = c
			if c == '?' && strings.HasSuffix(string(b), "(") && !strings.HasSuffix(string(b), `\(`) {
				mark = 0 // of (?i)
				b = append(b, c)
			}
		case !isBasic && c == '{':
			if _, ok := repeats(p[i+1:], "}"); ok {
				mark = c
			} else {
				b = append(b, `\{`...)
			}
		default:
			b = append(b, c)
		}
		if mark == 0 {
			start, count = isBasic && c == '^' && start, 0
			continue
		}
		start = false
		if mark == '{' {
			end := "}"
			if isBasic {
				end = `\}`
			}
			times, ok := repeats(p[i+1:], end)
			if !ok {
				return "", fmt.Errorf("the pattern %q has a \\{ without a count", shortened(p))
			}
			if err := often(mark); err != nil {
				return "", err
			}
			if strings.HasPrefix(times, ",") {
				b = append(b, '0')
			}
			b = append(b, times...)
			b = append(b, '}')
			i += len(times) + len(end)
			continue
		}
		if err := often(mark); err != nil {
			return "", err
		}
	}
	return string(b), nil
}

// repeats gives the count that stands in front of end.
func repeats(p, end string) (string, bool) {
	times, _, ok := strings.Cut(p, end)
	from, to, two := strings.Cut(times, ",")
	return times, ok && times != "" && strings.Trim(from+to, "0123456789") == "" && (two || from != "")
}

// wordBegins is a \< and a dot after it: Go knows only \b, which is a word's end too.
const wordBegins = `\<.`

// escaped translates what follows a backslash.
func escaped(p string, i int, form syntaxOf) (string, error) {
	switch c := p[i]; {
	case strings.IndexByte("(){}|+?", c) >= 0:
		if form == basic {
			return string(c), nil
		}
		return `\` + string(c), nil
	case c == '<' && strings.HasPrefix(p[i+1:], ".") && (i+2 >= len(p) || strings.IndexByte(`*+?{\`, p[i+2]) < 0):
		return wordBegins, nil
	case c == '<' && i+1 == len(p), c == '>' && i == 1:
		return "", fmt.Errorf("a pattern cannot have a \\%c without its word", c)
	case c == '<' || c == '>' || c == 'y' && form == awkish:
		return `\b`, nil
	case strings.IndexByte("bBwWsSdDntrfv", c) >= 0:
		return `\` + string(c), nil
	case c == '`':
		return `\A`, nil
	case c == '\'':
		return `\z`, nil
	case c >= '1' && c <= '9':
		return "", fmt.Errorf("a pattern cannot refer back to \\%c here", c)
	case c == 'x' && form != awkish:
		if i+2 >= len(p) || strings.Trim(p[i+1:i+3], "0123456789abcdefABCDEF") != "" {
			return "", errors.New("a \\x in a pattern needs two digits")
		}
		return p[i-1 : i+3], nil
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
		return p[i : i+1], nil
	default:
		return `\` + string(c), nil
	}
}

// bracket translates a list such as [^]a-z[:digit:]\] and gives its length; 0: it has no end.
func bracket(p string, form syntaxOf) (length int, class string, err error) {
	escapes := "ntrfv"
	if form == awkish {
		escapes = `ntrfv\]/-."^[&`
	}
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
			return i + 1, b.String(), nil
		case c == '[' && i+1 < len(p) && (p[i+1] == ':' || p[i+1] == '.' || p[i+1] == '='):
			end := strings.Index(p[i+2:], string(p[i+1])+"]")
			if end < 0 {
				return 0, "", nil
			}
			name := p[i+2 : i+2+end]
			switch {
			case p[i+1] == ':':
				b.WriteString("[:" + name + ":]")
			case len(name) != 1:
				return 0, "", fmt.Errorf("the list %q names what is no character", shortened(p))
			case name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z' || name[0] >= '0' && name[0] <= '9':
				b.WriteString(name)
			default:
				b.WriteString(`\` + name)
			}
			i += end + 4
		case c == '\\' && i+1 < len(p) && strings.IndexByte(escapes, p[i+1]) >= 0:
			b.WriteByte('\\')
			b.WriteByte(p[i+1])
			i += 2
		case c == '[' || c == ']' || c == '\\' || c == '&' || c == '~':
			b.WriteByte('\\')
			b.WriteByte(c)
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return 0, "", nil
}
