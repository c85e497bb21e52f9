package inbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// Mail is one mail in one person's mailbox. The fields with a JSON name are
// what the demo's page shows.
type Mail struct {
	ID      string  `json:"id"` // its own in this inbox: "M3"
	To      string  `json:"to"` // the mailbox, in lower case
	From    string  `json:"from"`
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
	TS      float64 `json:"ts"` // Unix seconds

	HTML string `json:"-"`
	// Calendar is a calendar file that came as a form of the text.
	Calendar []byte `json:"-"`
	// MessageID, InReplyTo and References are as the mail has them, with
	// brackets.
	MessageID  string      `json:"-"`
	InReplyTo  string      `json:"-"`
	References []string    `json:"-"`
	Header     mail.Header `json:"-"` // decoded by nobody
	Raw        []byte      `json:"-"`
	// Encrypted tells whether it came over TLS, User who had signed in.
	Encrypted bool      `json:"-"`
	User      string    `json:"-"`
	At        time.Time `json:"-"`
}

// parse reads a mail with a text and an HTML form.
func parse(raw []byte) (Mail, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, fmt.Errorf("read the mail's header: %w", err)
	}
	m := Mail{Header: msg.Header, Raw: raw, MessageID: msg.Header.Get("Message-Id"), InReplyTo: msg.Header.Get("In-Reply-To")}
	m.References = strings.Fields(msg.Header.Get("References"))
	words := new(mime.WordDecoder)
	for _, f := range []struct {
		name string
		to   *string
	}{{"Subject", &m.Subject}, {"From", &m.From}} {
		if *f.to, err = words.DecodeHeader(msg.Header.Get(f.name)); err != nil {
			return Mail{}, fmt.Errorf("read the mail's %s: %w", f.name, err)
		}
	}
	if err := m.read(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body); err != nil {
		return Mail{}, err
	}
	return m, nil
}

// read takes a body, or the parts of one.
func (m *Mail) read(contentType, encoding string, body io.Reader) error {
	if contentType == "" {
		contentType = "text/plain"
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("read the mail's content type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for n := 0; ; n++ {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) && n > 0 {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read a part of the mail: %w", err)
			}
			if err := m.read(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read the mail's text: %w", err)
	}
	clean := strings.ReplaceAll(string(text), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text += clean
	case "text/html":
		m.HTML += clean
	case "text/calendar":
		m.Calendar = text
	}
	return nil
}
