package alerts

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"muster/incident"
)

// The bounds of one request. A bigger one is refused whole; a text that is too
// long is cut.
const (
	// MaxBody is the largest body, in bytes: some 6,000 alerts.
	MaxBody = 4 << 20
	// MaxAlerts is the largest number of alerts.
	MaxAlerts = 10_000
	// maxDepth is how deep arrays and objects may be nested.
	maxDepth = 32
	// maxLabels is how many labels, or annotations, an alert keeps.
	maxLabels = 100
	// The longest texts, in characters. What a silence must match word for
	// word is long enough to be kept whole.
	maxName, maxSummary, maxDescription, maxLabel, maxURL, maxExpr = 200, 500, 3000, 2000, 2000, 4000
	// maxNotes is how many dropped alerts are named one by one.
	maxNotes = 10
)

// Unreadable is a request of which nothing can be taken. Its text is one
// sentence for whoever set the sender up.
type Unreadable struct {
	Text string
	// TooLarge says that it is readable, but passes a bound.
	TooLarge bool
}

// Error gives the sentence.
func (u Unreadable) Error() string { return u.Text }

// bounded checks size and depth before anything is decoded.
func bounded(body []byte) error {
	if len(body) > MaxBody {
		return Unreadable{Text: fmt.Sprintf("The request is larger than %d MiB; set max_alerts in Alertmanager's receiver.", MaxBody>>20), TooLarge: true}
	}
	depth, quoted, escaped := 0, false, false
	for _, b := range body {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = b == '\\'
			quoted = b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return Unreadable{Text: fmt.Sprintf("The request is nested deeper than %d levels.", maxDepth)}
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return nil
}

// line makes a text one clean line of at most max characters.
func line(s string, max int) string {
	return cut(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " "), max)
}

// prose keeps line breaks.
func prose(s string, max int) string {
	return cut(strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))), max)
}

func cut(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return string([]rune(s)[:max-1]) + "…"
}

// apart bounds a text that tells things apart: what is cut off still counts.
func apart(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return cut(s, max-16) + digest(s)
}

// notes collects what was left out of a request, with one sentence each.
type notes struct {
	list []string
	more int
}

func (n *notes) add(format string, args ...any) {
	if len(n.list) == maxNotes {
		n.more++
		return
	}
	n.list = append(n.list, fmt.Sprintf(format, args...))
}

func (n *notes) all() []string {
	if n.more > 0 {
		return append(n.list, fmt.Sprintf("%d more were dropped.", n.more))
	}
	return n.list
}

// once keeps each identity a single time: where it first stood, as it was last told.
func once(all []incident.Alert) []incident.Alert {
	at := make(map[string]int, len(all))
	out := all[:0]
	for _, a := range all {
		if i, ok := at[a.Identity()]; ok {
			out[i] = a
			continue
		}
		at[a.Identity()] = len(out)
		out = append(out, a)
	}
	return out
}
