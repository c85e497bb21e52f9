package playbooks

import (
	"regexp"
	"slices"
	"strings"
)

// line is one line of a file with its number, which stays when lines come and
// go around it.
type line struct {
	text string
	n    int
}

var (
	fenceLine   = regexp.MustCompile("^([ \t]*(?:>[ \t]?)*[ \t]*(?:[-*+][ \t]+|[0-9]{1,9}[.)][ \t]+)?)(`{3,}|~{3,})[ \t]*([^`]*)$")
	headingLine = regexp.MustCompile(`^#{2,6}[ \t]+\S`)
)

// tidy mends fences that were not closed or were doubled, so that one
// forgotten line does not make the rest of a file into code. What it mends is
// a problem.
func tidy(lines []line) (out []line, problems []Problem) {
	report := func(n int, text string) { problems = append(problems, Problem{n, text}) }
	open, opened := "", line{} // the fence that is open, and its line
	at := 0                    // where in out it opened
	indent := ""
	closed := -1 // where in out the last fence was closed
	for i, l := range lines {
		m := fenceLine.FindStringSubmatch(strings.TrimRight(l.text, "\r"))
		switch {
		case m == nil:
			out = append(out, l)
		case open == "":
			bare := strings.TrimSpace(m[3]) == ""
			if bare && i > 0 && closed == len(out)-1 {
				report(l.n, "the fence is closed twice; the second one is left out")
				out = append(out, line{"", l.n})
				continue
			}
			open, opened, at, indent = m[2], l, len(out), blankOf(m[1])
			out = append(out, l)
		case m[2][0] != open[0] || len(m[2]) < len(open):
			out = append(out, l)
		case strings.TrimSpace(m[3]) == "":
			open, closed = "", len(out)
			out = append(out, l)
		case len(out) == at+1:
			report(l.n, "the fence is opened twice; the second one counts")
			out[at].text = ""
			open, opened, at, indent = m[2], l, len(out), blankOf(m[1])
			out = append(out, l)
		default:
			report(opened.n, "the fence is not closed before the next one opens; write ``` where the code ends")
			out = closeBefore(out, at, open, indent)
			open, opened, at, indent = m[2], l, len(out), blankOf(m[1])
			out = append(out, l)
		}
	}
	if open != "" {
		report(opened.n, "the fence is never closed; write ``` where the code ends")
		out = closeBefore(out, at, open, indent)
	}
	return out, problems
}

func blankOf(prefix string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '>' {
			return r
		}
		return ' '
	}, prefix)
}

// closeBefore closes the fence that opened at a place: before the next heading
// behind an empty line, else at the end.
func closeBefore(out []line, at int, fence, indent string) []line {
	end := len(out)
	for i := at + 1; i < len(out); i++ {
		if headingLine.MatchString(out[i].text) && strings.TrimSpace(out[i-1].text) == "" {
			end = i
			break
		}
	}
	for end > at+1 && strings.TrimSpace(out[end-1].text) == "" {
		end--
	}
	return slices.Insert(out, end, line{indent + fence, out[end-1].n})
}
