package filter

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// awkValue is a text, a number, or a text from outside that is a number when it looks like one.
type awkValue struct {
	s     string
	f     float64
	isNum bool
	isStr bool
}

func text(s string) awkValue { return awkValue{s: s, isStr: true} }
func num(f float64) awkValue { return awkValue{f: f, isNum: true} }
func truth(b bool) awkValue  { return num(map[bool]float64{true: 1}[b]) }
func input(s string) awkValue {
	t := s
	if len(t) > 400 {
		return awkValue{s: s, isStr: true} // no number is that long
	}
	t = strings.TrimSpace(t)
	if t != "" && strings.IndexByte("+-.0123456789", t[0]) >= 0 {
		if f, err := strconv.ParseFloat(t, 64); err == nil && !strings.ContainsAny(t, "xXpP_iInN") {
			return awkValue{s: s, f: f, isNum: true, isStr: true}
		}
	}
	return awkValue{s: s, isStr: true}
}

func (v awkValue) number() float64 {
	if v.isNum {
		return v.f
	}
	return number(v.s)
}

func (v awkValue) yes() bool {
	if v.isNum {
		return v.f != 0
	}
	return v.s != ""
}

// str is a value's text, and shown the one that print writes.
func (r *awkRun) str(v awkValue) string   { return r.written(v, "CONVFMT") }
func (r *awkRun) shown(v awkValue) string { return r.written(v, "OFMT") }

func (r *awkRun) written(v awkValue, form string) string {
	switch {
	case v.isStr || !v.isNum:
		return v.s
	case v.f == math.Trunc(v.f) && math.Abs(v.f) < 1e18:
		return strconv.FormatInt(int64(v.f), 10)
	case math.IsNaN(v.f) || math.IsInf(v.f, 0):
		return noNumber(v.f)
	}
	how := r.vars[form].s
	if how == "%.6g" || how == "" || r.writing {
		return strconv.FormatFloat(v.f, 'g', 6, 64)
	}
	r.writing = true // a %s in the form would ask for it again
	defer func() { r.writing = false }()
	return r.format([]*awkNode{{op: "str", text: how}, {op: "num", num: v.f}})
}

// text is what a variable holds, as a text.
func (r *awkRun) text(name string) string {
	v := r.vars[name]
	if v.isStr || !v.isNum {
		return v.s
	}
	return r.str(v)
}

// values evaluates nodes one after the other.
func (r *awkRun) values(nodes []*awkNode) []awkValue {
	was := r.pending
	var all []awkValue
	for _, k := range nodes {
		v := r.eval(k)
		r.pending += len(v.s)
		r.fits(0)
		all = append(all, v)
	}
	r.pending = was
	return all
}

// two evaluates both sides of what joins or compares them.
func (r *awkRun) two(n *awkNode) (a, b awkValue) {
	a = r.eval(n.kids[0])
	r.pending += len(a.s)
	b = r.eval(n.kids[1])
	r.pending -= len(a.s)
	return a, b
}

func (r *awkRun) eval(n *awkNode) awkValue {
	r.tick(0)
	switch n.op {
	case "num":
		return num(n.num)
	case "str":
		return text(n.text)
	case "re":
		return truth(r.matches(n.re, r.line))
	case "group":
		return r.eval(n.kids[0])
	case "var":
		return r.variable(n.text)
	case "field":
		return r.field(whole(r.eval(n.kids[0]).number()))
	case "item":
		return r.item(n.text, r.key(n.kids))
	case "in":
		_, ok := r.arrays[n.text][r.key(n.kids)]
		return truth(ok)
	case "assign":
		if n.text == "" {
			v := r.eval(n.kids[1])
			r.assign(n.kids[0], v)
			return v
		}
		to := r.place(n.kids[0])
		v := num(calculate(n.text, r.eval(to).number(), r.eval(n.kids[1]).number()))
		r.assign(to, v)
		return v
	case "after", "before":
		to := r.place(n.kids[0])
		old := r.eval(to).number()
		now := calculate(n.text, old, 1)
		r.assign(to, num(now))
		if n.op == "after" {
			return num(old)
		}
		return num(now)
	case "?":
		if r.eval(n.kids[0]).yes() {
			return r.eval(n.kids[1])
		}
		return r.eval(n.kids[2])
	case "||":
		return truth(r.eval(n.kids[0]).yes() || r.eval(n.kids[1]).yes())
	case "&&":
		return truth(r.eval(n.kids[0]).yes() && r.eval(n.kids[1]).yes())
	case "~", "!~":
		left := r.str(r.eval(n.kids[0]))
		r.pending += len(left)
		re := r.expression(n.kids[1])
		r.pending -= len(left)
		return truth(r.matches(re, left) == (n.op == "~"))
	case "unary!":
		return truth(!r.eval(n.kids[0]).yes())
	case "unary-":
		return num(-r.eval(n.kids[0]).number())
	case "unary+":
		return num(r.eval(n.kids[0]).number())
	case "join":
		a, b := r.two(n)
		x, y := r.str(a), r.str(b)
		r.fits(len(x) + len(y))
		return text(x + y)
	case "==", "!=", "<", "<=", ">", ">=":
		a, b := r.two(n)
		return truth(r.compares(n.op, a, b))
	case "call":
		return r.call(n)
	default:
		a, b := r.two(n)
		return num(calculate(n.op, a.number(), b.number()))
	}
}

// matches tells whether a pattern is found in a text.
func (r *awkRun) matches(re *regexp.Regexp, s string) bool {
	r.tick(len(s))
	return re.MatchString(s)
}

// expression is a pattern as it stands, or one that a value says.
func (r *awkRun) expression(n *awkNode) *regexp.Regexp {
	if n.op == "re" {
		return n.re
	}
	return r.pattern(r.str(r.eval(n)))
}

func calculate(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/", "%":
		if b == 0 {
			panic(awkError{errors.New("division by zero")})
		}
		if op == "%" {
			return math.Mod(a, b)
		}
		return a / b
	default:
		return math.Pow(a, b)
	}
}

func (r *awkRun) compares(op string, a, b awkValue) bool {
	var c int
	unset := awkValue{}
	if (a.isNum || a == unset) && (b.isNum || b == unset) && (a.isNum || b.isNum) {
		x, y := a.number(), b.number()
		if math.IsNaN(x) || math.IsNaN(y) {
			return op == "!="
		}
		c = compareNumbers(x, y)
	} else {
		x, y := r.str(a), r.str(b)
		r.tick(min(len(x), len(y)))
		c = strings.Compare(x, y)
	}
	switch op {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

func (r *awkRun) variable(name string) awkValue {
	switch name {
	case "NR", "FNR":
		return num(float64(r.nr))
	case "NF":
		return num(float64(len(r.cut())))
	}
	return r.vars[name]
}

// item is an array's item; to ask for it makes it.
func (r *awkRun) item(array, key string) awkValue {
	v, ok := r.arrays[array][key]
	if !ok {
		r.setItem(array, key, v)
	}
	return v
}

func (r *awkRun) setItem(array, key string, v awkValue) {
	items := r.arrays[array]
	if items == nil {
		items = map[string]awkValue{}
		r.arrays[array] = items
	}
	size := itemSize(key, v)
	if old, ok := items[key]; ok {
		size -= itemSize(key, old)
	}
	r.hold(size)
	items[key] = v
}

// place is a variable, an item or a field whose key or number is known: it is asked for once.
func (r *awkRun) place(n *awkNode) *awkNode {
	switch n.op {
	case "item":
		return &awkNode{op: "item", text: n.text, kids: []*awkNode{{op: "str", text: r.key(n.kids)}}}
	case "field":
		return &awkNode{op: "field", kids: []*awkNode{{op: "num", num: r.eval(n.kids[0]).number()}}}
	}
	return n
}

// assign gives a variable, an item or a field a value.
func (r *awkRun) assign(to *awkNode, v awkValue) {
	switch to.op {
	case "var":
		switch to.text {
		case "NR", "FNR":
			r.nr = whole(v.number())
		case "NF":
			r.resize(whole(v.number()))
		default:
			r.hold(len(v.s) - len(r.vars[to.text].s))
			r.vars[to.text] = v
		}
	case "item":
		r.setItem(to.text, r.key(to.kids), v)
	case "field":
		r.setField(whole(r.eval(to.kids[0]).number()), r.str(v))
	}
}
