package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/playbooks/run/shell"
	"muster/query"
)

// lookBack is how far back a logql block that asks for lines looks.
const lookBack = time.Hour

// maxLines is how many lines Loki is asked for; it refuses more than 5,000 unless it is told otherwise.
const maxLines = 1000

// promql asks Prometheus at this moment.
func (p *performance) promql(ctx context.Context, code string) (int, error) {
	e := p.order.Reach.Prometheus
	if e.URL == "" {
		return -1, shell.Refusal("There is no Prometheus to ask: set PROMETHEUS_URL.")
	}
	p.out.secrets.Add(e.Token)
	server, err := query.NewPrometheus(query.Config{URL: e.URL, Token: e.Token})
	if err != nil {
		return -1, err
	}
	a, err := server.Ask(ctx, query.Question{Expr: code, At: time.Now()})
	if err != nil {
		return 1, err
	}
	p.answer(a)
	return 0, nil
}

// logql asks Loki: for lines of the last hour, or for numbers.
func (p *performance) logql(ctx context.Context, code string) (int, error) {
	e := p.order.Reach.Loki
	if e.URL == "" {
		return -1, shell.Refusal("There is no Loki to ask: set LOKI_URL.")
	}
	p.out.secrets.Add(e.Token)
	server, err := query.NewLoki(query.Config{URL: e.URL, Token: e.Token})
	if err != nil {
		return -1, err
	}
	now := time.Now()
	if !strings.HasPrefix(strings.TrimSpace(code), "{") {
		a, err := server.Ask(ctx, query.Question{Expr: code, At: now})
		if err != nil {
			return 1, err
		}
		p.answer(a)
		return 0, nil
	}
	most := min(p.order.Request.Limits.MaxRows, maxLines)
	lines, err := server.Range(ctx, code, now.Add(-lookBack), now, most)
	if err != nil {
		return 1, err
	}
	t := Table{Columns: []string{"time", "line"}, More: len(lines) >= most}
	for _, l := range lines {
		t.Rows = append(t.Rows, p.masked([]string{l.At.UTC().Format("15:04:05.000"), l.Text}))
	}
	p.result.Table = &t
	for _, row := range t.Rows {
		fmt.Fprintln(p.out, strings.Join(row, "  "))
	}
	fmt.Fprintf(p.out, "(%d lines of the last hour)\n", len(t.Rows))
	return 0, nil
}

// answer prints numbers as a table: one column for each label, then the value.
func (p *performance) answer(a query.Answer) {
	p.result.Remarks = append(p.result.Remarks, a.Warnings...)
	if a.Text != "" {
		fmt.Fprintln(p.out, a.Text)
	}
	names := map[string]bool{}
	for _, s := range a.Samples {
		for name := range s.Labels {
			names[name] = true
		}
	}
	labels := slices.Sorted(maps.Keys(names))
	t := Table{Columns: append(slices.Clone(labels), "value")}
	for i, s := range a.Samples {
		if i >= p.order.Request.Limits.MaxRows {
			t.More = true
			break
		}
		var row []string
		for _, name := range labels {
			row = append(row, s.Labels[name])
		}
		t.Rows = append(t.Rows, p.masked(append(row, strconv.FormatFloat(s.V, 'g', 6, 64))))
	}
	p.result.Table = &t
	printTable(p.out, t)
}
