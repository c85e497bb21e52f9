package email

import (
	"context"
	"crypto/tls"
	"net"
	"net/mail"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// How long a conversation may take. RFC 5321, section 4.5.3.2, allows a server
// minutes; one that makes strangers wait half a minute must not lose the page.
const (
	dialTimeout   = 10 * time.Second
	talkTimeout   = time.Minute
	answerTimeout = 2 * time.Minute
	quitTimeout   = 2 * time.Second
)

// parcel is one mail, ready to go.
type parcel struct {
	key  string // the delivery
	id   string // the Message-ID without its brackets
	to   []mail.Address
	data []byte
}

// talk is one conversation with the server.
type talk struct {
	c      *Channel
	conn   net.Conn
	client *smtp.Client
	tls    bool
	end    func() bool // stops watching the context
}

// open connects, encrypts and signs in as the configuration says.
func (c *Channel) open(ctx context.Context) (t *talk, err error) {
	t = &talk{c: c}
	dial, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	t.conn, err = c.cfg.Dial(dial, "tcp", c.server.address())
	if err != nil {
		return nil, failed(connecting, err)
	}
	t.end = context.AfterFunc(ctx, func() { t.conn.Close() })
	if err := t.begin(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *talk) begin() error {
	if err := t.conn.SetDeadline(time.Now().Add(talkTimeout)); err != nil {
		return failed(connecting, err)
	}
	conn := t.conn
	if t.c.server.tls == implicit {
		secure := tls.Client(conn, t.c.tls)
		if err := secure.Handshake(); err != nil {
			return failed(encrypting, err)
		}
		conn, t.tls = secure, true
	}
	var err error
	if t.client, err = smtp.NewClient(conn, t.c.server.host); err != nil {
		return failed(greeting, err)
	}
	if err := t.client.Hello(hello()); err != nil {
		return failed(greeting, err)
	}
	t.client.SkipSMTPUTF8(true) // every address is ASCII
	if err := t.encrypt(); err != nil {
		return err
	}
	return t.signIn()
}

func (t *talk) encrypt() error {
	if t.tls || t.c.server.tls == plain {
		return nil
	}
	if offered, _ := t.client.Extension("STARTTLS"); !offered {
		if t.c.server.tls == required {
			return &failure{stage: encrypting, final: true, why: "it offers no encryption, and SMTP_URL requires it"}
		}
		return nil
	}
	if err := t.client.StartTLS(t.c.tls); err != nil {
		return failed(encrypting, err)
	}
	t.tls = true
	return nil
}

func (t *talk) signIn() error {
	s := t.c.server
	if s.user == "" {
		return nil
	}
	if !t.tls && !s.loopback() {
		return &failure{stage: signing, final: true, why: "it offers no encryption, and without it the password stays here; use smtps:// or another port in SMTP_URL"}
	}
	_, offered := t.client.Extension("AUTH")
	var auth smtp.Auth
	for _, way := range strings.Fields(strings.ToUpper(offered)) {
		switch {
		case way == "SCRAM-SHA-256":
			auth = smtp.ScramSHA256Auth(s.user, s.password)
		case way == "PLAIN" && auth == nil:
			auth = smtp.PlainAuth("", s.user, s.password, s.host, true)
		}
	}
	if auth == nil && strings.Contains(strings.ToUpper(offered), "LOGIN") {
		auth = smtp.LoginAuth(s.user, s.password, s.host, true)
	}
	if auth == nil {
		return &failure{stage: signing, final: true, why: "it offers no way of signing in that Muster knows (SCRAM-SHA-256, PLAIN, LOGIN); take user and password out of SMTP_URL, or correct its port"}
	}
	if err := t.client.Auth(auth); err != nil {
		return failed(signing, err)
	}
	return nil
}

// send gives the server one mail. A recipient that is refused does not keep
// the mail from the others; refused is then what the first was told.
func (t *talk) send(p parcel) (refused *failure, err error) {
	if err := t.client.Mail("<" + t.c.from.Address + ">"); err != nil {
		return nil, failed(naming, err)
	}
	taken := 0
	for _, to := range p.to {
		if err := t.client.Rcpt("<" + to.Address + ">"); err != nil {
			f := failed(addressing, err)
			if f.code == 0 {
				return nil, f
			}
			if refused == nil || f.code < refused.code {
				refused = f
			}
			continue
		}
		taken++
	}
	if taken == 0 {
		return nil, refused
	}
	w, err := t.client.Data()
	if err != nil {
		return nil, failed(writing, err)
	}
	if _, err := w.Write(p.data); err != nil {
		return nil, failed(writing, err)
	}
	// All but the last line goes first: what fails until then surely did not arrive.
	if err := t.client.Text.W.Flush(); err != nil {
		return nil, failed(writing, err)
	}
	if err := t.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, failed(writing, err)
	}
	if err := w.Close(); err != nil {
		return nil, failed(answering, err)
	}
	return refused, nil
}

// close says goodbye, briefly, and hangs up.
func (t *talk) close() {
	defer t.end()
	defer t.conn.Close()
	if t.client != nil && t.conn.SetDeadline(time.Now().Add(quitTimeout)) == nil {
		_ = t.client.Quit() // whatever it says, nothing depends on it any more
	}
}

// hello is the name that this machine gives itself.
func hello() string {
	name, err := os.Hostname()
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '.' }) {
		return "localhost"
	}
	return name
}
