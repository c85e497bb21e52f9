package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"muster/config"
	"muster/incident"
	"muster/notify"
	"muster/notify/email"
	"muster/notify/pagerduty"
	"muster/notify/phone"
	"muster/outbox"
)

// channels are the ways to page besides Slack. A nil one is not configured.
type channels struct {
	pagerduty *pagerduty.Channel
	webhooks  *pagerduty.Channel // takes PagerDuty's; it may be one that cannot page
	phone     *phone.Channel
	email     *email.Channel
	acks      *email.AckLinks
}

// errSetup is a channel that is set up by half.
var errSetup = errors.New("a channel cannot be used")

// notifiers says, by method, why nothing can be sent over it.
func notifiers(env config.Env) map[string]string {
	out := map[string]string{}
	for method, has := range map[string]bool{"pagerduty": hasPagerDuty(env), "phone": hasPhone(env), "email": hasEmail(env)} {
		if !has {
			out[method] = "not configured"
		}
	}
	return out
}

func hasPagerDuty(env config.Env) bool {
	return env.PagerDutyAPIKey.IsSet() || env.PagerDutyRoutingKey.IsSet()
}

func hasPhone(env config.Env) bool {
	return env.TwilioAccountSID != "" && env.TwilioAuthToken.IsSet() && env.TwilioFrom != ""
}

func hasEmail(env config.Env) bool { return env.SMTPURL.IsSet() && env.SMTPFrom != "" }

// parts are what the channels run beside their deliveries.
func (c channels) parts(p *Program) []*part {
	var out []*part
	if c.phone != nil {
		out = append(out, &part{name: "phone", run: untilDone(c.phone.Run)})
	}
	if c.pagerduty != nil && p.opt.Env.PagerDutyAPIKey.IsSet() {
		out = append(out, &part{name: "pagerduty", run: untilDone(pagerduty.Watcher{Channel: c.pagerduty, Open: p.openPages}.Run)})
	}
	if c.pagerduty != nil {
		out = append(out, &part{name: "test pages", run: p.endTests})
	}
	return out
}

// untilDone takes the end of the context for what it is.
func untilDone(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	}
}

// close ends the conversations that still go on.
func (c channels) close(log *slog.Logger) {
	if c.email == nil {
		return
	}
	if err := c.email.Close(); err != nil {
		log.Warn("the mail channel ended badly", "error", err)
	}
}

// newChannels makes what the environment configures.
func (p *Program) newChannels() (c channels, err error) {
	env := p.opt.Env
	if hasPagerDuty(env) || env.PagerDutyWebhookSecret.IsSet() {
		c.webhooks, err = pagerduty.New(pagerduty.Config{
			APIKey: env.PagerDutyAPIKey.Reveal(), RoutingKey: env.PagerDutyRoutingKey.Reveal(), From: env.PagerDutyFrom,
			APIURL: env.PagerDutyAPIURL, EventsURL: env.PagerDutyEventsURL, WebhookSecret: env.PagerDutyWebhookSecret.Reveal(),
			Urgency: urgency(p.opt.Live.Get()), Listen: p.answer, Foreign: p.foreign, Origin: p.origin, Lost: p.lostPage, Person: p.byPagerDuty, HTTP: p.opt.HTTP, Log: p.log,
		})
		if err != nil {
			return c, fmt.Errorf("%w: PagerDuty: %w", errSetup, err)
		}
	}
	if hasPagerDuty(env) {
		c.pagerduty = c.webhooks
	}
	if hasPhone(env) {
		c.phone, err = phone.New(phone.Config{
			AccountSID: env.TwilioAccountSID, AuthToken: env.TwilioAuthToken.Reveal(), From: env.TwilioFrom, APIURL: env.TwilioAPIURL,
			Public: env.MusterPublicURL, Listen: p.answer, Who: p.byPhone, Told: p.heard, Now: p.now, HTTP: p.opt.HTTP, Log: p.log,
		})
		if err != nil {
			return c, fmt.Errorf("%w: phone: %w", errSetup, err)
		}
	}
	if hasEmail(env) {
		if err := p.newEmail(&c); err != nil {
			return c, fmt.Errorf("%w: e-mail: %w", errSetup, err)
		}
	}
	return c, nil
}

func (p *Program) newEmail(c *channels) error {
	env := p.opt.Env
	secret, err := p.secret()
	if err != nil {
		return err
	}
	if env.MusterPublicURL != "" {
		c.acks, err = email.NewAckLinks(email.AckConfig{
			Secret: secret, Public: env.MusterPublicURL, Listen: p.answer, Find: p.outside, Now: p.now, Log: p.log,
		})
		if err != nil {
			return err
		}
	}
	c.email, err = email.New(email.Config{URL: env.SMTPURL.Reveal(), From: env.SMTPFrom, Secret: secret, Acks: c.acks, Dial: p.opt.MailDial, Log: p.log})
	return err
}

// secret seals links. It is made once for an installation and kept with its
// data.
func (p *Program) secret() ([]byte, error) {
	const name = "links"
	secret, found, err := p.store.Get(name)
	if err != nil || found {
		return secret, err
	}
	secret = make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return secret, p.store.Put(context.Background(), name, secret)
}

// urgency is the one of the critical class's PagerDuty entry; empty: by
// severity.
func urgency(cfg *config.Config) string {
	for _, c := range cfg.Notify[incident.Critical] {
		if c.Type == "pagerduty" {
			return c.Urgency
		}
	}
	return ""
}

// of gives the channel of a method; false: it is not configured.
func (c channels) of(method string) (notify.Channel, bool) {
	switch {
	case method == "pagerduty" && c.pagerduty != nil:
		return c.pagerduty, true
	case method == "phone" && c.phone != nil:
		return c.phone, true
	case method == "email" && c.email != nil:
		return c.email, true
	}
	return nil, false
}

// page wakes a person over one of the channels.
func (p *Program) page(ctx context.Context, d outbox.Delivery, e incident.Page, maybeSent bool) ([]byte, error) {
	channel, ok := p.channels.of(e.Method)
	if !ok {
		return nil, outbox.PermanentError{Reason: "not configured"}
	}
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	if s.Circle.Private {
		s, e.Reason = s.Outside(), ""
	}
	m := notify.Message{
		Delivery: d.ID, Dedup: s.ID + "/" + e.Level + "/" + e.Person.Key, Incident: s, Page: e, To: p.contact(e.Person),
		Link: p.bot.Link(s.Card), Public: p.opt.Env.MusterPublicURL, Now: p.now(),
	}
	if p.channels.acks != nil {
		m.AckURL = p.channels.acks.URL(s.ID, e)
	}
	receipt, err := channel.Deliver(ctx, m, maybeSent)
	if err != nil {
		return nil, err
	}
	return json.Marshal(receipt)
}

// outside gives an incident as it may be shown where others read along.
func (p *Program) outside(ctx context.Context, id string) (incident.Incident, error) {
	s, err := p.incidents.State(ctx, id)
	return s.Outside(), err
}

// announceByMail tells a class's addresses, or whoever is on call.
func (p *Program) announceByMail(ctx context.Context, d outbox.Delivery, e incident.Notify, maybeSent bool) ([]byte, error) {
	if p.channels.email == nil {
		return nil, outbox.PermanentError{Reason: "not configured"}
	}
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	var to []string
	for _, address := range strings.Split(e.Channel.Mail, ",") {
		if address != "" {
			to = append(to, address)
		}
	}
	if len(to) == 0 {
		if address := p.contact(s.OnCall).Email; address != "" {
			to = []string{address}
		}
	}
	if len(to) == 0 {
		return nil, outbox.PermanentError{Reason: "nobody on call has a mail address"}
	}
	_, err = p.channels.email.Announce(ctx, email.Announcement{
		Delivery: d.ID, To: to, Incident: s, Link: p.bot.Link(s.Card), Now: p.now(),
	}, maybeSent)
	return nil, err
}

func (p *Program) contact(who incident.Person) notify.Contact {
	m, _ := p.roster.Schedule().Member(who)
	return notify.Contact{Person: m.Person(), Email: m.Email, Phone: m.Phone, PagerDuty: m.PagerDuty, Zone: m.Zone}
}

// follow tells a channel that paged what became of the incident.
func (p *Program) follow(ctx context.Context, d outbox.Delivery, e incident.Follow, maybeSent bool) error {
	channel, ok := p.channels.of(e.Method)
	if !ok {
		return outbox.PermanentError{Reason: "not configured"}
	}
	follower, ok := channel.(notify.Follower)
	if !ok {
		return nil
	}
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	history, err := p.incidents.History(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	r, ok := meant(history, e)
	if !ok {
		return nil
	}
	refs := s.Refs(e.Method)
	quiet := answered(s, e.Method)
	if ack, ok := r.Event.(incident.Acknowledged); ok {
		refs = append(stopped(s, e.Method, ack.By), s.Origins(e.Method)...)
	}
	if s.Circle.Private {
		pages := s.Climb.Pages // whom to tell
		s = s.Outside()
		s.Climb.Pages = pages
		if r, ok = incident.OutsideRecord(r); !ok {
			return nil
		}
	}
	return follower.Follow(ctx, notify.Follow{
		Delivery: d.ID, Incident: s, Refs: refs, Quiet: quiet, Record: r, Now: p.now(),
	}, maybeSent)
}

// answered are the pages that the acknowledgements that hold have answered.
func answered(s incident.Incident, method string) []string {
	newest := map[string]int{}
	for _, page := range s.Climb.Pages {
		for _, m := range page.Methods {
			if m.Method == method {
				newest[m.Ref] = page.Attempt
			}
		}
	}
	var out []string
	for _, ack := range s.Acks {
		for _, ref := range stopped(s, method, ack.By) {
			if newest[ref] <= ack.Pages && !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	return out
}

// stopped are the pages that an acknowledgement stops: the person's own, and
// those of the levels that any acknowledgement stops. A level that asks "is it
// resolved?" goes on asking.
func stopped(s incident.Incident, method string, by incident.Person) []string {
	var out []string
	for _, page := range s.Climb.Pages {
		l, known := s.Level(page.Level)
		if !page.Person.Is(by) && (!known || l.Until != incident.UntilAcknowledged) {
			continue
		}
		for _, m := range page.Methods {
			if m.Method == method && m.Ref != "" && !slices.Contains(out, m.Ref) {
				out = append(out, m.Ref)
			}
		}
	}
	return out
}

// meant finds the record that a follower is told of. A page that arrived after
// the answer is told the answer.
func meant(history []incident.Record, e incident.Follow) (out incident.Record, ok bool) {
	for _, r := range history {
		switch r.Event.(type) {
		case incident.PageSettled:
		case incident.Acknowledged, incident.ResolvedEvent:
			if e.What == incident.EventKind(incident.PageSettled{}) {
				out, ok = r, true
			}
		}
		if r.Seq == e.Seq && e.What != incident.EventKind(incident.PageSettled{}) {
			return r, true
		}
	}
	return out, ok
}

// mount adds what the providers call.
func (c channels) mount(mux *http.ServeMux) {
	if c.webhooks != nil {
		mux.Handle("/v1/webhooks/pagerduty", c.webhooks.Webhook())
	} else {
		mux.HandleFunc("/v1/webhooks/pagerduty", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, pagerduty.NoSecret, http.StatusForbidden)
		})
	}
	if c.phone != nil {
		mux.Handle(phone.Root, c.phone.Handler())
	}
	if c.acks != nil {
		mux.Handle(email.AckPath, c.acks)
	}
}
