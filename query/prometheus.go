package query

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"
)

// Sample is one value at one moment.
type Sample struct {
	Labels map[string]string
	At     time.Time
	V      float64 // NaN and infinities are values too
}

// Point is one value of a series.
type Point struct {
	At time.Time
	V  float64 // NaN and infinities are values too
}

// Series is one line over time, oldest point first. A moment without a value
// has no point.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Question is one expression, at one moment or over a span.
type Question struct {
	Expr string
	At   time.Time // an instant question; zero: a range
	// From, To and Step make a range; both ends belong to it.
	From, To time.Time
	Step     time.Duration
}

// Answer is everything that a server said.
type Answer struct {
	Type     string   // vector, scalar, matrix or string
	Samples  []Sample // of vector and scalar
	Series   []Series // of matrix
	Text     string   // of string
	Warnings []string // the server's: a partial answer says so here
	Infos    []string
}

// Prometheus asks a Prometheus server, or what speaks its API.
type Prometheus struct{ source }

// NewPrometheus checks the address, and asks nothing yet.
func NewPrometheus(cfg Config) (*Prometheus, error) {
	s, err := newSource("Prometheus", "PROMETHEUS_URL", cfg)
	if err != nil {
		return nil, err
	}
	return &Prometheus{s}, nil
}

// Instant gives the expression's values at one moment. Warnings are left out;
// [Prometheus.Ask] has them.
func (p *Prometheus) Instant(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	a, err := p.Ask(ctx, Question{Expr: expr, At: at})
	if err != nil {
		return nil, err
	}
	return a.samples()
}

// Range gives the expression's values from one moment to another, both
// included, one every step. Warnings are left out; [Prometheus.Ask] has them.
func (p *Prometheus) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	a, err := p.Ask(ctx, Question{Expr: expr, From: from, To: to, Step: step})
	if err != nil {
		return nil, err
	}
	return a.series()
}

// Ask gives the whole answer to one question, warnings included.
func (p *Prometheus) Ask(ctx context.Context, q Question) (Answer, error) {
	return p.metrics(ctx, "api/v1/query", seconds, q, url.Values{"timeout": {inSeconds(p.cfg.Timeout)}})
}

// Check says in one sentence why the server cannot be asked, if it cannot.
func (p *Prometheus) Check(ctx context.Context, now time.Time) error {
	_, err := p.Instant(ctx, "vector(1)", now)
	return err
}

func (a Answer) samples() ([]Sample, error) {
	if a.Type == "matrix" || a.Type == "string" {
		return nil, &Failure{Kind: Invalid, Text: fmt.Sprintf("The expression gives a %s; one value for each series is needed.", a.Type)}
	}
	return a.Samples, nil
}

func (a Answer) series() ([]Series, error) {
	if a.Type != "matrix" {
		return nil, &Failure{Kind: Invalid, Text: fmt.Sprintf("The expression gives a %s; values over time are needed.", a.Type)}
	}
	return a.Series, nil
}

// metrics asks an instant or a range question; Loki's metric queries are the same.
func (s source) metrics(ctx context.Context, path string, moment func(time.Time) string, q Question, params url.Values) (Answer, error) {
	params.Set("query", q.Expr)
	switch {
	case !q.At.IsZero():
		params.Set("time", moment(q.At))
	case !q.From.Before(q.To):
		return Answer{}, &Failure{Kind: Invalid, Text: "The span's start is not before its end."}
	case q.Step <= 0:
		return Answer{}, &Failure{Kind: Invalid, Text: "The span needs a step longer than zero."}
	default:
		path += "_range"
		params.Set("start", moment(q.From))
		params.Set("end", moment(q.To))
		params.Set("step", inSeconds(q.Step))
	}
	raw, err := s.ask(ctx, path, params)
	if err != nil {
		return Answer{}, err
	}
	out, err := raw.decode()
	if err != nil {
		return Answer{}, &Failure{Kind: Away, Text: fmt.Sprintf("%s's answer cannot be read: %s.", s.name, err)}
	}
	return out, nil
}

func (a answer) decode() (Answer, error) {
	out := Answer{Type: a.Data.Type, Warnings: a.Warnings, Infos: a.Infos}
	histograms := 0
	switch a.Data.Type {
	case "vector", "matrix":
		var rows []row
		if err := json.Unmarshal(a.Data.Result, &rows); err != nil {
			return Answer{}, fmt.Errorf("its %s is not one", a.Data.Type)
		}
		for _, r := range rows {
			if a.Data.Type == "matrix" {
				out.Series = append(out.Series, Series{Labels: r.Metric, Points: r.points()})
				if len(r.Histograms) > 0 {
					histograms++
				}
				continue
			}
			if r.Value == nil {
				histograms++
				continue
			}
			out.Samples = append(out.Samples, Sample{Labels: r.Metric, At: r.Value.At, V: r.Value.V})
		}
	case "scalar":
		var v value
		if err := json.Unmarshal(a.Data.Result, &v); err != nil {
			return Answer{}, fmt.Errorf("its scalar is not one")
		}
		out.Samples = []Sample{{At: v.At, V: v.V}}
	case "string":
		var v [2]any
		if err := json.Unmarshal(a.Data.Result, &v); err != nil {
			return Answer{}, fmt.Errorf("its string is not one")
		}
		out.Text, _ = v[1].(string)
	default:
		return Answer{}, fmt.Errorf("it is a %q", a.Data.Type)
	}
	if histograms > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d series are native histograms, which are left out; take histogram_quantile or histogram_avg of them.", histograms))
	}
	return out, nil
}

// row is one series of an answer.
type row struct {
	Metric     map[string]string `json:"metric"`
	Value      *value            `json:"value"`
	Values     []value           `json:"values"`
	Histograms []json.RawMessage `json:"histograms"`
}

func (r row) points() []Point {
	out := make([]Point, len(r.Values))
	for i, v := range r.Values {
		out[i] = Point(v)
	}
	return out
}

// value reads [1435781451.781, "1.5"].
type value Point

// UnmarshalJSON reads a pair of seconds since 1970 and a number as text.
func (v *value) UnmarshalJSON(data []byte) error {
	var at float64
	var text string
	if err := json.Unmarshal(data, &[2]any{&at, &text}); err != nil {
		return err
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(number, 0) {
		return fmt.Errorf("%q is not a number", text)
	}
	*v = value{At: time.UnixMilli(int64(math.Round(at * 1000))).UTC(), V: number}
	return nil
}

// inSeconds writes a duration as both servers take it.
func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// seconds writes a moment as Prometheus takes it, to the millisecond.
func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
