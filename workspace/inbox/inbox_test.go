package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, cfg Config) (*Inbox, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return box, l.Addr().String()
}

const letter = "From: =?utf-8?q?M=C3=BCster?= <muster@example.com>\r\nTo: alice@example.com\r\nSubject: =?utf-8?b?8J+aqA==?= down\r\n" +
	"Message-ID: <1@example.com>\r\nIn-Reply-To: <0@example.com>\r\nReferences: <0@example.com>\r\n" +
	"Content-Type: multipart/alternative; boundary=x\r\n\r\n" +
	"--x\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=B6=C3=9Fe\r\n" +
	"--x\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--x--\r\n"

// Another SMTP client than the one it was made for brings a mail, and what is
// kept is what the demo's page shows.
func TestMailIsKeptAndTold(t *testing.T) {
	told := make(chan Mail, 2)
	at := time.Date(2026, 1, 12, 3, 12, 0, 0, time.UTC)
	box, address := start(t, Config{Notify: func(m Mail) { told <- m }, Now: func() time.Time { return at }})
	if err := smtp.SendMail(address, nil, "muster@example.com", []string{"Alice@example.com", "bob@example.com"}, []byte(letter)); err != nil {
		t.Fatal(err)
	}
	got, err := box.Wait(t.Context(), "alice@example.com", 1)
	if err != nil {
		t.Fatal(err)
	}
	m := got[0]
	if m.Subject != "🚨 down" || m.Text != "Größe" || m.HTML != "<b>hi</b>" || m.MessageID != "<1@example.com>" || m.InReplyTo != "<0@example.com>" || len(m.References) != 1 {
		t.Errorf("%+v", m)
	}
	shown, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"M1","to":"alice@example.com","from":"Müster \u003cmuster@example.com\u003e","subject":"🚨 down","text":"Größe","ts":1768187520}`; string(shown) != want {
		t.Errorf("the page is shown\n%s, not\n%s", shown, want)
	}
	if first, second := <-told, <-told; first.ID != "M1" || second.To != "bob@example.com" || second.ID != "M2" {
		t.Errorf("told %s to %s, %s to %s", first.ID, first.To, second.ID, second.To)
	}
	if len(box.Mails("")) != 2 || len(box.Mails("carol@example.com")) != 0 || box.Tries() != 1 {
		t.Errorf("%d mails, %d tries", len(box.Mails("")), box.Tries())
	}
}

func TestFaultsAndSignIn(t *testing.T) {
	box, address := start(t, Config{Users: map[string]string{"muster": "secret"}})
	send := func(password string) error {
		auth := smtp.PlainAuth("", "muster", password, "127.0.0.1")
		return smtp.SendMail(address, auth, "muster@example.com", []string{"alice@example.com"}, []byte(letter))
	}
	for name, tt := range map[string]struct {
		faults   Faults
		password string
		says     string
		kept     int
	}{
		"wrong password":  {Faults{}, "x", "535", 0},
		"a refusal":       {Faults{At: Recipient, Code: 550, Enhanced: [3]int{5, 1, 1}}, "secret", "5.1.1", 0},
		"for another":     {Faults{At: Recipient, Only: "bob@example.com", Code: 550}, "secret", "", 1},
		"lost":            {Faults{Lose: true}, "secret", io.EOF.Error(), 1},
		"answer":          {Faults{At: Answer, Code: 451, Enhanced: [3]int{4, 3, 0}}, "secret", "451", 1},
		"down":            {Faults{Down: true}, "secret", "", 0},
		"nothing goes on": {Faults{}, "secret", "", 1},
	} {
		before := len(box.Mails(""))
		box.Break(tt.faults)
		err := send(tt.password)
		switch {
		case tt.faults.Down && err == nil:
			t.Errorf("%s: no error", name)
		case !tt.faults.Down && tt.says == "" && err != nil, tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v", name, err)
		}
		if n := len(box.Mails("")) - before; n != tt.kept {
			t.Errorf("%s: %d mails were kept", name, n)
		}
	}
	box.Break(Faults{})
	if err := smtp.SendMail(address, nil, "muster@example.com", []string{"alice@example.com"}, []byte(letter)); err == nil {
		t.Error("a stranger may send")
	}
}

// A mail that nobody could read is refused, not kept.
func TestUnreadableMailIsRefused(t *testing.T) {
	box, address := start(t, Config{})
	for _, bad := range []string{"no header at all", "Subject: x\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--y\r\n", "Content-Type: ;;\r\n\r\nx"} {
		if err := smtp.SendMail(address, nil, "muster@example.com", []string{"alice@example.com"}, []byte(bad)); err == nil || !strings.Contains(err.Error(), "554") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if len(box.Mails("")) != 0 {
		t.Error("it was kept")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := box.Wait(ctx, "", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for nothing: %v", err)
	}
}
