package filter

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var headOptions = option{flags: "qv", valued: "nc", long: map[string]byte{"lines": 'n', "bytes": 'c', "quiet": 'q', "silent": 'q'}}

// head prints the first lines or bytes; a negative number means all but the last.
func head(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := headOptions.options(numbered(args, 'n'), 0)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if v := g.value('c', ""); v != "" {
		n, err := size(v)
		if err != nil {
			return err
		}
		_, err = io.CopyN(out, s.In, int64(n))
		return ignoreEOF(err)
	}
	n, err := size(g.value('n', "10"))
	if err != nil {
		return err
	}
	if n < 0 {
		all, err := allLines(ctx, s.In)
		for i := 0; i < len(all)+n; i++ {
			fmt.Fprintln(out, all[i])
		}
		return err
	}
	if n == 0 {
		return nil
	}
	return eachLine(ctx, s.In, func(line string) (bool, error) {
		n--
		_, err := fmt.Fprintln(out, line)
		return n > 0, err
	})
}

// size reads a number with an optional K or M.
func size(word string) (int, error) {
	unit := 1
	number := word
	switch {
	case strings.HasSuffix(word, "K") || strings.HasSuffix(word, "k"):
		unit, number = 1024, word[:len(word)-1]
	case strings.HasSuffix(word, "M"):
		unit, number = 1<<20, word[:len(word)-1]
	}
	n, err := strconv.Atoi(number)
	if err != nil || n > 1<<30 || n < -1<<30 {
		return 0, fmt.Errorf("%q is no number", word)
	}
	return n * unit, nil
}

// tail prints the last lines or bytes; +N means from line N on.
func tail(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := headOptions.options(numbered(args, 'n'), 0)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if v := g.value('c', ""); v != "" {
		n, err := size(strings.TrimPrefix(v, "+"))
		if err != nil {
			return err
		}
		all, err := io.ReadAll(s.In)
		if strings.HasPrefix(v, "+") {
			put(out, string(all[min(len(all), max(0, n-1)):]))
		} else {
			put(out, string(all[max(0, len(all)-max(n, -n)):]))
		}
		return err
	}
	v := g.value('n', "10")
	n, err := size(strings.TrimPrefix(v, "+"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(v, "+") {
		at := 0
		return eachLine(ctx, s.In, func(line string) (bool, error) {
			var err error
			if at++; at >= n {
				_, err = fmt.Fprintln(out, line)
			}
			return true, err
		})
	}
	n = max(n, -n)
	var last []string
	err = eachLine(ctx, s.In, func(line string) (bool, error) {
		if last = append(last, line); len(last) > 2*n+64 {
			last = append([]string(nil), last[len(last)-n:]...)
		}
		return true, nil
	})
	for _, line := range last[max(0, len(last)-n):] {
		fmt.Fprintln(out, line)
	}
	return err
}

var catOptions = option{flags: "AbEnsTvu"}

// cat passes its standard input on, with numbers or marks when asked.
func cat(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := catOptions.options(args, 0)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if len(g.set) == 0 {
		_, err := io.Copy(out, s.In)
		return err
	}
	n, empty := 0, 0
	return eachLine(ctx, s.In, func(line string) (bool, error) {
		if line == "" {
			if empty++; empty > 1 && g.set['s'] {
				return true, nil
			}
		} else {
			empty = 0
		}
		if g.set['T'] || g.set['A'] {
			line = strings.ReplaceAll(line, "\t", "^I")
		}
		if g.set['E'] || g.set['A'] {
			line += "$"
		}
		if g.set['n'] || g.set['b'] && line != "" {
			n++
			line = fmt.Sprintf("%6d\t%s", n, line)
		}
		_, err := fmt.Fprintln(out, line)
		return true, err
	})
}

// tac prints the lines from the last to the first.
func tac(ctx context.Context, s shell.Streams, args []string) (err error) {
	if _, err := (option{}).options(args, 0); err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	all, err := allLines(ctx, s.In)
	for i := len(all) - 1; i >= 0; i-- {
		fmt.Fprintln(out, all[i])
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
	return eachLine(ctx, s.In, func(line string) (bool, error) {
		for r := []rune(line); len(r) > 0; r = r[:len(r)-1] {
			put(out, string(r[len(r)-1]))
		}
		return true, out.WriteByte('\n')
	})
}

var nlOptions = option{valued: "bnsw"}

// nl numbers the lines.
func nl(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := nlOptions.options(args, 0)
	if err != nil {
		return err
	}
	width, err := strconv.Atoi(g.value('w', "6"))
	if err != nil || width < 1 || width > 100 {
		return fmt.Errorf("-w needs a number up to 100")
	}
	all, gap := g.value('b', "t") == "a", g.value('s', "\t")
	out, done := buffered(s.Out)
	defer done(&err)
	n := 0
	return eachLine(ctx, s.In, func(line string) (bool, error) {
		if line == "" && !all {
			_, err := fmt.Fprintf(out, "%*s%s\n", width, "", strings.Repeat(" ", len(gap)))
			return true, err
		}
		n++
		number := fmt.Sprintf("%*d", width, n)
		switch g.value('n', "rn") {
		case "ln":
			number = fmt.Sprintf("%-*d", width, n)
		case "rz":
			number = fmt.Sprintf("%0*d", width, n)
		}
		_, err := fmt.Fprintln(out, number+gap+line)
		return true, err
	})
}

var columnOptions = option{flags: "t", valued: "so", long: map[string]byte{"table": 't', "separator": 's', "output-separator": 'o'}}

// column aligns the fields of lines (-t); without -t it passes them on.
func column(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := columnOptions.options(args, 0)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	all, err := allLines(ctx, s.In)
	if err != nil {
		return err
	}
	var rows [][]string
	var widths []int
	for _, line := range all {
		var fields []string
		switch sep := g.value('s', ""); {
		case !g.set['t']:
			fields = []string{line}
		case sep == "":
			fields = strings.Fields(line)
		default:
			fields = strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(sep, r) })
		}
		for i, f := range fields {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(f))
		}
		rows = append(rows, fields)
	}
	for _, fields := range rows {
		for i, f := range fields {
			put(out, f)
			if i < len(fields)-1 {
				put(out, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(f))+g.value('o', "  "))
			}
		}
		put(out, "\n")
	}
	return nil
}

var base64Options = option{flags: "di", valued: "w", long: map[string]byte{"decode": 'd', "wrap": 'w', "ignore-garbage": 'i'}}

// base64Text encodes or decodes.
func base64Text(_ context.Context, s shell.Streams, args []string) (err error) {
	g, err := base64Options.options(args, 0)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(s.In)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if g.set['d'] {
		plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		put(out, string(plain))
		if err != nil {
			return fmt.Errorf("this is not base64")
		}
		return nil
	}
	wrap, err := strconv.Atoi(g.value('w', "76"))
	if err != nil || wrap < 0 {
		return fmt.Errorf("-w needs a number")
	}
	code := base64.StdEncoding.EncodeToString(text)
	for wrap > 0 && len(code) > wrap {
		fmt.Fprintln(out, code[:wrap])
		code = code[wrap:]
	}
	put(out, code)
	if wrap > 0 {
		put(out, "\n")
	}
	return nil
}

var wcOptions = option{flags: "clmwL", long: map[string]byte{"lines": 'l', "words": 'w', "bytes": 'c', "chars": 'm', "max-line-length": 'L'}}

// wc counts lines, words and bytes.
func wc(ctx context.Context, s shell.Streams, args []string) error {
	g, err := wcOptions.options(args, 0)
	if err != nil {
		return err
	}
	counts := map[byte]int{}
	in := bufio.NewReaderSize(s.In, 64<<10)
	inWord, width := false, 0
	for n := 0; ; n++ {
		if n%65536 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r, size, err := in.ReadRune()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		counts['c'] += size
		counts['m']++
		if r == '\n' {
			counts['l']++
			width = 0
		} else {
			width++
			counts['L'] = max(counts['L'], width)
		}
		space := strings.ContainsRune(" \t\n\v\f\r", r)
		if !space && !inWord {
			counts['w']++
		}
		inWord = !space
	}
	if len(g.set) == 0 {
		g.set = map[byte]bool{'l': true, 'w': true, 'c': true}
	}
	var words []string
	for _, letter := range []byte("lwmcL") {
		if g.set[letter] {
			words = append(words, strconv.Itoa(counts[letter]))
		}
	}
	if len(words) > 1 {
		for i := range words {
			words[i] = fmt.Sprintf("%7s", words[i])
		}
	}
	_, err = fmt.Fprintln(s.Out, strings.Join(words, " "))
	return err
}
