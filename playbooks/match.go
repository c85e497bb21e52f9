package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"muster/incident"
)

// Subject is what a playbook may fit. Empty fields are unknown.
type Subject struct {
	Alerts  []string // names
	Service string
	Title   string
	// Severity counts only when Rated; it decides between equals.
	Severity incident.Severity
	Rated    bool
}

// Reason says why a playbook is suggested.
type Reason string

// The reasons, the strongest first.
const (
	ByAlert   Reason = "alert"
	ByService Reason = "service"
	ByTitle   Reason = "title"
)

// Suggestion is a playbook that fits.
type Suggestion struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Severity incident.Severity `json:"severity"`
	Rated    bool              `json:"rated"`
	Reason   Reason            `json:"reason"`
	// Why is half a sentence for people: "the alert APIServiceDown names it".
	Why string `json:"why"`

	weight int
}

// Match gives the playbooks that fit, the best one first: by the name of an
// alert, then by the service, then by how many words of the title fit.
func Match(all []Playbook, s Subject) []Suggestion {
	var found []Suggestion
	for _, p := range all {
		if one, ok := match(p, s); ok {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b Suggestion) int { return b.weight - a.weight })
	return found
}

func match(p Playbook, s Subject) (Suggestion, bool) {
	out := Suggestion{ID: p.ID, Title: p.Title, Severity: p.Severity, Rated: p.Rated}
	near := 0
	if s.Rated && p.Rated && s.Severity == p.Severity {
		near = 1
	}
	for _, a := range s.Alerts {
		if slices.ContainsFunc(p.Alerts, func(b string) bool { return a != "" && strings.EqualFold(a, b) }) {
			out.Reason, out.Why, out.weight = ByAlert, fmt.Sprintf("it names the alert %s", a), 10000+near
			return out, true
		}
	}
	if s.Service != "" && slices.ContainsFunc(p.Services, func(b string) bool { return strings.EqualFold(s.Service, b) }) {
		out.Reason, out.Why, out.weight = ByService, fmt.Sprintf("it is for the service %s", s.Service), 5000+near
		return out, true
	}
	words := p.Words
	if len(words) == 0 {
		words = titleWords(p.Title)
	}
	var fit []string
	weight := 0
	title := plainWords(s.Title)
	for _, w := range words {
		if within(title, w) && !slices.Contains(fit, w) {
			fit = append(fit, w)
			weight += 10 * len(strings.Fields(w))
		}
	}
	if len(fit) == 0 {
		return out, false
	}
	out.Reason, out.weight = ByTitle, weight+near
	out.Why = "the title has the word " + fit[0]
	if len(fit) > 1 {
		out.Why = "the title has the words " + strings.Join(fit, ", ")
	}
	return out, true
}

// within tells whether the words of a phrase stand among those of a title, in
// their order.
func within(title []string, phrase string) bool {
	w := plainWords(phrase)
	if len(w) == 0 {
		return false
	}
	for i := 0; i+len(w) <= len(title); i++ {
		if slices.Equal(title[i:i+len(w)], w) {
			return true
		}
	}
	return false
}

func plainWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

var everyday = wordSet("playbook runbook critical high medium incident issue issues problem problems service services system response guide procedure with from that this when what about alert alerts handling error errors emergency")

// titleWords are the words of a title that say something.
func titleWords(title string) []string {
	var out []string
	for _, w := range plainWords(title) {
		if len([]rune(w)) >= 4 && !everyday[w] && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
