package email

import (
	"fmt"
	"net/mail"
	"strings"
	"time"

	"muster/incident"
	"muster/notify"
)

const foot = "Sent by Muster. Answers to this mail are not read."

// pageMail is the mail that wakes one person.
func (c *Channel) pageMail(m notify.Message) envelope {
	inc, p := m.Incident, m.Page
	to := []mail.Address{{Name: m.To.Person.Name, Address: m.To.Email}}
	date := p.At
	if date.IsZero() {
		date = m.Now
	}
	if !inc.Exists() {
		return envelope{
			to: to, subject: "[Test] Muster test page", date: date, marks: map[string]string{"X-Muster-Kind": "test"},
			letter: letter{
				Title: "This is a test page", Foot: foot,
				Lead: []string{"Pages of Muster reach you by mail. Nothing has happened, and there is nothing to do.", p.Reason},
			},
		}
	}
	root := c.root(inc.ID)
	l := letter{
		Title: fmt.Sprintf("🚨 %s Incident: %s", inc.Severity, inc.Title),
		Lead:  []string{why(p)},
		Facts: facts(inc, m.Now, m.To.Zone),
		Link:  m.Link,
		Foot:  foot,
	}
	switch {
	case m.AckURL != "":
		l.Button, l.URL = "Acknowledge", m.AckURL
		l.Fine = "The link is yours alone: it opens a page with one button, and works once."
	case m.Link == "":
		l.Lead = append(l.Lead, fmt.Sprintf("To acknowledge, write /incident ack %s in Slack.", inc.ID))
	default:
		l.Lead = append(l.Lead, fmt.Sprintf("To acknowledge, press Acknowledge on the card in Slack, or write /incident ack %s.", inc.ID))
	}
	return envelope{
		to: to, subject: subject(inc, p.Level), replyTo: root, thread: []string{root}, date: date,
		urgent: inc.Severity.Class() == incident.Critical, marks: marks(inc, "page", p.Level), letter: l,
	}
}

// facts are the lines of the card, in its order.
func facts(inc incident.Incident, now time.Time, zone *time.Location) []fact {
	if zone == nil {
		zone = time.UTC
	}
	var update string
	if !inc.Update.At.IsZero() {
		update = inc.Update.Text + " (" + ago(now, inc.Update.At, zone) + ")"
	}
	var acked []string
	for _, a := range inc.Acks {
		acked = append(acked, a.By.String()+" ("+ago(now, a.At, zone)+")")
	}
	return []fact{
		{"Incident", inc.ID},
		{"Status", string(inc.Status)},
		{"Service", inc.Service},
		{"Impact", inc.Impact},
		{"ETA", inc.ETA},
		{"Commander", inc.Holder(incident.Commander).Name},
		{"On call", inc.OnCall.Name},
		{"Acknowledged by", strings.Join(acked, ", ")},
		{"Latest update", update},
		{"Declared", strings.TrimSpace(by(inc.DeclaredBy) + " " + ago(now, inc.DeclaredAt, zone))},
	}
}

func by(p incident.Person) string {
	if p.Name == "" {
		return ""
	}
	return " by " + p.Name
}

// ago says a moment and its distance, for a person who has just been woken.
func ago(now, at time.Time, zone *time.Location) string {
	text := at.In(zone).Format("Mon 2 Jan 15:04 MST")
	if d := now.Sub(at); d >= time.Minute {
		text += ", " + span(d) + " ago"
	}
	return text
}

func span(d time.Duration) string {
	switch m := int(d / time.Minute); {
	case m < 1:
		return "less than a minute"
	case m < 120:
		return count(m, "minute")
	case m < 48*60:
		return count(m/60, "hour")
	default:
		return count(m/60/24, "day")
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// why says how the page came about.
func why(p incident.Page) string {
	who := "You are paged"
	switch {
	case p.Level != "" && p.Role != "":
		who = fmt.Sprintf("You are paged as %s (%s)", p.Role, p.Level)
	case p.Level != "":
		who = fmt.Sprintf("You are paged (%s)", p.Level)
	case p.Role != "":
		who = "You are paged as " + p.Role
	}
	text := who + ": " + because(p.Why) + "."
	if p.Reason != "" {
		text += "\nWhat was said: " + p.Reason
	}
	return text
}

func because(w incident.Why) string {
	switch w {
	case incident.WhyDue:
		return "this level's time has come"
	case incident.WhyUnanswered:
		return "the page before was not answered"
	case incident.WhyPassed:
		return "the level before had nobody to reach"
	case incident.WhyFailed:
		return "every way that was tried before failed"
	case incident.WhyStep:
		return "the way that was tried before was not answered"
	case incident.WhyAsked:
		return "somebody asked for you"
	case incident.WhyDeclared:
		return "the incident was declared"
	case incident.WhyRaised:
		return "the severity was raised"
	case incident.WhyRepeat:
		return "nobody answered, so the pages begin again"
	case incident.WhyLapsed:
		return "an acknowledgement lapsed, because no update followed"
	case incident.WhyGivenBack:
		return "an acknowledgement was given back"
	case incident.WhyOverdue:
		return "an update is overdue"
	case incident.WhyReopened:
		return "the incident was reopened"
	case incident.WhyUsedUp:
		return "nobody else was reached"
	case "":
		return "somebody is needed"
	default:
		return string(w)
	}
}
