package pagerduty

import (
	"context"
	"crypto/tls"
	"encoding/json"
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

// kind says what a failure means for the delivery.
type kind int

const (
	unclear kind = iota // it may have had an effect
	unsent              // it surely had none; trying again may help
	limited             // PagerDuty takes no more for now
	refused             // PagerDuty will never take it
)

// defaultAfter is how long to wait after a 429 that does not say. PagerDuty's
// windows are a minute long and slide, so that part of one is often enough; a
// page must hand over to the next method before 60 s are over.
const defaultAfter = 10 * time.Second

// failure is a call that did not succeed. Its text is made here, from numbers
// that PagerDuty documents and words of ours.
type failure struct {
	what   string
	kind   kind
	why    string
	status int           // HTTP; 0: no answer
	code   int           // PagerDuty's own; 0: none
	after  time.Duration // with limited
}

// Error gives one sentence.
func (f *failure) Error() string {
	return fmt.Sprintf("PagerDuty: cannot %s: %s", f.what, f.why)
}

// classified turns a failure into the outbox's errors.
func classified(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.kind {
	case unsent:
		return outbox.NotSentError{Err: f}
	case limited:
		return outbox.RetryAfterError{After: f.after, Err: f}
	case refused:
		return outbox.PermanentError{Reason: f.Error()}
	default:
		return f
	}
}

// broken is a request without an answer.
func broken(ctx context.Context, r request, err error) *failure {
	f := &failure{what: r.what}
	var dial *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		f.kind, f.why = unsent, "its name cannot be resolved; check the network and the configured address"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.kind, f.why = unsent, "the connection was refused"
	case errors.As(err, &cert):
		f.kind, f.why = unsent, "its certificate is not trusted; check the configured address"
	case errors.As(err, &dial) && dial.Op == "dial":
		f.kind, f.why = unsent, "it cannot be reached"
	// The library's timeouts do not unwrap, so the context is asked.
	case ctx.Err() != nil || timeout(err):
		return lost(r, "no answer in time")
	default:
		return lost(r, "the connection broke")
	}
	return f
}

func timeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// lost is a request whose fate is unknown; what only asks had no effect.
func lost(r request, why string) *failure {
	f := &failure{what: r.what, kind: unclear, why: why}
	if r.method == http.MethodGet {
		f.kind = unsent
	}
	return f
}

// answered is a request that PagerDuty answered with something else than
// success: https://developer.pagerduty.com/docs/errors and, for events,
// https://developer.pagerduty.com/docs/events-api-v2-overview.
func answered(r request, res *http.Response, body []byte) *failure {
	var document struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &document) // without one, the status says it alone
	f := &failure{what: r.what, kind: refused, status: res.StatusCode, code: document.Error.Code}
	switch s := res.StatusCode; {
	case s == http.StatusTooManyRequests:
		f.kind, f.after = limited, wait(res.Header)
	case s == http.StatusRequestTimeout || s >= 500:
		f.kind = lost(r, "").kind
	}
	f.why = f.reason(r.event)
	return f
}

// wait reads how long a 429 asks to wait: ratelimit-reset, or Retry-After,
// both in seconds.
func wait(h http.Header) time.Duration {
	for _, name := range []string{"Ratelimit-Reset", "Retry-After"} {
		if s, err := strconv.Atoi(strings.TrimSpace(h.Get(name))); err == nil && s >= 0 && s <= 3600 {
			return max(time.Duration(s)*time.Second, time.Second)
		}
	}
	return defaultAfter
}

// reasons are PagerDuty's error codes that a page can meet, in our words.
var reasons = map[int]string{
	codeResolved:     "the incident is already resolved",
	codeAcknowledged: "the incident is already acknowledged",
	1007:             "the user it would be assigned to does not exist; check pagerduty: in oncall/rotation.yaml",
	1008:             "PAGERDUTY_FROM is no user of this account",
	1018:             "the user of PAGERDUTY_FROM may not do this",
	2001:             "the input is not valid",
	2002:             "the input is not valid",
	2003:             "something is missing in the input",
	2006:             "the API key is not valid; check PAGERDUTY_API_KEY",
	2007:             "the account does not exist",
	2008:             "the account is locked",
	2010:             "the API key may not do this",
	2012:             "the account has expired",
	2013:             "the user does not exist",
	2014:             "the account's plan does not include this",
	2016:             "it took PagerDuty too long",
	2018:             "the API key may not do this, or lost access",
	2020:             "too many requests",
	2100:             "it does not exist",
	5001:             "it does not exist",
	5002:             "the service does not exist",
}

// The codes that are a success for us: somebody was first.
const (
	codeResolved     = 1001
	codeAcknowledged = 1002
)

func (f *failure) reason(event bool) string {
	number := "HTTP " + strconv.Itoa(f.status)
	if f.code != 0 {
		number += ", code " + strconv.Itoa(f.code)
	}
	why, ok := reasons[f.code]
	if !ok {
		why = byStatus(f.status, event)
	}
	return why + " (" + number + ")"
}

func byStatus(status int, event bool) string {
	switch status {
	case http.StatusBadRequest:
		if event {
			return "it refused the event; check PAGERDUTY_ROUTING_KEY"
		}
		return "the input is not valid"
	case http.StatusUnauthorized:
		return "the API key is not valid; check PAGERDUTY_API_KEY"
	case http.StatusPaymentRequired:
		return "the account's plan does not include this"
	case http.StatusForbidden:
		return "the API key may not do this; it must not be read-only"
	case http.StatusNotFound:
		return "it does not exist; check the configured address and IDs"
	case http.StatusRequestTimeout:
		return "it took PagerDuty too long"
	case http.StatusTooManyRequests:
		return "too many requests"
	}
	switch {
	case status >= 500:
		return "PagerDuty had an error of its own"
	case status >= 300 && status < 400:
		return "it answered with a redirect, which is not followed; check the configured address"
	}
	return "it was refused"
}

// coded tells whether err is PagerDuty's answer with one of the codes.
func coded(err error, codes ...int) bool {
	var f *failure
	if !errors.As(err, &f) {
		return false
	}
	for _, code := range codes {
		if f.code == code {
			return true
		}
	}
	return false
}
