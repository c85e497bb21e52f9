package app

import (
	"context"
	"fmt"
	"time"

	"muster/config"
	"muster/query"
)

// checkWatched asks every query of the watch and of the post-mortem once, and
// says where those stand that Prometheus cannot read.
func checkWatched(ctx context.Context, p *query.Prometheus, cfg *config.Config) (asked int, wrong []error) {
	ask := func(where, expr string) {
		if expr == "" {
			return
		}
		asked++
		_, err := p.Instant(ctx, expr, time.Now())
		if kind, ok := query.Of(err); ok && (kind == query.Invalid || kind == query.TooLarge) {
			wrong = append(wrong, fmt.Errorf("%s: %w", where, err))
		}
	}
	for i, q := range cfg.Watch.Queries {
		ask(fmt.Sprintf("muster.yaml, watch.queries, %d (%s)", i+1, q.Name), q.Expr)
	}
	impact := cfg.Postmortem.Impact.Over(time.Hour)
	ask("muster.yaml, postmortem.failed_requests", impact.Failed)
	ask("muster.yaml, postmortem.requests", impact.All)
	for _, b := range cfg.Books {
		for _, q := range watchedBy(b) {
			ask(fmt.Sprintf("playbook %s, watch (%s)", b.ID, q.Name), q.Expr)
		}
	}
	return asked, wrong
}
