package pagerduty_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"muster/incident"
	"muster/notify/pagerduty"
	stand "muster/workspace/pagerduty"
)

// TestSixtyAtOnce pages 60 people for 60 incidents at the same moment, while
// every request takes PagerDuty 100 ms: the last one is there within 2 s, each
// person is woken once, and each acknowledgement finds its incident.
func TestSixtyAtOnce(t *testing.T) {
	const many = 60
	inWorld(t, func(_ *pagerduty.Config, far *stand.Config) {
		for n := range many {
			far.Users = append(far.Users, stand.User{ID: fmt.Sprintf("PX%03d", n), Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("p%d@example.com", n)})
		}
	}, func(t *testing.T, w *world) {
		w.pd.Break(stand.Fault{Slow: true, Delay: 100 * time.Millisecond})
		began := time.Now()
		var all sync.WaitGroup
		for n := range many {
			all.Go(func() {
				m := message()
				mail := fmt.Sprintf("p%d@example.com", n)
				m.Incident.ID, m.Dedup = fmt.Sprintf("INC-%d", n+1), fmt.Sprintf("INC-%d/L1/%s", n+1, mail)
				m.To.Person, m.To.Email = incident.Person{Key: mail, Name: fmt.Sprintf("Person %d", n)}, mail
				got, err := w.ch.Deliver(t.Context(), m, false)
				if err != nil {
					t.Error(err)
					return
				}
				if err := w.pd.Acknowledge(fmt.Sprintf("PX%03d", n), got.Ref); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the last page left after %v", took)
		}
		for name, n := range w.wakings() {
			if n != 1 {
				t.Errorf("%s was woken %d times", name, n)
			}
		}
		got := w.heard()
		if len(got) != many {
			t.Fatalf("%d answers, want %d", len(got), many)
		}
		for _, a := range got {
			if a.Incident != "INC-"+fmt.Sprint(number(a.Person.Key)+1) {
				t.Errorf("%s answered %s", a.Person.Name, a.Incident)
			}
		}
	})
}

func number(mail string) (n int) {
	fmt.Sscanf(mail, "p%d@", &n)
	return n
}
