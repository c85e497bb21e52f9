package bot

import (
	"regexp"
	"strings"

	"muster/incident"
)

var (
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	tokens   = regexp.MustCompile(`<([^<>\n]+)>`)
)

// typed turns Slack's markup back into what a person typed, for the commands:
// links become their text, entities become characters, mentions stay.
func typed(text string) string {
	text = tokens.ReplaceAllStringFunc(text, func(token string) string {
		body := token[1 : len(token)-1]
		switch body[0] {
		case '@', '#', '!':
			return token
		}
		address, label, labelled := strings.Cut(body, "|")
		if labelled {
			return label
		}
		return strings.TrimPrefix(address, "mailto:")
	})
	return entities.Replace(text)
}

// readable is a message's text for the history: mentions become names.
func (b *Bot) readable(text string) string {
	text = tokens.ReplaceAllStringFunc(text, func(token string) string {
		body := token[1 : len(token)-1]
		id, label, _ := strings.Cut(body, "|")
		switch {
		case id[0] == '@':
			if u, ok := b.dir.known(incident.Person{Key: "slack:" + id[1:]}); ok {
				return "@" + u.Name
			}
			return "@" + cmpString(label, id[1:])
		case id[0] == '#':
			return "#" + cmpString(label, id[1:])
		case strings.HasPrefix(id, "!subteam^"):
			return cmpString(label, "@group")
		case id[0] == '!':
			name, _, _ := strings.Cut(id[1:], "^")
			return cmpString(label, "@"+name)
		case label != "" && label != id:
			return label + " (" + id + ")"
		}
		return strings.TrimPrefix(id, "mailto:")
	})
	return strings.TrimSpace(entities.Replace(text))
}
