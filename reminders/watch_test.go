package reminders_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/incident"
	"muster/query"
	"muster/reminders"
)

func number(v float64) *float64 { return &v }

// asked are the queries of the look-out of a resolved incident.
func asked(t *testing.T, alerts []incident.AlertRef, books, own []incident.WatchQuery) []incident.WatchQuery {
	t.Helper()
	rule := reminders.Watch{Condition: query.Condition, Books: func(string) []incident.WatchQuery { return books }}
	s := incident.Incident{
		ResolvedAt: resolved, Alerts: alerts,
		Plan: incident.Plan{Watch: incident.WatchPlan{For: time.Hour, Every: time.Minute, Queries: own}},
	}
	s.Shelf.Open = []incident.OpenBook{{Playbook: incident.Playbook{ID: "api"}}}
	before := slices.Clone(own)
	began, ok := rule.Reconcile(s, resolved).Events[0].(incident.WatchBegan)
	if !ok || began.Blind != "" {
		t.Fatalf("not watched: %+v", began)
	}
	if fmt.Sprint(before) != fmt.Sprint(own) {
		t.Error("the plan was changed")
	}
	return began.Queries
}

func names(queries []incident.WatchQuery) (out []string) {
	for _, q := range queries {
		out = append(out, q.Name)
	}
	return out
}

// TestWatchQueriesInTheirOrder: the alert that it came from, muster.yaml, the
// playbook, further alerts; a playbook's query counts for the same name of
// muster.yaml.
func TestWatchQueriesInTheirOrder(t *testing.T) {
	alerts := []incident.AlertRef{
		{Names: []string{"Moved"}, Expr: "moved > 1", Gone: true}, {Names: []string{"Started"}, Expr: "started > 1"}, {Names: []string{"Later"}, Expr: "later > 1"},
	}
	books := []incident.WatchQuery{{Name: "Error Rate", Expr: "of_the_book"}, {Name: "queue", Expr: "queue"}}
	own := []incident.WatchQuery{{Name: "error rate", Expr: "of_all"}, {Name: "p95", Expr: "p95"}}
	got := asked(t, alerts, books, own)
	if want := []string{"Started", "Error Rate", "p95", "queue", "Later"}; !slices.Equal(names(got), want) {
		t.Errorf("asked %q, want %q", names(got), want)
	}
	if got[1].Expr != "of_the_book" {
		t.Errorf("error rate is %s", got[1].Expr)
	}
}

// TestManyAlertsLeaveRoom: a storm's alerts push neither the error rate nor the
// p95 out.
func TestManyAlertsLeaveRoom(t *testing.T) {
	var alerts []incident.AlertRef
	for i := range 30 {
		alerts = append(alerts, incident.AlertRef{Names: []string{fmt.Sprint("alert ", i)}, Expr: fmt.Sprintf("a%d > 1", i)})
	}
	got := names(asked(t, alerts, []incident.WatchQuery{{Name: "queue", Expr: "queue"}}, []incident.WatchQuery{{Name: "error rate", Expr: "errors"}, {Name: "p95", Expr: "p95"}}))
	if want := []string{"alert 0", "error rate", "p95", "queue", "alert 1", "alert 2", "alert 3", "alert 4"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// TestTheSameQueryOnce: the alert's expression gets the unit from whoever knows
// it, and what has no limit the limit.
func TestTheSameQueryOnce(t *testing.T) {
	got := asked(t, []incident.AlertRef{{Names: []string{"Slow"}, Expr: "p95  > 0.5"}}, []incident.WatchQuery{{Name: "backlog", Expr: "sum(queue)"}}, []incident.WatchQuery{
		{Name: "p95", Expr: "p95", Unit: "s"}, {Name: "queue", Expr: " sum(queue)\n", Op: ">", Limit: number(7)},
	})
	if len(got) != 2 || got[0].Name != "Slow" || got[0].Unit != "s" || *got[0].Limit != 0.5 || got[1].Limit == nil || *got[1].Limit != 7 {
		t.Errorf("asked %+v", got)
	}
}
