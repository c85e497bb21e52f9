package stats_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"muster/incident"
	"muster/report/stats"
)

// The figures over random histories agree with what a second reading of the
// records says, written without the fold.
func TestStatsAgreeWithTheRecords(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("there is no zone database here: install tzdata")
	}
	rng := rand.New(rand.NewPCG(6, 10))
	people := []incident.Person{{Key: "ann@example.com", Name: "Ann"}, {Key: "bob@example.com", Name: "Bob"}, {Key: "cem@example.com", Name: "Cem"}}
	zone := func(p incident.Person) *time.Location {
		if p.Key == "bob@example.com" {
			return berlin
		}
		return nil
	}
	var histories [][]incident.Record
	var rows []stats.Row
	for n := range 10_000 {
		h := history(rng, n+1, people)
		histories = append(histories, h)
		s := incident.Incident{}
		for _, r := range h {
			s = incident.Apply(s, r)
		}
		rows = append(rows, stats.Row{ID: s.ID, Severity: s.Severity, Service: s.Service, DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, Reopens: s.Reopens, Tally: s.Tally})
	}
	got := stats.Of(rows, stats.Query{Zone: zone})[0]
	want := again(histories, zone)
	if a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); a != b {
		t.Errorf("the figures differ\n got %s\nwant %s", a, b)
	}
	if got.Open == 0 || got.Missed == 0 || got.Kept == 0 || got.People[0].Nights == 0 || got.Reopened == 0 || got.Approve.Count == 0 || got.Steps.Count == 0 || len(got.Alerts) < 4 {
		t.Errorf("the histories say too little: %+v", got)
	}
	sum := 0
	for _, f := range stats.Of(rows, stats.Query{By: "service"}) {
		sum += f.Incidents
	}
	if sum != len(rows) {
		t.Errorf("grouped by service there are %d incidents of %d", sum, len(rows))
	}
	of := func(q stats.Query) (n int) {
		for _, f := range stats.Of(rows, q) {
			n += f.Incidents
		}
		return n
	}
	if api, db, none := of(stats.Query{Only: map[string]string{"service": "API"}}), of(stats.Query{Only: map[string]string{"service": "db"}}),
		of(stats.Query{Only: map[string]string{"service": "no service"}}); api == 0 || db == 0 || api+db+none != len(rows) {
		t.Errorf("of %d incidents %d are of one service, %d of the other and %d of none", len(rows), api, db, none)
	}
	weeks := 0
	for i, w := range stats.Weeks(rows, stats.Query{}, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), berlin) {
		weeks += w.Incidents
		if w.From.Weekday() != time.Monday || w.From.Hour() != 0 || i == 0 && w.Incidents == 0 {
			t.Errorf("week %d begins %v with %d incidents", i, w.From, w.Incidents)
		}
	}
	if weeks != len(rows) {
		t.Errorf("by weeks there are %d incidents of %d", weeks, len(rows))
	}
	since := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	half := stats.Of(rows, stats.Query{Since: since})[0].Incidents + stats.Of(rows, stats.Query{Until: since})[0].Incidents
	if half != len(rows) {
		t.Errorf("before and since a moment there are %d incidents of %d", half, len(rows))
	}
}

func history(rng *rand.Rand, n int, people []incident.Person) []incident.Record {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.Int64N(200*24*3600)) * time.Second)
	var out []incident.Record
	add := func(e incident.Event) {
		out = append(out, incident.Record{Seq: uint64(len(out) + 1), At: at, Event: e})
		at = at.Add(time.Duration(rng.Int64N(3600)) * time.Second)
	}
	who := func() incident.Person { return people[rng.IntN(len(people))] }
	run := 0
	add(incident.Declared{
		ID: fmt.Sprintf("INC-%d", n), Severity: incident.Severity(rng.IntN(4)), Service: []string{"", "api", "db"}[rng.IntN(3)], By: who(),
		Plan: incident.Plan{Cadence: map[incident.Severity]string{incident.P0: "@every 10m", incident.P1: "@every 10m", incident.P2: "@every 30m"}},
	})
	open, attempt, step := true, 0, 0
	for range rng.IntN(25) {
		if !open {
			if rng.IntN(3) > 0 {
				break
			}
			add(incident.Reopened{By: who(), Reason: "back"})
			open, step = true, 0
			continue
		}
		switch rng.IntN(11) {
		case 8:
			names := []string{"High load", "Disk full", "No backup", "Slow"}
			i := rng.IntN(len(names))
			ref := incident.AlertRef{Group: names[i], Title: "2 alerts", Names: names[i:min(i+1+rng.IntN(2), len(names))], Firing: 2, Total: 2}
			if rng.IntN(4) == 0 {
				ref.Title, ref.Names = names[i], nil
			}
			add(incident.AlertsTold{Joined: []incident.AlertRef{ref}})
		case 9, 10:
			run++
			sure := rng.IntN(2) == 0
			add(incident.StepAsked{N: run, By: who(), Class: incident.Changing, Sure: sure, Approval: true})
			add(incident.StepPreviewed{N: run})
			if !sure {
				add(incident.StepConfirmed{N: run, By: who()})
			}
			if rng.IntN(4) == 0 {
				add(incident.StepRefused{N: run, By: who()})
				continue
			}
			add(incident.StepApproved{N: run, By: who()})
			add(incident.StepStarted{N: run})
			add(incident.StepEnded{N: run})
		case 0:
			add(incident.Acknowledged{By: who()})
		case 1:
			add(incident.Updated{By: who(), Text: "t", Status: []incident.Status{"", incident.Mitigating}[rng.IntN(2)]})
			step = 0
		case 2:
			add(incident.StatusChanged{By: who(), To: []incident.Status{incident.Identified, incident.Mitigating}[rng.IntN(2)]})
		case 3:
			if step < 2 {
				step++
				add(incident.UpdateOverdue{Step: step})
			}
		case 4, 5:
			attempt++
			add(incident.Paged{Attempt: attempt, Person: who(), Methods: []string{"slack", "phone"}, Level: "L1"})
		case 6:
			add(incident.Noted{By: who(), Text: "n"})
		case 7:
			add(incident.ResolvedEvent{By: who()})
			open = false
		}
	}
	return out
}

// again computes the figures from the records alone.
func again(histories [][]incident.Record, zone func(incident.Person) *time.Location) stats.Figures {
	f := stats.Figures{Incidents: len(histories)}
	durations := map[string][]float64{}
	type night struct{ who, day string }
	nights, pages, late := map[night]bool{}, map[string]int{}, map[string]int{}
	names, alerts := map[string]incident.Person{}, map[string]int{}
	for _, h := range histories {
		declared := h[0].Event.(incident.Declared)
		begin, seen := h[0].At, map[string]bool{}
		once := func(what string, at time.Time) {
			if !seen[what] {
				seen[what] = true
				durations[what] = append(durations[what], at.Sub(begin).Seconds())
			}
		}
		var resolved time.Time
		reopened, late2 := false, false
		// waits is the last moment before an approval: all that was missing was
		// the second person.
		var waits, started time.Time
		for _, r := range h {
			switch e := r.Event.(type) {
			case incident.Acknowledged:
				once("ack", r.At)
			case incident.Updated:
				once("update", r.At)
				if e.Status == incident.Mitigating {
					once("mitigate", r.At)
				}
				if declared.Severity != incident.P3 && !late2 {
					f.Kept++
				}
				late2 = false
			case incident.StatusChanged:
				if e.To == incident.Mitigating {
					once("mitigate", r.At)
				}
			case incident.UpdateOverdue:
				late2 = true
				if e.Step == 1 {
					f.Missed++
				}
			case incident.ResolvedEvent:
				once("mitigate", r.At)
				resolved = r.At
			case incident.Reopened:
				resolved, reopened, late2 = time.Time{}, true, false
			case incident.StepAsked:
				waits = time.Time{}
			case incident.StepPreviewed, incident.StepConfirmed:
				waits = r.At
			case incident.StepApproved:
				durations["approve"] = append(durations["approve"], r.At.Sub(waits).Seconds())
			case incident.StepStarted:
				started = r.At
			case incident.StepEnded:
				durations["steps"] = append(durations["steps"], r.At.Sub(started).Seconds())
			case incident.AlertsTold:
				all := e.Joined[0].Names
				if all == nil {
					all = []string{e.Joined[0].Title}
				}
				for _, name := range all {
					if !seen["alert "+name] {
						seen["alert "+name] = true
						alerts[name]++
					}
				}
			case incident.Paged:
				f.Pages++
				key := e.Person.Key
				names[key] = e.Person
				pages[key]++
				z := time.UTC
				if in := zone(e.Person); in != nil {
					z = in
				}
				if local := r.At.In(z); local.Hour() >= 22 || local.Hour() < 7 {
					late[key]++
					nights[night{key, local.Add(-12 * time.Hour).Format("2006-01-02")}] = true
				}
			}
		}
		if resolved.IsZero() {
			f.Open++
		} else {
			durations["resolve"] = append(durations["resolve"], resolved.Sub(begin).Seconds())
		}
		if reopened {
			f.Reopened++
		}
	}
	sum := func(what string) stats.Times {
		list := durations[what]
		sort.Float64s(list)
		total := 0.0
		for _, d := range list {
			total += d
		}
		seconds := func(s float64) time.Duration { return time.Duration(s) * time.Second }
		rank := 0
		for rank = 1; rank*10 < len(list)*9; rank++ {
		}
		return stats.Times{
			Count: len(list), Mean: time.Duration(int64(total) * int64(time.Second) / int64(len(list))),
			Median: seconds(list[(len(list)+1)/2-1]), P90: seconds(list[rank-1]),
		}
	}
	f.Acknowledge, f.FirstUpdate, f.Mitigate, f.Resolve = sum("ack"), sum("update"), sum("mitigate"), sum("resolve")
	f.Approve, f.Steps = sum("approve"), sum("steps")
	for name, n := range alerts {
		if n > 1 {
			f.Alerts = append(f.Alerts, stats.Repeat{Alert: name, Incidents: n})
		}
	}
	sort.Slice(f.Alerts, func(i, j int) bool {
		a, b := f.Alerts[i], f.Alerts[j]
		return a.Incidents > b.Incidents || a.Incidents == b.Incidents && a.Alert < b.Alert
	})
	for key, p := range names {
		l := stats.Load{Person: p, Pages: pages[key], AtNight: late[key]}
		for n := range nights {
			if n.who == key {
				l.Nights++
			}
		}
		f.People = append(f.People, l)
	}
	slices.SortFunc(f.People, func(a, b stats.Load) int { return b.Pages - a.Pages })
	return f
}

// Of an incident that another took over only the pages count.
func TestMergedIncidentsCountTheirPages(t *testing.T) {
	at := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	ann := incident.Person{Key: "ann@example.com", Name: "Ann"}
	row := func(merged bool) stats.Row {
		return stats.Row{DeclaredAt: at, Merged: merged, Tally: incident.Tally{Kept: 1, Acknowledged: at, Woken: []incident.Woken{{Person: ann, At: at}}}}
	}
	f := stats.Of([]stats.Row{row(false), row(true)}, stats.Query{})[0]
	if f.Incidents != 1 || f.Open != 1 || f.Kept != 1 || f.Acknowledge.Count != 1 || f.Pages != 2 || f.People[0].AtNight != 2 || f.People[0].Nights != 1 {
		t.Errorf("%+v", f)
	}
}
