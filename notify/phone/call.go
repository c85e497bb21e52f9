package phone

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"muster/notify"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 4 << 20

// post sends a form once. A failure says whether it can have had an effect.
func (c *Channel) post(ctx context.Context, what, path string, form url.Values, out any) *failure {
	return c.do(ctx, what, http.MethodPost, path, form, out)
}

// get asks for something; it has no effect.
func (c *Channel) get(ctx context.Context, what, path string, query url.Values, out any) *failure {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, what, http.MethodGet, path, nil, out)
}

func (c *Channel) do(ctx context.Context, what, method, path string, form url.Values, out any) *failure {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	effect := method == http.MethodPost
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.APIURL+"/2010-04-01/Accounts/"+url.PathEscape(c.cfg.AccountSID)+path, strings.NewReader(form.Encode()))
	if err != nil {
		return &failure{Provider: provider, What: what, Kind: notify.Refused, Why: "the configured address is not a URL; correct TWILIO_API_URL"}
	}
	req.SetBasicAuth(c.cfg.AccountSID, c.cfg.AuthToken)
	req.Header.Set("Accept", "application/json")
	if effect {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.web.Do(req)
	if err != nil {
		return broken(ctx, what, effect, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return answered(what, effect, res, data)
	}
	if err != nil {
		return lost(what, effect, "the answer broke off")
	}
	if json.Unmarshal(data, out) != nil {
		return lost(what, effect, "the answer cannot be read")
	}
	return nil
}
