package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/incident"
	"muster/notify"
	"muster/outbox"
)

// Open is a page whose incident is not over yet.
type Open struct {
	Ref string // what the receipt said
	// Incident, Level and Person are whom the page was for; an empty Incident:
	// PagerDuty's incident key says it.
	Incident string
	Level    string
	Person   incident.Person
	Attempt  int // of the newest page with this Ref
	// Since is when the newest page with this Ref was sent: an older
	// acknowledgement does not answer it. Zero: any does.
	Since time.Time
}

// Poll looks once at the open pages and tells the listener what people did in
// PagerDuty that it did not take yet. It needs an API key; without one it does
// nothing.
func (c *Channel) Poll(ctx context.Context, open []Open) error {
	if !c.rest() || len(open) == 0 {
		return nil
	}
	byID := map[string]Open{}
	var worst error
	for _, o := range open {
		if refID.MatchString(o.Ref) {
			byID[o.Ref] = o
		} else {
			worst = worse(worst, c.pollKey(ctx, o))
		}
	}
	if len(byID) > 0 {
		worst = worse(worst, c.pollList(ctx, byID))
	}
	return notify.Classified(worst)
}

// few pages are asked for one by one; of more, those that were never seen
// there yet, and the rest by the list of what is not triggered any more.
const (
	few     = 5
	mostNew = 20
)

// settling is how long a page may be on its way inside PagerDuty.
const settling = 15 * time.Second

// settled tells whether PagerDuty should have the page by now.
func (o Open) settled() bool { return !o.Since.IsZero() && time.Since(o.Since) >= settling }

func (c *Channel) pollList(ctx context.Context, open map[string]Open) error {
	var worst error
	alone := 0
	for id, o := range open {
		if len(open) > few && (c.found.has(id) || !o.settled() || alone == mostNew) {
			continue
		}
		alone++
		worst = worse(worst, c.pollOne(ctx, id, o))
	}
	if len(open) <= few {
		return worst
	}
	service, err := c.service(ctx)
	if err != nil {
		return err
	}
	left := len(open)
	q := url.Values{
		"statuses[]": {acknowledged, resolved}, "service_ids[]": {service.ID}, "sort_by": {"created_at:desc"}, "date_range": {"all"},
	}
	err = c.pages(ctx, "look at the open pages", "/incidents", q, func(data json.RawMessage) (bool, error) {
		var list sdk.ListIncidentsResponse
		if err := json.Unmarshal(data, &list); err != nil {
			return false, err
		}
		for _, i := range list.Incidents {
			if o, ok := open[i.ID]; ok {
				left--
				worst = worse(worst, c.report(ctx, i, o))
			}
		}
		return list.More && left > 0, nil
	})
	return worse(worst, err)
}

// pollOne looks at one page. One that PagerDuty does not have, or has for
// nobody, wakes nobody.
func (c *Channel) pollOne(ctx context.Context, id string, o Open) error {
	i, err := c.incident(ctx, id)
	var f *failure
	switch gone := errors.As(err, &f) && f.Status == http.StatusNotFound; {
	case gone:
		return c.lost(ctx, o, "PagerDuty took the page and does not have it")
	case err != nil:
		return err
	case i.Status == triggered && len(i.Assignments) == 0:
		return c.lost(ctx, o, "PagerDuty took the page and assigned it to nobody")
	}
	c.found.add(id)
	return c.report(ctx, i, o)
}

func (c *Channel) lost(ctx context.Context, o Open, why string) error {
	if c.cfg.Lost == nil || !o.settled() {
		return nil
	}
	if err := c.cfg.Lost(ctx, o, why); err != nil {
		return &failure{Provider: provider, What: "tell of a lost page", Kind: notify.Unsent, Why: "it could not be recorded"}
	}
	return nil
}

// pollKey looks at the incident of an event.
func (c *Channel) pollKey(ctx context.Context, o Open) error {
	q := url.Values{"incident_key": {o.Ref}, "date_range": {"all"}, "sort_by": {"created_at:desc"}, "limit": {"1"}}
	var list sdk.ListIncidentsResponse
	if err := c.get(ctx, "look for the page", "/incidents", q, &list); err != nil {
		return err
	}
	for _, i := range list.Incidents {
		i.IncidentKey = cmp.Or(i.IncidentKey, o.Ref)
		if err := c.report(ctx, i, o); err != nil {
			return err
		}
	}
	return nil
}

// report tells what people did to i.
func (c *Channel) report(ctx context.Context, i sdk.Incident, o Open) error {
	for _, a := range c.answers(ctx, i, o) {
		if err := c.tell(ctx, a); err != nil {
			return &failure{Provider: provider, What: "bring back what was done in PagerDuty", Kind: notify.Unsent, Why: "it could not be recorded"}
		}
	}
	return nil
}

// pollEvery is the time between two looks: with the request itself an answer
// is here within 15 s.
const pollEvery = 10 * time.Second

// Watcher asks PagerDuty while pages are open.
type Watcher struct {
	Channel *Channel
	// Open gives the pages to ask about; it is called before each look.
	Open func(ctx context.Context) ([]Open, error)
	// Every is the time between two looks; 0: 10 s.
	Every time.Duration
}

// Run looks until ctx ends, and returns its error. When PagerDuty does not
// answer it logs that once, and once more when it is back.
func (w Watcher) Run(ctx context.Context) error {
	every := w.Every
	if every <= 0 {
		every = pollEvery
	}
	down := false
	for wait := every; ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		err := w.look(ctx)
		wait = every
		var later outbox.RetryAfterError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &later):
			wait = max(every, later.After)
		}
		if (err != nil) != down {
			down = err != nil
			if down {
				w.Channel.cfg.Log.Warn("what is done in PagerDuty does not come back for now", "error", err)
			} else {
				w.Channel.cfg.Log.Info("what is done in PagerDuty comes back again")
			}
		}
	}
}

func (w Watcher) look(ctx context.Context) error {
	open, err := w.Open(ctx)
	if err != nil {
		return err
	}
	return w.Channel.Poll(ctx, open)
}
