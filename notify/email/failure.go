package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"muster/notify"
	"muster/outbox"
)

// stage is how far a conversation came.
type stage int

const (
	connecting stage = iota
	greeting
	encrypting
	signing
	naming     // MAIL FROM
	addressing // RCPT TO
	writing    // DATA until the last line
	answering  // after the last line: the server may keep the mail
)

// String names what the server was asked.
func (s stage) String() string {
	return [...]string{
		"a connection", "the greeting", "encryption", "the sign-in", "the sender", "the recipient", "the text", "the mail",
	}[s]
}

// busyFor is how long to leave a server alone that says it is too busy. SMTP
// names no time; a page must hand over to the next method before 60 s are over.
const busyFor = 10 * time.Second

// failure is a conversation that did not succeed. Its text is made here, from
// the documented codes and words of ours: what servers say repeats addresses.
type failure struct {
	stage    stage
	code     int    // 0: no answer
	enhanced string // RFC 3463; empty: none
	why      string
	// final: no later try with the same settings can succeed.
	final bool
}

// Error gives one sentence.
func (f *failure) Error() string {
	if f.code == 0 {
		return "the mail server: " + f.why
	}
	return fmt.Sprintf("the mail server refused %s: %s (%s)", f.stage, f.why, strings.TrimSpace(fmt.Sprint(f.code, " ", f.enhanced)))
}

// classified turns a failure into the outbox's errors. It is unclear only when
// the server had the whole mail and did not answer.
func (f *failure) classified() error {
	switch {
	case f.final, f.code >= 500:
		return outbox.PermanentError{Reason: f.Error()}
	case f.code == 421, f.enhanced == "4.7.28", f.enhanced == "4.5.3":
		return outbox.RetryAfterError{After: busyFor, Err: f}
	case f.stage == answering && f.code == 0:
		return f
	default:
		return outbox.NotSentError{Err: f}
	}
}

var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// failed explains an error of one stage.
func failed(at stage, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	f := &failure{stage: at}
	if answer, ok := errors.AsType[*textproto.Error](err); ok && answer.Code >= 400 {
		f.code = answer.Code
		f.enhanced = enhancedCode.FindString(answer.Msg)
		f.why = words(f.code, f.enhanced)
		return f
	}
	f.why = broken(at, err)
	return f
}

// broken explains a conversation that ended without an answer.
func broken(at stage, err error) string {
	if at == answering {
		return "it had the whole mail and did not say whether it keeps it, so the mail may have arrived"
	}
	timed, _ := errors.AsType[net.Error](err)
	switch how := notify.BrokeBy(context.Background(), err); {
	case how == notify.Late, how == notify.Unreachable && timed != nil && timed.Timeout():
		return fmt.Sprintf("no answer in time to %s", asked(at))
	case how == notify.Untrusted:
		return "its certificate is not trusted; check the name in SMTP_URL and the certificates of this machine"
	case !how.Sent():
		return how.Words("SMTP_URL")
	case at == connecting:
		return "it cannot be reached; check the network and SMTP_URL"
	case at == encrypting:
		return "no encrypted connection could be made; check the port in SMTP_URL"
	default:
		return fmt.Sprintf("the connection ended before an answer to %s", asked(at))
	}
}

func asked(at stage) string {
	if at == connecting {
		return "the request to connect"
	}
	return at.String()
}

// words says a refusal plainly. The codes are those of RFC 3463 with IANA's
// registry (https://www.iana.org/assignments/smtp-enhanced-status-codes), else of RFC 5321 and RFC 4954.
func words(code int, enhanced string) string {
	if _, detail, ok := strings.Cut(enhanced, "."); ok {
		if text := byDetail[detail]; text != "" {
			return text
		}
	}
	if text := byCode[code]; text != "" {
		return text
	}
	if code >= 500 {
		return "it will not take it"
	}
	return "it cannot take it now"
}

var byDetail = map[string]string{
	"1.1":  "no such mailbox",
	"1.2":  "the address names a domain that takes no mail",
	"1.3":  "the address is written wrongly",
	"1.6":  "the mailbox has moved",
	"1.7":  "the sender's address is written wrongly; check SMTP_FROM",
	"1.8":  "the sender's domain does not exist; check SMTP_FROM",
	"1.10": "the recipient's domain takes no mail at all",
	"2.1":  "the mailbox is switched off",
	"2.2":  "the mailbox is full",
	"2.3":  "the mail is too long for the mailbox",
	"3.1":  "its disk is full",
	"3.2":  "it takes no mail at the moment",
	"3.4":  "the mail is too big",
	"4.1":  "the recipient's server does not answer",
	"4.2":  "it lost the connection",
	"4.4":  "it does not know where to send the mail",
	"4.5":  "it is overloaded",
	"5.1":  "it did not expect this command",
	"5.3":  "too many recipients",
	"7.0":  "its rules forbid it, or it wants encryption or a sign-in first",
	"7.1":  "its rules forbid it: this sender may not send there, or must wait",
	"7.3":  "it wants other security settings",
	"7.8":  "the user name or the password in SMTP_URL is wrong",
	"7.9":  "it does not allow this way of signing in",
	"7.11": "it wants encryption for the sign-in",
	"7.13": "the account in SMTP_URL is switched off",
	"7.25": "this machine's address has no name, which the server wants",
	"7.26": "the sender's domain does not vouch for this server (SPF or DKIM)",
	"7.28": "too much mail in a short time",
}

var byCode = map[int]string{
	421: "it is too busy or shuts down",
	450: "the mailbox is busy, or new senders must wait",
	451: "it has an error of its own, or new senders must wait",
	452: "it has no room now",
	454: "it cannot do this at the moment",
	500: "it does not understand",
	502: "it does not know this command",
	530: "it wants a sign-in or encryption first",
	534: "it does not allow this way of signing in",
	535: "the user name or the password in SMTP_URL is wrong",
	538: "it wants encryption for the sign-in",
	550: "no such mailbox, or its rules forbid it",
	551: "the mailbox is somewhere else",
	552: "the mailbox is full, or the mail too big",
	553: "the address is not allowed",
	554: "its rules forbid it",
}
