package phone

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
	limited             // Twilio takes no more for now
	refused             // Twilio will never take it
)

// defaultAfter is how long to wait after a 429 that does not say. A page has
// 60 s before it counts as late.
const defaultAfter = 5 * time.Second

// failure is a request that did not succeed. Its text is made here, from
// numbers that Twilio documents and words of ours: what Twilio writes may hold
// the phone number.
type failure struct {
	what   string
	kind   kind
	why    string
	status int           // HTTP; 0: no answer
	code   int           // Twilio's own; 0: none
	after  time.Duration // with limited
}

// Error gives one sentence.
func (f *failure) Error() string { return fmt.Sprintf("Twilio: cannot %s: %s", f.what, f.why) }

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
func broken(ctx context.Context, what string, effect bool, err error) *failure {
	f := &failure{what: what, kind: unsent}
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var t interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns):
		f.why = "its name cannot be resolved; check the network and TWILIO_API_URL"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.why = "the connection was refused"
	case errors.As(err, &cert):
		f.why = "its certificate is not trusted; check TWILIO_API_URL"
	case errors.As(err, &op) && op.Op == "dial":
		f.why = "it cannot be reached"
	case ctx.Err() != nil || errors.As(err, &t) && t.Timeout():
		return lost(what, effect, "no answer in time")
	default:
		return lost(what, effect, "the connection broke")
	}
	return f
}

// lost is a request whose fate is unknown; one that only asks had no effect.
func lost(what string, effect bool, why string) *failure {
	f := &failure{what: what, kind: unsent, why: why}
	if effect {
		f.kind = unclear
	}
	return f
}

// answered is a request that Twilio answered with something else than success:
// https://www.twilio.com/docs/usage/twilios-response and, for the codes,
// https://www.twilio.com/docs/api/errors.
func answered(what string, effect bool, res *http.Response, body []byte) *failure {
	var document struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(body, &document) // without one, the status says it alone
	f := &failure{what: what, kind: refused, status: res.StatusCode, code: document.Code}
	switch s := res.StatusCode; {
	case s == http.StatusTooManyRequests || f.code == 20429 || f.code == codeBusy:
		f.kind, f.after = limited, wait(res.Header)
	case s == http.StatusRequestTimeout || s >= 500:
		f.kind = lost(what, effect, "").kind
	}
	number := "HTTP " + strconv.Itoa(f.status)
	if f.code != 0 {
		number += ", code " + strconv.Itoa(f.code)
	}
	why, ok := reasons[f.code]
	if !ok {
		why = byStatus(f.status)
	}
	f.why = why + " (" + number + ")"
	return f
}

// wait reads Retry-After, in seconds or as a date.
func wait(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.Atoi(text); err == nil && s >= 0 && s <= 3600 {
		return max(time.Duration(s)*time.Second, time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), time.Second), time.Hour)
	}
	return defaultAfter
}

// codeBusy: too many calls at the same time for the account.
const codeBusy = 10004

// The numbers below can change their meaning little by little; what decides
// is the HTTP status, they only say why.
var reasons = map[int]string{
	10001:    "the account is not active",
	10002:    "the trial account may not do this",
	codeBusy: "the account has too many calls at once",
	13224:    "the number cannot be called; correct phone: in oncall/rotation.yaml",
	13227:    "the account may not call that country; allow it in Twilio's voice geographic permissions",
	20003:    "the account or its key is wrong; check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
	20005:    "the account is not active",
	20006:    "the key may not do this",
	20008:    "the key is one for tests",
	20404:    "it does not exist; check TWILIO_ACCOUNT_SID and TWILIO_API_URL",
	20429:    "too many requests",
	20500:    "Twilio had an error of its own",
	20503:    "Twilio is not available",
	21201:    "no number was given",
	21205:    "the public address is not a valid URL; correct MUSTER_PUBLIC_URL",
	21210:    "the number to call from is not verified; correct TWILIO_FROM",
	21211:    "the number is not valid; correct phone: in oncall/rotation.yaml",
	21212:    "the number to call from is not valid; correct TWILIO_FROM",
	21213:    "no number to call from was given; set TWILIO_FROM",
	21214:    "the number cannot be reached",
	21215:    "the account may not call that country; allow it in Twilio's voice geographic permissions",
	21216:    "the account may not call that number",
	21217:    "the number does not look like one; correct phone: in oncall/rotation.yaml",
	21219:    "a trial account can only call numbers that are verified with Twilio",
	21408:    "the account may not send text messages to that country",
	21606:    "the number to send from cannot send text messages; correct TWILIO_FROM",
	21608:    "a trial account can only send to numbers that are verified with Twilio",
	21610:    "the person has unsubscribed from this number's text messages",
	21612:    "text messages cannot be sent there from this number",
	21614:    "the number cannot take text messages",
	21617:    "the text message is too long",
	21658:    "a part of the request is too long",
}

func byStatus(status int) string {
	switch {
	case status == http.StatusBadRequest:
		return "it did not accept the request"
	case status == http.StatusUnauthorized:
		return reasons[20003]
	case status == http.StatusForbidden:
		return "the account may not do this"
	case status == http.StatusNotFound:
		return reasons[20404]
	case status == http.StatusRequestTimeout:
		return "it took Twilio too long"
	case status == http.StatusTooManyRequests:
		return reasons[20429]
	case status >= 500:
		return reasons[20500]
	case status >= 300 && status < 400:
		return "it answered with a redirect, which is not followed; check TWILIO_API_URL"
	}
	return "it was refused"
}
