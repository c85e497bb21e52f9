package render

import (
	"fmt"
	"strings"

	"muster/incident"
)

// mostCaughtUp bounds one message that tells many records, in code points: what
// does not fit is only counted.
const mostCaughtUp = 9000

// CatchUp is one message for records that Slack could not be told as they
// happened: a line each, with the moment. It is false when fewer than two of
// them deserve a line. The history is the incident's whole one.
func (f Frame) CatchUp(s incident.Incident, records, history []incident.Record) (Message, bool) {
	var lines []string
	var told []incident.Record
	for _, r := range records {
		if text := f.caughtUp(s, r, history); text != "" {
			lines, told = append(lines, "• "+at(r.At)+" "+text), append(told, r)
		}
	}
	if len(told) < 2 {
		return Message{}, false
	}
	head := fmt.Sprintf("📨 %s, while Slack could not be told, from %s to %s:", f.titled(s), at(told[0].At), at(told[len(told)-1].At))
	text := head
	parts, length := []string{head}, Length(head)
	for i, l := range lines {
		l = Cut(l, MaxSection)
		if length += Length(l); length > mostCaughtUp {
			parts = append(parts, fmt.Sprintf("… and %d more, which the timeline has.", len(lines)-i))
			break
		}
		text += "\n" + l
		if last := parts[len(parts)-1]; Length(last)+1+Length(l) <= MaxSection {
			parts[len(parts)-1] = last + "\n" + l
		} else {
			parts = append(parts, l)
		}
	}
	var blocks []Object
	for _, p := range parts {
		blocks = append(blocks, section(p))
	}
	return message(text, append(blocks, actions("caught up", button(ActTimeline, "Show the timeline", s.ID, usual)))...), true
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
