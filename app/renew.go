package app

import (
	"context"
	"time"
)

// renewAfter is the wait after a start before old entries of listings are made
// again: what was missed meanwhile goes first.
const renewAfter = 20 * time.Second

// renewListings brings what an older version counted of past incidents up to
// date, once after a start.
func (p *Program) renewListings(ctx context.Context) error {
	wait := time.NewTimer(renewAfter)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-wait.C:
	}
	done, err := p.incidents.Renew(ctx)
	if err != nil && ctx.Err() == nil {
		p.log.Warn("entries of listings that an older version wrote stay as they are until the next start", "error", err)
	}
	if done > 0 {
		p.log.Info("entries of listings that an older version wrote are made again", "incidents", done)
	}
	return nil
}
