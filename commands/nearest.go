package commands

import (
	"strings"
	"unicode/utf8"
)

// unknown answers a text without a command: the nearest one and its usage.
func unknown(toks []token) Reply {
	typed := toks[0].text
	if _, ok := severityWord(toks[0]); ok && len(toks) > 1 {
		return usage(find("create"), "Which command is meant? To declare an incident, begin with create.")
	}
	s := nearest(toks[0].word())
	if s == nil {
		return refuse(CodeUsage, "There is no command ", Code(shorten(typed, 40)), ". ", Code("help"), " lists them all.")
	}
	return usage(s, "There is no command ", Code(shorten(typed, 40)), "; the nearest is ", Code(s.name), ".")
}

// nearest finds the command whose name, or another word for it, is closest to
// what was typed; nil: nothing is close.
func nearest(typed string) *spec {
	n := utf8.RuneCountInString(typed)
	if n < 2 || n > 40 {
		return nil
	}
	limit := 1
	if n >= 5 {
		limit = 2
	}
	var best *spec
	score := limit + 1
	for i := range specs {
		s := &specs[i]
		for _, name := range append([]string{s.name}, s.aliases...) {
			d := distance(typed, name)
			if n >= 3 && strings.HasPrefix(name, typed) {
				d = min(d, 1)
			}
			if d < score {
				best, score = s, d
			}
		}
	}
	return best
}

// distance counts the letters to insert, drop, change or exchange with their
// neighbour to get from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := range x {
		for j := range y {
			change := rows[i][j]
			if x[i] != y[j] {
				change++
			}
			rows[i+1][j+1] = min(change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				rows[i+1][j+1] = min(rows[i+1][j+1], rows[i-1][j-1]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// shorten cuts a text to n code points, the last one being an ellipsis.
func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
