package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var headOptions = option{flags: "q", valued: "nc", number: 'n', long: map[string]byte{"lines": 'n', "bytes": 'c', "quiet": 'q', "silent": 'q'}}

// head prints the first lines or bytes; a negative number means all but the last.
func head(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := headOptions.options(args, 0)
	if err != nil {
		return err
	}
	sign, n, err := g.part('-')
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	switch {
	case g.has('c') && sign == '-':
		last := &lastBytes{most: n, over: func(p []byte) error { _, err := out.Write(p); return err }}
		_, err := io.Copy(last, s.In)
		if early := len(last.kept) - n; err == nil && early > 0 {
			put(out, string(last.kept[:early]))
		}
		return err
	case g.has('c'):
		_, err = io.CopyN(out, s.In, int64(n))
		return ignoreEOF(err)
	case sign == '-':
		last := &lastLines{most: n}
		return eachEnded(ctx, s.In, func(line string) (bool, error) {
			if gone, full := last.add(line); full {
				_, err := out.WriteString(gone)
				return true, err
			}
			return true, nil
		})
	case n == 0:
		return nil
	}
	return eachEnded(ctx, s.In, func(line string) (bool, error) {
		n--
		_, err := out.WriteString(line)
		return n > 0, err
	})
}

// part reads the number of -n or -c and the sign that has a meaning; without one, the sign is 0.
func (g given) part(meaning byte) (sign byte, n int, err error) {
	if g.has('n') && g.has('c') {
		return 0, 0, errors.New("it takes -n or -c, not both")
	}
	v := g.value('c', g.value('n', "10"))
	number := v
	if v != "" && (v[0] == '-' || v[0] == '+') {
		if number = v[1:]; v[0] == meaning {
			sign = meaning
		}
	}
	n, err = size(number)
	return sign, n, err
}

// units are what a number of lines or bytes may be multiplied by.
var units = map[string]int{"": 1, "b": 512, "k": 1 << 10, "K": 1 << 10, "KiB": 1 << 10, "kB": 1e3, "KB": 1e3, "m": 1 << 20, "M": 1 << 20, "MiB": 1 << 20, "MB": 1e6,
	"G": 1 << 30, "GiB": 1 << 30, "GB": 1e9}

// size reads a number with an optional unit.
func size(word string) (int, error) {
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	n, err := wholeNumber(word[:digits])
	unit, ok := units[word[digits:]]
	if err != nil || !ok {
		return 0, fmt.Errorf("%q is no number", word)
	}
	if n > most/unit {
		return most, nil
	}
	return n * unit, nil
}

// tail prints the last lines or bytes; +N means from line or byte N on.
func tail(ctx context.Context, s shell.Streams, args []string) (err error) {
	if len(args) == 2 && len(args[1]) > 1 && args[1][0] == '+' {
		args = []string{args[0], "-n" + args[1]}
	}
	g, err := headOptions.options(args, 0)
	if err != nil {
		return err
	}
	sign, n, err := g.part('+')
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	switch {
	case g.has('c') && sign == '+':
		if _, err := io.CopyN(io.Discard, s.In, int64(max(0, n-1))); err != nil {
			return ignoreEOF(err)
		}
		_, err := io.Copy(out, s.In)
		return err
	case g.has('c'):
		last := &lastBytes{most: n, over: func([]byte) error { return nil }}
		if _, err := io.Copy(last, s.In); err != nil {
			return err
		}
		_, err := out.Write(last.rest())
		return err
	case sign == '+':
		at := 0
		return eachEnded(ctx, s.In, func(line string) (bool, error) {
			var err error
			if at++; at >= n {
				_, err = out.WriteString(line)
			}
			return true, err
		})
	}
	last := &lastLines{most: n}
	err = eachEnded(ctx, s.In, func(line string) (bool, error) {
		last.add(line)
		return true, nil
	})
	for _, line := range last.all() {
		put(out, line)
	}
	return err
}

// lastLines keeps the last lines.
type lastLines struct {
	most  int
	lines []string
	next  int // where the oldest stands when there are as many as are kept
}

// add takes a line; when it is one too many, it gives the oldest back.
func (l *lastLines) add(line string) (gone string, full bool) {
	switch {
	case l.most == 0:
		return line, true
	case len(l.lines) < l.most:
		l.lines = append(l.lines, line)
		return "", false
	}
	gone, l.lines[l.next] = l.lines[l.next], line
	l.next = (l.next + 1) % l.most
	return gone, true
}

func (l *lastLines) all() []string {
	return append(slices.Clone(l.lines[l.next:]), l.lines[:l.next]...)
}

// lastBytes keeps the last bytes and gives those before them to over.
type lastBytes struct {
	most int
	kept []byte
	over func([]byte) error
}

func (l *lastBytes) Write(p []byte) (int, error) {
	l.kept = append(l.kept, p...)
	if len(l.kept) <= l.most || len(l.kept)-l.most < len(l.kept)/2 && len(l.kept)-l.most < 64<<10 {
		return len(p), nil
	}
	extra := len(l.kept) - l.most
	if err := l.over(l.kept[:extra]); err != nil {
		return 0, err
	}
	l.kept = append(l.kept[:0], l.kept[extra:]...)
	return len(p), nil
}

func (l *lastBytes) rest() []byte { return l.kept[max(0, len(l.kept)-l.most):] }

var catOptions = option{flags: "AbeEnstTuv", long: map[string]byte{"show-all": 'A', "number-nonblank": 'b', "show-ends": 'E', "number": 'n',
	"squeeze-blank": 's', "show-tabs": 'T', "show-nonprinting": 'v'}}

// cat passes its standard input on, with numbers or marks when asked.
func cat(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := catOptions.options(args, 0)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	delete(g.set, 'u')
	if len(g.set) == 0 {
		_, err := io.Copy(out, s.In)
		return err
	}
	ends, tabs := g.set['E'] || g.set['A'] || g.set['e'], g.set['T'] || g.set['A'] || g.set['t']
	odd := g.set['v'] || g.set['A'] || g.set['e'] || g.set['t']
	n, empty := 0, 0
	return eachEnded(ctx, s.In, func(line string) (bool, error) {
		line, ended := strings.CutSuffix(line, "\n")
		if line == "" {
			if empty++; empty > 1 && g.set['s'] {
				return true, nil
			}
		} else {
			empty = 0
		}
		if g.set['b'] && line != "" || g.set['n'] && !g.set['b'] {
			n++
			fmt.Fprintf(out, "%6d\t", n)
		}
		switch {
		case odd || tabs:
			visible(out, line, odd, tabs)
		case ends && ended && strings.HasSuffix(line, "\r"):
			put(out, line[:len(line)-1]+"^M")
		default:
			put(out, line)
		}
		if !ended {
			return true, nil
		}
		if ends {
			put(out, "$")
		}
		return true, out.WriteByte('\n')
	})
}

// visible prints a line with marks for the characters that are not seen.
func visible(out *bufio.Writer, line string, odd, tabs bool) {
	for i := range len(line) {
		c := line[i]
		switch {
		case c == '\t' && tabs:
			put(out, "^I")
			continue
		case c == '\t' || !odd:
			_ = out.WriteByte(c)
			continue
		case c >= 128:
			put(out, "M-")
			c -= 128
		}
		if c < ' ' || c == 127 {
			_ = out.WriteByte('^')
			c ^= 64
		}
		_ = out.WriteByte(c)
	}
}

// tac prints the lines from the last to the first. One without its end gets it.
func tac(ctx context.Context, s shell.Streams, args []string) (err error) {
	if _, err := (option{}).options(args, 0); err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	all, err := allLines(ctx, s.In)
	for _, line := range slices.Backward(all) {
		put(out, line+"\n")
	}
	return err
}

// rev prints each line backwards.
func rev(ctx context.Context, s shell.Streams, args []string) (err error) {
	if _, err := (option{}).options(args, 0); err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	return eachEnded(ctx, s.In, func(line string) (bool, error) {
		line, ended := strings.CutSuffix(line, "\n")
		for line != "" {
			_, size := utf8.DecodeLastRuneInString(line)
			put(out, line[len(line)-size:])
			line = line[:len(line)-size]
		}
		if ended {
			put(out, "\n")
		}
		return true, nil
	})
}
