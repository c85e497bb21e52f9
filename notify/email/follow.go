package email

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/outbox"
)

// Follow answers in the thread of the pages: that somebody acknowledged, an
// update, the resolution. Everybody who was paged by mail gets it, except who
// did it. A record of another kind is nothing to write about, and no error.
func (c *Channel) Follow(ctx context.Context, f notify.Follow, _ bool) error {
	what, l, who := news(f)
	if what == "" {
		return nil
	}
	to, level := paged(f.Incident, who)
	if len(to) == 0 {
		return nil
	}
	root := c.root(f.Incident.ID)
	e := envelope{
		to: to, subject: "Re: " + subject(f.Incident, level), replyTo: root, thread: []string{root}, date: f.Record.At,
		marks: marks(f.Incident, what, level), letter: l,
	}
	if e.date.IsZero() {
		e.date = f.Now
	}
	for _, ref := range f.Refs {
		if messageID(ref) {
			e.thread = append(e.thread, ref)
			e.replyTo = ref
		}
	}
	_, err := c.post(ctx, f.Delivery, e)
	return err
}

// messageID tells whether a text can stand in a header as a Message-ID.
func messageID(ref string) bool {
	return len(ref) > 4 && len(ref) < 200 && ref[0] == '<' && ref[len(ref)-1] == '>' && strings.Count(ref, "@") == 1 &&
		!strings.ContainsFunc(ref[1:len(ref)-1], func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' })
}

// paged lists whom pages went to by mail, and the level of the first of them,
// whose subject began the thread.
func paged(inc incident.Incident, except incident.Person) (to []mail.Address, level string) {
	first := true
	for _, p := range inc.Climb.Pages {
		byMail := slices.ContainsFunc(p.Methods, func(m incident.MethodStatus) bool {
			return m.Method == "email" && m.State != incident.PageFailed && m.State != incident.PageCancelled
		})
		if !byMail {
			continue
		}
		if first {
			level, first = p.Level, false
		}
		known := slices.ContainsFunc(to, func(a mail.Address) bool { return a.Address == p.Person.Key })
		if !known && !p.Person.Is(except) && CheckAddress(p.Person.Key) == nil {
			to = append(to, mail.Address{Name: p.Person.Name, Address: p.Person.Key})
		}
	}
	return to, level
}

// news says what one record tells, who did it, and in one word what it is;
// empty: nothing.
func news(f notify.Follow) (what string, l letter, who incident.Person) {
	inc := f.Incident
	l = letter{Facts: facts(inc, f.Now, nil), Foot: foot}
	switch e := f.Record.Event.(type) {
	case incident.Acknowledged:
		l.Title = fmt.Sprintf("%s has acknowledged %s", e.By, inc.ID)
		l.Lead = []string{inc.Title, "The levels that an acknowledgement stops are not paged any more."}
		return "acknowledged", l, e.By
	case incident.Updated:
		l.Title = "⏱️ Update: " + inc.Subject()
		if e.NoChange && e.Text == "" {
			l.Lead = []string{"No change."}
		}
		l.Facts = []fact{
			{"Incident", inc.ID},
			{"Status", string(inc.Status)},
			{"Impact", inc.Impact},
			{"Actions taken", e.Text},
			{"Next step", e.Next},
			{"ETA", e.ETA},
			{"From", e.By.String()},
		}
		return "updated", l, e.By
	case incident.ResolvedEvent:
		l.Title = "✅ RESOLVED: " + inc.Subject()
		l.Lead = []string{"You are not paged for it any more."}
		l.Facts = []fact{
			{"Incident", inc.ID},
			{"Duration", span(inc.Duration(f.Now))},
			{"Root cause", e.Cause},
			{"Fix applied", e.Fix},
			{"Resolved by", e.By.String()},
		}
		return "resolved", l, incident.Person{}
	}
	return "", letter{}, incident.Person{}
}

// Announcement tells the addresses of a class's channel about an incident that
// pages nobody.
type Announcement struct {
	Delivery string   // stable over retries and restarts
	To       []string // addresses
	Incident incident.Incident
	Link     string // to the card; may be empty
	Now      time.Time
}

// Announce mails an announcement. It succeeds when at least one address was
// taken; its errors are those of Deliver.
func (c *Channel) Announce(ctx context.Context, a Announcement, _ bool) (incident.Receipt, error) {
	var to []mail.Address
	for _, address := range a.To {
		if CheckAddress(address) == nil {
			to = append(to, mail.Address{Address: address})
		}
	}
	if len(to) == 0 {
		return incident.Receipt{}, outbox.PermanentError{Reason: "none of the channel's mail addresses can be used; correct notification_channels in oncall/rotation.yaml"}
	}
	if len(to) < len(a.To) {
		c.cfg.Log.Warn("a mail channel has addresses that cannot be used", "addresses", len(a.To), "usable", len(to))
	}
	root := c.root(a.Incident.ID)
	return c.post(ctx, a.Delivery, envelope{
		to: to, subject: subject(a.Incident, ""), replyTo: root, thread: []string{root}, date: a.Incident.DeclaredAt,
		marks: marks(a.Incident, "announcement", ""),
		letter: letter{
			Title: fmt.Sprintf("%s Incident: %s", a.Incident.Severity, a.Incident.Title),
			Lead:  []string{"Nobody is paged for it. This mail is for your information."},
			Facts: facts(a.Incident, a.Now, nil), Link: a.Link, Foot: foot,
		},
	})
}
