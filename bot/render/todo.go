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
		one["accessory"] = button(fmt.Sprintf("%s:todo:%d", ActPick, i), "Done", fmt.Sprintf("action %s done %d", a.Incident, a.N), usual)
		out = append(out, one)
	}
	return out
}
