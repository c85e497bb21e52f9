package incident_test

import (
	"fmt"
	"testing"
	"time"

	"muster/incident"
)

// TestErasuresAreToldOnce: of what is named again, because it has not left the
// file, only the news is told; what has left it is not kept in mind.
func TestErasuresAreToldOnce(t *testing.T) {
	now := time.Date(2027, 3, 5, 9, 0, 0, 0, time.UTC)
	d := incident.Desk{Stream: "DESK-1"}
	for i, c := range []struct {
		named, private []string
		told, kept     string
	}{
		{[]string{"INC-1", "INC-3"}, []string{"INC-2"}, "{[INC-1 INC-3] [INC-2] []}", "[INC-1 INC-3 INC-2]"},
		{[]string{"INC-1", "INC-3"}, []string{"INC-2"}, "", "[INC-1 INC-3 INC-2]"},
		{[]string{"INC-3", "INC-4"}, nil, "{[INC-4] [] [INC-3]}", "[INC-3 INC-4]"},
		{[]string{"INC-3", "INC-4"}, nil, "", "[INC-3 INC-4]"},
		{nil, []string{"INC-5"}, "{[] [INC-5] []}", "[INC-5]"},
		{nil, nil, "", "[INC-5]"},
	} {
		events, err := incident.HandleDesk(d, incident.TellErased{Incidents: c.named, Private: c.private}, now)
		if err != nil {
			t.Fatal(err)
		}
		told := ""
		for _, e := range events {
			told += fmt.Sprint(e)
			r := incident.Record{Seq: d.Seq + 1, At: now, Event: e}
			d = incident.ApplyDesk(d, r)
			if effects := incident.EffectsDesk(d, r); len(effects) != 1 || effects[0] != (incident.Post{Seq: r.Seq, What: "erased_told"}) {
				t.Errorf("%d: the effects are %v", i, effects)
			}
		}
		if kept := fmt.Sprint(d.Erased); told != c.told || kept != c.kept {
			t.Errorf("%d: told %s and keeps %s, not %s and %s", i, told, kept, c.told, c.kept)
		}
	}
}
