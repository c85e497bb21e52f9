package commands

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// Style is how a run of words is set.
type Style string

// The styles. The zero value is plain words.
const (
	StyleBold  Style = "bold"
	StyleCode  Style = "code"
	StyleQuote Style = "quote"
)

// Part is one run of an answer: words, a person, or a moment; one of the three
// is set. An edge renders each in its own way, with its own escaping: what
// somebody typed is never read again for marks.
type Part struct {
	// Text is words; "\n" starts a new line.
	Text   string          `json:"text,omitempty"`
	Style  Style           `json:"style,omitempty"`
	Person incident.Person `json:"person,omitzero"`
	Time   time.Time       `json:"time,omitzero"`
	// Link makes Text a link; empty: no link.
	Link string `json:"link,omitempty"`
}

// Rich is an answer as its parts, in order. The zero value says nothing.
type Rich []Part

// timeLayout is how a moment reads in plain text.
const timeLayout = "2006-01-02 15:04 MST"

// Plain gives the words alone: persons by name, moments in UTC, what can be
// typed between backquotes.
func (r Rich) Plain() string {
	var b strings.Builder
	for _, p := range r {
		switch {
		case !p.Person.Nobody() || p.Person.Name != "":
			b.WriteString(p.Person.String())
		case !p.Time.IsZero():
			b.WriteString(p.Time.UTC().Format(timeLayout))
		case p.Style == StyleCode:
			b.WriteString("`" + p.Text + "`")
		default:
			b.WriteString(p.Text)
			if p.Link != "" && p.Link != p.Text {
				b.WriteString(" (" + p.Link + ")")
			}
		}
	}
	return b.String()
}

// Bold sets words in bold.
func Bold(text string) Rich { return Rich{{Text: text, Style: StyleBold}} }

// Code sets words as something to type.
func Code(text string) Rich { return Rich{{Text: text, Style: StyleCode}} }

// Quote sets words that somebody else wrote.
func Quote(text string) Rich { return Rich{{Text: text, Style: StyleQuote}} }

// Say joins strings, persons, moments, durations and Rich in the order given.
// Nobody reads "nobody", the zero moment "no time".
func Say(args ...any) Rich {
	var out Rich
	for _, a := range args {
		switch v := a.(type) {
		case Rich:
			out = append(out, v...)
		case Part:
			out = append(out, v)
		case string:
			out = words(out, v)
		case incident.Person:
			if v.Nobody() && v.Name == "" {
				out = words(out, "nobody")
			} else {
				out = append(out, Part{Person: v})
			}
		case time.Time:
			if v.IsZero() {
				out = words(out, "no time")
			} else {
				out = append(out, Part{Time: v})
			}
		case time.Duration:
			out = words(out, Span(v))
		default:
			out = words(out, fmt.Sprint(v))
		}
	}
	return out
}

// words appends plain text, growing the last part where it is plain too.
func words(r Rich, text string) Rich {
	if text == "" {
		return r
	}
	if n := len(r); n > 0 {
		last := &r[n-1]
		if last.Text != "" && last.Style == "" && last.Link == "" {
			last.Text += text
			return r
		}
	}
	return append(r, Part{Text: text})
}

// Join puts sep between parts.
func Join(items []Rich, sep string) Rich {
	var out Rich
	for i, it := range items {
		if i > 0 {
			out = words(out, sep)
		}
		out = Say(out, it)
	}
	return out
}

// Span writes a duration the way a person says it: "45 s", "12 min", "1 h 30
// min", "2 d 3 h". It rounds down to the two largest units.
func Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	days, hours := int(d/(24*time.Hour)), int(d/time.Hour)%24
	minutes, seconds := int(d/time.Minute)%60, int(d/time.Second)%60
	pair := func(a int, u string, b int, v string) string {
		if b == 0 {
			return fmt.Sprintf("%d %s", a, u)
		}
		return fmt.Sprintf("%d %s %d %s", a, u, b, v)
	}
	switch {
	case days > 0:
		return pair(days, "d", hours, "h")
	case hours > 0:
		return pair(hours, "h", minutes, "min")
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", seconds)
	}
}
