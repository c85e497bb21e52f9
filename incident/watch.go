package incident

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// ReopenBy says what a regression in the watch leads to.
type ReopenBy string

// The ways: a person is offered to reopen, two looks in a row reopen by
// themselves, or it is only said.
const (
	ReopenOffer ReopenBy = "offer"
	ReopenAuto  ReopenBy = "auto"
	ReopenOff   ReopenBy = "off"
)

// WatchPlan is the look-out after the resolution, as the configuration of the
// day gives it. The zero value: nobody looks.
type WatchPlan struct {
	For     time.Duration `json:"for,omitempty"`
	Every   time.Duration `json:"every,omitempty"`
	Reopen  ReopenBy      `json:"reopen,omitempty"`
	Queries []WatchQuery  `json:"queries,omitempty"`
}

// WatchQuery is one thing that is measured.
type WatchQuery struct {
	Name string `json:"name"`
	Expr string `json:"expr"` // PromQL
	Unit string `json:"unit,omitempty"`
	// Op compares a value with Limit: ">", ">=", "<", "<=", "==" or "!=";
	// empty: ">". A nil Limit is only drawn.
	Op    string   `json:"op,omitempty"`
	Limit *float64 `json:"limit,omitempty"`
	// Fires is set for a whole alert's expression: any value is a regression,
	// and none is all right.
	Fires bool `json:"fires,omitempty"`
}

// WatchValue is what one query gave. A nil V: it gave no value.
type WatchValue struct {
	V    *float64 `json:"v,omitempty"`
	Over bool     `json:"over,omitempty"`
}

// Read takes the worst of a query's values. Values that are no numbers count
// as none.
func (q WatchQuery) Read(values []float64) WatchValue {
	var out WatchValue
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		one := WatchValue{V: &v, Over: q.Fires || q.Limit != nil && q.passes(v)}
		if q.Compare(one, out) < 0 {
			out = one
		}
	}
	return out
}

func (q WatchQuery) passes(v float64) bool {
	limit := *q.Limit
	switch q.Op {
	case ">=":
		return v >= limit
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case "==":
		return v == limit
	case "!=":
		return v != limit
	default:
		return v > limit
	}
}

// Compare orders values, the worse before the better and no value last.
func (q WatchQuery) Compare(a, b WatchValue) int {
	switch {
	case a.V == nil || b.V == nil:
		return cmp.Compare(btoi(a.V == nil), btoi(b.V == nil))
	case a.Over != b.Over:
		return cmp.Compare(btoi(b.Over), btoi(a.Over))
	case q.Lower():
		return cmp.Compare(*a.V, *b.V)
	default:
		return cmp.Compare(*b.V, *a.V)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Lower tells whether less is worse.
func (q WatchQuery) Lower() bool { return q.Op == "<" || q.Op == "<=" }

// Verdict is what one look found.
type Verdict string

// The verdicts. Away: nothing could be seen, which is never called all right.
const (
	WatchOK   Verdict = "ok"
	WatchOver Verdict = "over limit"
	WatchAway Verdict = "away"
)

// WatchBegan starts the look-out after a resolution, or says that no machine
// looks. It carries resolved values.
type WatchBegan struct {
	// Blind says why nothing is watched; empty: it is.
	Blind   string        `json:"blind,omitempty"`
	Until   time.Time     `json:"until,omitzero"`
	Every   time.Duration `json:"every,omitempty"`
	Reopen  ReopenBy      `json:"reopen,omitempty"`
	Queries []WatchQuery  `json:"queries,omitempty"`
}

// Watched is one look.
type Watched struct {
	Verdict Verdict `json:"verdict"`
	// Values are in the order of the queries.
	Values []WatchValue `json:"values,omitempty"`
	// Reason says what was seen, or why nothing could be.
	Reason string `json:"reason,omitempty"`
	// Said is set when people are told: the verdict changed, and not a moment
	// ago for the same thing.
	Said bool `json:"said,omitempty"`
	// Offer is set when people are offered to reopen.
	Offer bool `json:"offer,omitempty"`
	// Turned is set when the verdict differs from the look before.
	Turned bool `json:"turned,omitempty"`
}

// Gap is a time in which nothing could be seen.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// WatchEnded says how the look-out went that came to its end.
type WatchEnded struct {
	Looks int   `json:"looks"`
	Over  int   `json:"over,omitempty"` // looks over a limit
	Gaps  []Gap `json:"gaps,omitempty"`
	// Partly counts the looks of the gaps that saw something, only not all.
	Partly int           `json:"partly,omitempty"`
	For    time.Duration `json:"for"`
	Last   Verdict       `json:"last,omitempty"`
	Late   time.Duration `json:"late,omitempty"`
}

func (WatchBegan) event() {}
func (Watched) event()    {}
func (WatchEnded) event() {}

// Look tells an incident what was measured.
type Look struct {
	// Began names the look-out that it is for: the sequence of its first record.
	Began  uint64
	Values []WatchValue // in the order of the queries
	// Away says why nothing, or not everything, could be asked; empty: all was.
	Away string
}

func (Look) intent() {}

// ShowWatch posts the charts of the look-out into the thread, or brings them up
// to date.
type ShowWatch struct {
	Began uint64 `json:"began"`
}

// ShowRegression tells of one look over a limit, with the chart that shows it.
type ShowRegression struct {
	Seq uint64 `json:"seq"`
}

func (ShowWatch) effect()      {}
func (ShowRegression) effect() {}

// PlaceWatch is the message with the charts of the look-out.
const PlaceWatch Place = "watch"

const (
	// sayAgain is how soon the same finding is told once more.
	sayAgain = 10 * time.Minute
	// drawEvery is how many looks pass between two charts without news.
	drawEvery = 5
	// missedLooks is how many looks may fail to come before it counts as not
	// having seen anything.
	missedLooks = 3
	// fadeFor is how long after the resolution a value that goes down by fadeBy of
	// itself from look to look does not reopen by itself.
	fadeFor = 10 * time.Minute
	fadeBy  = 0.05
	// maxGaps bounds what is remembered; later ones widen the last.
	maxGaps = 20
)

// Watch is where the look-out stands. The zero value: there is none.
type Watch struct {
	Seq     uint64        `json:"seq,omitempty"`   // of its first record
	Round   int           `json:"round,omitempty"` // of the resolution: the reopenings before it
	From    time.Time     `json:"from,omitzero"`
	Until   time.Time     `json:"until,omitzero"`
	Every   time.Duration `json:"every,omitempty"`
	Reopen  ReopenBy      `json:"reopen,omitempty"`
	Queries []WatchQuery  `json:"queries,omitempty"`
	Ended   bool          `json:"ended,omitempty"`

	At      time.Time    `json:"at,omitzero"` // of the last look, or From
	Looks   int          `json:"looks,omitempty"`
	Over    int          `json:"over,omitempty"`
	Verdict Verdict      `json:"verdict,omitempty"` // of the last look
	Values  []WatchValue `json:"values,omitempty"`  // of the last look
	// Told is the verdict that people know; OverSaid and AwaySaid are when they
	// were last told of those.
	Told     Verdict   `json:"told,omitempty"`
	ToldPart bool      `json:"told_part,omitempty"` // of WatchAway: that something can be seen still
	OverSaid time.Time `json:"over_said,omitzero"`
	AwaySaid time.Time `json:"away_said,omitzero"`
	// AwayFrom is since when nothing can be seen; zero: it can.
	AwayFrom time.Time `json:"away_from,omitzero"`
	Gaps     []Gap     `json:"gaps,omitempty"`
	Partly   int       `json:"partly,omitempty"` // looks that saw something, only not all
	Chart    Spot      `json:"chart,omitzero"`
	Shown    string    `json:"shown,omitempty"` // the pictures of Chart
}

// Watching tells whether somebody has to look now.
func (s Incident) Watching() bool {
	w := s.After.Watch
	return w.Seq != 0 && !w.Ended && !s.ResolvedAt.IsZero() && s.MergedInto == ""
}

// WatchDue tells whether the present resolution still needs its look-out begun.
func (s Incident) WatchDue() bool {
	w := s.After.Watch
	return !s.ResolvedAt.IsZero() && s.MergedInto == "" && s.ClosedAt.IsZero() && !s.Drill.On && s.Plan.Watch.For > 0 && (w.Seq == 0 || w.Round != s.Reopens)
}

// NextLook is when the next look is due.
func (w Watch) NextLook() time.Time { return w.At.Add(w.Every) }

// Unseen are the times in which nothing was seen, up to the end.
func (w Watch) Unseen(end time.Time) []Gap {
	gaps := slices.Clone(w.Gaps)
	switch {
	case !w.AwayFrom.IsZero():
		gaps = withGap(gaps, w.AwayFrom, end)
	case end.Sub(w.At) > missedLooks*w.Every:
		gaps = withGap(gaps, w.At, end)
	}
	return gaps
}

func withGap(gaps []Gap, from, to time.Time) []Gap {
	if !to.After(from) {
		return gaps
	}
	n := len(gaps)
	if n > 0 && (n >= maxGaps || !gaps[n-1].To.Before(from)) {
		gaps = slices.Clone(gaps)
		gaps[n-1].To = to
		return gaps
	}
	return append(slices.Clone(gaps), Gap{from, to})
}

// look turns what was measured into facts.
func look(s Incident, in Look, now time.Time) []Event {
	w := s.After.Watch
	if !s.Watching() || w.Seq != in.Began {
		return nil
	}
	e := Watched{Verdict: WatchOK, Values: in.Values}
	over := slices.ContainsFunc(in.Values, func(v WatchValue) bool { return v.Over })
	switch {
	case over:
		e.Verdict, e.Reason = WatchOver, w.seen(in.Values)
	case in.Away != "":
		e.Verdict, e.Reason = WatchAway, in.Away
	default:
		if blind := w.blind(in.Values); blind != "" {
			e.Verdict, e.Reason = WatchAway, blind
		}
	}
	e.Turned = e.Verdict != w.Verdict && (w.Verdict != "" || e.Verdict != WatchOK) || e.Verdict == WatchAway && Partial(in.Values) != Partial(w.Values)
	e.Said = w.says(e, now)
	if e.Said && e.Verdict == WatchOK && w.Told == WatchOver {
		e.Reason = w.seen(in.Values)
	}
	e.Offer = e.Said && over && w.Reopen == ReopenOffer
	if over && w.Verdict == WatchOver && w.Reopen == ReopenAuto && !w.fades(in.Values, now) {
		e.Said = false // reopening says it
		return []Event{e, Reopened{By: Self, Reason: "two looks in a row were over the limit: " + e.Reason}}
	}
	return []Event{e}
}

// fades tells whether what was over its limit at the resolution, and at every
// look since, is still going down: a rate over some minutes does so for as
// long after the errors have ended.
func (w Watch) fades(values []WatchValue, now time.Time) bool {
	if w.Looks != w.Over || now.Sub(w.From) > fadeFor {
		return false
	}
	for i, v := range values {
		if !v.Over {
			continue
		}
		if i >= len(w.Queries) || i >= len(w.Values) || !w.Values[i].Over || w.Values[i].V == nil || v.V == nil {
			return false
		}
		was, better := *w.Values[i].V, *w.Values[i].V-*v.V
		if w.Queries[i].Lower() {
			better = -better
		}
		if better < fadeBy*math.Abs(was) {
			return false
		}
	}
	return true
}

// blind says why values are not enough to call anything all right; empty: they
// are.
func (w Watch) blind(values []WatchValue) string {
	var silent []string
	limited, any := false, false
	for i, q := range w.Queries {
		given := i < len(values) && values[i].V != nil
		any = any || given
		switch {
		case q.Fires, q.Limit != nil && given:
			return ""
		case q.Limit != nil:
			limited, silent = true, append(silent, q.Name)
		}
	}
	switch {
	case !any:
		return "no query gives a value"
	case limited:
		return strings.Join(silent, ", ") + " gives no value"
	default:
		return ""
	}
}

// Partial tells whether a look that did not see all saw something.
func Partial(values []WatchValue) bool {
	return slices.ContainsFunc(values, func(v WatchValue) bool { return v.V != nil })
}

// says tells whether people hear of a verdict now.
func (w Watch) says(e Watched, now time.Time) bool {
	told := w.Told
	if told == "" {
		told = WatchOK
	}
	worse := e.Verdict == WatchAway && w.ToldPart && !Partial(e.Values)
	switch {
	case e.Verdict == told && !worse:
		return false
	case e.Verdict == WatchOver:
		return w.OverSaid.IsZero() || now.Sub(w.OverSaid) >= sayAgain
	case e.Verdict == WatchAway:
		return w.AwaySaid.IsZero() || now.Sub(w.AwaySaid) >= sayAgain
	default:
		return true
	}
}

// applyWatch folds the records of the look-out.
func applyWatch(s Incident, r Record) Incident {
	w := s.After.Watch
	switch e := r.Event.(type) {
	case WatchBegan:
		w = Watch{
			Seq: r.Seq, Round: s.Reopens, From: r.At, At: r.At, Until: e.Until, Every: e.Every, Reopen: e.Reopen, Queries: e.Queries,
			Ended: e.Blind != "",
		}
	case Watched:
		if r.At.Sub(w.At) > missedLooks*w.Every && w.AwayFrom.IsZero() {
			w.Gaps = withGap(w.Gaps, w.At, r.At)
		}
		switch {
		case e.Verdict == WatchAway && w.Looks == 0:
			w.AwayFrom = w.From // nothing was ever seen
		case e.Verdict == WatchAway && w.AwayFrom.IsZero():
			w.AwayFrom = r.At
		case e.Verdict != WatchAway && !w.AwayFrom.IsZero():
			w.Gaps, w.AwayFrom = withGap(w.Gaps, w.AwayFrom, r.At), time.Time{}
		}
		w.At, w.Looks, w.Verdict, w.Values = r.At, w.Looks+1, e.Verdict, e.Values
		switch {
		case e.Verdict == WatchOver:
			w.Over++
		case e.Verdict == WatchAway && Partial(e.Values):
			w.Partly++
		}
		if e.Said {
			w.Told, w.ToldPart = e.Verdict, e.Verdict == WatchAway && Partial(e.Values)
			switch e.Verdict {
			case WatchOver:
				w.OverSaid = r.At
			case WatchAway:
				w.AwaySaid = r.At
			}
		}
	case WatchEnded:
		w.Ended = true
	}
	s.After.Watch = w
	return s
}

// effectsWatch says what is shown of the look-out.
func effectsWatch(s Incident, r Record, thread Thread) []Effect {
	show := ShowWatch{Began: s.After.Watch.Seq}
	switch e := r.Event.(type) {
	case WatchBegan:
		if e.Blind != "" {
			return []Effect{thread}
		}
		return []Effect{show}
	case Watched:
		var out []Effect
		switch {
		case e.Said && e.Verdict == WatchOver:
			out = append(out, ShowRegression{Seq: r.Seq})
		case e.Said:
			out = append(out, thread)
		}
		w := s.After.Watch
		undrawn := w.Chart.TS != "" && w.Shown == "" && Partial(e.Values)
		if e.Turned || undrawn || w.Looks%drawEvery == 0 {
			out = append(out, show)
		}
		return out
	case WatchEnded:
		return []Effect{thread, show}
	}
	return nil
}

// relevantWatch is Relevant for the look-out.
func relevantWatch(s Incident, e Effect) (reason string, ok bool) {
	switch e := e.(type) {
	case ShowWatch:
		if s.After.Watch.Seq != e.Began {
			return "another watch has begun", false
		}
	case ShowRegression:
		if s.Open() {
			return s.ID + " is open again", false
		}
	}
	return "", true
}
