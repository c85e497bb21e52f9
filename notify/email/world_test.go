package email

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/workspace/inbox"
)

const (
	alice    = "alice@example.com"
	password = "correct horse+battery"
)

var secret = []byte("a secret of this test, long enough")

// night is when things happen in these tests.
var night = time.Date(2026, 1, 12, 3, 12, 0, 0, time.UTC)

func page() notify.Message {
	person := incident.Person{Key: alice, Name: "Alice Johnson"}
	return notify.Message{
		Delivery: "INC-3/17/1", Dedup: "INC-3/L1/" + alice,
		Incident: incident.Incident{
			ID: "INC-3", Seq: 17, Title: "API service down", Service: "api", Impact: "Customers cannot sign in",
			Severity: incident.P0, Status: incident.Investigating, DeclaredAt: night,
			DeclaredBy: incident.Person{Key: "bob@example.com", Name: "Bob Smith"},
			OnCall:     person,
			Roles:      map[incident.Role]incident.Person{incident.Commander: {Key: "bob@example.com", Name: "Bob Smith"}},
		},
		Page: incident.Page{Attempt: 1, Level: "L1", Role: "primary", Person: person, Method: "email", Why: incident.WhyDeclared, At: night},
		To:   notify.Contact{Person: person, Email: alice},
		Link: "https://example.slack.com/archives/C1/p1",
		Now:  night.Add(4 * time.Minute),
	}
}

// onLoopback starts an inbox on a real socket and gives its port.
func onLoopback(t testing.TB, cfg inbox.Config) (*inbox.Inbox, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, cfg, l), port
}

func serve(t testing.TB, cfg inbox.Config, l net.Listener) *inbox.Inbox {
	t.Helper()
	box := inbox.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return box
}

// channel makes a Channel that is closed with the test.
func channel(t testing.TB, cfg Config) *Channel {
	t.Helper()
	if cfg.From == "" {
		cfg.From = "Muster <muster@example.com>"
	}
	if cfg.Secret == nil {
		cfg.Secret = secret
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// certificate is one for a name, and the roots that trust it.
func certificate(t testing.TB, name string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// to dials one port of this machine, whatever name was asked for.
func to(port string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}
}
