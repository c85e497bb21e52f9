package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"muster/config"
	"muster/escalation/rota"
	"muster/workspace"
	"muster/workspace/inbox"
	"muster/workspace/pagerduty"
	"muster/workspace/twilio"
)

// standIns are the demo's pager, telephones and mail boxes: servers on this
// machine to which the program speaks as to the real ones. What arrives is
// shown to the person in the browser, who can answer there.
type standIns struct {
	schedule  rota.Schedule
	secret    string               // of PagerDuty's webhooks
	ws        *workspace.Workspace // set before anything is paged
	pagerduty *pagerduty.PagerDuty
	twilio    *twilio.Server
	inbox     *inbox.Inbox
	pager     net.Listener
	phones    net.Listener
	mail      net.Listener
}

// ringFor is how long the demo's telephones ring, in real time.
const ringFor = 12 * time.Second

// pagerCall begins the ID of what the pager shows among the calls.
const pagerCall = "pager:"

// newStandIns listens on this machine; public is where the program answers.
func newStandIns(cfg *config.Config, public string, now func() time.Time) (*standIns, error) {
	s := &standIns{schedule: cfg.Schedule, secret: key()}
	for _, ln := range []*net.Listener{&s.pager, &s.phones, &s.mail} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen for the demo's pager, phones and mail: %w", err), s.close())
		}
		*ln = l
	}
	users := []pagerduty.User{{ID: "PMUSTER", Name: "Muster", Email: "muster@example.com"}}
	for i, m := range cfg.Schedule.Members() {
		id := m.PagerDuty
		if id == "" {
			id = fmt.Sprintf("PDEMO%d", i+1)
		}
		users = append(users, pagerduty.User{ID: id, Name: m.Name, Email: m.Email})
	}
	s.pagerduty = pagerduty.New(pagerduty.Config{
		Users: users, WebhookURL: public + "/v1/webhooks/pagerduty", WebhookSecret: s.secret, Notify: s.paged, Now: now,
	})
	s.twilio = twilio.New(twilio.Config{SMSURL: public + "/v1/twilio/sms", Now: now, RingFor: ringFor, Ring: s.rings, Texted: s.texted})
	s.inbox = inbox.New(inbox.Config{Notify: s.mailed, Now: now})
	return s, nil
}

// key makes a secret for this demo only.
func key() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// env is what the program is told, so that it speaks to the stand-ins.
func (s *standIns) env(env config.Env, public string) config.Env {
	env.MusterPublicURL = public
	env.PagerDutyAPIKey, env.PagerDutyFrom = config.NewSecret("demo"), "muster@example.com"
	env.PagerDutyAPIURL, env.PagerDutyEventsURL = "http://"+s.pager.Addr().String(), "http://"+s.pager.Addr().String()
	env.PagerDutyWebhookSecret = config.NewSecret(s.secret)
	env.TwilioAccountSID, env.TwilioAuthToken = s.twilio.AccountSID(), config.NewSecret(s.twilio.AuthToken())
	env.TwilioFrom, env.TwilioAPIURL = s.twilio.Number(), "http://"+s.phones.Addr().String()
	env.SMTPURL, env.SMTPFrom = config.NewSecret("smtp://"+s.mail.Addr().String()), "Muster <muster@example.com>"
	return env
}

// run serves until the context ends, and waits for what it began.
func (s *standIns) run(ctx context.Context) error {
	failed := make(chan error, 4)
	go func() { failed <- s.pagerduty.Run(ctx) }()
	go func() { failed <- s.inbox.Serve(ctx, s.mail) }()
	for _, h := range []struct {
		ln      net.Listener
		handler http.Handler
	}{{s.pager, s.pagerduty.Handler()}, {s.phones, s.twilio.Handler()}} {
		server := &http.Server{Handler: h.handler, ReadHeaderTimeout: 5 * time.Second}
		context.AfterFunc(ctx, func() { _ = server.Close() })
		go func() { failed <- server.Serve(h.ln) }()
	}
	var err error
	for range cap(failed) {
		if e := <-failed; e != nil && ctx.Err() == nil {
			err = errors.Join(err, e)
		}
	}
	s.twilio.Close()
	return err
}

func (s *standIns) close() error {
	var err error
	for _, ln := range []net.Listener{s.pager, s.phones, s.mail} {
		if ln != nil {
			err = errors.Join(err, ln.Close())
		}
	}
	return err
}

// tell shows an event to the person with an e-mail address.
func (s *standIns) tell(kind, address string, event map[string]any) {
	if m, ok := s.schedule.Find(address); ok {
		// Somebody who is not in the workspace has no page to show it on.
		_ = s.ws.Tell(kind, event, handle(m))
	}
}

// paged shows PagerDuty's notification.
func (s *standIns) paged(n pagerduty.Notification) {
	s.tell("call", n.User.Email, map[string]any{"call": map[string]any{
		"id": pagerCall + n.User.ID + ":" + n.Incident.ID, "title": "PagerDuty: " + n.Incident.Title, "from": "PagerDuty", "state": "ringing",
		"keys": []map[string]any{{"digit": "1", "label": "Acknowledge"}, {"digit": "2", "label": "Resolve"}},
	}})
}

// rings shows a telephone call at every change.
func (s *standIns) rings(c twilio.Call) {
	for _, m := range s.schedule.Members() {
		if m.Phone == c.To {
			s.tell("call", m.Email, c.Event(m.Name))
		}
	}
}

// texted shows a text message among the mails.
func (s *standIns) texted(t twilio.Message) {
	for _, m := range s.schedule.Members() {
		if m.Phone == t.To {
			s.tell("mail", m.Email, map[string]any{"mail": map[string]any{
				"id": t.SID, "to": m.Email, "from": "Text message", "subject": "Text message", "text": t.Body, "ts": float64(t.Created.Unix()),
			}})
		}
	}
}

// mailed shows a mail.
func (s *standIns) mailed(m inbox.Mail) {
	s.tell("mail", m.To, map[string]any{"mail": m})
}

// press is a key that somebody presses in the browser.
func (s *standIns) press(callID, digit string) error {
	rest, ok := strings.CutPrefix(callID, pagerCall)
	if !ok {
		return s.twilio.Press(callID, digit)
	}
	user, id, _ := strings.Cut(rest, ":")
	act := s.pagerduty.Acknowledge
	if digit == "2" {
		act = s.pagerduty.Resolve
	}
	return act(user, id)
}
