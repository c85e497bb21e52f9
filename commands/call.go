package commands

import (
	"time"

	"muster/incident"
)

// Via says where a call came from.
const (
	ViaSlack   = "slack"   // forms can be opened
	ViaCommand = "command" // the command line
	ViaHTTP    = "http"
)

// Call is one thing that one person typed or clicked.
type Call struct {
	// Text is the command without /incident or @muster, e.g. "ack INC-3".
	Text string
	By   incident.Person
	Via  string
	// Key identifies the request, so that its repeat changes nothing; empty:
	// it is never repeated.
	Key string
	// Channel and Thread say where it was typed; empty: nowhere.
	Channel, Thread string
	Now             time.Time
	// Link and Source are those of a message that is noted.
	Link, Source string
	// Step is the incident whose playbook's step says it, for By; empty: a person
	// says it.
	Step string
}

// Reply is the answer to one call.
type Reply struct {
	OK bool `json:"ok"`
	// Code is one word for programs; empty when all went well.
	Code string `json:"code,omitempty"`
	// Text is Body as plain words, with times in UTC.
	Text string `json:"text"`
	Body Rich   `json:"-"`
	// Incident is the one that the answer is about; empty: none.
	Incident string `json:"incident,omitempty"`
	// Ephemeral answers are for the asker alone.
	Ephemeral bool `json:"ephemeral,omitempty"`
	// Form is to be opened; nil: none.
	Form *Form `json:"form,omitempty"`
	// Pick asks which incident is meant.
	Pick []Choice `json:"pick,omitempty"`
	// Errors says what is wrong with a form, by the field's name.
	Errors map[string]string `json:"errors,omitempty"`
	// Data is the answer for programs; nil: the text is all there is.
	Data any `json:"data,omitempty"`
	// Files go with it; none are kept for a repeat.
	Files []File `json:"files,omitempty"`
	// Shown is set when what came of it is seen in the thread: a click needs no
	// other answer.
	Shown bool `json:"-"`
	// Repeated is set when the request was answered before.
	Repeated bool `json:"repeated,omitempty"`
}

// The codes of a Reply that the commands themselves give; a Refusal of the
// incident brings its own.
const (
	CodeUsage      = "usage"
	CodePermission = "permission"
	CodeUnknown    = "unknown"
	CodeErased     = "erased"
	CodeWhich      = "which"
	CodeForm       = "form"
	CodeMissing    = "not configured"
	CodeFault      = "fault"
)

// Choice is one of several answers. Value is what to send.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Form asks for what the text did not say.
type Form struct {
	Name string `json:"name"`
	// Incident is the one that the form is about; empty: none.
	Incident string  `json:"incident,omitempty"`
	Title    string  `json:"title"`
	Submit   string  `json:"submit"` // the button's words
	Fields   []Field `json:"fields"`
}

// FieldKind is the shape of a form's field.
type FieldKind string

// The kinds. KindPerson carries what People.Find understands, KindTime what
// ParseTime does, KindCheck "true" or nothing.
const (
	KindLine   FieldKind = "line"
	KindText   FieldKind = "text"
	KindChoice FieldKind = "choice"
	KindPerson FieldKind = "person"
	KindTime   FieldKind = "time"
	KindCheck  FieldKind = "check"
)

// Field is one question of a form.
type Field struct {
	Name     string    `json:"name"`
	Label    string    `json:"label"`
	Hint     string    `json:"hint,omitempty"`
	Value    string    `json:"value,omitempty"` // filled in
	Kind     FieldKind `json:"kind"`
	Choices  []Choice  `json:"choices,omitempty"`
	Optional bool      `json:"optional,omitempty"`
	// Max is the longest text in code points; zero: MaxText.
	Max int `json:"max,omitempty"`
}

// FormSubmission is a form as it was sent. Call's Text is not used.
type FormSubmission struct {
	Call
	Name     string
	Incident string
	Values   map[string]string
}

// refuse is a private answer that changes nothing.
func refuse(code string, args ...any) Reply {
	return Reply{Code: code, Body: Say(args...), Ephemeral: true}
}

// answer is a private answer to a question.
func answer(args ...any) Reply {
	return Reply{OK: true, Body: Say(args...), Ephemeral: true}
}
