package filter

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the width and the precision that printf is given.
const maxWidth = 10_000

// awkForm is one part of printf's form: %-5.2f.
type awkForm struct {
	flags     string
	width     int
	precision int // -1: none
	verb      byte
}

// format is printf's.
func (r *awkRun) format(kids []*awkNode) string {
	args := r.values(kids)
	form := r.str(args[0])
	args = args[1:]
	arg := func() awkValue {
		if len(args) == 0 {
			return awkValue{}
		}
		v := args[0]
		args = args[1:]
		return v
	}
	var b strings.Builder
	for form != "" {
		plain, rest, more := strings.Cut(form, "%")
		b.WriteString(plain)
		if !more {
			break
		}
		f, size := readForm(rest, arg)
		if f.verb == '%' {
			b.WriteByte('%')
		} else if text, ok := r.one(f, arg); ok {
			b.WriteString(text)
		} else {
			b.WriteString("%" + rest[:size])
		}
		r.fits(b.Len())
		form = rest[size:]
	}
	return b.String()
}

// readForm reads what follows a %.
func readForm(text string, arg func() awkValue) (f awkForm, size int) {
	i := 0
	number := func() int {
		if i < len(text) && text[i] == '*' {
			i++
			return within(whole(arg().number()))
		}
		start := i
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi(text[start:i])
		if err != nil && i > start {
			n = maxWidth + 1
		}
		return within(n)
	}
	for i < len(text) && strings.IndexByte("-+ #0", text[i]) >= 0 {
		if strings.IndexByte(f.flags, text[i]) < 0 {
			f.flags += text[i : i+1]
		}
		i++
	}
	if f.width = number(); f.width < 0 {
		f.width = -f.width
		f.flags += "-"
	}
	f.precision = -1
	if i < len(text) && text[i] == '.' {
		i++
		f.precision = max(-1, number())
	}
	for i < len(text) && strings.IndexByte("hlLqjzt", text[i]) >= 0 {
		i++
	}
	if i < len(text) {
		f.verb = text[i]
		i++
	}
	return f, i
}

// within refuses a width that no line has.
func within(n int) int {
	if n > maxWidth || n < -maxWidth {
		panic(awkError{errors.New("printf's width is too large")})
	}
	return n
}

// spec is the form as Go writes it, with only the flags that the verb knows.
func (f awkForm) spec(flags, verb string, precision int) string {
	var b strings.Builder
	b.WriteByte('%')
	for _, c := range []byte(f.flags) {
		if strings.IndexByte(flags, c) >= 0 {
			b.WriteByte(c)
		}
	}
	if f.width > 0 {
		b.WriteString(strconv.Itoa(f.width))
	}
	if precision >= 0 {
		b.WriteString("." + strconv.Itoa(precision))
	}
	return b.String() + verb
}

// one writes one value; false: there is no such verb.
func (r *awkRun) one(f awkForm, arg func() awkValue) (string, bool) {
	switch f.verb {
	case 'd', 'i', 'o', 'x', 'X', 'u':
		return f.whole(arg().number()), true
	case 'f', 'F', 'e', 'E', 'g', 'G':
		n := arg().number()
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Sprintf(f.spec("-", "s", -1), noNumber(n)), true
		}
		precision := f.precision
		if precision < 0 {
			precision = 6
		}
		return fmt.Sprintf(f.spec("-+ #0", string(f.verb), precision), n), true
	case 'c':
		v := arg()
		s := v.s
		if v.isNum {
			s = string(rune(whole(v.f)))
			if v.f < 0 || v.f > utf8.MaxRune {
				s = string(utf8.RuneError)
			}
		} else if _, size := utf8.DecodeRuneInString(s); size > 0 {
			s = s[:size]
		}
		return fmt.Sprintf(f.spec("-", "s", -1), s), true
	case 's':
		return fmt.Sprintf(f.spec("-", "s", f.precision), r.str(arg())), true
	}
	return "", false
}

// whole writes a number without its fraction.
func (f awkForm) whole(n float64) string {
	n = math.Trunc(n)
	signed := f.verb == 'd' || f.verb == 'i'
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return fmt.Sprintf(f.spec("-", "s", -1), noNumber(n))
	case math.Abs(n) >= 1<<63:
		return fmt.Sprintf(f.spec("-+ 0", "f", 0), n)
	case signed || n < 0:
		return fmt.Sprintf(f.spec("-+ 0", "d", f.precision), int64(n))
	case f.verb == 'u':
		return fmt.Sprintf(f.spec("-0", "d", f.precision), int64(n))
	case n == 0:
		return fmt.Sprintf(f.spec("-0", "d", f.precision), 0)
	}
	return fmt.Sprintf(f.spec("-#0", string(f.verb), f.precision), int64(n))
}

func noNumber(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case f < 0:
		return "-inf"
	}
	return "inf"
}
