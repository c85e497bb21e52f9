package email

import (
	_ "embed"
	"html/template"
	"strings"
)

// letter is what a mail says, in text and in HTML alike.
type letter struct {
	Title string   // the first line
	Lead  []string // what happened, and why it comes to this person
	Facts []fact
	// Button is what one click does, and URL where; empty: there is no button.
	Button, URL string
	// Fine is said below the button.
	Fine string
	// Link leads to the card; empty: there is none.
	Link string
	Foot string
}

// fact is one line; an empty value is left out.
type fact struct{ Name, Value string }

//go:embed mail.html.tmpl
var mailHTML string

var mailPage = template.Must(template.New("mail").Parse(mailHTML))

// write gives both forms.
func (l letter) write() (text, html string, err error) {
	l = l.tidy()
	var b strings.Builder
	if err := mailPage.Execute(&b, l); err != nil {
		return "", "", err
	}
	return l.text(), b.String(), nil
}

// tidy cleans what people wrote, and leaves out what is empty. Addresses of
// pages are ours.
func (l letter) tidy() letter {
	l.Title = plainLine(l.Title)
	var lead []string
	for _, line := range l.Lead {
		if line = plainText(line); line != "" {
			lead = append(lead, line)
		}
	}
	var facts []fact
	for _, f := range l.Facts {
		if f.Value = plainText(f.Value); f.Value != "" {
			facts = append(facts, f)
		}
	}
	l.Lead, l.Facts = lead, facts
	return l
}

func (l letter) text() string {
	var b strings.Builder
	b.WriteString(l.Title + "\n")
	for _, line := range l.Lead {
		b.WriteString("\n" + line + "\n")
	}
	if l.URL != "" {
		b.WriteString("\n" + l.Button + ": " + l.URL + "\n")
		if l.Fine != "" {
			b.WriteString(l.Fine + "\n")
		}
	}
	if len(l.Facts) > 0 {
		b.WriteString("\n")
	}
	for _, f := range l.Facts {
		b.WriteString(f.Name + ": " + strings.ReplaceAll(f.Value, "\n", "\n  ") + "\n")
	}
	if l.Link != "" {
		b.WriteString("\nOpen in Slack: " + l.Link + "\n")
	}
	if l.Foot != "" {
		// "-- " begins a signature, which mail programs show small.
		b.WriteString("\n-- \n" + l.Foot + "\n")
	}
	return b.String()
}
