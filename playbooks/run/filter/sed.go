package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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
