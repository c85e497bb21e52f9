package filter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

var trOptions = option{flags: "cCdst", inOrder: true, long: map[string]byte{"delete": 'd', "squeeze-repeats": 's', "complement": 'c', "truncate-set1": 't'}}

const (
	// allRunes is more than there are characters; beyond it stand the bytes that are no text.
	allRunes = utf8.MaxRune + 1
	// maxSpans bounds the parts of a set, each of which may be looked at for every character.
	maxSpans = 4096
)

// tr replaces, deletes or squeezes characters. A byte that is no text belongs to no set and passes as it is.
func tr(ctx context.Context, s shell.Streams, args []string) (err error) {
	g, err := trOptions.options(args, 2)
	if err != nil {
		return err
	}
	t, err := readTr(g)
	if err != nil {
		return err
	}
	var ascii [utf8.RuneSelf]struct {
		to            rune
		gone, squeeze bool
	}
	for i := range ascii {
		a := &ascii[i]
		a.to, a.gone = t.replace(rune(i))
		a.squeeze = !a.gone && t.squeezes(a.to)
	}
	out, done := buffered(s.Out)
	defer done(&err)
	in := runeReader(s.In)
	last := rune(-1)
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r, size, err := in.ReadRune()
		if err != nil {
			return ignoreEOF(err)
		}
		if r == utf8.RuneError && size == 1 {
			_ = in.UnreadRune()
			b, _ := in.ReadByte()
			r = allRunes + rune(b)
		}
		var to rune
		var gone, squeeze bool
		if r < utf8.RuneSelf {
			to, gone, squeeze = ascii[r].to, ascii[r].gone, ascii[r].squeeze
		} else {
			to, gone = t.replace(r)
			squeeze = t.squeeze && !gone && to == last && t.squeezes(to)
		}
		if gone || squeeze && to == last {
			continue
		}
		if last = to; to >= allRunes {
			_ = out.WriteByte(byte(to - allRunes))
		} else {
			_, _ = out.WriteRune(to)
		}
	}
}

// translation is what one tr does.
type translation struct {
	from, to                    trSet
	members                     trSet // of from, in order and without overlaps
	complement, delete, squeeze bool
	translates                  bool
	limit                       int // how many of from are replaced
}

func readTr(g given) (*translation, error) {
	t := &translation{complement: g.set['c'] || g.set['C'], delete: g.set['d'], squeeze: g.set['s']}
	switch n := len(g.words); {
	case n == 0 || n == 1 && !t.delete && !t.squeeze:
		return nil, errors.New("it needs two sets of characters, or -d or -s and one")
	case n == 1 && t.delete && t.squeeze:
		return nil, errors.New("-d together with -s needs two sets of characters")
	case n == 2 && t.delete && !t.squeeze:
		return nil, errors.New("-d takes one set of characters")
	}
	var err error
	if t.from, err = readTrSet(g.words[0]); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(t.from, func(s trSpan) bool { return s.fill }) {
		return nil, errors.New("the first set cannot hold a repeat without its number, such as [x*]")
	}
	t.members = t.from.sorted()
	if len(g.words) < 2 {
		return t, nil
	}
	if t.to, err = readTrSet(g.words[1]); err != nil {
		return nil, err
	}
	if t.translates = !t.delete; !t.translates {
		if slices.ContainsFunc(t.to, func(s trSpan) bool { return s.fill }) {
			return nil, errors.New("a repeat without its number, such as [x*], is only for replacing")
		}
		return t, nil
	}
	return t, t.pair(g.set['t'])
}

// pair brings the second set to the length of the first.
func (t *translation) pair(truncate bool) error {
	n := t.from.size()
	if t.complement {
		n = allRunes + 256 - t.members.size()
	}
	fills := 0
	for i, s := range t.to {
		if s.fill {
			fills++
			t.to[i].n = max(0, n-t.to.size())
		}
	}
	if err := t.classes(); err != nil {
		return err
	}
	size := t.to.size()
	switch last := len(t.to) - 1; {
	case fills > 1:
		return errors.New("only one repeat of the second set may be without its number")
	case len(t.to) == 0 && !truncate:
		return errors.New("the second set is empty: use -d to delete")
	case !truncate && size < n && t.to[last].class != "":
		return errors.New("the second set is shorter than the first, so it cannot end with a class")
	case !truncate && size < n && size == 0:
		return errors.New("the second set is empty: use -d to delete")
	case !truncate && size < n:
		end, _ := t.to.at(size - 1)
		t.to = append(t.to, trSpan{first: end, n: n - size})
	}
	t.limit = min(n, t.to.size())
	return nil
}

// classes refuses what a class in the second set cannot mean.
func (t *translation) classes() error {
	at := 0
	for _, s := range t.to {
		switch {
		case s.equal:
			return errors.New("the second set cannot hold [=x=]")
		case s.class != "" && s.class != "upper" && s.class != "lower":
			return fmt.Errorf("of classes, the second set can hold [:upper:] and [:lower:] only, not [:%s:]", s.class)
		case s.class != "" && (t.complement || !t.from.caseAt(at)):
			return fmt.Errorf("[:%s:] of the second set needs [:lower:] or [:upper:] at its place in the first", s.class)
		}
		at += s.n
	}
	if t.complement && slices.ContainsFunc(t.from, func(s trSpan) bool { return s.class != "" }) {
		for _, s := range t.to {
			if s.first != t.to[0].first || s.step > 0 && s.n > 1 {
				return errors.New("what is outside of a class can be replaced by one character only")
			}
		}
	}
	return nil
}

func (t *translation) in(r rune) bool { return (t.from.last(r, -1) >= 0) != t.complement }

// replace gives what stands for a character, or that it goes.
func (t *translation) replace(r rune) (to rune, gone bool) {
	switch {
	case t.delete:
		return r, t.in(r)
	case !t.translates:
		return r, false
	}
	at := -1
	if !t.complement {
		at = t.from.last(r, t.limit)
	} else if t.in(r) {
		if at = int(r) - t.members.below(r); at >= t.limit {
			at = -1
		}
	}
	if at < 0 {
		return r, false
	}
	to, _ = t.to.at(at)
	return to, false
}

// squeezes tells whether a character that follows itself goes.
func (t *translation) squeezes(r rune) bool {
	switch {
	case !t.squeeze:
		return false
	case t.to != nil:
		return t.to.last(r, -1) >= 0
	default:
		return t.in(r)
	}
}

// trSpan is a part of a set: n characters from first on (step 1), or n times the same (step 0).
type trSpan struct {
	first       rune
	n           int
	step        int
	class       string // of [:class:]; empty: none
	equal, fill bool   // of [=x=]; of [x*]
}

func (s trSpan) end() rune { return s.first + rune(max(0, s.step*(s.n-1))) }

type trSet []trSpan

func (t trSet) size() int {
	n := 0
	for _, s := range t {
		n += s.n
	}
	return n
}

func (t trSet) at(i int) (rune, bool) {
	for _, s := range t {
		if i < s.n {
			return s.first + rune(s.step*i), true
		}
		i -= s.n
	}
	return 0, false
}

// last is where a character stands the last time before limit; -1: nowhere. A limit of -1 is none.
func (t trSet) last(r rune, limit int) int {
	found, before := -1, 0
	for _, s := range t {
		if s.n > 0 && r >= s.first && r <= s.end() {
			at := before + s.n - 1
			if s.step > 0 {
				at = before + int(r-s.first)
			} else if limit >= 0 && before < limit {
				at = min(at, limit-1)
			}
			if limit < 0 || at < limit {
				found = at
			}
		}
		before += s.n
	}
	return found
}

// sorted are the characters of a set in order, each once.
func (t trSet) sorted() trSet {
	var all trSet
	for _, s := range t {
		if s.n > 0 {
			all = append(all, trSpan{first: s.first, n: int(s.end()-s.first) + 1, step: 1})
		}
	}
	slices.SortFunc(all, func(a, b trSpan) int { return int(a.first) - int(b.first) })
	var out trSet
	for _, s := range all {
		if k := len(out) - 1; k >= 0 && s.first <= out[k].end()+1 {
			out[k].n = int(max(out[k].end(), s.end())-out[k].first) + 1
			continue
		}
		out = append(out, s)
	}
	return out
}

// below counts the characters of a sorted set that come before r.
func (t trSet) below(r rune) int {
	n := 0
	for _, s := range t {
		n += max(0, min(s.n, int(r-s.first)))
	}
	return n
}

// caseAt tells whether a class of letters begins at a place.
func (t trSet) caseAt(at int) bool {
	for _, s := range t {
		if at == 0 && (s.class == "lower" || s.class == "upper") {
			return true
		}
		if at -= s.n; at < 0 {
			return false
		}
	}
	return false
}

var trClasses = map[string][]string{"digit": {"09"}, "lower": {"az"}, "upper": {"AZ"}, "alpha": {"AZ", "az"}, "alnum": {"09", "AZ", "az"},
	"space": {"\t\r", "  "}, "blank": {"\t\t", "  "}, "punct": {"!/", ":@", "[`", "{~"}, "xdigit": {"09", "AF", "af"}, "cntrl": {"\x00\x1f", "\x7f\x7f"},
	"graph": {"!~"}, "print": {" ~"}}

// trChar is a character of a set as it is written. What was escaped stands for itself.
type trChar struct {
	rune
	escaped bool
}

func (c trChar) is(r rune) bool { return !c.escaped && c.rune == r }

// readTrSet reads a-z, [:digit:], [=x=], [x*3], \n, \012 and plain characters.
func readTrSet(text string) (trSet, error) {
	c, err := readTrChars(text)
	if err != nil {
		return nil, err
	}
	set := trSet{}
	for i := 0; i < len(c); {
		if len(set) >= maxSpans {
			return nil, fmt.Errorf("a set of characters has more than %d parts", maxSpans)
		}
		if c[i].is('[') && i+2 < len(c) {
			spans, used, err := bracketed(c[i:])
			if err != nil {
				return nil, err
			}
			if used > 0 {
				set = append(set, spans...)
				i += used
				continue
			}
		}
		if i+2 < len(c) && c[i+1].is('-') {
			from, to := c[i].rune, c[i+2].rune
			if to < from {
				return nil, fmt.Errorf("the range %c-%c is the wrong way round", from, to)
			}
			set = append(set, trSpan{first: from, n: int(to-from) + 1, step: 1})
			i += 3
			continue
		}
		set = append(set, trSpan{first: c[i].rune, n: 1, step: 1})
		i++
	}
	return set, nil
}

// bracketed reads [:class:], [=x=] or [x*n]; used 0: it is none of them.
func bracketed(c []trChar) (spans trSet, used int, err error) {
	if mark := c[1]; mark.is(':') || mark.is('=') {
		for end := 2; end+1 < len(c); end++ {
			if !c[end].is(mark.rune) || !c[end+1].is(']') {
				continue
			}
			var name strings.Builder
			for _, x := range c[2:end] {
				name.WriteRune(x.rune)
			}
			class := trClasses[name.String()]
			switch {
			case mark.is(':') && class != nil:
				for _, r := range class {
					spans = append(spans, trSpan{first: rune(r[0]), n: int(r[1]-r[0]) + 1, step: 1, class: name.String()})
				}
				return spans, end + 2, nil
			case mark.is('=') && end == 3:
				return trSet{{first: c[2].rune, n: 1, step: 1, equal: true}}, end + 2, nil
			case c[2].is('*') && end > 2: // perhaps it is [:*3]
			case mark.is(':'):
				return nil, 0, fmt.Errorf("there is no class %q", name.String())
			default:
				return nil, 0, fmt.Errorf("[=%s=] needs one character", name.String())
			}
			break
		}
	}
	if !c[2].is('*') {
		return nil, 0, nil
	}
	digits := ""
	for i := 3; i < len(c) && !c[i].escaped; i++ {
		if c[i].rune != ']' {
			digits += string(c[i].rune)
			continue
		}
		span := trSpan{first: c[1].rune}
		if digits != "" {
			base := 10
			if digits[0] == '0' {
				base = 8
			}
			n, err := strconv.ParseUint(digits, base, 62)
			if err != nil {
				return nil, 0, fmt.Errorf("%q is no number of repeats", digits)
			}
			span.n = int(min(n, 2*allRunes))
		}
		span.fill = span.n == 0
		return trSet{span}, i + 1, nil
	}
	return nil, 0, nil
}

// readTrChars reads the escapes.
func readTrChars(text string) ([]trChar, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("a set of characters is no text")
	}
	named := map[rune]rune{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}
	var out []trChar
	r := []rune(text)
	for i := 0; i < len(r); i++ {
		if r[i] != '\\' || i+1 == len(r) {
			out = append(out, trChar{rune: r[i]})
			continue
		}
		i++
		c, ok := named[r[i]]
		if !ok {
			c = r[i]
		}
		if c >= '0' && c <= '7' {
			c -= '0'
			for k := 0; k < 2 && i+1 < len(r) && r[i+1] >= '0' && r[i+1] <= '7' && c*8+r[i+1]-'0' < 256; k++ {
				i++
				c = c*8 + r[i] - '0'
			}
			if c >= utf8.RuneSelf {
				return nil, shell.Refusef("\\%o would be a byte, and tr replaces characters here: write the character itself, or \\000-\\177 with -c for all that is not ASCII.", c)
			}
		}
		out = append(out, trChar{c, true})
	}
	return out, nil
}
