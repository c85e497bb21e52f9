package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// watchConfig takes over changed configuration files, and reads them again on
// SIGHUP. A bad file is refused whole; the operations channel is told why.
func (p *Program) watchConfig(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	watching := make(chan error, 1)
	go func() { watching <- p.opt.Live.Watch(ctx, func(err error) { p.reloaded(ctx, err) }) }()
	for {
		select {
		case <-hup:
			p.reloaded(ctx, p.opt.Live.Reload())
		case err := <-watching:
			return err
		case <-ctx.Done():
			return <-watching
		}
	}
}

// reloaded says what came of a reload. Open incidents are stepped, since who is
// on call may have changed.
func (p *Program) reloaded(ctx context.Context, err error) {
	p.mu.Lock()
	refused := p.reload != nil
	p.reload = err
	p.mu.Unlock()
	if err != nil {
		p.metrics.reloads.WithLabelValues("refused").Inc()
		p.log.Error("the changed configuration was refused; the old one stays in force", "error", err)
		p.tellOperations(ctx, "The changed configuration was refused; the old one stays in force.\n"+err.Error())
		return
	}
	p.metrics.reloads.WithLabelValues("taken").Inc()
	p.log.Info("the changed configuration is in force")
	if refused {
		p.tellOperations(ctx, "The configuration was read again and is in force now; nothing of it is refused any more.")
	}
	at := p.now()
	p.roster.reloaded.Store(&at)
	if err := p.desk.Begin(ctx); err != nil {
		p.log.Error("who is on call could not be looked at after a reload", "error", err)
	}
	if err := p.incidents.Start(ctx); err != nil {
		p.log.Error("open incidents could not be stepped after a reload", "error", err)
	}
}

// tellOperations posts to the operations channel, as well as can be.
func (p *Program) tellOperations(ctx context.Context, text string) {
	if err := p.bot.Say(ctx, p.opt.Live.Get().Channels.Operations, text); err != nil {
		p.log.Warn("the operations channel could not be told", "error", err)
	}
}
