package incident_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/escalation"
	"muster/incident"
	"muster/reminders"
)

// everyEvent and everyIntent are one of each, empty.
var (
	everyEvent = []incident.Event{
		incident.Declared{}, incident.Updated{}, incident.StatusChanged{}, incident.SeverityChanged{}, incident.MarkedCritical{},
		incident.RoleGiven{}, incident.Noted{}, incident.ActionAdded{}, incident.Acknowledged{}, incident.Unacknowledged{},
		incident.AckLapsed{}, incident.Held{}, incident.HoldEnded{}, incident.Escalated{}, incident.LadderStarted{}, incident.Paged{},
		incident.LevelPassed{}, incident.LastResortPaged{}, incident.PageSettled{}, incident.ReminderDue{}, incident.UpdateOverdue{},
		incident.Snoozed{}, incident.OnCallChanged{}, incident.ResolvedEvent{}, incident.Reopened{}, incident.ClosedEvent{},
		incident.MergedInto{}, incident.MergedFrom{}, incident.Posted{}, incident.EffectFailed{}, incident.CaughtUp{},
		incident.AlertsTold{}, incident.AllAlertsResolved{},
		incident.PersonAdded{}, incident.Imported{}, incident.Erased{},
		incident.WatchBegan{}, incident.Watched{}, incident.WatchEnded{}, incident.ImpactCounted{}, incident.PastFound{}, incident.ActionShown{},
	}
	everyIntent = []incident.Intent{
		incident.Declare{}, incident.PostUpdate{}, incident.SetStatus{}, incident.SetSeverity{}, incident.MarkCritical{}, incident.GiveRole{},
		incident.Note{}, incident.AddAction{}, incident.Acknowledge{}, incident.Unacknowledge{}, incident.Hold{}, incident.Escalate{},
		incident.Snooze{}, incident.Resolve{}, incident.Reopen{}, incident.Close{}, incident.Merge{}, incident.TakeOver{},
		incident.Settled{}, incident.Wake{}, incident.TellAlerts{}, incident.Look{}, incident.AddPerson{}, incident.Erase{},
	}
	everyEffect = []incident.Effect{
		incident.Page{}, incident.Announce{}, incident.RefreshCard{}, incident.Thread{}, incident.Tell{}, incident.Notify{},
		incident.Operations{}, incident.Last{}, incident.Room{}, incident.Pass{},
		incident.AlertList{}, incident.MeetingMail{}, incident.MeetingFile{}, incident.CountImpact{}, incident.ShowDocument{}, incident.LookBack{},
	}
)

// TestTotal lets any event meet any state: whatever was recorded, folding it,
// telling of it and asking the rules never fails.
func TestTotal(t *testing.T) { rapid.Check(t, total) }

func FuzzTotal(f *testing.F) { f.Fuzz(rapid.MakeFuzz(total)) }

func total(t *rapid.T) {
	d := drawDuty(t)
	rules := []incident.Rule{escalation.Matrix{Roster: d}, escalation.OnCall{Roster: d}, reminders.Updates{Roster: d}, reminders.After{Roster: d}, reminders.Watch{}}
	var s incident.Incident
	for range rapid.IntRange(1, 30).Draw(t, "records") {
		r := incident.Record{Seq: s.Seq + 1, At: drawTime(t), Event: draw(t, everyEvent)}
		if d, ok := r.Event.(incident.Declared); ok && rapid.Bool().Draw(t, "usual") {
			d.Plan = usual()
			r.Event = d
		}
		before := asJSON(s)
		next := incident.Apply(s, r)
		if after := asJSON(s); after != before {
			t.Fatalf("%T changed the state it was applied to\nbefore %s\nafter  %s", r.Event, before, after)
		}
		if next.Seq != r.Seq {
			t.Fatalf("%T: the sequence is %d, want %d", r.Event, next.Seq, r.Seq)
		}
		for _, e := range append(incident.Effects(next, r), draw(t, everyEffect)) {
			incident.Relevant(next, e)
			incident.Travel(e)
		}
		for _, rule := range rules {
			rule.Reconcile(next, drawTime(t))
		}
		if _, err := incident.Handle(next, draw(t, everyIntent), drawTime(t)); err != nil {
			if _, refused := err.(incident.Refusal); !refused {
				t.Fatal(err)
			}
		}
		if asJSON(s) != before {
			t.Fatalf("a question changed the state")
		}
		s = next
	}
}

func drawTime(t *rapid.T) time.Time {
	return begin.Add(time.Duration(rapid.IntRange(-10, 600).Draw(t, "minute")) * time.Minute)
}

// draw takes one of the kinds and fills it with anything.
func draw[T any](t *rapid.T, kinds []T) T {
	v := reflect.New(reflect.TypeOf(rapid.SampledFrom(kinds).Draw(t, "kind"))).Elem()
	fill(t, v, 0)
	return v.Interface().(T)
}

var anyWord = []string{"", "L1", "L2", "alice@example.com", "bob@example.com", "slack", "phone", "primary", "card", "room", "@every 10m", "Identified", "P1"}

func fill(t *rapid.T, v reflect.Value, deep int) {
	switch v.Interface().(type) {
	case time.Time:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.ValueOf(drawTime(t)))
		}
		return
	case time.Duration:
		v.SetInt(int64(rapid.IntRange(-5, 100).Draw(t, "minutes")) * int64(time.Minute))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.SampledFrom(anyWord).Draw(t, "word"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int:
		v.SetInt(int64(rapid.IntRange(-1, 6).Draw(t, "int")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, 6).Draw(t, "uint"))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), deep+1)
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e, deep+1)
			v.Set(reflect.Append(v, e))
		}
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		for range rapid.IntRange(0, 2).Draw(t, "entries") {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, k, deep+1)
			fill(t, e, deep+1)
			m.SetMapIndex(k, e)
		}
		v.Set(m)
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-2, 2).Draw(t, "float"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), deep+1)
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[incident.Effect]() && rapid.Bool().Draw(t, "effect") {
			v.Set(reflect.ValueOf(draw(t, everyEffect)))
		}
	default:
		panic(fmt.Sprintf("cannot fill %v", v.Type()))
	}
}

// TestEveryKindIsStored: each event and effect goes through its stored form,
// and no other version is read.
func TestEveryKindIsStored(t *testing.T) {
	for _, e := range everyEvent {
		kind, body, err := incident.EncodeEvent(e)
		if err != nil || kind != incident.EventKind(e) {
			t.Fatal(kind, err)
		}
		back, err := incident.DecodeEvent(kind, incident.EventVersion, body)
		if err != nil || reflect.TypeOf(back) != reflect.TypeOf(e) {
			t.Errorf("%s comes back as %T: %v", kind, back, err)
		}
		if _, err := incident.DecodeEvent(kind, incident.EventVersion+1, body); err == nil {
			t.Errorf("%s of a newer version was read", kind)
		}
	}
	for _, e := range everyEffect {
		kind, body, err := incident.EncodeEffect(e)
		if err != nil || kind != incident.EffectKind(e) {
			t.Fatal(kind, err)
		}
		if back, err := incident.DecodeEffect(kind, body); err != nil || reflect.TypeOf(back) != reflect.TypeOf(e) {
			t.Errorf("%s comes back as %T: %v", kind, back, err)
		}
	}
	if _, err := incident.DecodeEvent("nonsense", incident.EventVersion, []byte("{}")); err == nil {
		t.Error("an unknown kind was read")
	}
	if _, err := incident.DecodeEvent("paged", incident.EventVersion, []byte("{")); err == nil {
		t.Error("a cut-off event was read")
	}
}
