package render

import (
	"fmt"
	"regexp"
	"strings"

	"muster/incident"
)

var tokenPattern = regexp.MustCompile(`^<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel|!everyone)>$`)

// RoomName is the name of the incident's own channel: lower-case letters,
// digits and dashes. Try n of 1 has no suffix, 2 gets "-2".
func RoomName(s incident.Incident, try int) string {
	suffix := ""
	if try > 1 {
		suffix = fmt.Sprintf("-%d", try)
	}
	words := strings.ToLower(s.ID)
	if s.Circle.Private { // others may come across the name
		return words + "-private" + suffix
	}
	for _, w := range strings.FieldsFunc(strings.ToLower(s.Title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		if len(words)+1+len(w)+len(suffix) > MaxChannelName {
			break
		}
		words += "-" + w
	}
	return words + suffix
}

// Topic is the room's topic, at most 250 code points. It is plain text.
func Topic(s incident.Incident) string {
	return Cut(fmt.Sprintf("%s %s · %s · %s", s.ID, s.Severity, s.Status, plain(s.Title, MaxTopic)), MaxTopic)
}

// Bookmark is one link at the top of the room.
type Bookmark struct{ Title, Link string }

// Bookmarks are the room's links; those without an address are left out.
func (f Frame) Bookmarks(s incident.Incident) []Bookmark {
	var out []Bookmark
	if url := f.link(s.Card); url != "" {
		out = append(out, Bookmark{Cut(s.ID+" card", MaxBookmark), url})
	}
	return out
}

// Canvas is the room's canvas as Markdown.
func (f Frame) Canvas(s incident.Incident) string {
	md := strings.NewReplacer("#", "\\#", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "<", "\\<", "|", "\\|", "!", "\\!")
	text := func(t string) string { return or(md.Replace(plain(t, 1000)), "—") }
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s: %s\n\n", s.ID, s.Severity, text(s.Title))
	fmt.Fprintf(&b, "- Declared: %s by %s\n- Service: %s\n- Impact: %s\n- Commander: %s\n- On call: %s\n",
		s.DeclaredAt.UTC().Format("2006-01-02 15:04 MST"), text(s.DeclaredBy.String()), text(s.Service), text(s.Impact),
		text(s.Holder(incident.Commander).String()), text(s.OnCall.String()))
	if url := f.link(s.Card); url != "" {
		fmt.Fprintf(&b, "- [Card](%s)\n", url)
	}
	b.WriteString("\n## Hypotheses\n\n\n## Decisions\n\n\n## Follow-up\n\n")
	for _, a := range s.Actions {
		fmt.Fprintf(&b, "- [ ] %s\n", text(a.Text))
	}
	return b.String()
}
