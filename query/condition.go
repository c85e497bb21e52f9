package query

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// comparison is the end of an alert's expression: "> 0.05".
var comparison = regexp.MustCompile(`(?s)^\s*(.*?\S)\s*(==|!=|>=|<=|>|<)\s*(?:bool\b)?\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*$`)

// Condition parts an alert's expression "error_rate > 0.05" into what is
// measured and its limit. An alert's own expression has values only while it
// fires; what is measured has them always. ok is false when the expression is
// anything else than one comparison with a number.
func Condition(expr string) (measured, op string, limit float64, ok bool) {
	m := comparison.FindStringSubmatch(expr)
	if m == nil {
		return "", "", 0, false
	}
	limit, err := strconv.ParseFloat(m[3], 64)
	if err != nil || math.IsInf(limit, 0) || !alone(m[1]) {
		return "", "", 0, false
	}
	return m[1], m[2], limit, true
}

// alone tells whether an expression's brackets are closed and it has no
// comparison, no "and", "or" and "unless" outside of them.
func alone(expr string) bool {
	depth, quote := 0, rune(0)
	var outside strings.Builder
	escaped := false
	for _, r := range expr {
		switch {
		case quote != 0:
			if !escaped && r == quote {
				quote = 0
			}
			escaped = r == '\\' && !escaped && quote != '`'
		case r == '"' || r == '\'' || r == '`':
			quote = r
		case strings.ContainsRune("([{", r):
			depth++
			outside.WriteByte(' ')
		case strings.ContainsRune(")]}", r):
			if depth--; depth < 0 {
				return false
			}
			outside.WriteByte(' ')
		case depth == 0:
			outside.WriteRune(r)
		}
	}
	if depth != 0 || quote != 0 || strings.ContainsAny(outside.String(), "<>=!#") {
		return false
	}
	for _, word := range strings.Fields(strings.ToLower(outside.String())) {
		if word == "and" || word == "or" || word == "unless" {
			return false
		}
	}
	return true
}
