package filter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"muster/playbooks/run/shell"
)

// awkNode is a piece of an awk program: op says what it is, kids what it is made of.
type awkNode struct {
	op   string
	text string
	num  float64
	kids []*awkNode
	re   *regexp.Regexp
}

// awkRule is a pattern with its action; nil parts mean every line, and print.
type awkRule struct {
	begin, end bool
	from, to   *awkNode
	action     *awkNode
	active     bool
}

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
			class := false
			for end < len(src) && (src[end] != '/' || class) && src[end] != '\n' {
				switch src[end] {
				case '\\':
					end++
				case '[':
					class = true
				case ']':
					class = false
				}
				end++
			}
			if end >= len(src) || src[end] != '/' {
				return nil, errors.New("a pattern has no second /")
			}
			out = append(out, awkToken{kind: "re", text: strings.ReplaceAll(src[i+1:end], `\/`, "/"), gap: gap})
			i = end + 1
		case c >= '0' && c <= '9' || c == '.' && i+1 < len(src) && src[i+1] >= '0' && src[i+1] <= '9':
			end := i
			for end < len(src) && (src[end] >= '0' && src[end] <= '9' || src[end] == '.' || (src[end] == 'e' || src[end] == 'E') && end+1 < len(src) && (src[end+1] >= '0' && src[end+1] <= '9' || src[end+1] == '-')) {
				if src[end] == 'e' || src[end] == 'E' {
					end++
				}
				end++
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

func awkString(src string) (text string, used int, err error) {
	var b strings.Builder
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"':
			return b.String(), i + 1, nil
		case c == '\\' && i+1 < len(src):
			i++
			switch src[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '"', '\\', '/':
				b.WriteByte(src[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(src[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, errors.New(`a text has no second "`)
}

var awkWords = map[string]bool{"BEGIN": true, "END": true, "if": true, "else": true, "while": true, "do": true, "for": true, "in": true, "print": true,
	"printf": true, "next": true, "exit": true, "break": true, "continue": true, "delete": true, "function": true, "getline": true, "return": true}

var awkFunctions = map[string]bool{"length": true, "substr": true, "index": true, "split": true, "sub": true, "gsub": true, "match": true, "sprintf": true,
	"tolower": true, "toupper": true, "int": true, "sqrt": true, "exp": true, "log": true, "sin": true, "cos": true, "atan2": true, "rand": true, "srand": true,
	"systime": true, "strftime": true, "gensub": true}

// awkParser makes a tree of tokens. It panics with an awkError, which awkParse returns.
type awkParser struct {
	tokens []awkToken
	at     int
	noIn   bool // inside for ( … in …
	noGT   bool // a > would write a file
	depth  int
}

type awkError struct{ error }

func (p *awkParser) fail(format string, args ...any) {
	panic(awkError{fmt.Errorf(format, args...)})
}

func awkParse(src string) (rules []*awkRule, err error) {
	tokens, err := awkLex(src)
	if err != nil {
		return nil, err
	}
	defer func() {
		if failed, ok := recover().(awkError); ok {
			err = failed.error
		}
	}()
	p := &awkParser{tokens: tokens}
	for p.lines(); p.peek().kind != "eof"; p.lines() {
		rules = append(rules, p.rule())
	}
	return rules, nil
}

func (p *awkParser) peek() awkToken { return p.tokens[p.at] }

func (p *awkParser) is(text string) bool {
	t := p.peek()
	return (t.kind == "punct" || t.kind == "name" || t.kind == "call") && t.text == text
}

func (p *awkParser) take(text string) bool {
	if p.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *awkParser) need(text string) {
	if !p.take(text) {
		p.fail("a %s is missing before %q", text, p.peek().text)
	}
}

// lines skips line ends and semicolons.
func (p *awkParser) lines() {
	for p.peek().kind == "nl" || p.is(";") {
		p.at++
	}
}

func (p *awkParser) breaks() {
	for p.peek().kind == "nl" {
		p.at++
	}
}

func (p *awkParser) rule() *awkRule {
	r := &awkRule{}
	switch {
	case p.take("BEGIN"):
		r.begin = true
	case p.take("END"):
		r.end = true
	case p.is("function"):
		p.fail("functions of its own are not here")
	case !p.is("{"):
		r.from = p.expr()
		if p.take(",") {
			p.breaks()
			r.to = p.expr()
		}
	}
	if p.is("{") {
		r.action = p.block()
	} else if r.begin || r.end {
		p.fail("BEGIN and END need an action")
	}
	return r
}

func (p *awkParser) block() *awkNode {
	p.need("{")
	n := &awkNode{op: "block"}
	for p.lines(); !p.is("}"); p.lines() {
		if p.peek().kind == "eof" {
			p.fail("a { has no }")
		}
		n.kids = append(n.kids, p.stmt())
	}
	p.at++
	return n
}

func (p *awkParser) body() *awkNode {
	p.breaks()
	if p.take(";") {
		return &awkNode{op: "block"}
	}
	return p.stmt()
}

func (p *awkParser) stmt() *awkNode {
	if p.depth++; p.depth > 200 {
		p.fail("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	switch {
	case p.is("{"):
		return p.block()
	case p.take("if"):
		p.need("(")
		n := &awkNode{op: "if", kids: []*awkNode{p.expr()}}
		p.need(")")
		n.kids = append(n.kids, p.body())
		back := p.at
		p.lines()
		if p.take("else") {
			n.kids = append(n.kids, p.body())
		} else {
			p.at = back
		}
		return n
	case p.take("while"):
		p.need("(")
		n := &awkNode{op: "while", kids: []*awkNode{p.expr()}}
		p.need(")")
		n.kids = append(n.kids, p.body())
		return n
	case p.take("do"):
		n := &awkNode{op: "do", kids: []*awkNode{p.body()}}
		p.lines()
		p.need("while")
		p.need("(")
		n.kids = append(n.kids, p.expr())
		p.need(")")
		return n
	case p.take("for"):
		return p.loop()
	}
	n := p.simple()
	if !p.is("}") && p.peek().kind != "nl" && p.peek().kind != "eof" && !p.is(";") {
		p.fail("the program cannot be read at %q", p.peek().text)
	}
	return n
}

func (p *awkParser) loop() *awkNode {
	p.need("(")
	if t := p.tokens[p.at:]; len(t) > 3 && t[0].kind == "name" && t[1].text == "in" && t[2].kind == "name" && t[3].text == ")" {
		n := &awkNode{op: "forin", text: t[0].text, kids: []*awkNode{{op: "var", text: t[2].text}}}
		p.at += 4
		n.kids = append(n.kids, p.body())
		return n
	}
	n := &awkNode{op: "for"}
	for i, end := range []string{";", ";", ")"} {
		part := &awkNode{op: "block"}
		if i == 1 {
			part = &awkNode{op: "num", num: 1}
		}
		if !p.is(end) {
			if i == 1 {
				part = p.expr()
			} else {
				part = p.simple()
			}
		}
		p.need(end)
		n.kids = append(n.kids, part)
	}
	n.kids = append(n.kids, p.body())
	return n
}

// simple is a statement without blocks.
func (p *awkParser) simple() *awkNode {
	t := p.peek()
	switch {
	case p.take("print"), p.take("printf"):
		n := &awkNode{op: t.text}
		p.noGT = true
		if !p.is(";") && !p.is("}") && p.peek().kind != "nl" && p.peek().kind != "eof" {
			n.kids = p.list()
			if len(n.kids) == 1 && n.kids[0].op == "group" && len(n.kids[0].kids) > 1 {
				n.kids = n.kids[0].kids
			}
		}
		p.noGT = false
		if p.is(">") || p.is("|") {
			p.fail("print writes only to standard output here")
		}
		return n
	case p.take("next"), p.take("break"), p.take("continue"):
		return &awkNode{op: t.text}
	case p.take("exit"):
		n := &awkNode{op: "exit"}
		if !p.is(";") && !p.is("}") && p.peek().kind != "nl" && p.peek().kind != "eof" {
			n.kids = []*awkNode{p.expr()}
		}
		return n
	case p.take("delete"):
		name := p.peek().text
		p.at++
		n := &awkNode{op: "delete", text: name}
		if p.take("[") {
			n.kids = p.list()
			p.need("]")
		}
		return n
	}
	return &awkNode{op: "do it", kids: []*awkNode{p.expr()}}
}

func (p *awkParser) list() []*awkNode {
	out := []*awkNode{p.expr()}
	for p.take(",") {
		p.breaks()
		out = append(out, p.expr())
	}
	return out
}

// expr is an assignment, a choice, or less.
func (p *awkParser) expr() *awkNode {
	if p.depth++; p.depth > 200 {
		p.fail("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	left := p.choice()
	for _, op := range []string{"=", "+=", "-=", "*=", "/=", "%=", "^="} {
		if p.is(op) {
			if left.op != "var" && left.op != "field" && left.op != "item" {
				p.fail("a value is given to what is no variable")
			}
			p.at++
			p.breaks()
			return &awkNode{op: "assign", text: strings.TrimSuffix(op, "="), kids: []*awkNode{left, p.expr()}}
		}
	}
	return left
}

func (p *awkParser) choice() *awkNode {
	cond := p.or()
	if !p.take("?") {
		return cond
	}
	p.breaks()
	yes := p.expr()
	p.breaks()
	p.need(":")
	p.breaks()
	return &awkNode{op: "?", kids: []*awkNode{cond, yes, p.expr()}}
}

func (p *awkParser) binary(next func() *awkNode, ops ...string) *awkNode {
	left := next()
	for {
		found := ""
		for _, op := range ops {
			if p.is(op) {
				found = op
			}
		}
		if found == "" {
			return left
		}
		p.at++
		p.breaks()
		left = &awkNode{op: found, kids: []*awkNode{left, next()}}
	}
}

func (p *awkParser) or() *awkNode  { return p.binary(p.and, "||") }
func (p *awkParser) and() *awkNode { return p.binary(p.in, "&&") }

func (p *awkParser) in() *awkNode {
	left := p.match()
	for !p.noIn && p.take("in") {
		left = &awkNode{op: "in", text: p.peek().text, kids: []*awkNode{left}}
		p.at++
	}
	return left
}

func (p *awkParser) match() *awkNode { return p.binary(p.compare, "~", "!~") }

func (p *awkParser) compare() *awkNode {
	left := p.concat()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.is(op) && (op != ">" || !p.noGT) {
			p.at++
			return &awkNode{op: op, kids: []*awkNode{left, p.concat()}}
		}
	}
	return left
}

// concat joins values that stand beside each other.
func (p *awkParser) concat() *awkNode {
	left := p.sum()
	for {
		t := p.peek()
		starts := t.kind == "num" || t.kind == "str" || t.kind == "re" || t.kind == "call" || t.kind == "name" && !awkWords[t.text] ||
			t.kind == "punct" && (t.text == "$" || t.text == "(" || t.text == "!" && false || (t.text == "-" || t.text == "++" || t.text == "--") && false)
		if !starts || t.kind == "call" && t.text == "in" {
			return left
		}
		left = &awkNode{op: "join", kids: []*awkNode{left, p.sum()}}
	}
}

func (p *awkParser) sum() *awkNode  { return p.binary(p.term, "+", "-") }
func (p *awkParser) term() *awkNode { return p.binary(p.unary, "*", "/", "%") }

func (p *awkParser) unary() *awkNode {
	for _, op := range []string{"!", "-", "+"} {
		if p.take(op) {
			return &awkNode{op: "unary" + op, kids: []*awkNode{p.unary()}}
		}
	}
	return p.power()
}

func (p *awkParser) power() *awkNode {
	left := p.postfix()
	if p.take("^") || p.take("**") {
		return &awkNode{op: "^", kids: []*awkNode{left, p.unary()}}
	}
	return left
}

func (p *awkParser) postfix() *awkNode {
	n := p.primary()
	for _, op := range []string{"++", "--"} {
		if (n.op == "var" || n.op == "field" || n.op == "item") && p.take(op) {
			return &awkNode{op: "after", text: op[:1], kids: []*awkNode{n}}
		}
	}
	return n
}

func (p *awkParser) primary() *awkNode {
	t := p.peek()
	p.at++
	switch {
	case t.kind == "num":
		return &awkNode{op: "num", num: t.num}
	case t.kind == "str":
		return &awkNode{op: "str", text: t.text}
	case t.kind == "re":
		re, err := compile(t.text, extended, false)
		if err != nil {
			panic(awkError{err})
		}
		return &awkNode{op: "re", text: t.text, re: re}
	case t.text == "$" && t.kind == "punct":
		return &awkNode{op: "field", kids: []*awkNode{p.fieldNumber()}}
	case t.text == "(":
		was := p.noGT
		p.noGT = false
		n := &awkNode{op: "group", kids: p.list()}
		p.need(")")
		p.noGT = was
		if len(n.kids) > 1 && p.take("in") {
			n = &awkNode{op: "in", text: p.peek().text, kids: n.kids}
			p.at++
		}
		return n
	case t.text == "++" || t.text == "--":
		return &awkNode{op: "before", text: t.text[:1], kids: []*awkNode{p.primary()}}
	case t.text == "-" || t.text == "+" || t.text == "!":
		return &awkNode{op: "unary" + t.text, kids: []*awkNode{p.primary()}}
	case t.kind == "call" && !awkWords[t.text]:
		return p.call(t.text)
	case t.kind == "name" && t.text == "length":
		return &awkNode{op: "call", text: "length"}
	case t.kind == "name" && t.text == "getline":
		panic(awkError{shell.Refusal("awk's getline reads files or programs, and there are none here.")})
	case t.kind == "name" && !awkWords[t.text]:
		if p.take("[") {
			n := &awkNode{op: "item", text: t.text, kids: p.list()}
			p.need("]")
			return n
		}
		return &awkNode{op: "var", text: t.text}
	}
	p.fail("the program cannot be read at %q", t.text)
	return nil
}

func (p *awkParser) fieldNumber() *awkNode {
	if p.is("++") || p.is("--") || p.is("-") {
		return p.unary()
	}
	return p.primary()
}

func (p *awkParser) call(name string) *awkNode {
	if name == "system" {
		panic(awkError{shell.Refusal("awk's system would start a program, and none runs here.")})
	}
	if !awkFunctions[name] {
		p.fail("there is no function %s", name)
	}
	was := p.noGT
	p.noGT = false
	n := &awkNode{op: "call", text: name}
	p.need("(")
	if !p.is(")") {
		n.kids = p.list()
	}
	p.need(")")
	p.noGT = was
	return n
}
