package phone

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"muster/notify"
)

// defaultAfter is how long to wait after a 429 that does not say. A page has
// 60 s before it counts as late.
const defaultAfter = 5 * time.Second

// provider is how failures name Twilio.
const provider = "Twilio"

// failure is a request that did not succeed; its numbers are those that Twilio
// documents.
type failure = notify.Failure

// broken is a request without an answer.
func broken(ctx context.Context, what string, effect bool, err error) *failure {
	how := notify.BrokeBy(ctx, err)
	if how.Sent() {
		return lost(what, effect, how.Words(""))
	}
	return &failure{Provider: provider, What: what, Kind: notify.Unsent, Why: how.Words("TWILIO_API_URL")}
}

// lost is a request whose fate is unknown; one that only asks had no effect.
func lost(what string, effect bool, why string) *failure {
	f := &failure{Provider: provider, What: what, Kind: notify.Unsent, Why: why}
	if effect {
		f.Kind = notify.Unclear
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
	f := &failure{Provider: provider, What: what, Kind: notify.Refused, Status: res.StatusCode, Code: document.Code}
	switch s := res.StatusCode; {
	case s == http.StatusTooManyRequests || f.Code == 20429 || f.Code == codeBusy:
		f.Kind, f.After = notify.Limited, wait(res.Header)
	case s == http.StatusRequestTimeout || s >= 500:
		f.Kind = lost(what, effect, "").Kind
	}
	why, ok := reasons[f.Code]
	if !ok {
		why = byStatus(f.Status)
	}
	f.Why = notify.Numbered(why, f.Status, f.Code)
	return f
}

// wait reads how long a 429 asks to wait.
func wait(h http.Header) time.Duration {
	if after, ok := notify.Wait(h.Get("Retry-After"), time.Now()); ok {
		return after
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
