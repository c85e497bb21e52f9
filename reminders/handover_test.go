package reminders_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/incident"
	"muster/reminders"
)

// plan is who is on call from which minute after noon on; the first is on call
// since ever.
type plan map[string][]turn

type turn struct {
	minute int
	who    string
}

func someone(name string) incident.Person {
	if name == "" {
		return incident.Person{}
	}
	return incident.Person{Key: name + "@example.com", Name: name}
}

func named(p incident.Person) string {
	if p.Nobody() {
		return "nobody"
	}
	return p.String()
}

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

func (p plan) Roles() []string { return []string{"primary", "secondary"} }

func (p plan) Shift(_ incident.Desk, role string, at time.Time) reminders.Shift {
	var out reminders.Shift
	for i, t := range p[role] {
		if from := minute(t.minute); i == 0 || !from.After(at) {
			out.Who = someone(t.who)
			if i > 0 {
				out.From = from
			}
			continue
		}
		out.Until = minute(t.minute)
		break
	}
	return out
}

func (p plan) Above(_ incident.Desk, role string, _ time.Time, not ...incident.Person) incident.Person {
	boss := someone("boss")
	if role == "secondary" || slices.ContainsFunc(not, boss.Is) {
		return incident.Person{}
	}
	return boss
}

// duty is the desk with its clock, as the engine would step it.
type duty struct {
	rule reminders.Handover
	d    incident.Desk
	log  []string
	all  []incident.Event
}

func newDuty(p plan) *duty {
	return &duty{rule: reminders.Handover{Shifts: p, Within: 15 * time.Minute}}
}

func (x *duty) apply(now time.Time, events ...incident.Event) {
	for _, e := range events {
		kind, body, err := incident.EncodeEvent(e)
		if err != nil {
			panic(err)
		}
		if e, err = incident.DecodeEvent(kind, incident.EventVersion, body); err != nil {
			panic(err)
		}
		r := incident.Record{Seq: x.d.Seq + 1, At: now, Event: e}
		x.d = incident.ApplyDesk(x.d, r)
		x.all = append(x.all, e)
		at := int(now.Sub(noon) / time.Minute)
		switch e := e.(type) {
		case incident.ShiftBegan:
			word := "begins"
			if e.First {
				word = "is"
			}
			x.log = append(x.log, fmt.Sprintf("%d %s: %s %s after %s, late %v", at, e.Role, named(e.To), word, named(e.From), e.Late))
		case incident.ShiftUnanswered:
			x.log = append(x.log, fmt.Sprintf("%d %s: %s is silent, %s and %s are told", at, e.Role, named(e.To), named(e.From), named(e.Next)))
		}
		for _, f := range incident.EffectsDesk(x.d, r) {
			if t, ok := f.(incident.Tell); ok && t.Person.Nobody() {
				panic("nobody is told")
			}
		}
	}
}

// step reconciles until quiet and gives the next moment.
func (x *duty) step(now time.Time) (wake time.Time) {
	for range 5 {
		d := x.rule.Reconcile(x.d, now)
		if len(d.Events) == 0 {
			return d.Wake
		}
		x.apply(now, d.Events...)
	}
	panic("the rule does not come to rest")
}

// run steps at every wake until a moment.
func (x *duty) run(from, to int) {
	for now := minute(from); ; {
		wake := x.step(now)
		if wake.IsZero() || !wake.Before(minute(to)) {
			return
		}
		now = wake
	}
}

func (x *duty) want(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(x.log, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestHandoverTranscripts(t *testing.T) {
	week := plan{"primary": {{0, "ann"}, {60, "bob"}, {120, "cat"}, {180, "ann"}}, "secondary": {{0, "dan"}}}
	first := []string{"0 primary: ann is after nobody, late 0s", "0 secondary: dan is after nobody, late 0s"}

	t.Run("at its moment, and unanswered", func(t *testing.T) {
		x := newDuty(week)
		x.run(0, 100)
		x.want(t, append(slices.Clone(first), "60 primary: bob begins after ann, late 0s", "75 primary: bob is silent, ann and boss are told")...)
	})
	t.Run("accepted", func(t *testing.T) {
		x := newDuty(week)
		x.run(0, 61)
		for _, who := range []string{"ann", "dan"} {
			if _, err := incident.HandleDesk(x.d, incident.AcceptShift{Role: "primary", By: someone(who)}, minute(61)); err == nil {
				t.Errorf("%s accepts for bob", who)
			}
		}
		said, err := incident.HandleDesk(x.d, incident.AcceptShift{Role: "primary", By: someone("bob")}, minute(61))
		if err != nil {
			t.Fatal(err)
		}
		x.apply(minute(61), said...)
		if _, err := incident.HandleDesk(x.d, incident.AcceptShift{Role: "primary", By: someone("bob")}, minute(62)); err == nil {
			t.Error("bob accepts twice")
		}
		x.run(62, 110)
		x.want(t, append(slices.Clone(first), "60 primary: bob begins after ann, late 0s")...)
	})
	t.Run("the newest only after downtime", func(t *testing.T) {
		x := newDuty(week)
		x.run(0, 10)
		x.run(130, 140)
		x.run(140, 144)
		x.want(t, append(slices.Clone(first), "130 primary: cat begins after bob, late 10m0s")...)
	})
	t.Run("the same person again after downtime", func(t *testing.T) {
		x := newDuty(week)
		x.run(0, 10)
		x.run(200, 210)
		x.want(t, append(slices.Clone(first), "200 primary: ann begins after cat, late 20m0s")...)
	})
	t.Run("the same person goes on", func(t *testing.T) {
		x := newDuty(plan{"primary": {{0, "ann"}, {60, "ann"}, {120, "ann"}}, "secondary": {{0, ""}, {30, ""}}})
		x.run(0, 70)
		x.run(500, 510)
		x.want(t, first[0], "0 secondary: nobody is after nobody, late 0s")
	})
	t.Run("to nobody and back", func(t *testing.T) {
		x := newDuty(plan{"primary": {{0, "ann"}, {60, ""}, {120, "bob"}}, "secondary": {{0, "dan"}}})
		x.run(0, 150)
		x.want(t, append(slices.Clone(first), "60 primary: nobody begins after ann, late 0s", "120 primary: bob begins after nobody, late 0s",
			"135 primary: bob is silent, nobody and boss are told")...)
	})
	t.Run("another plan is no flood and not late", func(t *testing.T) {
		x := newDuty(week)
		x.run(0, 10)
		x.rule.Shifts = reloaded{plan{"primary": {{0, "eve"}, {5, "cat"}, {60, "bob"}}, "secondary": {{0, "eve"}, {5, "dan"}, {60, "eve"}}}, minute(20)}
		x.run(20, 30)
		x.want(t, append(slices.Clone(first), "20 primary: cat begins after ann, late 0s")...)
	})
}

// reloaded is a plan that people made at a moment.
type reloaded struct {
	plan
	at time.Time
}

func (r reloaded) Shift(d incident.Desk, role string, at time.Time) reminders.Shift {
	s := r.plan.Shift(d, role, at)
	s.Decided = r.at
	return s
}

// TestHandoverLaws: whatever the plan and whenever the program was away, each
// role's hand-over is told never early, once, and only the newest; what is
// stored gives the same again.
func TestHandoverLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan{}
		for _, role := range p.Roles() {
			at := 0
			for range rapid.IntRange(1, 8).Draw(t, "turns") {
				p[role] = append(p[role], turn{at, rapid.SampledFrom([]string{"ann", "bob", "cat", ""}).Draw(t, "who")})
				at += rapid.IntRange(1, 60).Draw(t, "length")
			}
		}
		x := newDuty(p)
		now := rapid.IntRange(-10, 200).Draw(t, "start")
		begin := now
		back := map[int]bool{} // those told when the program came back
		for range rapid.IntRange(1, 6).Draw(t, "spans") {
			up := rapid.IntRange(1, 100).Draw(t, "up")
			before := len(x.all)
			x.step(minute(now))
			told := map[string]int{}
			for i, e := range x.all[before:] {
				back[before+i] = true
				if b, ok := e.(incident.ShiftBegan); ok {
					told[b.Role]++
					s := p.Shift(x.d, b.Role, minute(now))
					if !b.First && (!b.To.Is(s.Who) && !s.Who.Nobody() || b.Late > minute(now).Sub(minute(begin))) {
						t.Fatalf("at %d: %+v", now, b)
					}
				}
			}
			for role, n := range told {
				if n != 1 {
					t.Fatalf("%s was told %d times after the program was away", role, n)
				}
			}
			x.run(now, now+up)
			for _, role := range p.Roles() {
				s := p.Shift(x.d, role, minute(now+up).Add(-1))
				if d, _ := x.d.Duty(role); d.Who.Key != s.Who.Key {
					t.Fatalf("%s is on call as %s, and people were told of %s", s.Who, role, d.Who)
				}
			}
			now += up + rapid.IntRange(0, 100).Draw(t, "away")
		}
		for _, role := range p.Roles() {
			var last incident.Person
			for i, e := range x.all {
				b, ok := e.(incident.ShiftBegan)
				if !ok || b.Role != role {
					continue
				}
				turns := func(u turn) bool { return minute(u.minute).Equal(b.At) && someone(u.who).Key == b.To.Key }
				if !back[i] && (b.Late != 0 || b.From.Key != last.Key || b.To.Key == last.Key || !slices.ContainsFunc(p[role], turns)) {
					t.Fatalf("%s: %+v after %s", role, b, last)
				}
				last = b.To
			}
		}
		var again incident.Desk
		for i, e := range x.all {
			again = incident.ApplyDesk(again, incident.Record{Seq: uint64(i + 1), Event: e})
		}
		if got, want := asJSON(t, again), asJSON(t, x.d); got != want {
			t.Fatalf("replayed\n%s\nwas\n%s", got, want)
		}
	})
}

func asJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
