package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"muster/commands"
)

// Callback IDs of the modal views.
const (
	CallForm    = "form"
	CallLoading = "loading"
	CallNotice  = "notice"
)

// Meta travels with a form and comes back with its submission.
type Meta struct {
	Form     string `json:"form,omitempty"`
	Incident string `json:"incident,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Thread   string `json:"thread,omitempty"`
	// Link and Source are those of a message that a shortcut was used on.
	Link   string `json:"link,omitempty"`
	Source string `json:"source,omitempty"`
}

// Encode writes the metadata within Slack's length; the link goes first when
// it would be too long.
func (m Meta) Encode() string {
	b, err := json.Marshal(m)
	if err == nil && Length(string(b)) <= MaxMetadata {
		return string(b)
	}
	m.Link = ""
	if b, err = json.Marshal(m); err == nil && Length(string(b)) <= MaxMetadata {
		return string(b)
	}
	return "{}"
}

// DecodeMeta reads what Encode wrote; anything else is the zero value.
func DecodeMeta(text string) Meta {
	var m Meta
	if json.Unmarshal([]byte(text), &m) != nil {
		return Meta{}
	}
	return m
}

// Loading is the form that is opened at once, while its content is fetched.
func Loading(title string) View {
	return View{
		Type: "modal", CallbackID: CallLoading, Title: plainText(or(title, "Muster"), MaxTitle), Close: plainText("Close", MaxTitle),
		Blocks: []Object{section("⏳ One moment …")},
	}
}

// NoticeView replaces a form by one message.
func (f Frame) NoticeView(title string, m Message) View {
	blocks := m.Blocks
	if len(blocks) == 0 {
		blocks = []Object{section(m.Text)}
	}
	return View{
		Type: "modal", CallbackID: CallNotice, Title: plainText(or(title, "Muster"), MaxTitle), Close: plainText("Close", MaxTitle),
		Blocks: blocks,
	}
}

// UserOf gives the Slack user ID of a person as a form's value names one;
// empty: unknown.
type UserOf func(value string) string

// Form is a command's form as a modal view. A field's block ID and action ID
// are its name.
func (f Frame) Form(form commands.Form, meta Meta, user UserOf) View {
	meta.Form, meta.Incident = form.Name, or(form.Incident, meta.Incident)
	v := View{
		Type: "modal", CallbackID: CallForm, PrivateMetadata: meta.Encode(),
		Title:  plainText(or(form.Title, "Muster"), MaxTitle),
		Submit: plainText(or(form.Submit, "Send"), MaxTitle),
		Close:  plainText("Cancel", MaxTitle),
	}
	for _, field := range form.Fields {
		if len(v.Blocks) == MaxViewBlocks {
			break
		}
		v.Blocks = append(v.Blocks, input(field, user))
	}
	if len(v.Blocks) == 0 {
		v.Blocks = []Object{section("Nothing to fill in.")}
	}
	return v
}

// input is one field of a form.
func input(field commands.Field, user UserOf) Object {
	b := Object{
		"type": "input", "block_id": Cut(field.Name, 255), "label": plainText(field.Label, MaxField),
		"element": element(field, user),
	}
	if field.Optional {
		b["optional"] = true
	}
	if field.Hint != "" {
		b["hint"] = plainText(field.Hint, MaxField)
	}
	return b
}

func element(field commands.Field, user UserOf) Object {
	e := Object{"action_id": Cut(field.Name, 255)}
	switch field.Kind {
	case commands.KindChoice:
		choiceElement(e, field)
	case commands.KindPerson:
		e["type"] = "users_select"
		if user != nil && field.Value != "" {
			if id := user(field.Value); id != "" {
				e["initial_user"] = id
			}
		}
	case commands.KindCheck:
		yes := option(or(field.Label, field.Name), "true")
		e["type"], e["options"] = "checkboxes", []Object{yes}
		if field.Value == "true" {
			e["initial_options"] = []Object{yes}
		}
	default:
		limit := MaxInput
		if field.Max > 0 && field.Max < limit {
			limit = field.Max
		}
		e["type"], e["max_length"] = "plain_text_input", limit
		if field.Kind == commands.KindText {
			e["multiline"] = true
		}
		if text := Cut(Clean(field.Value), limit); text != "" {
			e["initial_value"] = text
		}
	}
	return e
}

// EmptyChoice stands for a choice whose value is empty, which Slack refuses.
const EmptyChoice = "-"

func choiceElement(e Object, field commands.Field) {
	e["type"] = "static_select"
	var options []Object
	for _, c := range field.Choices {
		if Length(c.Value) > MaxOptionValue || len(options) == MaxOptions {
			continue
		}
		o := option(or(c.Label, c.Value), or(c.Value, EmptyChoice))
		options = append(options, o)
		if c.Value == field.Value {
			e["initial_option"] = o
		}
	}
	if len(options) == 0 {
		options = []Object{option("—", EmptyChoice)}
	}
	e["options"] = options
}

// Refused turns a refusal into a form's errors: each on its field, the rest on
// the first field that the form has. The view's own fields come in names.
func Refused(r commands.Reply, names []string) map[string]string {
	out := map[string]string{}
	for name, text := range r.Errors {
		for _, known := range names {
			if name == known {
				out[name] = plain(text, MaxField)
			}
		}
	}
	if len(out) == 0 && len(names) > 0 {
		out[names[0]] = plain(or(strings.TrimSpace(r.Body.Plain()), or(r.Text, "This was not accepted.")), MaxField)
	}
	return out
}

// LateView says honestly that a form has not been recorded yet.
func LateView(title string) View {
	return View{
		Type: "modal", CallbackID: CallNotice, Title: plainText(or(title, "Muster"), MaxTitle), Close: plainText("Close", MaxTitle),
		Blocks: []Object{section(LateText)},
	}
}

// LateText is said when an answer takes longer than Slack waits.
const LateText = "⏳ *Not recorded yet.* This takes longer than usual; the outcome follows here. If none follows, please send it again."

// NotRecorded is said when a change could not be stored.
func NotRecorded(why string) string {
	return fmt.Sprintf("❌ *Not recorded:* %s. Please try again.", or(strings.TrimSuffix(line(why), "."), "the change could not be stored"))
}

// PlainNotRecorded is NotRecorded for a form's field.
const PlainNotRecorded = "Not recorded: the change could not be stored. Please send it again."
