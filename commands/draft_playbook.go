package commands

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"muster/incident"
)

// Message is a message that a playbook brings, taken apart.
type Message struct {
	// For is the command that it is for: update or resolve; empty: it announces
	// an incident, and is text to copy.
	For string
	// Status is empty where the message names none.
	Status incident.Status
	// Text is what was done, one a line; of a resolution its root cause.
	Text, Next, ETA, Impact, Fix string
}

// labels are the lines of messages, and the field that each fills; "-" drops
// the line, since the message says it by itself.
var labels = map[string]string{
	"status": "status", "actions taken": "text", "actions": "text", "action taken": "text", "what we did": "text",
	"next step": "next", "next steps": "next", "next": "next", "eta": "eta", "next update": "eta", "impact": "impact",
	"root cause": "cause", "cause": "cause", "fix applied": "fix", "fix": "fix", "resolution": "fix",
	"duration": "-", "monitoring": "-", "post-mortem": "-", "postmortem": "-", "update": "-", "on-call": "announce", "on call": "announce",
}

var (
	labelled = regexp.MustCompile(`^[^\pL\d<{$]*([\pL][\pL -]{1,20}?)\s*[*_]*:[*_]*\s*(.*)$`)
	headings = regexp.MustCompile(`(?i)^[^\pL\d<{$]*(?:[Pp][0-3]\s+)?(incident|update|resolved)\s*[*_]*:`)
	blank    = regexp.MustCompile(`\$?\{\{?\s*\.?([\pL][\pL\d _-]*?)\s*\}?\}|<([\pL][\pL\d _-]*?)>`)
)

// ReadMessage takes a playbook's message apart. Words such as {{service}} are
// replaced by their values; those that are not known stay, for a person to see.
func ReadMessage(text string, values map[string]string) Message {
	m := Message{For: "update"}
	fields := map[string][]string{}
	at := "text"
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(fillBlanks(line, values))
		if line == "" {
			continue
		}
		if h := headings.FindStringSubmatch(line); h != nil && len(fields) == 0 {
			m.For = map[string]string{"incident": "", "update": "update", "resolved": "resolve"}[strings.ToLower(h[1])]
			continue
		}
		if l := labelled.FindStringSubmatch(line); l != nil && labels[strings.ToLower(l[1])] != "" {
			at, line = labels[strings.ToLower(l[1])], strings.TrimSpace(l[2])
		}
		if line != "" && blank.FindString(line) != line { // a word with no value says nothing
			fields[at] = append(fields[at], line)
		}
	}
	switch {
	case len(fields["announce"]) > 0:
		m.For = ""
	case len(fields["cause"]) > 0:
		m.For = "resolve"
	}
	said := fields["text"]
	if m.For == "resolve" {
		said = slices.Concat(fields["cause"], said)
	} else if word := strings.Join(fields["status"], " "); word != "" {
		m.Status = statusOf(word)
		if !strings.EqualFold(strings.TrimRight(word, "."), string(m.Status)) { // it says more than the status
			said = slices.Concat([]string{word}, said)
		}
	}
	m.Text, m.Next, m.ETA = strings.Join(said, "\n"), strings.Join(fields["next"], " "), strings.Join(fields["eta"], " ")
	m.Impact, m.Fix = strings.Join(fields["impact"], " "), strings.Join(fields["fix"], "\n")
	return m
}

// statusOf is the status that a line begins with; empty: none that an update
// can have.
func statusOf(line string) incident.Status {
	word, _, _ := strings.Cut(line, " ")
	st, err := incident.ParseStatus(strings.TrimRight(word, ".,;:"))
	if err != nil || st == incident.Resolved || st == incident.Closed {
		return ""
	}
	return st
}

func fillBlanks(line string, values map[string]string) string {
	return blank.ReplaceAllStringFunc(line, func(hole string) string {
		parts := blank.FindStringSubmatch(hole)
		name := strings.Join(strings.FieldsFunc(strings.ToLower(parts[1]+parts[2]), func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), "-")
		if v := values[name]; v != "" {
			return v
		}
		return hole
	})
}

// known are the words of messages that an incident has values for.
func known(s incident.Incident) map[string]string {
	values := maps.Clone(s.Shelf.Values)
	if values == nil {
		values = map[string]string{}
	}
	for name, v := range map[string]string{
		"title": s.Title, "subject": s.Subject(), "status": string(s.Status), "service": s.Service, "service-name": s.Service, "severity": s.Severity.String(), "incident": s.ID, "incident-id": s.ID, "impact": s.Impact, "eta": s.ETA,
	} {
		if v != "" {
			values[name] = v
		}
	}
	return values
}

// bookDraft is what the playbooks of an incident have to say in an update.
type bookDraft struct {
	values  map[string]string
	book    incident.Playbook
	said    []string // the updates so far
	runs    map[int]ranStep
	looked  []string // what reading steps looked at since the last update
	lookers []string
}

type ranStep struct {
	asked    incident.StepAsked
	by       incident.Person
	approved incident.Person
}

func newBookDraft() *bookDraft {
	return &bookDraft{values: map[string]string{}, runs: map[int]ranStep{}}
}

// take reads one record; it gives what was done by it, in one line, or
// nothing.
func (b *bookDraft) take(event incident.Event) Rich {
	switch e := event.(type) {
	case incident.Declared:
		maps.Copy(b.values, known(incident.Incident{ID: e.ID, Title: e.Title, Service: e.Service, Severity: e.Severity, Impact: e.Impact}))
	case incident.Updated:
		b.said, b.looked, b.lookers = append(b.said, e.Text), nil, nil
	case incident.PlaybookOpened:
		b.book = e.Playbook
	case incident.StepAsked:
		b.runs[e.N] = ranStep{asked: e, by: e.By}
		maps.Copy(b.values, e.Block.Params)
	case incident.StepConfirmed:
		r := b.runs[e.N]
		r.by = e.By
		b.runs[e.N] = r
	case incident.StepApproved:
		r := b.runs[e.N]
		r.approved = e.By
		b.runs[e.N] = r
	case incident.StepChanged:
		r := b.runs[e.N]
		r.approved = incident.Person{}
		b.runs[e.N] = r
	case incident.StepEnded:
		return b.ended(e)
	}
	return nil
}

func (b *bookDraft) ended(e incident.StepEnded) Rich {
	r, ok := b.runs[e.N]
	switch {
	case !ok || e.Outcome.End == incident.EndNotRun:
		return nil
	case r.asked.Class == incident.Reading:
		b.looked, b.lookers = once(b.looked, r.asked.Title), once(b.lookers, r.by.String())
		return nil
	}
	return Say(r.asked.Title, " ", ResultWord(e.Outcome), " (run ", e.N, ", ", r.by, approvedBy(r.approved), ")")
}

func once(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

func approvedBy(p incident.Person) string {
	if p.Nobody() {
		return ""
	}
	return ", approved by " + p.String()
}

// ResultWord says in words how a step ended, and what the check after it said.
func ResultWord(o incident.Outcome) string {
	return EndWord(o) + failedCheck(o)
}

// reading is one line on what was looked at; empty: nothing.
func (b *bookDraft) reading() string {
	if len(b.looked) == 0 {
		return ""
	}
	list := b.looked
	if n := len(list) - maxDraft; n > 0 {
		list = append(slices.Clone(list[:maxDraft]), fmt.Sprintf("%d more", n))
	}
	return fmt.Sprintf("Looked at: %s (%s)", strings.Join(list, ", "), strings.Join(b.lookers, ", "))
}

// message is the playbook's own update: the first one of the playbook that was
// opened last, while the incident has the status that it names.
func (b *bookDraft) message(d Update) (Message, bool) {
	for name, v := range map[string]string{"status": string(d.Status), "actions": oneLine(d.Text), "actions-taken": oneLine(d.Text), "next": d.Next, "next-step": d.Next, "eta": d.ETA} {
		if v != "" {
			b.values[name] = v
		}
	}
	for _, t := range b.book.Templates {
		m := ReadMessage(t.Text, b.values)
		if m.For == "update" {
			return m, m.Status == "" || m.Status == d.Status
		}
	}
	return Message{}, false
}

// fill completes a draft from the playbook's message. What the records know
// stands; what was said before is not said again.
func (b *bookDraft) fill(d *Update) {
	m, ok := b.message(*d)
	if !ok {
		return
	}
	if d.Text != "" && strings.Contains(m.Text, oneLine(d.Text)) { // it has a place for what was done
		d.Text = m.Text
	} else if m.Text != "" && !slices.ContainsFunc(b.said, func(text string) bool { return strings.Contains(text, m.Text) }) {
		d.Text = strings.TrimSpace(m.Text + "\n" + d.Text)
	}
	if d.Next == "" {
		d.Next = m.Next
	}
	if d.ETA == "" {
		d.ETA = m.ETA
	}
}

// messageForm is the form that a playbook's message fills in, for a call that
// names the playbook and the step; false: it names none.
func messageForm(x *exec) (Form, bool) {
	words := x.args.toks
	if len(words) != 2 {
		return Form{}, false
	}
	book, ok := x.at.Shelf.Book(words[0].text)
	step, _, known1 := book.Playbook.Step(words[1].text)
	if !ok || !known1 || step.Kind != "template" {
		return Form{}, false
	}
	m := ReadMessage(step.Code, known(x.at))
	if m.Status == "" {
		m.Status = x.at.Status
	}
	f := updateForm(x.at, Update{Status: m.Status, Text: m.Text, Next: m.Next, ETA: m.ETA})
	for i := range f.Fields {
		if f.Fields[i].Name == "impact" && m.Impact != "" {
			f.Fields[i].Value = clip(m.Impact, MaxText)
		}
	}
	return f, true
}
