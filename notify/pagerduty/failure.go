package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"muster/notify"
)

// defaultAfter is how long to wait after a 429 that does not say. PagerDuty's
// windows are a minute long and slide, so that part of one is often enough; a
// page must hand over to the next method before 60 s are over.
const defaultAfter = 10 * time.Second

// provider is how failures name PagerDuty.
const provider = "PagerDuty"

// failure is a call that did not succeed; its numbers are those that PagerDuty
// documents.
type failure = notify.Failure

// broken is a request without an answer.
func broken(ctx context.Context, r request, err error) *failure {
	how := notify.BrokeBy(ctx, err)
	if how.Sent() {
		return lost(r, how.Words(""))
	}
	return &failure{Provider: provider, What: r.what, Kind: notify.Unsent, Why: how.Words("the configured address")}
}

// lost is a request whose fate is unknown; what only asks had no effect.
func lost(r request, why string) *failure {
	f := &failure{Provider: provider, What: r.what, Kind: notify.Unclear, Why: why}
	if r.method == http.MethodGet {
		f.Kind = notify.Unsent
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
	f := &failure{Provider: provider, What: r.what, Kind: notify.Refused, Status: res.StatusCode, Code: document.Error.Code}
	switch s := res.StatusCode; {
	case s == http.StatusTooManyRequests:
		f.Kind, f.After = notify.Limited, wait(res.Header)
	case s == http.StatusRequestTimeout || s >= 500:
		f.Kind = lost(r, "").Kind
	}
	f.Why = reason(f, r.event)
	return f
}

// wait reads how long a 429 asks to wait: ratelimit-reset, or Retry-After.
func wait(h http.Header) time.Duration {
	for _, name := range []string{"Ratelimit-Reset", "Retry-After"} {
		if after, ok := notify.Wait(h.Get(name), time.Now()); ok {
			return after
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

func reason(f *failure, event bool) string {
	why, ok := reasons[f.Code]
	if !ok {
		why = byStatus(f.Status, event)
	}
	return notify.Numbered(why, f.Status, f.Code)
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
		if f.Code == code {
			return true
		}
	}
	return false
}
