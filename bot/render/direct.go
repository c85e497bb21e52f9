package render

import (
	"fmt"

	"muster/incident"
)

// Page is the direct message that wakes a person: why, which level, since
// when, what is known, and one button.
func (f Frame) Page(s incident.Incident, p incident.Page) Message {
	text := fmt.Sprintf("📟 %s %s: %s", s.Severity, s.ID, short(line2(s.Title), mostTitle))
	level := "yourself"
	switch {
	case p.Why == incident.WhyOverdue:
		level = "on call"
	case p.Level == "" && p.Role != "":
		level = line(p.Role)
	case p.Level != "":
		level = line(p.Level)
		if p.Role != "" {
			level += " (" + line(p.Role) + ")"
		}
	}
	why := whyPaged(p.Why)
	if p.Reason != "" {
		why += ": " + Cut(line(p.Reason), 800)
	}
	last := "none yet"
	if !s.Update.At.IsZero() {
		last = at(s.Update.At) + ": " + short(line2(s.Update.Text), 600)
	}
	pairs := [][2]string{
		{"You are paged as", level}, {"Why", why}, {"Since", at(s.DeclaredAt)}, {"Paged", at(p.At)},
		{"Status", line(string(s.Status))}, {"Impact", impact(s)}, {"Commander", f.mention(s.Holder(incident.Commander))}, {"Last update", last},
	}
	if s.Acked() {
		pairs = append(pairs, [2]string{"Acknowledged by", by(s.Acks[len(s.Acks)-1].By)})
	}
	buttons := []Object{button(ActAck, "Acknowledge", s.ID, primary), button(ActEscalate, "Escalate", s.ID, usual)}
	if url := f.link(s.Card); url != "" {
		buttons = append(buttons, linkButton(ActLink, "Open the card", url))
	}
	if s.Room.Channel != "" {
		pairs = append(pairs, [2]string{"Channel", "<#" + s.Room.Channel + ">"})
	}
	return message(text, header(unescapes.Replace(text)), fields(pairs...), actions("page", buttons...))
}

// impact is an incident's impact, or that nobody has told it.
func impact(s incident.Incident) string { return short(or(s.Impact, "being assessed"), mostValue) }

// whyPaged says to the person who is paged why that is.
func whyPaged(why incident.Why) string {
	switch why {
	case incident.WhyDue:
		return "it is your level's turn"
	case incident.WhyDeclared:
		return "the incident was declared"
	case incident.WhyUnanswered:
		return "nobody answered the page before"
	case incident.WhyPassed:
		return "the level before had nobody to reach"
	case incident.WhyFailed:
		return "every other way failed"
	case incident.WhyStep:
		return "the method before brought no answer"
	case incident.WhyAsked:
		return "somebody asked for you"
	case incident.WhyRaised:
		return "the severity was raised"
	case incident.WhyRepeat:
		return "nobody answered, and the ladder starts again"
	case incident.WhyLapsed:
		return "an acknowledgement lapsed"
	case incident.WhyGivenBack:
		return "an acknowledgement was given back"
	case incident.WhyOverdue:
		return "the update is overdue"
	case incident.WhyReopened:
		return "the incident was reopened"
	case incident.WhyNobody, incident.WhyNoMethod, incident.WhyAnswered, incident.WhyUsedUp:
		return line(string(why)) // these are reasons for no page
	default:
		return line(string(why))
	}
}

// PageMention is the short line that names the paged person in the incident's
// thread.
func (f Frame) PageMention(s incident.Incident, p incident.Page) Message {
	return lineMessage(fmt.Sprintf("📟 %s: you are paged for %s. Please *Acknowledge*.", f.mention(p.Person), f.titled(s)),
		actions("page", button(ActAck, "Acknowledge", s.ID, primary)))
}

// Tell is what one record says to one person directly. It is false for a
// record that deserves no message.
func (f Frame) Tell(s incident.Incident, r incident.Record, history []incident.Record) (Message, bool) {
	lead := f.leadOf(s)
	switch e := r.Event.(type) {
	case incident.ReminderDue:
		return f.reminder(s, e, r, history), true
	case incident.UpdateOverdue:
		text := "⚠️ " + lead + "\nThe update is overdue"
		if late := f.overdue(s); late > 0 {
			text += " by " + minutes(late)
		}
		draft := short(or(done(Draft(history, r.Seq)), "nothing recorded since the last update"), 1200)
		return message(text+".", section(text+"."), section("*Since the last update*\n"+draft), actions("reminder", reminderButtons(s)...)), true
	case incident.RoleGiven:
		return lineMessage(fmt.Sprintf("%s\nYou are *%s* now (%s).", lead, line(string(e.Role)), by(e.By))), true
	case incident.ActionAdded:
		return lineMessage(lead + "\n" + saidAction(e)), true
	case incident.ActionNear:
		return f.actionNear(s, e), true
	case incident.AckLapsed:
		return lineMessage(fmt.Sprintf("⚠️ %s\nYour acknowledgement lapsed: no update since %s.", lead, at(e.Since)),
			actions("page", button(ActAck, "Acknowledge", s.ID, primary), button(ActUpdate, "Post update", s.ID, usual))), true
	case incident.LastResortPaged:
		return f.LastResort(s, e), true
	case incident.StepPreviewed:
		return f.askDirectly(s, e.N, lead)
	case incident.StepConfirmed:
		return f.askDirectly(s, e.N, lead)
	}
	m, ok := f.Thread(s, r, history)
	if !ok {
		return Message{}, false
	}
	return message(m.Text, append([]Object{section(lead)}, m.Blocks...)...), true
}

// LastResort is what the last resort's channel or person is told.
func (f Frame) LastResort(s incident.Incident, e incident.LastResortPaged) Message {
	hidden := s.Circle.Private && e.Target.Person == "" // a channel reads along
	if hidden {
		s = s.Outside()
	}
	why := "Nobody answered: " + line(string(e.Why))
	switch e.Why {
	case incident.WhyNobody:
		why = "Nobody could be paged: nobody who can be reached is on call"
	case incident.WhyFailed:
		why = "Nobody could be paged: every method failed"
	case incident.WhyUsedUp:
		why = "Nobody answered: every level was paged, and the ladder is used up"
	}
	text := fmt.Sprintf("🆘 %s%s %s: %s\n%s. Somebody please take it.",
		f.call(e.Target.Mention), s.Severity, f.titled(s), short(line2(s.Title), mostTitle), why)
	if hidden {
		return lineMessage(text)
	}
	return lineMessage(text, fields([2]string{"Status", line(string(s.Status))}, [2]string{"Impact", impact(s)}, [2]string{"Since", at(s.DeclaredAt)}),
		actions("page", button(ActAck, "Acknowledge", s.ID, primary), button(ActEscalate, "Escalate", s.ID, usual)))
}

// call turns @here, @channel and @everyone into what Slack takes,
// with a space behind; other mentions come as tokens already.
func (f Frame) call(mention string) string {
	if f.Group != nil && mention != "" {
		mention = f.Group(mention)
	}
	switch mention {
	case "":
		return ""
	case "@here", "@channel", "@everyone":
		return "<!" + mention[1:] + "> "
	default:
		return Token(mention) + " "
	}
}

// Token lets a well-formed <@U…> or <!subteam^S…> mention through and escapes
// everything else.
func Token(mention string) string {
	if tokenPattern.MatchString(mention) {
		return mention
	}
	return line(mention)
}

// Notify is the short announcement in a class's channel.
func (f Frame) Notify(s incident.Incident, c incident.Channel) Message {
	text := fmt.Sprintf("%s🚨 %s Incident: %s · Status: %s · %s", f.call(c.Mention), s.Severity, short(line2(s.Title), mostTitle), line(string(s.Status)), f.titled(s))
	return lineMessage(text)
}

// Operations is what one record tells those who run Muster. It is false for a
// record that says nothing to them.
func (f Frame) Operations(s incident.Incident, r incident.Record) (Message, bool) {
	text := f.said(s, r.Event)
	if text == "" {
		return Message{}, false
	}
	if s.Circle.Private {
		s, text = s.Outside(), "Something of it did not reach anybody; its people see what in its timeline."
	}
	return lineMessage(f.titled(s) + " " + short(line2(s.Title), 200) + "\n" + text), true
}

// Notice is one sentence to those who run Muster, about no incident.
func Notice(text string) Message { return lineMessage(Cut(Escape(text), MaxSection)) }
