package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// A drill that is ended and started again and again takes the same steps at the
// same moments, posts nothing twice, and has the same score as one that was not.
func TestADrillGoesOnAfterARestart(t *testing.T) {
	type course struct {
		steps []string
		score incident.Score
	}
	play := func(t *testing.T, restart bool) (out course) {
		onStreet(t, map[string]string{"escalation.yaml": drillLadder, "oncall/rotation.yaml": drillRota, "muster.yaml": streetMuster}, func(s *street) {
			began := time.Now()
			s.post(200, `drill P0 "database gone" --speed 10 service=db`, "mia@example.com", "")
			until := func(at time.Duration) {
				if restart && time.Until(began.Add(at)) > 12*time.Second {
					time.Sleep(time.Until(began.Add(at)) - 9*time.Second)
					s.again(time.Second)
				}
				time.Sleep(time.Until(began.Add(at)))
			}
			until(15 * time.Second)
			until(50 * time.Second)
			until(75 * time.Second)
			s.post(200, "update INC-1 identified a lock", "mia@example.com", "")
			until(100 * time.Second)
			until(150 * time.Second)
			s.post(200, "ack INC-1", "bob@example.com", "")
			until(200 * time.Second)
			until(250 * time.Second)
			s.post(200, "update INC-1 mitigating killed it", "bob@example.com", "")
			until(280 * time.Second)
			s.post(200, "resolve INC-1 a lock postmortem=none", "bob@example.com", "")
			time.Sleep(10 * time.Second)
			for _, r := range s.history("INC-1") {
				switch e := r.Event.(type) {
				case incident.Posted, incident.PageSettled:
				case incident.Paged:
					out.steps = append(out.steps, fmt.Sprint(r.At.Sub(began).Round(time.Second), " paged ", e.Level, e.Person.Key, e.Methods, e.Why))
				default:
					out.steps = append(out.steps, fmt.Sprintf("%v %T", r.At.Sub(began).Round(time.Second), e))
				}
			}
			out.score = s.state("INC-1").Score()
			out.score.Acknowledged = out.score.Acknowledged.Round(time.Second)
			s.inThread(s.card("DRILL: database gone"), time.Minute, fmt.Sprintf("Drill: %d of 100 points", out.score.Points))
			if list := s.outside(began); len(list) != 0 {
				s.Errorf("it left for outside:\n%s", strings.Join(list, "\n"))
			}
			s.checkOnce()
		})
		return out
	}
	whole, broken := play(t, false), play(t, true)
	if !slices.Equal(whole.steps, broken.steps) {
		t.Errorf("without a restart\n%s\nwith them\n%s", strings.Join(whole.steps, "\n"), strings.Join(broken.steps, "\n"))
	}
	a, b := fmt.Sprintf("%+v", whole.score), fmt.Sprintf("%+v", broken.score)
	if a != b {
		t.Errorf("the score is\n%s\nand with restarts\n%s", a, b)
	}
	if whole.score.Missed == 0 || whole.score.Kept == 0 || whole.score.Escalations() < 2 {
		t.Errorf("there is little to see: %s", a)
	}
}
