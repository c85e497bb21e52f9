package email

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"muster/incident"
	"muster/notify"
)

// AckPath is where the pages of AckLinks live, below the public address.
const AckPath = "/ack/"

// ackLifetime is how long a link can be used: longer than an incident stays
// without an answer, shorter than a mailbox keeps its mail.
const ackLifetime = 24 * time.Hour

// AckConfig is what AckLinks need. All fields without a default are required.
type AckConfig struct {
	// Secret seals the links. It must stay the same over restarts, or links in
	// mails that were sent stop working.
	Secret []byte
	// Public is the address people reach us by, with or without a slash.
	Public string
	// Listen records an acknowledgement. A repeated notify.Answer.Key must
	// change nothing: that is what makes a link count once.
	Listen notify.Listener
	// Find gives an incident as it is now, for the words on the page; nil: the
	// page knows only what the link says. An error means "cannot tell now".
	Find func(ctx context.Context, id string) (incident.Incident, error)
	// Lifetime of a link after its page; zero: a day.
	Lifetime time.Duration
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: none
}

// AckLinks makes the links that acknowledge, and is the http.Handler of the
// pages that they open, to be mounted at AckPath. A link is for one incident,
// one page and one person, is sealed so that nobody can read or make one,
// and ends by itself. Opening it changes nothing: mail scanners and previews do
// that too.
type AckLinks struct {
	cfg  AckConfig
	seal cipher.AEAD
}

// NewAckLinks checks the configuration.
func NewAckLinks(cfg AckConfig) (*AckLinks, error) {
	switch {
	case len(cfg.Secret) < 16:
		return nil, errors.New("the secret for acknowledge links has less than 16 bytes")
	case !strings.HasPrefix(cfg.Public, "https://") && !strings.HasPrefix(cfg.Public, "http://"):
		return nil, errors.New("MUSTER_PUBLIC_URL begins with neither https:// nor http://")
	case cfg.Listen == nil:
		return nil, errors.New("nobody listens to acknowledge links")
	}
	if cfg.Lifetime <= 0 {
		cfg.Lifetime = ackLifetime
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Public = strings.TrimRight(cfg.Public, "/")
	block, err := aes.NewCipher(derived(cfg.Secret, "acknowledge link"))
	if err != nil {
		return nil, fmt.Errorf("seal acknowledge links: %w", err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal acknowledge links: %w", err)
	}
	return &AckLinks{cfg: cfg, seal: seal}, nil
}

// derived makes a key for one purpose out of the secret.
func derived(secret []byte, purpose string, more ...byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("muster " + purpose + "\x00"))
	mac.Write(more)
	return mac.Sum(nil)
}

// claim is what a link says.
type claim struct {
	Incident string `json:"i"`
	Attempt  int    `json:"a"`
	Level    string `json:"l,omitempty"`
	Key      string `json:"k"` // the person
	Name     string `json:"n,omitempty"`
	Until    int64  `json:"u"` // Unix seconds
}

func (c claim) person() incident.Person { return incident.Person{Key: c.Key, Name: c.Name} }

// URL is the link for a page. The same page has the same link, whenever it is
// asked for.
func (a *AckLinks) URL(id string, p incident.Page) string {
	return a.cfg.Public + AckPath + a.token(claim{
		Incident: id, Attempt: p.Attempt, Level: p.Level, Key: p.Person.Key, Name: cut(plainLine(p.Person.Name), 80),
		Until: p.At.Add(a.cfg.Lifetime).Unix(),
	})
}

// token seals a claim. The nonce follows from the content, so that the same
// claim gives the same token, and two claims never share one.
func (a *AckLinks) token(c claim) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	nonce := derived(a.cfg.Secret, "acknowledge nonce", text...)[:a.seal.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(a.seal.Seal(nonce, nonce, text, nil))
}

// open reads a token; ok is false for one that we did not make.
func (a *AckLinks) open(token string) (c claim, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder overlooks line ends: the same link must not have two names.
	if err != nil || len(raw) < a.seal.NonceSize() || base64.RawURLEncoding.EncodeToString(raw) != token {
		return claim{}, false
	}
	nonce, sealed := raw[:a.seal.NonceSize()], raw[a.seal.NonceSize():]
	text, err := a.seal.Open(nil, nonce, sealed, nil)
	if err != nil || json.Unmarshal(text, &c) != nil {
		return claim{}, false
	}
	return c, true
}

// answerKey names the answer that a link gives, so that it counts once.
func answerKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "email:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// proof shows that a form came from a page of ours.
func (a *AckLinks) proof(token string) string {
	return base64.RawURLEncoding.EncodeToString(derived(a.cfg.Secret, "acknowledge form", []byte(token)...)[:16])
}
