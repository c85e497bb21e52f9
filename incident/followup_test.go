package incident_test

import (
	"testing"
	"time"

	"muster/incident"
)

// reminded is an incident whose follow-up was reminded of by record 4.
func reminded() (s incident.Incident) {
	for i, e := range []incident.Event{
		incident.Declared{ID: "INC-1", Title: "API down", Severity: incident.P2, By: person("ann")},
		incident.ActionAdded{By: person("ann"), N: 1, Text: "alert on the queue", Owner: person("bob"), Due: "2026-03-06"},
		incident.ResolvedEvent{By: person("ann")},
		incident.ActionNear{N: 1, Owner: person("bob")},
	} {
		s = incident.Apply(s, incident.Record{Seq: uint64(i + 1), At: begin, Event: e})
	}
	return s
}

func follows(effects []incident.Effect) bool {
	for _, e := range effects {
		if f, ok := e.(incident.Follow); ok && f.Method == "slack" {
			return true
		}
	}
	return false
}

// A reminder's place is remembered, and closing the work asks for its button to
// be taken off, in whichever order the two are recorded.
func TestReminderOfFollowUpLosesItsButton(t *testing.T) {
	tell := incident.Tell{Seq: 4, What: "action_near", Person: person("bob")}
	settled := incident.Settled{Effect: tell, State: incident.PageDelivered, Receipt: incident.Receipt{Channel: "D1", TS: "1.2"}}
	for _, first := range []string{"shown", "done"} {
		s := reminded()
		if reason, ok := incident.Relevant(s, tell); !ok {
			t.Errorf("the reminder is dropped: %s", reason)
		}
		step := func(in incident.Intent) (out []incident.Effect) {
			events, err := incident.Handle(s, in, begin.Add(time.Hour))
			if err != nil || len(events) != 1 {
				t.Fatalf("%T: %v, %v", in, events, err)
			}
			r := incident.Record{Seq: s.Seq + 1, At: begin.Add(time.Hour), Event: events[0]}
			s = incident.Apply(s, r)
			return incident.Effects(s, r)
		}
		done := incident.FinishAction{By: person("carol"), N: 1}
		var last []incident.Effect
		if first == "shown" {
			if follows(step(settled)) {
				t.Error("the button is taken off before the work is done")
			}
			last = step(done)
		} else {
			if follows(step(done)) {
				t.Error("a message that is not there yet is to be changed")
			}
			last = step(settled)
		}
		if !follows(last) {
			t.Errorf("%s first: nothing takes the button off: %v", first, last)
		}
		if a := s.Actions[0]; !a.DoneBy.Is(person("carol")) || !a.DoneAt.Equal(begin.Add(time.Hour)) {
			t.Errorf("closed by %v at %v", a.DoneBy, a.DoneAt)
		}
		if again, err := incident.Handle(s, incident.FinishAction{By: person("bob"), N: 1}, begin.Add(2*time.Hour)); len(again) > 0 || err != nil {
			t.Errorf("a second click gives %v, %v", again, err)
		}
		if _, ok := incident.Relevant(s, tell); ok {
			t.Error("a reminder of work that is done is still sent")
		}
	}
}

func TestOvertakenReminderIsNotSent(t *testing.T) {
	s := incident.Apply(reminded(), incident.Record{Seq: 5, At: begin, Event: incident.ActionNear{N: 1, Owner: person("bob"), Over: true}})
	for seq, want := range map[uint64]bool{4: false, 5: true} {
		if _, ok := incident.Relevant(s, incident.Tell{Seq: seq, What: "action_near", Person: person("bob")}); ok != want {
			t.Errorf("the reminder of record %d: sent %t, want %t", seq, ok, want)
		}
	}
}
