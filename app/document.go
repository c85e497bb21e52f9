package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/bot"
	"muster/incident"
	"muster/outbox"
	"muster/report"
	"muster/report/chart"
)

// The charts of a post-mortem.
const (
	documentMargin = 30 * time.Minute // before the declaration and after the resolution
	documentCharts = 3
	documentPoints = 240 // of one line
)

// postDocument posts the post-mortem that was finished.
func (p *Program) postDocument(ctx context.Context, d outbox.Delivery, e incident.ShowDocument, maybeSent bool) ([]byte, error) {
	pm, err := p.postmortem(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	t := p.opt.Live.Get().Templates
	html, wrong, err := written(pm, t.PostmortemHTML, report.HTML)
	if err != nil {
		return nil, outbox.PermanentError{Reason: "the post-mortem's page could not be written: " + err.Error(), Err: err}
	}
	pm.Charts = nil // neither a canvas nor a file in Slack shows them
	text, alsoWrong, err := written(pm, t.PostmortemMarkdown, report.Markdown)
	if err != nil {
		return nil, outbox.PermanentError{Reason: "the post-mortem could not be written: " + err.Error(), Err: err}
	}
	name, title := fmt.Sprintf("%s-post-mortem-%d", strings.ToLower(pm.ID), e.Seq), "Post-mortem "+pm.ID
	page := bot.File{Name: name + ".html", Title: title + " (page)", Data: html}
	receipt, err := p.bot.Handler().Document(ctx, d, maybeSent, bot.Document{
		Title: title + ": " + pm.Title, Markdown: string(text), Page: page,
		Files: []bot.File{{Name: name + ".md", Title: title, Data: text}, page},
	})
	if wrong = errors.Join(wrong, alsoWrong); err == nil && wrong != nil {
		p.tellOperations(ctx, "The post-mortem of "+pm.ID+" was written with the built-in template, since your own could not be used: "+wrong.Error())
	}
	return receipt, err
}

// written fills a team's own template, and the built-in where that fails: a
// template that was tried with samples may still meet what it did not expect.
func written(pm report.Postmortem, own string, fill func(report.Postmortem, string) ([]byte, error)) (doc []byte, wrong, err error) {
	if doc, wrong = fill(pm, own); wrong == nil || own == "" {
		return doc, nil, wrong
	}
	doc, err = fill(pm, "")
	return doc, wrong, err
}

// postmortem collects what is known of an incident, with its charts.
func (p *Program) postmortem(ctx context.Context, id string) (report.Postmortem, error) {
	history, err := p.incidents.History(ctx, id)
	if err != nil {
		return report.Postmortem{}, err
	}
	s, err := p.incidents.State(ctx, id)
	if err != nil {
		return report.Postmortem{}, err
	}
	pm := report.Postmortem{Data: report.Collect(history), Zone: p.roster.zone(s.Writer()), Now: p.now()}
	pm.Charts = p.documentCharts(ctx, s, pm.Zone)
	return pm, nil
}

// documentCharts draws what was measured while the incident lasted. What cannot
// be asked or drawn now is left out.
func (p *Program) documentCharts(ctx context.Context, s incident.Incident, zone *time.Location) []report.Picture {
	if p.sources.prometheus == nil || s.ResolvedAt.IsZero() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	queries := slices.Clone(s.After.Watch.Queries)
	if len(queries) == 0 {
		queries = s.Plan.Watch.Queries
	}
	var out []report.Picture
	for _, q := range queries {
		if len(out) == documentCharts {
			break
		}
		c, ok := p.documentChart(ctx, s, q)
		if !ok {
			continue
		}
		c.Zone = zone
		light, err := chart.SVG(c)
		if err != nil {
			continue
		}
		c.Dark = true
		dark, err := chart.SVG(c)
		if err != nil {
			continue
		}
		out = append(out, report.Picture{Title: q.Name, SVG: light, Dark: dark})
	}
	return out
}

func (p *Program) documentChart(ctx context.Context, s incident.Incident, q incident.WatchQuery) (chart.Chart, bool) {
	from, to := s.DeclaredAt.Add(-documentMargin).Truncate(time.Second), s.ResolvedAt.Add(documentMargin).Truncate(time.Second)
	if now := p.now().Truncate(time.Second); to.After(now) {
		to = now
	}
	c, ok, err := p.measured(ctx, q, from, to, max(to.Sub(from)/documentPoints, 15*time.Second).Truncate(time.Second))
	if err != nil || !ok {
		return c, false
	}
	c.Marks = []chart.Mark{{At: s.DeclaredAt, Label: "declared"}, {At: s.ResolvedAt, Label: "resolved"}}
	if at := s.Tally.Mitigated; at.After(s.DeclaredAt) && at.Before(s.ResolvedAt) {
		c.Marks = slices.Insert(c.Marks, 1, chart.Mark{At: at, Label: "mitigated"})
	}
	return c, true
}
