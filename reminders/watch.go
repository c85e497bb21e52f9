package reminders

import (
	"slices"
	"time"

	"muster/escalation"
	"muster/incident"
)

// Watch is the rule that begins and ends the look-out after a resolution. The
// zero value looks at what the plan of the incident has.
type Watch struct {
	// Blind says why nothing can be asked; empty: it can.
	Blind string
	// Books gives what a playbook wants to be looked at; nil: nothing.
	Books func(id string) []incident.WatchQuery
	// Condition parts an alert's expression into what is measured and its
	// limit; nil: none can be parted.
	Condition func(expr string) (measured, op string, limit float64, ok bool)
}

// maxQueries bounds what one look asks for.
const maxQueries = 8

// Reconcile begins the look-out, and ends it when its time is over.
func (w Watch) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	if s.WatchDue() {
		return incident.Decision{Events: []incident.Event{w.begin(s, now)}}
	}
	if !s.Watching() {
		return incident.Decision{}
	}
	on := s.After.Watch
	return decide(on.Until, now, func() []incident.Event {
		return []incident.Event{incident.WatchEnded{
			Looks: on.Looks, Over: on.Over, Gaps: on.Unseen(on.Until), For: on.Until.Sub(on.From), Last: on.Verdict, Late: escalation.Late(on.Until, now),
		}}
	})
}

func (w Watch) begin(s incident.Incident, now time.Time) incident.Event {
	plan := s.Plan.Watch
	queries := w.queries(s)
	blind := w.Blind
	if blind == "" && len(queries) == 0 {
		blind = "no query is configured"
	}
	if blind != "" {
		return incident.WatchBegan{Blind: blind}
	}
	return incident.WatchBegan{
		Until: now.Add(plan.For), Every: max(plan.Every, time.Second), Reopen: plan.Reopen, Queries: queries,
	}
}

// queries are those of the configuration, of the incident's playbooks and of
// the alerts that it came from, each once.
func (w Watch) queries(s incident.Incident) []incident.WatchQuery {
	var out []incident.WatchQuery
	add := func(q incident.WatchQuery) {
		same := func(have incident.WatchQuery) bool { return have.Expr == q.Expr }
		if q.Expr != "" && len(out) < maxQueries && !slices.ContainsFunc(out, same) {
			out = append(out, q)
		}
	}
	for _, a := range s.Alerts {
		if !a.Gone && a.Expr != "" {
			add(w.alert(a))
		}
	}
	for _, b := range s.Shelf.Open {
		if w.Books == nil {
			break
		}
		for _, q := range w.Books(b.Playbook.ID) {
			add(q)
		}
	}
	for _, q := range s.Plan.Watch.Queries {
		add(q)
	}
	return out
}

func (w Watch) alert(a incident.AlertRef) incident.WatchQuery {
	name := a.Title
	if len(a.Names) > 0 {
		name = a.Names[0]
	}
	if w.Condition != nil {
		if measured, op, limit, ok := w.Condition(a.Expr); ok {
			return incident.WatchQuery{Name: name, Expr: measured, Op: op, Limit: &limit}
		}
	}
	return incident.WatchQuery{Name: name, Expr: a.Expr, Fires: true}
}
