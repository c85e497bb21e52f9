package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var uniqOptions = option{flags: "cdDiu", valued: "fsw", long: map[string]byte{"count": 'c', "repeated": 'd', "unique": 'u', "ignore-case": 'i',
	"skip-fields": 'f', "skip-chars": 's', "check-chars": 'w', "all-repeated": 'D'}}

// uniq joins equal lines that follow each other.
func uniq(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := uniqOptions.options(args, 0)
	if err != nil {
		return err
	}
	if g.set['D'] && (g.set['c'] || g.set['u']) {
		return shell.Refusal("uniq has no -D together with -c or -u here.")
	}
	key, err := uniqKey(g)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	var first, firstKey string
	n := 0
	flush := func() {
		if n == 0 || g.set['D'] || g.set['d'] && n < 2 || g.set['u'] && n > 1 {
			return
		}
		if g.set['c'] {
			fmt.Fprintf(out, "%7d ", n)
		}
		put(out, first+"\n")
	}
	err = eachLine(ctx, s.In, func(line string) (bool, error) {
		k := key(line)
		if n > 0 && k == firstKey {
			if n++; g.set['D'] {
				if n == 2 {
					put(out, first+"\n")
				}
				put(out, line+"\n")
			}
			return true, nil
		}
		flush()
		first, firstKey, n = line, k, 1
		return true, nil
	})
	flush()
	return err
}

// uniqKey gives the part of a line that is compared.
func uniqKey(g given) (func(string) string, error) {
	skipFields, err := g.whole('f', 0)
	if err != nil {
		return nil, err
	}
	skip, err := g.whole('s', 0)
	if err != nil {
		return nil, err
	}
	width, err := g.whole('w', math.MaxInt)
	if err != nil {
		return nil, err
	}
	return func(line string) string {
		for n := skipFields; n > 0 && line != ""; n-- {
			line = strings.TrimLeft(line, " \t")
			at := strings.IndexAny(line, " \t")
			if at < 0 {
				at = len(line)
			}
			line = line[at:]
		}
		line = line[min(len(line), skip):]
		line = line[:min(len(line), width)]
		if g.set['i'] {
			line = foldASCII(line)
		}
		return line
	}, nil
}

// foldASCII makes letters large, as the tools do whose case is that of ASCII only.
func foldASCII(text string) string {
	if !strings.ContainsAny(text, "abcdefghijklmnopqrstuvwxyz") {
		return text
	}
	b := []byte(text)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

var cutOptions = option{flags: "sn\x01", valued: "bcdf\x02", long: map[string]byte{"delimiter": 'd', "fields": 'f', "characters": 'c', "bytes": 'b',
	"complement": '\x01', "only-delimited": 's', "output-delimiter": '\x02'}}

// cut prints chosen fields, characters or bytes of each line.
func cut(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := cutOptions.options(args, 0)
	if err != nil {
		return err
	}
	kind := byte(0)
	for _, letter := range []byte("fcb") {
		if n := len(g.values[letter]); n > 1 || n == 1 && kind != 0 {
			return errors.New("it takes one list: -f, -c or -b")
		} else if n == 1 {
			kind = letter
		}
	}
	if kind == 0 {
		return errors.New("it needs -f, -c or -b")
	}
	if kind != 'f' && (g.has('d') || g.set['s']) {
		return errors.New("-d and -s go with -f only")
	}
	chosen, err := ranges(g.value(kind, ""))
	if err != nil {
		return err
	}
	if g.set['\x01'] {
		chosen = chosen.others()
	}
	sep := g.value('d', "\t")
	if utf8.RuneCountInString(sep) != 1 || sep == "\n" {
		return errors.New("-d takes one character")
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if kind == 'f' {
		c := cutting{chosen, sep, g.value('\x02', sep), out}
		return eachLine(ctx, s.In, func(line string) (bool, error) { return true, c.fields(line, g.set['s']) })
	}
	c := cutting{chosen, "", g.value('\x02', ""), out}
	return eachLine(ctx, s.In, func(line string) (bool, error) { return true, c.characters(line, kind == 'b') })
}

type cutting struct {
	chosen    spans
	sep, join string
	out       *bufio.Writer
}

func (c cutting) fields(line string, onlyCut bool) error {
	rest, next, more := strings.Cut(line, c.sep)
	if !more {
		if onlyCut {
			return nil
		}
		_, err := c.out.WriteString(line + "\n")
		return err
	}
	printed := false
	left := c.chosen
	for n := 1; len(left) > 0; n++ {
		if left = left.from(n); left.has(n) {
			if printed {
				put(c.out, c.join)
			}
			put(c.out, rest)
			printed = true
		}
		if !more {
			break
		}
		rest, next, more = strings.Cut(next, c.sep)
	}
	return c.out.WriteByte('\n')
}

func (c cutting) characters(line string, bytes bool) error {
	printed := false
	left := c.chosen
	for n := 1; line != "" && len(left) > 0; n++ {
		size := 1
		if !bytes {
			_, size = utf8.DecodeRuneInString(line)
		}
		if left = left.from(n); left.has(n) {
			if printed && n == left[0].from {
				put(c.out, c.join)
			}
			put(c.out, line[:size])
			printed = true
		}
		line = line[size:]
	}
	return c.out.WriteByte('\n')
}

// span is what lies between two numbers, both of them in it.
type span struct{ from, to int }

// spans are in order and do not overlap.
type spans []span

// from leaves out what ends before n.
func (s spans) from(n int) spans {
	for len(s) > 0 && s[0].to < n {
		s = s[1:]
	}
	return s
}

// has tells whether n is in the first one.
func (s spans) has(n int) bool { return len(s) > 0 && n >= s[0].from }

// others are the numbers from 1 on that are in none.
func (s spans) others() spans {
	var out spans
	next := 1
	for _, sp := range s {
		if sp.from > next {
			out = append(out, span{next, sp.from - 1})
		}
		next = sp.to + 1
	}
	if next <= most {
		out = append(out, span{next, most})
	}
	return out
}

// ranges reads 1,3-5,7-.
func ranges(list string) (spans, error) {
	bad := fmt.Errorf("the list %q cannot be read", list)
	var all spans
	for _, part := range strings.FieldsFunc(list+" ", func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		from, to, ranged := strings.Cut(part, "-")
		sp := span{1, most}
		var err error
		if from != "" {
			if sp.from, err = wholeNumber(from); err != nil || sp.from < 1 {
				return nil, bad
			}
		}
		switch {
		case !ranged:
			sp.to = sp.from
		case to != "":
			if sp.to, err = wholeNumber(to); err != nil || sp.to < sp.from {
				return nil, bad
			}
		}
		if part == "-" {
			return nil, bad
		}
		all = append(all, sp)
	}
	if len(all) == 0 || strings.Contains(","+list+",", ",,") {
		return nil, bad
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	out := all[:1]
	for _, sp := range all[1:] {
		if k := len(out) - 1; sp.from <= out[k].to {
			out[k].to = max(out[k].to, sp.to)
			continue
		}
		out = append(out, sp)
	}
	return out, nil
}
