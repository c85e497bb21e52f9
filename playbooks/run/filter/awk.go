package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

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
