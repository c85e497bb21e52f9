package query

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"
)

// Line is one line of a log.
type Line struct {
	At     time.Time
	Labels map[string]string // of its stream
	Text   string
}

// Loki asks a Loki server.
type Loki struct{ source }

// NewLoki checks the address, and asks nothing yet.
func NewLoki(cfg Config) (*Loki, error) {
	s, err := newSource("Loki", "LOKI_URL", cfg)
	if err != nil {
		return nil, err
	}
	return &Loki{s}, nil
}

// Range gives the log lines that the expression selects from one moment up to,
// not including, another: the newest limit of them, oldest first.
func (l *Loki) Range(ctx context.Context, expr string, from, to time.Time, limit int) ([]Line, error) {
	if !from.Before(to) {
		return nil, &Failure{Kind: Invalid, Text: "The span's start is not before its end."}
	}
	if limit <= 0 {
		return nil, &Failure{Kind: Invalid, Text: "The number of lines must be above zero."}
	}
	a, err := l.ask(ctx, "loki/api/v1/query_range", url.Values{
		"query": {expr}, "start": {nanoseconds(from)}, "end": {nanoseconds(to)},
		"limit": {strconv.Itoa(limit)}, "direction": {"backward"},
	})
	if err != nil {
		return nil, err
	}
	if a.Data.Type != "streams" {
		return nil, &Failure{Kind: Invalid, Text: fmt.Sprintf("The expression gives a %s, not lines of a log.", a.Data.Type)}
	}
	lines, err := readStreams(a.Data.Result)
	if err != nil {
		return nil, &Failure{Kind: Away, Text: "Loki's answer cannot be read: its streams are not ones."}
	}
	return lines, nil
}

// Metric gives the values of a metric expression (count_over_time and the like) at one moment.
func (l *Loki) Metric(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	a, err := l.Ask(ctx, Question{Expr: expr, At: at})
	if err != nil {
		return nil, err
	}
	return a.samples()
}

// MetricRange gives the values of a metric expression from one moment to
// another, one every step.
func (l *Loki) MetricRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	a, err := l.Ask(ctx, Question{Expr: expr, From: from, To: to, Step: step})
	if err != nil {
		return nil, err
	}
	return a.series()
}

// Ask gives the whole answer to a metric question, warnings included.
func (l *Loki) Ask(ctx context.Context, q Question) (Answer, error) {
	return l.metrics(ctx, "loki/api/v1/query", nanoseconds, q, url.Values{})
}

// Check says in one sentence why the server cannot be asked, if it cannot.
func (l *Loki) Check(ctx context.Context) error {
	data, err := l.get(ctx, "loki/api/v1/labels", url.Values{})
	if err != nil {
		return err
	}
	var said struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(data, &said) != nil || said.Status != "success" {
		return &Failure{Kind: Away, Text: "What answers is not Loki; check LOKI_URL."}
	}
	return nil
}

// readStreams reads the lines of all streams, oldest first. A line's third
// element, where there is one, is structured metadata and is left out.
func readStreams(data []byte) ([]Line, error) {
	var streams []struct {
		Stream map[string]string   `json:"stream"`
		Values [][]json.RawMessage `json:"values"`
	}
	if err := json.Unmarshal(data, &streams); err != nil {
		return nil, err
	}
	var out []Line
	for _, s := range streams {
		for _, v := range slices.Backward(s.Values) { // newest first, as asked
			var at, text string
			if len(v) < 2 || json.Unmarshal(v[0], &at) != nil || json.Unmarshal(v[1], &text) != nil {
				return nil, fmt.Errorf("a line is not a pair of texts")
			}
			ns, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("a line's time is not a number")
			}
			out = append(out, Line{At: time.Unix(0, ns).UTC(), Labels: s.Stream, Text: text})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].At.Before(out[j].At) })
	return out, nil
}

// nanoseconds writes a moment as Loki takes it.
func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
