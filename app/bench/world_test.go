package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/app"
	"muster/config"
	"muster/engine"
	"muster/escalation/rota"
	"muster/store"
	"muster/workspace"
)

// people is a workspace with the people of the rotas, some more, and the
// channels of the configuration.
func people(cfg *config.Config, more int) workspace.Config {
	out := workspace.Config{
		Commands: []workspace.Command{{Command: "/incident", ShouldEscape: true}},
		Channels: []workspace.Channel{{Name: "general"}},
	}
	for _, m := range cfg.Schedule.Members() {
		out.People = append(out.People, workspace.Profile{Handle: handle(m), Name: m.Name, Email: m.Email})
	}
	for i := range more {
		name := fmt.Sprintf("person%02d", i)
		out.People = append(out.People, workspace.Profile{Handle: name, Name: name, Email: name + "@example.com"})
	}
	seen := map[string]bool{"general": true}
	add := func(name string) {
		if name = strings.TrimPrefix(name, "#"); name != "" && !seen[name] {
			seen[name] = true
			out.Channels = append(out.Channels, workspace.Channel{Name: name})
		}
	}
	add(cfg.Channels.Incidents)
	add(cfg.Channels.Operations)
	for _, list := range cfg.Notify {
		for _, c := range list {
			add(c.Channel)
		}
	}
	return out
}

func handle(m rota.Member) string { return strings.TrimPrefix(m.Slack, "@") }

// program runs the whole program on a data file beside a workspace, both in
// this process, over TCP on the loopback.
func program(b *testing.B, data string, live *config.Live, ws *workspace.Workspace, slack string, change ...func(*app.Options)) (url string) {
	b.Helper()
	s, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion})
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	opt := app.Options{
		Live: live, Store: s, Listener: ln, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Env: config.Env{
			SlackBotToken: config.NewSecret(ws.BotToken()), SlackAppToken: config.NewSecret(ws.AppToken()), SlackAPIURL: slack + "/api/",
		},
	}
	for _, f := range change {
		f(&opt)
	}
	p := app.New(opt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("the program ended badly: %v", err)
		}
		if err := s.Close(); err != nil {
			b.Errorf("the store closed badly: %v", err)
		}
	})
	until(b, 20*time.Second, "connection to the workspace", func() bool { return ws.Sockets() == 2 })
	return "http://" + ln.Addr().String()
}

func dataIn(dir string) string { return filepath.Join(dir, "muster.db") }
