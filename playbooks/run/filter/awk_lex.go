package filter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

type awkToken struct {
	kind string // num str re name call punct nl eof
	text string
	num  float64
	gap  bool // a space stands before it
}

// awkLexer cuts a program into tokens.
func awkLex(src string) ([]awkToken, error) {
	var out []awkToken
	value := func() bool { // a / after a value divides
		if len(out) == 0 {
			return false
		}
		t := out[len(out)-1]
		return t.kind == "num" || t.kind == "str" || t.kind == "name" && !awkWords[t.text] || t.kind == "punct" && (t.text == ")" || t.text == "]" || t.text == "$" || t.text == "++" || t.text == "--")
	}
	for i := 0; i < len(src); {
		c := src[i]
		gap := i > 0 && (src[i-1] == ' ' || src[i-1] == '\t')
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '\\' && i+1 < len(src) && src[i+1] == '\n':
			i += 2
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case c == '\n':
			out = append(out, awkToken{kind: "nl", text: "\n"})
			i++
		case c == '"':
			text, n, err := awkString(src[i+1:])
			if err != nil {
				return nil, err
			}
			out = append(out, awkToken{kind: "str", text: text, gap: gap})
			i += n + 1
		case c == '/' && !value():
			end := i + 1
			for end < len(src) && src[end] != '/' && src[end] != '\n' {
				switch src[end] {
				case '\\':
					end++
				case '[':
					if length, _, _ := bracket(src[end:], awkish); length > 0 && !strings.Contains(src[end:end+length], "\n") {
						end += length - 1
					}
				}
				end++
			}
			if end >= len(src) || src[end] != '/' {
				return nil, errors.New("a pattern has no second /")
			}
			out = append(out, awkToken{kind: "re", text: src[i+1 : end], gap: gap})
			i = end + 1
		case c >= '0' && c <= '9' || c == '.' && i+1 < len(src) && src[i+1] >= '0' && src[i+1] <= '9':
			end := awkNumber(src[i:]) + i
			if end == i+1 && c == '0' && end < len(src) && src[end]|0x20 == 'x' {
				return nil, errors.New("numbers are decimal here")
			}
			f, err := strconv.ParseFloat(src[i:end], 64)
			if err != nil {
				return nil, fmt.Errorf("%q is no number", src[i:end])
			}
			out = append(out, awkToken{kind: "num", num: f, gap: gap})
			i = end
		case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
			end := i
			for end < len(src) && (src[end] == '_' || src[end]|0x20 >= 'a' && src[end]|0x20 <= 'z' || src[end] >= '0' && src[end] <= '9') {
				end++
			}
			kind := "name"
			if end < len(src) && src[end] == '(' {
				kind = "call"
			}
			out = append(out, awkToken{kind: kind, text: src[i:end], gap: gap})
			i = end
		default:
			n := 1
			for _, two := range []string{"&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "!~", "**"} {
				if strings.HasPrefix(src[i:], two) {
					n = 2
				}
			}
			if strings.IndexByte("{}()[];,+-*/%^!<>|?:~$=&", c) < 0 {
				return nil, fmt.Errorf("the program cannot be read at %q", string(c))
			}
			out = append(out, awkToken{kind: "punct", text: src[i : i+n], gap: gap})
			i += n
		}
	}
	return append(out, awkToken{kind: "eof"}), nil
}

// awkNumber is how long the number is that a text begins with.
func awkNumber(src string) int {
	end := 0
	digits := func() {
		for end < len(src) && src[end] >= '0' && src[end] <= '9' {
			end++
		}
	}
	digits()
	if end < len(src) && src[end] == '.' {
		end++
		digits()
	}
	if end < len(src) && src[end]|0x20 == 'e' {
		was := end
		if end++; end < len(src) && (src[end] == '+' || src[end] == '-') {
			end++
		}
		if begins := end; begins < len(src) {
			digits()
			if end > begins {
				return end
			}
		}
		return was
	}
	return end
}

// awkString reads a text up to its second ", and gives how much of src it is.
func awkString(src string) (text string, used int, err error) {
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '"':
			return awkUnescaped(src[:i]), i + 1, nil
		case '\\':
			i++
		case '\n':
			return "", 0, errors.New(`a text has no second " on its line`)
		}
	}
	return "", 0, errors.New(`a text has no second "`)
}

// awkUnescaped puts characters for what a text writes with a backslash. A backslash before any other character stays:
// a pattern needs it.
func awkUnescaped(src string) string {
	var b strings.Builder
	for i := 0; i < len(src); i++ {
		if src[i] != '\\' || i+1 >= len(src) {
			b.WriteByte(src[i])
			continue
		}
		i++
		if at := strings.IndexByte(`abfnrtv"\/`, src[i]); at >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v\"\\/"[at])
			continue
		}
		switch c := src[i]; {
		case c == '\n': // the text goes on
		case c >= '0' && c <= '7':
			code, end := 0, min(i+3, len(src))
			for ; i < end && src[i] >= '0' && src[i] <= '7'; i++ {
				code = code*8 + int(src[i]-'0')
			}
			i--
			b.WriteByte(byte(code))
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

var awkWords = map[string]bool{"BEGIN": true, "END": true, "if": true, "else": true, "while": true, "do": true, "for": true, "in": true, "print": true,
	"printf": true, "next": true, "exit": true, "break": true, "continue": true, "delete": true, "function": true, "getline": true, "return": true}

// awkFunctions are awk's functions, with how many values each needs and takes.
var awkFunctions = map[string][2]int{"length": {0, 1}, "substr": {2, 3}, "index": {2, 2}, "split": {2, 3}, "sub": {2, 3}, "gsub": {2, 3}, "match": {2, 2},
	"sprintf": {1, 10000}, "tolower": {1, 1}, "toupper": {1, 1}, "int": {1, 1}, "sqrt": {1, 1}, "exp": {1, 1}, "log": {1, 1}, "sin": {1, 1}, "cos": {1, 1},
	"atan2": {2, 2}, "rand": {0, 0}, "srand": {0, 1}, "systime": {0, 0}, "strftime": {0, 2}, "gensub": {3, 4}, "fflush": {0, 1}}
