package filter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var nlOptions = option{valued: "bnsw"}

// nl numbers the lines.
func nl(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := nlOptions.options(args, 0)
	if err != nil {
		return err
	}
	width, err := g.whole('w', 6)
	if err != nil || width < 1 || width > 100 {
		return errors.New("-w needs a number from 1 to 100")
	}
	form, ok := map[string]string{"rn": "%*d", "ln": "%-*d", "rz": "%0*d"}[g.value('n', "rn")]
	if !ok {
		return errors.New("-n takes ln, rn or rz")
	}
	style := g.value('b', "t")
	if style != "a" && style != "t" && style != "n" {
		return errors.New("-b takes a, t or n")
	}
	gap := g.value('s', "\t")
	out, done := buffered(s.Out)
	defer done(&err)
	n := 0
	return eachLine(ctx, s.In, func(line string) (bool, error) {
		if style == "n" || line == "" && style == "t" {
			_, err := fmt.Fprintf(out, "%*s%*s%s\n", width, "", len(gap), "", line)
			return true, err
		}
		n++
		_, err := fmt.Fprintf(out, form+"%s%s\n", width, n, gap, line)
		return true, err
	})
}

var columnOptions = option{flags: "t", valued: "so", long: map[string]byte{"table": 't', "separator": 's', "output-separator": 'o'}}

// column aligns the fields of lines (-t) and leaves out those without any; without -t it passes the lines on.
func column(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := columnOptions.options(args, 0)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if !g.set['t'] {
		return eachLine(ctx, s.In, func(line string) (bool, error) {
			put(out, line+"\n")
			return true, nil
		})
	}
	separators := g.value('s', "")
	split := func(line string) []string {
		if separators == "" {
			return strings.Fields(line)
		}
		var fields []string
		for {
			at := strings.IndexAny(line, separators)
			if at < 0 {
				return append(fields, line)
			}
			_, size := utf8.DecodeRuneInString(line[at:])
			fields = append(fields, line[:at])
			line = line[at+size:]
		}
	}
	var rows [][]string
	var widths []int
	err = eachLine(ctx, s.In, func(line string) (bool, error) {
		if strings.TrimSpace(line) == "" {
			return true, nil
		}
		fields := split(line)
		for i, f := range fields {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(f))
		}
		rows = append(rows, fields)
		return true, nil
	})
	if err != nil {
		return err
	}
	gap := g.value('o', "  ")
	for _, fields := range rows {
		for i := range widths {
			f := ""
			if i < len(fields) {
				f = fields[i]
			}
			put(out, f)
			if i < len(widths)-1 {
				for pad := widths[i] - utf8.RuneCountInString(f); pad > 0; pad -= len(blanks) {
					put(out, blanks[:min(pad, len(blanks))])
				}
				put(out, gap)
			}
		}
		if failed := out.WriteByte('\n'); failed != nil {
			return failed
		}
	}
	return nil
}

var blanks = strings.Repeat(" ", 1024)

var wcOptions = option{flags: "clmwL", long: map[string]byte{"lines": 'l', "words": 'w', "bytes": 'c', "chars": 'm', "max-line-length": 'L'}}

// wc counts lines, words, characters and bytes.
func wc(ctx context.Context, s shell.Streams, args []string) error {
	g, err := wcOptions.options(args, 0)
	if err != nil {
		return err
	}
	c, err := count(ctx, s)
	if err != nil {
		return err
	}
	if len(g.set) == 0 {
		g.set = map[byte]bool{'l': true, 'w': true, 'c': true}
	}
	counts := map[byte]int{'l': c.lines, 'w': c.words, 'm': c.chars, 'c': c.bytes, 'L': c.longest}
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
