package filter

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"muster/playbooks/run/shell"
)

// maxText bounds one value of a program; maxHeld all that its variables and arrays hold.
const (
	maxText = 16 << 20
	maxHeld = 128 << 20
)

var (
	errTextTooLong = errors.New("a text grew too long")
	errHeld        = fmt.Errorf("its variables hold more than %d MiB", maxHeld>>20)
)

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
		ctx: ctx, in: bufio.NewReaderSize(s.In, 64<<10), out: out, rules: rules, cache: map[string]*regexp.Regexp{}, random: rand.New(rand.NewPCG(0, 0)),
		vars:   map[string]awkValue{"FS": text(" "), "OFS": text(" "), "ORS": text("\n"), "RS": text("\n"), "SUBSEP": text("\x1c"), "CONVFMT": text("%.6g"), "OFMT": text("%.6g")},
		arrays: map[string]map[string]awkValue{},
	}
	defer func() {
		switch end := recover().(type) {
		case nil:
		case awkExit:
			if end.code != 0 {
				err = shell.Exit(uint8(end.code))
			}
		case awkError:
			err = end.error
		default:
			panic(end)
		}
	}()
	for _, v := range g.values['v'] {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("-v needs name=value")
		}
		r.assign(&awkNode{op: "var", text: name}, input(awkUnescaped(value)))
	}
	if sep := g.value('F', ""); sep != "" {
		if sep == "t" {
			sep = "\t"
		}
		r.vars["FS"] = text(awkUnescaped(sep))
	}
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
	ctx     context.Context
	in      *bufio.Reader
	out     *bufio.Writer
	rules   []*awkRule
	vars    map[string]awkValue
	arrays  map[string]map[string]awkValue
	held    int // bytes in vars and arrays, about
	pending int // bytes of values that wait for another one beside them
	line    string
	fields  []string
	uncut   bool   // fields are not those of the line yet
	lineFS  string // what cuts them
	para    bool   // a line's end cuts them too
	nr      int
	code    int  // what exit said
	writing bool // a number by CONVFMT
	steps   int
	cache   map[string]*regexp.Regexp
	cached  int // bytes of the patterns in cache
	random  *rand.Rand
	seed    float64
}

func (r *awkRun) run() {
	part := func(do func()) (ended bool) {
		defer func() {
			switch end := recover().(type) {
			case nil:
			case awkExit:
				r.code, ended = end.code, true
			default:
				panic(end)
			}
		}()
		do()
		return false
	}
	ended, reads := false, false
	for _, rule := range r.rules {
		if rule.begin && !ended {
			ended = part(func() { r.exec(rule.action) })
		}
		reads = reads || !rule.begin
	}
	for reads && !ended && r.readRecord() {
		ended = part(r.record)
	}
	for _, rule := range r.rules {
		if rule.end && part(func() { r.exec(rule.action) }) {
			break
		}
	}
	if r.code != 0 {
		panic(awkExit{r.code})
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
			r.put(r.line, r.text("ORS"))
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

// put writes texts. When nobody reads them any more, the program is over.
func (r *awkRun) put(texts ...string) {
	for _, t := range texts {
		r.tick(len(t))
		if _, err := r.out.WriteString(t); err != nil {
			panic(awkError{unread(r.ctx)})
		}
	}
}

func (r *awkRun) pattern(p string) *regexp.Regexp {
	if re := r.cache[p]; re != nil {
		return re
	}
	re, err := compile(p, awkish, false)
	if err != nil {
		panic(awkError{err})
	}
	r.tick(16 << 10)
	if r.cached += 100 + len(p); len(r.cache) >= 1000 || r.cached > maxProgram {
		clear(r.cache)
		r.cached = 100 + len(p)
	}
	r.cache[p] = re
	return re
}

// tick ends a program whose time is over; bytes says how much a step has to do.
func (r *awkRun) tick(bytes int) {
	for r.steps += 1 + bytes>>8; r.steps >= checkEvery; r.steps -= checkEvery {
		if r.ctx.Err() != nil {
			panic(awkError{context.Cause(r.ctx)})
		}
	}
}

// made is a text that a program made.
func (r *awkRun) made(s string) awkValue {
	r.fits(len(s))
	return text(s)
}

// fits ends a program that makes a text which is too long.
func (r *awkRun) fits(bytes int) {
	if bytes > maxText || r.pending > 4*maxText {
		panic(awkError{errTextTooLong})
	}
	r.tick(bytes)
}

// hold counts what variables and arrays hold.
func (r *awkRun) hold(bytes int) {
	if r.held += bytes; r.held > maxHeld && bytes > 0 {
		panic(awkError{errHeld})
	}
}

func (r *awkRun) exec(n *awkNode) {
	r.tick(0)
	switch n.op {
	case "block":
		for _, k := range n.kids {
			r.exec(k)
		}
	case "do it":
		r.eval(n.kids[0])
	case "print":
		if len(n.kids) == 0 {
			r.put(r.line, r.text("ORS"))
			return
		}
		kids := n.kids
		var words []string
		for _, v := range r.values(kids) {
			words = append(words, r.shown(v))
		}
		sep := r.text("OFS")
		for i, w := range words {
			if i > 0 {
				r.put(sep)
			}
			r.put(w)
		}
		r.put(r.text("ORS"))
	case "printf":
		r.put(r.format(n.kids))
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
		keys := slices.SortedFunc(maps.Keys(r.arrays[n.kids[0].text]), func(a, b string) int { return cmp.Or(versions(a, b), strings.Compare(a, b)) })
		for _, k := range keys {
			r.assign(&awkNode{op: "var", text: n.text}, input(k))
			if !r.round(n.kids[1]) {
				break
			}
		}
	case "delete":
		if len(n.kids) == 0 {
			r.empty(n.text)
			return
		}
		key := r.key(n.kids)
		if old, ok := r.arrays[n.text][key]; ok {
			r.hold(-itemSize(key, old))
			delete(r.arrays[n.text], key)
		}
	case "next":
		panic(awkNext{})
	case "break":
		panic(awkBreak{})
	case "continue":
		panic(awkCont{})
	case "exit":
		if len(n.kids) > 0 {
			r.code = whole(r.eval(n.kids[0]).number()) & 255
		}
		panic(awkExit{r.code})
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
	if len(kids) == 1 {
		return r.str(r.eval(kids[0]))
	}
	var parts []string
	for _, v := range r.values(kids) {
		parts = append(parts, r.str(v))
	}
	return r.join(parts, r.text("SUBSEP"))
}

// join puts texts together.
func (r *awkRun) join(parts []string, sep string) string {
	size := 0
	for _, p := range parts {
		if size += len(p) + len(sep); size > 2*maxText {
			break
		}
	}
	r.fits(size - len(sep))
	return strings.Join(parts, sep)
}

// empty takes everything out of an array.
func (r *awkRun) empty(array string) {
	for k, v := range r.arrays[array] {
		r.hold(-itemSize(k, v))
	}
	clear(r.arrays[array])
}

// itemSize is about what an array's item takes.
func itemSize(key string, v awkValue) int { return 96 + len(key) + len(v.s) }
