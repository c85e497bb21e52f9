package incident_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"muster/incident"
)

func TestPlansThatDifferAreReadApart(t *testing.T) {
	one := incident.Plan{Incidents: "#incidents", Cadence: map[incident.Severity]string{incident.P1: "@every 10m"}}
	two := one
	two.Incidents = "#major"
	for _, want := range []incident.Plan{one, two, one, one, {}} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := incident.Plan{Operations: "of before"}
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s was read as %+v, %v", text, got, err)
		}
	}
}
