package query

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Kind says whose fault a failure is.
type Kind int

const (
	// Away means that the server cannot be reached, is not what it should be, or has a
	// fault of its own; the same question may succeed later.
	Away Kind = iota
	// Invalid means that the expression or its times are wrong.
	Invalid
	// Denied means that the server wants other credentials.
	Denied
	// Slow means that there was no answer in time.
	Slow
	// TooLarge means that the answer passes a bound, ours or the server's.
	TooLarge
)

// Failure is a question without a usable answer.
type Failure struct {
	Kind Kind
	Text string // one sentence for people, with its full stop
}

// Error gives the sentence.
func (f *Failure) Error() string { return f.Text }

// Is lets errors.Is find the context's own error behind a slow answer.
func (f *Failure) Is(target error) bool {
	return f.Kind == Slow && target == context.DeadlineExceeded
}

// Of gives the kind of an error of this package; ok is false for any other.
func Of(err error) (kind Kind, ok bool) {
	if f := asFailure(err); f != nil {
		return f.Kind, true
	}
	return 0, false
}

// broken is a question without an answer. What the transport says may hold the
// address with its password, so the sentence is made here.
func (s source) broken(caller, asked context.Context, err error) error {
	if errors.Is(caller.Err(), context.Canceled) {
		return context.Canceled
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var slow interface{ Timeout() bool }
	f := &Failure{Kind: Away}
	switch {
	case asked.Err() != nil || errors.As(err, &slow) && slow.Timeout():
		f.Kind, f.Text = Slow, fmt.Sprintf("%s did not answer within %s.", s.name, s.cfg.Timeout)
		if caller.Err() != nil {
			f.Text = s.name + " did not answer in time."
		}
	case errors.As(err, &dns):
		f.Text = fmt.Sprintf("%s's name cannot be resolved; check %s.", s.name, s.variable)
	case errors.As(err, &cert):
		f.Text = fmt.Sprintf("%s's certificate is not trusted; check %s.", s.name, s.variable)
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Text = fmt.Sprintf("%s is away: the connection was refused; check that it runs, and %s.", s.name, s.variable)
	default:
		f.Text = fmt.Sprintf("%s is away: the connection broke.", s.name)
	}
	return f
}

// refused is a failure that the server says itself. Its status and error types:
// https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
func (s source) refused(status int, kind, said string) error {
	f := &Failure{Kind: Away}
	said = s.clean(said)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		f.Kind, f.Text = Denied, fmt.Sprintf("%s wants other credentials (HTTP %d); check its token and %s", s.name, status, s.variable)
		said = ""
	case kind == "bad_data" || status == http.StatusBadRequest:
		f.Kind, f.Text = Invalid, s.name+" cannot read the expression"
	case kind == "execution" || status == http.StatusUnprocessableEntity:
		f.Kind, f.Text = Invalid, s.name+" cannot work the expression out"
		if strings.Contains(said, "too many samples") {
			f.Kind, f.Text = TooLarge, s.name+" finds too much"
		}
	case kind == "timeout" || kind == "canceled" || status == http.StatusGatewayTimeout:
		f.Kind, f.Text = Slow, s.name+" ran out of time"
	case status == http.StatusNotFound:
		f.Text = fmt.Sprintf("There is no %s at its address (HTTP 404); check %s", s.name, s.variable)
		said = ""
	case status == http.StatusTooManyRequests:
		f.Text = s.name + " takes no more questions for now (HTTP 429)"
	case status >= 500 || status == http.StatusOK:
		f.Text = s.name + " has a fault of its own"
		if status >= 500 {
			f.Text += fmt.Sprintf(" (HTTP %d)", status)
		}
	default:
		f.Text = fmt.Sprintf("%s refused the question (HTTP %d)", s.name, status)
	}
	if said != "" {
		f.Text += ": " + said
	}
	if !strings.HasSuffix(f.Text, ".") {
		f.Text += "."
	}
	return f
}

// maxSaid is how much of a server's words is repeated, in characters.
const maxSaid = 300

// clean makes what a server said one short line without our secrets.
func (s source) clean(said string) string {
	password, _ := s.base.User.Password()
	for _, secret := range []string{s.cfg.Token, password} {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "…")
		}
	}
	said = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(said, "�"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if utf8.RuneCountInString(said) > maxSaid {
		said = string([]rune(said)[:maxSaid]) + "…"
	}
	return said
}
