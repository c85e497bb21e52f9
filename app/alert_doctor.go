package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/alerts/alertmanager"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/query"
	"muster/store"
)

// checkAlerts looks at where alerts come from. It silences nothing.
func (q Question) checkAlerts(ctx context.Context, env config.Env, cfg *config.Config, data string) []Check {
	var out []Check
	add := func(name, good string, err error) {
		c := Check{Name: name, OK: err == nil, Detail: good}
		if err != nil {
			c.Detail = err.Error()
		}
		out = append(out, c)
	}
	if !env.MusterAPIToken.IsSet() {
		add("alerts in", "", errors.New("MUSTER_API_TOKEN is not set, so no alert can be sent to Muster; set it, and give it to Alertmanager as a bearer token"))
	}
	switch secret := env.PagerDutyWebhookSecret.IsSet(); {
	case secret:
		add("pagerduty webhooks", "incidents that are opened in PagerDuty become incidents here; its subscription sends them to /v1/webhooks/pagerduty", nil)
	case env.PagerDutyAPIKey.IsSet():
		add("pagerduty webhooks", "PAGERDUTY_WEBHOOK_SECRET is not set: what is opened in PagerDuty is not declared here; acknowledgements are asked for every 10 seconds", nil)
	case env.PagerDutyRoutingKey.IsSet():
		add("pagerduty webhooks", "", errors.New("with a routing key alone, acknowledging in PagerDuty comes back by webhook only; set PAGERDUTY_WEBHOOK_SECRET, or PAGERDUTY_API_KEY"))
	}
	if env.AlertmanagerURL != "" {
		c, err := alertmanager.New(alertmanager.Config{URL: env.AlertmanagerURL})
		if err == nil {
			err = c.Check(ctx)
		}
		add("alertmanager", "Alertmanager answers at ALERTMANAGER_URL", err)
	}
	if env.PrometheusURL != "" {
		c, err := query.NewPrometheus(query.Config{URL: env.PrometheusURL})
		if err == nil {
			err = c.Check(ctx, time.Now())
		}
		add("prometheus", "Prometheus answers at PROMETHEUS_URL", err)
		if err == nil && cfg != nil {
			n, wrong := checkWatched(ctx, c, cfg)
			for _, err := range wrong {
				add("watch", "", err)
			}
			if len(wrong) == 0 {
				add("watch", fmt.Sprintf("Prometheus can read all %d queries of the watch and the post-mortem", n), nil)
			}
		}
	}
	if cfg != nil && cfg.Watchdog.AbsentFor > 0 {
		said, err := watchdogSaid(ctx, cfg.Watchdog, data)
		add("watchdog", said, err)
	}
	return out
}

// watchdogSaid says in one sentence whether the watchdog's absence would be
// heard.
func watchdogSaid(ctx context.Context, w config.Watchdog, data string) (said string, err error) {
	never := w.Alert + " was never heard, so its absence raises nothing; route it to Muster, as docs/alerts.md shows"
	if !exists(data) {
		return never, nil
	}
	s, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion, Timeout: 200 * time.Millisecond})
	if errors.Is(err, store.ErrInUse) {
		return "the running program holds the data; see muster_lookout in its /metrics", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := engine.NewLookout(engine.Config{Store: s}, func() func(incident.Lookout, time.Time) incident.Decision {
		return func(incident.Lookout, time.Time) incident.Decision { return incident.Decision{} }
	}, nil).State(ctx)
	switch dog := l.Watchdog; {
	case err != nil:
		return "", err
	case dog.Name != w.Alert:
		return never, nil
	case !dog.Armed:
		return fmt.Sprintf("%s comes less often than every %s, so its absence raises nothing; lower its repeat_interval in Alertmanager", w.Alert, w.AbsentFor), nil
	default:
		return fmt.Sprintf("%s is watched for, and was put on record last at %s", w.Alert, dog.Seen.UTC().Format("2006-01-02 15:04 MST")), nil
	}
}
