package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/store"
)

func TestAlarmsComeWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		w.run(t)
		began := time.Now()
		id := w.declare(t, "API down", plan)
		time.Sleep(5*time.Minute - 1)
		synctest.Wait()
		same(t, "just before", w.paged(t, id, began), []string{"L1 0s late 0s"})
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		same(t, "pages", w.paged(t, id, began), []string{"L1 0s late 0s", "L1 5m0s late 0s", "L1 10m0s late 0s", "L2 15m0s late 0s"})
		same(t, "lateness", w.late, []time.Duration{0, 0, 0})
	})
}

func TestAnEarlierAlarmInterruptsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		w.run(t)
		w.declare(t, "slow", plan)
		synctest.Wait()
		soon := plan
		soon.Ladder.Levels = []incident.Level{{Name: "L1", Role: "primary", Methods: []string{"slack"}, Due: 300 * time.Millisecond, Until: incident.UntilAcknowledged}}
		began := time.Now()
		id := w.declare(t, "API down", soon)
		time.Sleep(time.Minute)
		synctest.Wait()
		same(t, "pages", w.paged(t, id, began), []string{"L1 300ms late 0s"})
	})
}

func TestCancelledAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		w.run(t)
		id := w.declare(t, "API down", plan)
		w.do(t, id, incident.Resolve{By: ann})
		commits := f.count()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(w.late) != 0 || f.count() != commits {
			t.Errorf("a resolved incident was stepped %d times", len(w.late))
		}
	})
}

func TestAFailedStepIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		w.run(t)
		began := time.Now()
		id := w.declare(t, "API down", plan)
		time.Sleep(4 * time.Minute)
		f.refuse(store.ErrFull)
		time.Sleep(2*time.Minute + time.Second/2)
		f.refuse(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		same(t, "pages", w.paged(t, id, began), []string{"L1 0s late 0s", "L1 6m1s late 1m1s"})
	})
}

func TestStartCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		began := time.Now()
		open, over := w.declare(t, "API down", plan), w.declare(t, "done", plan)
		w.do(t, over, incident.Resolve{By: ann})
		time.Sleep(16 * time.Minute)

		again := on(w.store)
		if err := again.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{"L1 0s late 0s", "L2 16m0s late 1m0s"}
		same(t, "pages", again.paged(t, open, began), want)
		same(t, "pages of the resolved one", again.paged(t, over, began), []string{"L1 0s late 0s"})
		if n := len(again.OpenIncidents()); n != 1 {
			t.Errorf("%d incidents are open, want 1", n)
		}
		again.run(t)
		time.Sleep(29 * time.Minute)
		synctest.Wait()
		same(t, "nothing comes twice", again.paged(t, open, began), want)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		same(t, "the clocks run again", again.paged(t, open, began), append(want, "L1 46m0s late 0s"))
	})
}

func TestManyBeginAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		w.run(t)
		began := time.Now()
		const n = 60
		var wg sync.WaitGroup
		ids := make([]string, n)
		for i := range n {
			wg.Go(func() { ids[i] = w.declare(t, "API down", plan) })
			wg.Go(func() { // somebody looks while it comes to be
				if _, err := w.State(t.Context(), fmt.Sprintf("INC-%d", i+1)); err != nil && !errors.As(err, new(incident.Refusal)) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		for i := range n {
			if id := fmt.Sprintf("INC-%d", i+1); !seen[id] {
				t.Errorf("%s is missing", id)
			}
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		for _, id := range ids {
			same(t, id, w.paged(t, id, began), []string{"L1 0s late 0s", "L1 5m0s late 0s"})
		}
	})
}

// TestLookedAtWhileItBegins: the first look at a new incident comes between its
// commit and the engine's own memory of it. Its clocks run all the same.
func TestLookedAtWhileItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{}
		st, err := store.On(f, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		var e engine.Incidents
		looked := false
		e = engine.NewIncidents(engine.Config{Store: st, Passing: func(p engine.Points) {
			if p == engine.AfterCommit && !looked {
				looked = true
				if _, err := e.State(t.Context(), "INC-1"); err != nil {
					t.Error(err)
				}
			}
		}}, rules)
		w := &world{Incidents: e, store: st}
		began := time.Now()
		if r, err := e.Do(t.Context(), engine.Request[incident.Incident]{New: true, Intent: incident.Declare{Title: "x", Severity: incident.P1, By: ann, Plan: plan}}); err != nil || r.Stream != "INC-1" {
			t.Fatal(r.Stream, err)
		}
		w.run(t)
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		same(t, "pages", w.paged(t, "INC-1", began), []string{"L1 0s late 0s", "L1 5m0s late 0s"})
	})
}

// restless never comes to rest; stale names a wake that is over.
type restless struct{}

func (restless) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	return incident.Decision{Events: []incident.Event{incident.Noted{Text: "again"}}}
}

type stale struct{ asked *int }

func (r stale) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	*r.asked++
	return incident.Decision{Wake: now.Add(-time.Hour)}
}

func TestRulesThatGoWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		req := engine.Request[incident.Incident]{New: true, Intent: incident.Declare{Title: "x", Severity: incident.P1, By: ann, Plan: plan}}
		if _, err := on(w.store, restless{}).Do(t.Context(), req); err == nil || f.count() != 0 {
			t.Errorf("rules without rest: %v, %d commits", err, f.count())
		}
		asked := 0
		w = on(w.store, stale{&asked})
		w.run(t)
		w.declare(t, "x", plan)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if asked > 12 {
			t.Errorf("a wake that is over had the rules asked %d times in ten seconds", asked)
		}
	})
}

func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		w.declare(t, "API down", plan)
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
