package filter

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/timefmt-go"
)

// format is printf's.
func (r *awkRun) format(kids []*awkNode) string {
	if len(kids) == 0 {
		panic(awkError{errors.New("printf needs a form")})
	}
	form := r.eval(kids[0]).String()
	kids = kids[1:]
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		if form[i] != '%' {
			b.WriteByte(form[i])
			continue
		}
		end := i + 1
		for end < len(form) && strings.IndexByte("-+ #0123456789.*", form[end]) >= 0 {
			end++
		}
		if end >= len(form) {
			b.WriteString(form[i:])
			break
		}
		spec, verb := form[i:end], form[end]
		i = end
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		arg := func() awkValue {
			if len(kids) == 0 {
				return awkValue{}
			}
			v := r.eval(kids[0])
			kids = kids[1:]
			return v
		}
		for strings.Contains(spec, "*") {
			spec = strings.Replace(spec, "*", strconv.Itoa(int(arg().number())), 1)
		}
		for _, part := range strings.FieldsFunc(spec, func(c rune) bool { return c < '0' || c > '9' }) {
			if n, err := strconv.Atoi(part); err != nil || n > 10000 {
				panic(awkError{fmt.Errorf("printf's width %s is too large", part)})
			}
		}
		switch verb {
		case 'd', 'i':
			fmt.Fprintf(&b, spec+"d", int64(arg().number()))
		case 'o', 'x', 'X', 'u':
			fmt.Fprintf(&b, spec+string(map[byte]byte{'u': 'd', 'o': 'o', 'x': 'x', 'X': 'X'}[verb]), int64(arg().number()))
		case 'f', 'F', 'e', 'E', 'g', 'G':
			fmt.Fprintf(&b, spec+string(verb), arg().number())
		case 'c':
			v := arg()
			if v.isNum && !v.isStr {
				fmt.Fprintf(&b, spec+"c", rune(v.f))
			} else {
				fmt.Fprintf(&b, spec+"s", v.s[:min(1, len(v.s))])
			}
		case 's':
			fmt.Fprintf(&b, spec+"s", arg().String())
		default:
			b.WriteString(spec + string(verb))
		}
	}
	return b.String()
}

func (r *awkRun) call(n *awkNode) awkValue {
	arg := func(i int) awkValue {
		if i >= len(n.kids) {
			return awkValue{}
		}
		return r.eval(n.kids[i])
	}
	switch n.text {
	case "length":
		if len(n.kids) == 0 {
			return num(float64(len([]rune(r.line))))
		}
		if k := n.kids[0]; k.op == "var" && r.arrays[k.text] != nil {
			return num(float64(len(r.arrays[k.text])))
		}
		return num(float64(len([]rune(arg(0).String()))))
	case "substr":
		s := []rune(arg(0).String())
		from := int(math.Round(arg(1).number()))
		to := len(s) + 1
		if len(n.kids) > 2 {
			to = min(to, from+int(math.Round(arg(2).number())))
		}
		from = max(from, 1)
		if from >= to || from > len(s) {
			return text("")
		}
		return text(string(s[from-1 : to-1]))
	case "index":
		s, part := arg(0).String(), arg(1).String()
		at := strings.Index(s, part)
		return num(float64(len([]rune(s[:max(at, 0)])) + map[bool]int{true: 1}[at >= 0]))
	case "split":
		sep := r.vars["FS"].String()
		if len(n.kids) > 2 {
			if sep = n.kids[2].text; n.kids[2].op != "re" {
				sep = arg(2).String()
			}
		}
		if len(n.kids) < 2 || n.kids[1].op != "var" {
			panic(awkError{errors.New("split needs a text and an array")})
		}
		items := map[string]awkValue{}
		parts := r.split(arg(0).String(), sep)
		for i, part := range parts {
			items[strconv.Itoa(i+1)] = input(part)
		}
		r.arrays[n.kids[1].text] = items
		return num(float64(len(parts)))
	case "sub", "gsub":
		return r.replace(n)
	case "gensub":
		how := arg(2).String()
		limit := -1
		if k, err := strconv.Atoi(how); err == nil {
			limit = k
		}
		s := r.line
		if len(n.kids) > 3 {
			s = arg(3).String()
		}
		out, _ := substituted(r.expression(n.kids[0]), arg(1).String(), s, limit, true)
		return text(out)
	case "match":
		s := arg(0).String()
		m := r.expression(n.kids[1]).FindStringIndex(s)
		if m == nil {
			r.vars["RSTART"], r.vars["RLENGTH"] = num(0), num(-1)
			return num(0)
		}
		start := float64(len([]rune(s[:m[0]])) + 1)
		r.vars["RSTART"], r.vars["RLENGTH"] = num(start), num(float64(len([]rune(s[m[0]:m[1]]))))
		return num(start)
	case "sprintf":
		return text(r.format(n.kids))
	case "tolower":
		return text(strings.ToLower(arg(0).String()))
	case "toupper":
		return text(strings.ToUpper(arg(0).String()))
	case "int":
		return num(math.Trunc(arg(0).number()))
	case "systime":
		return num(float64(time.Now().Unix()))
	case "strftime":
		at := time.Now()
		if len(n.kids) > 1 {
			at = time.Unix(int64(arg(1).number()), 0)
		}
		return text(timefmt.Format(at.UTC(), arg(0).String()))
	case "rand", "srand":
		return num(0)
	case "atan2":
		return num(math.Atan2(arg(0).number(), arg(1).number()))
	}
	f := map[string]func(float64) float64{"sqrt": math.Sqrt, "exp": math.Exp, "log": math.Log, "sin": math.Sin, "cos": math.Cos}[n.text]
	return num(f(arg(0).number()))
}

// replace is sub and gsub.
func (r *awkRun) replace(n *awkNode) awkValue {
	if len(n.kids) < 2 {
		panic(awkError{fmt.Errorf("%s needs a pattern and a text", n.text)})
	}
	target := &awkNode{op: "field", kids: []*awkNode{{op: "num"}}}
	if len(n.kids) > 2 {
		target = n.kids[2]
	}
	limit := -1
	if n.text == "sub" {
		limit = 1
	}
	out, count := substituted(r.expression(n.kids[0]), r.eval(n.kids[1]).String(), r.eval(target).String(), limit, false)
	if len(out) > maxText {
		panic(awkError{errors.New("a text grew too long")})
	}
	if count > 0 {
		r.assign(target, text(out))
	}
	return num(float64(count))
}

// substituted puts text where a pattern is: & is what was found, \& a plain one. With groups, \1 is a group and a
// positive limit means only that occurrence; without, at most limit are replaced.
func substituted(re *regexp.Regexp, with, s string, limit int, groups bool) (string, int) {
	var b strings.Builder
	last, count := 0, 0
	for i, m := range re.FindAllStringSubmatchIndex(s, -1) {
		if limit > 0 && (groups && i+1 != limit || !groups && count >= limit) {
			continue
		}
		b.WriteString(s[last:m[0]])
		for k := 0; k < len(with); k++ {
			switch c := with[k]; {
			case c == '\\' && k+1 < len(with):
				k++
				g := int(with[k] - '0')
				if groups && g >= 0 && g <= 9 {
					if 2*g+1 < len(m) && m[2*g] >= 0 {
						b.WriteString(s[m[2*g]:m[2*g+1]])
					}
				} else {
					b.WriteByte(with[k])
				}
			case c == '&':
				b.WriteString(s[m[0]:m[1]])
			default:
				b.WriteByte(c)
			}
		}
		last = m[1]
		count++
	}
	b.WriteString(s[last:])
	return b.String(), count
}
