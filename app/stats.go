package app

import (
	"context"
	"math"
	"time"

	"muster/commands"
	"muster/report/chart"
	"muster/report/stats"
)

// statistics are the rows with the teams of the day.
type statistics struct {
	reader
	team func(service string) string
}

func (s statistics) Rows(ctx context.Context) ([]stats.Row, error) {
	rows, err := s.reader.Rows(ctx)
	for i := range rows {
		rows[i].Team = s.team(rows[i].Service)
	}
	return rows, err
}

// statistics of all incidents, by the configuration in force.
func (p *Program) statistics() statistics {
	return statistics{reader{p.incidents}, func(service string) string { return p.opt.Live.Get().Team(service) }}
}

// drawStats draws how fast people were and what paging asked of them, week by
// week; nothing where no week has a value.
func drawStats(weeks []stats.Span) ([]commands.File, error) {
	if len(weeks) == 0 {
		return nil, nil
	}
	zone := weeks[0].From.Location()
	of := func(name string, value func(stats.Figures) float64) chart.Line {
		line := chart.Line{Name: name}
		for _, w := range weeks {
			line.Points = append(line.Points, chart.Point{At: w.From, V: value(w.Figures)})
		}
		return line
	}
	took := func(pick func(stats.Figures) stats.Times, how func(stats.Times) time.Duration) func(stats.Figures) float64 {
		return func(f stats.Figures) float64 {
			if t := pick(f); t.Count > 0 {
				return how(t).Seconds()
			}
			return math.NaN()
		}
	}
	mean, late := func(t stats.Times) time.Duration { return t.Mean }, func(t stats.Times) time.Duration { return t.P90 }
	ack, done := func(f stats.Figures) stats.Times { return f.Acknowledge }, func(f stats.Figures) stats.Times { return f.Resolve }
	var out []commands.File
	for _, c := range []struct {
		name string
		chart.Chart
	}{
		{"acknowledged.png", chart.Chart{Title: "Time to acknowledge, by week", Unit: "s", Lines: []chart.Line{of("average", took(ack, mean)), of("nine of ten within", took(ack, late))}}},
		{"resolved.png", chart.Chart{Title: "Time to resolve, by week", Unit: "s", Lines: []chart.Line{of("average", took(done, mean)), of("nine of ten within", took(done, late))}}},
		{"pages.png", chart.Chart{Title: "Pages, by week", Lines: []chart.Line{of("all", pages), of("at night", pagesAtNight)}}},
		{"incidents.png", chart.Chart{Title: "Incidents, by week", Lines: []chart.Line{of("", func(f stats.Figures) float64 { return float64(f.Incidents) })}}},
	} {
		if !anything(c.Lines) {
			continue
		}
		c.Zone, c.From, c.To = zone, weeks[0].From, weeks[len(weeks)-1].From.AddDate(0, 0, 1)
		png, err := chart.PNG(c.Chart, chartWidth, chartHeight)
		if err != nil {
			return nil, err
		}
		out = append(out, commands.File{Name: c.name, Title: c.Title, Data: png})
	}
	return out, nil
}

func pages(f stats.Figures) float64 { return float64(f.Pages) }

func pagesAtNight(f stats.Figures) float64 {
	n := 0
	for _, l := range f.People {
		n += l.AtNight
	}
	return float64(n)
}

// anything tells whether a line has a value besides zero.
func anything(lines []chart.Line) bool {
	for _, l := range lines {
		for _, p := range l.Points {
			if p.V > 0 {
				return true
			}
		}
	}
	return false
}
