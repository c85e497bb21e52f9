package render

import (
	"unicode/utf8"
)

// Object is one JSON object of Block Kit.
type Object map[string]any

// Message is what is posted. Text is what notifications and screen readers
// get; it is never empty.
type Message struct {
	Text   string   `json:"text"`
	Blocks []Object `json:"blocks,omitempty"`
}

// View is a modal form or a home tab.
type View struct {
	Type            string   `json:"type"`
	CallbackID      string   `json:"callback_id,omitempty"`
	Title           Object   `json:"title,omitempty"`
	Submit          Object   `json:"submit,omitempty"`
	Close           Object   `json:"close,omitempty"`
	PrivateMetadata string   `json:"private_metadata,omitempty"`
	NotifyOnClose   bool     `json:"notify_on_close,omitempty"`
	Blocks          []Object `json:"blocks"`
}

// message keeps a message within Slack's limits.
func message(text string, blocks ...Object) Message {
	if len(blocks) > MaxBlocks {
		blocks = append(blocks[:MaxBlocks-1:MaxBlocks-1], small("… and more"))
	}
	return Message{Text: or(Cut(text, MaxText), "Muster"), Blocks: blocks}
}

// lineMessage is one line of mrkdwn, as text and as a section.
func lineMessage(text string, more ...Object) Message {
	return message(text, append([]Object{section(text)}, more...)...)
}

func plainText(text string, limit int) Object {
	return Object{"type": "plain_text", "text": or(plain(text, limit), "—"), "emoji": true}
}

func mrkdwn(text string, limit int) Object {
	return Object{"type": "mrkdwn", "text": or(Cut(text, limit), "—")}
}

func header(text string) Object {
	return Object{"type": "header", "text": plainText(text, MaxHeader)}
}

func section(text string) Object {
	return Object{"type": "section", "text": mrkdwn(text, MaxSection)}
}

// fields shows pairs side by side; Slack takes ten.
func fields(pairs ...[2]string) Object {
	var list []Object
	for _, p := range pairs {
		if p[1] != "" && len(list) < 10 {
			list = append(list, mrkdwn("*"+p[0]+"*\n"+p[1], MaxField))
		}
	}
	return Object{"type": "section", "fields": list}
}

// small is the small print.
func small(text string) Object {
	return Object{"type": "context", "elements": []Object{mrkdwn(text, MaxSection)}}
}

func actions(block string, elements ...Object) Object {
	return Object{"type": "actions", "block_id": block, "elements": elements}
}

// Styles of buttons.
const (
	usual   = ""
	primary = "primary"
	danger  = "danger"
)

func button(action, text, value, style string) Object {
	b := Object{"type": "button", "action_id": action, "text": plainText(text, MaxButton), "value": Cut(value, MaxValue)}
	if style != usual {
		b["style"] = style
	}
	return b
}

func linkButton(action, text, url string) Object {
	return Object{"type": "button", "action_id": action, "text": plainText(text, MaxButton), "url": url}
}

func option(text, value string) Object {
	return Object{"text": plainText(text, MaxOption), "value": Cut(value, MaxOptionValue)}
}

func overflow(action string, options ...Object) Object {
	return Object{"type": "overflow", "action_id": action, "options": options}
}

// Length counts code points, as Slack does.
func Length(text string) int { return utf8.RuneCountInString(text) }
