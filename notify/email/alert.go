package email

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"muster/incident"
	"muster/outbox"
)

// Alert is what a class's addresses are told of a group of alerts.
type Alert struct {
	Delivery string   // stable over retries and restarts
	To       []string // addresses
	Group    incident.AlertGroup
	Link     string // to the message; may be empty
	Now      time.Time
}

// mostMailed is how many alerts a mail names one by one.
const mostMailed = 20

// Alert mails a group of alerts. It succeeds when at least one address was
// taken; its errors are those of Deliver.
func (c *Channel) Alert(ctx context.Context, a Alert, _ bool) (incident.Receipt, error) {
	var to []mail.Address
	for _, address := range a.To {
		if CheckAddress(address) == nil {
			to = append(to, mail.Address{Address: address})
		}
	}
	if len(to) == 0 {
		return incident.Receipt{}, outbox.PermanentError{Reason: "none of the channel's mail addresses can be used; correct notification_channels in oncall/rotation.yaml"}
	}
	g := a.Group
	lead := g.Lead()
	class := string(g.Worst())
	l := letter{
		Title: fmt.Sprintf("%s alert: %s", strings.ToUpper(class[:1])+class[1:], g.Title()),
		Lead:  []string{lead.Description, "Nobody is paged by this mail. It is for your information."},
		Facts: []fact{{"Service", g.Service()}, {"Since", g.Began.UTC().Format("2006-01-02 15:04 MST")}, {"Firing", fmt.Sprintf("%d of %d", len(g.Firing()), len(g.Alerts))}},
		Link:  a.Link, Foot: foot,
	}
	for i, known := range g.Alerts {
		if i == mostMailed {
			l.Facts = append(l.Facts, fact{"More", fmt.Sprintf("%d alerts", len(g.Alerts)-i)})
			break
		}
		state := "firing"
		if !known.Firing {
			state = "resolved"
		}
		l.Facts = append(l.Facts, fact{cut(plainLine(known.Name), maxName), strings.TrimSpace(known.Summary + " (" + state + ")")})
	}
	for _, link := range []fact{{"Runbook", lead.Links.Runbook}, {"Dashboard", lead.Links.Dashboard}, {"Graph", lead.Links.Graph}} {
		if link.Value != "" {
			l.Facts = append(l.Facts, link)
		}
	}
	root := c.root(fmt.Sprintf("%s/%d", g.ID, g.Episode))
	return c.post(ctx, a.Delivery, envelope{
		to: to, subject: fmt.Sprintf("[%s] %s", class, cut(plainLine(g.Title()), maxSubject)), replyTo: root, thread: []string{root}, date: g.Began,
		marks: map[string]string{"X-Muster-Alert": g.ID, "X-Muster-Class": class, "X-Muster-Kind": "alert"}, letter: l,
	})
}
