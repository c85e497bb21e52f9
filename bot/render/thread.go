package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/commands"
	"muster/incident"
)

// Thread is what one record says in the card's thread. It is false for a
// record that deserves no message. The history is the incident's whole one.
func (f Frame) Thread(s incident.Incident, r incident.Record, history []incident.Record) (Message, bool) {
	switch e := r.Event.(type) {
	case incident.Updated:
		return f.update(s, e, r, history), true
	case incident.ResolvedEvent:
		return f.resolution(s, e), true
	case incident.ReminderDue:
		return f.reminder(s, e, r, history), true
	case incident.PlaybookSuggested:
		return f.suggested(s, e), true
	case incident.AllAlertsResolved:
		return f.alertsOver(s, e), true
	}
	text := f.said(s, r.Event)
	if text == "" {
		return Message{}, false
	}
	return lineMessage(text), true
}

// Marked says of a drill's line that it belongs to one, where it stands in a
// channel beside what is real.
func Marked(s incident.Incident, m Message) Message {
	if !s.Drill.On || strings.Contains(m.Text, strings.TrimSpace(incident.DrillMark)) {
		return m
	}
	return message(incident.DrillMark+m.Text, append([]Object{small(s.ID + " is a drill.")}, m.Blocks...)...)
}

// said is the one plain line of a record; empty: it deserves none.
func (f Frame) said(s incident.Incident, event incident.Event) string {
	switch e := event.(type) {
	case incident.Declared:
		return f.saidDeclared(e)
	case incident.StatusChanged:
		return fmt.Sprintf("Status is *%s* now (%s).", line(string(e.To)), by(e.By))
	case incident.SeverityChanged:
		return fmt.Sprintf("Severity %s → *%s* (%s)%s", e.From, e.To, by(e.By), because(e.Reason))
	case incident.MarkedCritical:
		return by(e.By) + " marked this incident *business-critical*."
	case incident.PersonAdded:
		return f.mention(e.Person) + " sees this incident now (" + by(e.By) + ")."
	case incident.RoleGiven:
		return fmt.Sprintf("%s is *%s* now (%s).", f.mention(e.Person), line(string(e.Role)), by(e.By))
	case incident.Noted:
		return f.saidNoted(e)
	case incident.ActionAdded:
		return saidAction(e)
	case incident.Acknowledged:
		return "👍 " + by(e.By) + " has it" + via(e.Via) + "."
	case incident.Unacknowledged:
		return by(e.By) + " gave the acknowledgement back; the ladder goes on."
	case incident.AckLapsed:
		return fmt.Sprintf("⚠️ The acknowledgement of %s lapsed: no update since %s. The ladder goes on%s.", f.mention(e.By), at(e.Since), late(e.Late))
	case incident.Held:
		return fmt.Sprintf("⏸ %s holds the escalation until %s%s", by(e.By), at(e.Until), because(e.Reason))
	case incident.HoldEnded:
		return "▶️ The hold is over: the escalation goes on" + late(e.Late) + "."
	case incident.Escalated:
		return f.saidEscalated(e)
	case incident.LadderStarted:
		return saidLadder(e)
	case incident.Paged:
		return f.saidPaged(e)
	case incident.LevelPassed:
		return saidPassed(e)
	case incident.LastResortPaged:
		return saidLast(e)
	case incident.PageSettled:
		return f.saidSettled(s, e)
	case incident.UpdateOverdue:
		return f.saidOverdue(s, e)
	case incident.Snoozed:
		return fmt.Sprintf("💤 %s snoozed the reminder until %s.", by(e.By), at(e.Until))
	case incident.OnCallChanged:
		if e.Person.Nobody() {
			return "⚠️ Nobody is on call now."
		}
		return f.mention(e.Person) + " is on call now."
	case incident.Reopened:
		return fmt.Sprintf("🔁 %s reopened this incident%s", by(e.By), because(e.Reason))
	case incident.ClosedEvent:
		return fmt.Sprintf("%s closed this incident%s", by(e.By), because(e.Reason))
	case incident.MergedInto:
		return fmt.Sprintf("🔗 %s merged this incident into *%s*; it goes on there.", by(e.By), line(e.Into))
	case incident.MergedFrom:
		return fmt.Sprintf("🔗 %s merged *%s* into this incident: %s", by(e.By), line(e.From), short(line2(e.Title), 500))
	case incident.AlertsTold:
		return f.saidAlerts(s, e)
	case incident.EffectFailed:
		return fmt.Sprintf("⚠️ This did not work: %s%s", line(e.What), because(e.Reason))
	case incident.PostmortemAssigned, incident.PostmortemPlanned, incident.ActionDone, incident.MeetingNear, incident.PostmortemOverdue, incident.ActionNear, incident.ActionShown, incident.ImpactCounted, incident.PastFound:
		return f.saidAfter(s, e)
	case incident.WatchBegan, incident.Watched, incident.WatchEnded:
		return saidWatch(e)
	case incident.PostmortemWritten, incident.RecordMarked:
		return "" // the post-mortem shows it
	case incident.Updated, incident.ResolvedEvent, incident.ReminderDue:
		return "" // these have messages of their own shape
	case incident.CaughtUp:
		return "" // that message says so itself
	case incident.Posted:
		return "" // it says where a message stands; people see the message
	default:
		return f.saidStep(s, event)
	}
}

// because adds a reason and ends the sentence.
func because(reason string) string {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "."
	}
	return ": " + Cut(line(reason), 1500)
}

func via(how string) string {
	switch how {
	case "", "slack":
		return ""
	case "command", "http":
		return " (over the command line)"
	default:
		return " (over " + line(how) + ")"
	}
}

func (f Frame) saidDeclared(e incident.Declared) string {
	text := fmt.Sprintf("%s declared %s as *%s*", by(e.By), e.ID, e.Severity)
	if e.Chosen != "" {
		text += " (" + Cut(line(e.Chosen), 300) + ")"
	}
	return text + "."
}

func (f Frame) saidNoted(e incident.Noted) string {
	text := "📌 " + by(e.By) + ": " + Cut(Escape(strings.TrimSpace(e.Text)), 2000)
	if e.Link != "" {
		text += " <" + Escape(e.Link) + "|message>"
	}
	return text
}

func saidAction(e incident.ActionAdded) string {
	text := fmt.Sprintf("Follow-up %d: %s", e.N, short(line2(e.Text), 1500))
	if !e.Owner.Nobody() {
		text += " · " + name(e.Owner)
	}
	if e.Due != "" {
		text += " · due " + line(e.Due)
	}
	return text
}

func (f Frame) saidEscalated(e incident.Escalated) string {
	return fmt.Sprintf("📣 %s escalates to *%s*%s", by(e.By), line(asked(e)), because(e.Reason))
}

func saidLadder(e incident.LadderStarted) string {
	switch {
	case e.Round > 0:
		return fmt.Sprintf("🔁 The ladder starts again from its first level, round %d%s.", e.Round+1, late(e.Late))
	case e.Why == incident.WhyRaised:
		return "The severity pages now: the ladder starts" + late(e.Late) + "."
	default:
		return "" // the first page says it
	}
}

func (f Frame) saidPaged(e incident.Paged) string {
	who := f.mention(e.Person)
	level := ""
	if e.Level != "" {
		level = "*" + line(e.Level) + "* "
	}
	why := ""
	if e.Why != incident.WhyDue { // a level whose time has come needs no reason
		why = " (" + strings.TrimSuffix(line(string(e.Why))+because(e.Reason), ".") + ")"
	}
	text := fmt.Sprintf("📟 %s%s is paged over %s%s%s.", level, who, join(e.Methods), why, late(e.Late))
	if !e.AnswerBy.IsZero() {
		text += " Next page " + at(e.AnswerBy) + " if nobody answers."
	}
	if missing := missing(e.Missing); missing != "" {
		text += " Not used: " + missing + "."
	}
	return text
}

// methodNames are the methods that people write in another way than
// configurations do.
var methodNames = map[string]string{"slack": "Slack", "pagerduty": "PagerDuty", "email": "e-mail"}

// join lists methods.
func join(methods []string) string {
	if len(methods) == 0 {
		return "nothing"
	}
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = or(methodNames[m], m)
	}
	return line(strings.Join(names, ", "))
}

// missing lists methods by the reason why they were not used.
func missing(why map[string]string) string {
	by := map[string][]string{}
	for _, method := range slices.Sorted(maps.Keys(why)) {
		by[why[method]] = append(by[why[method]], method)
	}
	var out []string
	for reason, methods := range by {
		out = append(out, join(methods)+" ("+Cut(line(reason), 200)+")")
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func saidPassed(e incident.LevelPassed) string {
	what := line(or(e.Level, or(e.Role, "The request")))
	text := fmt.Sprintf("⏭ *%s* reached nobody (%s)", what, line(string(e.Why)))
	if e.Why == incident.WhyAnswered {
		text = fmt.Sprintf("⏭ *%s* is not paged (%s)", what, line(string(e.Why)))
	}
	if e.Detail != "" {
		text += ": " + Cut(line(e.Detail), 1500)
	}
	if e.Next != "" {
		text += ". *" + line(e.Next) + "* is paged now"
	}
	return text + "."
}

func saidLast(e incident.LastResortPaged) string {
	whom := or(e.Target.Person, e.Target.Channel)
	text := fmt.Sprintf("🆘 The last resort, %s, is told: %s.", line(or(whom, "the operations channel")), line(string(e.Why)))
	if e.Final {
		text += " Nobody else will be paged by the ladder."
	}
	return text
}

// saidSettled speaks of pages that did not work; a delivered or overtaken one
// is seen on the card.
func (f Frame) saidSettled(s incident.Incident, e incident.PageSettled) string {
	who := "somebody"
	if p, ok := s.Page(e.Attempt); ok {
		who = name(p.Person)
		if e.State == incident.PageLate && !slices.ContainsFunc(p.Methods, func(m incident.MethodStatus) bool { return m.Method == e.Method && m.State == incident.PageLate }) {
			return "" // it has left, or is not needed any more
		}
	}
	switch e.State {
	case incident.PageFailed:
		return fmt.Sprintf("⚠️ The page to %s over %s failed%s", who, join([]string{e.Method}), because(e.Reason))
	case incident.PageLate:
		return fmt.Sprintf("⚠️ The page to %s over %s has not left yet and is still tried%s", who, join([]string{e.Method}), because(e.Reason))
	default:
		return ""
	}
}

func (f Frame) saidOverdue(s incident.Incident, e incident.UpdateOverdue) string {
	since := ""
	if late := f.overdue(s); late > 0 {
		since = " by " + minutes(late)
	}
	if e.Step >= 2 {
		return fmt.Sprintf("⚠️ The update is overdue%s: %s is paged.", since, f.mention(s.OnCall))
	}
	whom := f.mention(s.Holder(incident.Commander))
	if c := s.Holder(incident.Comms); !c.Nobody() {
		whom += " and " + f.mention(c)
	}
	return fmt.Sprintf("⚠️ The update is overdue%s: %s got a direct message.", since, whom)
}

func (f Frame) update(s incident.Incident, e incident.Updated, r incident.Record, history []incident.Record) Message {
	text := strings.Join(f.updateLines(s, e, r, history), "\n")
	return message(text, section(text), small("By "+by(e.By)+" · "+f.titled(s)))
}

func (f Frame) updateLines(s incident.Incident, e incident.Updated, r incident.Record, history []incident.Record) []string {
	past := asOf(s, r, history)
	d := Update{
		Subject: subject(past), Status: string(past.Status), Actions: value(e.Text, mostText), Next: value(e.Next, mostValue),
		ETA: value(line2(or(e.ETA, past.ETA)), 200),
	}
	if e.Status != "" {
		d.Status = string(e.Status)
	}
	if e.NoChange && d.Actions == "" {
		d.Actions = "no change"
	}
	return f.Lines.update(d)
}

// asOf folds the history up to a record, so that an old update shows its own
// day's words; without a history it is the state as it is.
func asOf(s incident.Incident, r incident.Record, history []incident.Record) incident.Incident {
	var past incident.Incident
	for _, h := range history {
		if h.Seq > r.Seq {
			break
		}
		past = incident.Apply(past, h)
	}
	if past.Seq != r.Seq {
		return s
	}
	past.Card, past.OnCall = s.Card, s.OnCall
	return past
}

func (f Frame) resolution(s incident.Incident, e incident.ResolvedEvent) Message {
	text := strings.Join(f.resolutionLines(s, e), "\n")
	if s.Drill.On {
		score := commands.DrillScore(s.Score(), s.Drill.Last).Plain()
		return message(text+"\n"+score, section(text), section(Escape(score)), small("By "+by(e.By)+" · "+f.titled(s)))
	}
	return message(text, section(text), small("By "+by(e.By)+" · "+f.titled(s)))
}

func (f Frame) resolutionLines(s incident.Incident, e incident.ResolvedEvent) []string {
	return f.Lines.resolution(Resolution{
		Subject: subject(s), Minutes: f.wholeMinutes(s), Cause: value(e.Cause, mostValue), Fix: value(e.Fix, mostValue), Postmortem: civil(e.Postmortem), Unwatched: s.Drill.On,
	})
}

// reminder asks whoever leads for an update, with the template filled in.
func (f Frame) reminder(s incident.Incident, e incident.ReminderDue, r incident.Record, history []incident.Record) Message {
	whom := s.Holder(incident.Commander)
	if whom.Nobody() {
		whom = s.OnCall
	}
	text := fmt.Sprintf("⏰ %s, an update on %s is due%s.", f.mention(whom), f.titled(s), late(e.Late))
	d := Draft(history, r.Seq)
	draft := strings.Join(f.Lines.update(Update{
		Subject: subject(s), Status: string(s.Status), Actions: value(or(done(d), "nothing recorded since the last update"), mostText),
		Next: value(or(d.Next, s.Update.Next), mostValue), ETA: value(line2(or(s.ETA, d.ETA)), 200),
	}), "\n")
	quote := "> " + strings.ReplaceAll(draft, "\n", "\n> ")
	return message(text+"\n"+draft, section(text), section(quote), actions("reminder", reminderButtons(s)...))
}

func reminderButtons(s incident.Incident) []Object {
	return []Object{
		button(ActUpdate, "Post update", s.ID, primary),
		button(ActNoChange, "No change", s.ID, usual),
		button(ActSnooze, snoozeLabel(s), s.ID, usual),
	}
}

// snoozeLabel says for how long: "Snooze 10m".
func snoozeLabel(s incident.Incident) string {
	text := s.SnoozeTime().Round(time.Second).String()
	if short, whole := strings.CutSuffix(text, "m0s"); whole {
		text = short + "m"
	}
	return "Snooze " + text
}
