package rota

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

func utc(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	ann = Member{Name: "Ann Lee", Email: "Ann@example.com", Phone: "+12025550111", Slack: "@ann"}
	ben = Member{Name: "Ben Roy", Email: "ben@example.com", Slack: "@ben"}
	cat = Member{Name: "Cat Poe", Email: "cat@example.com", Phone: "+12025550113"}
	dan = Member{Name: "Dan Fox", Email: "dan@example.com"}
)

// team has a weekly rota from Monday 2026-01-05 09:00 UTC and one that does
// not rotate.
func team() Schedule {
	return Schedule{
		Order: []string{"primary", "manager", "empty"},
		Rotas: map[string]Rota{
			"primary": {
				Name: "primary", Title: "Primary On-Call", Type: Weekly, Weekday: time.Monday, At: Clock{9, 0}, Zone: time.UTC,
				StartsOn: Date{2026, 1, 5}, Members: []Member{ann, ben, cat},
			},
			"manager": {Name: "manager", Members: []Member{dan, cat}},
			"empty":   {Name: "empty", Type: Daily},
		},
	}
}

func TestOverrides(t *testing.T) {
	plain := Override{ID: "1", Role: "primary", From: utc("2026-01-07 12:00"), Until: utc("2026-01-07 18:00"), Who: ben.Person(), At: utc("2026-01-06 10:00")}
	newer := Override{ID: "2", Role: "primary", From: utc("2026-01-07 14:00"), Until: utc("2026-01-07 16:00"), Who: cat.Person(), At: utc("2026-01-06 11:00")}
	across := Override{ID: "3", Role: "primary", From: utc("2026-01-11 00:00"), Until: utc("2026-01-13 00:00"), Who: cat.Person(), At: utc("2026-01-06 12:00")}
	swap := []Override{
		{ID: "4", Swap: true, Role: "primary", From: utc("2026-01-05 09:00"), Until: utc("2026-01-12 09:00"), Who: ben.Person(), Instead: ann.Person(), At: utc("2026-01-02 09:00")},
		{ID: "4", Swap: true, Role: "primary", From: utc("2026-01-12 09:00"), Until: utc("2026-01-19 09:00"), Who: ann.Person(), Instead: ben.Person(), At: utc("2026-01-02 09:00")},
	}
	stranger := Override{ID: "5", Role: "manager", From: utc("2026-01-07 00:00"), Until: utc("2026-01-08 00:00"), Who: incident.Person{Key: "eve@example.com", Name: "Eve"}, At: utc("2026-01-06 09:00")}
	second := Override{ID: "6", Role: "manager", From: utc("2026-01-07 00:00"), Until: utc("2026-01-08 00:00"), Who: ben.Person(), Instead: cat.Person(), At: utc("2026-01-06 09:00")}
	upward := Override{ID: "7", Role: "manager", From: utc("2026-01-07 00:00"), Until: utc("2026-01-08 00:00"), Who: cat.Person(), At: utc("2026-01-06 09:00")}
	filled := Override{ID: "8", Role: "empty", From: utc("2026-01-07 00:00"), Until: utc("2026-01-08 00:00"), Who: ben.Person(), At: utc("2026-01-06 09:00")}
	unknown := filled
	unknown.Role = "nowhere"

	for _, c := range []struct {
		what, role, at string
		overrides      []Override
		want           string // members / from / until / next
	}{
		{"without one", "primary", "2026-01-07 13:00", nil, "Ann Lee / 01-05 09:00 / 01-12 09:00 / Ben Roy"},
		{"before it", "primary", "2026-01-07 11:59", []Override{plain}, "Ann Lee / 01-05 09:00 / 01-07 12:00 / Ben Roy"},
		{"its first moment", "primary", "2026-01-07 12:00", []Override{plain}, "Ben Roy / 01-07 12:00 / 01-07 18:00 / Ann Lee"},
		{"after it", "primary", "2026-01-07 18:00", []Override{plain}, "Ann Lee / 01-07 18:00 / 01-12 09:00 / Ben Roy"},
		{"the newest wins", "primary", "2026-01-07 15:00", []Override{newer, plain}, "Cat Poe / 01-07 14:00 / 01-07 16:00 / Ben Roy"},
		{"the older one around it", "primary", "2026-01-07 13:00", []Override{newer, plain}, "Ben Roy / 01-07 12:00 / 01-07 14:00 / Cat Poe"},
		{"over a boundary", "primary", "2026-01-11 10:00", []Override{across}, "Cat Poe / 01-11 00:00 / 01-13 00:00 / Ben Roy"},
		{"over a boundary, seen after it", "primary", "2026-01-12 10:00", []Override{across}, "Cat Poe / 01-11 00:00 / 01-13 00:00 / Ben Roy"},
		{"a swap's first half", "primary", "2026-01-06 09:00", swap, "Ben Roy / 01-05 09:00 / 01-12 09:00 / Ann Lee"},
		{"a swap's second half", "primary", "2026-01-13 09:00", swap, "Ann Lee / 01-12 09:00 / 01-19 09:00 / Cat Poe"},
		{"for another role", "manager", "2026-01-07 13:00", []Override{plain}, "Dan Fox, Cat Poe / - / - / -"},
		{"by a stranger", "manager", "2026-01-07 13:00", []Override{stranger}, "Eve, Cat Poe / 01-07 00:00 / 01-08 00:00 / Dan Fox"},
		{"of the second in line", "manager", "2026-01-07 13:00", []Override{second}, "Dan Fox, Ben Roy / 01-07 00:00 / 01-08 00:00 / Dan Fox"},
		{"by the second in line", "manager", "2026-01-07 13:00", []Override{upward}, "Cat Poe / 01-07 00:00 / 01-08 00:00 / Dan Fox"},
		{"nobody there", "empty", "2026-01-07 13:00", nil, " / - / - / -"},
		{"into an empty rota", "empty", "2026-01-07 13:00", []Override{filled}, "Ben Roy / 01-07 00:00 / 01-08 00:00 / -"},
		{"into a role without a rota", "nowhere", "2026-01-07 13:00", []Override{unknown}, "Ben Roy / 01-07 00:00 / 01-08 00:00 / -"},
		{"a role without a rota", "nowhere", "2026-01-07 13:00", nil, " / - / - / -"},
	} {
		s := team().OnCall(c.role, utc(c.at), c.overrides)
		names := make([]string, len(s.Members))
		for i, m := range s.Members {
			names[i] = m.String()
		}
		next := "-"
		if !s.Next.Nobody() {
			next = s.Next.String()
		}
		got := strings.Join([]string{strings.Join(names, ", "), day(s.From), day(s.Until), next}, " / ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("01-02 15:04")
}

func TestHandovers(t *testing.T) {
	off := Override{ID: "1", Role: "manager", From: utc("2026-01-07 12:00"), Until: utc("2026-01-07 18:00"), Who: ben.Person(), At: utc("2026-01-06 10:00")}
	var got []string
	for _, h := range team().Handovers(utc("2026-01-05 09:00"), utc("2026-01-19 09:00"), []Override{off}) {
		got = append(got, fmt.Sprintf("%s %s: %s -> %s", day(h.At), h.Role, h.Out, h.In))
	}
	want := `01-07 12:00 manager: Dan Fox -> Ben Roy
01-07 18:00 manager: Ben Roy -> Dan Fox
01-12 09:00 primary: Ann Lee -> Ben Roy
01-19 09:00 primary: Ben Roy -> Cat Poe`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("hand-overs:\n%s\nwant:\n%s", text, want)
	}
	alone := Schedule{Rotas: map[string]Rota{"r": {Type: Daily, Members: []Member{ann}}}}
	if got := alone.Handovers(utc("2026-01-05 09:00"), utc("2026-01-19 09:00"), nil); len(got) != 0 {
		t.Errorf("one person hands over to herself: %v", got)
	}
}

func TestWhoText(t *testing.T) {
	swap := Override{
		ID: "4", Swap: true, Role: "primary", From: utc("2026-01-05 09:00"), Until: utc("2026-01-12 09:00"), Who: ben.Person(),
		Instead: ann.Person(), By: ann.Person(), At: utc("2026-01-02 09:00"), Reason: "dentist.",
	}
	got := WhoText(team().Who(utc("2026-01-07 13:00"), []Override{swap}, nil))
	want := `primary (Primary On-Call): Ben Roy until Mon 2026-01-12 09:00 UTC, then Ben Roy. Reach by pagerduty, slack, email.
  A swap puts Ben Roy in the place of Ann Lee from Mon 2026-01-05 09:00 UTC to Mon 2026-01-12 09:00 UTC, set by Ann Lee on Fri 2026-01-02 09:00 UTC: dentist.
manager: Dan Fox. Reach by pagerduty, slack, email. If unreachable: Cat Poe.
empty: nobody is on call.`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := WhoText(nil); got != "There are no rotas." {
		t.Errorf("no rotas: %q", got)
	}
}

func TestWhyText(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	over := Override{ID: "1", Role: "primary", From: utc("2026-01-07 12:00"), Until: utc("2026-01-07 18:00"), Who: dan.Person(), By: dan.Person(), At: utc("2026-01-06 10:00")}
	for _, c := range []struct{ subject, want string }{
		{"primary", `primary (Primary On-Call): Dan Fox until Wed 2026-01-07 19:00 CET, then Ann Lee. Reach by pagerduty, slack, email.
  - The last weekly hand-over was Mon 2026-01-05 10:00 CET, the next is Mon 2026-01-12 10:00 CET.
  - That is shift 1 of the rotation: number 1 of 3 in the order, Ann Lee.
  - An override puts Dan Fox in the place of Ann Lee from Wed 2026-01-07 13:00 CET to Wed 2026-01-07 19:00 CET, set by Dan Fox on Tue 2026-01-06 11:00 CET.`},
		{"@ann", `Ann Lee is not on call at Wed 2026-01-07 14:00 CET. Next: primary from Wed 2026-01-07 19:00 CET.
primary (Primary On-Call): Dan Fox until Wed 2026-01-07 19:00 CET, then Ann Lee. Reach by pagerduty, slack, email.
  - The last weekly hand-over was Mon 2026-01-05 10:00 CET, the next is Mon 2026-01-12 10:00 CET.
  - That is shift 1 of the rotation: number 1 of 3 in the order, Ann Lee.
  - An override puts Dan Fox in the place of Ann Lee from Wed 2026-01-07 13:00 CET to Wed 2026-01-07 19:00 CET, set by Dan Fox on Tue 2026-01-06 11:00 CET.`},
		{"BEN@example.com", `Ben Roy is not on call at Wed 2026-01-07 14:00 CET. Next: primary from Mon 2026-01-12 10:00 CET.`},
		{"cat poe", `Cat Poe is not on call at Wed 2026-01-07 14:00 CET. Next: primary from Mon 2026-01-19 10:00 CET.
manager: Dan Fox. Reach by pagerduty, slack, email. If unreachable: Cat Poe.
  - The rota does not rotate: Dan Fox is first, 1 more follow if unreachable.`},
		{"Empty", `empty: nobody is on call.
  - The rota has no members.`},
	} {
		e, err := team().Why(c.subject, utc("2026-01-07 13:00"), []Override{over}, berlin)
		if err != nil {
			t.Errorf("%s: %v", c.subject, err)
			continue
		}
		if got := e.Text(); got != c.want {
			t.Errorf("why %s:\n%s\nwant:\n%s", c.subject, got, c.want)
		}
	}
	if _, err := team().Why("zoe", utc("2026-01-07 13:00"), nil, nil); err == nil ||
		err.Error() != `"zoe" is neither a role nor a person of any rota; the roles are primary, manager, empty` {
		t.Errorf("a stranger: %v", err)
	}
	over.Who = incident.Person{Key: "eve@example.com", Name: "Eve"}
	if e, err := team().Why("eve", utc("2026-01-07 13:00"), []Override{over}, nil); err != nil || len(e.Duties) != 1 {
		t.Errorf("somebody whom only an override knows: %v, %v", e, err)
	}
}

// TestNoNumberLeaks: whatever is printed, logged or encoded of a member and of
// answers, the phone number is not in it.
func TestNoNumberLeaks(t *testing.T) {
	s := team()
	duties := s.Who(utc("2026-01-07 13:00"), nil, nil)
	shift := s.OnCall("primary", utc("2026-01-07 13:00"), nil)
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("shift", "member", ann, "shift", shift, "duties", duties)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("shift", "member", ann, "shift", shift, "duties", duties)
	for _, v := range []any{ann, shift, duties, s, &ann} {
		fmt.Fprintf(&b, "%v %+v %#v %s\n", v, v, v, v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	if strings.Contains(b.String(), "5550111") {
		t.Errorf("the phone number is in it: %s", b.String())
	}
	if !strings.Contains(b.String(), "Ann Lee") {
		t.Error("the name is not in it")
	}
}

func TestPerson(t *testing.T) {
	for _, c := range []struct {
		m    Member
		want string
	}{
		{ann, "ann@example.com"}, {Member{Name: "A", Slack: "@a"}, "slack:@a"}, {Member{Name: "Old Joe"}, "name:old joe"}, {Member{}, ""},
	} {
		p := c.m.Person()
		if p.Key != c.want {
			t.Errorf("%v has the key %q, want %q", c.m, p.Key, c.want)
		}
		if back, _ := (Schedule{}).Member(p); !p.Nobody() && !back.Is(c.m) {
			t.Errorf("%q comes back as %q", p.Key, back.Person().Key)
		}
	}
}

func BenchmarkOnCall(b *testing.B) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	s := team()
	r := s.Rotas["primary"]
	r.Zone = zone
	s.Rotas["primary"] = r
	over := Override{ID: "1", Role: "primary", From: utc("2026-01-07 12:00"), Until: utc("2026-01-07 18:00"), Who: dan.Person(), At: utc("2026-01-06 10:00")}
	for _, c := range []struct {
		name      string
		at        time.Time
		overrides []Override
	}{{"Now", utc("2026-07-07 13:00"), nil}, {"Year2150", utc("2150-07-07 13:00"), nil}, {"Override", utc("2026-01-07 13:00"), []Override{over}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				s.OnCall("primary", c.at, c.overrides)
			}
		})
	}
}
