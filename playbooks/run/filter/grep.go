package filter

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"muster/playbooks/run/shell"
)

var grepOptions = option{flags: "EFGPivwxcnohqsaybHZz", valued: "eABCm", long: map[string]byte{
	"ignore-case": 'i', "invert-match": 'v', "count": 'c', "only-matching": 'o', "extended-regexp": 'E', "fixed-strings": 'F', "perl-regexp": 'P',
	"line-number": 'n', "word-regexp": 'w', "line-regexp": 'x', "quiet": 'q', "silent": 'q', "color": 's', "line-buffered": 's', "text": 'a', "no-filename": 'h',
	"regexp": 'e', "after-context": 'A', "before-context": 'B', "context": 'C', "max-count": 'm',
}}

// grep prints the lines that match; status 1 when none does.
func grep(ctx context.Context, s shell.Streams, args []string) (err error) {
	args = numbered(args, 'C')
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
	} else if len(g.words) > 0 {
		return shell.Refusef("%s reads only its standard input here: there is no file %q.", args[0], g.words[0])
	}
	re, err := grepPattern(args[0], g, patterns)
	if err != nil {
		return err
	}
	numbers := map[byte]int{'A': 0, 'B': 0, 'm': -1}
	for _, letter := range []byte("CABm") {
		for _, v := range g.values[letter] {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 || n > 1e6 {
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
	p := &grepping{given: g, re: re, after: numbers['A'], before: numbers['B'], most: numbers['m'], print: func(line string) { put(out, line+"\n") }}
	if err := eachLine(ctx, s.In, p.line); err != nil {
		return err
	}
	if g.set['c'] && !g.set['q'] {
		fmt.Fprintln(out, p.found)
	}
	if p.found == 0 {
		return shell.Exit(1)
	}
	return nil
}

// numbered turns -5 into -C 5 (grep) or -n 5 (head, tail).
func numbered(args []string, letter byte) []string {
	out := append([]string(nil), args...)
	for i, a := range out[1:] {
		if a == "--" {
			break
		}
		if before := out[i]; i > 0 && len(before) == 2 && before[0] == '-' && strings.IndexByte("nceABCm", before[1]) >= 0 && len(args[i]) == 2 {
			continue // it is that option's value
		}
		if len(a) > 1 && a[0] == '-' && strings.Trim(a[1:], "0123456789") == "" {
			out[i+1] = "-" + string(letter) + a[1:]
		}
	}
	return out
}

func grepPattern(name string, g given, patterns []string) (*regexp.Regexp, error) {
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
			part := "(?:" + re.String() + ")"
			if g.set['x'] {
				part = "^" + part + "$"
			} else if g.set['w'] {
				part = `\b` + part + `\b`
			}
			parts = append(parts, part)
		}
	}
	expr := strings.Join(parts, "|")
	if g.set['i'] || g.set['y'] {
		expr = "(?i)" + expr
	}
	return regexp.Compile(expr)
}

// grepping is one grep under way.
type grepping struct {
	given
	re                  *regexp.Regexp
	after, before, most int
	print               func(string)

	number, found, last int
	earlier             []string // lines before, for context
	owed                int      // lines of context that follow a match
}

func (p *grepping) line(line string) (more bool, err error) {
	p.number++
	if p.most >= 0 && p.found >= p.most {
		return false, nil
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
			for _, m := range p.re.FindAllString(line, -1) {
				if m != "" {
					p.show(m, p.number, ":")
				}
			}
		}
		return true, nil
	}
	if (p.before > 0 || p.after > 0) && p.last > 0 && p.number-len(p.earlier) > p.last+1 {
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
	p.print(line)
}
