package app

import (
	"context"
	"slices"
	"time"

	"muster/incident"
	"muster/query"
	"muster/report/chart"
)

// The pictures of what is measured.
const (
	chartStep   = 30 * time.Second
	chartWidth  = 800
	chartHeight = 440
	chartLines  = 5
)

// measured asks what a query gave from one moment to another and makes its
// chart; ok is false when there are no values. Of many lines the worst are
// drawn; of more than can be asked for, the worst value of all.
func (p *Program) measured(ctx context.Context, q incident.WatchQuery, from, to time.Time, step time.Duration) (c chart.Chart, ok bool, err error) {
	series, err := p.sources.prometheus.Range(ctx, q.Expr, from, to, step)
	if kind, known := query.Of(err); known && kind == query.TooLarge {
		worst := "max"
		if q.Lower() {
			worst = "min"
		}
		series, err = p.sources.prometheus.Range(ctx, worst+"("+q.Expr+"\n)", from, to, step)
	}
	if err != nil || len(series) == 0 {
		return c, false, err
	}
	worst := make(map[*query.Point]incident.WatchValue, len(series)) // by a line's first point
	series = slices.DeleteFunc(series, func(s query.Series) bool { return len(s.Points) == 0 })
	for _, s := range series {
		worst[&s.Points[0]] = peak(q, s.Points, to.Add(-2*step))
	}
	slices.SortStableFunc(series, func(a, b query.Series) int { return q.Compare(worst[&a.Points[0]], worst[&b.Points[0]]) })
	series = series[:min(len(series), chartLines)]
	c, scale := blank(q)
	c.From, c.To = from, to
	titles := query.Titles(series)
	for i, one := range series {
		line := chart.Line{Name: titles[i]}
		if len(series) == 1 {
			line.Name = ""
		}
		for _, point := range one.Points {
			line.Points = append(line.Points, chart.Point{At: point.At, V: point.V * scale})
		}
		c.Lines = append(c.Lines, line)
	}
	return c, len(series) > 0, nil
}

// blank is the chart of a query before its lines; a ratio is drawn in percent,
// its values times scale.
func blank(q incident.WatchQuery) (c chart.Chart, scale float64) {
	c, scale = chart.Chart{Title: q.Name, Unit: q.Unit}, 1
	if q.Unit == "ratio" {
		scale, c.Unit = 100, "%"
	}
	if q.Limit != nil {
		limit := *q.Limit * scale
		c.Threshold = &limit
	}
	return c, scale
}

// peak is a line's worst value, which is over its limit only when it is so
// since a moment.
func peak(q incident.WatchQuery, points []query.Point, since time.Time) incident.WatchValue {
	var all, late []float64
	for _, one := range points {
		all = append(all, one.V)
		if !one.At.Before(since) {
			late = append(late, one.V)
		}
	}
	out, now := q.Read(all), q.Read(late)
	if now.Over {
		return now
	}
	out.Over = false
	return out
}
