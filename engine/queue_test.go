package engine_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/outbox"
)

// pending gives the first waiting delivery of a kind.
func (w *world) pending(t *testing.T, kind string) outbox.Delivery {
	t.Helper()
	all, err := w.store.Pending()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(d outbox.Delivery) bool { return d.Kind == kind })
	if i < 0 {
		t.Fatalf("no %s waits", kind)
	}
	return all[i]
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		id := w.declare(t, "API down", plan)
		q := engine.Queue{Store: w.store, ByPrefix: map[string]engine.Streams{engine.IncidentPrefix: w}}
		ctx := t.Context()
		page, card := w.pending(t, "page"), w.pending(t, "announce")

		if reason, ok, err := q.Relevant(ctx, page); !ok || err != nil {
			t.Errorf("the page: %q %v", reason, err)
		}
		time.Sleep(time.Minute)
		if err := q.Late(ctx, page, outbox.NotSentError{Err: errors.New("no route")}); err != nil {
			t.Fatal(err)
		}
		s, _ := w.State(ctx, id)
		same(t, "the late page", s.Climb.Pages[0].Methods[0].State, incident.PageLate)
		if got := s.Climb.Pages[0].Methods[0].Reason; got != "not accepted within a minute: no route" {
			t.Errorf("the reason is %q", got)
		}
		w.do(t, id, incident.Acknowledge{By: ann})
		if reason, ok, err := q.Relevant(ctx, page); ok || reason != "ann has acknowledged" || err != nil {
			t.Errorf("the page after the acknowledgement: %v %q %v", ok, reason, err)
		}
		for range 2 { // the outbox may ask again after an unclear failure
			if err := q.Settle(ctx, page, outbox.Outcome{State: outbox.Cancelled, Reason: "ann has acknowledged", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		receipt, _ := json.Marshal(incident.Receipt{Channel: "C1", TS: "17.3"})
		if err := q.Settle(ctx, card, outbox.Outcome{State: outbox.Delivered, Receipt: receipt, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		s, _ = w.State(ctx, id)
		same(t, "the card", s.Card, incident.Spot{Channel: "C1", TS: "17.3"})
		same(t, "the page", s.Climb.Pages[0].Methods[0].State, incident.PageCancelled)
		all, _ := w.History(ctx, id)
		settled := 0
		for _, r := range all {
			if e, ok := r.Event.(incident.PageSettled); ok && e.Attempt == 1 {
				settled++
			}
		}
		if settled != 2 {
			t.Errorf("%d outcomes of the page are recorded, want late and cancelled", settled)
		}
		left, _ := q.Pending(ctx)
		for _, d := range left {
			if d.ID == page.ID || d.ID == card.ID {
				t.Errorf("%s is settled and waits", d.ID)
			}
		}
		if _, _, err := q.Relevant(ctx, outbox.Delivery{ID: "X-1/1/0", Stream: "X-1"}); err == nil {
			t.Error("a stream of nobody's was answered for")
		}
		if err := q.Settle(ctx, outbox.Delivery{Stream: id, Kind: "nonsense"}, outbox.Outcome{}); err == nil {
			t.Error("a delivery of an unknown kind was settled")
		}
	})
}
