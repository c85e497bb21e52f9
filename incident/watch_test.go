package incident_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/incident"
)

func limit(v float64) *float64 { return &v }

// drawWatch makes a look-out of a plan, often none.
func drawWatch(t *rapid.T) incident.WatchPlan {
	if rapid.Bool().Draw(t, "unwatched") {
		return incident.WatchPlan{}
	}
	p := incident.WatchPlan{
		For: pick(t, "watch for", minute, time.Hour), Every: pick(t, "watch every", time.Second, minute),
		Reopen: pick(t, "watch reopen", incident.ReopenOffer, incident.ReopenAuto, incident.ReopenOff),
	}
	if rapid.Bool().Draw(t, "queries") {
		p.Queries = []incident.WatchQuery{{Name: "error rate", Expr: "errors", Limit: limit(0.05)}}
	}
	return p
}

// drawLook is what a watcher may say at any moment, also too late.
func drawLook(t *rapid.T, s incident.Incident) incident.Look {
	in := incident.Look{Began: s.After.Watch.Seq, Away: pick(t, "away", "", "", "Prometheus does not answer")}
	if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
		in.Began--
	}
	if rapid.Bool().Draw(t, "value") {
		v := pick(t, "measured", 0.01, 0.08)
		in.Values = []incident.WatchValue{{V: &v, Over: v > 0.05}}
	}
	return in
}

// watched is an incident that was resolved at begin, with a look-out.
func watched(t *testing.T, reopen incident.ReopenBy) *sim {
	t.Helper()
	m := newSim(&duty{})
	plan := usual()
	plan.Watch = incident.WatchPlan{For: time.Hour, Every: minute, Reopen: reopen, Queries: []incident.WatchQuery{
		{Name: "error rate", Expr: "errors", Unit: "ratio", Limit: limit(0.05)}, {Name: "p95", Expr: "p95", Unit: "s"},
	}}
	for _, in := range []incident.Intent{
		incident.Declare{Title: "API down", Severity: incident.P2, By: person("ann"), Plan: plan}, incident.Resolve{By: person("ann")},
	} {
		if _, err := m.say(in); err != nil {
			t.Fatal(err)
		}
	}
	if !m.s.Watching() {
		t.Fatal("the resolved incident is not watched")
	}
	return m
}

// look lets a minute pass and tells what was measured; a NaN: nothing could be.
func (m *sim) look(t *testing.T, rate float64) []fact {
	t.Helper()
	m.now = m.now.Add(minute)
	in := incident.Look{Began: m.s.After.Watch.Seq}
	if math.IsNaN(rate) {
		in.Away = "Prometheus does not answer"
	} else {
		q := m.s.After.Watch.Queries[0]
		in.Values = []incident.WatchValue{q.Read([]float64{rate, 0.001}), {}}
	}
	facts, err := m.say(in)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// told are the effects that people notice.
func told(facts []fact) string {
	var out []string
	for _, f := range facts {
		for _, e := range f.effects {
			switch e.(type) {
			case incident.Thread, incident.ShowRegression, incident.ShowWatch:
				out = append(out, incident.EffectKind(e))
			}
		}
	}
	return strings.Join(out, " ")
}

func TestWatchOffers(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	if got := told(m.look(t, 0.01)); got != "" {
		t.Errorf("a look without news says %q", got)
	}
	facts := m.look(t, 0.08)
	if got, want := told(facts), "show_regression show_watch"; got != want {
		t.Errorf("the first look over the limit leads to %q, want %q", got, want)
	}
	seen := facts[0].record.Event.(incident.Watched)
	if !seen.Offer || seen.Reason != "error rate is 8 % (limit 5 %)" {
		t.Errorf("offered %v because %q", seen.Offer, seen.Reason)
	}
	m.look(t, 0.09)
	if got := told(m.look(t, 0.09)); got != "show_watch" { // every fifth look, or news
		t.Logf("a later look leads to %q", got)
	}
	if m.s.Open() || m.s.After.Watch.Over != 3 {
		t.Errorf("open %v after %d looks over the limit", m.s.Open(), m.s.After.Watch.Over)
	}
	if _, err := m.say(incident.Reopen{By: person("ann"), Reason: seen.Reason}); err != nil || m.s.Watching() {
		t.Errorf("the watch goes on after reopening (%v)", err)
	}
	if facts := m.look(t, 0.09); len(facts) != 0 {
		t.Errorf("a look at an open incident is put on record: %v", facts)
	}
	if _, err := m.say(incident.Resolve{By: person("ann")}); err != nil || !m.s.Watching() || m.s.After.Watch.Looks != 0 {
		t.Errorf("the second resolution is not watched anew (%v)", err)
	}
}

func TestWatchReopensByItself(t *testing.T) {
	m := watched(t, incident.ReopenAuto)
	m.look(t, 0.08)
	m.look(t, math.NaN())
	m.look(t, 0.08)
	if m.s.Open() {
		t.Fatal("two looks that are not in a row reopened")
	}
	m.look(t, 0.08)
	if !m.s.Open() || m.s.Reopens != 1 {
		t.Fatal("two looks in a row did not reopen")
	}
	for _, r := range m.records {
		if e, ok := r.Event.(incident.Reopened); ok && (e.By != incident.Self || !strings.Contains(e.Reason, "error rate is 8 % (limit 5 %)")) {
			t.Errorf("reopened by %s because %q", e.By, e.Reason)
		}
	}
}

func TestWatchOnlySays(t *testing.T) {
	m := watched(t, incident.ReopenOff)
	for range 5 {
		for _, f := range m.look(t, 0.08) {
			if e, ok := f.record.Event.(incident.Watched); ok && e.Offer {
				t.Error("reopening is offered where it is off")
			}
		}
	}
	if m.s.Open() {
		t.Error("reopened where that is off")
	}
}

func TestWatchAway(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	m.look(t, 0.01)
	from := m.now.Add(minute)
	lines := 0
	count := func(facts []fact) {
		for _, f := range facts {
			for _, e := range f.effects {
				if _, ok := e.(incident.Thread); ok {
					lines++
				}
			}
		}
	}
	for range 20 {
		count(m.look(t, math.NaN()))
	}
	if lines != 1 {
		t.Errorf("an absence is told of %d times, want once", lines)
	}
	count(m.look(t, 0.01))
	to := m.now
	if lines != 2 {
		t.Errorf("the return is not told of")
	}
	for range 37 {
		count(m.look(t, 0.01))
	}
	facts, err := m.until(m.s.After.Watch.Until)
	if err != nil {
		t.Fatal(err)
	}
	ended, ok := facts[len(facts)-1].record.Event.(incident.WatchEnded)
	if !ok || len(ended.Gaps) != 1 || !ended.Gaps[0].From.Equal(from) || !ended.Gaps[0].To.Equal(to) {
		t.Fatalf("ended with %+v, want one gap from %v to %v", ended, from, to)
	}
	want := "Quiet as far as could be seen; nothing could be seen from 03:02 to 03:22."
	if got := ended.Outcome(func(t time.Time) string { return t.Format("15:04") }); got != want {
		t.Errorf("the end says %q, want %q", got, want)
	}
}

// TestWatchOutcome: what was not seen is never called quiet.
func TestWatchOutcome(t *testing.T) {
	at := func(t time.Time) string { return t.Format("15:04") }
	for want, e := range map[string]incident.WatchEnded{
		"Quiet: nothing came back in an hour (60 looks).":                                                  {Looks: 60, For: time.Hour, Last: incident.WatchOK},
		"Nothing could be seen while watching whether it comes back.":                                      {For: time.Hour},
		"The watch is over: 3 of 60 looks were over the limit, the last one too.":                          {Looks: 60, Over: 3, For: time.Hour, Last: incident.WatchOver},
		"Quiet as far as could be seen; nothing could be seen from 03:00 to 03:10.":                        {Looks: 50, For: time.Hour, Last: incident.WatchOK, Gaps: []incident.Gap{{From: begin, To: begin.Add(10 * minute)}}},
		"The watch is over: 1 of 50 looks were over the limit; nothing could be seen from 03:00 to 03:10.": {Looks: 50, Over: 1, For: time.Hour, Last: incident.WatchOK, Gaps: []incident.Gap{{From: begin, To: begin.Add(10 * minute)}}},
	} {
		if got := e.Outcome(at); got != want {
			t.Errorf("%+v says\n%q, want\n%q", e, got, want)
		}
	}
}

func TestWatchQueryReads(t *testing.T) {
	below := incident.WatchQuery{Op: "<", Limit: limit(1)}
	if v := below.Read([]float64{3, 0.5, 2}); !v.Over || *v.V != 0.5 {
		t.Errorf("the least of three is not taken where less is worse: %+v", v)
	}
	if v := (incident.WatchQuery{Op: "==", Limit: limit(0)}).Read([]float64{1, 0}); !v.Over {
		t.Error("up == 0 is not seen")
	}
	if v := (incident.WatchQuery{Limit: limit(1)}).Read([]float64{math.NaN(), math.Inf(1)}); v.V != nil || v.Over {
		t.Errorf("what is no number counts: %+v", v)
	}
	if v := (incident.WatchQuery{Fires: true}).Read(nil); v.Over {
		t.Error("an alert without values fires")
	}
}

// TestWatchWithoutValues: queries that give nothing are never called all right.
func TestWatchWithoutValues(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	m.now = m.now.Add(minute)
	p95 := 0.2
	facts, err := m.say(incident.Look{Began: m.s.After.Watch.Seq, Values: []incident.WatchValue{{}, {V: &p95}}})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := facts[0].record.Event.(incident.Watched); !ok || e.Verdict != incident.WatchAway || !e.Said {
		t.Errorf("without a value of what has a limit: %+v", facts[0].record.Event)
	}
}

// end plays the rest of the hour with one value and gives the last sentence.
func (m *sim) end(t *testing.T, rate float64) string {
	t.Helper()
	for m.now.Before(m.s.After.Watch.Until.Add(-minute)) {
		m.look(t, rate)
	}
	facts, err := m.until(m.s.After.Watch.Until)
	if err != nil {
		t.Fatal(err)
	}
	ended, ok := facts[len(facts)-1].record.Event.(incident.WatchEnded)
	if !ok {
		t.Fatalf("the hour ends with %+v", facts)
	}
	return ended.Outcome(func(t time.Time) string { return t.Format("15:04") })
}

// TestWatchSawNothing: an hour in which nothing was ever seen is not called
// quiet, however seldom it was looked.
func TestWatchSawNothing(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	for range 5 { // a look every ten minutes
		m.now = m.now.Add(9 * minute)
		m.look(t, math.NaN())
	}
	if got, want := m.end(t, math.NaN()), "Nothing could be seen while watching whether it comes back."; got != want {
		t.Errorf("the end says %q, want %q", got, want)
	}
}

// TestWatchSeesInPart: where one query fails and another does not, it is neither
// all right nor nothing.
func TestWatchSeesInPart(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	rate := 0.01
	for range 59 {
		m.now = m.now.Add(minute)
		in := incident.Look{Began: m.s.After.Watch.Seq, Away: "p95: Prometheus cannot read the expression", Values: []incident.WatchValue{{V: &rate}, {}}}
		if _, err := m.say(in); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := m.end(t, 0), "Quiet as far as could be seen; not everything could be seen from 03:00 to 04:00."; got != want {
		t.Errorf("the end says %q, want %q", got, want)
	}
}

// TestWatchGoesBack: what was over its limit and is no more is said so.
func TestWatchGoesBack(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	m.look(t, 0.08)
	seen := m.look(t, 0.01)[0].record.Event.(incident.Watched)
	if !seen.Said || seen.Reason != "error rate is 1 % (limit 5 %)" {
		t.Errorf("back under the limit: %+v", seen)
	}
}

// TestWatchQueryCompares: over the limit is worse than any value that is not,
// and no value is the best.
func TestWatchQueryCompares(t *testing.T) {
	one := func(v float64, over bool) incident.WatchValue { return incident.WatchValue{V: &v, Over: over} }
	for _, c := range []struct {
		q           incident.WatchQuery
		worse, than incident.WatchValue
	}{
		{incident.WatchQuery{}, one(2, false), one(1, false)},
		{incident.WatchQuery{Op: "<="}, one(1, false), one(2, false)},
		{incident.WatchQuery{Op: "=="}, one(0, true), one(5, false)},
		{incident.WatchQuery{}, one(-1, false), incident.WatchValue{}},
	} {
		if c.q.Compare(c.worse, c.than) >= 0 || c.q.Compare(c.than, c.worse) <= 0 || c.q.Compare(c.than, c.than) != 0 {
			t.Errorf("%+v: %v is not worse than %v", c.q, *c.worse.V, c.than)
		}
	}
}

// TestWatchDrawsAsSoonAsItCan: a message that was posted without a chart gets
// one with the first values, not five looks later.
func TestWatchDrawsAsSoonAsItCan(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	shown := func(ref string) {
		t.Helper()
		posted := incident.Settled{
			Effect: incident.ShowWatch{Began: m.s.After.Watch.Seq}, State: incident.PageDelivered, Receipt: incident.Receipt{Channel: "C1", TS: "1.2", Ref: ref},
		}
		if _, err := m.say(posted); err != nil {
			t.Fatal(err)
		}
	}
	shown("")
	if got := told(m.look(t, 0.01)); got != "show_watch" {
		t.Errorf("without a chart the next look leads to %q", got)
	}
	shown("F1,F2")
	if got := told(m.look(t, 0.01)); got != "" {
		t.Errorf("with a chart the next look leads to %q", got)
	}
}

// TestWatchLosesTheRest: who was told that not everything can be seen is told
// when nothing can.
func TestWatchLosesTheRest(t *testing.T) {
	m := watched(t, incident.ReopenOffer)
	rate := 0.01
	lines := ""
	for i := range 40 {
		m.now = m.now.Add(minute)
		in := incident.Look{Began: m.s.After.Watch.Seq, Away: "p95: Prometheus cannot read the expression", Values: []incident.WatchValue{{V: &rate}, {}}}
		if i >= 20 {
			in = incident.Look{Began: in.Began, Away: "Prometheus is away"}
		}
		facts, err := m.say(in)
		if err != nil {
			t.Fatal(err)
		}
		if e := facts[0].record.Event.(incident.Watched); e.Said {
			lines += e.Reason + "; "
		}
	}
	if want := "p95: Prometheus cannot read the expression; Prometheus is away; "; lines != want {
		t.Errorf("told: %s, want %s", lines, want)
	}
}

// A rate that was over its limit at the resolution goes down for as long as its
// window: nothing came back. One that stays, that comes back, or that takes too
// long reopens at the second look.
func TestWatchWaitsForARateThatGoesDown(t *testing.T) {
	for name, c := range map[string]struct {
		rates []float64
		at    int // the look that reopens; 0: none
	}{
		"goes down and is well":       {[]float64{0.5, 0.4, 0.3, 0.2, 0.1, 0.01, 0.01}, 0},
		"stays":                       {[]float64{0.5, 0.5}, 2},
		"hardly goes down":            {[]float64{0.5, 0.49}, 2},
		"goes down and stays":         {[]float64{0.5, 0.4, 0.4}, 3},
		"goes down and up":            {[]float64{0.5, 0.4, 0.3, 0.6}, 4},
		"comes back and goes down":    {[]float64{0.5, 0.4, 0.01, 0.5, 0.4}, 5},
		"was never over, comes back":  {[]float64{0.01, 0.5, 0.4}, 3},
		"unseen, then over and lower": {[]float64{math.NaN(), 0.5, 0.4}, 3},
		"goes down for very long":     {[]float64{0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.18, 0.16, 0.14, 0.12}, 11},
	} {
		t.Run(name, func(t *testing.T) {
			m := watched(t, incident.ReopenAuto)
			at := 0
			for i, rate := range c.rates {
				if m.look(t, rate); m.s.Open() {
					at = i + 1
					break
				}
			}
			if at != c.at {
				t.Errorf("reopened at look %d, want %d", at, c.at)
			}
		})
	}
}
