package filter

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var grepOptions = option{flags: "EFGPivwxcnohqsayH\x01", valued: "eABCm", number: 'C', loose: '\x01', long: map[string]byte{
	"ignore-case": 'i', "invert-match": 'v', "count": 'c', "only-matching": 'o', "extended-regexp": 'E', "fixed-strings": 'F', "perl-regexp": 'P',
	"line-number": 'n', "word-regexp": 'w', "line-regexp": 'x', "quiet": 'q', "silent": 'q', "color": '\x01', "colour": '\x01', "line-buffered": '\x01', "no-messages": 's', "with-filename": 'H',
	"basic-regexp": 'G', "text": 'a', "no-filename": 'h',
	"regexp": 'e', "after-context": 'A', "before-context": 'B', "context": 'C', "max-count": 'm',
}}

// grep prints the lines that match; status 1 when none does.
func grep(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := grepOptions.options(args, 1)
	if err != nil {
		return err
	}
	patterns := g.values['e']
	if len(patterns) == 0 {
		if len(g.words) == 0 {
			return fmt.Errorf("it needs a pattern")
		}
		patterns = g.words[:1]
	} else if len(g.words) > 0 && g.words[0] != "-" {
		return shell.Refusef("%s reads only its standard input here: there is no file %q.", args[0], g.words[0])
	}
	m, err := grepPattern(args[0], g, patterns)
	if err != nil {
		return err
	}
	numbers := map[byte]int{'A': 0, 'B': 0, 'm': -1}
	for _, letter := range []byte("CABm") {
		for _, v := range g.values[letter] {
			n, err := wholeNumber(v)
			if err != nil {
				return fmt.Errorf("-%c needs a number, not %q", letter, v)
			}
			if letter == 'C' {
				numbers['A'], numbers['B'] = n, n
			} else {
				numbers[letter] = n
			}
		}
	}
	out, done := buffered(s.Out)
	defer done(&err)
	p := &grepping{given: g, matching: m, after: numbers['A'], before: numbers['B'], most: numbers['m'], print: func(line string) { put(out, line+"\n") },
		groups: g.has('A') || g.has('B') || g.has('C')}
	if p.most == 0 {
		return shell.Exit(1)
	}
	if err := eachLine(ctx, s.In, func(line string) (bool, error) {
		more, err := p.line(line)
		return more && (p.most < 0 || p.found < p.most || p.owed > 0), err
	}); err != nil {
		return err
	}
	if g.set['c'] && !g.set['q'] {
		name := ""
		if g.set['H'] {
			name = "(standard input):"
		}
		fmt.Fprintf(out, "%s%d\n", name, p.found)
	}
	if p.found == 0 {
		return shell.Exit(1)
	}
	return nil
}

// matching finds what a grep looks for.
type matching struct {
	re    *regexp.Regexp
	later *regexp.Regexp // with -w: for what comes after the first match; nil: without -w
}

// aside is a character that is not of a word.
const aside = `[^\pL\pN_]`

func grepPattern(name string, g given, patterns []string) (*matching, error) {
	forms := 0
	for _, letter := range []byte("EFGP") {
		if g.set[letter] {
			forms++
		}
	}
	if forms > 1 {
		return nil, errors.New("of -E, -F, -G and -P it takes one")
	}
	form := basic
	switch {
	case g.set['F'] || name == "fgrep":
		form = fixed
	case g.set['P']:
		form = perl
	case g.set['E'] || name == "egrep":
		form = extended
	}
	var parts []string
	for _, p := range patterns {
		for _, line := range strings.Split(p, "\n") {
			re, err := compile(line, form, false)
			if err != nil {
				return nil, err
			}
			text := re.String()
			if tree, err := syntax.Parse(text, syntax.Perl); err == nil && strings.Contains(text, `\Q`) {
				text = tree.String() // a quote without its end would go on into what follows
			}
			if text = "(?:" + text + ")"; g.set['x'] {
				text = "^" + text + "$"
			}
			parts = append(parts, text)
		}
	}
	expr, fold := strings.Join(parts, "|"), ""
	if g.set['i'] || g.set['y'] {
		fold = "(?i)"
	}
	words := g.set['w'] && !g.set['x']
	if words {
		expr = "(?:^|" + aside + ")(" + expr + ")(?:" + aside + "|$)"
	}
	m := &matching{}
	var err error
	if m.re, err = regexp.Compile(fold + expr); err == nil && words {
		m.later, err = regexp.Compile(fold + aside + strings.TrimPrefix(expr, "(?:^|"+aside+")"))
	}
	if err != nil {
		return nil, fmt.Errorf("the patterns cannot be read together: %w", err)
	}
	if form != perl {
		m.re.Longest()
		if m.later != nil {
			m.later.Longest()
		}
	}
	return m, nil
}

// each gives the matches of a line that are not empty.
func (m *matching) each(line string, do func(string)) {
	if m.later == nil {
		for _, found := range m.re.FindAllString(line, -1) {
			if found != "" {
				do(found)
			}
		}
		return
	}
	at := m.re.FindStringSubmatchIndex(line)
	for at != nil {
		from, to := at[2], at[3]
		if from < to {
			do(line[from:to])
			_, size := utf8.DecodeLastRuneInString(line[:to])
			from = to - size
		}
		line = line[from:]
		at = m.later.FindStringSubmatchIndex(line)
	}
}

// grepping is one grep under way.
type grepping struct {
	given
	*matching
	after, before, most int
	print               func(string)
	groups              bool // a line stands between what does not follow each other

	number, found, last int
	earlier             []string // lines before, for context
	owed                int      // lines of context that follow a match
}

func (p *grepping) line(line string) (more bool, err error) {
	p.number++
	if p.most >= 0 && p.found >= p.most {
		p.owed--
		p.show(line, p.number, "-")
		return true, nil
	}
	if p.re.MatchString(line) == p.set['v'] {
		if p.owed > 0 {
			p.owed--
			p.show(line, p.number, "-")
		} else if p.before > 0 {
			p.earlier = append(p.earlier, line)
			if len(p.earlier) > p.before {
				p.earlier = p.earlier[1:]
			}
		}
		return true, nil
	}
	p.found++
	switch {
	case p.set['q']:
		return false, nil
	case p.set['c']:
		return true, nil
	case p.set['o']:
		if !p.set['v'] {
			p.each(line, func(found string) { p.show(found, p.number, ":") })
		}
		return true, nil
	}
	if p.groups && p.last > 0 && p.number-len(p.earlier) > p.last+1 {
		p.print("--")
	}
	for i, e := range p.earlier {
		p.show(e, p.number-len(p.earlier)+i, "-")
	}
	p.earlier, p.owed = nil, p.after
	p.show(line, p.number, ":")
	return true, nil
}

func (p *grepping) show(line string, number int, mark string) {
	if p.set['q'] || p.set['c'] {
		return
	}
	p.last = number
	if p.set['n'] {
		line = strconv.Itoa(number) + mark + line
	}
	if p.set['H'] {
		line = "(standard input)" + mark + line
	}
	p.print(line)
}
