package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"muster/outbox"
)

// FailureKind says what a failure means for the delivery.
type FailureKind int

// The kinds.
const (
	Unclear FailureKind = iota // it may have had an effect
	Unsent                     // it surely had none; trying again may help
	Limited                    // the provider takes no more for now
	Refused                    // the provider will never take it
)

// Failure is a request to a provider that did not succeed. Its words are
// Muster's own: what providers write may hold numbers and addresses.
type Failure struct {
	Provider string // "PagerDuty"
	What     string // "create the incident"
	Kind     FailureKind
	Why      string
	Status   int           // HTTP; 0: no answer
	Code     int           // the provider's own; 0: none
	After    time.Duration // with Limited
}

// Error gives one sentence.
func (f *Failure) Error() string { return fmt.Sprintf("%s: cannot %s: %s", f.Provider, f.What, f.Why) }

// Classified turns a Failure into the outbox's errors; other errors stay.
func Classified(err error) error {
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		return err
	}
	switch f.Kind {
	case Unsent:
		return outbox.NotSentError{Err: f}
	case Limited:
		return outbox.RetryAfterError{After: f.After, Err: f}
	case Refused:
		return outbox.PermanentError{Reason: f.Error()}
	default:
		return f
	}
}

// Broke is how a request ended that got no answer.
type Broke int

// The ways; Late and Cut are those after which it may have had an effect.
const (
	Cut         Broke = iota // the connection ended
	Late                     // no answer in time
	NoName                   // the name cannot be resolved
	Closed                   // the connection was refused
	Untrusted                // the certificate is not trusted
	Unreachable              // there is no way to it
)

// BrokeBy reads from an error how a request ended. The context is asked too,
// for the timeouts of some libraries do not unwrap.
func BrokeBy(ctx context.Context, err error) Broke {
	var name *net.DNSError
	var cert *tls.CertificateVerificationError
	var op *net.OpError
	var timed interface{ Timeout() bool }
	switch {
	case errors.As(err, &name):
		return NoName
	case errors.Is(err, syscall.ECONNREFUSED):
		return Closed
	case errors.As(err, &cert):
		return Untrusted
	case errors.As(err, &op) && op.Op == "dial":
		return Unreachable
	case ctx.Err() != nil || errors.As(err, &timed) && timed.Timeout():
		return Late
	default:
		return Cut
	}
}

// Sent tells whether the request may have arrived.
func (b Broke) Sent() bool { return b == Cut || b == Late }

// Words say it, with what to look at where it may be a slip: "the configured
// address".
func (b Broke) Words(look string) string {
	switch b {
	case NoName:
		return "its name cannot be resolved; check the network and " + look
	case Closed:
		return "the connection was refused; check that it runs, and " + look
	case Untrusted:
		return "its certificate is not trusted; check " + look
	case Unreachable:
		return "it cannot be reached; check the network and " + look
	case Late:
		return "no answer in time"
	default:
		return "the connection broke"
	}
}

// Numbered is why, with the numbers to look it up by.
func Numbered(why string, status, code int) string {
	if code == 0 {
		return fmt.Sprintf("%s (HTTP %d)", why, status)
	}
	return fmt.Sprintf("%s (HTTP %d, code %d)", why, status, code)
}

// Wait reads how long a provider asks to wait, from a header's seconds or date;
// false: it does not say. It is a second at least and an hour at most.
func Wait(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if s, err := strconv.Atoi(header); err == nil && s >= 0 {
		return max(time.Duration(min(s, 3600))*time.Second, time.Second), true
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), time.Second), time.Hour), true
	}
	return 0, false
}
