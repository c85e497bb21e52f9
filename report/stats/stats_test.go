package stats_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/report/stats"
)

// story is one incident: its records, and what its listing says besides.
type story struct {
	records []incident.Record
	team    string
	merged  bool
}

// asked is a question in words of its own, since stats.Query is what is tested.
type asked struct {
	from, to time.Time
	by       string
	only     map[string]string
}

// The figures over random histories agree with what a second reading of the
// records says, written without the fold and without the package's own words:
// all of them together, by group, of a part of the time and week by week.
func TestStatsAgreeWithTheRecords(t *testing.T) {
	zones := map[string]*time.Location{"ann@example.com": nil}
	for who, name := range map[string]string{"bob@example.com": "Europe/Berlin", "dot@example.com": "America/Los_Angeles", "eve@example.com": "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones[who] = zone
	}
	rng := rand.New(rand.NewPCG(6, 10))
	var people []incident.Person
	for _, name := range []string{"ann", "bob", "cem", "dot", "eve"} {
		people = append(people, incident.Person{Key: name + "@example.com", Name: name})
	}
	zone := func(p incident.Person) *time.Location { return zones[p.Key] }
	var stories []story
	var rows []stats.Row
	for n := range histories {
		one := history(rng, n+1, people)
		stories = append(stories, one)
		s := incident.Incident{}
		for _, r := range one.records {
			s = incident.Apply(s, r)
		}
		rows = append(rows, stats.Row{
			ID: s.ID, Severity: s.Severity, Service: s.Service, Team: one.team, DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, Reopens: s.Reopens, Tally: s.Tally, Merged: one.merged,
		})
	}
	all := stats.Of(rows, stats.Query{Zone: zone})[0]
	if all.Open == 0 || all.Missed == 0 || all.Kept == 0 || all.People[0].Nights == 0 || all.Reopened == 0 || all.Approve.Count == 0 || all.Steps.Count == 0 || len(all.Alerts) < 4 || len(all.People) != len(people) || all.Incidents == len(rows) {
		t.Errorf("the histories say too little: %+v", all)
	}
	if !slices.ContainsFunc(all.Alerts, func(r stats.Repeat) bool { return r.Incidents == 2 }) {
		t.Error("no alert came exactly twice")
	}
	march, june := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	exact := rows[17].DeclaredAt
	for _, q := range []asked{
		{}, {by: "service"}, {by: "severity"}, {by: "team"}, {from: march}, {to: march}, {from: march, to: june, by: "team"}, {from: exact}, {to: exact},
		{only: map[string]string{"service": "API"}}, {only: map[string]string{"service": "no service"}, by: "severity"},
		{only: map[string]string{"severity": "p1", "team": "Core"}, by: "service"}, {from: june, only: map[string]string{"team": "no team"}}, {only: map[string]string{"service": "moon"}},
	} {
		got := stats.Of(rows, stats.Query{Since: q.from, Until: q.to, By: q.by, Only: q.only, Zone: zone})
		alike(t, fmt.Sprintf("%+v", q), got, grouped(stories, q, zone))
	}
	berlin, until := zones["bob@example.com"], time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	begin := time.Date(2025, 12, 29, 0, 0, 0, 0, berlin) // a Monday
	weeks := stats.Weeks(rows, stats.Query{Zone: zone, Only: map[string]string{"service": "db"}}, until, berlin)
	if len(weeks) != 36 {
		t.Errorf("there are %d weeks, want 36", len(weeks))
	}
	for i, w := range weeks {
		q := asked{from: begin.AddDate(0, 0, 7*i), to: begin.AddDate(0, 0, 7*i+7), only: map[string]string{"service": "db"}}
		alike(t, "the week from "+q.from.String(), []stats.Figures{w.Figures}, grouped(stories, q, zone))
		if !w.From.Equal(q.from) {
			t.Errorf("week %d begins %v, want %v", i, w.From, q.from)
		}
	}
}

// alike compares figures by all that they say.
func alike(t *testing.T, what string, got, want []stats.Figures) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d groups, want %d", what, len(got), len(want))
	}
	for i := range got {
		if a, b := fmt.Sprintf("%+v", got[i]), fmt.Sprintf("%+v", want[i]); a != b {
			t.Errorf("%s: the figures differ\n got %s\nwant %s", what, a, b)
		}
	}
}

// grouped answers a question from the records alone.
func grouped(stories []story, q asked, zone func(incident.Person) *time.Location) (out []stats.Figures) {
	parts := map[string][]story{}
	var names []string
	if q.by == "" {
		names, parts[""] = []string{""}, nil
	}
stories:
	for _, one := range stories {
		at, is := one.records[0].At.UnixNano(), labels(one)
		if !q.from.IsZero() && at < q.from.UnixNano() || !q.to.IsZero() && at >= q.to.UnixNano() {
			continue
		}
		for what, value := range q.only {
			if !strings.EqualFold(value, is[what]) {
				continue stories
			}
		}
		name := is[q.by]
		if _, known := parts[name]; !known {
			names = append(names, name)
		}
		parts[name] = append(parts[name], one)
	}
	sort.Strings(names)
	for _, name := range names {
		f := again(parts[name], zone)
		f.Group = name
		out = append(out, f)
	}
	if q.by != "severity" {
		sort.SliceStable(out, func(i, j int) bool { return out[i].Incidents > out[j].Incidents })
	}
	return out
}

// labels are what an incident can be grouped by, by its last word on each.
func labels(one story) map[string]string {
	declared := one.records[0].Event.(incident.Declared)
	severity := declared.Severity
	for _, r := range one.records {
		if e, ok := r.Event.(incident.SeverityChanged); ok {
			severity = e.To
		}
	}
	out := map[string]string{"severity": fmt.Sprintf("P%d", int(severity)), "service": "no service", "team": "no team"}
	if declared.Service != "" {
		out["service"] = declared.Service
	}
	if one.team != "" {
		out["team"] = one.team
	}
	return out
}

// cadence is how often updates are due, by severity: never for P3.
var cadence = map[incident.Severity]string{incident.P0: "@every 10m", incident.P1: "@every 10m", incident.P2: "@every 30m"}

func history(rng *rand.Rand, n int, people []incident.Person) story {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.Int64N(200*24*3600)) * time.Second)
	if rng.IntN(50) == 0 { // the very begin of a week in Berlin
		at = time.Date(2026, 1, 4+7*rng.IntN(10), 23, 0, 0, 0, time.UTC)
	}
	var out []incident.Record
	add := func(e incident.Event) {
		out = append(out, incident.Record{Seq: uint64(len(out) + 1), At: at, Event: e})
		at = at.Add(time.Duration(rng.Int64N(3600)) * time.Second)
	}
	who := func() incident.Person { return people[rng.IntN(len(people))] }
	run, severity, service := 0, incident.Severity(rng.IntN(4)), []string{"", "api", "db", "web"}[rng.IntN(4)]
	add(incident.Declared{ID: fmt.Sprintf("INC-%d", n), Severity: severity, Service: service, By: who(), Plan: incident.Plan{Cadence: cadence}})
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
		switch rng.IntN(14) {
		case 11:
			to := incident.Severity(rng.IntN(4))
			if cadence[to] != cadence[severity] {
				step = 0
			}
			add(incident.SeverityChanged{By: who(), From: severity, To: to})
			severity = to
		case 12: // two steps at once, each with its own times
			a, b := run+1, run+2
			run += 2
			for _, n := range []int{a, b} {
				add(incident.StepAsked{N: n, By: who(), Class: incident.Changing, Sure: true, Approval: true})
			}
			for _, n := range []int{b, a} {
				add(incident.StepPreviewed{N: n})
				add(incident.StepApproved{N: n, By: who()})
			}
			for _, n := range []int{a, b} {
				add(incident.StepStarted{N: n})
			}
			for _, n := range []int{b, a} {
				add(incident.StepEnded{N: n})
			}
		case 13:
			switch rng.IntN(3) {
			case 0: // a level that nobody holds
				attempt++
				add(incident.Paged{Attempt: attempt, Level: "L2"})
			case 1:
				add(incident.Unacknowledged{By: who()})
			case 2:
				step = 0
				add(incident.Snoozed{By: who(), Until: at.Add(time.Hour)})
			}
		case 8:
			names := []string{"High load", "Disk full", "No backup", "Slow"}
			i := rng.IntN(len(names))
			ref := incident.AlertRef{Group: names[i], Title: "2 alerts", Names: names[i:min(i+1+rng.IntN(2), len(names))], Firing: 2, Total: 2}
			switch rng.IntN(8) {
			case 0, 1:
				ref.Title, ref.Names = names[i], nil
			case 2:
				ref.Names = []string{fmt.Sprintf("Rare %d", rng.IntN(2000))}
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
	merged := open && rng.IntN(12) == 0
	if merged {
		add(incident.MergedInto{By: who(), Into: "INC-1"})
	}
	return story{out, map[string]string{"api": "core", "db": "core", "web": "shop"}[service], merged}
}

// again computes the figures from the records alone.
func again(stories []story, zone func(incident.Person) *time.Location) stats.Figures {
	f := stats.Figures{}
	durations := map[string][]float64{}
	type night struct{ who, day string }
	nights, pages, late := map[night]bool{}, map[string]int{}, map[string]int{}
	names, alerts := map[string]incident.Person{}, map[string]int{}
	for _, one := range stories {
		h := one.records
		severity, begin, seen := h[0].Event.(incident.Declared).Severity, h[0].At, map[string]bool{}
		if one.merged {
			// Of its records only the pages count.
			h = nil
			for _, r := range one.records {
				if _, ok := r.Event.(incident.Paged); ok {
					h = append(h, r)
				}
			}
			f.Incidents, f.Open = f.Incidents-1, f.Open-1
		}
		f.Incidents++
		once := func(what string, at time.Time) {
			if !seen[what] {
				seen[what] = true
				durations[what] = append(durations[what], at.Sub(begin).Seconds())
			}
		}
		var resolved time.Time
		reopened, late2 := false, false
		// waits is the last moment before an approval of a step: all that was
		// missing was the second person.
		waits, started := map[int]time.Time{}, map[int]time.Time{}
		for _, r := range h {
			switch e := r.Event.(type) {
			case incident.Acknowledged:
				once("ack", r.At)
			case incident.Updated:
				once("update", r.At)
				if e.Status == incident.Mitigating {
					once("mitigate", r.At)
				}
				if severity != incident.P3 && !late2 {
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
			case incident.SeverityChanged:
				// A clock of another pace begins anew.
				late2 = late2 && cadence[e.To] == cadence[e.From]
				severity = e.To
			case incident.Snoozed:
				late2 = false
			case incident.StepPreviewed:
				waits[e.N] = r.At
			case incident.StepConfirmed:
				waits[e.N] = r.At
			case incident.StepApproved:
				durations["approve"] = append(durations["approve"], r.At.Sub(waits[e.N]).Seconds())
			case incident.StepStarted:
				started[e.N] = r.At
			case incident.StepEnded:
				durations["steps"] = append(durations["steps"], r.At.Sub(started[e.N]).Seconds())
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
				if e.Person == (incident.Person{}) {
					break
				}
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
		if len(list) == 0 {
			return stats.Times{}
		}
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
	sort.Slice(f.People, func(i, j int) bool {
		a, b := f.People[i], f.People[j]
		return a.Pages > b.Pages || a.Pages == b.Pages && a.Person.Key < b.Person.Key
	})
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
