package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"muster/bot"
	"muster/bot/render"
	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/store"
)

// CheckConfig checks a configuration directory. With slack it also looks for
// every member in Slack.
func CheckConfig(ctx context.Context, q Question, slack bool) error {
	if err := given(q.Config); err != nil {
		return err
	}
	cfg, err := config.Load(q.Config, q.Env)
	var problems config.Problems
	if errors.As(err, &problems) {
		if err := q.print(err.Error(), map[string]any{"ok": false, "problems": problems}); err != nil {
			return err
		}
		return Exit(1)
	}
	if err != nil {
		return err
	}
	findings := config.Check(cfg, q.at())
	text := config.CheckText(findings)
	data := map[string]any{"ok": true, "findings": findings}
	if slack {
		missing, found, err := slackMissing(ctx, cfg, q)
		if err != nil {
			return err
		}
		data["missing_in_slack"], data["on_call"] = missing, found
		for _, m := range missing {
			text = strings.TrimRight(text, "\n") + "\n" + m + " is not found in Slack, neither by e-mail nor by handle; correct oncall/rotation.yaml. Other channels still page them."
		}
		for _, f := range found {
			text = strings.TrimRight(text, "\n") + "\n" + f.String() + "."
		}
	}
	return q.print(text, data)
}

// slackMissing names the members that no Slack user matches, and finds what
// else would keep a page from those who will be on call.
func slackMissing(ctx context.Context, cfg *config.Config, q Question) ([]string, []Finding, error) {
	settings, err := config.LoadEnv(q.Env)
	if err != nil {
		return nil, nil, err
	}
	b := newBot(settings)
	if err := b.Check(ctx); err != nil {
		return nil, nil, err
	}
	if err := b.Directory().Refresh(ctx); err != nil {
		return nil, nil, err
	}
	missing := []string{}
	for _, m := range cfg.Schedule.Members() {
		if _, err := b.Directory().Lookup(ctx, m.Person()); err != nil {
			missing = append(missing, m.String())
		}
	}
	found := sweep{cfg: cfg, now: q.at(), bot: b}.run(ctx)
	return missing, slices.DeleteFunc(found, func(f Finding) bool {
		return f.About == "slack" && slices.Contains(missing, f.Person.String())
	}), nil
}

func newBot(settings config.Env) *bot.Bot {
	return bot.New(bot.Config{
		BotToken: settings.SlackBotToken.Reveal(), AppToken: settings.SlackAppToken.Reveal(), APIURL: settings.SlackAPIURL,
	})
}

// IncidentHelp lists the words of muster incident, also without a program that
// runs.
func IncidentHelp(ctx context.Context, out io.Writer) error {
	reply := commands.New(commands.Config{}).Run(ctx, commands.Call{Text: "help", Via: commands.ViaCommand, Now: time.Now()})
	_, err := fmt.Fprintln(out, "Usage: muster incident --as alice@example.com [--json] <command>\n\n"+reply.Text)
	return err
}

// Doctor looks at everything that the program needs from this machine.
func Doctor(ctx context.Context, q Question, data string) error {
	var checks []Check
	add := func(name, good string, err error) {
		c := Check{Name: name, OK: err == nil, Detail: good}
		if err != nil {
			c.Detail = err.Error()
		}
		checks = append(checks, c)
	}
	settings, err := config.LoadEnv(q.Env)
	add("environment", "every variable that is set can be read", err)
	if err := given(q.Config); err != nil {
		return err
	}
	cfg, err := config.Load(q.Config, q.Env)
	add("configuration", q.Config+" can be used", err)
	found, err := checkData(data)
	add("data", data+" "+found, err)
	if checks[0].OK {
		b := newBot(settings)
		call, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		err := b.Check(call)
		add("slack", "Slack accepts both tokens", err)
		if err != nil {
			b = nil
		}
		if err == nil && cfg != nil {
			for _, name := range []string{cfg.Channels.Incidents, cfg.Channels.Operations} {
				add("channel "+name, "the bot can post there", b.CanPost(call, name))
			}
		}
		checks = append(checks, q.checkWays(call, settings, cfg, b, data)...)
		checks = append(checks, q.checkAlerts(call, settings, cfg, data)...)
		add("program", "the running program answers", askHealth(ctx, settings))
	}
	var text strings.Builder
	bad := false
	for _, c := range checks {
		mark := "ok  "
		if !c.OK {
			mark, bad = "BAD ", true
		}
		fmt.Fprintf(&text, "%s %s: %s\n", mark, c.Name, c.Detail)
	}
	if err := q.print(text.String(), map[string]any{"ok": !bad, "checks": checks}); err != nil {
		return err
	}
	if bad {
		return Exit(1)
	}
	return nil
}

// checkData looks at a data file and says how it is.
func checkData(path string) (found string, err error) {
	if !exists(path) {
		return "is not there yet; muster run makes it", nil
	}
	s, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion, Timeout: 200 * time.Millisecond})
	if errors.Is(err, store.ErrInUse) {
		return "is in use, so its history is not read; muster audit verify reads a copy", nil
	}
	if err != nil {
		return "", err
	}
	return "can be opened and its history is whole", errors.Join(s.Verify(), s.Close())
}

// askHealth asks the running program for its health.
func askHealth(ctx context.Context, settings config.Env) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, settings.MusterURL+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("MUSTER_URL: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the program at %s does not answer: is muster run up?", settings.MusterURL)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var said struct {
		Store string `json:"store"`
	}
	_ = json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&said)
	return fmt.Errorf("the program is not healthy: %s", said.Store)
}

// Healthcheck is the container's health check.
func Healthcheck(ctx context.Context, env func(string) (string, bool), out io.Writer) error {
	settings, err := config.LoadEnv(env)
	if err != nil {
		return err
	}
	if err := askHealth(ctx, settings); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "ok")
	return err
}

// Storybook renders every message and form that the program can produce.
func Storybook(format string, out io.Writer) error { return render.WriteStorybook(out, format) }
