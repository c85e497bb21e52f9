package render

import (
	"fmt"
	"strings"

	"muster/incident"
)

// Picture is an image that was uploaded to be shown; File is its ID.
type Picture struct {
	File string
	// Alt says in words what it shows.
	Alt string
}

// Files names pictures in one word that Pictures reads.
func Files(pictures []Picture) string {
	var out []string
	for _, p := range pictures {
		out = append(out, p.File)
	}
	return strings.Join(out, ",")
}

// Pictures are those that Files named, without their words.
func Pictures(files string) (out []Picture) {
	for id := range strings.SplitSeq(files, ",") {
		if id != "" {
			out = append(out, Picture{File: id, Alt: "the last chart that could be drawn"})
		}
	}
	return out
}

// saidWatch is the one plain line of a record of the look-out; empty: it
// deserves none.
func saidWatch(event incident.Event) string {
	switch e := event.(type) {
	case incident.WatchBegan:
		if e.Blind != "" {
			return "👁 No machine watches whether it comes back: " + Cut(line(e.Blind), 300) + "."
		}
	case incident.Watched:
		switch {
		case !e.Said:
		case e.Verdict == incident.WatchAway && incident.Partial(e.Values):
			return "👁 The watch does not see everything now" + because(e.Reason)
		case e.Verdict == incident.WatchAway:
			return "👁 The watch sees nothing now" + because(e.Reason)
		case e.Verdict == incident.WatchOver:
			return "📈 It comes back" + because(e.Reason)
		case e.Reason != "":
			return "📉 Back within the limit" + because(e.Reason)
		default:
			return "👁 The watch sees again, and nothing is over a limit."
		}
	case incident.WatchEnded:
		mark := "✅ "
		if e.Over > 0 || len(e.Gaps) > 0 || e.Looks == 0 {
			mark = "👁 "
		}
		return mark + e.Outcome(at) + late(e.Late)
	}
	return ""
}

// Watch is the message with the charts of the look-out.
func (f Frame) Watch(s incident.Incident, pictures []Picture) Message {
	w := s.After.Watch
	var names []string
	for i, q := range w.Queries {
		text := short(line2(q.Name), 100)
		if i < len(w.Values) && w.Values[i].V != nil {
			text += " " + line(q.Show(*w.Values[i].V))
		}
		if q.Limit != nil {
			text += " (limit " + line(q.Show(*q.Limit)) + ")"
		}
		names = append(names, text)
	}
	state := "watched until " + at(w.Until)
	switch {
	case s.Open():
		state = "open again"
	case w.Ended:
		state = "the watch is over"
	case w.Verdict == incident.WatchOver:
		state = "*over the limit*; " + state
	case w.Verdict == incident.WatchAway && incident.Partial(w.Values):
		state = "*not everything can be seen now*; " + state
	case w.Verdict == incident.WatchAway:
		state = "*nothing can be seen now*; " + state
	}
	text := fmt.Sprintf("👁 After %s: %s\n%s", f.titled(s), state, strings.Join(names, " · "))
	return message(text, append([]Object{section(text)}, images(pictures)...)...)
}

// Regression tells of a look over a limit, with the button that reopens where
// that is offered.
func (f Frame) Regression(s incident.Incident, e incident.Watched, pictures []Picture) Message {
	text := fmt.Sprintf("📈 *%s may be back*: %s", f.titled(s), Cut(line(e.Reason), 1500))
	switch {
	case e.Offer:
	case s.After.Watch.Reopen == incident.ReopenAuto:
		text += "\nOne more look like this reopens it."
	}
	blocks := append([]Object{section(text)}, images(pictures)...)
	if e.Offer {
		blocks = append(blocks, actions("regression", button(ActPick, "Reopen", "reopen "+s.ID+" "+plain(e.Reason, 500), danger)))
	}
	return message(text, blocks...)
}

func images(pictures []Picture) []Object {
	var out []Object
	for _, p := range pictures {
		out = append(out, Object{"type": "image", "slack_file": Object{"id": p.File}, "alt_text": or(plain(p.Alt, 200), "chart")})
	}
	return out
}
