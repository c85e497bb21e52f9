package render

import (
	"fmt"
	"time"

	"muster/incident"
)

// watch is a look-out's life with one record of each kind.
func (x sample) watch() []incident.Event {
	limit, high := 0.05, 0.081
	queries := []incident.WatchQuery{{Name: x.text(1), Expr: x.text(2), Unit: "ratio", Limit: &limit}, {Name: x.text(2), Unit: x.text(0), Limit: &high}}
	values := []incident.WatchValue{{V: &high, Over: true}, {}}
	until := storyStart.Add(time.Hour)
	return []incident.Event{
		incident.WatchBegan{Blind: x.text(3)},
		incident.WatchBegan{Until: until, Every: time.Minute, Reopen: incident.ReopenOffer, Queries: queries},
		incident.Watched{Verdict: incident.WatchOver, Values: values, Reason: x.text(4), Said: true, Offer: true, Turned: true},
		incident.Watched{Verdict: incident.WatchAway, Reason: x.text(4), Said: true, Turned: true},
		incident.Watched{Verdict: incident.WatchOK, Values: values, Said: true, Turned: true},
		incident.Watched{Verdict: incident.WatchOK, Values: values},
		incident.WatchEnded{Looks: 60, For: time.Hour, Last: incident.WatchOK},
		incident.WatchEnded{Looks: 60, Over: 4, For: time.Hour, Last: incident.WatchOver, Gaps: []incident.Gap{{From: storyStart, To: until}}, Late: time.Hour},
	}
}

// watching are the messages that carry charts.
func (t *teller) watching(s incident.Incident) {
	x, f := t.sample, t.sample.frame(storyStart)
	s.ResolvedAt, s.MergedInto, s.ClosedAt = storyStart, "", time.Time{}
	for i, e := range x.watch() {
		s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: storyStart, Event: e})
		if seen, ok := e.(incident.Watched); ok {
			pictures := []Picture{{File: "F0000001", Alt: x.text(1)}}
			t.message(fmt.Sprintf("watch %d %s", i+1, seen.Verdict), f.Watch(s, pictures))
			if seen.Offer {
				t.message("regression", f.Regression(s, seen, pictures))
				seen.Offer = false
				s.After.Watch.Reopen = incident.ReopenAuto
				t.message("regression before it is reopened by itself", f.Regression(s, seen, nil))
			}
		}
	}
}
