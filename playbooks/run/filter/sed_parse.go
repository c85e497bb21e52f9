package filter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"muster/playbooks/run/shell"
)

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
