package incident

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// SpanMark stands in a query for the length of the incident.
const SpanMark = "SPAN"

// ImpactPlan says how to count what users noticed, in PromQL with SpanMark
// where the incident's length belongs. The zero value: nothing is counted.
type ImpactPlan struct {
	Failed string `json:"failed,omitempty"` // requests
	All    string `json:"all,omitempty"`    // of them; empty: not known
}

// Over gives the queries for a span.
func (p ImpactPlan) Over(span time.Duration) ImpactPlan {
	length := strconv.Itoa(max(1, int(math.Ceil(span.Seconds())))) + "s"
	return ImpactPlan{Failed: strings.ReplaceAll(p.Failed, SpanMark, length), All: strings.ReplaceAll(p.All, SpanMark, length)}
}

// CountImpact asks how many requests failed from From to To.
type CountImpact struct {
	Seq  uint64    `json:"seq"` // of the resolution
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// ImpactCounted says how many requests failed while the incident lasted.
type ImpactCounted struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Failed float64   `json:"failed"`
	// All are the failed and the others; zero: not known.
	All float64 `json:"all,omitempty"`
}

// RecordImpact puts it on record.
type RecordImpact struct{ ImpactCounted }

func (CountImpact) effect()   {}
func (ImpactCounted) event()  {}
func (RecordImpact) intent()  {}
func (p ImpactPlan) on() bool { return p.Failed != "" }

// impact asks for the count once an incident is resolved.
func impact(s Incident, r Record) []Effect {
	if s.Drill.On || !s.Plan.Impact.on() {
		return nil
	}
	return []Effect{CountImpact{Seq: r.Seq, From: s.DeclaredAt, To: r.At}}
}

// recordImpact takes a count for the resolution that holds.
func recordImpact(s Incident, in RecordImpact) []Event {
	if !s.ResolvedAt.Equal(in.To) || s.After.Impact.To.Equal(in.To) {
		return nil
	}
	return []Event{in.ImpactCounted}
}
