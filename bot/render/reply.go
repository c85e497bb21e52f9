package render

import (
	"fmt"
	"strings"

	"muster/commands"
)

// Rich writes an answer as mrkdwn: persons as mentions, moments in the
// reader's zone, everything that somebody typed escaped.
func (f Frame) Rich(r commands.Rich) string {
	var b strings.Builder
	for _, p := range r {
		switch {
		case !p.Person.Nobody() || p.Person.Name != "":
			b.WriteString(f.mention(p.Person))
		case !p.Time.IsZero():
			b.WriteString(at(p.Time))
		case p.Link != "" && !strings.ContainsAny(p.Link, "<>|\n "):
			b.WriteString("<" + Escape(p.Link) + "|" + strings.ReplaceAll(line(or(p.Text, p.Link)), "|", "¦") + ">")
		default:
			b.WriteString(styled(p))
		}
	}
	return b.String()
}

// styled sets marks only where the words cannot break out of them.
func styled(p commands.Part) string {
	text := Escape(p.Text)
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return text
	case p.Style == commands.StyleBold && !strings.ContainsAny(text, "*\n"):
		return strings.Replace(text, trimmed, "*"+trimmed+"*", 1)
	case p.Style == commands.StyleCode && !strings.ContainsAny(text, "`\n"):
		return strings.Replace(text, trimmed, "`"+trimmed+"`", 1)
	case p.Style == commands.StyleQuote:
		return "> " + strings.ReplaceAll(trimmed, "\n", "\n> ") + "\n"
	default:
		return text
	}
}

// maxReplyBlocks keeps an answer readable; what is beyond is on the command
// line.
const maxReplyBlocks = 20

// Reply is the answer to a command, with buttons when it asks which incident.
func (f Frame) Reply(r commands.Reply) Message {
	text := strings.TrimSpace(f.Rich(r.Body))
	if text == "" {
		text = Escape(strings.TrimSpace(r.Text))
	}
	switch {
	case text == "" && r.OK:
		text = "Done."
	case text == "":
		text = "That did not work."
	}
	blocks := sections(text, maxReplyBlocks)
	return message(text, append(blocks, picker(r.Pick)...)...)
}

// sections cuts a long text at its lines into sections.
func sections(text string, most int) []Object {
	var out []Object
	var part []string
	n := 0
	flush := func() {
		if t := strings.Join(part, "\n"); strings.TrimSpace(t) != "" {
			out = append(out, section(t))
		}
		part, n = nil, 0
	}
	for l := range strings.SplitSeq(text, "\n") {
		l = Cut(l, MaxSection)
		if n+Length(l)+1 > MaxSection {
			flush()
		}
		part = append(part, l)
		n += Length(l) + 1
	}
	flush()
	if len(out) > most {
		out = append(out[:most-1:most-1], small("… the rest is cut; ask for less, or use the command line."))
	}
	return out
}

// picker offers choices as buttons, five in a row.
func picker(choices []commands.Choice) []Object {
	const row, most = 5, 25
	var out []Object
	for i := 0; i < min(len(choices), most); i += row {
		var buttons []Object
		for j, c := range choices[i:min(i+row, len(choices), most)] {
			buttons = append(buttons, button(fmt.Sprintf("%s:%d", ActPick, i+j), or(c.Label, c.Value), c.Value, usual))
		}
		out = append(out, actions(fmt.Sprintf("pick:%d", i/row), buttons...))
	}
	if n := len(choices) - most; n > 0 {
		out = append(out, small(fmt.Sprintf("%d more: name the incident in the command.", n)))
	}
	return out
}
