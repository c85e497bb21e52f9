package phone

import (
	"context"
	"crypto/cipher"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/outbox"
)

// DefaultAPIURL is Twilio's public address, for an empty Config.APIURL.
const DefaultAPIURL = "https://api.twilio.com"

// Root is the path below which Handler answers, seen from the public address.
const Root = "/v1/twilio/"

const (
	// callTimeout bounds one request; the caller's context may end it earlier.
	callTimeout = 10 * time.Second
	// ringFor is how long the phone rings, in seconds; a mailbox mostly picks up before.
	ringFor = 45
)

// Config is what a Channel needs. AccountSID, AuthToken and From are required.
type Config struct {
	AccountSID string
	AuthToken  string
	From       string // E.164, a number of the account
	APIURL     string // empty: DefaultAPIURL
	// Public is the address under which Twilio reaches Handler, without a path
	// of Handler's own and as Twilio sees it; empty: there is none, and no
	// answer can come back.
	Public string
	// NoText leaves the text message after the call out.
	NoText bool
	// Listen is told what people answer; nil: no key and no text is taken.
	Listen notify.Listener
	// Who finds the person with a phone number (E.164), for text messages that
	// come in; nil, or not found: only who was called since the start is known.
	Who func(number string) (incident.Person, bool)
	// Told is told what becomes of a call after Twilio took it; nil: nobody is.
	Told func(ctx context.Context, p Progress)
	// Now is the time of answers; nil: time.Now.
	Now  func() time.Time
	HTTP *http.Client // nil: a plain one
	Log  *slog.Logger // nil: none
}

// Progress is what became of a call. It needs a public address.
type Progress struct {
	Incident string
	Attempt  int
	Person   incident.Person
	Ref      string // the call's SID
	// State is Twilio's word: initiated, ringing, in-progress, completed, busy,
	// no-answer, failed or canceled.
	State string
	// AnsweredBy is human, unknown, fax or a word that begins with machine;
	// empty: nobody picked up, or it is not known yet.
	AnsweredBy string
	At         time.Time
}

// Channel calls people over Twilio. Its methods may be called from several
// goroutines at once.
type Channel struct {
	cfg   Config
	web   http.Client
	seal  cipher.AEAD
	known *memory
	texts chan text
}

var _ notify.Channel = (*Channel)(nil)

// New checks the configuration and makes a Channel; it asks Twilio nothing.
func New(cfg Config) (*Channel, error) {
	switch {
	case cfg.AccountSID == "":
		return nil, errors.New("the phone has no Twilio account: set TWILIO_ACCOUNT_SID")
	case cfg.AuthToken == "":
		return nil, errors.New("the phone has no key to the Twilio account: set TWILIO_AUTH_TOKEN")
	case cfg.From == "":
		return nil, errors.New("the phone has no number to call from: set TWILIO_FROM")
	}
	cfg.APIURL = strings.TrimRight(cfg.APIURL, "/")
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	cfg.Public = strings.TrimRight(cfg.Public, "/")
	if u, err := url.Parse(cfg.Public); err != nil || cfg.Public != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "") {
		return nil, errors.New("the public address is not an http or https URL: correct MUSTER_PUBLIC_URL")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	web := http.Client{Timeout: callTimeout}
	if cfg.HTTP != nil {
		web = *cfg.HTTP
	}
	// The address is followed exactly: a redirect is an error, and the key goes
	// nowhere else.
	web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	seal, err := newSeal(cfg.AuthToken)
	if err != nil {
		return nil, err
	}
	return &Channel{cfg: cfg, web: web, seal: seal, known: newMemory(), texts: make(chan text, 256)}, nil
}

// Deliver calls m.To; the receipt names the call. With maybeSent the account's
// newest calls are looked at first, and a call that can be this one is taken
// for it. Config.Public says whether keys can be answered, not m.Public.
func (c *Channel) Deliver(ctx context.Context, m notify.Message, maybeSent bool) (incident.Receipt, error) {
	if m.To.Phone == "" {
		return incident.Receipt{}, outbox.PermanentError{Reason: "there is no phone number; add phone: in oncall/rotation.yaml"}
	}
	if sid := c.known.call(m.Delivery); sid != "" {
		return receipt(sid), nil
	}
	if maybeSent || c.known.doubtful(m.Delivery) {
		sid, err := c.look(ctx, m)
		if err != nil {
			return incident.Receipt{}, notify.Classified(err)
		}
		if sid != "" {
			c.cfg.Log.Info("a call was found again", "incident", m.Incident.ID, "call", sid)
			return receipt(sid), nil
		}
	}
	sid, err := c.place(ctx, m)
	if err != nil {
		return incident.Receipt{}, notify.Classified(err)
	}
	c.follow(m)
	return receipt(sid), nil
}

// place makes the call.
func (c *Channel) place(ctx context.Context, m notify.Message) (string, error) {
	p := pageOf(m)
	form := url.Values{"To": {m.To.Phone}, "From": {c.cfg.From}, "Timeout": {strconv.Itoa(ringFor)}}
	if c.cfg.Public == "" {
		form.Set("Twiml", inline(p))
	} else {
		word, err := c.sealed(p, m.Delivery)
		if err != nil {
			return "", err
		}
		form.Set("Url", c.address("voice", word))
		form.Set("StatusCallback", c.address("status", word))
		form["StatusCallbackEvent"] = []string{"initiated", "ringing", "answered", "completed"}
		// In the background, so that a person who picks up hears something at once.
		form.Set("MachineDetection", "Enable")
		form.Set("AsyncAmd", "true")
		form.Set("AsyncAmdStatusCallback", c.address("status", word))
	}
	done := c.known.begin(m.Delivery, m.To.Phone)
	var made struct {
		SID string `json:"sid"`
	}
	f := c.post(ctx, "call", "/Calls.json", form, &made)
	if f == nil && made.SID == "" {
		f = lost("call", true, "the answer names no call")
	}
	done(made.SID, f)
	if f != nil {
		return "", f
	}
	return made.SID, nil
}

// address of one of our inlets, with a sealed word.
func (c *Channel) address(inlet, word string) string {
	return c.cfg.Public + Root + inlet + "?" + url.Values{"p": {word}}.Encode()
}

// receipt carries the call's SID.
func receipt(sid string) incident.Receipt { return incident.Receipt{Ref: sid} }
