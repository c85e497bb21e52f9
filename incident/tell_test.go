package incident_test

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// tell says an event in one line of a transcript.
func tell(e incident.Event) string {
	switch e := e.(type) {
	case incident.Declared:
		return fmt.Sprintf("declared %v %q by %v", e.Severity, e.Title, e.By)
	case incident.Updated:
		return fmt.Sprintf("updated by %v: %q%s", e.By, e.Text, when(e.Status != "", " status "+string(e.Status)))
	case incident.StatusChanged:
		return fmt.Sprintf("status %s by %v", e.To, e.By)
	case incident.SeverityChanged:
		return fmt.Sprintf("severity %v to %v by %v", e.From, e.To, e.By)
	case incident.MarkedCritical:
		return fmt.Sprintf("marked business-critical by %v", e.By)
	case incident.Acknowledged:
		return fmt.Sprintf("acknowledged by %v", e.By)
	case incident.Unacknowledged:
		return fmt.Sprintf("given back by %v", e.By)
	case incident.AckLapsed:
		return fmt.Sprintf("the acknowledgement of %v lapsed, no update since %s%s", e.By, offset(e.Since), late(e.Late))
	case incident.Held:
		return fmt.Sprintf("held by %v until %s: %s", e.By, offset(e.Until), e.Reason)
	case incident.HoldEnded:
		return "the hold ended" + late(e.Late)
	case incident.Escalated:
		return strings.TrimSpace(fmt.Sprintf("escalated by %v %s%s%v %s", e.By, e.Level, e.Role, e.Person, e.Reason))
	case incident.LadderStarted:
		return fmt.Sprintf("the ladder starts, round %d: %s%s", e.Round, e.Why, late(e.Late))
	case incident.Paged:
		what := or(e.Level, or(e.Role, "by name"))
		return fmt.Sprintf("page %d, %s: %v over %s (%s)%s%s%s", e.Attempt, what, e.Person, strings.Join(e.Methods, "+"), e.Why,
			when(len(e.Missing) > 0, fmt.Sprintf(", missing %v", e.Missing)), when(!e.AnswerBy.IsZero(), ", answer by "+offset(e.AnswerBy)), late(e.Late))
	case incident.LevelPassed:
		return fmt.Sprintf("%s is passed: %s%s%s", or(e.Level, or(e.Role, "the request")), e.Why,
			when(e.Detail != "", " ("+e.Detail+")"), when(e.Next != "", ", then "+e.Next))
	case incident.LastResortPaged:
		return fmt.Sprintf("last resort %s%s: %s%s", e.Target.Channel, e.Target.Person, e.Why, when(e.Final, ", the ladder is over"))
	case incident.PageSettled:
		return fmt.Sprintf("page %d over %s is %s%s", e.Attempt, e.Method, e.State, when(e.Reason != "", ": "+e.Reason))
	case incident.ReminderDue:
		return fmt.Sprintf("an update is due since %s%s", offset(e.Due), late(e.Late))
	case incident.UpdateOverdue:
		return fmt.Sprintf("the update is overdue, step %d%s", e.Step, late(e.Late))
	case incident.Snoozed:
		return fmt.Sprintf("snoozed by %v until %s", e.By, offset(e.Until))
	case incident.OnCallChanged:
		return "on call: " + or(e.Person.String(), "nobody")
	case incident.ResolvedEvent:
		return fmt.Sprintf("resolved by %v", e.By)
	case incident.Reopened:
		return fmt.Sprintf("reopened by %v: %s", e.By, e.Reason)
	default:
		if text := tellStep(e); text != "" {
			return text
		}
		return incident.EventKind(e) + " " + asJSON(e)
	}
}

// show names an effect shortly.
func show(e incident.Effect) string {
	switch e := e.(type) {
	case incident.Page:
		return fmt.Sprintf("PAGE %v/%s", e.Person, e.Method)
	case incident.Announce:
		return "announce"
	case incident.RefreshCard:
		return "card"
	case incident.Thread:
		return "thread" + when(e.Also, "+channel") + when(e.InRoom, "+room")
	case incident.Tell:
		return "DM " + e.Person.String()
	case incident.Notify:
		return "notify " + e.Channel.Name
	case incident.Operations:
		return "operations"
	case incident.Last:
		return "LAST " + e.Target.Channel + e.Target.Person
	case incident.Room:
		return "room " + string(e.Step) + when(!e.Person.Nobody(), " "+e.Person.String())
	default:
		if text := showStep(e); text != "" {
			return text
		}
		return incident.EffectKind(e)
	}
}

// offset gives a moment as the time since the declaration.
func offset(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return "+" + short(t.Sub(begin))
}

// short writes a duration without trailing zero units.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func late(d time.Duration) string { return when(d > 0, ", "+short(d)+" late") }

func when(ok bool, text string) string {
	if ok {
		return text
	}
	return ""
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
