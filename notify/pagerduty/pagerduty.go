package pagerduty

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"
	"golang.org/x/time/rate"

	"muster/incident"
	"muster/notify"
)

// The public addresses, for an empty Config.APIURL and Config.EventsURL.
const (
	DefaultAPIURL    = "https://api.pagerduty.com"
	DefaultEventsURL = "https://events.pagerduty.com"
)

// callTimeout bounds one request; the caller's context may end it earlier.
const callTimeout = 10 * time.Second

// Config is what a Channel needs. One of APIKey and RoutingKey is required to
// page, one of them or WebhookSecret to be told.
type Config struct {
	APIKey     string // REST v2; empty: events only
	RoutingKey string // of an Events v2 integration; empty: REST only
	// From is the e-mail address of the PagerDuty user that REST requests are
	// made for; empty: the API key's own user, if it has one.
	From string
	// Spare replaces From where the one to page is From; empty: there is none,
	// and that page fails with an error that says so.
	Spare     string
	APIURL    string // empty: DefaultAPIURL
	EventsURL string // empty: DefaultEventsURL
	// WebhookSecret signs PagerDuty's webhooks; several are separated by
	// commas. Empty: every webhook is refused.
	WebhookSecret string
	Urgency       string // high or low; empty: high for P0 and P1, else low
	// Service is the PagerDuty service's ID; empty: the one named Muster, else
	// the first enabled one by name.
	Service string
	// Listen is told what people did in PagerDuty; nil: nobody is.
	Listen notify.Listener
	// Lost is told of an open page that PagerDuty took and does not have; nil:
	// nobody is. What it cannot record is told again.
	Lost func(ctx context.Context, o Open, why string) error
	// Foreign is given the webhooks about incidents that others opened; nil:
	// nobody is. What it cannot record comes again.
	Foreign func(ctx context.Context, body []byte) error
	// Origin tells which incident of ours came from one that others opened in
	// PagerDuty, as it was opened last before a moment; nil: none did.
	Origin func(ctx context.Context, id string, at time.Time) (incident string, ok bool)
	// Person finds who has a PagerDuty user ID; nil, or not found: the user's
	// e-mail address says who it is.
	Person func(id string) (incident.Person, bool)
	HTTP   *http.Client // nil: a plain one
	Log    *slog.Logger // nil: none
}

// Channel pages over PagerDuty. It is a notify.Channel and a notify.Follower;
// its methods may be called from several goroutines at once.
type Channel struct {
	cfg    Config
	client *sdk.Client
	users  *directory
	seen   *memory // answers that the listener took, and webhooks
	ours   *memory // what we did ourselves
	found  *memory // pages that PagerDuty has
	// refused lets the log have one line of many refusals alike.
	refused rate.Sometimes
}

var (
	_ notify.Channel  = (*Channel)(nil)
	_ notify.Follower = (*Channel)(nil)
)

// New checks the configuration and makes a Channel; it asks PagerDuty nothing.
func New(cfg Config) (*Channel, error) {
	if cfg.APIKey == "" && cfg.RoutingKey == "" && cfg.WebhookSecret == "" {
		return nil, errors.New("PagerDuty has neither an API key nor a routing key: set PAGERDUTY_API_KEY or PAGERDUTY_ROUTING_KEY")
	}
	switch cfg.Urgency {
	case "", "high", "low":
	default:
		return nil, errors.New("PagerDuty's urgency is neither high nor low: correct it in notification_channels")
	}
	cfg.APIURL = base(cfg.APIURL, DefaultAPIURL)
	cfg.EventsURL = base(cfg.EventsURL, DefaultEventsURL)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	web := http.Client{Timeout: callTimeout}
	if cfg.HTTP != nil {
		web = *cfg.HTTP
	}
	// The addresses are followed exactly: a redirect is an error, and the key
	// goes nowhere else.
	web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := sdk.NewClient(cfg.APIKey, sdk.WithAPIEndpoint(cfg.APIURL), sdk.WithV2EventsAPIEndpoint(cfg.EventsURL))
	client.HTTPClient = &web
	return &Channel{
		cfg: cfg, client: client, users: newDirectory(), seen: newMemory(), ours: newMemory(), found: newMemory(),
		refused: rate.Sometimes{First: 1, Interval: time.Minute},
	}, nil
}

func base(url, fallback string) string {
	if url == "" {
		url = fallback
	}
	return strings.TrimRight(url, "/")
}

// Deliver pages m.To. The receipt's Ref is the PagerDuty incident's ID, or the
// dedup key of an event. With maybeSent, and when PagerDuty has an open
// incident for the same key already, the page there is found and not doubled; a
// repeated page assigns the incident to the person anew, which notifies again.
func (c *Channel) Deliver(ctx context.Context, m notify.Message, maybeSent bool) (incident.Receipt, error) {
	if c.rest() {
		ref, err := c.assign(ctx, m, maybeSent)
		return receipt(ref), notify.Classified(err)
	}
	// An event with the same dedup_key joins the open alert: no need to look.
	ref, err := c.trigger(ctx, m)
	return receipt(ref), notify.Classified(err)
}

// rest tells whether pages are incidents that are assigned to a person.
func (c *Channel) rest() bool { return c.cfg.APIKey != "" }

// urgency of a page.
func (c *Channel) urgency(s incident.Severity) string {
	switch {
	case c.cfg.Urgency != "":
		return c.cfg.Urgency
	case s.Class() == incident.Critical:
		return "high"
	}
	return "low"
}
