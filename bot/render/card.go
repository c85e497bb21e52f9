package render

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// Verbs are the action IDs of buttons that stand for a command; the button's
// value is the incident's ID.
const (
	ActAck      = "ack"
	ActUpdate   = "update"
	ActEscalate = "escalate"
	ActPlaybook = "playbook"
	ActResolve  = "resolve"
	ActReopen   = "reopen"
	ActNoChange = "nochange"
	ActSnooze   = "snooze"
	ActShow     = "show"
	ActCreate   = "create"
	ActHold     = "hold"
	ActSeverity = "severity"
	ActRole     = "role"
	ActNote     = "note"
	ActAction   = "action"
	ActLead     = "lead"
	ActPage     = "page"
	ActUnack    = "unack"
	ActCritical = "critical"
	ActTimeline = "timeline"
	// ActMenu and ActPeople are menus; the selected value is "VERB ID".
	ActMenu   = "menu"
	ActPeople = "people"
	// ActPick's value is a whole command text.
	ActPick = "pick"
	// ActLink buttons open an address; a click on one asks for nothing.
	ActLink = "link"
)

// Card is the incident's card as it is now.
func (f Frame) Card(s incident.Incident) Message {
	first := f.first(s)
	head, rest := first[0], strings.Join(first[1:], "\n")
	title := short(line2(s.Title), 2*mostTitle)
	switch {
	case s.MergedInto != "":
		head = fmt.Sprintf("🔗 %s merged into %s: %s", s.ID, line(s.MergedInto), title)
	case !s.ClosedAt.IsZero():
		head = "✅ CLOSED: " + title
	case !s.ResolvedAt.IsZero():
		head = "✅ RESOLVED: " + title
	}
	top := strings.Trim(unescapes.Replace(head), "* ")
	blocks := []Object{header(top)}
	if Length(top) > MaxHeader {
		blocks = append(blocks, section("*"+head+"*"))
	}
	if rest != "" {
		lines := section(rest)
		if s.MergedInto == "" {
			lines["accessory"] = button(ActShow, "Details", s.ID, usual)
		}
		blocks = append(blocks, lines)
	}
	if text := f.cardAlerts(s); text != "" {
		blocks = append(blocks, section(text))
	}
	blocks = append(blocks, f.cardFields(s), small(f.cardState(s)), actions("card", f.cardButtons(s)...))
	return message(head+"\n"+rest, blocks...)
}

// Announce is the card as it is posted first: with the mention that the class
// of the incident asks for in its channel.
func (f Frame) Announce(s incident.Incident) Message {
	m := f.Card(s)
	for _, c := range s.Plan.Notify[s.Severity] {
		if c.Name == s.Plan.Incidents && c.Mention != "" {
			mention := strings.TrimSpace(f.call(c.Mention))
			return message(mention+" "+m.Text, append([]Object{section(mention)}, m.Blocks...)...)
		}
	}
	return m
}

func (f Frame) cardFields(s incident.Incident) Object {
	a := f.ahead(s)
	severity := fmt.Sprintf("%s %s", s.Severity, s.Severity.Word())
	if s.Critical() {
		severity += ", business-critical"
	}
	last := "none yet"
	if !s.Update.At.IsZero() {
		last = at(s.Update.At) + " by " + by(s.Update.By)
	}
	pairs := [][2]string{
		{"Incident", f.titled(s)},
		{"Severity", severity},
		{"Commander", f.mention(s.Holder(incident.Commander))},
	}
	if others := f.others(s); others != "" {
		pairs = append(pairs, [2]string{"Roles", others})
	}
	if s.Open() {
		pairs = append(pairs, [2]string{"Level", or(a.Level, "none paged yet")},
			[2]string{"Next escalation", f.nextEscalation(s, a)})
	}
	pairs = append(pairs, [2]string{"Last update", last})
	if s.Open() {
		pairs = append(pairs, [2]string{"Next update", f.nextUpdate(s, a)})
	}
	if s.Room.Channel != "" {
		pairs = append(pairs, [2]string{"Channel", "<#" + s.Room.Channel + ">"})
	}
	section := fields(pairs...)
	if s.Open() {
		section["accessory"] = overflow(ActPeople,
			option("Hand over the command", "lead "+s.ID),
			option("Page somebody", "page "+s.ID),
			option("Give back my acknowledgement", "unack "+s.ID),
			option("Mark business-critical", "critical "+s.ID),
			option("Show the timeline", "timeline "+s.ID))
	}
	return section
}

func (f Frame) others(s incident.Incident) string {
	var out []string
	for _, r := range []incident.Role{incident.Comms, incident.Ops, incident.Scribe} {
		if p := s.Holder(r); !p.Nobody() {
			out = append(out, string(r)+" "+f.mention(p))
		}
	}
	return strings.Join(out, ", ")
}

func (f Frame) nextEscalation(s incident.Incident, a Ahead) string {
	switch {
	case s.Held():
		return "held until " + at(s.Climb.HeldUntil)
	case a.Next != "" && !a.NextAt.IsZero():
		return line(a.Next) + ", " + at(a.NextAt)
	case s.Acked():
		return "none: acknowledged"
	case s.Climb.Over:
		return "the ladder is used up"
	case s.Climb.Start.IsZero():
		return "none: nobody is paged for " + s.Severity.String()
	default:
		return "none"
	}
}

func (f Frame) nextUpdate(s incident.Incident, a Ahead) string {
	due := s.Clock.Due
	if due.IsZero() {
		due = a.UpdateDue
	}
	switch {
	case due.IsZero():
		return "no clock for " + s.Severity.String()
	case s.Clock.Step >= 2 && f.Now.After(due):
		return "⚠️ update overdue by " + minutes(f.Now.Sub(due))
	case f.Now.After(due):
		return "due since " + at(due)
	default:
		return at(due)
	}
}

// cardState is the small print: since when, acknowledged by whom, held, over.
func (f Frame) cardState(s incident.Incident) string {
	out := []string{"Declared " + at(s.DeclaredAt) + " by " + by(s.DeclaredBy)}
	switch {
	case s.MergedInto != "":
		out = append(out, "merged into "+line(s.MergedInto))
	case !s.ResolvedAt.IsZero():
		out = append(out, fmt.Sprintf("resolved %s by %s after %s", at(s.ResolvedAt), by(s.Resolution.By), fmt.Sprintf("%d min", f.wholeMinutes(s))))
	case s.Acked():
		var who []string
		for _, a := range s.Acks {
			who = append(who, by(a.By)+" "+at(a.At))
		}
		out = append(out, "👍 acknowledged by "+strings.Join(who, ", "))
	default:
		out = append(out, "not acknowledged")
	}
	if s.Open() && s.Held() {
		out = append(out, "⏸ held until "+at(s.Climb.HeldUntil)+": "+Cut(line(s.Climb.HeldWhy), 300))
	}
	if !s.ClosedAt.IsZero() {
		out = append(out, "closed "+at(s.ClosedAt))
	}
	if s.Reopens > 0 {
		out = append(out, fmt.Sprintf("reopened %d×", s.Reopens))
	}
	return strings.Join(out, " · ")
}

func (f Frame) cardButtons(s incident.Incident) []Object {
	if s.MergedInto != "" {
		return []Object{button(ActShow, "Show "+s.MergedInto, s.MergedInto, usual)}
	}
	if !s.Open() {
		return []Object{
			button(ActReopen, "Reopen", s.ID, usual),
			overflow(ActMenu, option("Add a note", "note "+s.ID), option("Add a follow-up", "action "+s.ID)),
		}
	}
	return []Object{
		button(ActAck, "Acknowledge", s.ID, primary),
		button(ActUpdate, "Post update", s.ID, usual),
		button(ActEscalate, "Escalate", s.ID, usual),
		button(ActPlaybook, "Playbook", s.ID, usual),
		button(ActResolve, "Resolve", s.ID, danger),
		overflow(ActMenu,
			option("Hold the escalation", "hold "+s.ID),
			option("Change severity", "severity "+s.ID),
			option("Give a role", "role "+s.ID),
			option("Add a note", "note "+s.ID),
			option("Add a follow-up", "action "+s.ID)),
	}
}

// overdue tells how long an update is overdue; zero: it is not.
func (f Frame) overdue(s incident.Incident) time.Duration {
	if s.Clock.Due.IsZero() || !f.Now.After(s.Clock.Due) {
		return 0
	}
	return f.Now.Sub(s.Clock.Due)
}
