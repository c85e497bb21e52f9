package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"muster/playbooks/run/shell"
)

var sedOptions = option{flags: "nErsuz", valued: "e", long: map[string]byte{"quiet": 'n', "silent": 'n', "regexp-extended": 'E', "expression": 'e', "posix": 's'}}

// checkEvery is after how many commands of a sed or awk program its time is looked at.
const checkEvery = 1024

// sed edits lines: addresses (numbers, $, /re/, ranges, !), s y d p q = a i c n N D G g H h x P, blocks and branches.
func sed(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := sedOptions.options(args, 1)
	if err != nil {
		return err
	}
	programs := g.values['e']
	if len(programs) == 0 {
		if len(g.words) == 0 {
			return errors.New("it needs a program")
		}
		programs, g.words = g.words[:1], nil
	}
	if len(g.words) > 0 {
		return shell.Refusef("sed reads only its standard input here: there is no file %q.", g.words[0])
	}
	form := basic
	if g.set['E'] || g.set['r'] {
		form = extended
	}
	p := &sedParser{text: strings.Join(programs, "\n"), form: form, labels: map[string]int{}}
	if err := p.parse(); err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	return (&sedRun{ctx: ctx, in: bufio.NewReaderSize(s.In, 64<<10), out: out, prog: p.prog, labels: p.labels, quiet: g.set['n']}).run()
}

// sedAddress chooses lines; the zero value is none.
type sedAddress struct {
	line int // >0
	step int // first~step
	last bool
	re   *regexp.Regexp
	plus int // as the second: this many lines more
}

func (a sedAddress) given() bool {
	return a.line > 0 || a.last || a.re != nil || a.plus > 0 || a.step > 0
}

// sedCommand is one command; a block's { has the place after its }.
type sedCommand struct {
	from, to sedAddress
	not      bool
	name     byte
	re       *regexp.Regexp
	with     []sedPiece
	text     string
	global   bool
	print    bool
	nth      int
	table    map[rune]rune
	end      int // of a block
	active   bool
	until    int
}

// sedPiece is a part of a replacement: text, or a group (-1: text).
type sedPiece struct {
	text  string
	group int
	fold  byte // U, L, u, l, E: how what follows is written
}

type sedParser struct {
	text   string
	at     int
	form   syntaxOf
	prog   []*sedCommand
	open   []int
	labels map[string]int
	lastRE *regexp.Regexp
}

func (p *sedParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *sedParser) skip(set string) {
	for p.at < len(p.text) && strings.IndexByte(set, p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *sedParser) parse() error {
	for {
		p.skip(" \t\n;")
		if p.at >= len(p.text) {
			break
		}
		if p.peek() == '#' {
			p.until("\n")
			continue
		}
		if err := p.command(); err != nil {
			return err
		}
	}
	if len(p.open) > 0 {
		return errors.New("a { has no }")
	}
	for _, c := range p.prog {
		if strings.IndexByte("btT", c.name) >= 0 && c.text != "" {
			if _, ok := p.labels[c.text]; !ok {
				return fmt.Errorf("there is no label %q", c.text)
			}
		}
	}
	return nil
}

func (p *sedParser) until(stop string) string {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(stop, p.text[p.at]) < 0 {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *sedParser) number() int {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	n, err := strconv.Atoi(p.text[start:p.at])
	if err != nil {
		return 0
	}
	return n
}

func (p *sedParser) address(second bool) (a sedAddress, err error) {
	switch c := p.peek(); {
	case c >= '0' && c <= '9':
		a.line = p.number()
		if p.peek() == '~' {
			p.at++
			a.step = max(1, p.number())
		}
	case c == '$':
		p.at++
		a.last = true
	case c == '+' && second:
		p.at++
		a.plus = max(1, p.number())
	case c == '/' || c == '\\':
		if c == '\\' {
			p.at++
		}
		text, err := p.delimited()
		if err != nil {
			return a, err
		}
		ignore := p.peek() == 'I'
		if ignore {
			p.at++
		}
		if a.re, err = p.regexp(text, ignore); err != nil {
			return a, err
		}
	}
	return a, nil
}

// delimited reads a text up to the delimiter at which it stands.
func (p *sedParser) delimited() (string, error) {
	if p.at >= len(p.text) {
		return "", errors.New("the program ends too early")
	}
	end := p.text[p.at]
	p.at++
	return p.more(end)
}

func (p *sedParser) more(end byte) (string, error) {
	var b strings.Builder
	class := false
	for ; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			if p.text[p.at] != end || end == '|' || end == '(' {
				b.WriteByte('\\')
			}
			b.WriteByte(p.text[p.at])
			continue
		case c == '[' && !class:
			class = true
		case c == ']':
			class = false
		case c == end && !class:
			p.at++
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("a %c is missing", end)
}

func (p *sedParser) regexp(text string, ignore bool) (*regexp.Regexp, error) {
	if text == "" {
		if p.lastRE == nil {
			return nil, errors.New("there is no earlier pattern")
		}
		return p.lastRE, nil
	}
	re, err := compile(text, p.form, ignore)
	p.lastRE = re
	return re, err
}

func (p *sedParser) command() error {
	c := &sedCommand{}
	var err error
	if c.from, err = p.address(false); err != nil {
		return err
	}
	p.skip(" \t")
	if c.from.given() && p.peek() == ',' {
		p.at++
		p.skip(" \t")
		if c.to, err = p.address(true); err != nil {
			return err
		}
		if !c.to.given() {
			return errors.New("a range has no end")
		}
	}
	p.skip(" \t")
	for p.peek() == '!' {
		c.not = true
		p.at++
		p.skip(" \t")
	}
	c.name = p.peek()
	p.at++
	switch c.name {
	case '{':
		p.open = append(p.open, len(p.prog))
	case '}':
		if len(p.open) == 0 {
			return errors.New("a } has no {")
		}
		p.prog[p.open[len(p.open)-1]].end = len(p.prog)
		p.open = p.open[:len(p.open)-1]
		return nil
	case 's':
		if err := p.substitute(c); err != nil {
			return err
		}
	case 'y':
		if err := p.transliterate(c); err != nil {
			return err
		}
	case 'a', 'i', 'c':
		p.skip(" \t")
		if p.peek() == '\\' {
			p.at++
			p.skip(" \t")
			if p.peek() == '\n' {
				p.at++
			}
		}
		c.text = strings.ReplaceAll(p.until("\n"), `\t`, "\t")
	case ':':
		p.skip(" ")
		p.labels[strings.TrimSpace(p.until(";\n"))] = len(p.prog)
		return nil
	case 'b', 't', 'T':
		p.skip(" \t")
		c.text = strings.TrimSpace(p.until(";\n}"))
	case 'q', 'Q':
		p.skip(" ")
		c.nth = p.number()
	case 'd', 'D', 'p', 'P', 'n', 'N', 'g', 'G', 'h', 'H', 'x', '=', 'z':
	case 'w', 'W', 'r', 'R':
		return shell.Refusef("sed's %c needs a file, and there are none here.", c.name)
	case 'e':
		return shell.Refusal("sed's e would start a program, and none runs here.")
	default:
		return fmt.Errorf("there is no command %q", c.name)
	}
	p.prog = append(p.prog, c)
	return nil
}

func (p *sedParser) substitute(c *sedCommand) error {
	end := p.peek()
	if end == 0 || end == '\n' || end == '\\' {
		return errors.New("s needs a pattern and a replacement")
	}
	pattern, err := p.delimited()
	if err != nil {
		return err
	}
	with, err := p.replacement(end)
	if err != nil {
		return err
	}
	ignore := false
	for ; p.at < len(p.text); p.at++ {
		f := p.text[p.at]
		switch {
		case f == 'g':
			c.global = true
		case f == 'p':
			c.print = true
		case f == 'i' || f == 'I':
			ignore = true
		case f == 'm' || f == 'M':
		case f >= '1' && f <= '9':
			c.nth = p.number()
			p.at--
		case f == 'w' || f == 'e':
			return shell.Refusef("sed's s///%c reaches outside of the step.", f)
		default:
			goto flags
		}
	}
flags:
	c.with = with
	c.re, err = p.regexp(pattern, ignore)
	return err
}

// replacement reads the second part of s: \1, &, \n and cases.
func (p *sedParser) replacement(end byte) ([]sedPiece, error) {
	var out []sedPiece
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, sedPiece{text: b.String(), group: -1})
			b.Reset()
		}
	}
	for ; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == end:
			p.at++
			flush()
			return out, nil
		case c == '&':
			flush()
			out = append(out, sedPiece{})
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			switch c = p.text[p.at]; {
			case c >= '0' && c <= '9':
				flush()
				out = append(out, sedPiece{group: int(c - '0')})
			case c == 'n':
				b.WriteByte('\n')
			case c == 't':
				b.WriteByte('\t')
			case strings.IndexByte("ULEul", c) >= 0:
				flush()
				out = append(out, sedPiece{group: -1, fold: c})
			default:
				b.WriteByte(c)
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil, fmt.Errorf("a %c is missing", end)
}

func (p *sedParser) transliterate(c *sedCommand) error {
	end := p.peek()
	from, err := p.delimited()
	if err != nil {
		return err
	}
	to, err := p.more(end)
	if err != nil {
		return err
	}
	a, b := []rune(from), []rune(to)
	if len(a) != len(b) {
		return errors.New("y needs two texts of the same length")
	}
	c.table = map[rune]rune{}
	for i := range a {
		c.table[a[i]] = b[i]
	}
	return nil
}

// sedRun is a program under way.
type sedRun struct {
	ctx    context.Context
	in     *bufio.Reader
	out    *bufio.Writer
	prog   []*sedCommand
	labels map[string]int
	quiet  bool

	line     int
	space    string
	hold     string
	next     string
	more     bool
	began    bool
	replaced bool
	appended []string
	steps    int
}

// fetch reads the next line; false: there is none.
func (r *sedRun) fetch() (bool, error) {
	if !r.began {
		r.began = true
		if err := r.ahead(); err != nil {
			return false, err
		}
	}
	if !r.more {
		return false, nil
	}
	r.space = r.next
	r.line++
	return true, r.ahead()
}

func (r *sedRun) ahead() error {
	line, err := readLine(r.in)
	r.next, r.more = line, err == nil
	return ignoreEOF(err)
}

func (r *sedRun) run() error {
	for {
		ok, err := r.fetch()
		if err != nil || !ok {
			return err
		}
		quit, err := r.cycle()
		if err != nil || quit {
			return err
		}
	}
}

func (r *sedRun) flush() {
	for _, text := range r.appended {
		fmt.Fprintln(r.out, text)
	}
	r.appended = nil
}

// cycle runs the program over one line.
func (r *sedRun) cycle() (quit bool, err error) {
	r.replaced = false
restart:
	for pc := 0; pc < len(r.prog); pc++ {
		if r.steps++; r.steps%checkEvery == 0 && r.ctx.Err() != nil {
			return true, context.Cause(r.ctx)
		}
		c := r.prog[pc]
		if r.chosen(c) == c.not {
			if c.name == '{' {
				pc = c.end - 1
			}
			continue
		}
		switch c.name {
		case 's':
			if r.substitute(c) && c.print {
				fmt.Fprintln(r.out, r.space)
			}
		case 'y':
			r.space = strings.Map(func(x rune) rune {
				if to, ok := c.table[x]; ok {
					return to
				}
				return x
			}, r.space)
		case 'd':
			r.flush()
			return false, nil
		case 'D':
			at := strings.IndexByte(r.space, '\n')
			if at < 0 {
				r.flush()
				return false, nil
			}
			r.space = r.space[at+1:]
			goto restart
		case 'p':
			fmt.Fprintln(r.out, r.space)
		case 'P':
			first, _, _ := strings.Cut(r.space, "\n")
			fmt.Fprintln(r.out, first)
		case '=':
			fmt.Fprintln(r.out, r.line)
		case 'a':
			r.appended = append(r.appended, c.text)
		case 'i':
			fmt.Fprintln(r.out, c.text)
		case 'c':
			if !c.to.given() || !c.active {
				fmt.Fprintln(r.out, c.text)
			}
			return false, nil
		case 'q', 'Q':
			if c.name == 'q' {
				r.finish()
			}
			if c.nth > 0 {
				return true, shell.Exit(uint8(c.nth))
			}
			return true, nil
		case 'n':
			r.finish()
			if ok, err := r.fetch(); err != nil || !ok {
				return true, err
			}
		case 'N':
			before := r.space
			ok, err := r.fetch()
			if err != nil {
				return true, err
			}
			if !ok {
				r.finish()
				return true, nil
			}
			r.space = before + "\n" + r.space
			if len(r.space) > maxLine {
				return true, errors.New("the lines that were joined are too long")
			}
		case 'g':
			r.space = r.hold
		case 'G':
			r.space += "\n" + r.hold
		case 'h':
			r.hold = r.space
		case 'H':
			r.hold += "\n" + r.space
		case 'x':
			r.space, r.hold = r.hold, r.space
		case 'z':
			r.space = ""
		case 'b', 't', 'T':
			if c.name == 't' && !r.replaced || c.name == 'T' && r.replaced {
				break
			}
			if c.name == 't' {
				r.replaced = false
			}
			pc = len(r.prog)
			if c.text != "" {
				pc = r.labels[c.text] - 1
			}
		}
		if len(r.space)+len(r.hold) > 4*maxLine {
			return true, errors.New("the text that it works on is too long")
		}
	}
	r.finish()
	return false, nil
}

func (r *sedRun) finish() {
	if !r.quiet {
		fmt.Fprintln(r.out, r.space)
	}
	r.flush()
}

func (r *sedRun) matches(a sedAddress) bool {
	switch {
	case a.step > 0:
		return r.line >= a.line && (r.line-a.line)%a.step == 0
	case a.line > 0:
		return r.line == a.line
	case a.last:
		return !r.more
	case a.re != nil:
		return a.re.MatchString(r.space)
	}
	return true
}

// chosen tells whether a command's addresses mean this line.
func (r *sedRun) chosen(c *sedCommand) bool {
	if !c.to.given() {
		return r.matches(c.from)
	}
	if !c.active {
		if !r.matches(c.from) {
			return false
		}
		c.active = true
		c.until = 0
		switch {
		case c.to.plus > 0:
			c.until = r.line + c.to.plus
		case c.to.line > 0:
			c.until = c.to.line
		}
		if c.until > 0 && c.until <= r.line {
			c.active = false
		}
		return true
	}
	switch {
	case c.until > 0:
		if r.line >= c.until {
			c.active = false
		}
		return r.line <= c.until
	case r.matches(c.to):
		c.active = false
	}
	return true
}

func (r *sedRun) substitute(c *sedCommand) bool {
	limit := -1
	if !c.global && c.nth == 0 {
		limit = 1
	}
	found := c.re.FindAllStringSubmatchIndex(r.space, limit)
	var b strings.Builder
	last, did := 0, false
	for i, m := range found {
		if c.nth > 0 && (i+1 < c.nth || i+1 > c.nth && !c.global) {
			continue
		}
		b.WriteString(r.space[last:m[0]])
		b.WriteString(expand(c.with, r.space, m))
		last, did = m[1], true
	}
	if !did {
		return false
	}
	b.WriteString(r.space[last:])
	r.space, r.replaced = b.String(), true
	return true
}

func expand(pieces []sedPiece, text string, m []int) string {
	var b strings.Builder
	var mode, once byte
	for _, p := range pieces {
		switch p.fold {
		case 'U', 'L':
			mode = p.fold
			continue
		case 'E':
			mode = 0
			continue
		case 'u', 'l':
			once = p.fold
			continue
		}
		s := p.text
		if p.group >= 0 {
			s = ""
			if at := 2 * p.group; at+1 < len(m) && m[at] >= 0 {
				s = text[m[at]:m[at+1]]
			}
		}
		switch mode {
		case 'U':
			s = strings.ToUpper(s)
		case 'L':
			s = strings.ToLower(s)
		}
		if s != "" && once != 0 {
			r := []rune(s)
			if once == 'u' {
				s = strings.ToUpper(string(r[:1])) + string(r[1:])
			} else {
				s = strings.ToLower(string(r[:1])) + string(r[1:])
			}
			once = 0
		}
		b.WriteString(s)
	}
	return b.String()
}
