package render

import (
	"fmt"

	"muster/incident"
)

// FollowUp is one piece of follow-up work on a home tab.
type FollowUp struct {
	Incident, Title string
	incident.Action
	// Past is set when its date is over.
	Past bool
}

// mostFollowUps on a home tab.
const mostFollowUps = 10

// homeFollowUps lists what the person is to do after incidents, each with a
// button that closes it.
func (f Frame) homeFollowUps(h Home) []Object {
	if len(h.FollowUps) == 0 {
		return nil
	}
	out := []Object{header("Your follow-ups")}
	for i, a := range h.FollowUps {
		if i == mostFollowUps {
			out = append(out, small(fmt.Sprintf("%d more; each incident's `/incident show` lists its own.", len(h.FollowUps)-mostFollowUps)))
			break
		}
		when := ""
		switch {
		case a.Past:
			when = " · ⚠️ was due " + line(a.Due)
		case a.Due != "":
			when = " · due " + line(a.Due)
		}
		one := section(fmt.Sprintf("*%s* · %s%s", line(a.Incident), short(line2(a.Text), 300), when))
		one["accessory"] = doneButton(i, a.Incident, a.N)
		out = append(out, one)
	}
	return out
}

// doneButton closes follow-up work; i tells apart several in one view.
func doneButton(i int, id string, n int) Object {
	return button(fmt.Sprintf("%s:todo:%d", ActPick, i), "Done", fmt.Sprintf("action %s done %d", id, n), usual)
}

// actionNear reminds the owner of follow-up work, with a button that closes it;
// of what is done meanwhile it says so.
func (f Frame) actionNear(s incident.Incident, e incident.ActionNear) Message {
	if a, ok := action(s, e.N); ok && a.Done {
		return f.ActionOver(s, e.N)
	}
	return message(f.saidAfter(s, e), section(f.leadOf(s)), section(f.saidAfter(s, e)), actions("todo", doneButton(0, s.ID, e.N)))
}

// ActionOver is what a reminder of follow-up work becomes once it is done: by
// whom and when stands in it, and the button is gone.
func (f Frame) ActionOver(s incident.Incident, n int) Message {
	text := fmt.Sprintf("✅ Follow-up %d%s is done.", n, followUp(s, n))
	if a, ok := action(s, n); ok && a.Done {
		text = fmt.Sprintf("✅ Follow-up %d%s: %s closed it, %s.", n, followUp(s, n), by(a.DoneBy), at(a.DoneAt))
	}
	return message(text, section(f.leadOf(s)), section(text))
}

// leadOf says which incident a direct message is about.
func (f Frame) leadOf(s incident.Incident) string {
	return fmt.Sprintf("%s %s: %s", s.Severity, f.titled(s), short(line2(s.Title), 500))
}

func action(s incident.Incident, n int) (incident.Action, bool) {
	for _, a := range s.Actions {
		if a.N == n {
			return a, true
		}
	}
	return incident.Action{}, false
}
