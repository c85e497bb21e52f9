package outboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/outbox"
)

// Subject is a queue under test. Each call of the suite's open gives a fresh
// and empty one.
type Subject struct {
	Queue outbox.Queue
	// Commit makes n deliveries durable and gives them, as the queue stores
	// them; IDs are unique. At least one of several is in the Page lane.
	Commit func(n int) []outbox.Delivery
	// Reopen stops and starts what is behind the queue, as a restart of the
	// program does; nil: it does not outlive the program.
	Reopen func() outbox.Queue
}

// TestQueue checks what an outbox needs from its queue.
func TestQueue(t *testing.T, open func(t *testing.T) Subject) {
	outcome := outbox.Outcome{State: outbox.Delivered, Receipt: []byte("receipt"), Attempts: 1, At: time.Now()}

	t.Run("an empty queue has nothing pending", func(t *testing.T) {
		s := open(t)
		s.stores(t, nil)
	})
	t.Run("what is committed is pending, whole", func(t *testing.T) {
		s := open(t)
		s.stores(t, s.Commit(20))
	})
	t.Run("asking changes nothing", func(t *testing.T) {
		s := open(t)
		ds := s.Commit(3)
		for _, d := range ds {
			if _, ok, err := s.Queue.Relevant(t.Context(), d); err != nil || !ok {
				t.Errorf("%s just committed does not matter: %v, %v", d.ID, ok, err)
			}
		}
		s.stores(t, ds)
	})
	t.Run("what is settled is gone, nothing else", func(t *testing.T) {
		s := open(t)
		ds := s.Commit(5)
		for i, state := range []outbox.State{outbox.Delivered, outbox.Failed, outbox.Cancelled, outbox.Superseded} {
			o := outcome
			o.State, o.Reason = state, "for the test"
			if err := s.Queue.Settle(t.Context(), ds[i], o); err != nil {
				t.Errorf("settling as %s: %v", state, err)
			}
		}
		s.stores(t, ds[4:])
	})
	t.Run("it is settled once", func(t *testing.T) {
		s := open(t)
		ds := s.Commit(2)
		var wg sync.WaitGroup
		results := make([]error, 8)
		for i := range results {
			wg.Go(func() { results[i] = s.Queue.Settle(context.Background(), ds[0], outcome) })
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of 8 settled the same delivery", won)
		}
		s.stores(t, ds[1:])
	})
	t.Run("what was never stored cannot be settled", func(t *testing.T) {
		s := open(t)
		d := s.Commit(1)[0]
		d.ID += "9"
		if err := s.Queue.Settle(t.Context(), d, outcome); err == nil {
			t.Error("an unknown delivery was settled")
		}
	})
	t.Run("many are settled at the same time", func(t *testing.T) {
		s := open(t)
		ds := s.Commit(64)
		errs := make([]error, len(ds))
		var wg sync.WaitGroup
		for i, d := range ds {
			wg.Go(func() { errs[i] = s.Queue.Settle(context.Background(), d, outcome) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		s.stores(t, nil)
	})
	t.Run("a late page stays pending", func(t *testing.T) {
		s := open(t)
		ds := s.Commit(4)
		i := slices.IndexFunc(ds, func(d outbox.Delivery) bool { return d.Lane == outbox.Page })
		if i < 0 {
			t.Fatal("Commit gave no page")
		}
		if err := s.Queue.Late(t.Context(), ds[i], errors.New("connection refused")); err != nil {
			t.Errorf("telling it to be late: %v", err)
		}
		if err := s.Queue.Settle(t.Context(), ds[i], outcome); err != nil {
			t.Errorf("settling it afterwards: %v", err)
		}
		s.stores(t, slices.Delete(slices.Clone(ds), i, i+1))
	})
	t.Run("a restart changes nothing", func(t *testing.T) {
		s := open(t)
		if s.Reopen == nil {
			t.Skip("this queue does not outlive the program")
		}
		ds := s.Commit(10)
		if err := s.Queue.Settle(t.Context(), ds[3], outcome); err != nil {
			t.Fatal(err)
		}
		settled := ds[3]
		s.Queue = s.Reopen()
		s.stores(t, slices.Delete(ds, 3, 4))
		if err := s.Queue.Settle(t.Context(), settled, outcome); err == nil {
			t.Error("it was settled again after the restart")
		}
	})
}

// stores checks that exactly these deliveries are pending. Others of the same
// commits, which Commit did not give, are not expected either.
func (s Subject) stores(t *testing.T, want []outbox.Delivery) {
	t.Helper()
	got, err := s.Queue.Pending(t.Context())
	if err != nil {
		t.Fatalf("asking what is pending: %v", err)
	}
	byID := map[string]outbox.Delivery{}
	for _, d := range got {
		if _, twice := byID[d.ID]; twice {
			t.Errorf("%s is pending twice", d.ID)
		}
		byID[d.ID] = d
	}
	for _, w := range want {
		g, is := byID[w.ID]
		if !is {
			t.Errorf("%s is not pending", w.ID)
		} else if diff := differ(g, w); diff != "" {
			t.Errorf("%s came back changed: %s", w.ID, diff)
		}
		delete(byID, w.ID)
	}
	for id := range byID {
		t.Errorf("%s is pending, but should not be", id)
	}
}

// differ names what differs between two deliveries; times are compared as
// moments.
func differ(a, b outbox.Delivery) string {
	switch {
	case !a.At.Equal(b.At) || !a.NotBefore.Equal(b.NotBefore):
		return fmt.Sprintf("times %v, %v instead of %v, %v", a.At, a.NotBefore, b.At, b.NotBefore)
	case !bytes.Equal(a.Body, b.Body):
		return fmt.Sprintf("a body of %d bytes instead of %d", len(a.Body), len(b.Body))
	}
	a.At, a.NotBefore, a.Body = b.At, b.NotBefore, nil
	b.Body = nil
	if x, y := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); x != y {
		return x + " instead of " + y
	}
	return ""
}
