package email

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/mail"

	"muster/incident"
	"muster/notify"
	"muster/outbox"
)

// Config is what a Channel needs. URL, From and Secret are required.
type Config struct {
	// URL is smtp://user:password@host:port: STARTTLS where the server offers
	// it, and never a password in the clear except to this machine. With
	// ?tls=required there is no mail without STARTTLS, with ?tls=none no
	// STARTTLS; smtps:// encrypts from the first byte. Certificates are checked.
	URL string
	// From is an address, or a name and an address: Muster <muster@example.com>.
	From string
	// Secret keys the Message-IDs. It must stay the same over restarts and
	// differ between installations.
	Secret []byte
	// Acks makes the links that acknowledge, where a message has none; nil:
	// mails have no such link.
	Acks *AckLinks
	// TLS is for connections; its ServerName is set. nil: the system's roots.
	TLS *tls.Config
	// Dial connects; nil: over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger // nil: none
}

// Channel pages by mail. It is a notify.Channel and a notify.Follower; its
// methods may be called from several goroutines at once. It must be closed.
type Channel struct {
	cfg     Config
	server  server
	from    mail.Address
	tls     *tls.Config
	flights *flights
}

var (
	_ notify.Channel  = (*Channel)(nil)
	_ notify.Follower = (*Channel)(nil)
)

// New checks the configuration and makes a Channel; it connects to nothing.
// Its errors never hold a password.
func New(cfg Config) (*Channel, error) {
	s, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return nil, errors.New("SMTP_FROM is not a mail address: write muster@example.com or Muster <muster@example.com>")
	}
	if err := CheckAddress(from.Address); err != nil {
		return nil, errors.New("SMTP_FROM: " + err.Error())
	}
	if len(cfg.Secret) == 0 {
		return nil, errors.New("the mail channel has no secret for its Message-IDs")
	}
	if from.Name = displayName(from.Name); from.Name == "" {
		from.Name = "Muster"
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Channel{cfg: cfg, server: s, from: *from, tls: &tls.Config{}}
	if cfg.TLS != nil {
		c.tls = cfg.TLS.Clone()
	}
	c.tls.ServerName, c.tls.MinVersion = s.host, max(c.tls.MinVersion, tls.VersionTLS12)
	c.flights = newFlights(c.carry)
	return c, nil
}

// Close ends the conversations that still go on and waits for them.
func (c *Channel) Close() error {
	c.flights.close()
	return nil
}

// Deliver mails the page to m.To. The receipt's Ref is the Message-ID.
func (c *Channel) Deliver(ctx context.Context, m notify.Message, _ bool) (incident.Receipt, error) {
	if err := CheckAddress(m.To.Email); err != nil {
		return incident.Receipt{}, outbox.PermanentError{Reason: err.Error() + "; correct it in oncall/rotation.yaml"}
	}
	if m.AckURL == "" && c.cfg.Acks != nil && m.Incident.Exists() {
		m.AckURL = c.cfg.Acks.URL(m.Incident.ID, m.Page)
	}
	return c.post(ctx, m.Delivery, c.pageMail(m))
}

// post brings one mail to the server, whatever became of earlier tries.
func (c *Channel) post(ctx context.Context, key string, e envelope) (incident.Receipt, error) {
	e.id = c.messageID(key)
	data, err := c.render(e)
	if err != nil {
		return incident.Receipt{}, outbox.PermanentError{Reason: "the mail cannot be written", Err: err}
	}
	if err := c.flights.take(ctx, parcel{key: key, id: e.id, to: e.to, data: data}); err != nil {
		return incident.Receipt{}, err
	}
	return incident.Receipt{Ref: "<" + e.id + ">"}, nil
}

// carry is one conversation that sends one mail. done is told what came of the
// mail as soon as that is known.
func (c *Channel) carry(ctx context.Context, p parcel, done func(error)) {
	t, err := c.open(ctx)
	if err != nil {
		done(classified(err))
		return
	}
	defer t.close()
	refused, err := t.send(p)
	if err == nil && refused != nil {
		c.cfg.Log.Warn("a mail was refused for some of its recipients", "recipients", len(p.to), "reason", refused.Error())
	}
	done(classified(err))
}

func classified(err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.classified()
	}
	return err
}

// Check connects, signs in and names the sender, and sends nothing. Its error
// is for whoever runs the doctor.
func (c *Channel) Check(ctx context.Context) error {
	t, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.client.Mail("<" + c.from.Address + ">"); err != nil {
		return failed(naming, err)
	}
	if err := t.client.Reset(); err != nil {
		return failed(naming, err)
	}
	return nil
}
