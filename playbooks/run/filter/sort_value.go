package filter

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// sortValue is what a text stands for in an order.
type sortValue struct {
	rank    float64 // what is compared first
	whole   string  // digits of a number without leading zeros
	part    string  // digits behind its point without trailing zeros
	below   bool    // it is less than zero
	version string
}

func (v sortValue) compare(w sortValue) int {
	if c := cmp.Compare(v.rank, w.rank); c != 0 {
		return c
	}
	if v.below != w.below {
		if v.below {
			return -1
		}
		return 1
	}
	c := cmp.Compare(len(v.whole), len(w.whole))
	if c == 0 {
		c = cmp.Or(strings.Compare(v.whole, w.whole), strings.Compare(v.part, w.part))
	}
	if v.below {
		c = -c
	}
	return cmp.Or(c, versions(v.version, w.version))
}

// plainNumber reads -12.50 at the beginning of a text; nothing is zero. It is exact, however long the number is.
func plainNumber(text string) sortValue {
	v, _ := readNumber(text)
	return v
}

// readNumber reads a number and gives what comes after it.
func readNumber(text string) (v sortValue, rest string) {
	text = text[leadingBlanks(text):]
	text, v.below = strings.CutPrefix(text, "-")
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	v.whole, text = strings.TrimLeft(text[:digits], "0"), text[digits:]
	if strings.HasPrefix(text, ".") {
		text = text[1:]
		digits = len(text) - len(strings.TrimLeft(text, "0123456789"))
		v.part, text = strings.TrimRight(text[:digits], "0"), text[digits:]
	}
	if v.whole == "" && v.part == "" {
		v.below = false
	}
	return v, text
}

// generalNumber reads 1.5e3, inf and nan; what is none of them comes before all.
func generalNumber(text string) sortValue {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	if f, ok := hexNumber(text); ok {
		return sortValue{rank: f}
	}
	end, digits, dot, exp := 0, false, false, -1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits, end = true, i+1
		case (c == '-' || c == '+') && (i == 0 || i == exp+1 && exp > 0):
		case c == '.' && !dot && exp < 0:
			if dot = true; digits {
				end = i + 1
			}
		case (c == 'e' || c == 'E') && digits && exp < 0:
			exp = i
		default:
			i = len(text)
		}
	}
	if digits {
		f, _ := strconv.ParseFloat(text[:end], 64) // beyond its range it is infinite, or zero
		return sortValue{rank: f + 0}
	}
	word := strings.ToLower(strings.TrimLeft(text[:min(len(text), 4)], "+-"))
	switch {
	case strings.HasPrefix(word, "inf") && strings.HasPrefix(text, "-"):
		return sortValue{rank: math.Inf(-1), version: "inf"}
	case strings.HasPrefix(word, "inf"):
		return sortValue{rank: math.Inf(1)}
	case strings.HasPrefix(word, "nan"):
		return sortValue{rank: math.Inf(-1), version: "NaN"}
	default:
		return sortValue{rank: math.Inf(-1)}
	}
}

// hexNumber reads 0x1F.
func hexNumber(text string) (float64, bool) {
	text, below := strings.CutPrefix(text, "-")
	if len(text) < 3 || text[0] != '0' || text[1]|' ' != 'x' {
		return 0, false
	}
	digits := len(text[2:]) - len(strings.TrimLeft(text[2:], "0123456789abcdefABCDEF"))
	f, err := strconv.ParseFloat("0x0"+text[2:2+digits]+"p0", 64)
	if below {
		f = -f
	}
	return f, err == nil && digits > 0
}

// humanNumber reads 512, 4K, 1.5Gi, as what they are worth.
func humanNumber(text string) sortValue {
	v, rest := readNumber(text)
	f, _ := strconv.ParseFloat("0"+v.whole+"."+v.part+"0", 64)
	if rest != "" {
		if power := strings.IndexByte("KMGTPEZY", strings.ToUpper(rest[:1])[0]); power >= 0 && (rest[0] < 'a' || rest[0] == 'k') {
			for range power + 1 {
				f *= 1024
			}
		}
	}
	if v.below {
		f = -f
	}
	return sortValue{rank: f + 0}
}

// month reads jan to Dec; what is none comes before them.
func month(text string) sortValue {
	text = text[leadingBlanks(text):]
	if len(text) < 3 {
		return sortValue{}
	}
	if at := strings.Index("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", foldASCII(text[:3])); at >= 0 && at%3 == 0 {
		return sortValue{rank: float64(at/3 + 1)}
	}
	return sortValue{}
}

func version(text string) sortValue { return sortValue{version: text} }

// versions compares digits as numbers and the rest as text, first without what looks like the ending of a file's name.
// A ~ comes before everything, even before the end.
func versions(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "" || b == "":
		return cmp.Compare(len(a), len(b))
	}
	if c := cmp.Compare(dots(a), dots(b)); c != 0 || dots(a) < 2 {
		return c
	}
	x, y := withoutEnding(a), withoutEnding(b)
	if c := compareParts(x, y); c != 0 {
		return c
	}
	return compareParts(a, b)
}

// dots ranks ".", "..", other names that begin with a dot, and the rest.
func dots(name string) int {
	switch {
	case name == ".":
		return 0
	case name == "..":
		return 1
	case name[0] == '.':
		return 2
	default:
		return 3
	}
}

// withoutEnding takes away endings such as .tar.gz, but never the first character.
func withoutEnding(name string) string {
	end := len(name)
	for i := len(name) - 1; i > 0; i-- {
		c := name[i]
		switch {
		case isLetter(c) || c == '~' || c >= '0' && c <= '9':
		case c == '.' && i+1 < len(name) && (isLetter(name[i+1]) || name[i+1] == '~'):
			end = i
		default:
			return name[:end]
		}
	}
	return name[:end]
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func compareParts(a, b string) int {
	rank := func(s string) int {
		switch {
		case s == "":
			return -1
		case s[0] >= '0' && s[0] <= '9':
			return 0
		case s[0] == '~':
			return -2
		case isLetter(s[0]):
			return int(s[0])
		default:
			return int(s[0]) + 256
		}
	}
	digit := func(s string) bool { return rank(s) == 0 }
	for a != "" || b != "" {
		for a != "" && !digit(a) || b != "" && !digit(b) {
			if c := rank(a) - rank(b); c != 0 {
				return c
			}
			a, b = a[1:], b[1:] // of the same rank, and not at their ends
		}
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		da, db := len(a)-len(strings.TrimLeft(a, "0123456789")), len(b)-len(strings.TrimLeft(b, "0123456789"))
		if c := cmp.Or(cmp.Compare(da, db), strings.Compare(a[:da], b[:db])); c != 0 {
			return c
		}
		a, b = a[da:], b[db:]
	}
	return 0
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

// compareNumbers is 0 too for what has no order.
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
