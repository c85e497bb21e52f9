package crash

import (
	"context"
	"fmt"
	"slices"

	"muster/engine"
	"muster/incident"
	"muster/store"
)

// checkDesk holds what people see against what the desk had to tell, of shifts
// and of the week: each message once, none missing that still mattered. It
// gives the names of all of them, and how many shifts began.
func (w *world) checkDesk(s *store.Store, messages []seen) (asked map[string]bool, shifts int) {
	w.Helper()
	count := map[string]int{}
	for _, m := range messages {
		count[m.delivery]++
	}
	records, err := engine.NewDesk(engine.Config{Store: s}, nil, nil).History(context.Background(), engine.DeskStream)
	w.must(err)
	states := []incident.Desk{}
	desk := incident.Desk{Stream: engine.DeskStream}
	for _, r := range records {
		desk = incident.ApplyDesk(desk, r)
		states = append(states, desk)
		if e, ok := r.Event.(incident.ShiftBegan); ok && !e.First {
			shifts++
		}
	}
	asked = map[string]bool{}
	for from, to := 0, 0; from < len(records); from = to {
		var effects []incident.Effect
		for to = from; to < len(records) && records[to].At.Equal(records[from].At); to++ {
			effects = append(effects, incident.EffectsDesk(states[to], records[to])...)
		}
		for i, e := range effects {
			id := fmt.Sprintf("%s/%d/%d", engine.DeskStream, records[to-1].Seq, i)
			asked[id] = true
			over := slices.ContainsFunc(states[to-1:], func(d incident.Desk) bool {
				_, matters := incident.RelevantDesk(d, e)
				return !matters
			})
			switch n := count[id]; {
			case n > 1:
				w.Errorf("%s (%T) was seen %d times", id, e, n)
			case n == 0 && !over:
				w.Errorf("%s (%+v) was never seen, and nothing excuses it", id, e)
			}
		}
	}
	return asked, shifts
}
