package email

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"muster/incident"
)

// envelope is one mail before it is written.
type envelope struct {
	id      string // the Message-ID without its brackets
	to      []mail.Address
	subject string
	// replyTo and thread are Message-IDs with their brackets: the mail that
	// this one answers, and all of the thread before it.
	replyTo string
	thread  []string
	date    time.Time
	urgent  bool
	// marks are further headers for people's filters.
	marks  map[string]string
	letter letter
	// calendar is a calendar file that asks for method; empty: there is none.
	calendar []byte
	method   string
}

// maxThread bounds how many earlier mails a mail names.
const maxThread = 20

// maxSubject bounds a subject, in letters.
const maxSubject = 200

// maxName bounds the name of a person or a level in a header, in letters: no
// line may be broken inside of one.
const maxName = 60

// messageID names a mail after its delivery: the same one over retries and
// restarts, and nobody else's.
func (c *Channel) messageID(key string) string { return c.name("mail", key) }

// root names the thread of an incident. No mail has this name, every one
// refers to it: whoever joins late has the whole thread too.
func (c *Channel) root(id string) string { return "<" + c.name("incident", id) + ">" }

func (c *Channel) name(kind, key string) string {
	_, host, _ := cutLast(c.from.Address, "@")
	return keyed(c.cfg.Secret, kind, key) + "@" + strings.ToLower(host)
}

// keyed is 32 letters that only the owner of the secret can make.
func keyed(secret []byte, kind, key string) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "muster %s\x00%s", kind, key)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// render writes the mail as it goes over the wire.
func (c *Channel) render(e envelope) ([]byte, error) {
	text, html, err := e.letter.write()
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg()
	m.SetBoundary("muster-" + keyed(c.cfg.Secret, "boundary", e.id)) // no text can hold it by design
	m.SetUserAgent("Muster")
	m.SetMessageIDWithValue(e.id)
	m.SetDateWithValue(e.date.UTC())
	m.FromMailAddress(&c.from)
	for i := range e.to {
		m.AddToMailAddress(&mail.Address{Name: displayName(e.to[i].Name), Address: e.to[i].Address})
	}
	m.SetGenHeaderPreformatted(gomail.HeaderSubject, unstructured(len("Subject: "), e.subject))
	if e.replyTo != "" {
		m.SetGenHeader(gomail.HeaderInReplyTo, e.replyTo)
	}
	if n := len(e.thread); n > 0 {
		if n > maxThread {
			e.thread = append(e.thread[:1:1], e.thread[n-maxThread+1:]...)
		}
		m.SetGenHeader(gomail.HeaderReferences, strings.Join(e.thread, " "))
	}
	// RFC 3834: holiday notes and the like must not answer.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	if e.urgent {
		m.SetImportance(gomail.ImportanceHigh)
	}
	for name, value := range e.marks {
		if value = cut(plainLine(value), maxName); value != "" {
			m.SetGenHeader(gomail.Header(name), value)
		}
	}
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	invite(m, e)
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// subject is the first line that a person sees on a locked phone. It is the
// same for every mail of a level, so that mailboxes which thread by subject too
// keep them together.
func subject(inc incident.Incident, level string) string {
	text := fmt.Sprintf("[%s] %s %s", inc.Severity, inc.ID, cut(plainLine(inc.Title), maxSubject))
	if level = cut(plainLine(level), maxName); level != "" {
		text += " (" + level + ")"
	}
	return text
}

func marks(inc incident.Incident, kind, level string) map[string]string {
	return map[string]string{
		"X-Muster-Incident": inc.ID, "X-Muster-Severity": inc.Severity.String(), "X-Muster-Level": level, "X-Muster-Kind": kind,
	}
}

// plainLine makes one line of a text that people wrote: no control characters,
// nothing that turns the direction of what follows, no doubled spaces.
func plainLine(text string) string {
	return strings.Join(strings.Fields(cleaned(text)), " ")
}

// plainText keeps line ends.
func plainText(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		lines = append(lines, strings.TrimRightFunc(cleaned(line), unicode.IsSpace))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func cleaned(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r) && r != '\u200e' && r != '\u200f' && r != '\u061c':
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		}
		return r
	}, text)
}

// displayName is a person's name for a header. net/mail writes a backslash
// beside letters beyond ASCII in a way that it cannot read again.
func displayName(name string) string {
	return cut(plainLine(strings.ReplaceAll(name, `\`, "")), maxName)
}

func cut(text string, letters int) string {
	if utf8.RuneCountInString(text) <= letters {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:letters-1])) + "…"
}

// The longest line of a header and the longest encoded word: RFC 5322, section
// 2.1.1, and RFC 2047, section 2.
const (
	maxLine = 76
	maxWord = 75
)

// unstructured writes a text as the value of a header whose name takes begun
// columns: as it is where that is possible, else in encoded words. A text that
// looks like an encoded word is encoded too, so that it is shown as written.
func unstructured(begun int, text string) string {
	words := strings.Split(text, " ")
	simple := !strings.Contains(text, "=?") && text == strings.Join(strings.Fields(text), " ")
	for _, w := range words {
		simple = simple && len(w) < maxLine-1 && !strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r > '~' })
	}
	if !simple {
		words = encodedWords(maxWord-begun, text)
	}
	var b strings.Builder
	column := begun
	for i, w := range words {
		switch {
		case i == 0:
		case column+1+len(w) > maxLine:
			b.WriteString("\r\n ")
			column = 1
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(w)
		column += len(w)
	}
	return b.String()
}

// encodedWords cuts a text at letters, so that each part fits once encoded: the
// first into room bytes, the others into a line.
func encodedWords(room int, text string) []string {
	const frame = len("=?utf-8?b??=")
	var words []string
	var part []byte
	flush := func() {
		if len(part) > 0 {
			words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString(part)+"?=")
		}
		part, room = nil, maxWord
	}
	for _, r := range text {
		letter := utf8.AppendRune(nil, r)
		if (len(part)+len(letter)+2)/3*4 > room-frame {
			flush()
		}
		part = append(part, letter...)
	}
	flush()
	return words
}
