package email

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"muster/outbox"
	"muster/workspace/inbox"
)

func withUser(port, host, query string) string {
	return "smtp://muster:" + url.PathEscape(password) + "@" + net.JoinHostPort(host, port) + query
}

func TestMailOverSTARTTLSWithAUTH(t *testing.T) {
	server, client := certificate(t, "mail.example.com")
	box, port := onLoopback(t, inbox.Config{TLS: server, Users: map[string]string{"muster": password}})
	for _, query := range []string{"", "?tls=required"} {
		c := channel(t, Config{URL: withUser(port, "mail.example.com", query), TLS: client, Dial: to(port)})
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		m := page()
		m.Delivery += query
		receipt, err := c.Deliver(t.Context(), m, false)
		if err != nil {
			t.Fatal(err)
		}
		mails := box.Mails(alice)
		got := mails[len(mails)-1]
		if !got.Encrypted || got.User != "muster" {
			t.Errorf("encrypted %v, signed in as %q", got.Encrypted, got.User)
		}
		if got.Subject != "[P0] INC-3 API service down (L1)" || got.MessageID != receipt.Ref {
			t.Errorf("subject %q, Message-ID %q, receipt %q", got.Subject, got.MessageID, receipt.Ref)
		}
	}
	if n := len(box.Mails("")); n != 2 {
		t.Errorf("%d mails came, not 2: a check sends none", n)
	}
}

func TestMailOverTLSFromTheFirstByte(t *testing.T) {
	server, client := certificate(t, "127.0.0.1")
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	box := serve(t, inbox.Config{Users: map[string]string{"muster": password}}, l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c := channel(t, Config{URL: strings.Replace(withUser(port, "127.0.0.1", ""), "smtp:", "smtps:", 1), TLS: client})
	if _, err := c.Deliver(t.Context(), page(), false); err != nil {
		t.Fatal(err)
	}
	if n := len(box.Mails(alice)); n != 1 {
		t.Errorf("%d mails came, not 1", n)
	}
}

func TestMailInTheClear(t *testing.T) {
	server, _ := certificate(t, "127.0.0.1")
	box, port := onLoopback(t, inbox.Config{TLS: server, Users: map[string]string{"muster": password}})
	c := channel(t, Config{URL: withUser(port, "127.0.0.1", "?tls=none")})
	if _, err := c.Deliver(t.Context(), page(), false); err != nil {
		t.Fatal(err)
	}
	if box.Mails(alice)[0].Encrypted {
		t.Error("tls=none was encrypted")
	}
}

// A password never leaves in the clear, except to this machine, and never to a
// server whose certificate is not trusted.
func TestPasswordStaysHere(t *testing.T) {
	server, client := certificate(t, "mail.example.com")
	_, other := certificate(t, "mail.example.com")
	tests := []struct {
		name, host, query string
		server, client    *tls.Config
		words             string
		final             bool
	}{
		{"no encryption offered", "mail.example.com", "", nil, client, "the password stays here", true},
		{"encryption switched off", "mail.example.com", "?tls=none", server, client, "the password stays here", true},
		{"encryption required", "127.0.0.1", "?tls=required", nil, client, "SMTP_URL requires it", true},
		{"certificate of another name", "mail.example.org", "", server, client, "certificate is not trusted", false},
		{"certificate of another authority", "mail.example.com", "", server, other, "certificate is not trusted", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			users := map[string]string{"muster": password}
			box, port := onLoopback(t, inbox.Config{TLS: tt.server, Users: users})
			c := channel(t, Config{URL: withUser(port, tt.host, tt.query), TLS: tt.client, Dial: to(port)})
			_, err := c.Deliver(t.Context(), page(), false)
			if err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Fatalf("error %v does not say %q", err, tt.words)
			}
			if _, final := errors.AsType[outbox.PermanentError](err); final != tt.final {
				t.Errorf("permanent is %v: %v", final, err)
			}
			if _, unsent := errors.AsType[outbox.NotSentError](err); unsent == tt.final {
				t.Errorf("not sent is %v: %v", unsent, err)
			}
			discreet(t, err.Error())
			if len(box.Mails("")) != 0 {
				t.Error("a mail was sent")
			}
			if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("the check says %v", err)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	server, client := certificate(t, "127.0.0.1")
	box, port := onLoopback(t, inbox.Config{TLS: server, Users: map[string]string{"muster": "another"}})
	c := channel(t, Config{URL: withUser(port, "127.0.0.1", ""), TLS: client})
	_, err := c.Deliver(t.Context(), page(), false)
	final, ok := errors.AsType[outbox.PermanentError](err)
	if !ok || final.Reason != "the mail server refused the sign-in: the user name or the password in SMTP_URL is wrong (535 5.7.8)" {
		t.Fatalf("got %v", err)
	}
	if len(box.Mails("")) != 0 {
		t.Error("a mail was sent")
	}
}

// discreet checks that a text that may be logged holds nothing of people and
// no password.
func discreet(t *testing.T, text string) {
	t.Helper()
	for _, word := range []string{alice, "alice", "Alice", password, url.PathEscape(password), "horse", "API service down", "muster@"} {
		if strings.Contains(text, word) {
			t.Errorf("%q is in %q", word, text)
		}
	}
}

func TestURLs(t *testing.T) {
	good := map[string]server{
		"smtp://mail.example.com":                      {host: "mail.example.com", port: "587"},
		"smtp://mail.example.com:25/":                  {host: "mail.example.com", port: "25"},
		"smtps://u:p%40@mail.example.com":              {host: "mail.example.com", port: "465", user: "u", password: "p@", tls: implicit},
		"smtp://u@mail.example.com:2525?tls=required":  {host: "mail.example.com", port: "2525", user: "u", tls: required},
		"smtp://[::1]:25?tls=none":                     {host: "::1", port: "25", tls: plain},
		"smtp://mail.example.com:25?tls=opportunistic": {host: "mail.example.com", port: "25"},
		"smtps://mail.example.com:465?tls=required":    {host: "mail.example.com", port: "465", tls: implicit},
		"smtp://user%40example.com:a%2Fb@10.0.0.1:587": {host: "10.0.0.1", port: "587", user: "user@example.com", password: "a/b"},
	}
	for text, want := range good {
		if got, err := parseURL(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "mail.example.com:25", "http://mail.example.com", "smtp://", "smtp://u:correct horse@mail:25", "smtp://u:correct%zz@mail",
		"smtp://u:correct@mail.example.com:port", "smtp://u:correct@mail?tls=maybe", "smtp://u:correct@mail?starttls=1", "smtps://u:correct@mail?tls=none", "smtp://u:correct@mail/path",
		"smtp://u:correct#x@mail",
	} {
		_, err := New(Config{URL: text, From: "muster@example.com", Secret: secret})
		if err == nil || !strings.Contains(err.Error(), "SMTP_URL") || strings.Contains(err.Error(), "correct") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if !(server{host: "localhost"}).loopback() || !(server{host: "::1"}).loopback() || (server{host: "mail.localhost.example"}).loopback() {
		t.Error("loopback is not what it was")
	}
}

func TestConfiguration(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no sender":  {URL: "smtp://mail:25", Secret: secret},
		"bad sender": {URL: "smtp://mail:25", Secret: secret, From: "Muster"},
		"no secret":  {URL: "smtp://mail:25", From: "muster@example.com"},
		"odd sender": {URL: "smtp://mail:25", Secret: secret, From: `"a b"@-example.com`},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, a := range []string{"alice@example.com", "a.b+c@mail.example.co.uk", "o'brien@example.com", "x@localhost", "x@xn--bcher-kva.example"} {
		if err := CheckAddress(a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, a := range []string{
		"", "alice", "@example.com", "alice@", "alice@example..com", "alice@-example.com", "alice@exa_mple.com", "alice@bücher.example", "älice@example.com",
		"alice @example.com", "alice@example.com\r\nRCPT TO:<eve@example.com>", "Alice <alice@example.com>", "a@b@example.com", strings.Repeat("a", 65) + "@example.com",
		"alice@" + strings.Repeat("a.", 130) + "com", "alice@[127.0.0.1]", "alice@example.com>", "alice@example.com,bob@example.com",
	} {
		err := CheckAddress(a)
		if err == nil {
			t.Errorf("%q is taken", a)
		} else if strings.Contains(err.Error(), "alice") {
			t.Errorf("%q is repeated in %v", a, err)
		}
	}
}
