package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/timefmt-go"

	"muster/playbooks/run/shell"
)

// maxText bounds one value of a program.
const maxText = 64 << 20

var awkOptions = option{valued: "Fv", long: map[string]byte{"field-separator": 'F', "assign": 'v'}}

// awk runs an awk program over the lines of the standard input: patterns, fields, BEGIN and END, print and printf,
// arithmetic, comparisons, expressions, variables, arrays, if, while and for, and awk's own functions. It has no files,
// no programs, no environment and no functions of its own.
func awk(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := awkOptions.options(args, 1)
	if err != nil {
		return err
	}
	if len(g.words) == 0 {
		return errors.New("it needs a program")
	}
	rules, err := awkParse(g.words[0])
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	r := &awkRun{
		ctx: ctx, in: bufio.NewReaderSize(s.In, 64<<10), out: out, rules: rules, cache: map[string]*regexp.Regexp{},
		vars:   map[string]awkValue{"FS": text(" "), "OFS": text(" "), "ORS": text("\n"), "RS": text("\n"), "SUBSEP": text("\x1c"), "CONVFMT": text("%.6g"), "OFMT": text("%.6g")},
		arrays: map[string]map[string]awkValue{},
	}
	for _, v := range g.values['v'] {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return fmt.Errorf("-v needs name=value")
		}
		plain, _, err := awkString(strings.ReplaceAll(value, `"`, `\"`) + `"`)
		if err != nil {
			return err
		}
		r.vars[name] = input(plain)
	}
	if sep := g.value('F', ""); sep != "" {
		if sep == "t" || sep == `\t` {
			sep = "\t"
		}
		r.vars["FS"] = text(sep)
	}
	defer func() {
		switch end := recover().(type) {
		case nil:
		case awkExit:
			if err == nil && end.code != 0 {
				err = shell.Exit(uint8(end.code))
			}
		case awkError:
			err = end.error
		default:
			panic(end)
		}
	}()
	r.run()
	return nil
}

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

// What ends a part of a program early.
type (
	awkNext  struct{}
	awkBreak struct{}
	awkCont  struct{}
	awkExit  struct{ code int }
)

type awkRun struct {
	ctx    context.Context
	in     *bufio.Reader
	out    *bufio.Writer
	rules  []*awkRule
	vars   map[string]awkValue
	arrays map[string]map[string]awkValue
	line   string
	fields []string
	nr     int
	steps  int
	cache  map[string]*regexp.Regexp
}

func (r *awkRun) run() {
	code, ended := 0, false
	part := func(do func()) {
		defer func() {
			switch end := recover().(type) {
			case nil:
			case awkExit:
				code, ended = end.code, true
			default:
				panic(end)
			}
		}()
		do()
	}
	reads := false
	for _, rule := range r.rules {
		if rule.begin && !ended {
			part(func() { r.exec(rule.action) })
		}
		reads = reads || !rule.begin
	}
	for reads && !ended {
		line, err := readLine(r.in)
		if err != nil {
			if ignoreEOF(err) != nil {
				panic(awkError{err})
			}
			break
		}
		r.nr++
		r.setLine(line)
		part(r.record)
	}
	for _, rule := range r.rules {
		if rule.end && !ended {
			part(func() { r.exec(rule.action) })
		}
	}
	if code != 0 {
		panic(awkExit{code})
	}
}

// record runs the rules over one line.
func (r *awkRun) record() {
	defer func() {
		if end := recover(); end != nil {
			if _, ok := end.(awkNext); !ok {
				panic(end)
			}
		}
	}()
	for _, rule := range r.rules {
		if rule.begin || rule.end || !r.applies(rule) {
			continue
		}
		if rule.action == nil {
			put(r.out, r.line+r.vars["ORS"].String())
			continue
		}
		r.exec(rule.action)
	}
}

func (r *awkRun) applies(rule *awkRule) bool {
	switch {
	case rule.from == nil:
		return true
	case rule.to == nil:
		return r.eval(rule.from).yes()
	case !rule.active && !r.eval(rule.from).yes():
		return false
	}
	rule.active = !r.eval(rule.to).yes()
	return true
}

func (r *awkRun) setLine(line string) {
	r.line = line
	r.fields = r.split(line, r.vars["FS"].String())
}

func (r *awkRun) split(line, sep string) []string {
	switch {
	case sep == " ":
		return strings.Fields(line)
	case line == "":
		return nil
	case sep == "":
		return strings.Split(line, "")
	case len(sep) == 1 && sep != "\\":
		return strings.Split(line, sep)
	}
	return r.pattern(sep).Split(line, -1)
}

func (r *awkRun) pattern(p string) *regexp.Regexp {
	if re := r.cache[p]; re != nil {
		return re
	}
	re, err := compile(p, extended, false)
	if err != nil {
		panic(awkError{err})
	}
	if len(r.cache) < 1000 {
		r.cache[p] = re
	}
	return re
}

// tick ends a program whose time is over.
func (r *awkRun) tick() {
	if r.steps++; r.steps%checkEvery == 0 && r.ctx.Err() != nil {
		panic(awkError{context.Cause(r.ctx)})
	}
}

func (r *awkRun) exec(n *awkNode) {
	r.tick()
	switch n.op {
	case "block":
		for _, k := range n.kids {
			r.exec(k)
		}
	case "do it":
		r.eval(n.kids[0])
	case "print":
		if len(n.kids) == 0 {
			put(r.out, r.line+r.vars["ORS"].String())
			return
		}
		var words []string
		for _, k := range n.kids {
			words = append(words, r.eval(k).String())
		}
		put(r.out, strings.Join(words, r.vars["OFS"].String())+r.vars["ORS"].String())
	case "printf":
		put(r.out, r.format(n.kids))
	case "if":
		if r.eval(n.kids[0]).yes() {
			r.exec(n.kids[1])
		} else if len(n.kids) > 2 {
			r.exec(n.kids[2])
		}
	case "while":
		for r.eval(n.kids[0]).yes() && r.round(n.kids[1]) {
		}
	case "do":
		for r.round(n.kids[0]) && r.eval(n.kids[1]).yes() {
		}
	case "for":
		r.exec(n.kids[0])
		for r.eval(n.kids[1]).yes() && r.round(n.kids[3]) {
			r.exec(n.kids[2])
		}
	case "forin":
		keys := slices.SortedFunc(maps.Keys(r.arrays[n.kids[0].text]), func(a, b string) int { return versions(a, b) })
		for _, k := range keys {
			r.vars[n.text] = input(k)
			if !r.round(n.kids[1]) {
				break
			}
		}
	case "delete":
		if len(n.kids) == 0 {
			clear(r.arrays[n.text])
		} else {
			delete(r.arrays[n.text], r.key(n.kids))
		}
	case "next":
		panic(awkNext{})
	case "break":
		panic(awkBreak{})
	case "continue":
		panic(awkCont{})
	case "exit":
		code := 0
		if len(n.kids) > 0 {
			code = int(r.eval(n.kids[0]).number()) & 255
		}
		panic(awkExit{code})
	}
}

// round runs a loop's body once; false: it was left.
func (r *awkRun) round(body *awkNode) (more bool) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case awkBreak:
			more = false
		case awkCont:
			more = true
		default:
			panic(end)
		}
	}()
	r.exec(body)
	return true
}

func (r *awkRun) key(kids []*awkNode) string {
	var parts []string
	for _, k := range kids {
		parts = append(parts, r.eval(k).String())
	}
	return strings.Join(parts, r.vars["SUBSEP"].String())
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
