package incident_test

import (
	"reflect"
	"slices"
	"testing"

	"muster/incident"
)

// Whatever somebody says of a private incident that they may not see, the
// answer is the one about a number that was never given, and nothing changes.
func TestOutsidersAreRefusedAlike(t *testing.T) {
	s := incident.Apply(incident.Incident{}, incident.Record{Seq: 1, At: begin, Event: incident.Declared{
		ID: "INC-1", Title: "Payroll", By: person("ann"), Private: true,
	}})
	want := incident.Hidden("INC-1").Error()
	spoken := 0
	for _, in := range slices.Concat(everyIntent, []incident.Intent{
		incident.WritePostmortem{}, incident.AssignPostmortem{}, incident.PlanPostmortem{}, incident.MarkRecord{}, incident.FinishAction{},
	}) {
		v := reflect.New(reflect.TypeOf(in)).Elem()
		by := v.FieldByName("By")
		switch in.(type) {
		case incident.Declare, incident.TakeOver: // there is none yet; another incident says it
			continue
		}
		if !by.IsValid() || by.Type() != reflect.TypeFor[incident.Person]() {
			continue
		}
		by.Set(reflect.ValueOf(person("dan")))
		said, _ := v.Interface().(incident.Intent)
		spoken++
		if events, err := incident.Handle(s, said, begin); err == nil || err.Error() != want || len(events) > 0 {
			t.Errorf("%T of an outsider is answered %v %v", said, events, err)
		}
	}
	if spoken < 25 {
		t.Errorf("only %d intents were tried", spoken)
	}
}

// What would tell others is neither asked for nor, where it was asked for
// before, sent.
func TestPrivateEffectsStayInside(t *testing.T) {
	plan := usual()
	plan.Notify = map[incident.Severity][]incident.Channel{incident.P2: {{Name: "#general"}, {Mail: "board@example.com"}}}
	declared := incident.Record{Seq: 1, At: begin, Event: incident.Declared{
		ID: "INC-1", Title: "Payroll", Severity: incident.P2, Service: "payroll", By: person("ann"), Plan: plan, Private: true,
	}}
	s := incident.Apply(incident.Incident{}, declared)
	overdue := func(who string) incident.Record {
		return incident.Record{Seq: 2, At: begin, Event: incident.PostmortemOverdue{Tell: person(who)}}
	}
	var told []incident.Person
	for _, r := range []incident.Record{declared, overdue("dan"), overdue("ann")} {
		for _, e := range incident.Effects(incident.Apply(s, r), r) {
			switch e := e.(type) {
			case incident.Notify, incident.MeetingMail, incident.LookBack:
				t.Errorf("%T for %T", e, r.Event)
			case incident.Tell:
				told = append(told, e.Person)
			}
		}
	}
	if slices.ContainsFunc(told, person("dan").Is) || !slices.ContainsFunc(told, person("ann").Is) {
		t.Errorf("these are told of the overdue post-mortem: %v", told)
	}
	for _, e := range []incident.Effect{
		incident.Notify{}, incident.MeetingMail{}, incident.Tell{Person: person("dan")}, incident.Room{Step: incident.RoomInvite, Person: person("dan")},
	} {
		if _, ok := incident.Relevant(s, e); ok {
			t.Errorf("%#v is sent", e)
		}
	}
}

// secret: of a private incident nobody is told who may not see it, and no
// channel or calendar that others read.
func (l *law) secret() {
	var s incident.Incident
	for _, r := range l.sim.records {
		s = incident.Apply(s, r)
		if !s.Circle.Private {
			return
		}
		for _, e := range incident.Effects(s, r) {
			var to incident.Person
			switch e := e.(type) {
			case incident.Notify, incident.MeetingMail, incident.LookBack:
				l.Fatalf("%T of a private incident, for record %d %T", e, r.Seq, r.Event)
			case incident.Room:
				to = e.Person
				if e.Step == incident.RoomCreate || e.Step == incident.RoomCard {
					l.Fatalf("a second channel for a private incident: %+v", e)
				}
			case incident.Tell:
				to = e.Person
			case incident.Page:
				to = e.Person
			}
			if !to.Nobody() && !s.VisibleTo(to) {
				l.Fatalf("%T tells %s, who may not see it, of record %d %T", e, to, r.Seq, r.Event)
			}
		}
	}
}
