package incident_test

import (
	"testing"
	"time"

	"muster/incident"
)

// TestErase: only what ended at least as long ago as its severity is kept for,
// and waits for nothing, is given up, and once.
func TestErase(t *testing.T) {
	const day = 24 * time.Hour
	keep := map[incident.Severity]time.Duration{incident.P2: 60 * day, incident.P3: 30 * day}
	ann := incident.Person{Key: "ann@example.com", Name: "Ann"}
	for name, c := range map[string]struct {
		severity incident.Severity
		said     []incident.Intent
		after    time.Duration
		want     bool
	}{
		"open":                    {incident.P3, nil, 900 * day, false},
		"a moment too early":      {incident.P3, []incident.Intent{incident.Resolve{By: ann}}, 30*day - 1, false},
		"in time":                 {incident.P3, []incident.Intent{incident.Resolve{By: ann}}, 30 * day, true},
		"kept longer":             {incident.P2, []incident.Intent{incident.Resolve{By: ann}}, 59 * day, false},
		"kept longer and over":    {incident.P2, []incident.Intent{incident.Resolve{By: ann}}, 60 * day, true},
		"kept for ever":           {incident.P1, []incident.Intent{incident.Resolve{By: ann}}, 9000 * day, false},
		"of the severity it got":  {incident.P1, []incident.Intent{incident.SetSeverity{By: ann, To: incident.P3}, incident.Resolve{By: ann}}, 30 * day, true},
		"opened again":            {incident.P3, []incident.Intent{incident.Resolve{By: ann}, incident.Reopen{By: ann, Reason: "back"}}, 90 * day, false},
		"merged":                  {incident.P3, []incident.Intent{incident.Merge{By: ann, Into: "INC-2"}}, 30 * day, true},
		"with work that waits":    {incident.P3, []incident.Intent{incident.AddAction{By: ann, Text: "x"}, incident.Resolve{By: ann}}, 900 * day, false},
		"a drill with work":       {incident.P3, []incident.Intent{incident.AddAction{By: ann, Text: "x"}, incident.Resolve{By: ann}}, 30 * day, true},
		"merged with work":        {incident.P3, []incident.Intent{incident.AddAction{By: ann, Text: "x"}, incident.Merge{By: ann, Into: "INC-2"}}, 30 * day, true},
		"with work that was done": {incident.P3, []incident.Intent{incident.AddAction{By: ann, Text: "x"}, incident.Resolve{By: ann}, incident.FinishAction{By: ann, N: 1}}, 30 * day, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newSim(&duty{missing: map[string]map[string]string{}})
			for _, in := range append([]incident.Intent{incident.Declare{By: ann, Title: "x", Severity: c.severity, Plan: usual(), Drill: incident.Drill{On: name == "a drill with work"}}}, c.said...) {
				if _, err := m.say(in); err != nil {
					t.Fatalf("%T: %v", in, err)
				}
			}
			m.now = m.now.Add(c.after)
			before := m.s
			facts, err := m.say(incident.Erase{Keep: keep})
			if err != nil || m.s.IsErased() != c.want || c.want && len(facts) != 1 {
				t.Fatalf("erased: %v with %d facts and %v, want %v", m.s.IsErased(), len(facts), err, c.want)
			}
			if !c.want {
				return
			}
			want := incident.Erased{Severity: before.Severity, DeclaredAt: begin, EndedAt: begin, Records: before.Seq, Kept: c.after}
			if m.s.Erased != want || m.s.Title != "" || m.s.Open() || m.s.Live() {
				t.Errorf("the tombstone is %+v, want %+v", m.s.Erased, want)
			}
			if facts, err := m.say(incident.Erase{Keep: keep}); err != nil || len(facts) > 0 {
				t.Errorf("erased again: %d facts, %v", len(facts), err)
			}
			if facts, err := m.say(incident.TellAlerts{Alerts: []incident.AlertRef{{Group: "ALERT-1", Firing: 1, Total: 1}}}); err != nil || len(facts) > 0 {
				t.Errorf("told of its alerts, it gives %d facts and %v", len(facts), err)
			}
			if _, err := m.say(incident.Reopen{By: ann, Reason: "x"}); err == nil {
				t.Error("it can be opened again")
			}
		})
	}
}
