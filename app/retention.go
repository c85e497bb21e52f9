package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/store"
)

// eraseEvery leaves room between two incidents that are erased, so that a first
// look over many years holds up no page.
const eraseEvery = 50 * time.Millisecond

// eraseAtOnce is the most that are erased in one look, so that those who are
// told of them get one message, and its record stays small.
const eraseAtOnce = 5000

// erase gives up what retention says need not be kept any more: histories,
// evidence, and what an earlier look did not come to, also when retention is no
// longer in the configuration. What cannot be erased, as a damaged history, keeps
// nothing else from it.
func (p *Program) erase(ctx context.Context) error {
	keep := p.opt.Live.Get().Retention
	due, erased, failed := dueForErasure(p.incidents, keep, p.now())
	if failed != nil {
		return failed
	}
	var named []string
	count := 0
	for _, s := range due {
		if count == eraseAtOnce {
			break
		}
		r, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{Stream: s.ID, Intent: incident.Erase{Keep: keep}})
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("erase %s: %w", s.ID, err))
			continue
		}
		if len(r.Events) == 0 {
			continue // something waits there
		}
		erased = append(erased, s)
		if count++; !s.Circle.Private {
			named = append(named, s.ID)
		}
		select {
		case <-ctx.Done():
		case <-time.After(eraseEvery):
		}
	}
	if count > 0 {
		p.log.Info("incidents were erased, as retention says", "count", count, "incidents", named)
	}
	if err := p.tellErased(ctx, erased); err != nil {
		failed = errors.Join(failed, fmt.Errorf("tell what was erased: %w", err))
		if !errors.Is(err, store.ErrDamaged) {
			return failed // what has left the file is told of no more
		}
	}
	if _, err := p.store.Sweep(ctx); err != nil {
		failed = errors.Join(failed, fmt.Errorf("take erased records out of the file: %w", err))
	}
	return errors.Join(failed, p.eraseEvidence(ctx, erased))
}

// tellErased has the operations channel told once of incidents whose records
// are about to leave the file.
func (p *Program) tellErased(ctx context.Context, erased []engine.Summary) error {
	remains, err := p.store.Remains()
	if err != nil {
		return err
	}
	if len(remains) == 0 {
		return nil
	}
	private := map[string]bool{}
	for _, s := range erased {
		private[s.ID] = s.Circle.Private
	}
	var in incident.TellErased
	for _, id := range remains {
		if private[id] {
			in.Private = append(in.Private, id)
		} else {
			in.Incidents = append(in.Incidents, id)
		}
	}
	_, err = p.desk.Do(ctx, engine.Request[incident.Desk]{Stream: engine.DeskStream, Intent: in})
	return err
}

// postErased tells the operations channel what was erased.
func (p *Program) postErased(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.ErasedTold) ([]byte, error) {
	channel := p.opt.Live.Get().Channels.Operations
	if channel == "" {
		return nil, nil
	}
	count := len(e.Incidents) + len(e.Private)
	return p.bot.Announce(ctx, d, maybeSent, channel, said(commands.Say(
		"Retention erased ", numbered(count, "incident"), inShort(e.Incidents), ". A tombstone in the history says so of each.")))
}

// dueForErasure names the incidents whose time is over, newest first, and all
// that were erased before.
func dueForErasure(all engine.Incidents, keep config.Retention, now time.Time) (due, erased []engine.Summary, err error) {
	for s, err := range all.All() {
		if err != nil {
			return nil, nil, err
		}
		if s.Erased {
			erased = append(erased, s)
			continue
		}
		over := s.ResolvedAt
		if over.IsZero() && s.Status == incident.Closed {
			over = s.DeclaredAt // or later: the incident itself knows
		}
		if k := keep[s.Severity]; k > 0 && !over.IsZero() && !now.Before(over.Add(k)) && len(s.Todo) == 0 {
			due = append(due, s)
		}
	}
	return due, erased, nil
}

// eraseEvidence removes what was kept for erased incidents.
func (p *Program) eraseEvidence(ctx context.Context, erased []engine.Summary) error {
	if p.steps.evidence == nil {
		return nil
	}
	kept, err := p.steps.evidence.Incidents()
	if err != nil {
		return fmt.Errorf("look for evidence to erase: %w", err)
	}
	kept = slices.DeleteFunc(kept, func(id string) bool {
		return !slices.ContainsFunc(erased, func(s engine.Summary) bool { return s.ID == id })
	})
	if len(kept) == 0 {
		return nil
	}
	_, err = p.steps.evidence.Erase(ctx, kept...)
	return err
}

// goingSoon names what retention will erase; empty: nothing, or private ones.
func goingSoon(due []engine.Summary) commands.Rich {
	var ids []string
	for _, s := range due {
		if !s.Circle.Private {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Reverse(ids)
	return commands.Say("🗑️ Retention erases before the next of these", inShort(ids), ". ", commands.Code("muster export "+ids[0]), " keeps a copy.")
}

// inShort names the first few of many, the oldest first; private ones are not
// among them.
func inShort(ids []string) string {
	const most = 20
	switch {
	case len(ids) == 0:
		return ""
	case len(ids) > most:
		return ": " + strings.Join(ids[:most], ", ") + " and more"
	}
	return ": " + strings.Join(ids, ", ")
}
