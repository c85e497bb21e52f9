package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"muster/bot"
	"muster/config"
	"muster/store"
)

// RunFlags are the flags of muster run.
type RunFlags struct{ Config, Data, Listen, Log string }

// Run is muster run: the real thing, until the context ends.
func Run(ctx context.Context, f RunFlags, env func(string) (string, bool), logTo io.Writer) (err error) {
	settings, err := config.LoadEnv(env)
	if err != nil {
		return err
	}
	if err := given(f.Config); err != nil {
		return err
	}
	live, err := config.NewLive(f.Config, env)
	if err != nil {
		return fmt.Errorf("the configuration in %s cannot be used:\n%w", f.Config, err)
	}
	if err := bot.CheckTokens(settings.SlackBotToken.Reveal(), settings.SlackAppToken.Reveal()); err != nil {
		return err
	}
	log := logger(f.Log, logTo)
	s, err := openStore(f.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ln, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen", f.Listen, err)
	}
	defer ln.Close()
	p := New(Options{Live: live, Env: settings, Store: s, Listener: ln, Log: log, Watch: true, Evidence: evidenceOf(f.Data)})
	if err := p.checkSlack(ctx); err != nil {
		return err
	}
	log.Info("listening", "address", ln.Addr().String(), "config", f.Config, "data", f.Data)
	err = p.Run(ctx)
	if errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("%s is damaged: %w; restore it from a backup, and keep this one for a look", f.Data, err)
	}
	return err
}

// checkSlack refuses to start with tokens that Slack will never take. That
// Slack cannot be reached now is no reason not to start.
func (p *Program) checkSlack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := p.bot.Check(ctx)
	var token bot.TokenError
	if errors.As(err, &token) {
		return err
	}
	if err != nil {
		p.log.Warn("Slack does not answer yet; it is tried again and again", "error", err)
	}
	return nil
}

func logger(level string, to io.Writer) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: l}))
}
