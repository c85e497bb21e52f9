package commands

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// LastTimes says in one line what ended it the last times: what did so most
// often, how fast, and how often. Empty: nobody said.
func LastTimes(list []incident.Past) string {
	best, times := incident.Past{}, 0
	for _, p := range list {
		n := 0
		for _, q := range list {
			if q.Fix == p.Fix {
				n++
			}
		}
		if p.Fix != "" && n > times {
			best, times = p, n
		}
	}
	if times == 0 {
		return ""
	}
	fastest, slowest := best.Took, best.Took
	for _, p := range list {
		if p.Fix == best.Fix {
			fastest, slowest = min(fastest, p.Took), max(slowest, p.Took)
		}
	}
	took := "in " + Span(slowest)
	if Span(fastest) != Span(slowest) {
		took = fmt.Sprintf("in %s to %s", Span(fastest), Span(slowest))
	}
	often := ""
	switch times {
	case 1:
	case 2:
		often = ", twice"
	default:
		often = fmt.Sprintf(", %d times", times)
	}
	return fmt.Sprintf("%s ended it %s%s", Ended(best), took, often)
}

// Ended is what ended an incident, a command as code.
func Ended(p incident.Past) string {
	fix := shorten(strings.TrimSuffix(strings.Join(strings.Fields(p.Fix), " "), "."), 160)
	if p.Ran {
		return "`" + strings.ReplaceAll(fix, "`", "'") + "`"
	}
	return "“" + fix + "”"
}

// PastLine is one incident of before in a line, without its link.
func PastLine(p incident.Past) string {
	line := fmt.Sprintf("%s %s, %s, %s", p.ID, shorten(strings.Join(strings.Fields(p.Title), " "), 120), p.At.UTC().Format(time.DateOnly), Span(p.Took))
	if p.Fix != "" {
		line += ", ended by " + Ended(p)
	}
	return line
}

// pastLine is Line for what happened the last times.
func pastLine(e incident.PastFound) Rich {
	var ids []string
	for _, p := range e.Past {
		ids = append(ids, p.ID)
	}
	text := "It happened before: " + strings.Join(ids, ", ")
	if best := LastTimes(e.Past); best != "" {
		text += "; " + best
	}
	return Say(text)
}
