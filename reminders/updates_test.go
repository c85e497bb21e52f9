package reminders_test

import (
	"testing"
	"time"

	"muster/incident"
	"muster/reminders"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 7, time.UTC)

func TestNext(t *testing.T) {
	for spec, want := range map[string]time.Time{
		"@every 10m":                      noon.Add(10 * time.Minute), // to the nanosecond
		" @every  90s ":                   noon.Add(90 * time.Second),
		"@every 0s":                       {},
		"@every -10m":                     {},
		"@every soon":                     {},
		"*/15 * * * *":                    time.Date(2026, 3, 2, 12, 15, 0, 0, time.UTC),
		"@hourly":                         time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC),
		"CRON_TZ=Europe/Berlin 0 9 * * *": time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC),
		"TZ=":                             {},
		"TZ=Nowhere/At_All 0 9 * * *":     {},
		"0 0 30 2 *":                      {}, // a day that never comes
		"nonsense":                        {},
		"":                                {},
	} {
		if got := reminders.Next(spec, noon); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", spec, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, good := range []string{"", "  ", "@every 1m", "@every 10m", "*/10 * * * *", "@daily", "CRON_TZ=Europe/Berlin 0 9 * * 1-5"} {
		if _, err := reminders.Parse(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"@every", "@every 10", "@every 59s", "@every -5m", "* * * *", "* * * * * *", "61 * * * *", "TZ=", "CRON_TZ=", "TZ=Nowhere/At_All 0 9 * * *", "often"} {
		if schedule, err := reminders.Parse(bad); err == nil || schedule != nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestForgotten: an incident that nobody updates fills its history by an entry
// an hour at most, once the first hour is over.
func TestForgotten(t *testing.T) {
	s := incident.Apply(incident.Incident{ID: "INC-1"}, incident.Record{Seq: 1, At: noon, Event: incident.Declared{
		ID: "INC-1", Severity: incident.P1, Plan: incident.Plan{Cadence: map[incident.Severity]string{incident.P1: "@every 10m"}},
	}})
	var steps []time.Duration
	at := noon
	for at.Before(noon.Add(6 * time.Hour)) {
		d := reminders.Updates{}.Reconcile(s, at)
		for _, e := range d.Events {
			s = incident.Apply(s, incident.Record{Seq: s.Seq + 1, At: at, Event: e})
			steps = append(steps, at.Sub(noon)/time.Minute)
		}
		if len(d.Events) == 0 {
			at = d.Wake
		}
	}
	want := []time.Duration{10, 20, 30, 40, 50, 60, 70, 130, 190, 250, 310}
	if len(steps) != len(want) {
		t.Fatalf("steps at minutes %d, want %d", steps, want)
	}
	for i := range want {
		if steps[i] != want[i] {
			t.Fatalf("steps at minutes %d, want %d", steps, want)
		}
	}
}

func TestNoClock(t *testing.T) {
	s := incident.Incident{ID: "INC-1", Seq: 1, Severity: incident.P3}
	if d := (reminders.Updates{}).Reconcile(s, noon); len(d.Events) != 0 || !d.Wake.IsZero() {
		t.Errorf("%+v", d)
	}
}
