package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// A storm of real alerts, some with the service and the title of a drill that
// runs, pages as it does without the drill, and leaves the drill alone.
func TestAStormPassesADrillBy(t *testing.T) {
	type leave struct{ outside, drill []string }
	play := func(t *testing.T, drill, storm bool) (out leave) {
		onStreet(t, map[string]string{"escalation.yaml": drillLadder, "oncall/rotation.yaml": drillRota, "muster.yaml": streetMuster + "storm: {alerts: 8, window: 1m}\n"}, func(s *street) {
			began := time.Now()
			if drill {
				s.post(200, `drill P0 "checkout is down" --speed 10 service=checkout`, "mia@example.com", "")
			}
			time.Sleep(20 * time.Second)
			down := func(i int, service, summary string) {
				s.world.told(hook(fmt.Sprint("g", i), fires{name: "InstanceDown", severity: "critical", service: service, instance: fmt.Sprint("web-", i), summary: summary, since: time.Now()}))
			}
			if storm {
				down(0, "checkout", "checkout is down") // alone at first, and an incident of its own
				time.Sleep(70 * time.Second)
				for i := range 15 {
					service, summary := fmt.Sprint("svc-", i), "it is down"
					if i%3 == 0 {
						service, summary = "checkout", incident.DrillMark+"checkout is down"
					}
					down(i+1, service, summary)
					time.Sleep(50 * time.Millisecond)
				}
			}
			time.Sleep(time.Until(began.Add(5*time.Minute + 10*time.Second)))
			if drill {
				d := s.state("INC-1")
				if !d.Drill.On || !d.Open() || len(d.Alerts) != 0 || d.MergedInto != "" || s.facts("INC-1")["merged_from"] != 0 {
					s.Errorf("the drill took part: %d alerts, open %v, merged into %q", len(d.Alerts), d.Open(), d.MergedInto)
				}
				for _, r := range s.history("INC-1") {
					switch e := r.Event.(type) {
					case incident.Paged:
						out.drill = append(out.drill, fmt.Sprint(r.At.Sub(began).Round(time.Second), e.Level, e.Person.Key, e.Methods))
					case incident.ReminderDue, incident.UpdateOverdue, incident.LadderStarted, incident.LastResortPaged, incident.LevelPassed:
						out.drill = append(out.drill, fmt.Sprintf("%v %T", r.At.Sub(began).Round(time.Second), e))
					}
				}
			}
			if storm {
				var real []incident.Incident
				for _, i := range s.incidents() {
					if i.Drill.On {
						continue
					}
					if firing, _ := i.AlertsFiring(); firing == 0 && i.Open() {
						s.Errorf("%s %s has no alerts", i.ID, i.Title)
					}
					real = append(real, i)
				}
				if len(real) != 2 {
					s.Errorf("%d real incidents, want the first alert's and the storm's", len(real))
				}
				total := 0
				for _, i := range real {
					_, n := i.AlertsFiring()
					total += n
				}
				if total != 16 {
					s.Errorf("%d alerts belong to real incidents, want 16", total)
				}
			}
			for _, way := range []string{"pagerduty", "phone"} {
				for _, p := range s.fronts[way].since(began) {
					if strings.HasPrefix(p.path, "POST") {
						out.outside = append(out.outside, fmt.Sprint(p.at.Sub(began).Round(time.Second), " ", way))
					}
				}
			}
			slices.Sort(out.outside)
		})
		return out
	}
	both, alone, quiet := play(t, true, true), play(t, false, true), play(t, true, false)
	if len(alone.outside) < 4 || !slices.Equal(both.outside, alone.outside) {
		t.Errorf("with a drill left\n%s\nwithout it\n%s", strings.Join(both.outside, "\n"), strings.Join(alone.outside, "\n"))
	}
	if len(quiet.outside) != 0 {
		t.Errorf("the drill alone left for outside: %v", quiet.outside)
	}
	if len(quiet.drill) < 5 || !slices.Equal(both.drill, quiet.drill) {
		t.Errorf("the drill in the storm\n%s\nwithout it\n%s", strings.Join(both.drill, "\n"), strings.Join(quiet.drill, "\n"))
	}
}
