package filter

import (
	"bufio"
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"muster/playbooks/run/shell"
)

var sedOptions = option{flags: "nErsuz", valued: "e", long: map[string]byte{"quiet": 'n', "silent": 'n', "regexp-extended": 'E', "expression": 'e', "posix": 's', "null-data": 'z'}}

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
	r := &sedRun{ctx: ctx, in: bufio.NewReaderSize(s.In, 64<<10), out: out, prog: p.prog, labels: p.labels, quiet: g.set['n'] || p.quiet, end: '\n'}
	if g.set['z'] {
		r.end = 0
	}
	return r.run()
}

// sedRun is a program under way.
type sedRun struct {
	ctx    context.Context
	in     *bufio.Reader
	out    *bufio.Writer
	prog   []*sedCommand
	labels map[string]int
	quiet  bool
	end    byte // of a line

	line     int
	space    string
	hold     string
	next     string
	more     bool
	began    bool
	replaced bool
	appended []string
	waiting  int // bytes in appended
	last     *regexp.Regexp
	steps    int
	failed   error // what ends the program
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
	line, err := readUntil(r.in, r.end)
	r.next, r.more = line, err == nil
	return ignoreEOF(err)
}

func (r *sedRun) run() error {
	for {
		ok, err := r.fetch()
		if err != nil || !ok {
			return err
		}
		r.replaced = false
		quit, err := r.cycle()
		if err != nil || quit {
			return err
		}
	}
}

// print writes a text and what ends it. When nobody reads it any more, the program is over.
func (r *sedRun) print(text string, end byte) {
	r.steps += len(text) >> 8
	_, _ = r.out.WriteString(text)
	if err := r.out.WriteByte(end); err != nil && r.failed == nil {
		r.failed = unread(r.ctx)
	}
}

func (r *sedRun) flush() {
	for _, text := range r.appended {
		r.print(text, '\n')
	}
	r.appended, r.waiting = nil, 0
}

// tick ends a program whose time is over, or that broke something; the longer its text, the more a step has to do.
func (r *sedRun) tick() error {
	for r.steps += 1 + (len(r.space)+len(r.hold))>>8; r.steps >= checkEvery; r.steps -= checkEvery {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
	}
	if len(r.space)+len(r.hold)+r.waiting > 4*maxLine {
		return errors.New("the text that it works on is too long")
	}
	return r.failed
}

// cycle runs the program over one line.
func (r *sedRun) cycle() (quit bool, err error) {
restart:
	if err := r.tick(); err != nil {
		return true, err
	}
	for pc := 0; pc < len(r.prog); pc++ {
		if err := r.tick(); err != nil {
			return true, err
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
				r.print(r.space, r.end)
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
			return false, r.failed
		case 'D':
			at := strings.IndexByte(r.space, r.end)
			r.flush()
			if at < 0 {
				return false, r.failed
			}
			r.space = r.space[at+1:]
			goto restart
		case 'p':
			r.print(r.space, r.end)
		case 'P':
			first, _, _ := strings.Cut(r.space, string(rune(r.end)))
			r.print(first, r.end)
		case '=':
			r.print(strconv.Itoa(r.line), '\n')
		case 'a':
			r.appended = append(r.appended, c.text)
			r.waiting += 16 + len(c.text)
		case 'i':
			r.print(c.text, '\n')
		case 'c':
			if !c.to.given() || !c.active {
				r.print(c.text, '\n')
			}
			r.flush()
			return false, r.failed
		case 'q', 'Q':
			if c.name == 'q' {
				r.finish()
			}
			if c.nth > 0 && r.failed == nil {
				return true, shell.Exit(uint8(c.nth))
			}
			return true, r.failed
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
				return true, r.failed
			}
			r.flush()
			r.space = before + string(rune(r.end)) + r.space
		case 'g':
			r.space = r.hold
		case 'G':
			r.space += string(rune(r.end)) + r.hold
		case 'h':
			r.hold = r.space
		case 'H':
			r.hold += string(rune(r.end)) + r.space
		case 'x':
			r.space, r.hold = r.hold, r.space
		case 'z':
			r.space = ""
		case 'b', 't', 'T':
			if c.name != 'b' {
				goes := r.replaced == (c.name == 't')
				if r.replaced = false; !goes {
					break
				}
			}
			pc = len(r.prog)
			if c.text != "" {
				pc = r.labels[c.text] - 1
			}
		}
	}
	r.finish()
	return false, r.failed
}

func (r *sedRun) finish() {
	if !r.quiet {
		r.print(r.space, r.end)
	}
	r.flush()
}

// pattern is the pattern that is meant, which is the one that was used last from now on; nil: there is none.
func (r *sedRun) pattern(re *regexp.Regexp, again bool) *regexp.Regexp {
	if again {
		re = r.last
	}
	if re == nil && r.failed == nil {
		r.failed = errors.New("there is no earlier pattern")
	}
	r.last = re
	return re
}

func (r *sedRun) matches(a sedAddress) bool {
	switch a.kind {
	case '~':
		return r.line >= a.line && (r.line-a.line)%a.step == 0
	case 'n':
		return r.line == a.line
	case '$':
		return !r.more
	case '/':
		re := r.pattern(a.re, a.again)
		return re != nil && re.MatchString(r.space)
	}
	return true
}

// chosen tells whether a command's addresses mean this line.
func (r *sedRun) chosen(c *sedCommand) bool {
	if !c.to.given() {
		return r.matches(c.from)
	}
	if c.from.kind == 'n' && c.from.line == 0 && !c.began {
		c.active, c.began = true, true
	}
	if !c.active {
		if !r.matches(c.from) {
			return false
		}
		c.active = true
		c.until = 0
		switch c.to.kind {
		case '+':
			c.until = r.line + c.to.line
		case 'n':
			c.until = max(1, c.to.line)
		case 'm':
			c.until = r.line
			if c.to.line > 0 {
				c.until = (r.line + c.to.line - 1) / c.to.line * c.to.line
			}
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
		return r.line <= c.until || c.to.kind != 'n' // N can go past the end
	case r.matches(c.to):
		c.active = false
	}
	return true
}

func (r *sedRun) substitute(c *sedCommand) bool {
	re := r.pattern(c.re, c.again)
	if re == nil {
		return false
	}
	if c.groups > re.NumSubexp() {
		r.failed = errNoGroup
		return false
	}
	limit := -1
	if !c.global {
		limit = max(1, c.nth)
	}
	places, err := found(re, r.space, limit)
	if err != nil {
		r.failed = err
		return false
	}
	r.steps += len(places)
	var b strings.Builder
	last, did := 0, false
	for i, m := range places {
		if c.nth > 0 && (i+1 < c.nth || i+1 > c.nth && !c.global) {
			continue
		}
		b.WriteString(r.space[last:m[0]])
		b.WriteString(expand(c.with, r.space, m))
		last, did = m[1], true
		if b.Len() > 4*maxLine {
			r.failed = errTextTooLong
			return false
		}
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
		if b.Len() > 4*maxLine {
			break // the caller refuses it
		}
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
