package app

import (
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/escalation/rota"
	"muster/incident"
	"muster/workspace"
)

// swept are what the operations channel was told of who is on call.
func (w *world) swept() (out []workspace.Message) {
	for _, m := range w.bot(w.ws.Person("erin").Messages("#muster-ops")) {
		if strings.Contains(m.Text, "on call in the next 14 days") {
			out = append(out, m)
		}
	}
	return out
}

// at lets time pass until a time of the next day.
func (w *world) at(hour, minute int) {
	now := time.Now().UTC()
	time.Sleep(time.Date(now.Year(), now.Month(), now.Day()+1, hour, minute, 0, 0, time.UTC).Sub(now))
}

func TestSweepAtNight(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.at(5, 0)
		if m := w.swept(); len(m) != 0 {
			t.Fatalf("all is well, and it says %q", m[0].Text)
		}
		if err := w.ws.Deactivate("carol"); err != nil {
			t.Fatal(err)
		}
		w.at(3, 59)
		if m := w.swept(); len(m) != 0 {
			t.Fatalf("before the night it says %q", m[0].Text)
		}
		time.Sleep(2 * time.Minute)
		m := w.swept()
		if len(m) != 1 || !strings.Contains(m[0].Text, "Carol Jones (manager): the Slack user is deactivated") {
			t.Fatalf("it says %v", m)
		}

		// While Slack is away nobody can be told; afterwards they are, once.
		w.at(3, 0)
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(2 * time.Hour)
		w.ws.SetFaults(workspace.Faults{})
		time.Sleep(15 * time.Minute)
		if n := len(w.swept()); n != 2 {
			t.Errorf("%d messages after a night without Slack, want 2", n)
		}

		// A night that passed while the program was away is made up for.
		w.at(3, 0)
		w.restart(2 * time.Hour)
		time.Sleep(time.Minute)
		if n := len(w.swept()); n != 3 {
			t.Errorf("%d messages after a night away, want 3", n)
		}
		w.restart(time.Hour)
		time.Sleep(time.Hour)
		if n := len(w.swept()); n != 3 {
			t.Errorf("%d messages after another restart, want 3", n)
		}
	})
}

func TestSweepFindsWhoSlackRefuses(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		s := w.program.sweep()
		if found := s.run(w.Context()); len(found) != 0 {
			t.Fatalf("all is well, and it finds %v", found)
		}
		w.ws.FailMethod("conversations.open", "cannot_dm_bot")
		if text := sweepText(s.run(w.Context())); !strings.Contains(text, "no direct message can be opened (cannot_dm_bot)") {
			t.Errorf("it finds %q", text)
		}
		w.ws.FailMethod("conversations.open", "")
		s.overrides = []rota.Override{{
			Role: "primary", From: s.now.Add(13 * 24 * time.Hour), Until: s.now.Add(15 * 24 * time.Hour),
			Who: incident.Person{Key: "zoe@example.com", Name: "Zoe"},
		}}
		if text := sweepText(s.run(w.Context())); !strings.Contains(text, "Zoe (primary): no Slack user") || !strings.Contains(text, "Zoe (primary): there is no phone number") {
			t.Errorf("of an override it finds %q", text)
		}
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		found := s.run(w.Context())
		if len(found) == 0 || found[0].Text != "Slack could not be asked about its users (Service Unavailable)" {
			t.Errorf("without Slack it finds %v", found)
		}
	})
}

// TestSweepOfPhonesAndMail: only what the ladder uses for a person's roles
// counts, a month is a month, and no number or address is in what is said.
func TestSweepOfPhonesAndMail(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	member := rota.Member{Name: "Ann", Email: "ann@example.com", Phone: "+12025550101"}
	tests := map[string]struct {
		member  func(*rota.Member)
		methods []string
		tested  time.Duration // ago; zero: never
		want    string
	}{
		"well":              {methods: []string{"phone", "slack"}, tested: 30 * 24 * time.Hour},
		"not called at all": {member: func(m *rota.Member) { m.Phone = "" }, methods: []string{"slack"}},
		"no number":         {member: func(m *rota.Member) { m.Phone = "" }, methods: []string{"phone"}, want: "Ann (primary): there is no phone number, and the ladder calls; add phone: in oncall/rotation.yaml"},
		"never tested":      {methods: []string{"phone"}, want: "Ann (primary): the phone has never been tested; send a test page"},
		"tested long ago":   {methods: []string{"phone"}, tested: 31 * 24 * time.Hour, want: "Ann (primary): the phone was last tested 31 days ago; send a test page"},
		"no mail address":   {member: func(m *rota.Member) { m.Email, m.Slack = "", "@ann" }, methods: []string{"email"}, want: "Ann (primary): there is no mail address; correct it in oncall/rotation.yaml"},
		"bad mail address":  {member: func(m *rota.Member) { m.Email = "ann@-example.com" }, methods: []string{"slack"}, want: "Ann (primary): the mail address has a domain that cannot exist; correct it in oncall/rotation.yaml"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			m := member
			if c.member != nil {
				c.member(&m)
			}
			cfg := &config.Config{
				Schedule: rota.Schedule{Rotas: map[string]rota.Rota{"primary": {Members: []rota.Member{m}}}},
				Ladder:   incident.Ladder{Levels: []incident.Level{{Role: "primary", Methods: c.methods}, {Role: "other", Methods: []string{"phone"}}}},
			}
			s := sweep{cfg: cfg, now: now, tested: func(incident.Person) (time.Time, error) {
				if c.tested == 0 {
					return time.Time{}, nil
				}
				return now.Add(-c.tested), nil
			}}
			got := ""
			for _, f := range s.run(t.Context()) {
				got += f.String()
			}
			if got != c.want {
				t.Errorf("it finds %q, want %q", got, c.want)
			}
		})
	}
}
