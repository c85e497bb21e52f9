package filter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var sortOptions = option{flags: "bdfghinMVrusc", valued: "kt", long: map[string]byte{"reverse": 'r', "unique": 'u', "numeric-sort": 'n',
	"human-numeric-sort": 'h', "general-numeric-sort": 'g', "version-sort": 'V', "month-sort": 'M', "ignore-case": 'f', "ignore-leading-blanks": 'b',
	"dictionary-order": 'd', "ignore-nonprinting": 'i', "stable": 's', "key": 'k', "field-separator": 't'}}

// keyLetters are what a key may have.
const keyLetters = "bdfghinMVr"

// sortKey is one -k, or the whole line.
type sortKey struct {
	from, fromChar int // field and character, from 1 on
	to, toChar     int // to 0: the end of the line; toChar 0: the end of the field
	how            string
	fromB, toB     bool // blanks before the field do not count
	reverse, fold  bool
	value          func(text string) sortValue // of numbers, months and versions; nil: it is text
	keep           func(c byte) bool           // of -d and -i; nil: all of it
	spelled        bool                        // what keep and fold leave is what value reads
}

// sortLines sorts the lines.
func sortLines(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := sortOptions.options(args, 0)
	if err != nil {
		return err
	}
	o, err := readOrder(g)
	if err != nil {
		return err
	}
	all, err := allLines(ctx, s.In)
	if err != nil {
		return err
	}
	steps := 0
	compare := func(a, b string) int {
		// What is to end soon is not sorted to its end.
		if steps++; steps%1024 == 0 && ctx.Err() != nil {
			steps--
			return 0
		}
		return o.compare(a, b)
	}
	if g.set['c'] {
		for i := range all[min(1, len(all)):] {
			if c := compare(all[i], all[i+1]); c > 0 || c == 0 && o.unique {
				fmt.Fprintf(s.Err, "sort: the lines are not in order: line %d comes too late\n", i+2)
				return shell.Exit(1)
			}
		}
		return context.Cause(ctx)
	}
	slices.SortStableFunc(all, compare)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	out, done := buffered(s.Out)
	defer done(&err)
	for i, line := range all {
		if o.unique && i > 0 && o.byKeys(all[i-1], line) == 0 {
			continue
		}
		put(out, line+"\n")
	}
	return nil
}

// order is how lines are compared.
type order struct {
	keys                    []sortKey
	sep                     string
	stable, unique, reverse bool
}

func readOrder(g given) (order, error) {
	o := order{stable: g.set['s'], unique: g.set['u'], reverse: g.set['r'], sep: g.value('t', "")}
	switch {
	case o.sep == `\t`:
		o.sep = "\t"
	case o.sep == `\0`:
		o.sep = "\x00"
	case g.has('t') && utf8.RuneCountInString(o.sep) != 1:
		return o, errors.New("-t takes one character")
	}
	var how strings.Builder
	for _, letter := range []byte(keyLetters) {
		if g.set[letter] {
			how.WriteByte(letter)
		}
	}
	for _, v := range g.values['k'] {
		k, err := readKey(v, how.String())
		if err != nil {
			return o, err
		}
		o.keys = append(o.keys, k)
	}
	if len(o.keys) == 0 {
		o.keys = []sortKey{{from: 1, fromChar: 1, how: how.String(), fromB: g.set['b']}}
	}
	for i := range o.keys {
		if err := o.keys[i].settle(); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o order) byKeys(a, b string) int {
	for i := range o.keys {
		if c := o.keys[i].compare(a, b, o.sep); c != 0 {
			return c
		}
	}
	return 0
}

func (o order) compare(a, b string) int {
	switch c := o.byKeys(a, b); {
	case c != 0 || o.stable || o.unique:
		return c
	case o.reverse:
		return strings.Compare(b, a)
	default:
		return strings.Compare(a, b)
	}
}

// readKey reads F[.C][letters][,F[.C][letters]]; a key without letters has those of the call.
func readKey(v, how string) (sortKey, error) {
	bad := fmt.Errorf("the key %q cannot be read", v)
	k := sortKey{fromChar: 1}
	begin, end, ranged := strings.Cut(v, ",")
	var fromHow, toHow string
	var ok bool
	if k.from, k.fromChar, fromHow, ok = readPlace(begin, 1); !ok || k.fromChar < 1 {
		return k, bad
	}
	if ranged {
		if k.to, k.toChar, toHow, ok = readPlace(end, 0); !ok {
			return k, bad
		}
	}
	k.how = fromHow + toHow
	k.fromB, k.toB = strings.Contains(fromHow, "b"), strings.Contains(toHow, "b")
	if k.how == "" {
		k.how = how
		k.fromB = strings.Contains(how, "b")
		k.toB = k.fromB
	}
	return k, nil
}

// readPlace reads F[.C][letters].
func readPlace(text string, char int) (field, at int, how string, ok bool) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	field, err := wholeNumber(text[:digits])
	if err != nil || field < 1 {
		return 0, 0, "", false
	}
	at, text = char, text[digits:]
	if strings.HasPrefix(text, ".") {
		digits = 1 + len(text[1:]) - len(strings.TrimLeft(text[1:], "0123456789"))
		if at, err = wholeNumber(text[1:digits]); err != nil {
			return 0, 0, "", false
		}
		text = text[digits:]
	}
	return field, at, text, strings.Trim(text, keyLetters) == ""
}

// settle works out what the letters mean.
func (k *sortKey) settle() error {
	kinds := 0
	for letter, value := range map[string]func(string) sortValue{"n": plainNumber, "g": generalNumber, "h": humanNumber, "M": month, "V": version} {
		if strings.Contains(k.how, letter) {
			k.value = value
			kinds++
		}
	}
	if kinds > 1 || kinds == 1 && strings.ContainsAny(k.how, "di") && !strings.Contains(k.how, "V") {
		return fmt.Errorf("-%s do not go together: lines are compared in one way", k.how)
	}
	k.spelled = strings.Contains(k.how, "V")
	k.reverse, k.fold = strings.Contains(k.how, "r"), strings.Contains(k.how, "f")
	switch {
	case strings.Contains(k.how, "d"):
		k.keep = func(c byte) bool {
			return c == ' ' || c == '\t' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		}
	case strings.Contains(k.how, "i"):
		k.keep = func(c byte) bool { return c >= ' ' && c < 127 }
	}
	return nil
}

// text is the part of a line that a key speaks of.
func (k *sortKey) text(line, sep string) string {
	if k.from == 1 && k.fromChar == 1 && k.to == 0 && !k.fromB {
		return line
	}
	begin := fieldAt(line, sep, k.from-1)
	if k.fromB {
		begin += leadingBlanks(line[begin:])
	}
	begin += min(k.fromChar-1, len(line)-begin)
	end := len(line)
	switch {
	case k.to > 0 && k.toChar == 0:
		if end = fieldAt(line, sep, k.to); sep != "" && end > 0 && strings.HasSuffix(line[:end], sep) && fieldEnds(line, sep, k.to) {
			end -= len(sep)
		}
	case k.to > 0:
		end = fieldAt(line, sep, k.to-1)
		if k.toB {
			end += leadingBlanks(line[end:])
		}
		end += min(k.toChar, len(line)-end)
	}
	return line[begin:max(begin, end)]
}

// fieldAt is where field n begins, counted from 0: the length of the line when it has no such field. Without a
// separator, the blanks before a field belong to it.
func fieldAt(line, sep string, n int) int {
	at := 0
	for ; n > 0 && at < len(line); n-- {
		if sep != "" {
			next := strings.Index(line[at:], sep)
			if next < 0 {
				return len(line)
			}
			at += next + len(sep)
			continue
		}
		at += leadingBlanks(line[at:])
		next := strings.IndexAny(line[at:], " \t")
		if next < 0 {
			return len(line)
		}
		at += next
	}
	return at
}

// fieldEnds tells whether field n, counted from 1, ends with a separator.
func fieldEnds(line, sep string, n int) bool {
	for range n {
		at := strings.Index(line, sep)
		if at < 0 {
			return false
		}
		line = line[at+len(sep):]
	}
	return true
}

func leadingBlanks(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }

func (k *sortKey) compare(a, b, sep string) int {
	a, b = k.text(a, sep), k.text(b, sep)
	c := 0
	if k.value != nil {
		if k.spelled {
			a, b = k.plain(a), k.plain(b)
		}
		c = k.value(a).compare(k.value(b))
	} else {
		c = strings.Compare(k.plain(a), k.plain(b))
	}
	if k.reverse {
		return -c
	}
	return c
}

// plain is what of a text counts.
func (k *sortKey) plain(text string) string {
	if k.fold {
		text = foldASCII(text)
	}
	if k.keep == nil {
		return text
	}
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		if k.keep(text[i]) {
			b = append(b, text[i])
		}
	}
	return string(b)
}
