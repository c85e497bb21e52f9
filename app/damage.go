package app

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// damage says which incidents' histories cannot be read; empty: all can.
func (p *Program) damage() string {
	var out []string
	for stream, err := range p.incidents.Damaged() {
		out = append(out, fmt.Sprintf("%s's history is damaged: %v; run muster audit verify", stream, err))
	}
	return strings.Join(out, "; ")
}

// tellDamage has the operations channel know of it, as soon as Slack takes it.
func (p *Program) tellDamage(ctx context.Context) error {
	told := map[string]bool{}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		for stream, err := range p.incidents.Damaged() {
			text := fmt.Sprintf("%s's history is damaged, so it is not looked after any more: no page and no reminder of it leaves. Look after it by hand, run muster audit verify, and restore a backup. (%v)", stream, err)
			if !told[stream] && p.bot.Say(ctx, p.opt.Live.Get().Channels.Operations, text) == nil {
				told[stream] = true
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
