package filter

import (
	"errors"
	"fmt"
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
	t := strings.TrimSpace(s)
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

func (v awkValue) String() string {
	if v.isStr || !v.isNum {
		return v.s
	}
	if v.f == math.Trunc(v.f) && math.Abs(v.f) < 1e16 {
		return strconv.FormatInt(int64(v.f), 10)
	}
	return strconv.FormatFloat(v.f, 'g', 6, 64)
}

func (v awkValue) yes() bool {
	if v.isNum {
		return v.f != 0
	}
	return v.s != ""
}

func (r *awkRun) eval(n *awkNode) awkValue {
	r.tick()
	switch n.op {
	case "num":
		return num(n.num)
	case "str":
		return text(n.text)
	case "re":
		return truth(n.re.MatchString(r.line))
	case "group":
		return r.eval(n.kids[0])
	case "var":
		return r.variable(n.text)
	case "field":
		return r.field(int(r.eval(n.kids[0]).number()))
	case "item":
		return r.arrays[n.text][r.key(n.kids)]
	case "in":
		_, ok := r.arrays[n.text][r.key(n.kids)]
		return truth(ok)
	case "assign":
		v := r.eval(n.kids[1])
		if n.text != "" {
			v = num(calculate(n.text, r.eval(n.kids[0]).number(), v.number()))
		}
		r.assign(n.kids[0], v)
		return v
	case "after", "before":
		old := r.eval(n.kids[0]).number()
		now := calculate(n.text, old, 1)
		r.assign(n.kids[0], num(now))
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
		return truth(r.expression(n.kids[1]).MatchString(r.eval(n.kids[0]).String()) == (n.op == "~"))
	case "unary!":
		return truth(!r.eval(n.kids[0]).yes())
	case "unary-":
		return num(-r.eval(n.kids[0]).number())
	case "unary+":
		return num(r.eval(n.kids[0]).number())
	case "join":
		s := r.eval(n.kids[0]).String() + r.eval(n.kids[1]).String()
		if len(s) > maxText {
			panic(awkError{errors.New("a text grew too long")})
		}
		return text(s)
	case "==", "!=", "<", "<=", ">", ">=":
		return truth(compareValues(n.op, r.eval(n.kids[0]), r.eval(n.kids[1])))
	case "call":
		return r.call(n)
	default:
		return num(calculate(n.op, r.eval(n.kids[0]).number(), r.eval(n.kids[1]).number()))
	}
}

// expression is a pattern as it stands, or one that a value says.
func (r *awkRun) expression(n *awkNode) *regexp.Regexp {
	if n.op == "re" {
		return n.re
	}
	return r.pattern(r.eval(n).String())
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

func compareValues(op string, a, b awkValue) bool {
	var c int
	unset := awkValue{}
	if (a.isNum || a == unset) && (b.isNum || b == unset) && (a.isNum || b.isNum) {
		c = compareNumbers(a.number(), b.number())
	} else {
		c = strings.Compare(a.String(), b.String())
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
		return num(float64(len(r.fields)))
	}
	return r.vars[name]
}

func (r *awkRun) field(i int) awkValue {
	switch {
	case i == 0:
		return input(r.line)
	case i < 0:
		panic(awkError{fmt.Errorf("there is no field %d", i)})
	case i > len(r.fields):
		return awkValue{}
	}
	return input(r.fields[i-1])
}

func (r *awkRun) assign(to *awkNode, v awkValue) {
	switch to.op {
	case "var":
		switch to.text {
		case "NR":
			r.nr = int(v.number())
		case "NF":
			r.resize(int(v.number()))
			r.rebuild()
		default:
			r.vars[to.text] = v
		}
	case "item":
		if r.arrays[to.text] == nil {
			r.arrays[to.text] = map[string]awkValue{}
		}
		r.arrays[to.text][r.key(to.kids)] = v
	case "field":
		i := int(r.eval(to.kids[0]).number())
		if i == 0 {
			r.setLine(v.String())
			return
		}
		if i < 0 {
			panic(awkError{fmt.Errorf("there is no field %d", i)})
		}
		if i > len(r.fields) {
			r.resize(i)
		}
		r.fields[i-1] = v.String()
		r.rebuild()
	}
}

func (r *awkRun) resize(n int) {
	if n < 0 || n > 1e5 {
		panic(awkError{fmt.Errorf("a line cannot have %d fields", n)})
	}
	for len(r.fields) < n {
		r.fields = append(r.fields, "")
	}
	r.fields = r.fields[:n]
}

func (r *awkRun) rebuild() { r.line = strings.Join(r.fields, r.vars["OFS"].String()) }
