package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"muster/config"
	"muster/escalation/rota"
	"muster/playbooks/evidence"
	"muster/store"
	"muster/workspace"
)

// fastest is the most that the demo's clock runs ahead of the wall's.
const fastest = 60

// DemoFlags are the flags of muster demo.
type DemoFlags struct {
	Listen string
	Speed  float64
	NoOpen bool
	Config string // empty: the built-in configuration
	Data   string // empty: a file that is removed at the end
	Log    string
}

// hint is what the demo's page says first; it names who will be paged.
func hint(cfg *config.Config, now time.Time) string {
	who := "whoever is on call"
	if first, _, _ := strings.Cut(cfg.Schedule.OnCall("primary", now, nil).OnCall().Name, " "); first != "" {
		who = first
	}
	return `Type /incident create "API service down - investigating" in #incidents, then be ` + who + ` and look at your messages. At 60× ten minutes take ten seconds.`
}

// Demo runs a local Slack workspace and the program in it, until the context
// ends.
func Demo(ctx context.Context, f DemoFlags, out, logTo io.Writer) (err error) {
	if !(f.Speed >= 1 && f.Speed <= fastest) {
		return fmt.Errorf("--speed %v is not possible: use a number from 1 to %d", f.Speed, fastest)
	}
	dir, err := os.MkdirTemp("", "muster-demo-*")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)
	if f.Data == "" {
		f.Data = filepath.Join(dir, "muster.db")
	}
	watch := f.Config != ""
	if !watch {
		f.Config = filepath.Join(dir, "config")
	} else if err := given(f.Config); err != nil {
		return err
	}
	live, err := config.NewLive(f.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen", f.Listen, err)
	}
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s, err := openStore(f.Data)
	if err != nil {
		return errors.Join(err, ln.Close(), own.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	last, err := lastRecorded(s)
	if err != nil {
		return errors.Join(err, ln.Close(), own.Close())
	}
	clock := newClock(f.Speed)
	clock.notBefore(last)
	public := "http://" + own.Addr().String()
	standIns, err := newStandIns(live.Get(), public, clock.Now)
	if err != nil {
		return errors.Join(err, ln.Close(), own.Close())
	}
	setup := demoWorkspace(live.Get(), clock)
	setup.Phone = standIns.press
	bell := &alarmBell{url: public, token: config.NewSecret("demo"), now: clock.Now, since: map[string]time.Time{}}
	setup.Actions, setup.Act = demoActions(), bell.press
	ws := workspace.New(setup)
	standIns.ws = ws
	url := "http://" + ln.Addr().String()
	env := config.Env{
		SlackBotToken: config.NewSecret(ws.BotToken()), SlackAppToken: config.NewSecret(ws.AppToken()),
		SlackAPIURL: url + "/api/", MusterAPIToken: config.NewSecret("demo"),
	}
	env = standIns.env(env, public)
	p := New(Options{
		Live: live, Env: env, Store: s, Listener: own, Now: clock.Now, Until: clock.Until, Log: logger(f.Log, logTo), Watch: watch,
		Evidence: evidence.Open(evidence.Beside(f.Data), clock.Now),
	})

	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 2)
	go func() { served <- ws.Serve(run, ln) }()
	go func() { served <- standIns.run(run) }()
	fmt.Fprintf(out, "Muster's demo is at %s (a whole local Slack workspace; Ctrl-C ends it).\n", url)
	fmt.Fprintln(out, "Try it: "+hint(live.Get(), clock.Now()))
	fmt.Fprintf(out, "The same over HTTP: MUSTER_URL=http://%s MUSTER_API_TOKEN=demo muster incident --as alice@example.com list\n", own.Addr())
	if !f.NoOpen {
		open(url)
	}
	err = p.Run(ctx)
	stop()
	return errors.Join(err, <-served, <-served)
}

// lastRecorded is when the newest record of what is still open was made; zero:
// nothing is.
func lastRecorded(s *store.Store) (last time.Time, err error) {
	open, err := s.Hot()
	if err != nil {
		return last, fmt.Errorf("read what is open: %w", err)
	}
	for _, stream := range open {
		loaded, err := s.Load(stream)
		if err != nil {
			return last, fmt.Errorf("read %s: %w", stream, err)
		}
		records, err := s.Records(stream, loaded.Seq)
		if err != nil {
			return last, fmt.Errorf("read %s: %w", stream, err)
		}
		for _, r := range records {
			if r.At.After(last) {
				last = r.At
			}
		}
	}
	return last, nil
}

// demoWorkspace is a workspace with the people of the rotas.
func demoWorkspace(cfg *config.Config, clock *clock) workspace.Config {
	out := workspace.Config{
		Now: clock.Now, Speed: clock.Speed, SetSpeed: clock.SetSpeed, TeamName: "Example Inc", BotName: "muster", Hint: hint(cfg, clock.Now()),
		Commands: []workspace.Command{{
			Command: "/incident", Description: "Declare and run incidents", UsageHint: "create [P0-P3] title | ack | update | resolve | help",
			ShouldEscape: true,
		}},
		Shortcuts: []workspace.Shortcut{
			{Type: "message", CallbackID: "add_to_timeline", Name: "Add to timeline"},
			{Type: "message", CallbackID: "declare_incident", Name: "Declare incident"},
		},
		Channels: []workspace.Channel{{Name: "general", Topic: "Everybody"}},
	}
	titles := map[string]string{}
	for _, role := range cfg.Schedule.Roles() {
		r := cfg.Schedule.Rotas[role]
		for _, m := range r.Members {
			if key := m.Person().Key; titles[key] == "" {
				titles[key] = r.String()
			}
		}
	}
	for _, m := range cfg.Schedule.Members() {
		out.People = append(out.People, profile(m, titles[m.Person().Key]))
	}
	for _, handle := range slices.Compact(slices.Sorted(maps.Values(cfg.UserGroups))) {
		out.UserGroups = append(out.UserGroups, workspace.UserGroup{Handle: strings.TrimPrefix(handle, "@")})
	}
	seen := map[string]bool{"general": true}
	add := func(name, topic string) {
		if name = channelName(name); name != "" && !seen[name] {
			seen[name] = true
			out.Channels = append(out.Channels, workspace.Channel{Name: name, Topic: topic})
		}
	}
	add(cfg.Channels.Incidents, "Incidents: one card each, everything else in its thread")
	add(cfg.Channels.Operations, "What Muster says of itself")
	for _, list := range cfg.Notify {
		for _, c := range list {
			add(c.Channel, "Announcements")
		}
	}
	return out
}

func channelName(name string) string {
	if len(name) > 1 && name[0] == '#' {
		return name[1:]
	}
	return ""
}

// handle is a member's in the demo's workspace.
func handle(m rota.Member) string { return strings.TrimPrefix(m.Slack, "@") }

func profile(m rota.Member, title string) workspace.Profile {
	p := workspace.Profile{Handle: handle(m), Name: m.Name, Email: m.Email, Title: title}
	if m.Zone != nil {
		p.TZ = m.Zone.String()
	}
	return p
}

// open shows a page in the person's browser, where there is one.
func open(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return
	}
	cmd := exec.Command(path, args...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
