package app

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"muster/bot/render"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/playbooks"
	"muster/query"
	"muster/reminders"
	"muster/report/chart"
)

const (
	// watchNap is how soon a new resolution is noticed at the latest.
	watchNap = 5 * time.Second
	// watchPause is the least pause between two rounds, so that a look that
	// cannot be put on record is not repeated at once.
	watchPause = 200 * time.Millisecond
	// lookWithin bounds all questions of one look.
	lookWithin = 15 * time.Second
	// looksAtOnce is how many incidents are looked at at the same time.
	looksAtOnce = 4
)

// blindWatch says why nothing can be watched; empty: it can.
func blindWatch(env config.Env) string {
	if env.PrometheusURL == "" {
		return "PROMETHEUS_URL is not set"
	}
	return ""
}

// watch is the rule that begins and ends the look-out after a resolution.
func (r *roster) watch() reminders.Watch {
	return reminders.Watch{Blind: r.blind, Books: r.bookQueries, Condition: query.Condition}
}

// hole is a place of a playbook's query that a person would fill in.
var hole = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9_-]*>`)

// bookQueries are what a playbook of the configuration wants to be looked at.
func (r *roster) bookQueries(id string) []incident.WatchQuery {
	var out []incident.WatchQuery
	for _, b := range r.live.Get().Books {
		if b.ID == id {
			out = append(out, watchedBy(b)...)
		}
	}
	return out
}

func watchedBy(b playbooks.Playbook) []incident.WatchQuery {
	var out []incident.WatchQuery
	for _, w := range b.Watch {
		if hole.MatchString(w.Query) {
			continue
		}
		name := w.Name
		if name == "" {
			name = b.Title
		}
		out = append(out, incident.WatchQuery{Name: name, Expr: w.Query, Unit: w.Unit, Limit: w.Above})
	}
	return out
}

// watchPlan is the look-out that an incident which is declared now gets.
func watchPlan(cfg *config.Config) incident.WatchPlan {
	w := cfg.Watch
	return incident.WatchPlan{For: w.For, Every: w.Every, Reopen: incident.ReopenBy(w.Reopen), Queries: w.Queries}
}

// watchResolved looks, for every incident that was resolved lately, whether
// what went wrong comes back. Where each stands is on record, so a restart goes
// on where it was.
func (p *Program) watchResolved(ctx context.Context) error {
	for {
		now := p.now()
		next := now.Add(watchNap)
		var due []incident.Incident
		for _, s := range p.incidents.Where(func(s *incident.Incident) bool { return s.Watching() }) {
			if at := s.After.Watch.NextLook(); at.After(now) {
				next = incident.Sooner(next, at)
			} else {
				due = append(due, s)
			}
		}
		p.lookAll(ctx, due)
		wait := time.NewTimer(max(min(p.opt.Until(next), watchNap), watchPause))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

func (p *Program) lookAll(ctx context.Context, due []incident.Incident) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, looksAtOnce)
	for _, s := range due {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			in := p.look(ctx, s.After.Watch)
			if ctx.Err() != nil {
				return
			}
			if _, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{Stream: s.ID, Intent: in}); err != nil && ctx.Err() == nil {
				p.log.Warn("a look after the resolution was not put on record", "incident", s.ID, "error", err)
			}
		})
	}
	wg.Wait()
}

// look asks every query once, all at the same time, so that a slow one keeps
// none from being seen.
func (p *Program) look(ctx context.Context, w incident.Watch) incident.Look {
	in := incident.Look{Began: w.Seq, Values: make([]incident.WatchValue, len(w.Queries))}
	if p.sources.prometheus == nil {
		in.Away = blindWatch(config.Env{})
		return in
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	failed := make([]error, len(w.Queries))
	var wg sync.WaitGroup
	for i, q := range w.Queries {
		wg.Go(func() {
			samples, err := p.sources.prometheus.Instant(ctx, q.Expr, p.now())
			values := make([]float64, len(samples))
			for j, s := range samples {
				values[j] = s.V
			}
			in.Values[i], failed[i] = q.Read(values), err
		})
	}
	wg.Wait()
	for i, err := range failed {
		if err == nil {
			continue
		}
		why := strings.TrimSuffix(err.Error(), ".")
		if kind, ok := query.Of(err); ok && kind == query.Away {
			in.Away = why // nobody is there: that is not one query's fault
			break
		}
		if in.Away == "" {
			in.Away = w.Queries[i].Name + ": " + why
		}
	}
	return in
}

// The charts of the look-out.
const (
	watchSpan     = 2 * time.Hour
	watchPictures = 3 // in one message
)

// showWatch draws what is looked at and shows it in the thread. What cannot be
// drawn now keeps the picture that it had.
func (p *Program) showWatch(ctx context.Context, d outbox.Delivery, e incident.Effect, maybeSent bool) ([]byte, error) {
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	w := s.After.Watch
	alarm, isAlarm := e.(incident.ShowRegression)
	if isAlarm { // what it tells of may have changed since
		r, err := recordOf(ctx, p.incidents.History, d.Stream, alarm.Seq)
		if err != nil {
			return nil, err
		}
		seen, _ := r.Event.(incident.Watched)
		w.Values = seen.Values
	}
	pictures, err := p.drawWatch(ctx, s, w, isAlarm)
	switch _, never := errors.AsType[outbox.PermanentError](err); {
	case isAlarm: // goes without pictures rather than late
	case err != nil && !never:
		return nil, err
	default:
		if err != nil {
			p.log.Warn("the watch goes without a new chart", "incident", s.ID, "error", err)
		}
		if len(pictures) == 0 {
			pictures = render.Pictures(w.Shown)
		}
	}
	return p.bot.Handler().Watch(ctx, d, maybeSent, e, pictures)
}

// drawWatch draws and uploads one picture for each query; alarm: only for those
// over their limit.
func (p *Program) drawWatch(ctx context.Context, s incident.Incident, w incident.Watch, alarm bool) ([]render.Picture, error) {
	var out []render.Picture
	if p.sources.prometheus == nil {
		return nil, nil
	}
	asking, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	for i, q := range w.Queries {
		over := i < len(w.Values) && w.Values[i].Over
		if len(out) == watchPictures || alarm && !over {
			continue
		}
		png, err := p.watchPicture(asking, s, q)
		if err != nil || png == nil {
			continue // the look itself says that nothing can be seen
		}
		id, err := p.bot.Keep(ctx, "watch.png", q.Name, png)
		if err != nil {
			return nil, err
		}
		alt := q.Name + " over the last two hours"
		if over {
			alt += ", over its limit"
		}
		out = append(out, render.Picture{File: id, Alt: alt})
	}
	return out, nil
}

// watchPicture draws one query over the last two hours; nil: there are no
// values.
func (p *Program) watchPicture(ctx context.Context, s incident.Incident, q incident.WatchQuery) ([]byte, error) {
	to := p.now().Truncate(time.Second)
	c, ok, err := p.measured(ctx, q, to.Add(-watchSpan), to, chartStep)
	if !ok {
		return nil, err
	}
	c.Marks = []chart.Mark{{At: s.DeclaredAt, Label: "declared"}, {At: s.After.Watch.From, Label: "resolved"}}
	return chart.PNG(c, chartWidth, chartHeight)
}
