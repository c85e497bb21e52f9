package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/config"
)

// AlertTest sends a sample alert through everything: the running program takes
// it as it takes Alertmanager's. With over it sends the alert's end.
func AlertTest(_ context.Context, q Question, severity string, over bool) error {
	settings, err := config.LoadEnv(q.Env)
	if err != nil {
		return err
	}
	if !settings.MusterAPIToken.IsSet() {
		return errors.New("MUSTER_API_TOKEN is not set: set it to the same value as for the running program")
	}
	now := time.Now()
	one := sampleAlert{
		"MusterTest", severity, "muster-test", "test-1", "A test alert, sent by hand",
		"Nothing is wrong. This alert shows that alerts arrive, are announced, and become incidents where the configuration says so.",
	}
	// Its beginning is not kept anywhere: an end that comes later ends it too.
	if err := postAlerts(settings.MusterURL, settings.MusterAPIToken, alertmanagerBody("test-"+severity, []sampleAlert{one}, now.UTC(), now, over)); err != nil {
		return err
	}
	text := fmt.Sprintf("The %s alert MusterTest is on record and on its way to its channels. End it with: muster alert test --severity %s --resolved", severity, severity)
	if over {
		text = fmt.Sprintf("The end of the %s alert MusterTest is on record.", severity)
	}
	return q.print(text, map[string]any{"ok": true, "severity": severity, "resolved": over})
}
