package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/commands"
	"muster/incident"
)

// First is what the first message's template gets. All but OnCall is plain
// text that the template escapes; empty is unknown.
type First struct {
	Severity, Title, Status, Impact, ETA string
	OnCall                               string // mrkdwn: a mention or a name
}

// Update is what an update's template gets: plain text; empty is unknown.
type Update struct {
	Subject                    string // the service, else the title
	Status, Actions, Next, ETA string
}

// Resolution is what the resolution's template gets: plain text; empty is
// unknown.
type Resolution struct {
	Subject                string // the service, else the title
	Minutes                int    // from declared to resolved
	Cause, Fix, Postmortem string // Postmortem is a date and time
	Unwatched              bool   // nobody looks whether it comes back
}

// Lines are the messages whose wording belongs to the configuration. Each
// gives lines of escaped mrkdwn. Nil functions: the built-in wording.
type Lines struct {
	First      func(First) []string
	Update     func(Update) []string
	Resolution func(Resolution) []string
}

func (l Lines) first(d First) []string {
	if l.First != nil {
		if out := l.First(d); len(out) > 0 {
			return out
		}
	}
	return []string{
		"🚨 " + d.Severity + " Incident: " + said(d.Title, "—"), "Status: " + said(d.Status, "Investigating"),
		"Impact: " + said(d.Impact, "being assessed"), "ETA: " + said(d.ETA, "not known yet"), "On-call: " + or(d.OnCall, "nobody"),
	}
}

func (l Lines) update(d Update) []string {
	if l.Update != nil {
		if out := l.Update(d); len(out) > 0 {
			return out
		}
	}
	return []string{
		"⏱️ Update: " + said(d.Subject, "—"), "Status: " + said(d.Status, "Investigating"),
		"Actions taken: " + said(d.Actions, "none yet"), "Next step: " + said(d.Next, "being decided"), "ETA: " + said(d.ETA, "not known yet"),
	}
}

func (l Lines) resolution(d Resolution) []string {
	if l.Resolution != nil {
		if out := l.Resolution(d); len(out) > 0 {
			return out
		}
	}
	postmortem, monitoring := "not scheduled yet", "will monitor for 1 hour"
	if d.Unwatched {
		monitoring = "none"
	}
	if d.Postmortem != "" {
		postmortem = "scheduled for " + Escape(d.Postmortem)
	}
	return []string{
		"✅ RESOLVED: " + said(d.Subject, "—"), fmt.Sprintf("Duration: %d minutes", d.Minutes),
		"Root cause: " + said(d.Cause, "not known yet"), "Fix applied: " + said(d.Fix, "none recorded"),
		"Monitoring: " + monitoring, "Post-mortem: " + postmortem,
	}
}

// said escapes a value; nothing reads as it is told to.
func said(text, nothing string) string { return or(Escape(strings.TrimSpace(text)), nothing) }

// The lengths that keep one value from crowding out the others of its message.
const (
	mostTitle = 300
	mostValue = 600
	mostText  = 1200
)

// value is plain text cut to fit; escaping can make it five times as long, so
// the whole message is cut again.
func value(text string, limit int) string { return Cut(strings.TrimSpace(Clean(text)), limit) }

// short keeps one escaped value from crowding out the others.
func short(text string, limit int) string {
	return or(Cut(Escape(strings.TrimSpace(text)), limit), "—")
}

func (f Frame) first(s incident.Incident) []string {
	return f.Lines.first(First{
		Severity: s.Severity.String(), Title: value(line2(s.Title), mostTitle), Status: string(s.Status),
		Impact: value(s.Impact, mostValue), ETA: value(line2(eta(s)), 200), OnCall: f.mention(s.OnCall),
	})
}

func subject(s incident.Incident) string { return value(line2(s.Subject()), mostTitle) }

// wholeMinutes is the incident's duration.
func (f Frame) wholeMinutes(s incident.Incident) int {
	return int(s.Duration(f.Now).Round(time.Minute) / time.Minute)
}

// civil writes a moment as plain text in UTC; the zero time is empty.
func civil(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("Mon 2 Jan 2006 15:04 MST")
}

// line2 joins lines without escaping.
func line2(text string) string { return strings.Join(strings.Fields(text), " ") }

// Draft fills an update in from what happened after the last one and before
// the record with the sequence until (0: all), as the form does too.
func Draft(history []incident.Record, until uint64) commands.Update {
	if until > 0 {
		if i := slices.IndexFunc(history, func(r incident.Record) bool { return r.Seq >= until }); i >= 0 {
			history = history[:i]
		}
	}
	return commands.Draft(history)
}

// done is what a draft says was done, in one line; empty: nothing.
func done(d commands.Update) string { return strings.ReplaceAll(d.Text, "\n", "; ") }

// asked names whom an escalation asks for, as plain text.
func asked(e incident.Escalated) string {
	switch {
	case !e.Person.Nobody():
		return e.Person.String()
	case e.Role != "":
		return e.Role
	case e.Level != "":
		return e.Level
	default:
		return "the next level"
	}
}

// eta is when it is expected to be over; what is over has none any more.
func eta(s incident.Incident) string {
	if s.Open() {
		return s.ETA
	}
	return "it is over"
}
