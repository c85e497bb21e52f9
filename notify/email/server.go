package email

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// policy says when a conversation is encrypted.
type policy int

const (
	opportunistic policy = iota // STARTTLS where the server offers it
	required                    // STARTTLS or nothing
	implicit                    // TLS from the first byte
	plain                       // never
)

// server is what SMTP_URL says.
type server struct {
	host, port     string
	user, password string
	tls            policy
}

var errURL = errors.New("SMTP_URL cannot be read: write smtp://user:password@host:port, with special characters of the password percent-encoded")

// parseURL reads smtp://user:pass@host:port and smtps://…, with ?tls=required
// or ?tls=none. Its errors never hold the URL.
func parseURL(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return server{}, errURL
	}
	s := server{host: u.Hostname(), port: u.Port(), user: u.User.Username()}
	s.password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
	case "smtps":
		s.tls = implicit
	default:
		return server{}, errors.New("SMTP_URL begins with neither smtp:// nor smtps://")
	}
	for key, values := range u.Query() {
		word := values[len(values)-1]
		switch {
		case key != "tls":
			return server{}, errors.New("SMTP_URL has a setting other than tls: use ?tls=required or ?tls=none")
		case s.tls == implicit && word == "required", word == "opportunistic" && s.tls != implicit:
		case s.tls != implicit && word == "required":
			s.tls = required
		case s.tls != implicit && word == "none":
			s.tls = plain
		default:
			return server{}, errors.New("SMTP_URL has a tls setting that is not possible: use ?tls=required or ?tls=none, or smtps:// alone")
		}
	}
	if s.port == "" {
		s.port = "587"
		if s.tls == implicit {
			s.port = "465"
		}
	}
	return s, nil
}

func (s server) address() string { return net.JoinHostPort(s.host, s.port) }

// loopback tells whether the server is on this machine: a password may go
// there in the clear.
func (s server) loopback() bool {
	if s.host == "localhost" {
		return true
	}
	ip := net.ParseIP(s.host)
	return ip != nil && ip.IsLoopback()
}
