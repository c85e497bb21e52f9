package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in one file.
type Problem struct {
	// File is relative to the configuration's directory, with slashes.
	File string `json:"file"`
	// Line counts from 1; 0: the file as a whole.
	Line int `json:"line,omitempty"`
	// Text is one sentence: what is wrong and what to do.
	Text string `json:"text"`
}

// String gives "file:line: text".
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Problems is everything that one load found, sorted by file and line. As an
// error it reads as one line for each.
type Problems []Problem

// Error gives one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems is the most that one load reports; nobody reads more.
const maxProblems = 1000

func (p *Problems) add(file string, line int, format string, args ...any) {
	if len(*p) >= maxProblems {
		return
	}
	*p = append(*p, Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// err sorts the problems, drops repeated ones, and gives nil when there is
// none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		if a.File == inEnvironment && b.File == inEnvironment {
			return cmp.Compare(a.Text, b.Text)
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(p)
}

// nearest gives the known word that a mistaken one was most likely meant to
// be: the one with the fewest edits, and the first of those.
func nearest(word string, known []string) string {
	best, least := "", 1<<30
	for _, k := range known {
		if d := edits(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// edits counts the insertions, deletions and replacements between two words;
// two neighbours that changed places count once.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 {
		x = x[:64]
	}
	var before, last []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, row = last, row, make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}

// orList reads "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
