package phone

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"muster/incident"
	"muster/notify"
)

// How much of a title and of a reason is said, in characters. A title of bytes
// beyond maxTitleBytes is cut sooner: it travels in an address.
const (
	maxTitle      = 200
	maxTitleBytes = 600
	maxReason     = 120
)

// maxText is the longest text message of ours, in characters; Twilio takes
// 1,600: https://www.twilio.com/docs/messaging/api/message-resource
const maxText = 600

// page is what is said about a page.
type page struct {
	incident string // INC-12
	severity incident.Severity
	title    string // can be said
	level    string // empty: asked for by name
	reason   string // what somebody gave as a reason; empty: none
	person   incident.Person
	attempt  int
	link     string
}

func pageOf(m notify.Message) page {
	return page{
		incident: m.Incident.ID, severity: m.Incident.Severity, title: spoken(m.Incident.Title, maxTitle),
		level: m.Page.Level, reason: spoken(m.Page.Reason, maxReason), person: m.To.Person, attempt: m.Page.Attempt, link: m.Link,
	}
}

// spoken makes text that a voice can read and XML can hold: one line, without
// pictures and other signs that are not language, cut to most characters.
func spoken(text string, most int) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == utf8.RuneError, r == 0x200d, unicode.Is(unicode.Variation_Selector, r), r >= 0x1f3fb && r <= 0x1f3ff:
		case unicode.IsSpace(r), unicode.IsControl(r):
			b.WriteByte(' ')
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r), unicode.IsPunct(r), unicode.Is(unicode.Sm, r), unicode.Is(unicode.Sc, r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	runes := []rune(words)
	if len(runes) <= most && len(words) <= maxTitleBytes {
		return words
	}
	runes = runes[:min(most, len(runes))]
	for len(string(runes)) > maxTitleBytes {
		runes = runes[:len(runes)-1]
	}
	// At the end of a word, where there is one near.
	cut := string(runes)
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)*3/4 {
		cut = cut[:i]
	}
	return strings.TrimSpace(cut)
}

// sentence ends text with a mark.
func sentence(text string) string {
	if last, _ := utf8.DecodeLastRuneInString(text); strings.ContainsRune(".!?。！？", last) {
		return text
	}
	return text + "."
}

// calledIncident says an incident's name: "incident 12".
func calledIncident(id string) string {
	if n, ok := strings.CutPrefix(id, "INC-"); ok {
		return "incident " + n
	}
	return "incident " + id
}

// said is what the page is about.
func (p page) said() string {
	title := p.title
	if title == "" {
		title = "without a title"
	}
	text := fmt.Sprintf("Muster. %s %s: %s", p.severity, calledIncident(p.incident), sentence(title))
	switch n, ok := strings.CutPrefix(p.level, "L"); {
	case p.level == "":
		text += " You were asked for by name."
	case ok:
		text += " You are on call, level " + n + "."
	default:
		text += " You are on call, level " + spoken(p.level, 30) + "."
	}
	if p.reason != "" {
		text += " The reason given: " + sentence(p.reason)
	}
	return text
}

// choice is what the keys do.
const choice = "Press 1 to acknowledge, 2 to escalate."

// keyless says how to acknowledge where no key can come back.
func (p page) keyless() string {
	return fmt.Sprintf("Keys do not work on this call. To acknowledge, press the button in Slack, or give the command incident ack %s in Slack, on the command line or over HTTP.",
		strings.ReplaceAll(p.incident, "INC-", "I N C "))
}

// written is the text message that follows a call.
func (p page) written() string {
	title := p.title
	if title == "" {
		title = "without a title"
	}
	text := fmt.Sprintf("%s %s: %s", p.severity, p.incident, sentence(title))
	if p.level != "" {
		text += " You are on call, " + spoken(p.level, 30) + "."
	}
	text += fmt.Sprintf(" Reply \"1 %s\" to acknowledge, \"2 %s\" to escalate.", p.incident, p.incident)
	if p.link != "" && utf8.RuneCountInString(text)+1+utf8.RuneCountInString(p.link) <= maxText {
		text += " " + p.link
	}
	return text
}

// The texts that answer a key or a message.
const (
	sayNothing   = "No key was pressed, so nobody has it yet. Goodbye."
	sayGoodbye   = "That was not 1 or 2 either, so nothing has changed. Goodbye."
	sayLater     = "That could not be recorded. Please press the key again."
	sayNotAtAll  = "That could not be recorded. Please use Slack or the command line. Goodbye."
	sayOld       = "This call is too old to be answered by key. Please use Slack or the command line. Goodbye."
	sayNoListen  = "Keys are not taken here. Please use Slack or the command line. Goodbye."
	writeLater   = "That could not be recorded. Please send it again."
	writeUnknown = "This number is not one of the on-call people's. Nothing has changed."
)

func sayTaken(k notify.Kind, w word) string {
	who := ""
	if name := spoken(w.Person.Name, 60); name != "" {
		who = ", " + name
	}
	if k == notify.Escalate {
		return fmt.Sprintf("Thank you%s. %s goes on to the next level. Goodbye.", who, capital(calledIncident(w.Incident)))
	}
	return fmt.Sprintf("Thank you%s. You have acknowledged %s. Goodbye.", who, calledIncident(w.Incident))
}

func sayWrong(digits string) string {
	if digits = spoken(digits, 5); digits == "" {
		return "No key was pressed. " + choice
	}
	return digits + " is not a choice. " + choice
}

func writeTaken(k notify.Kind, id string) string {
	if k == notify.Escalate {
		return id + " goes on to the next level."
	}
	return "You have acknowledged " + id + "."
}

// writeHow explains the codes; the incident may be empty.
func writeHow(id string) string {
	if id == "" {
		id = "INC-12"
		return fmt.Sprintf("Say which incident: reply \"1 %s\" to acknowledge it, \"2 %s\" to escalate it.", id, id)
	}
	return fmt.Sprintf("That was not understood. Reply \"1 %s\" to acknowledge, \"2 %s\" to escalate.", id, id)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
