package commands

import (
	"slices"
	"strings"

	"muster/incident"
)

// Update is what an update says, before it is posted.
type Update struct {
	Status incident.Status
	Text   string // actions taken, one a line
	Next   string
	ETA    string
}

// maxDraft is how many things done a draft lists, the newest ones.
const maxDraft = 8

// Draft fills an update in from the records since the last one: what people
// noted and did, and who was paged, becomes the actions taken, the newest follow-up (else the last
// update's next step) the next step. Steps of playbooks are listed with who ran
// and who approved them; a playbook's own message says what the records do not.
// An empty history gives the zero Update.
func Draft(history []incident.Record) Update {
	var d Update
	var done []string
	books := newBookDraft()
	add := func(said ...any) { done = append(done, Say(said...).Plain()) }
	once := func(said ...any) { // a page is repeated many times and told once
		if text := Say(said...).Plain(); !slices.Contains(done, text) {
			done = append(done, text)
		}
	}
	for _, r := range history {
		if line := books.take(r.Event); line != nil {
			add(line)
		}
		switch e := r.Event.(type) {
		case incident.Declared:
			d.Status = incident.Investigating
		case incident.Updated:
			if e.Status != "" {
				d.Status = e.Status
			}
			if e.ETA != "" {
				d.ETA = e.ETA
			}
			d.Next, done = e.Next, nil
		case incident.StatusChanged:
			d.Status = e.To
		case incident.Reopened:
			d.Status = incident.Investigating
			add("Reopened: ", e.Reason)
		case incident.Noted:
			if e.Text != "" && !e.By.Is(incident.Self) {
				add(shorten(strings.Join(strings.Fields(e.Text), " "), 300))
			}
		case incident.Paged:
			once(e.Person, " was paged")
		case incident.Acknowledged:
			add(e.By, " acknowledged")
		case incident.SeverityChanged:
			add("Severity ", e.From, " → ", e.To, maybe(": ", e.Reason))
		case incident.RoleGiven:
			add(e.Person, " is ", e.Role)
		case incident.Escalated:
			add(escalatedLine(e))
		case incident.MergedFrom:
			add(e.From, " was merged into this")
		case incident.ActionAdded:
			d.Next = e.Text
		}
	}
	if line := books.reading(); line != "" {
		done = append(done, line)
	}
	if n := len(done); n > maxDraft {
		done = done[n-maxDraft:]
	}
	d.Text = strings.Join(done, "\n")
	books.fill(&d)
	return d
}
