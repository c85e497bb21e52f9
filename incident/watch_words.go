package incident

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Outcome says in one sentence how the look-out went.
func (e WatchEnded) Outcome(at func(time.Time) string) string {
	var away []string
	for _, g := range e.Gaps {
		away = append(away, "from "+at(g.From)+" to "+at(g.To))
	}
	what := "nothing"
	if e.Partly > 0 {
		what = "not everything"
	}
	unseen := what + " could be seen " + strings.Join(away, ", ")
	over := fmt.Sprintf("%d of %d looks were over the limit", e.Over, e.Looks)
	if e.Looks == 1 {
		over = "the only look was over the limit"
	}
	if e.Last == WatchOver {
		over += ", the last one too"
	}
	switch {
	case e.Looks == 0 || e.Last == WatchAway && e.Over+e.Partly == 0 && covers(e.Gaps, e.For):
		return "Nothing could be seen while watching whether it comes back."
	case e.Over > 0 && len(away) > 0:
		return "The watch is over: " + over + "; " + unseen + "."
	case e.Over > 0:
		return "The watch is over: " + over + "."
	case len(away) > 0:
		return "Quiet as far as could be seen; " + unseen + "."
	default:
		return fmt.Sprintf("Quiet: nothing came back in %s (%d looks).", spanOf(e.For), e.Looks)
	}
}

// covers tells whether gaps leave nothing of a time worth naming.
func covers(gaps []Gap, span time.Duration) bool {
	var sum time.Duration
	for _, g := range gaps {
		sum += g.To.Sub(g.From)
	}
	return sum >= span-span/20
}

func spanOf(d time.Duration) string {
	if d == time.Hour {
		return "an hour"
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.Round(time.Second).String(), "0s"), "0m")
}

// seen says in words what is over its limit, or what was so and is no more.
func (w Watch) seen(values []WatchValue) string {
	var out []string
	over := slices.ContainsFunc(values, func(v WatchValue) bool { return v.Over })
	for i, q := range w.Queries {
		if i >= len(values) || values[i].Over != over {
			continue
		}
		switch {
		case q.Fires && over:
			out = append(out, q.Name+" fires again")
		case q.Fires:
			out = append(out, q.Name+" does not fire")
		case q.Limit != nil && values[i].V != nil:
			out = append(out, fmt.Sprintf("%s is %s (limit %s)", q.Name, q.Show(*values[i].V), q.Show(*q.Limit)))
		}
	}
	return strings.Join(out, ", ")
}

// Show writes a value with its unit. A ratio is written in percent.
func (q WatchQuery) Show(v float64) string {
	unit := q.Unit
	if unit == "ratio" {
		v, unit = v*100, "%"
	}
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if math.Abs(v) >= 100 && math.Abs(v) < 1e9 {
		text = strconv.FormatFloat(v, 'f', 0, 64)
	}
	if unit == "" {
		return text
	}
	return text + " " + unit
}
