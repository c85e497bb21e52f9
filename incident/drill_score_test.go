package incident_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"muster/incident"
)

// The score of a drill over random histories is what a second reading of the
// records, by hand, says.
func TestTheScoreOfADrill(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 6))
	people := []incident.Person{{Key: "ann@example.com"}, {Key: "bob@example.com"}}
	ladder := incident.Ladder{Levels: []incident.Level{{Name: "L1", RespondWithin: 5 * time.Minute}, {Name: "L2"}, {Name: "L3"}, {Name: "L4"}}}
	seen := map[int]int{}
	for n := range 2_000 {
		at := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
		declaredAt := at
		s := incident.Incident{}
		// What is counted by hand.
		var firstPage, acked time.Time
		kept, missed, steps, overdue, high := 0, 0, 0, false, false
		levels := map[string]bool{}
		seq := uint64(0)
		add := func(e incident.Event) {
			seq++
			s = incident.Apply(s, incident.Record{Seq: seq, At: at, Event: e})
		}
		who := func() incident.Person { return people[rng.IntN(2)] }
		plan := incident.Plan{Ladder: ladder, Cadence: map[incident.Severity]string{incident.P0: "@every 10m", incident.P1: "@every 10m", incident.P2: "@every 10m"}}.Exercise(incident.Drill{On: true, Speed: 2})
		add(incident.Declared{ID: "INC-1", Title: "DRILL: it", Severity: incident.P0, By: who(), Plan: plan, Drill: incident.Drill{On: true, Speed: 2}})
		for i := range rng.IntN(12) {
			at = at.Add(time.Duration(rng.IntN(120)) * time.Second)
			switch rng.IntN(9) {
			case 8: // asks for an update, not for an answer
				add(incident.Paged{Attempt: i + 1, Person: who(), Methods: []string{"slack"}, Why: incident.WhyOverdue})
			case 0, 1:
				name := ladder.Levels[min(rng.IntN(4), rng.IntN(4))].Name
				add(incident.Paged{Attempt: i + 1, Level: name, Person: who(), Methods: []string{"slack"}})
				if firstPage.IsZero() {
					firstPage = at
				}
				levels[name] = true
				high = high || name == "L3" || name == "L4"
			case 2:
				add(incident.Acknowledged{By: who()})
				if acked.IsZero() {
					acked = at
				}
			case 3:
				add(incident.Updated{By: who(), Text: "t"})
				if !overdue {
					kept++
				}
				overdue = false
			case 4:
				step := 1
				if overdue {
					step = 2
				} else {
					missed++
				}
				overdue = true
				add(incident.UpdateOverdue{Step: step})
			case 5:
				add(incident.StepAsked{N: i, By: who(), Class: incident.Changing, Sure: true})
				add(incident.StepPreviewed{N: i})
				add(incident.StepStarted{N: i})
				add(incident.StepEnded{N: i})
				steps++
			case 6:
				add(incident.Noted{By: who(), Text: "n"})
			case 7: // lowered below paging and raised again
				add(incident.SeverityChanged{By: who(), From: incident.P0, To: incident.P3})
				add(incident.SeverityChanged{By: who(), From: incident.P3, To: incident.P0})
				overdue = false // the clock began anew
			}
		}
		at = at.Add(time.Minute)
		if rng.IntN(4) == 0 { // what was asked stays asked
			add(incident.SeverityChanged{By: who(), From: s.Severity, To: incident.P3})
		}
		cause := []string{"", "  ", "a lock"}[rng.IntN(3)]
		add(incident.ResolvedEvent{By: who(), Cause: cause})

		want := 0
		switch {
		case firstPage.IsZero():
			want += 30
		case !acked.IsZero() && !acked.After(firstPage.Add(150*time.Second)): // five minutes at twice the speed
			want += 30
		}
		if kept+missed == 0 {
			want += 30
		} else {
			want += 30 * kept / (kept + missed)
		}
		if !high {
			want += 20
		}
		if cause == "a lock" {
			want += 20
		}
		took := time.Duration(0)
		if !acked.IsZero() {
			took = acked.Sub(declaredAt)
		}
		got := s.Score()
		a := fmt.Sprint(got.ID, got.Points, got.Acknowledged, got.Kept, got.Missed, got.Levels, got.Escalations(), got.Steps, got.Cause)
		b := fmt.Sprint("INC-1", want, took, kept, missed, len(levels), max(0, len(levels)-1), steps, cause == "a lock")
		if a != b {
			t.Fatalf("drill %d\n got %s\nwant %s", n, a, b)
		}
		seen[got.Points]++
	}
	if len(seen) < 12 {
		t.Errorf("there are only %d different scores: %v", len(seen), seen)
	}
}
