package email

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"

	"muster/outbox"
	"muster/workspace/inbox"
)

// class is what the outbox makes of an error.
func class(err error) string {
	if err == nil {
		return "delivered"
	}
	if _, ok := errors.AsType[outbox.PermanentError](err); ok {
		return "permanent"
	}
	if _, ok := errors.AsType[outbox.RetryAfterError](err); ok {
		return "retry after"
	}
	if _, ok := errors.AsType[outbox.NotSentError](err); ok {
		return "not sent"
	}
	return "unclear"
}

// script is a mail server that answers each command with a line of ours. A
// line that is "-" closes the connection instead.
type script map[string]string

func (s script) answer(command string) string {
	if line, ok := s[command]; ok {
		return line
	}
	return map[string]string{
		"": "220 ready", "EHLO": "250 hello", "HELO": "250 hello", "STARTTLS": "220 go", "AUTH": "235 2.7.0 ok", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok",
		"DATA": "354 go ahead", ".": "250 2.0.0 kept", "QUIT": "221 bye", "RSET": "250 ok", "*": "501 aborted",
	}[command]
}

// dial is the other end of a scripted conversation.
func (s script) dial(_ context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		lines := bufio.NewReader(server)
		say := func(line string) bool {
			if line == "-" {
				return false
			}
			_, err := io.WriteString(server, line+"\r\n")
			return err == nil
		}
		if !say(s.answer("")) {
			return
		}
		text := false
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			command, _, _ := strings.Cut(line, " ")
			switch {
			case text && line != ".":
				if s["text"] == "-" {
					return
				}
				continue
			case text:
				command = "."
			}
			answer := s.answer(strings.ToUpper(command))
			text = strings.HasPrefix(answer, "354")
			if !say(answer) {
				return
			}
		}
	}()
	return client, nil
}

func TestEveryAnswerOfAServer(t *testing.T) {
	tests := []struct {
		name   string
		script script
		class  string
		words  string
	}{
		{"no service", script{"": "554 5.7.1 alice@example.com not here"}, "permanent", "refused the greeting: its rules forbid it: this sender may not send there, or must wait (554 5.7.1)"},
		{"too many connections", script{"": "421 4.7.0 alice@example.com"}, "retry after", "(421 4.7.0)"},
		{"hangs up at once", script{"": "-"}, "not sent", "the connection ended before an answer to the greeting"},
		{"speaks another language", script{"": "HTTP/1.1 400 Bad Request"}, "not sent", "the greeting"},
		{"no hello", script{"EHLO": "550 no", "HELO": "550 alice@example.com"}, "permanent", "refused the greeting"},
		{"no hello for now", script{"EHLO": "451 no", "HELO": "451 no"}, "not sent", "(451)"},
		{"no encryption after all", script{"EHLO": "250-hello\r\n250 STARTTLS", "STARTTLS": "454 4.7.0 no"}, "not sent", "refused encryption: its rules forbid it, or it wants encryption or a sign-in first (454 4.7.0)"},
		{"broken encryption", script{"EHLO": "250-hello\r\n250 STARTTLS", "STARTTLS": "220 go\r\nnot TLS at all, but a line of text that is long"}, "not sent", "no encrypted connection"},
		{"sign-in wrong", script{"AUTH": "535 5.7.8 correct horse"}, "permanent", "the user name or the password in SMTP_URL is wrong (535 5.7.8)"},
		{"sign-in too weak", script{"AUTH": "534 5.7.9 no"}, "permanent", "it does not allow this way of signing in (534 5.7.9)"},
		{"sign-in not now", script{"AUTH": "454 4.7.0 no"}, "not sent", "refused the sign-in"},
		{"sign-in cut", script{"AUTH": "-"}, "not sent", "before an answer to the sign-in"},
		{"no way to sign in", script{"EHLO": "250-hello\r\n250 AUTH GSSAPI"}, "permanent", "no way of signing in"},
		{"wants a sign-in", script{"MAIL": "530 5.7.0 no"}, "permanent", "refused the sender"},
		{"sender's domain", script{"MAIL": "553 5.1.8 muster@example.com"}, "permanent", "the sender's domain does not exist; check SMTP_FROM (553 5.1.8)"},
		{"sender not now", script{"MAIL": "451 4.3.0 no"}, "not sent", "it has an error of its own, or new senders must wait (451 4.3.0)"},
		{"no room", script{"MAIL": "452 4.3.1 no"}, "not sent", "its disk is full (452 4.3.1)"},
		{"sender cut", script{"MAIL": "-"}, "not sent", "before an answer to the sender"},
		{"no such mailbox", script{"RCPT": "550 5.1.1 <alice@example.com>: Recipient address rejected"}, "permanent", "the mail server refused the recipient: no such mailbox (550 5.1.1)"},
		{"no such mailbox, in short", script{"RCPT": "550 no alice@example.com"}, "permanent", "no such mailbox, or its rules forbid it (550)"},
		{"mailbox full", script{"RCPT": "552 5.2.2 no"}, "permanent", "the mailbox is full (552 5.2.2)"},
		{"grey-listed", script{"RCPT": "450 4.7.1 try again"}, "not sent", "must wait (450 4.7.1)"},
		{"too much mail", script{"RCPT": "450 4.7.28 slow down"}, "retry after", "too much mail in a short time (450 4.7.28)"},
		{"goes away", script{"RCPT": "421 4.3.2 bye"}, "retry after", "(421 4.3.2)"},
		{"recipient cut", script{"RCPT": "-"}, "not sent", "before an answer to the recipient"},
		{"an unknown code", script{"RCPT": "599 5.9.9 alice@example.com"}, "permanent", "it will not take it (599 5.9.9)"},
		{"no text", script{"DATA": "554 5.5.1 no"}, "permanent", "refused the text"},
		{"no text now", script{"DATA": "451 no"}, "not sent", "refused the text"},
		{"text cut before it begins", script{"DATA": "-"}, "not sent", "before an answer to the text"},
		{"text cut in the middle", script{"text": "-"}, "not sent", "before an answer to the text"},
		{"taken for spam", script{".": "554 5.7.1 spam API service down"}, "permanent", "refused the mail: its rules forbid it"},
		{"not now, after all of it", script{".": "451 4.3.0 no"}, "not sent", "refused the mail"},
		{"answer lost", script{".": "-"}, "unclear", "the mail may have arrived"},
		{"answer not understood", script{".": "what?"}, "unclear", "the mail may have arrived"},
		{"answer of another kind", script{".": "354 go on"}, "unclear", "the mail may have arrived"},
		{"no goodbye", script{"QUIT": "-"}, "delivered", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := script{"EHLO": "250-hello\r\n250 AUTH PLAIN"}
			for k, v := range tt.script {
				s[k] = v
			}
			var log strings.Builder
			c := channel(t, Config{
				URL: withUser("25", "127.0.0.1", ""), Dial: s.dial,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			m := page()
			m.Incident.Impact = strings.Repeat("Customers cannot sign in. ", 1000)
			_, err := c.Deliver(t.Context(), m, false)
			if got := class(err); got != tt.class {
				t.Fatalf("%s, not %s: %v", got, tt.class, err)
			}
			discreet(t, log.String())
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%q does not say %q", err, tt.words)
			}
			discreet(t, err.Error())
		})
	}
}

func TestServersThatCannotBeReached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, closed, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	refused := to(closed)
	for name, tt := range map[string]struct {
		dial  func(context.Context, string, string) (net.Conn, error)
		words string
	}{
		"refused": {refused, "the connection was refused"},
		"no such name": {func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}, "its name cannot be resolved"},
		"no route": {func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}
		}, "it cannot be reached"},
	} {
		c := channel(t, Config{URL: "smtp://mail.example.com:25", Dial: tt.dial})
		_, err := c.Deliver(t.Context(), page(), false)
		if class(err) != "not sent" || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %s: %v", name, class(err), err)
		}
	}
}

func TestAddressThatCannotBe(t *testing.T) {
	c := channel(t, Config{URL: "smtp://mail.example.com:25", Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("it was dialled")
		return nil, net.ErrClosed
	}})
	for _, address := range []string{"", "alice", "alice@example.com\r\nDATA"} {
		m := page()
		m.To.Email = address
		_, err := c.Deliver(t.Context(), m, false)
		if class(err) != "permanent" {
			t.Errorf("%q: %v", address, err)
		}
		discreet(t, err.Error())
	}
}

// Every stage of a real server, twice: what fails once succeeds afterwards,
// under the same Message-ID.
func TestRealServerMisbehavesAndRecovers(t *testing.T) {
	tests := []struct {
		name   string
		faults inbox.Faults
		class  string
		kept   int // of the first try
	}{
		{"down", inbox.Faults{Down: true}, "not sent", 0},
		{"hello 4xx", inbox.Faults{At: inbox.Hello, Code: 421}, "retry after", 0},
		{"hello 5xx", inbox.Faults{At: inbox.Hello, Code: 550}, "permanent", 0},
		{"sign-in 4xx", inbox.Faults{At: inbox.SignIn, Code: 454, Enhanced: [3]int{4, 7, 0}}, "not sent", 0},
		{"sign-in 5xx", inbox.Faults{At: inbox.SignIn, Code: 535, Enhanced: [3]int{5, 7, 8}}, "permanent", 0},
		{"sender 4xx", inbox.Faults{At: inbox.Sender, Code: 451, Enhanced: [3]int{4, 3, 0}}, "not sent", 0},
		{"sender 5xx", inbox.Faults{At: inbox.Sender, Code: 553, Enhanced: [3]int{5, 1, 8}}, "permanent", 0},
		{"recipient 4xx", inbox.Faults{At: inbox.Recipient, Code: 450, Enhanced: [3]int{4, 2, 0}}, "not sent", 0},
		{"recipient 5xx", inbox.Faults{At: inbox.Recipient, Code: 550, Enhanced: [3]int{5, 1, 1}}, "permanent", 0},
		{"text 4xx", inbox.Faults{At: inbox.Text, Code: 452, Enhanced: [3]int{4, 3, 1}}, "not sent", 0},
		{"text 5xx", inbox.Faults{At: inbox.Text, Code: 554, Enhanced: [3]int{5, 7, 1}}, "permanent", 0},
		{"kept, and the answer lost", inbox.Faults{Lose: true}, "unclear", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, client := certificate(t, "127.0.0.1")
			box, port := onLoopback(t, inbox.Config{TLS: server, Users: map[string]string{"muster": password}})
			c := channel(t, Config{URL: withUser(port, "127.0.0.1", ""), TLS: client})
			box.Break(tt.faults)
			_, err := c.Deliver(t.Context(), page(), false)
			if class(err) != tt.class {
				t.Fatalf("%s, not %s: %v", class(err), tt.class, err)
			}
			discreet(t, err.Error())
			if n := len(box.Mails(alice)); n != tt.kept {
				t.Fatalf("%d mails are kept, not %d", n, tt.kept)
			}
			box.Break(inbox.Faults{})
			receipt, err := c.Deliver(t.Context(), page(), true)
			if err != nil {
				t.Fatal(err)
			}
			mails := box.Mails(alice)
			if len(mails) != tt.kept+1 {
				t.Fatalf("%d mails are kept, not %d", len(mails), tt.kept+1)
			}
			for _, m := range mails {
				if m.MessageID != receipt.Ref {
					t.Errorf("a copy is named %s, not %s: no mailbox can tell that it is one", m.MessageID, receipt.Ref)
				}
			}
		})
	}
}

func TestOneBadAddressOfSeveral(t *testing.T) {
	box, port := onLoopback(t, inbox.Config{})
	c := channel(t, Config{URL: "smtp://127.0.0.1:" + port})
	a := Announcement{Delivery: "INC-3/2", To: []string{"ops@example.com", "gone@example.com", "nonsense"}, Incident: page().Incident, Now: night}
	box.Break(inbox.Faults{At: inbox.Recipient, Only: "gone@example.com", Code: 550, Enhanced: [3]int{5, 1, 1}})
	if _, err := c.Announce(t.Context(), a, false); err != nil {
		t.Fatal(err)
	}
	if len(box.Mails("ops@example.com")) != 1 || len(box.Mails("gone@example.com")) != 0 {
		t.Error("the mail did not come to who can be reached")
	}
	a.To, a.Delivery = []string{"gone@example.com"}, "INC-3/3"
	if _, err := c.Announce(t.Context(), a, false); class(err) != "permanent" {
		t.Errorf("with nobody reached: %v", err)
	}
	a.To = []string{"nonsense"}
	if _, err := c.Announce(t.Context(), a, false); class(err) != "permanent" {
		t.Errorf("with nobody to reach: %v", err)
	}
	// Temporary counts more than permanent: somebody can still be reached.
	box.Break(inbox.Faults{At: inbox.Recipient, Code: 450, Enhanced: [3]int{4, 2, 0}})
	a.To, a.Delivery = []string{"ops@example.com", "gone@example.com"}, "INC-3/4"
	if _, err := c.Announce(t.Context(), a, false); class(err) != "not sent" {
		t.Errorf("with everybody busy: %v", err)
	}
}
