package render

import (
	"strings"

	"muster/commands"
	"muster/incident"
)

// saidPast tells those who begin what happened the last times.
func (f Frame) saidPast(e incident.PastFound) string {
	head := "🕘 This happened before."
	if best := commands.LastTimes(e.Past); best != "" {
		head = "🕘 This happened before: " + line(best) + "."
	}
	lines := []string{head}
	for _, p := range e.Past {
		text := line(commands.PastLine(p))
		if link := f.link(p.Card); link != "" {
			text = strings.Replace(text, p.ID, "<"+link+"|"+p.ID+">", 1)
		}
		lines = append(lines, "• "+text)
	}
	return strings.Join(lines, "\n")
}
