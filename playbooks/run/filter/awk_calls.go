package filter

import (
	"errors"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/timefmt-go"
)

func (r *awkRun) call(n *awkNode) awkValue {
	arg := func(i int) awkValue {
		if i >= len(n.kids) {
			return awkValue{}
		}
		return r.eval(n.kids[i])
	}
	switch n.text {
	case "length":
		if len(n.kids) == 0 {
			return num(r.length(r.line))
		}
		if k := n.kids[0]; k.op == "var" && r.arrays[k.text] != nil {
			return num(float64(len(r.arrays[k.text])))
		}
		return num(r.length(r.str(arg(0))))
	case "substr":
		return r.substr(n)
	case "index":
		v := r.values(n.kids)
		s, part := r.str(v[0]), r.str(v[1])
		r.tick(len(s))
		at := strings.Index(s, part)
		if at < 0 {
			return num(0)
		}
		return num(r.length(s[:at]) + 1)
	case "split":
		return r.splitInto(n)
	case "sub", "gsub":
		return r.replace(n)
	case "gensub":
		return r.gensub(n)
	case "match":
		s := r.str(arg(0))
		r.pending += len(s)
		re := r.expression(n.kids[1])
		r.pending -= len(s)
		r.tick(len(s))
		start, length := 0.0, -1.0
		if m := re.FindStringIndex(s); m != nil {
			start, length = r.length(s[:m[0]])+1, r.length(s[m[0]:m[1]])
		}
		r.assign(&awkNode{op: "var", text: "RSTART"}, num(start))
		r.assign(&awkNode{op: "var", text: "RLENGTH"}, num(length))
		return num(start)
	case "sprintf":
		return r.made(r.format(n.kids))
	case "tolower":
		return r.made(strings.ToLower(r.str(arg(0))))
	case "toupper":
		return r.made(strings.ToUpper(r.str(arg(0))))
	case "int":
		return num(math.Trunc(arg(0).number()))
	case "fflush":
		return num(0)
	case "systime":
		return num(float64(time.Now().Unix()))
	case "strftime":
		return r.strftime(n)
	case "rand":
		return num(r.random.Float64())
	case "srand":
		was := r.seed
		if r.seed = float64(time.Now().Unix()); len(n.kids) > 0 {
			r.seed = arg(0).number()
		}
		r.random = rand.New(rand.NewPCG(math.Float64bits(r.seed), 0))
		return num(was)
	case "atan2":
		a, b := r.two(n)
		return num(math.Atan2(a.number(), b.number()))
	}
	f := map[string]func(float64) float64{"sqrt": math.Sqrt, "exp": math.Exp, "log": math.Log, "sin": math.Sin, "cos": math.Cos}[n.text]
	return num(f(arg(0).number()))
}

// length is how many characters a text has.
func (r *awkRun) length(s string) float64 {
	r.tick(len(s))
	return float64(utf8.RuneCountInString(s))
}

// substr cuts characters out of a text. Numbers lose their fractions, and a beginning before the text is the text's.
func (r *awkRun) substr(n *awkNode) awkValue {
	v := r.values(n.kids)
	s := r.str(v[0])
	size := r.length(s)
	from, to := math.Trunc(v[1].number()), size+1
	if !(from >= 1) { // no number neither
		from = 1
	}
	if len(v) > 2 {
		to = min(to, from+math.Trunc(v[2].number()))
	}
	if !(from < to) || from > size {
		return text("")
	}
	if size == float64(len(s)) {
		return text(s[int(from)-1 : int(to)-1])
	}
	at, begin, end := 1, len(s), len(s)
	for i := range s {
		if at == int(from) {
			begin = i
		}
		if at == int(to) {
			end = i
			break
		}
		at++
	}
	return text(s[begin:end])
}

// splitInto is split.
func (r *awkRun) splitInto(n *awkNode) awkValue {
	s := r.str(r.eval(n.kids[0]))
	var parts []string
	switch {
	case len(n.kids) < 3:
		parts = r.split(s, r.text("FS"))
	case n.kids[2].op == "re" && n.kids[2].text != "":
		if r.tick(len(s)); s != "" {
			parts = r.splitBy(n.kids[2].re.FindAllStringIndex(s, maxFound+1), s)
		}
	case n.kids[2].op == "re":
		parts = r.split(s, "")
	default:
		r.pending += len(s)
		sep := r.str(r.eval(n.kids[2]))
		r.pending -= len(s)
		parts = r.split(s, sep)
	}
	array := n.kids[1].text
	r.empty(array)
	if r.arrays[array] == nil {
		r.arrays[array] = map[string]awkValue{}
	}
	for i, part := range parts {
		r.setItem(array, strconv.Itoa(i+1), input(part))
	}
	return num(float64(len(parts)))
}

// strftime writes a time, in UTC.
func (r *awkRun) strftime(n *awkNode) awkValue {
	form, at := "%a %b %e %H:%M:%S %Z %Y", time.Now()
	v := r.values(n.kids)
	if len(v) > 0 {
		form = r.str(v[0])
	}
	if len(v) > 1 {
		seconds := v[1].number()
		if !(math.Abs(seconds) < 1e11) {
			panic(awkError{errors.New("strftime has no such time")})
		}
		at = time.Unix(int64(seconds), 0)
	}
	if len(form) > maxProgram {
		panic(awkError{errTextTooLong})
	}
	return r.made(timefmt.Format(at.UTC(), form))
}

// replace is sub and gsub.
func (r *awkRun) replace(n *awkNode) awkValue {
	re := r.expression(n.kids[0])
	with := r.str(r.eval(n.kids[1]))
	r.pending += len(with)
	target := &awkNode{op: "field", kids: []*awkNode{{op: "num"}}}
	if len(n.kids) > 2 {
		target = r.place(n.kids[2])
	}
	limit := -1
	if n.text == "sub" {
		limit = 1
	}
	out, count := r.substituted(re, with, r.str(r.eval(target)), limit, false)
	r.pending -= len(with)
	if count > 0 {
		r.assign(target, text(out))
	}
	return num(float64(count))
}

// gensub is sub with groups, which gives the text instead of changing it.
func (r *awkRun) gensub(n *awkNode) awkValue {
	re := r.expression(n.kids[0])
	rest := r.values(n.kids[1:])
	limit := max(1, whole(rest[1].number()))
	if how := r.str(rest[1]); how != "" && how[0]|0x20 == 'g' {
		limit = -1
	}
	s := r.line
	if len(rest) > 2 {
		s = r.str(rest[2])
	}
	out, _ := r.substituted(re, r.str(rest[0]), s, limit, true)
	return text(out)
}

// substituted puts text where a pattern is: & is what was found, \& a plain one. With groups, \1 is a group and a
// positive limit means only that occurrence; without, at most limit are replaced.
func (r *awkRun) substituted(re *regexp.Regexp, with, s string, limit int, groups bool) (string, int) {
	r.tick(len(s))
	places, err := found(re, s, limit)
	if err != nil {
		panic(awkError{err})
	}
	r.tick(len(places) << 8)
	var b strings.Builder
	last, count := 0, 0
	for i, m := range places {
		if groups && limit > 0 && i+1 != limit {
			continue
		}
		b.WriteString(s[last:m[0]])
		for k := 0; k < len(with); k++ {
			r.room(&b, 0)
			c := with[k]
			if c == '&' {
				b.WriteString(s[m[0]:m[1]])
				continue
			}
			if c != '\\' || k+1 == len(with) {
				b.WriteByte(c)
				continue
			}
			k++
			next := with[k]
			g := int(next) - '0'
			switch {
			case groups && g >= 0 && g <= 9:
				if 2*g+1 < len(m) && m[2*g] >= 0 {
					b.WriteString(s[m[2*g]:m[2*g+1]])
				}
			case next == '&' || next == '\\':
				b.WriteByte(next)
			case groups:
				b.WriteByte(next)
			default:
				b.WriteByte('\\')
				b.WriteByte(next)
			}
		}
		r.room(&b, 0)
		last = m[1]
		count++
	}
	r.room(&b, len(s)-last)
	b.WriteString(s[last:])
	r.fits(b.Len())
	return b.String(), count
}

// room ends a program that writes too long a text.
func (r *awkRun) room(b *strings.Builder, more int) {
	if b.Len()+more > maxText {
		panic(awkError{errTextTooLong})
	}
}
