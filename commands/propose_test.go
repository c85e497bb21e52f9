package commands_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/commands"
)

// Whoever asks and whoever took part, the meeting is on a working day of the
// one who asks, after now, and within 48 hours unless a weekend stands between.
func TestProposedMeetingIsOnTheNextWorkingDay(t *testing.T) {
	names := []string{
		"America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Apia", "Pacific/Pago_Pago",
		"America/Santiago", "Africa/Cairo", "UTC",
	}
	zones := map[string]*time.Location{}
	for _, name := range names {
		zones[name] = zone(t, name)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		now := start.Add(time.Duration(rapid.IntRange(0, 3*366*24*60).Draw(t, "minute")) * time.Minute)
		own := zones[rapid.SampledFrom(names).Draw(t, "zone")]
		var others []*time.Location
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 5).Draw(t, "others") {
			others = append(others, zones[name])
		}
		at := commands.ProposePostmortem(now, own, append(others, nil)...)
		local := at.In(own)
		if d := local.Weekday(); d == time.Saturday || d == time.Sunday {
			t.Fatalf("at %s: %s", now, local)
		}
		weekend := false
		for d := now.In(own); d.Before(local); d = d.AddDate(0, 0, 1) {
			weekend = weekend || d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
		}
		if !at.After(now) || local.Format(time.DateOnly) == now.In(own).Format(time.DateOnly) || !weekend && at.Sub(now) > 48*time.Hour || at.Sub(now) > 5*24*time.Hour {
			t.Fatalf("at %s: %s, %s later", now.In(own), local, at.Sub(now))
		}
		if at.Second() != 0 || at.Minute()%30 != 0 {
			t.Fatalf("at %s: %s is no time to meet", now, local)
		}
	})
}

// Where no hour suits all, nobody is asked to work on the weekend, and the
// worst night is as short as can be.
func TestProposedMeetingWhereNoHourSuitsAll(t *testing.T) {
	all := []string{"America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland"}
	for now, want := range map[string]string{
		"2026-11-23T12:00:00Z": "2026-11-24T19:30:00Z", // Monday in New York
		"2026-11-27T23:30:00Z": "2026-11-30T19:30:00Z", // Friday night: Monday
		"2026-11-28T12:00:00Z": "2026-11-30T19:30:00Z", // Saturday
		"2026-03-06T20:00:00Z": "2026-03-09T19:30:00Z", // over the Sunday on which New York changes its clocks
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		var zones []*time.Location
		for _, name := range all {
			zones = append(zones, zone(t, name))
		}
		got := commands.ProposePostmortem(at, zones[0], zones...)
		if got.UTC().Format(time.RFC3339) != want {
			t.Errorf("at %s: %s, want %s", now, got.UTC().Format(time.RFC3339), want)
		}
		for _, z := range zones {
			if d := got.In(z).Weekday(); d == time.Saturday || d == time.Sunday {
				t.Errorf("at %s: %s", now, got.In(z))
			}
		}
	}
}
