package pagerduty

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"muster/incident"
	"muster/notify"
)

// The longest texts: an event's summary,
// https://developer.pagerduty.com/docs/send-alert-event, and, kept short for a
// telephone's screen, an incident's title.
const (
	maxSummary = 1024
	maxTitle   = 255
)

// headline says in one line what is wrong.
func headline(inc incident.Incident, most int) string {
	return cut(fmt.Sprintf("[%s] %s: %s", inc.Severity, inc.ID, oneLine(inc.Title)), most)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return strings.TrimSpace(string(r[:n-1])) + "…"
}

// fact is one line of a page's details.
type fact struct{ name, value string }

// facts says what the one who wakes up wants to know.
func facts(m notify.Message) []fact {
	inc, zone := m.Incident, m.To.Zone
	if zone == nil {
		zone = time.UTC
	}
	level := m.Page.Level
	if m.Page.Role != "" {
		level = strings.TrimSpace(level + " (" + m.Page.Role + ")")
	}
	since := ""
	if !inc.DeclaredAt.IsZero() {
		since = inc.DeclaredAt.In(zone).Format("2006-01-02 15:04 MST")
	}
	all := []fact{
		{"Severity", inc.Severity.String() + " " + inc.Severity.Word()},
		{"Status", string(inc.Status)},
		{"Impact", inc.Impact},
		{"Service", inc.Service},
		{"Declared", since},
		{"Commander", inc.Roles[incident.Commander].Name},
		{"Last update", oneLine(inc.Update.Text)},
		{"Paged", m.To.Person.Name},
		{"Level", level},
		{"Why", string(m.Page.Why)},
		{"Reason", oneLine(m.Page.Reason)},
		{"Card", m.Link},
		{"Acknowledge", m.AckURL},
	}
	kept := all[:0]
	for _, f := range all {
		if f.value != "" {
			f.value = cut(f.value, 1000)
			kept = append(kept, f)
		}
	}
	return kept
}

// details is facts as text.
func details(m notify.Message) string {
	var b strings.Builder
	for _, f := range facts(m) {
		fmt.Fprintf(&b, "%s: %s\n", f.name, f.value)
	}
	return b.String()
}

// mark names a record of ours in a note, so that it is found again.
func mark(f notify.Follow) string { return fmt.Sprintf("(%s, record %d)", f.Incident.ID, f.Record.Seq) }

// maxNote bounds a note, in characters.
const maxNote = 2000

// noteOf says what happened, with its mark; empty: nothing worth a note.
func noteOf(f notify.Follow) string {
	var text string
	switch e := f.Record.Event.(type) {
	case incident.Acknowledged:
		text = fmt.Sprintf("Acknowledged by %s.", named(e.By))
		if e.Via != "" {
			text = fmt.Sprintf("Acknowledged by %s over %s.", named(e.By), e.Via)
		}
	case incident.Updated:
		text = fmt.Sprintf("Update by %s: %s", named(e.By), e.Text)
		if e.NoChange {
			text = fmt.Sprintf("Update by %s: nothing new.", named(e.By))
		}
		for _, more := range []fact{{"Status", string(e.Status)}, {"Next", e.Next}, {"ETA", e.ETA}, {"Impact", e.Impact}} {
			if more.value != "" {
				text += "\n" + more.name + ": " + more.value
			}
		}
	case incident.ResolvedEvent:
		text = fmt.Sprintf("Resolved by %s.", named(e.By))
		for _, more := range []fact{{"Cause", e.Cause}, {"Fix", e.Fix}} {
			if more.value != "" {
				text += "\n" + more.name + ": " + more.value
			}
		}
	default:
		return ""
	}
	return cut(text, maxNote) + " " + mark(f)
}

// named is the person's name, never the key, which may be a mail address.
func named(p incident.Person) string {
	if p.Name == "" {
		return "somebody"
	}
	return p.Name
}
