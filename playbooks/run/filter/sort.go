package filter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"muster/playbooks/run/shell"
)

var sortOptions = option{flags: "bdfghinMVrusc", valued: "kt", long: map[string]byte{"reverse": 'r', "unique": 'u', "numeric-sort": 'n',
	"human-numeric-sort": 'h', "general-numeric-sort": 'g', "version-sort": 'V', "ignore-case": 'f', "stable": 's', "key": 'k', "field-separator": 't'}}

// sortKey is one -k.
type sortKey struct {
	from, fromChar, to, toChar int // to 0: the end of the line
	how                        string
}

// sortLines sorts the lines.
func sortLines(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := sortOptions.options(args, 0)
	if err != nil {
		return err
	}
	var how strings.Builder
	for _, letter := range "bdfghinMVr" {
		if g.set[byte(letter)] {
			how.WriteRune(letter)
		}
	}
	keys := []sortKey{{from: 1, how: how.String()}}
	if len(g.values['k']) > 0 {
		keys = nil
		for _, v := range g.values['k'] {
			k, err := readKey(v, how.String())
			if err != nil {
				return err
			}
			keys = append(keys, k)
		}
	}
	sep := g.value('t', "")
	if sep == `\t` {
		sep = "\t"
	}
	all, err := allLines(ctx, s.In)
	if err != nil {
		return err
	}
	byKeys := func(a, b string) int {
		for _, k := range keys {
			if c := k.compare(a, b, sep); c != 0 {
				return c
			}
		}
		return 0
	}
	whole := func(a, b string) int {
		if c := byKeys(a, b); c != 0 || g.set['s'] || g.set['u'] {
			return c
		}
		if g.set['r'] {
			return strings.Compare(b, a)
		}
		return strings.Compare(a, b)
	}
	if g.set['c'] {
		if slices.IsSortedFunc(all, whole) {
			return nil
		}
		fmt.Fprintln(s.Err, "sort: the lines are not in order")
		return shell.Exit(1)
	}
	slices.SortStableFunc(all, whole)
	out, done := buffered(s.Out)
	defer done(&err)
	for i, line := range all {
		if g.set['u'] && i > 0 && byKeys(all[i-1], line) == 0 {
			continue
		}
		fmt.Fprintln(out, line)
	}
	return nil
}

// readKey reads F[.C][letters][,F[.C][letters]].
func readKey(v, how string) (sortKey, error) {
	var k sortKey
	letters := ""
	begin, end, ranged := strings.Cut(v, ",")
	part := func(text string) (field, char int, err error) {
		at := strings.IndexFunc(text, unicode.IsLetter)
		if at >= 0 {
			letters += text[at:]
			text = text[:at]
		}
		f, c, dotted := strings.Cut(text, ".")
		if field, err = strconv.Atoi(f); err != nil || field < 1 {
			return 0, 0, fmt.Errorf("the key %q cannot be read", v)
		}
		if dotted {
			if char, err = strconv.Atoi(c); err != nil {
				return 0, 0, fmt.Errorf("the key %q cannot be read", v)
			}
		}
		return field, char, nil
	}
	var err error
	if k.from, k.fromChar, err = part(begin); err != nil {
		return k, err
	}
	if ranged {
		if k.to, k.toChar, err = part(end); err != nil {
			return k, err
		}
	}
	if k.how = letters; letters == "" {
		k.how = how
	}
	return k, nil
}

// text is the part of a line that a key speaks of.
func (k sortKey) text(line, sep string) string {
	if k.from == 1 && k.to == 0 && k.fromChar == 0 {
		return line
	}
	var fields []string
	if sep != "" {
		fields = strings.Split(line, sep)
	} else {
		fields = blankFields(line)
	}
	if k.from > len(fields) {
		return ""
	}
	to := len(fields)
	if k.to > 0 {
		to = min(to, k.to)
	}
	if to < k.from {
		return ""
	}
	part := slices.Clone(fields[k.from-1 : to])
	if k.to > 0 && k.toChar > 0 && to == k.to {
		part[len(part)-1] = part[len(part)-1][:min(k.toChar, len(part[len(part)-1]))]
	}
	if k.fromChar > 1 {
		part[0] = part[0][min(k.fromChar-1, len(part[0])):]
	}
	return strings.Join(part, sep)
}

// blankFields splits before each run of blanks, as sort does: the blanks belong to the field after them.
func blankFields(line string) []string {
	var out []string
	start, inBlank := 0, true
	for i := range len(line) {
		blank := line[i] == ' ' || line[i] == '\t'
		if blank && !inBlank {
			out = append(out, line[start:i])
			start = i
		}
		inBlank = blank
	}
	return append(out, line[start:])
}

func (k sortKey) compare(a, b, sep string) int {
	a, b = k.text(a, sep), k.text(b, sep)
	c := 0
	has := func(letter string) bool { return strings.Contains(k.how, letter) }
	switch {
	case has("n"), has("g"):
		c = compareNumbers(number(a), number(b))
	case has("h"):
		c = compareNumbers(human(a), human(b))
	case has("V"):
		c = versions(a, b)
	case has("M"):
		c = month(a) - month(b)
	default:
		if has("b") {
			a, b = strings.TrimLeft(a, " \t"), strings.TrimLeft(b, " \t")
		}
		if has("f") {
			a, b = strings.ToUpper(a), strings.ToUpper(b)
		}
		c = strings.Compare(a, b)
	}
	if has("r") {
		return -c
	}
	return c
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// number reads the number that a text begins with; 0: none.
func number(text string) float64 {
	text = strings.TrimLeft(text, " \t\n")
	end, digits, dot, exp := 0, false, false, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			digits, end = true, i+1
		case (c == '-' || c == '+') && (i == 0 || exp && (text[i-1] == 'e' || text[i-1] == 'E')):
		case c == '.' && !dot && !exp:
			dot = true
		case (c == 'e' || c == 'E') && digits && !exp:
			exp = true
		default:
			i = len(text)
		}
	}
	if !digits {
		return 0
	}
	f, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		return 0
	}
	return f
}

// human reads 512, 4K, 1.5Gi.
func human(text string) float64 {
	text = strings.TrimSpace(text)
	at := strings.IndexAny(text, "KkMGTPE")
	if at <= 0 {
		return number(text)
	}
	power := strings.IndexByte(" KMGTPE", strings.ToUpper(text[at : at+1])[0])
	f := number(text[:at])
	for range power {
		f *= 1024
	}
	return f
}

func month(text string) int {
	names := "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) < 3 {
		return 0
	}
	if at := strings.Index(names, text[:3]); at >= 0 && at%3 == 0 {
		return at/3 + 1
	}
	return 0
}

// versions compares digits as numbers and the rest as text.
func versions(a, b string) int {
	for a != "" && b != "" {
		da, db := leadingDigits(a), leadingDigits(b)
		if da > 0 && db > 0 {
			na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if len(na) != len(nb) {
				return len(na) - len(nb)
			}
			if c := strings.Compare(na, nb); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
