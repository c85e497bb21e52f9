package email

import (
	"context"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"muster/incident"
	"muster/outbox"
)

// Invitation brings a meeting to people's calendars, or takes it out of them.
type Invitation struct {
	Delivery string // stable over retries and restarts
	To       []mail.Address
	Incident incident.Incident
	At       time.Time
	Cancel   bool
	// Calendar is the meeting as a calendar file, and Method what it asks.
	Calendar []byte
	Method   string
	Link     string // to the card; may be empty
	Now      time.Time
}

// From is the address that mails come from.
func (c *Channel) From() string { return c.from.Address }

// Invite mails an invitation. It succeeds when at least one address was taken;
// its errors are those of Deliver.
func (c *Channel) Invite(ctx context.Context, i Invitation, _ bool) (incident.Receipt, error) {
	var to []mail.Address
	for _, a := range i.To {
		if CheckAddress(a.Address) == nil {
			to = append(to, a)
		}
	}
	if len(to) == 0 {
		return incident.Receipt{}, outbox.PermanentError{Reason: "nobody who is invited has a mail address that can be used"}
	}
	inc := i.Incident
	when := i.At.UTC().Format("Mon 2 Jan 2006, 15:04 MST")
	l := letter{
		Title: "Post-mortem of " + inc.ID + ": " + when,
		Lead:  []string{inc.Title, "You took part in the incident, or are told of its outcome. Your calendar shows the meeting in your own time."},
		Facts: []fact{{"Incident", inc.ID}, {"When", when}, {"Root cause", inc.Resolution.Cause}, {"Written by", inc.Writer().Name}},
		Link:  i.Link, Foot: foot,
	}
	title := "Post-mortem of " + inc.ID + ": " + cut(plainLine(inc.Title), maxSubject)
	if i.Cancel {
		title = "Called off: " + title
		l.Title = "Called off: post-mortem of " + inc.ID
		l.Lead = []string{inc.Title, "There is no meeting at the time below. Your calendar takes it out."}
		l.Facts = l.Facts[:2]
	}
	root := c.root(inc.ID)
	return c.post(ctx, i.Delivery, envelope{
		to: to, subject: title, replyTo: root, thread: []string{root}, date: i.Now,
		marks: marks(inc, "meeting", ""), letter: l, calendar: i.Calendar, method: i.Method,
	})
}

// invite adds a calendar file where mail programs look for one: as the last
// form of the text (RFC 6047).
func invite(m *gomail.Msg, e envelope) {
	if len(e.calendar) > 0 {
		m.AddAlternativeString(gomail.ContentType("text/calendar; method="+strings.ToUpper(e.method)), string(e.calendar))
	}
}
