package incident_test

import (
	"slices"
	"testing"

	"muster/incident"
)

// What changes while a room's card is being posted reaches the other card only,
// so the room's is brought up to date once it is known.
func TestRoomCardIsRefreshedOncePosted(t *testing.T) {
	s := incident.Incident{ID: "INC-1", Card: incident.Spot{Channel: "C1", TS: "1.1"}, Room: incident.Spot{Channel: "C2"}}
	r := incident.Record{Seq: 9, Event: incident.Posted{Place: incident.PlaceRoomCard, Channel: "C2", TS: "2.1"}}
	if got := incident.Effects(incident.Apply(s, r), r); !slices.Contains(got, incident.Effect(incident.RefreshCard{})) {
		t.Errorf("the effects are %+v", got)
	}
}
