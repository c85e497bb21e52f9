package alertmanager

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	timeout   = 10 * time.Second
	maxAnswer = 16 << 20 // bytes
	maxSaid   = 200      // characters of the server's words that are repeated
)

// Config says where Alertmanager is.
type Config struct {
	// URL is its address; a path stays in front of the API's own. A user and
	// password in it are sent as basic authentication. Required.
	URL string
	// HTTP asks; nil: [http.DefaultClient].
	HTTP *http.Client
	// Token is sent as a bearer token; empty: none.
	Token string
}

// Client speaks to one Alertmanager, or to any member of a cluster.
type Client struct {
	cfg  Config
	base *url.URL
}

// New checks the address, and asks nothing yet.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("ALERTMANAGER_URL is not an address like http://host:port; correct it")
	}
	base.RawQuery, base.Fragment = "", ""
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	return &Client{cfg, base}, nil
}

// Failure is a request that did not succeed.
type Failure struct {
	// Status is HTTP's; 0: there was no answer.
	Status int
	// Permanent says that the same request will never succeed.
	Permanent bool
	Text      string // one sentence for people, with its full stop
}

// Error gives the sentence.
func (f *Failure) Error() string { return f.Text }

// ErrUnknown is a silence that Alertmanager does not have, or no longer.
var ErrUnknown = &Failure{Status: http.StatusNotFound, Permanent: true, Text: "Alertmanager does not have this silence; it may have been forgotten after its end."}

// Check says in one sentence why Alertmanager cannot be asked, if it cannot.
func (c *Client) Check(ctx context.Context) error {
	var status struct {
		Version map[string]string `json:"versionInfo"`
	}
	if err := c.do(ctx, "be asked", http.MethodGet, "status", nil, nil, &status); err != nil {
		return err
	}
	if status.Version["version"] == "" {
		return c.stranger()
	}
	return nil
}

func (c *Client) stranger() error {
	return &Failure{Text: "What answers is not Alertmanager; check ALERTMANAGER_URL."}
}

// do sends one request; what completes "Alertmanager cannot …".
func (c *Client) do(ctx context.Context, what, method, path string, params url.Values, in, out any) error {
	asked, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	at := c.base.JoinPath("api/v2", path)
	at.RawQuery = params.Encode()
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode a request to Alertmanager: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(asked, method, at.String(), body)
	if err != nil {
		return &Failure{Permanent: true, Text: "ALERTMANAGER_URL is not an address; correct it."}
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	res, err := c.cfg.HTTP.Do(req)
	if err != nil {
		return broken(ctx, asked, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return c.answered(what, res.StatusCode, data)
	}
	if err != nil {
		return broken(ctx, asked, err)
	}
	if out != nil && json.Unmarshal(data, out) != nil {
		return c.stranger()
	}
	return nil
}

// broken is a request without an answer. What the transport says may hold the
// address with its password, so the sentence is made here.
func broken(caller, asked context.Context, err error) error {
	if errors.Is(caller.Err(), context.Canceled) {
		return context.Canceled
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var slow interface{ Timeout() bool }
	switch {
	case asked.Err() != nil || errors.As(err, &slow) && slow.Timeout():
		return &Failure{Text: "Alertmanager did not answer in time."}
	case errors.As(err, &dns):
		return &Failure{Text: "Alertmanager's name cannot be resolved; check ALERTMANAGER_URL."}
	case errors.As(err, &cert):
		return &Failure{Text: "Alertmanager's certificate is not trusted; check ALERTMANAGER_URL."}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Failure{Text: "Alertmanager is away: the connection was refused; check that it runs, and ALERTMANAGER_URL."}
	}
	return &Failure{Text: "Alertmanager is away: the connection broke."}
}

// answered is an answer that is no success: the API answers with a JSON string.
func (c *Client) answered(what string, status int, body []byte) error {
	f := &Failure{Status: status, Text: fmt.Sprintf("Alertmanager cannot %s", what)}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		f.Text = fmt.Sprintf("Alertmanager wants other credentials (HTTP %d); check its token and ALERTMANAGER_URL.", status)
		return f
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		f.Text += fmt.Sprintf(" for now (HTTP %d)", status)
	default:
		f.Permanent = true
		f.Text += fmt.Sprintf(" (HTTP %d)", status)
	}
	var said string
	if json.Unmarshal(body, &said) != nil {
		var problem struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &problem) // anything else is a proxy's page, which helps nobody
		said = problem.Message
	}
	if said = c.clean(said); said != "" {
		f.Text += ": " + said
	}
	f.Text = strings.TrimSuffix(f.Text, ".") + "."
	return f
}

// clean makes what the server said one short line without our secrets.
func (c *Client) clean(said string) string {
	password, _ := c.base.User.Password()
	for _, secret := range []string{c.cfg.Token, password} {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "…")
		}
	}
	said = strings.Join(strings.FieldsFunc(said, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(said); len(r) > maxSaid {
		said = string(r[:maxSaid]) + "…"
	}
	return said
}
