package filter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muster/playbooks/run/shell"
)

var uniqOptions = option{flags: "cdDiuz", valued: "fsw", long: map[string]byte{"count": 'c', "repeated": 'd', "unique": 'u', "ignore-case": 'i',
	"skip-fields": 'f', "skip-chars": 's', "check-chars": 'w', "all-repeated": 'D'}}

// uniq joins equal lines that follow each other.
func uniq(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := uniqOptions.options(args, 0)
	if err != nil {
		return err
	}
	skip := map[byte]int{}
	for _, letter := range []byte("fsw") {
		if v := g.value(letter, ""); v != "" {
			if skip[letter], err = strconv.Atoi(v); err != nil || skip[letter] < 0 {
				return fmt.Errorf("-%c needs a number", letter)
			}
		}
	}
	key := func(line string) string {
		for range skip['f'] {
			line = strings.TrimLeft(line, " \t")
			line = line[len(line)-len(strings.TrimLeft(line, strings.TrimRight(line, " \t"))):]
			if at := strings.IndexAny(line, " \t"); at >= 0 {
				line = line[at:]
			} else {
				line = ""
			}
		}
		line = line[min(len(line), skip['s']):]
		if skip['w'] > 0 {
			line = line[:min(len(line), skip['w'])]
		}
		if g.set['i'] {
			line = strings.ToLower(line)
		}
		return line
	}
	out, done := buffered(s.Out)
	defer done(&err)
	var first string
	n := 0
	flush := func() {
		if n == 0 || g.set['d'] && n < 2 || g.set['u'] && n > 1 || g.set['D'] && n < 2 {
			return
		}
		times := 1
		if g.set['D'] {
			times = n
		}
		for range times {
			if g.set['c'] {
				fmt.Fprintf(out, "%7d ", n)
			}
			fmt.Fprintln(out, first)
		}
	}
	err = eachLine(ctx, s.In, func(line string) (bool, error) {
		if n > 0 && key(line) == key(first) {
			n++
			return true, nil
		}
		flush()
		first, n = line, 1
		return true, nil
	})
	flush()
	return err
}

var cutOptions = option{flags: "szCn", valued: "bcdfO", long: map[string]byte{"delimiter": 'd', "fields": 'f', "characters": 'c', "bytes": 'b',
	"complement": 'C', "only-delimited": 's', "output-delimiter": 'O'}}

// cut prints chosen fields or characters of each line.
func cut(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := cutOptions.options(args, 0)
	if err != nil {
		return err
	}
	list, byField := g.value('f', ""), true
	if list == "" {
		byField = false
		if list = g.value('c', g.value('b', "")); list == "" {
			return fmt.Errorf("it needs -f, -c or -b")
		}
	}
	chosen, err := ranges(list)
	if err != nil {
		return err
	}
	takes := func(n int) bool { return chosen(n) != g.set['C'] }
	sep := g.value('d', "\t")
	if len([]rune(sep)) != 1 {
		return fmt.Errorf("-d takes one character")
	}
	join := g.value('O', sep)
	out, done := buffered(s.Out)
	defer done(&err)
	return eachLine(ctx, s.In, func(line string) (bool, error) {
		if !byField {
			var kept []rune
			for i, r := range []rune(line) {
				if takes(i + 1) {
					kept = append(kept, r)
				}
			}
			_, err := fmt.Fprintln(out, string(kept))
			return true, err
		}
		fields := strings.Split(line, sep)
		if len(fields) == 1 {
			if !g.set['s'] {
				fmt.Fprintln(out, line)
			}
			return true, nil
		}
		var kept []string
		for i, f := range fields {
			if takes(i + 1) {
				kept = append(kept, f)
			}
		}
		_, err := fmt.Fprintln(out, strings.Join(kept, join))
		return true, err
	})
}

// ranges reads 1,3-5,7- and tells whether a number is among them.
func ranges(list string) (func(int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for _, part := range strings.Split(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		sp := span{1, 1 << 30}
		var err error
		if from != "" {
			if sp.from, err = strconv.Atoi(from); err != nil || sp.from < 1 {
				return nil, fmt.Errorf("the list %q cannot be read", list)
			}
		}
		switch {
		case !ranged:
			sp.to = sp.from
		case to != "":
			if sp.to, err = strconv.Atoi(to); err != nil {
				return nil, fmt.Errorf("the list %q cannot be read", list)
			}
		}
		if part == "-" || part == "" {
			return nil, fmt.Errorf("the list %q cannot be read", list)
		}
		spans = append(spans, sp)
	}
	return func(n int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return n >= s.from && n <= s.to })
	}, nil
}

var trOptions = option{flags: "cCdst", long: map[string]byte{"delete": 'd', "squeeze-repeats": 's', "complement": 'c', "truncate-set1": 't'}}

// tr replaces or deletes characters.
func tr(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := trOptions.options(args, 2)
	if err != nil {
		return err
	}
	if len(g.words) == 0 || len(g.words) == 1 && !g.set['d'] && !g.set['s'] {
		return fmt.Errorf("it needs two sets of characters, or -d or -s and one")
	}
	from, err := charSet(g.words[0])
	if err != nil {
		return err
	}
	var to []rune
	if len(g.words) == 2 {
		if to, err = charSet(g.words[1]); err != nil {
			return err
		}
	}
	complement := g.set['c'] || g.set['C']
	in := func(r rune) bool { return slices.Contains(from, r) != complement }
	squeezed := func(r rune) bool {
		if len(to) > 0 && (len(g.words) == 2) {
			return slices.Contains(to, r)
		}
		return in(r)
	}
	out, done := buffered(s.Out)
	defer done(&err)
	last := rune(-1)
	emit := func(r rune) {
		if g.set['s'] && r == last && squeezed(r) {
			return
		}
		last = r
		put(out, string(r))
	}
	each := func(r rune) {
		switch {
		case g.set['d'] && in(r):
		case !g.set['d'] && len(to) > 0 && in(r):
			at := len(to) - 1
			if !complement {
				at = min(slices.Index(from, r), at)
			}
			emit(to[at])
		default:
			emit(r)
		}
	}
	rd := runeReader(s.In)
	for n := 0; ; n++ {
		if n%65536 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r, _, err := rd.ReadRune()
		if err != nil {
			return ignoreEOF(err)
		}
		each(r)
	}
}

// charSet reads a-z, [:digit:], \n and plain characters.
func charSet(text string) ([]rune, error) {
	classes := map[string]string{"digit": "0-9", "lower": "a-z", "upper": "A-Z", "alpha": "A-Za-z", "alnum": "0-9A-Za-z",
		"space": " \t\n\v\f\r", "blank": " \t", "punct": "!-/:-@[-`{-~", "xdigit": "0-9A-Fa-f"}
	var out []rune
	r := []rune(text)
	for i := 0; i < len(r); i++ {
		if rest := string(r[i:]); strings.HasPrefix(rest, "[:") {
			if end := strings.Index(rest[2:], ":]") + 2; end >= 2 {
				set, ok := classes[rest[2:end]]
				if !ok {
					return nil, fmt.Errorf("there is no class %q", rest[2:end])
				}
				more, err := charSet(set)
				if err != nil {
					return nil, err
				}
				out = append(out, more...)
				i += len([]rune(rest[:end])) + 1
				continue
			}
		}
		c := r[i]
		if c == '\\' && i+1 < len(r) {
			i++
			switch c = r[i]; c {
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			case 'r':
				c = '\r'
			case '0':
				c = 0
			}
		}
		if i+2 < len(r) && r[i+1] == '-' {
			if r[i+2] < c {
				return nil, fmt.Errorf("the range %c-%c is the wrong way round", c, r[i+2])
			}
			for x := c; x <= r[i+2] && len(out) < 1<<17; x++ {
				out = append(out, x)
			}
			i += 2
			continue
		}
		out = append(out, c)
	}
	return out, nil
}
