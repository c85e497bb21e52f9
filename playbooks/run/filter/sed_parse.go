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
	kind  byte // n: a line's number; ~: first~step; $: the last one; /: a pattern; as the second also + and m (~N)
	line  int
	step  int
	re    *regexp.Regexp
	again bool // the pattern that was used last
}

func (a sedAddress) given() bool { return a.kind != 0 }

// sedCommand is one command; a block's { has the place after its }.
type sedCommand struct {
	from, to sedAddress
	not      bool
	name     byte
	re       *regexp.Regexp
	again    bool // the pattern that was used last
	groups   int  // the highest group that with names
	with     []sedPiece
	text     string
	global   bool
	print    bool
	nth      int
	table    map[rune]rune
	end      int // of a block
	active   bool
	began    bool // 0,/re/ did
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
	quiet  bool // #n
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
	if len(p.text) > maxProgram {
		return errTooLong
	}
	p.quiet = p.text == "#n" || strings.HasPrefix(p.text, "#n\n")
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

// number reads a number; one that is too large for every text is the largest.
func (p *sedParser) number() int {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	n, err := strconv.Atoi(p.text[start:p.at])
	switch {
	case start == p.at:
		return 0
	case err != nil || n > 1<<30:
		return 1 << 30
	}
	return n
}

func (p *sedParser) address(second bool) (a sedAddress, err error) {
	switch c := p.peek(); {
	case c >= '0' && c <= '9':
		a.kind = 'n'
		a.line = p.number()
		if p.peek() == '~' {
			p.at++
			if a.step = p.number(); a.step > 0 {
				a.kind = '~'
			}
		}
		if second && a.kind == '~' {
			return a, errors.New("a range cannot end with first~step here")
		}
	case c == '$':
		p.at++
		a.kind = '$'
	case (c == '+' || c == '~') && second:
		p.at++
		if a.kind, a.line = '+', p.number(); c == '~' {
			a.kind = 'm'
		}
	case c == '/' || c == '\\':
		if c == '\\' {
			if p.at++; p.peek() == 0 || p.peek() == '\n' || p.peek() == '\\' {
				return a, errors.New("a pattern needs what it ends with")
			}
		}
		text, err := p.delimited(true)
		if err != nil {
			return a, err
		}
		var flags string
		for p.at < len(p.text) && (p.peek() == 'I' || p.peek() == 'M') {
			flags += string(p.peek())
			p.at++
		}
		a.kind = '/'
		if a.re, a.again, err = p.regexp(text, flags); err != nil {
			return a, err
		}
	}
	return a, nil
}

// delimited reads a text up to the delimiter at which it stands.
func (p *sedParser) delimited(pattern bool) (string, error) {
	if p.at >= len(p.text) {
		return "", errors.New("the program ends too early")
	}
	end := p.text[p.at]
	p.at++
	return p.more(end, pattern)
}

// more reads up to a delimiter. Inside a pattern's list it ends nothing.
func (p *sedParser) more(end byte, pattern bool) (string, error) {
	var b strings.Builder
	for ; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == end:
			p.at++
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			if p.text[p.at] != end {
				b.WriteByte('\\')
			}
			b.WriteByte(p.text[p.at])
		case c == '\n' && pattern:
			return "", fmt.Errorf("a %c is missing", end)
		case c == '[' && pattern:
			length, _, err := bracket(p.text[p.at:], basic)
			if err != nil {
				return "", err
			}
			b.WriteString(p.text[p.at : p.at+max(length, 1)])
			p.at += max(length, 1) - 1
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a %c is missing", end)
}

// regexp makes a pattern; an empty one is the one that was used last.
func (p *sedParser) regexp(text, flags string) (re *regexp.Regexp, again bool, err error) {
	if text == "" {
		if flags != "" {
			return nil, false, errors.New("an empty pattern cannot have flags")
		}
		return nil, true, nil
	}
	re, err = compileLines(text, p.form, strings.Contains(flags, "I"), strings.Contains(flags, "M"))
	return re, false, err
}

func (p *sedParser) command() error {
	c := &sedCommand{}
	var err error
	if c.from, err = p.address(false); err != nil {
		return err
	}
	p.skip(" \t")
	if p.peek() == ',' && !c.from.given() {
		return errors.New("a range has no beginning")
	}
	if p.peek() == ',' {
		p.at++
		p.skip(" \t")
		if c.to, err = p.address(true); err != nil {
			return err
		}
		if !c.to.given() {
			return errors.New("a range has no end")
		}
	}
	if c.from.kind == 'n' && c.from.line == 0 && c.to.kind != '/' {
		return errors.New("there is no line 0; 0,/pattern/ is the only use of it")
	}
	p.skip(" \t")
	for p.peek() == '!' {
		if c.not {
			return errors.New("there are two ! beside each other")
		}
		c.not = true
		p.at++
		p.skip(" \t")
	}
	if p.at >= len(p.text) {
		return errors.New("a command is missing")
	}
	c.name = p.peek()
	p.at++
	if c.from.given() && (c.name == ':' || c.name == '}') || c.to.given() && (c.name == 'q' || c.name == 'Q') {
		return fmt.Errorf("%c cannot have that address", c.name)
	}
	switch c.name {
	case '{':
		p.open = append(p.open, len(p.prog))
	case '}':
		if len(p.open) == 0 {
			return errors.New("a } has no {")
		}
		p.prog[p.open[len(p.open)-1]].end = len(p.prog)
		p.open = p.open[:len(p.open)-1]
		return p.ended()
	case 's':
		if err := p.substitute(c); err != nil {
			return err
		}
	case 'y':
		if err := p.transliterate(c); err != nil {
			return err
		}
	case 'a', 'i', 'c':
		if err := p.lines(c); err != nil {
			return err
		}
	case ':':
		p.skip(" \t")
		label := strings.TrimSpace(p.until(";\n"))
		if _, twice := p.labels[label]; twice || label == "" {
			return errors.New("a : needs a label of its own")
		}
		p.labels[label] = len(p.prog)
		return nil
	case 'b', 't', 'T':
		p.skip(" \t")
		c.text = strings.TrimSpace(p.until(";\n}"))
	case 'q', 'Q':
		p.skip(" \t")
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
	if c.name == '{' {
		return nil
	}
	return p.ended()
}

// ended refuses what stands behind a command and belongs to no other one.
func (p *sedParser) ended() error {
	p.skip(" \t")
	if c := p.peek(); p.at < len(p.text) && strings.IndexByte(";\n}#", c) < 0 {
		return fmt.Errorf("%q stands behind a command", string(c))
	}
	return nil
}

// lines reads the text of a, i and c. A backslash in front of a line's end means that the text goes on.
func (p *sedParser) lines(c *sedCommand) error {
	p.skip(" \t")
	if p.peek() == '\\' {
		p.at++
		was := p.at
		if p.skip(" \t"); p.peek() == '\n' {
			p.at++
		} else {
			p.at = was
		}
	} else if p.at >= len(p.text) || p.peek() == '\n' {
		return fmt.Errorf("%c needs a text", c.name)
	}
	var b strings.Builder
	for ; p.at < len(p.text) && p.text[p.at] != '\n'; p.at++ {
		if p.text[p.at] == '\\' && p.at+1 < len(p.text) {
			p.at++
			if p.plain(&b) {
				continue
			}
		}
		b.WriteByte(p.text[p.at])
	}
	c.text = b.String()
	return nil
}

// plain writes the character that a letter after a backslash stands for; false: it stands for itself.
func (p *sedParser) plain(b *strings.Builder) bool {
	base, digits := 0, 0
	switch c := p.text[p.at]; c {
	case 'a', 'f', 'n', 'r', 't', 'v':
		b.WriteByte("\a\f\n\r\t\v"[strings.IndexByte("afnrtv", c)])
		return true
	case 'x':
		base, digits = 16, 2
	case 'o':
		base, digits = 8, 3
	case 'd':
		base, digits = 10, 3
	default:
		return false
	}
	for n := min(digits, len(p.text)-p.at-1); n > 0; n-- {
		if code, err := strconv.ParseUint(p.text[p.at+1:p.at+1+n], base, 16); err == nil {
			b.WriteByte(byte(code))
			p.at += n
			return true
		}
	}
	return false
}

func (p *sedParser) substitute(c *sedCommand) error {
	end := p.peek()
	if end == 0 || end == '\n' || end == '\\' {
		return errors.New("s needs a pattern and a replacement")
	}
	pattern, err := p.delimited(true)
	if err != nil {
		return err
	}
	if c.with, err = p.replacement(end); err != nil {
		return err
	}
	flags := ""
	for ; p.at < len(p.text); p.at++ {
		f := p.text[p.at]
		switch {
		case f == 'g':
			c.global = true
		case f == 'p':
			c.print = true
		case f == 'i' || f == 'I':
			flags += "I"
		case f == 'm' || f == 'M':
			flags += "M"
		case f == ' ' || f == '\t':
		case f >= '1' && f <= '9':
			c.nth = p.number()
			p.at--
		case f == 'w' || f == 'e':
			return shell.Refusef("sed's s///%c reaches outside of the step.", f)
		default:
			return p.pattern(c, pattern, flags)
		}
	}
	return p.pattern(c, pattern, flags)
}

// pattern gives a substitution its pattern.
func (p *sedParser) pattern(c *sedCommand, text, flags string) (err error) {
	for _, piece := range c.with {
		c.groups = max(c.groups, piece.group)
	}
	if c.re, c.again, err = p.regexp(text, flags); err == nil && c.re != nil && c.groups > c.re.NumSubexp() {
		return errNoGroup
	}
	return err
}

var errNoGroup = errors.New("the replacement names a group that the pattern does not have")

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
			case c == end:
				b.WriteByte(c)
			case strings.IndexByte("ULEul", c) >= 0:
				flush()
				out = append(out, sedPiece{group: -1, fold: c})
			case p.plain(&b):
			default:
				b.WriteByte(c)
			}
		case c == '\n':
			return nil, fmt.Errorf("a %c is missing", end)
		default:
			b.WriteByte(c)
		}
	}
	return nil, fmt.Errorf("a %c is missing", end)
}

func (p *sedParser) transliterate(c *sedCommand) error {
	end := p.peek()
	if end == 0 || end == '\n' || end == '\\' {
		return errors.New("y needs two texts")
	}
	from, err := p.delimited(false)
	if err != nil {
		return err
	}
	to, err := p.more(end, false)
	if err != nil {
		return err
	}
	a, b := []rune(unescaped(from)), []rune(unescaped(to))
	if len(a) != len(b) {
		return errors.New("y needs two texts of the same length")
	}
	c.table = map[rune]rune{}
	for i := range a {
		if _, twice := c.table[a[i]]; !twice {
			c.table[a[i]] = b[i]
		}
	}
	return nil
}

// unescaped is a text of y without its backslashes.
func unescaped(text string) string {
	var b strings.Builder
	p := &sedParser{text: text}
	for ; p.at < len(text); p.at++ {
		if text[p.at] == '\\' && p.at+1 < len(text) {
			p.at++
			if p.plain(&b) {
				continue
			}
		}
		b.WriteByte(text[p.at])
	}
	return b.String()
}
