package filter

import (
	"fmt"
	"regexp"
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

// place tells whether a value can be given to it.
func (n *awkNode) place() bool { return n.op == "var" || n.op == "field" || n.op == "item" }

// awkRule is a pattern with its action; nil parts mean every line, and print.
type awkRule struct {
	begin, end bool
	from, to   *awkNode
	action     *awkNode
	active     bool
}

// awkParser makes a tree of tokens. It panics with an awkError, which awkParse returns.
type awkParser struct {
	tokens []awkToken
	at     int
	noGT   bool // a > would write a file
	depth  int
	loops  int  // how many loops it is inside of
	record bool // inside an action for lines: there is a next one
	words  int  // where the ( of print's words is
}

type awkError struct{ error }

func (p *awkParser) fail(format string, args ...any) {
	panic(awkError{fmt.Errorf(format, args...)})
}

func awkParse(src string) (rules []*awkRule, err error) {
	if len(src) > maxProgram {
		return nil, errTooLong
	}
	tokens, err := awkLex(src)
	if err != nil {
		return nil, err
	}
	defer func() {
		switch end := recover().(type) {
		case nil:
		case awkError:
			rules, err = nil, end.error
		default:
			panic(end)
		}
	}()
	p := &awkParser{tokens: tokens, words: -1}
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

// name takes the name of a variable or an array.
func (p *awkParser) name() string {
	t := p.peek()
	if t.kind != "name" || awkWords[t.text] {
		p.fail("a name is missing before %q", t.text)
	}
	p.at++
	return t.text
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
		p.record = !r.begin && !r.end
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

func (p *awkParser) loopBody() *awkNode {
	p.loops++
	defer func() { p.loops-- }()
	return p.body()
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
		n.kids = append(n.kids, p.loopBody())
		return n
	case p.take("do"):
		n := &awkNode{op: "do", kids: []*awkNode{p.loopBody()}}
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
	if t := p.tokens[p.at:]; len(t) > 3 && t[0].kind == "name" && t[1].kind == "name" && t[1].text == "in" && t[2].kind == "name" && t[3].kind == "punct" && t[3].text == ")" {
		key := p.name()
		p.at++
		n := &awkNode{op: "forin", text: key, kids: []*awkNode{{op: "var", text: p.name()}}}
		p.at++
		n.kids = append(n.kids, p.loopBody())
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
	n.kids = append(n.kids, p.loopBody())
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
			p.words = p.at
			n.kids = p.list()
			if len(n.kids) == 1 && n.kids[0].op == "group" && len(n.kids[0].kids) > 1 {
				n.kids = n.kids[0].kids
			}
		}
		p.noGT = false
		for _, k := range n.kids {
			if k.op == "group" && len(k.kids) > 1 {
				p.fail("a list in ( ) stands where one value must be")
			}
		}
		if t.text == "printf" && len(n.kids) == 0 {
			p.fail("printf needs a form")
		}
		if p.is(">") || p.is("|") {
			p.fail("print writes only to standard output here")
		}
		return n
	case p.take("next"), p.take("break"), p.take("continue"):
		if t.text == "next" && !p.record {
			p.fail("next stands in BEGIN or END, where there is no next line")
		}
		if t.text != "next" && p.loops == 0 {
			p.fail("%s stands outside of a loop", t.text)
		}
		return &awkNode{op: t.text}
	case p.take("exit"):
		n := &awkNode{op: "exit"}
		if !p.is(";") && !p.is("}") && p.peek().kind != "nl" && p.peek().kind != "eof" {
			n.kids = []*awkNode{p.expr()}
		}
		return n
	case p.take("delete"):
		n := &awkNode{op: "delete", text: p.name()}
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
			if !left.place() {
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
	for p.take("in") {
		left = &awkNode{op: "in", text: p.name(), kids: []*awkNode{left}}
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
			t.kind == "punct" && (t.text == "$" || t.text == "(" || t.text == "++" || t.text == "--")
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
		if n.place() && p.take(op) {
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
		re, err := compile(t.text, awkish, false)
		if err != nil {
			panic(awkError{err})
		}
		return &awkNode{op: "re", text: t.text, re: re}
	case t.text == "$" && t.kind == "punct":
		return &awkNode{op: "field", kids: []*awkNode{p.fieldNumber()}}
	case t.kind == "punct" && t.text == "(":
		was := p.noGT
		p.noGT = false
		words := p.at-1 == p.words
		n := &awkNode{op: "group", kids: p.list()}
		p.need(")")
		p.noGT = was
		switch {
		case len(n.kids) > 1 && p.take("in"):
			n = &awkNode{op: "in", text: p.name(), kids: n.kids}
		case len(n.kids) > 1 && !words:
			p.fail("a list in ( ) stands where one value must be")
		case len(n.kids) > 1:
			if next := p.peek(); next.kind != "nl" && next.kind != "eof" && !p.is(";") && !p.is("}") && !p.is(">") && !p.is("|") {
				p.fail("a list in ( ) stands where one value must be")
			}
		}
		return n
	case t.kind == "punct" && (t.text == "++" || t.text == "--"):
		n := p.primary()
		if !n.place() {
			p.fail("%s stands before what is no variable", t.text)
		}
		return &awkNode{op: "before", text: t.text[:1], kids: []*awkNode{n}}
	case t.kind == "punct" && (t.text == "-" || t.text == "+" || t.text == "!"):
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
		if t.text == "IGNORECASE" {
			p.fail("awk has no IGNORECASE here: compare tolower($0)")
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
	takes, ok := awkFunctions[name]
	if !ok {
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
	if len(n.kids) < takes[0] || len(n.kids) > takes[1] {
		p.fail("%s cannot have %d values", name, len(n.kids))
	}
	if name == "split" && n.kids[1].op != "var" {
		p.fail("split needs a text and an array")
	}
	return n
}
