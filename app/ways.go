package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"muster/bot"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/notify/email"
	"muster/notify/pagerduty"
	"muster/notify/phone"
	"muster/store"
)

// checkWays looks at the ways to page that are configured, and at everybody who
// will be on call. It wakes nobody. A nil configuration has nobody in it; with
// a nil bot Slack is not asked.
func (q Question) checkWays(ctx context.Context, env config.Env, cfg *config.Config, b *bot.Bot, data string) []Check {
	var out []Check
	add := func(name, good string, err error) {
		c := Check{Name: name, OK: err == nil, Detail: good}
		if err != nil {
			c.Detail = err.Error()
		}
		out = append(out, c)
	}
	s, note := sweep{cfg: cfg, now: q.at(), bot: b}, ""
	var found []Finding
	if cfg != nil {
		var err error
		if note, err = s.remember(ctx, data, hasPhone(env)); err != nil {
			add("on call", "", err)
		}
		found = s.run(ctx)
	}
	if hasPagerDuty(env) {
		c, err := newPagerDuty(env)
		if err != nil {
			add("pagerduty", "", err)
		} else {
			for _, f := range c.Check(ctx, paged(s.duties())...) {
				out = append(out, Check{Name: "pagerduty", OK: !f.Bad, Detail: f.Text})
			}
		}
	}
	if hasPhone(env) {
		c, err := phone.New(phone.Config{
			AccountSID: env.TwilioAccountSID, AuthToken: env.TwilioAuthToken.Reveal(), From: env.TwilioFrom, APIURL: env.TwilioAPIURL,
			Public: env.MusterPublicURL,
		})
		if err == nil {
			err = c.Check(ctx)
		}
		add("phone", "Twilio lets TWILIO_FROM call", err)
	}
	if hasEmail(env) {
		add("email", "the mail server takes mail from SMTP_FROM", checkEmail(ctx, env))
	}
	for _, f := range found {
		out = append(out, Check{Name: "on call", Detail: f.String()})
	}
	switch {
	case cfg == nil || len(found) > 0:
	case b == nil && !hasPagerDuty(env) && !hasPhone(env) && !hasEmail(env):
		add("on call", "", errors.New("nobody can be reached: Slack does not work, and neither PagerDuty, nor phone, nor e-mail is set up"))
	case b == nil:
		add("on call", "nothing is missing for those who are on call in the next 14 days; Slack was not asked about them"+note, nil)
	default:
		add("on call", "everybody who is on call in the next 14 days can be reached"+note, nil)
	}
	return out
}

func newPagerDuty(env config.Env) (*pagerduty.Channel, error) {
	return pagerduty.New(pagerduty.Config{
		APIKey: env.PagerDutyAPIKey.Reveal(), RoutingKey: env.PagerDutyRoutingKey.Reveal(), From: env.PagerDutyFrom,
		APIURL: env.PagerDutyAPIURL, EventsURL: env.PagerDutyEventsURL,
	})
}

func checkEmail(ctx context.Context, env config.Env) error {
	c, err := email.New(email.Config{URL: env.SMTPURL.Reveal(), From: env.SMTPFrom, Secret: []byte("nothing is sent")})
	if err != nil {
		return err
	}
	return errors.Join(c.Check(ctx), c.Close())
}

// remember reads from a data file the overrides and, with phones, when phones
// were tested. While the program holds the file they stay unknown; note says so.
func (s *sweep) remember(ctx context.Context, data string, phones bool) (note string, err error) {
	r := &roster{}
	switch busy, err := r.overridesFrom(ctx, data); {
	case err != nil:
		return "", err
	case busy != "":
		return " (without overrides and test pages, which the running program holds; it looks at them itself every night)", nil
	}
	s.overrides = r.Overrides()
	if !phones || !exists(data) {
		return "", nil
	}
	file, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion, Timeout: 200 * time.Millisecond})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	at := map[string]time.Time{}
	for _, d := range s.duties() {
		all, err := tests(file, d.Person())
		if err != nil {
			return "", err
		}
		at[d.Person().Key] = all["phone"]
	}
	s.tested = func(who incident.Person) (time.Time, error) { return at[who.Key], nil }
	return "", nil
}

// ImportPagerDuty writes PagerDuty's schedules as oncall/rotation.yaml to out,
// and what a rota cannot express to notes.
func ImportPagerDuty(ctx context.Context, env func(string) (string, bool), out, notes io.Writer) error {
	settings, err := config.LoadEnv(env)
	if err != nil {
		return err
	}
	if !settings.PagerDutyAPIKey.IsSet() {
		return errors.New("PAGERDUTY_API_KEY is not set: set it to a key of PagerDuty's REST API that may read schedules and users")
	}
	c, err := newPagerDuty(settings)
	if err != nil {
		return err
	}
	text, said, err := c.ImportSchedules(ctx)
	if err != nil {
		return err
	}
	for _, n := range said {
		if _, err := fmt.Fprintln(notes, "note:", n); err != nil {
			return err
		}
	}
	_, err = out.Write(text)
	return err
}
