package reminders

import (
	"slices"
	"strings"
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
			Looks: on.Looks, Over: on.Over, Gaps: on.Unseen(on.Until), Partly: on.Partly, For: on.Until.Sub(on.From), Last: on.Verdict, Late: escalation.Late(on.Until, now),
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

// queries are what one look asks for, what counts most first: the alert that
// it came from, those of the configuration, of its playbooks, and its further
// alerts, each once. A playbook's query counts for the configuration's of the
// same name.
func (w Watch) queries(s incident.Incident) []incident.WatchQuery {
	var alerts, books, out []incident.WatchQuery
	for _, a := range s.Alerts {
		if !a.Gone && a.Expr != "" {
			alerts = append(alerts, w.alert(a))
		}
	}
	for _, b := range s.Shelf.Open {
		if w.Books != nil {
			books = append(books, w.Books(b.Playbook.ID)...)
		}
	}
	lead := alerts[:min(1, len(alerts))]
	for _, q := range lead {
		out = with(out, q)
	}
	for _, q := range s.Plan.Watch.Queries {
		same := func(b incident.WatchQuery) bool { return strings.EqualFold(b.Name, q.Name) }
		if i := slices.IndexFunc(books, same); i >= 0 {
			q = books[i]
		}
		out = with(out, q)
	}
	for _, q := range slices.Concat(books, alerts[len(lead):]) {
		out = with(out, q)
	}
	return out[:min(len(out), maxQueries)]
}

// with adds a query. One that is asked already is not asked twice: what it
// does not say, its unit or its limit, the other may.
func with(all []incident.WatchQuery, q incident.WatchQuery) []incident.WatchQuery {
	if q.Expr == "" {
		return all
	}
	same := func(have incident.WatchQuery) bool {
		return slices.Equal(strings.Fields(have.Expr), strings.Fields(q.Expr))
	}
	i := slices.IndexFunc(all, same)
	if i < 0 {
		return append(all, q)
	}
	if all[i].Unit == "" {
		all[i].Unit = q.Unit
	}
	if all[i].Limit == nil && !all[i].Fires {
		all[i].Op, all[i].Limit = q.Op, q.Limit
	}
	return all
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
