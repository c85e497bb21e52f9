package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// Line says one record as one sentence without its full stop. What nobody
// needs to read is empty.
func Line(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.Declared:
		from := maybe("; severity from ", e.Chosen)
		if e.Chosen == byHand {
			from = "; severity " + byHand
		}
		return Say(e.By, " declared ", e.Severity, " ", e.Title, maybe(" on ", e.Service), maybe(", impact: ", e.Impact), from, privately(e.Private))
	case incident.Updated:
		return updateLine(e)
	case incident.StatusChanged:
		return Say(e.By, " set the status to ", e.To)
	case incident.SeverityChanged:
		word := "raised"
		if e.To > e.From {
			word = "lowered"
		}
		return Say(e.By, " ", word, " the severity from ", e.From, " to ", e.To, maybe(": ", e.Reason))
	case incident.Imported:
		return Say("It was imported from another installation, where it is ", e.From)
	case incident.Erased:
		return Say("Its ", e.Records, " records were erased")
	case incident.PersonAdded:
		return Say(e.By, " let ", e.Person, " see it")
	case incident.MarkedCritical:
		return Say(e.By, " marked it business-critical")
	case incident.RoleGiven:
		if e.By.Is(e.Person) {
			return Say(e.By, " took the role ", e.Role)
		}
		return Say(e.By, " made ", e.Person, " ", e.Role)
	case incident.Noted:
		return Say(e.By, " noted: ", linked(e.Text, e.Link))
	case incident.ActionAdded:
		out := Say(e.By, " recorded follow-up ", e.N, ": ", e.Text)
		if !e.Owner.Nobody() {
			out = Say(out, " for ", e.Owner)
		}
		return Say(out, maybe(", due ", e.Due))
	case incident.ResolvedEvent:
		out := Say(e.By, " resolved it", maybe("; cause: ", e.Cause), maybe("; fix: ", e.Fix))
		if !e.Postmortem.IsZero() {
			out = Say(out, "; post-mortem ", e.Postmortem)
		}
		return out
	case incident.Reopened:
		return Say(e.By, " reopened it", maybe(": ", e.Reason))
	case incident.ClosedEvent:
		return Say(e.By, " closed it", maybe(": ", e.Reason))
	case incident.MergedInto:
		return Say(e.By, " merged it into ", e.Into)
	case incident.MergedFrom:
		return Say(e.By, " merged ", e.From, " ", e.Title, " into it")
	case incident.AlertsTold, incident.AllAlertsResolved:
		return alertLine(e)
	case incident.EffectFailed:
		return Say("Slack: ", strings.ReplaceAll(e.What, "_", " "), " failed", maybe(": ", e.Reason))
	case incident.CaughtUp:
		return Say("Slack was told what had waited, in one message")
	case incident.Posted:
		if e.Place == incident.PlaceRoom {
			return Say("The channel ", e.Name, " was created")
		}
		return nil
	case incident.PostmortemWritten, incident.PostmortemAssigned, incident.PostmortemPlanned, incident.RecordMarked, incident.ActionDone,
		incident.MeetingNear, incident.PostmortemOverdue, incident.ActionNear, incident.ActionShown, incident.ImpactCounted, incident.PastFound:
		return afterLine(e)
	case incident.WatchBegan, incident.Watched, incident.WatchEnded:
		return watchLine(e)
	default:
		return ladderLine(e)
	}
}

// ladderLine is Line for the records of the ladder and the clocks.
func ladderLine(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.Acknowledged:
		return Say(e.By, " acknowledged", maybe(" over ", e.Via))
	case incident.Unacknowledged:
		return Say(e.By, " gave the acknowledgement back")
	case incident.AckLapsed:
		return Say("The acknowledgement of ", e.By, " lapsed: no update since ", e.Since, late(e.Late))
	case incident.Held:
		return Say(e.By, " held the ladder until ", e.Until, maybe(": ", e.Reason))
	case incident.HoldEnded:
		return Say("The hold ended; the ladder goes on", late(e.Late))
	case incident.Escalated:
		return escalatedLine(e)
	case incident.LadderStarted:
		if e.Round == 0 {
			return Say("The ladder started: ", e.Why, late(e.Late))
		}
		return Say("The ladder started again, round ", e.Round+1, late(e.Late))
	case incident.Paged:
		return pagedLine(e)
	case incident.LevelPassed:
		out := Say(levelOf(e.Level, e.Role), " reached nobody: ", e.Why)
		if e.Why == incident.WhyAnswered {
			out = Say(levelOf(e.Level, e.Role), " needed no page: ", e.Why)
		}
		if e.Detail != "" {
			out = Say(out, " (", e.Detail, ")")
		}
		return Say(out, maybe("; next is ", e.Next))
	case incident.LastResortPaged:
		target := strings.TrimSpace(e.Target.Channel + " " + e.Target.Mention)
		if target == "" {
			target = e.Target.Person
		}
		out := Say("Paged the last resort ", target, ": ", e.Why)
		if e.Final {
			out = Say(out, "; no further round follows")
		}
		return out
	case incident.PageSettled:
		return Say("Page ", e.Attempt, " over ", MethodName(e.Method), " ", settledWord(e.State), maybe(": ", e.Reason))
	case incident.ReminderDue:
		return Say("An update was due ", e.Due, late(e.Late))
	case incident.UpdateOverdue:
		if e.Step == 1 {
			return Say("The update is overdue; commander and comms were told", late(e.Late))
		}
		return Say("The update is overdue, step ", e.Step, late(e.Late))
	case incident.Snoozed:
		return Say(e.By, " snoozed the reminder until ", e.Until)
	case incident.OnCallChanged:
		return Say("On call is ", e.Person)
	default:
		return playbookLine(e)
	}
}

func updateLine(e incident.Updated) Rich {
	if e.NoChange {
		return Say(e.By, " posted an update: no change")
	}
	return Say(e.By, " posted an update: ", e.Text, maybe("; status ", string(e.Status)), maybe("; next: ", e.Next), maybe("; ETA ", e.ETA), maybe("; impact: ", e.Impact))
}

func escalatedLine(e incident.Escalated) Rich {
	out := Say(e.By, " escalated")
	switch {
	case !e.Person.Nobody():
		out = Say(out, " to ", e.Person)
	case e.Role != "":
		out = Say(out, " to ", e.Role)
	case e.Level != "":
		out = Say(out, " to ", e.Level)
	}
	return Say(out, maybe(": ", e.Reason))
}

func pagedLine(e incident.Paged) Rich {
	out := Say("Paged ", e.Person)
	if at := levelOf(e.Level, e.Role); e.Level != "" || e.Role != "" {
		out = Say(out, " (", at, ")")
	}
	out = Say(out, " over ", methodList(e.Methods), " (", e.Why, ")", maybe(": ", e.Reason))
	if m := missing(e.Missing); m != "" {
		out = Say(out, "; not used: ", m)
	}
	return Say(out, late(e.Late))
}

// methodList lists methods as people write them.
func methodList(methods []string) string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = MethodName(m)
	}
	return strings.Join(names, ", ")
}

// MethodName is a paging method for reading.
func MethodName(method string) string {
	switch method {
	case "slack":
		return "Slack"
	case "pagerduty":
		return "PagerDuty"
	case "email":
		return "e-mail"
	default:
		return method
	}
}

// missing lists the methods that were not used by the reason why.
func missing(m map[string]string) string {
	by := map[string][]string{}
	for _, method := range slices.Sorted(maps.Keys(m)) {
		by[m[method]] = append(by[m[method]], method)
	}
	var list []string
	for _, why := range slices.Sorted(maps.Keys(by)) {
		list = append(list, methodList(by[why])+" ("+why+")")
	}
	return strings.Join(list, ", ")
}

func levelOf(level, role string) string {
	switch {
	case level == "" && role == "":
		return "The page"
	case level == "":
		return role
	case role == "":
		return level
	}
	return level + " " + role
}

func settledWord(s incident.PageState) string {
	switch s {
	case incident.PageDelivered:
		return "was delivered"
	case incident.PageCancelled:
		return "was cancelled"
	case incident.PageLate:
		return "could not leave in time"
	case incident.PageFailed:
		return "failed"
	default:
		return string(s)
	}
}

func linked(text, link string) Rich {
	if text == "" {
		text = link
	}
	return Rich{{Text: text, Link: link}}
}

// maybe says a value with words in front, or nothing for an empty one.
func maybe(before, value string) string {
	if value == "" {
		return ""
	}
	return before + value
}

// late says how late something happened; on time it says nothing.
func late(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(", %s late", Span(d))
}
