package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"muster/notify"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 8 << 20

// request is one call to PagerDuty.
type request struct {
	what   string // for errors: "create the incident"
	method string
	path   string // with its query, below the base URL
	event  bool   // to the Events API, which knows no API key
	from   string // the From header; empty: none
	body   any    // nil: none
	out    any    // decoded from the answer; nil: not needed
}

// call sends r once. Every error is a *failure: it says whether the request
// can have had an effect, and quotes nothing that came back, for PagerDuty's
// texts may hold addresses. The library's own calls are not used because they
// drop the answer's headers and an event's error text, and send "priority":
// null.
func (c *Channel) call(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return &failure{Provider: provider, What: r.what, Kind: notify.Unsent, Why: "the request cannot be written"}
		}
		body = bytes.NewReader(data)
	}
	root := c.cfg.APIURL
	if r.event {
		root = c.cfg.EventsURL
	}
	req, err := http.NewRequestWithContext(ctx, r.method, root+r.path, body)
	if err != nil {
		return &failure{Provider: provider, What: r.what, Kind: notify.Refused, Why: "the configured address is not a URL"}
	}
	if r.from != "" {
		req.Header.Set("From", r.from)
	}
	res, err := c.client.Do(req, !r.event)
	if err != nil {
		return broken(ctx, r, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return answered(r, res, data)
	}
	if err != nil {
		return lost(r, "the answer broke off")
	}
	if r.out != nil {
		if err := json.Unmarshal(data, r.out); err != nil {
			return lost(r, "the answer cannot be read")
		}
	}
	return nil
}

// get asks for something; what is asked changes nothing.
func (c *Channel) get(ctx context.Context, what, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, request{what: what, method: http.MethodGet, path: path, out: out})
}

// pages asks for a list page by page; one gets each page and tells whether
// there are more.
func (c *Channel) pages(ctx context.Context, what, path string, query url.Values, one func(data json.RawMessage) (more bool, err error)) error {
	const limit, most = 100, 100
	query.Set("limit", strconv.Itoa(limit))
	for n := range most {
		query.Set("offset", strconv.Itoa(n*limit))
		var data json.RawMessage
		if err := c.get(ctx, what, path, query, &data); err != nil {
			return err
		}
		more, err := one(data)
		if err != nil {
			return lost(request{what: what, method: http.MethodGet}, "the answer cannot be read")
		}
		if !more {
			return nil
		}
	}
	return &failure{Provider: provider, What: what, Kind: notify.Refused, Why: fmt.Sprintf("the list has more than %d entries", limit*most)}
}

// stamp reads PagerDuty's times; the zero time where there is none.
func stamp(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
