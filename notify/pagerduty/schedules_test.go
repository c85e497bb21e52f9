package pagerduty_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/config"
	"muster/notify"
	"muster/notify/pagerduty"
	stand "muster/workspace/pagerduty"
)

// schedules of the test account. Each role that the default ladder names is
// there, so that the result loads as it is.
func schedules(_ *pagerduty.Config, far *stand.Config) {
	const week, day = 7 * 24 * 3600, 24 * 3600
	one := func(id, name string) stand.Schedule {
		return stand.Schedule{ID: id, Name: name, Zone: "UTC", Layers: []stand.Layer{{Start: "1999-01-01T00:00:00Z", Turn: week, Users: []string{"PBOB001"}}}}
	}
	far.Schedules = []stand.Schedule{
		{ID: "PS1", Name: "Primary", Zone: "America/New_York", Overrides: 2, Layers: []stand.Layer{{
			Name: "Layer 1", Start: "1999-11-02T14:00:00Z", Rotation: "1999-11-02T14:00:00Z", Turn: week, Users: []string{"PALICE1", "PBOB001"},
		}}},
		{ID: "PS2", Name: "Secondary", Zone: "Europe/Berlin", Layers: []stand.Layer{{
			Start: "1999-12-01T08:00:00Z", Turn: day, Users: []string{"PALICE1", "PBOB001", "PBOT001"},
		}}},
		one("PS3", "Manager"), one("PS4", "Director"), one("PS5", "CTO"),
		{ID: "PS6", Name: "Follow the sun!", Zone: "UTC", Layers: []stand.Layer{
			{Start: "1999-12-01T08:00:00Z", Turn: 12 * 3600, Users: []string{"PALICE1", "PBOB001"}, Restrictions: []stand.Restriction{
				{Type: "daily_restriction", StartTime: "08:00:00", Duration: 8 * 3600}, {Type: "weekly_restriction", StartTime: "09:00:00", StartDay: 1, Duration: 3600},
			}},
			{Start: "1999-12-01T08:00:00Z", End: "2000-06-01T00:00:00Z", Turn: 3 * day, Users: []string{"PALICE1", "PGONE01", "PBOB001"}},
			{Start: "1999-12-01T08:00:00Z", End: "1999-12-24T00:00:00Z", Turn: day, Users: []string{"PALICE1"}},
		}},
		{ID: "PS7", Name: "Odd", Zone: "Mars/Phobos", Layers: []stand.Layer{{Start: "2000-03-01T10:10:00Z", Turn: 12*3600 + 600, Users: []string{"PBOB001", "PALICE1"}}}},
	}
}

func TestImportSchedules(t *testing.T) {
	dir := t.TempDir()
	inWorld(t, schedules, func(t *testing.T, w *world) {
		text, notes, err := w.ch.ImportSchedules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "oncall"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "oncall", "rotation.yaml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(notes, "\n")
		clean(t, "the notes", all)
		for _, want := range []string{
			"Primary: 2 overrides of the next 30 days are not imported",
			"Follow the sun!: it has 2 layers", "layer 1: it is on call daily from 08:00:00 for 8h0m0s only",
			"layer 1: it is on call weekly from Monday from 09:00:00 for 1h0m0s only",
			"layer 2: it ends on 2000-06-01", "is no user any more and is left out", "Odd: it begins on 2000-03-01 only", `"Mars/Phobos" is not known`,
			"Bob Diaz: no telephone number",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("no note says %q:\n%s", want, all)
			}
		}
		synctest.Wait()
	})
	cfg, err := config.Load(dir, func(string) (string, bool) { return "", false })
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "oncall", "rotation.yaml"))
		t.Fatalf("%v\n%s", err, text)
	}
	// Who is on call is who PagerDuty had: the first user from the first turn on.
	for _, c := range []struct{ role, at, want string }{
		{"primary", "1999-11-02T14:00:00Z", "Alice Johnson"},
		{"primary", "1999-11-09T13:59:59Z", "Alice Johnson"},
		{"primary", "1999-11-09T14:00:00Z", "Bob Diaz"},
		{"primary", "2000-04-04T13:30:00Z", "Alice Johnson"}, // 09:30 in New York's summer: turn 22
		{"secondary", "1999-12-01T08:00:00Z", "Alice Johnson"},
		{"secondary", "1999-12-02T08:00:00Z", "Bob Diaz"},
		{"secondary", "1999-12-03T08:00:00Z", "Muster"},
		{"follow-the-sun-layer-1", "1999-12-01T20:00:00Z", "Bob Diaz"},
		{"follow-the-sun-layer-2", "1999-12-05T20:00:00Z", "Bob Diaz"},
		{"odd", "2000-03-01T22:20:00Z", "Alice Johnson"},
		{"manager", "2026-01-01T00:00:00Z", "Bob Diaz"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := cfg.Schedule.OnCall(c.role, at, nil)
		if len(got.Members) == 0 || got.Members[0].Name != c.want {
			t.Errorf("%s at %s is %v, want %s", c.role, c.at, got.Members, c.want)
		}
	}
	a := cfg.Schedule.Rotas["primary"].Members[0]
	if a.Email != aliceMail || a.Phone != "+12025550101" || a.PagerDuty != "PALICE1" || a.Zone.String() != "America/New_York" {
		t.Errorf("Alice is %v", a)
	}
}

func TestImportFails(t *testing.T) {
	inWorld(t, schedules, func(t *testing.T, w *world) {
		w.pd.Break(stand.Fault{Path: "/schedules/PS2", Status: 403})
		_, _, err := w.ch.ImportSchedules(t.Context())
		if is, _ := class(err); is != permanent {
			t.Errorf("got %v", err)
		}
	})
	inWorld(t, nil, func(t *testing.T, w *world) {
		text, notes, err := w.ch.ImportSchedules(t.Context())
		if err != nil || len(notes) != 1 || !strings.Contains(string(text), "oncall_schedule: {}") {
			t.Errorf("without schedules: %q %v %v", text, notes, err)
		}
	})
}

func TestCheck(t *testing.T) {
	people := []notify.Contact{
		{Person: alice, Email: aliceMail}, {Person: bob, PagerDuty: "PBOB001"}, {Person: bob, PagerDuty: "PNOBODY"},
		{Person: alice, Email: "nobody@example.com"},
	}
	for _, c := range []struct {
		name   string
		change func(*pagerduty.Config, *stand.Config)
		fault  stand.Fault
		bad    []string // one after the other
		fine   string
	}{
		{"well", nil, stand.Fault{Path: "/none"}, []string{"Bob Diaz: PagerDuty: cannot find the user", "Alice Johnson: PagerDuty: cannot find the user"}, "pages go to the service Muster"},
		{"key", func(near *pagerduty.Config, _ *stand.Config) { near.APIKey = "another" }, stand.Fault{Path: "/none"}, []string{"check PAGERDUTY_API_KEY"}, ""},
		{"from", func(near *pagerduty.Config, _ *stand.Config) { near.From = "gone@example.com" }, stand.Fault{Path: "/none"},
			[]string{"PAGERDUTY_FROM is no user", "Bob Diaz:", "Alice Johnson:"}, ""},
		{"no from", func(near *pagerduty.Config, _ *stand.Config) { near.From = "" }, stand.Fault{Path: "/none"},
			[]string{"set PAGERDUTY_FROM", "Bob Diaz:", "Alice Johnson:"}, ""},
		{"from is on call", func(near *pagerduty.Config, _ *stand.Config) { near.From = aliceMail }, stand.Fault{Path: "/none"},
			[]string{"Alice Johnson is the user of PAGERDUTY_FROM", "Bob Diaz:", "Alice Johnson:"}, ""},
		{"service", func(near *pagerduty.Config, _ *stand.Config) { near.Service = "PGONE" }, stand.Fault{Path: "/none"},
			[]string{"the service does not exist", "Bob Diaz:", "Alice Johnson:"}, ""},
		{"disabled", func(near *pagerduty.Config, far *stand.Config) {
			near.Service, far.Services = "PX", []stand.Service{{ID: "PX", Name: "X", Status: "disabled"}}
		}, stand.Fault{Path: "/none"}, []string{"its status is disabled", "Bob Diaz:", "Alice Johnson:"}, ""},
		{"another service", func(_ *pagerduty.Config, far *stand.Config) {
			far.Services = []stand.Service{{ID: "PW", Name: "W", Status: "maintenance"}, {ID: "PX", Name: "X"}}
		}, stand.Fault{Path: "/none"}, []string{"Bob Diaz:", "Alice Johnson:"}, "the service X, the first enabled one"},
		{"away", nil, stand.Fault{Status: 503}, []string{"PagerDuty had an error of its own"}, ""},
		{"events", events, stand.Fault{Path: "/none"}, nil, "routing key"},
	} {
		inWorld(t, c.change, func(t *testing.T, w *world) {
			w.pd.Break(c.fault)
			var bad []string
			fine := ""
			for _, f := range w.ch.Check(t.Context(), people...) {
				clean(t, "a finding", f.Text)
				if f.Bad {
					bad = append(bad, f.Text)
				} else {
					fine += f.Text + "\n"
				}
			}
			if len(bad) != len(c.bad) || !strings.Contains(fine, c.fine) {
				t.Fatalf("%s: bad %q, fine %q", c.name, bad, fine)
			}
			for n, want := range c.bad {
				if !strings.Contains(bad[n], want) {
					t.Errorf("%s: %q does not say %q", c.name, bad[n], want)
				}
			}
			if n := len(w.pd.Incidents()); n != 0 {
				t.Errorf("%s: the check made %d incidents", c.name, n)
			}
		})
	}
}
