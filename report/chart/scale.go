package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measure is how values of one unit are written in one chart.
type measure struct {
	factor float64 // value × factor is what is written
	suffix string  // right behind each number
	above  string  // once, above the axis
}

// measureOf chooses the size of the unit by the largest value.
func measureOf(unit string, largest float64) measure {
	switch unit {
	case "%":
		return measure{1, "%", ""}
	case "ms", "s":
		ms := largest
		if unit == "s" {
			ms *= 1000
		}
		to := func(perMs float64, suffix string) measure {
			if unit == "s" {
				perMs *= 1000
			}
			return measure{perMs, " " + suffix, ""}
		}
		switch {
		case ms >= 3*3600e3:
			return to(1/3600e3, "h")
		case ms >= 3*60e3:
			return to(1/60e3, "min")
		case ms >= 2000:
			return to(1/1000.0, "s")
		}
		return to(1, "ms")
	case "B":
		names, i := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}, 0
		for i < len(names)-1 && largest >= 1024 {
			largest /= 1024
			i++
		}
		return measure{math.Pow(1024, -float64(i)), " " + names[i], ""}
	}
	return measure{1, "", unit}
}

// write gives a value with as many digits as the step between ticks needs.
// Both are written values, after the factor.
func (m measure) write(v, step float64) string {
	large := ""
	if m.above != "" || m.suffix == "" {
		for _, k := range []struct {
			from float64
			name string
		}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
			if math.Abs(v) >= k.from {
				unit := k.from
				if k.name == "k" {
					unit = 1e3
				}
				v, step, large = v/unit, step/unit, k.name
				break
			}
		}
	}
	if v != 0 && (math.Abs(v) < 1e-6 || math.Abs(v) >= 1e7) {
		return strconv.FormatFloat(v, 'g', 3, 64) + large + m.suffix
	}
	digits := 0
	for s := step; digits < 9 && math.Abs(s-math.Round(s)) > 1e-6*max(s, 1e-3); digits++ {
		s *= 10
	}
	out := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Trim(out, "-0.") == "" {
		out = "0"
	}
	return strings.Replace(out, "-", "−", 1) + large + m.suffix
}

// short gives a single value for the legend, with about three digits.
func (m measure) short(v float64) string {
	v *= m.factor
	step := 1.0
	if a := math.Abs(v); a > 0 && a < 100 {
		step = math.Pow(10, math.Floor(math.Log10(a))-2)
		if v == math.Round(v) {
			step = 1
		}
	}
	out := m.write(v, step)
	if m.above != "" {
		out += " " + m.above
	}
	return out
}

// axis is the vertical one, in written values.
type axis struct{ lo, hi, step float64 }

// axisOf spans the values with at most four steps of a round size.
func axisOf(lo, hi float64, percent bool) axis {
	if lo > 0 && lo < 0.7*hi || lo == hi && lo > 0 {
		lo = 0
	}
	if hi < 0 && hi > 0.7*lo || lo == hi && hi < 0 {
		hi = 0
	}
	switch size := max(math.Abs(lo), math.Abs(hi)); {
	case size < 1e-100:
		lo, hi = 0, 1
	case hi-lo < 1e-6*size: // too close to tell apart
		lo, hi = lo-0.01*size, hi+0.01*size
	}
	step := 0.0
	for power := math.Floor(math.Log10((hi-lo)/4)) - 1; step == 0; power++ {
		for _, n := range []float64{1, 2, 2.5, 5} {
			s := n * math.Pow(10, power)
			if n := math.Ceil(hi/s-1e-9) - math.Floor(lo/s+1e-9); n <= 4 {
				step = s
				break
			}
		}
	}
	a := axis{math.Floor(lo/step+1e-9) * step, math.Ceil(hi/step-1e-9) * step, step}
	whole := percent && a.hi <= 100.000001
	if hi > a.hi-step*0.02 && hi != 0 && !(whole && hi > 99) {
		a.hi += step // room above a line that touches the top
	}
	if lo < a.lo+step*0.02 && lo != 0 {
		a.lo -= step
	}
	return a
}

func (a axis) ticks() []float64 {
	var out []float64
	for i := 0; i <= 8; i++ {
		if v := a.lo + float64(i)*a.step; v <= a.hi+a.step*1e-6 {
			out = append(out, v)
		}
	}
	return out
}

// tick is one moment on the axis of time.
type tick struct {
	at    time.Time
	label string
}

// steps are the spans between ticks, in seconds; those of an hour and more are
// counted from midnight on the wall.
var steps = []int64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600,
	86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 91 * 86400, 364 * 86400}

// moments gives at most most ticks.
func moments(from, to time.Time, most int, zone *time.Location) []tick {
	span := int64(to.Sub(from) / time.Second)
	if span < 1 {
		return []tick{{from, from.In(zone).Format("15:04:05")}}
	}
	i, _ := slices.BinarySearchFunc(steps, span, func(step, span int64) int {
		if span/step+1 > int64(most) {
			return -1
		}
		return 1
	})
	step := steps[min(i, len(steps)-1)]
	var out []tick
	for n := range int64(400) {
		at := momentAfter(from.In(zone), step, n)
		if at.After(to) {
			break
		}
		if at.Before(from) || len(out) > 0 && !at.After(out[len(out)-1].at) {
			continue
		}
		out = append(out, tick{at, labelOf(at, step)})
	}
	return out
}

// momentAfter is the nth round moment, counted from one not after from.
func momentAfter(from time.Time, step, n int64) time.Time {
	if step < 3600 {
		_, offset := from.Zone()
		local := from.Unix() + int64(offset)
		return time.Unix(local-local%step+n*step-int64(offset), 0).In(from.Location())
	}
	y, m, d := from.Date()
	return time.Date(y, m, d, int(n*step/3600), 0, 0, 0, from.Location())
}

func labelOf(at time.Time, step int64) string {
	switch {
	case step >= 91*86400:
		return at.Format("Jan 2006")
	case step >= 86400 || step >= 3600 && at.Hour() == 0:
		return at.Format("2 Jan")
	case step < 60:
		return at.Format("15:04:05")
	}
	return at.Format("15:04")
}
