package config

import (
	"net/mail"
	"net/url"
	"strings"
)

// Env is the settings of the environment. Empty: not set, and what needs it is
// not configured.
type Env struct {
	SlackBotToken Secret // xoxb-…
	SlackAppToken Secret // xapp-…
	SlackAPIURL   string // ends in a slash

	PagerDutyAPIKey        Secret
	PagerDutyRoutingKey    Secret
	PagerDutyFrom          string // a PagerDuty user's e-mail address
	PagerDutyAPIURL        string
	PagerDutyEventsURL     string
	PagerDutyWebhookSecret Secret

	TwilioAccountSID string
	TwilioAuthToken  Secret
	TwilioFrom       string // E.164
	TwilioAPIURL     string

	SMTPURL  Secret // smtp://user:pass@host:port
	SMTPFrom string // an address, or a name and an address: Muster <muster@example.com>

	PrometheusURL   string
	AlertmanagerURL string
	LokiURL         string
	GrafanaURL      string
	Kubeconfig      string

	MusterURL        string
	MusterAPIToken   Secret
	MusterPublicURL  string
	MusterDeadmanURL Secret // knowing it is enough to use it
}

// What stands in for base URLs that are not set. Unlike these, one that is set
// is followed exactly.
const (
	DefaultSlackAPIURL        = "https://slack.com/api/"
	DefaultPagerDutyAPIURL    = "https://api.pagerduty.com"
	DefaultPagerDutyEventsURL = "https://events.pagerduty.com"
	DefaultTwilioAPIURL       = "https://api.twilio.com"
	DefaultMusterURL          = "http://127.0.0.1:8080"
)

// LoadEnv reads the settings of the environment. An error is of type Problems;
// no message repeats a secret.
func LoadEnv(env func(string) (string, bool)) (Env, error) {
	var e Env
	l := envLoader{env: env}
	for name, to := range map[string]*Secret{
		"SLACK_BOT_TOKEN": &e.SlackBotToken, "SLACK_APP_TOKEN": &e.SlackAppToken,
		"PAGERDUTY_API_KEY": &e.PagerDutyAPIKey, "PAGERDUTY_ROUTING_KEY": &e.PagerDutyRoutingKey,
		"PAGERDUTY_WEBHOOK_SECRET": &e.PagerDutyWebhookSecret, "TWILIO_AUTH_TOKEN": &e.TwilioAuthToken,
		"SMTP_URL": &e.SMTPURL, "MUSTER_API_TOKEN": &e.MusterAPIToken, "MUSTER_DEADMAN_URL": &e.MusterDeadmanURL,
	} {
		*to = NewSecret(l.get(name))
	}
	for name, to := range map[string]*string{
		"PAGERDUTY_FROM": &e.PagerDutyFrom, "TWILIO_ACCOUNT_SID": &e.TwilioAccountSID, "SMTP_FROM": &e.SMTPFrom,
		"KUBECONFIG": &e.Kubeconfig,
	} {
		*to = l.get(name)
	}
	l.prefix("SLACK_BOT_TOKEN", e.SlackBotToken, "xoxb-")
	l.prefix("SLACK_APP_TOKEN", e.SlackAppToken, "xapp-")
	l.together("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
	l.together("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")

	e.SlackAPIURL = l.base("SLACK_API_URL", DefaultSlackAPIURL)
	if !strings.HasSuffix(e.SlackAPIURL, "/") {
		e.SlackAPIURL += "/"
	}
	e.PagerDutyAPIURL = l.base("PAGERDUTY_API_URL", DefaultPagerDutyAPIURL)
	e.PagerDutyEventsURL = l.base("PAGERDUTY_EVENTS_URL", DefaultPagerDutyEventsURL)
	e.TwilioAPIURL = l.base("TWILIO_API_URL", DefaultTwilioAPIURL)
	e.PrometheusURL = l.base("PROMETHEUS_URL", "")
	e.AlertmanagerURL = l.base("ALERTMANAGER_URL", "")
	e.LokiURL = l.base("LOKI_URL", "")
	e.GrafanaURL = l.base("GRAFANA_URL", "")
	e.MusterURL = l.base("MUSTER_URL", DefaultMusterURL)
	e.MusterPublicURL = l.base("MUSTER_PUBLIC_URL", "")
	l.address("MUSTER_DEADMAN_URL", e.MusterDeadmanURL.Reveal(), "https://example.com/heartbeat", "http", "https")
	l.address("SMTP_URL", e.SMTPURL.Reveal(), "smtp://user:password@host:587", "smtp", "smtps")

	if from := l.get("TWILIO_FROM"); from != "" {
		number, err := ParsePhone(from)
		if err != nil {
			l.problems.add(inEnvironment, 0, "TWILIO_FROM %s; write it with its country code, such as +1-202-555-0101", err)
		}
		e.TwilioFrom = number
	}
	if _, err := ParseEmail(e.PagerDutyFrom); e.PagerDutyFrom != "" && err != nil {
		l.problems.add(inEnvironment, 0, "PAGERDUTY_FROM is not an e-mail address; write it as muster@example.com")
	}
	if _, err := mail.ParseAddress(e.SMTPFrom); e.SMTPFrom != "" && err != nil {
		l.problems.add(inEnvironment, 0, "SMTP_FROM is not an e-mail address; write it as muster@example.com or Muster <muster@example.com>")
	}
	if err := l.problems.err(); err != nil {
		return Env{}, err
	}
	return e, nil
}

const inEnvironment = "environment"

type envLoader struct {
	env      func(string) (string, bool)
	problems Problems
}

func (l *envLoader) get(name string) string {
	text, _ := l.env(name)
	return strings.TrimSpace(text)
}

func (l *envLoader) prefix(name string, s Secret, want string) {
	if s.IsSet() && !strings.HasPrefix(s.Reveal(), want) {
		l.problems.add(inEnvironment, 0, "%s does not begin with %s; take the other kind of token from the app's settings in Slack", name, want)
	}
}

// together wants all of some settings or none.
func (l *envLoader) together(names ...string) {
	var set, missing []string
	for _, name := range names {
		if l.get(name) != "" {
			set = append(set, name)
		} else {
			missing = append(missing, name)
		}
	}
	if len(set) > 0 && len(missing) > 0 {
		l.problems.add(inEnvironment, 0, "%s is set without %s; set all of them or none", strings.Join(set, " and "), strings.Join(missing, " and "))
	}
}

func (l *envLoader) base(name, fallback string) string {
	text := l.get(name)
	if text == "" {
		return fallback
	}
	l.address(name, text, "https://example.com", "http", "https")
	return text
}

func (l *envLoader) address(name, text, example string, schemes ...string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err == nil && u.Host != "" {
		for _, s := range schemes {
			if u.Scheme == s {
				return
			}
		}
	}
	l.problems.add(inEnvironment, 0, "%s is not an address that begins with %s; write it as %s", name, orList(withColon(schemes)), example)
}

func withColon(schemes []string) []string {
	out := make([]string, len(schemes))
	for i, s := range schemes {
		out[i] = s + "://"
	}
	return out
}
