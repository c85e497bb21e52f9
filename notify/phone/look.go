package phone

import (
	"context"
	"net/url"
	"time"

	"muster/notify"
)

// skew is how much Twilio's clock and ours may differ.
const skew = 30 * time.Second

// listed is a call as the account's list shows it:
// https://www.twilio.com/docs/voice/api/call-resource
type listed struct {
	SID     string `json:"sid"`
	To      string `json:"to"`
	Status  string `json:"status"`
	Created string `json:"date_created"`
	Started string `json:"start_time"`
}

// since tells whether the call was made at t or later. One that waits has no
// times yet.
func (l listed) since(t time.Time) bool {
	for _, text := range []string{l.Created, l.Started} {
		if at, err := time.Parse(time.RFC1123Z, text); err == nil {
			return !at.Before(t)
		}
	}
	return l.Status == "queued" || l.Status == "initiated" || l.Status == "ringing"
}

// rang tells whether the call reached the phone, or still may.
func (l listed) rang() bool { return l.Status != "failed" && l.Status != "canceled" }

// look finds the call of a delivery that may have been made: one to the same
// number since the page was decided that is no other delivery's. Empty: there
// is none, and none can appear any more.
//
// The times of the list are not used as a filter because a call that waits has
// none. After a restart two pages to one person at one moment cannot be told
// apart: each call is still given to one of them only. A restart also forgets
// when a request was begun; a page that may never have left is then not kept
// waiting for a call that may still appear.
func (c *Channel) look(ctx context.Context, m notify.Message) (string, error) {
	const what = "look for the call"
	if c.known.busy(m.To.Phone) {
		return "", lost(what, true, "another call to the same person is under way")
	}
	var list struct {
		Calls []listed `json:"calls"`
	}
	query := url.Values{"To": {m.To.Phone}, "From": {c.cfg.From}, "PageSize": {"50"}}
	if f := c.get(ctx, what, "/Calls.json", query, &list); f != nil {
		return "", f
	}
	from := m.Page.At.Truncate(time.Second).Add(-skew)
	for _, l := range list.Calls {
		if l.SID != "" && l.To == m.To.Phone && l.rang() && l.since(from) && c.known.claim(short(m.Delivery), l.SID) {
			return l.SID, nil
		}
	}
	if c.known.unsettled(m.Delivery) > 0 {
		return "", lost(what, true, "it may still appear; it is looked for again before there is another one")
	}
	return "", nil
}
