package render

import (
	"encoding/json"
	"strings"
	"testing"

	"muster/incident"
)

// TestPageSaysAsWhatOneIsPaged: what a page says first agrees with its reason.
func TestPageSaysAsWhatOneIsPaged(t *testing.T) {
	for _, c := range []struct {
		page incident.Page
		want string
	}{
		{incident.Page{Level: "L1", Role: "primary", Why: incident.WhyDue}, "L1 (primary)"},
		{incident.Page{Role: "manager", Why: incident.WhyAsked}, "manager"},
		{incident.Page{Why: incident.WhyAsked}, "yourself"},
		{incident.Page{Why: incident.WhyOverdue}, "on call"},
	} {
		raw, err := json.Marshal(Frame{}.Page(incident.Incident{ID: "INC-1"}, c.page))
		if err != nil {
			t.Fatal(err)
		}
		if want := `*You are paged as*\n` + c.want + `"`; !strings.Contains(string(raw), want) {
			t.Errorf("the page %+v does not say %s: %s", c.page, want, raw)
		}
	}
}
