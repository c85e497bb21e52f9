package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The bounds of one question when the configuration gives none.
const (
	DefaultTimeout = 10 * time.Second
	DefaultBytes   = 16 << 20
	// maxExpr is the longest expression that is sent, in bytes: what fits into
	// the request line of common proxies.
	maxExpr = 6 << 10
)

// Config says where a server is and how to ask it.
type Config struct {
	// URL is the server's address; a path stays in front of the API's own. A
	// user and password in it are sent as basic authentication. Required.
	URL string
	// HTTP asks; nil: [http.DefaultClient]. The deadline is ours, not the client's.
	HTTP *http.Client
	// Token is sent as a bearer token; empty: none.
	Token string
	// Tenant is sent as X-Scope-OrgID, which Loki, Mimir and Cortex want; empty: none.
	Tenant string
	// Timeout bounds one question; zero: DefaultTimeout.
	Timeout time.Duration
	// Bytes bounds one answer; zero: DefaultBytes.
	Bytes int64
}

// source is one server, asked by GET.
type source struct {
	name, variable string // "Prometheus", "PROMETHEUS_URL": for sentences
	cfg            Config
	base           *url.URL
}

func newSource(name, variable string, cfg Config) (source, error) {
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = DefaultBytes
	}
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return source{}, fmt.Errorf("%s is not an address like http://host:port; correct it", variable)
	}
	base.RawQuery, base.Fragment = "", ""
	return source{name: name, variable: variable, cfg: cfg, base: base}, nil
}

// answer is the envelope that both servers use.
type answer struct {
	Status   string   `json:"status"`
	Kind     string   `json:"errorType"`
	Error    string   `json:"error"`
	Warnings []string `json:"warnings"`
	Infos    []string `json:"infos"`
	Data     struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
}

// ask sends one question and reads its whole answer.
func (s source) ask(ctx context.Context, path string, params url.Values) (answer, error) {
	if len(params.Get("query")) > maxExpr {
		return answer{}, &Failure{Kind: Invalid, Text: fmt.Sprintf("The expression is longer than %d bytes; shorten it.", maxExpr)}
	}
	data, err := s.get(ctx, path, params)
	if err != nil {
		return answer{}, err
	}
	var out answer
	if json.Unmarshal(data, &out) != nil || out.Status == "" {
		return answer{}, &Failure{Kind: Away, Text: fmt.Sprintf("What answers is not %s; check %s.", s.name, s.variable)}
	}
	if out.Status != "success" {
		return answer{}, s.refused(http.StatusOK, out.Kind, out.Error)
	}
	return out, nil
}

// get returns the body of a 2xx answer.
func (s source) get(ctx context.Context, path string, params url.Values) ([]byte, error) {
	asked, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	at := s.base.JoinPath(path)
	at.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(asked, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, &Failure{Kind: Away, Text: fmt.Sprintf("%s is not an address; correct it.", s.variable)}
	}
	req.Header.Set("Accept", "application/json")
	if s.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.cfg.Token)
	}
	if s.cfg.Tenant != "" {
		req.Header.Set("X-Scope-OrgID", s.cfg.Tenant)
	}
	res, err := s.cfg.HTTP.Do(req)
	if err != nil {
		return nil, s.broken(ctx, asked, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, s.cfg.Bytes+1))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, s.answered(res.StatusCode, data)
	}
	if err != nil {
		return nil, s.broken(ctx, asked, err)
	}
	if int64(len(data)) > s.cfg.Bytes {
		return nil, &Failure{Kind: TooLarge, Text: fmt.Sprintf("%s's answer is larger than %s; ask for a shorter time, a wider step or fewer series.", s.name, size(s.cfg.Bytes))}
	}
	return data, nil
}

// answered is an answer with a status that is no success: JSON in Prometheus,
// often plain text in Loki and in proxies.
func (s source) answered(status int, body []byte) error {
	var said answer
	if json.Unmarshal(body, &said) == nil && said.Error != "" {
		return s.refused(status, said.Kind, said.Error)
	}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") {
		text = "" // a proxy's page
	}
	return s.refused(status, "", text)
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// asFailure lets a test or a caller look at the kind.
func asFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return nil
}
