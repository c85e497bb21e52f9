package render

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// Fields is what the message templates are filled in with. Every text is
// escaped already; persons are mentions; empty values have become "—".
type Fields struct {
	ID         string
	Severity   string
	Title      string
	Subject    string // the service, else the title
	Service    string
	Status     string
	Impact     string
	ETA        string
	OnCall     string
	Commander  string
	Actions    string // actions taken
	Next       string // next step
	Minutes    int    // from declared to resolved, or to now
	Cause      string
	Fix        string
	Postmortem string // date and time, or "to be scheduled"
}

// Lines are the messages whose wording belongs to the configuration. Each
// gives lines of mrkdwn. A template that fails is replaced by the built-in one.
type Lines struct {
	First, Update, Resolution func(Fields) (string, error)
}

// FirstLines is the built-in first message.
func FirstLines(d Fields) (string, error) {
	return fmt.Sprintf("🚨 %s Incident: %s\n*Status:* %s\n*Impact:* %s\n*ETA:* %s\n*On-call:* %s",
		d.Severity, d.Title, d.Status, d.Impact, d.ETA, d.OnCall), nil
}

// UpdateLines is the built-in update.
func UpdateLines(d Fields) (string, error) {
	return fmt.Sprintf("⏱️ Update: %s\n*Status:* %s\n*Actions taken:* %s\n*Next step:* %s\n*ETA:* %s",
		d.Subject, d.Status, d.Actions, d.Next, d.ETA), nil
}

// ResolutionLines is the built-in resolution.
func ResolutionLines(d Fields) (string, error) {
	return fmt.Sprintf("✅ RESOLVED: %s\n*Duration:* %d minutes\n*Root cause:* %s\n*Fix applied:* %s\n"+
		"*Monitoring:* will monitor for 1 hour\n*Post-mortem:* %s",
		d.Subject, d.Minutes, d.Cause, d.Fix, d.Postmortem), nil
}

// lines runs a template, or the built-in one when there is none or it fails.
func lines(template, builtIn func(Fields) (string, error), d Fields) string {
	if template != nil {
		if text, err := template(d); err == nil && strings.TrimSpace(text) != "" {
			return strings.TrimSpace(text)
		}
	}
	text, err := builtIn(d)
	if err != nil {
		return d.Title
	}
	return text
}

// short keeps one value from crowding out the others of its message.
func short(text string, limit int) string {
	return or(Cut(Escape(strings.TrimSpace(text)), limit), "—")
}

func (f Frame) fields(s incident.Incident) Fields {
	return Fields{
		ID:         s.ID,
		Severity:   s.Severity.String(),
		Title:      short(line2(s.Title), 500),
		Subject:    short(line2(s.Subject()), 300),
		Service:    short(line2(s.Service), 300),
		Status:     string(s.Status),
		Impact:     short(s.Impact, 600),
		ETA:        short(line2(s.ETA), 200),
		OnCall:     f.mention(s.OnCall),
		Commander:  f.mention(s.Holder(incident.Commander)),
		Actions:    "—",
		Next:       "—",
		Minutes:    int(s.Duration(f.Now).Round(time.Minute) / time.Minute),
		Cause:      short(s.Resolution.Cause, 600),
		Fix:        short(s.Resolution.Fix, 600),
		Postmortem: postmortem(s.Resolution.Postmortem),
	}
}

// line2 joins lines without escaping.
func line2(text string) string { return strings.Join(strings.Fields(text), " ") }

func postmortem(t time.Time) string {
	if t.IsZero() {
		return "to be scheduled"
	}
	return "scheduled for " + at(t)
}

// Draft is an update's text, taken from what happened after the last update
// before the record with the sequence until (0: all). It is plain text, empty
// when nothing happened.
func Draft(history []incident.Record, until uint64) string {
	var taken []string
	for _, r := range history {
		if until > 0 && r.Seq >= until {
			break
		}
		if _, ok := r.Event.(incident.Updated); ok {
			taken = nil
			continue
		}
		if text := drafted(r.Event); text != "" {
			taken = append(taken, text)
		}
	}
	const most = 12
	if n := len(taken) - most; n > 0 {
		taken = append([]string{fmt.Sprintf("(%d earlier entries)", n)}, taken[n:]...)
	}
	return Cut(strings.Join(taken, "; "), 1500)
}

func drafted(e incident.Event) string {
	switch e := e.(type) {
	case incident.Noted:
		return line2(e.Text)
	case incident.StatusChanged:
		return "status " + string(e.To)
	case incident.SeverityChanged:
		return fmt.Sprintf("severity %s → %s", e.From, e.To)
	case incident.Acknowledged:
		return e.By.String() + " acknowledged"
	case incident.RoleGiven:
		return e.Person.String() + " is " + string(e.Role)
	case incident.Escalated:
		return "escalated to " + asked(e)
	case incident.ActionAdded:
		return "follow-up: " + line2(e.Text)
	case incident.Held:
		return "escalation held: " + line2(e.Reason)
	case incident.Paged:
		return e.Person.String() + " paged"
	case incident.MergedFrom:
		return e.From + " merged in"
	default:
		return ""
	}
}

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
