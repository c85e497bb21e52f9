package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestSecretStaysHidden prints, logs and encodes a secret in every way, also
// as a private field, where fmt cannot ask it.
func TestSecretStaysHidden(t *testing.T) {
	s := NewSecret("hunter2")
	private := struct {
		token Secret
		deep  []Secret
	}{s, []Secret{s}}
	var b strings.Builder
	for _, v := range []any{s, &s, []Secret{s}, map[string]Secret{"a": s}, private, &private, Channel{APIKey: s}, Env{SMTPURL: s}, Config{DataSources: map[string]Secret{"main": s}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		if text, err := json.Marshal(v); err == nil {
			b.Write(text)
		}
		if text, err := yaml.Marshal(v); err == nil {
			b.Write(text)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		b.WriteString(errors.New(fmt.Sprint(v)).Error())
	}
	for _, leak := range []string{"hunter2", "68756e74657232"} {
		if strings.Contains(b.String(), leak) {
			t.Errorf("%s is in it:\n%s", leak, b.String())
		}
	}
	if text, err := json.Marshal(s); err != nil || string(text) != `"[hidden]"` {
		t.Errorf("JSON gives %s, %v", text, err)
	}
	if s.Reveal() != "hunter2" || !s.IsSet() || (Secret{}).IsSet() || NewSecret("").IsSet() || (Secret{}).Reveal() != "" {
		t.Error("a secret does not hold its text")
	}
}

func TestEnv(t *testing.T) {
	e, err := LoadEnv(env("SLACK_BOT_TOKEN", "xoxb-1", "SLACK_APP_TOKEN", "xapp-1", "SLACK_API_URL", "http://127.0.0.1:9/api",
		"PAGERDUTY_API_URL", "http://127.0.0.1:9/pd", "SMTP_URL", "smtp://u:p@localhost:25", "TWILIO_ACCOUNT_SID", "AC1",
		"TWILIO_AUTH_TOKEN", "t", "TWILIO_FROM", "+1 202 555 0100", "MUSTER_API_TOKEN", " token\n", "SMTP_FROM", "muster@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if e.SlackBotToken.Reveal() != "xoxb-1" || e.SlackAPIURL != "http://127.0.0.1:9/api/" || e.PagerDutyAPIURL != "http://127.0.0.1:9/pd" ||
		e.TwilioFrom != "+12025550100" || e.MusterAPIToken.Reveal() != "token" || e.MusterURL != DefaultMusterURL || e.TwilioAPIURL != DefaultTwilioAPIURL ||
		e.SMTPURL.Reveal() != "smtp://u:p@localhost:25" {
		t.Errorf("%+v", e)
	}
	none, err := LoadEnv(env())
	if err != nil || none.SlackBotToken.IsSet() || none.SlackAPIURL != DefaultSlackAPIURL || none.PrometheusURL != "" {
		t.Errorf("nothing set: %+v, %v", none, err)
	}
}

func TestEnvProblems(t *testing.T) {
	_, err := LoadEnv(env("SLACK_BOT_TOKEN", "xapp-hunter2", "PROMETHEUS_URL", "localhost:9090", "SMTP_URL", "user:hunter2@mail", "TWILIO_FROM", "555",
		"SMTP_FROM", "muster", "MUSTER_DEADMAN_URL", "hunter2"))
	want := `environment: MUSTER_DEADMAN_URL is not an address that begins with http:// or https://; write it as https://example.com/heartbeat
environment: PROMETHEUS_URL is not an address that begins with http:// or https://; write it as https://example.com
environment: SLACK_BOT_TOKEN does not begin with xoxb-; take the other kind of token from the app's settings in Slack
environment: SLACK_BOT_TOKEN is set without SLACK_APP_TOKEN; set all of them or none
environment: SMTP_FROM is not an e-mail address; write it as muster@example.com or Muster <muster@example.com>
environment: SMTP_URL is not an address that begins with smtp:// or smtps://; write it as smtp://user:password@host:587
environment: TWILIO_FROM has no country code; write it with its country code, such as +1-202-555-0101
environment: TWILIO_FROM is set without TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; set all of them or none`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}
