package inbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// maxMail bounds one mail, in bytes; maxKept the mails that are kept.
const (
	maxMail = 4 << 20
	maxKept = 2000
)

// Config is what an Inbox needs; the zero value takes every mail in the clear.
type Config struct {
	// Domain is the name that the server gives itself; empty: localhost.
	Domain string
	// TLS has the certificate for STARTTLS; nil: it is not offered.
	TLS *tls.Config
	// Users are names and passwords; nobody may send without one of them.
	// Empty: everybody may.
	Users map[string]string
	// Notify is told of every mail that is kept; nil: nobody is. It must not
	// block.
	Notify func(Mail)
	Now    func() time.Time // nil: time.Now
}

// Inbox is a mail server. Its methods may be called from several goroutines at
// once.
type Inbox struct {
	cfg  Config
	smtp *smtp.Server

	mu     sync.Mutex
	mails  []Mail
	n      int
	faults Faults
	tries  int
	conns  map[net.Conn]bool
	open   sync.WaitGroup // connections
	done   chan struct{}  // closed when Serve ends
	change chan struct{}  // closed and renewed whenever a mail is kept
}

// New makes an Inbox that listens nowhere yet.
func New(cfg Config) *Inbox {
	if cfg.Domain == "" {
		cfg.Domain = "localhost"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	i := &Inbox{cfg: cfg, conns: map[net.Conn]bool{}, change: make(chan struct{}), done: make(chan struct{})}
	i.smtp = smtp.NewServer(smtp.BackendFunc(i.session))
	i.smtp.Domain, i.smtp.TLSConfig = cfg.Domain, cfg.TLS
	i.smtp.MaxMessageBytes, i.smtp.MaxRecipients = maxMail, 100
	i.smtp.AllowInsecureAuth = true // it is a server for this machine
	i.smtp.ErrorLog = log.New(io.Discard, "", 0)
	return i
}

// Serve answers on a listener until ctx ends; it closes the listener and waits
// for its connections. It is called once.
func (i *Inbox) Serve(ctx context.Context, l net.Listener) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		close(i.done)
		_ = i.smtp.Close() // the listener's end is what Serve returns
	})
	err := i.smtp.Serve(gate{l, i})
	if !stop() {
		<-closed
		i.open.Wait()
		return nil
	}
	return fmt.Errorf("serve mail: %w", err)
}

// Mails lists what a mailbox keeps, oldest first; an empty address: what all do.
func (i *Inbox) Mails(to string) []Mail {
	i.mu.Lock()
	defer i.mu.Unlock()
	if to == "" {
		return slices.Clone(i.mails)
	}
	var out []Mail
	for _, m := range i.mails {
		if m.To == strings.ToLower(to) {
			out = append(out, m)
		}
	}
	return out
}

// Wait waits until a mailbox keeps n mails, and gives them.
func (i *Inbox) Wait(ctx context.Context, to string, n int) ([]Mail, error) {
	for {
		i.mu.Lock()
		change := i.change
		i.mu.Unlock()
		mails := i.Mails(to)
		if len(mails) >= n {
			return mails, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return mails, fmt.Errorf("%d mails of %d have come: %w", len(mails), n, ctx.Err())
		}
	}
}

// Tries counts the connections that were made.
func (i *Inbox) Tries() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tries
}

func (i *Inbox) keep(to []string, raw []byte, encrypted bool, user string) error {
	m, err := parse(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	m.At, m.Encrypted, m.User = i.cfg.Now(), encrypted, user
	m.TS = float64(m.At.UnixMicro()) / 1e6
	var kept []Mail
	i.mu.Lock()
	for _, box := range to {
		i.n++
		m.ID, m.To = fmt.Sprintf("M%d", i.n), strings.ToLower(box)
		kept = append(kept, m)
	}
	i.mails = append(i.mails, kept...)
	if over := len(i.mails) - maxKept; over > 0 {
		i.mails = slices.Delete(i.mails, 0, over)
	}
	close(i.change)
	i.change = make(chan struct{})
	i.mu.Unlock()
	if i.cfg.Notify != nil {
		for _, m := range kept {
			i.cfg.Notify(m)
		}
	}
	return nil
}

func (i *Inbox) session(c *smtp.Conn) (smtp.Session, error) {
	if err := i.fault(Hello); err != nil {
		return nil, err
	}
	return &session{inbox: i, conn: c}, nil
}

// session is one client's conversation.
type session struct {
	inbox *Inbox
	conn  *smtp.Conn
	user  string
	to    []string
}

// AuthMechanisms lists the ways of signing in.
func (s *session) AuthMechanisms() []string {
	if len(s.inbox.cfg.Users) == 0 {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth begins to sign in.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := s.inbox.fault(SignIn); err != nil {
			return err
		}
		if want, ok := s.inbox.cfg.Users[user]; !ok || want != password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

// Mail takes the sender.
func (s *session) Mail(string, *smtp.MailOptions) error {
	if len(s.inbox.cfg.Users) > 0 && s.user == "" {
		return smtp.ErrAuthRequired
	}
	return s.inbox.fault(Sender)
}

// Rcpt takes a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.inbox.faultFor(Recipient, to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the mail.
func (s *session) Data(r io.Reader) error {
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(r); err != nil {
		return fmt.Errorf("read the mail: %w", err)
	}
	if err := s.inbox.fault(Text); err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	if err := s.inbox.keep(s.to, raw.Bytes(), encrypted, s.user); err != nil {
		return err
	}
	if s.inbox.loses() {
		s.conn.Conn().Close()
		return errors.New("the answer is lost")
	}
	return s.inbox.fault(Answer)
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.to = nil }

// Logout ends the session.
func (s *session) Logout() error { return nil }
