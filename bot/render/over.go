package render

import (
	"fmt"

	"muster/incident"
)

// PageOver is what a page by direct message becomes once it needs no answer
// any more: what happened stands in it, and Acknowledge is gone.
func (f Frame) PageOver(s incident.Incident) Message {
	text := fmt.Sprintf("📟 %s %s: %s", s.Severity, s.ID, short(line2(s.Title), mostTitle))
	what := ""
	switch {
	case s.MergedInto != "":
		what = "Merged into " + line(s.MergedInto) + "."
	case !s.ResolvedAt.IsZero():
		what = fmt.Sprintf("✅ Resolved by %s, %s.", f.mention(s.Resolution.By), at(s.ResolvedAt))
	case s.Acked():
		a := s.Acks[len(s.Acks)-1]
		what = fmt.Sprintf("👍 %s has it since %s.", f.mention(a.By), at(a.At))
	}
	blocks := []Object{header(unescapes.Replace(text)), section(what)}
	if url := f.link(s.Card); url != "" {
		blocks = append(blocks, actions("page", linkButton(ActLink, "Open the card", url)))
	}
	return message(text+"\n"+what, blocks...)
}
