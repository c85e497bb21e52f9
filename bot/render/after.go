package render

import (
	"fmt"

	"muster/commands"
	"muster/incident"
)

// saidAfter is the one plain line of a record of what follows an incident.
func (f Frame) saidAfter(s incident.Incident, event incident.Event) string {
	switch e := event.(type) {
	case incident.PostmortemAssigned:
		return fmt.Sprintf("📝 %s writes the post-mortem (%s).", f.mention(e.To), by(e.By))
	case incident.PostmortemPlanned:
		return fmt.Sprintf("📅 The post-mortem is at %s (%s).", at(e.At), by(e.By))
	case incident.ActionDone:
		return fmt.Sprintf("✅ %s finished follow-up %d%s.", by(e.By), e.N, followUp(s, e.N))
	case incident.PastFound:
		return f.saidPast(e)
	case incident.ImpactCounted:
		return "👥 While it lasted, " + commands.Noticed(e) + "."
	case incident.MeetingNear:
		return fmt.Sprintf("📅 The post-mortem is at %s%s. %s writes it.", at(e.At), late(e.Late), f.mention(s.Writer()))
	case incident.PostmortemOverdue:
		return fmt.Sprintf("⚠️ The post-mortem is overdue: the incident was resolved %s%s. Write it, or waive it with a reason.", at(e.Since), late(e.Late))
	case incident.ActionShown:
		return "" // it says where a message stands
	case incident.ActionNear:
		when := "is due tomorrow"
		if e.Over {
			when = "is past its date"
		}
		if a, ok := action(s, e.N); ok && a.Due != "" && e.Over {
			when = "was due " + line(a.Due)
		} else if ok && a.Due != "" {
			when += ", " + line(a.Due)
		}
		return fmt.Sprintf("🔔 Follow-up %d%s %s%s.", e.N, followUp(s, e.N), when, late(e.Late))
	default:
		return ""
	}
}

// followUp is the text of follow-up work, behind its number.
func followUp(s incident.Incident, n int) string {
	if a, ok := action(s, n); ok {
		return " (" + short(line2(a.Text), 300) + ")"
	}
	return ""
}

// Document says that the post-mortem is done, with the address of its canvas;
// empty: it stands above as files.
func (f Frame) Document(s incident.Incident, link string) Message {
	if link == "" {
		return lineMessage(fmt.Sprintf("📝 The post-mortem of *%s* is done: read it in the files above.", s.ID))
	}
	return lineMessage(fmt.Sprintf("📝 The post-mortem of *%s* is done: <%s|read it>. The page above has the charts too.", s.ID, link))
}
