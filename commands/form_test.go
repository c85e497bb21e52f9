package commands

import (
	"testing"
	"time"

	"muster/incident"
)

// What a form proposes is accepted when nobody touches it, wherever the person lives.
func TestTheProposedPostmortemIsReadBack(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("", 5400)}
	for _, name := range []string{"GMT", "Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Tokyo"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	for _, zone := range zones {
		for day := range 366 {
			now := time.Date(2026, 1, 1+day, 3, 4, 5, 0, time.UTC)
			want := ProposePostmortem(now, zone)
			for _, f := range resolveForm(incident.Incident{ID: "INC-1"}, "", want).Fields {
				if f.Name != "postmortem" {
					continue
				}
				if got, err := ParseTime(f.Value, now, zone); err != nil || !got.Equal(want) {
					t.Fatalf("the form proposes %q for %s, which is read as %s, %v", f.Value, want, got, err)
				}
			}
		}
	}
}
