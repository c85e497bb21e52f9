package render

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// mostCaughtUp bounds one message that tells many records, in code points: of
// what does not fit, updates and the resolution are told and the rest counted.
const mostCaughtUp = 9000

// CatchUp is one message for records that Slack could not be told as they
// happened: a line each, with the moment. Updates and the resolution are always
// in it. It is false when fewer than two of the records deserve a line. The
// history is the incident's whole one.
func (f Frame) CatchUp(s incident.Incident, records, history []incident.Record) (Message, bool) {
	var lines []caught
	room := mostCaughtUp
	for _, r := range records {
		if text := f.caughtUp(s, r, history); text != "" {
			l := caught{Cut("• "+at(r.At)+" "+text, MaxSection), r.At, mustTell(r.Event)}
			if l.must {
				room -= Length(l.text)
			}
			lines = append(lines, l)
		}
	}
	if len(lines) < 2 {
		return Message{}, false
	}
	text := fmt.Sprintf("📨 %s, while Slack could not be told, from %s to %s:", f.titled(s), at(lines[0].at), at(lines[len(lines)-1].at))
	parts, left := []string{text}, 0
	for _, l := range lines {
		if !l.must {
			if room -= Length(l.text); room < 0 {
				left++
				continue
			}
		}
		text += "\n" + l.text
		if last := parts[len(parts)-1]; Length(last)+1+Length(l.text) <= MaxSection {
			parts[len(parts)-1] = last + "\n" + l.text
		} else {
			parts = append(parts, l.text)
		}
	}
	var blocks []Object
	for _, p := range parts {
		blocks = append(blocks, section(p))
	}
	if left > 0 {
		blocks = append(blocks, small(fmt.Sprintf("%d more lines are in the timeline.", left)))
	}
	return message(text, append(blocks, actions("caught up", button(ActTimeline, "Show the timeline", s.ID, usual)))...), true
}

// caught is one line of such a message.
type caught struct {
	text string
	at   time.Time
	must bool
}

// mustTell tells whether people in the channel wait for what a record says.
func mustTell(e incident.Event) bool {
	switch e.(type) {
	case incident.Updated, incident.ResolvedEvent:
		return true
	}
	return false
}

// caughtUp is the line of one record; an update and the resolution keep all
// their lines, one behind the other.
func (f Frame) caughtUp(s incident.Incident, r incident.Record, history []incident.Record) string {
	switch e := r.Event.(type) {
	case incident.Updated:
		return strings.Join(f.updateLines(s, e, r, history), " · ") + " · by " + by(e.By)
	case incident.ResolvedEvent:
		return strings.Join(f.resolutionLines(s, e), " · ") + " · by " + by(e.By)
	default:
		return f.said(s, r.Event)
	}
}
