// Package storetest is what every backend of the store must pass, and what
// tests and benchmarks of the store share.
//
// It never looks below the exported methods.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/outbox"
	"muster/store"
)

// Opener opens one and the same content, every time anew. The one before was
// closed.
type Opener func(store.Options) (*store.Store, error)

// Fresh makes an opener of empty content that lives as long as the test.
type Fresh func(t testing.TB) Opener

// At is the moment at which the tests happen.
var At = time.Date(2026, 3, 29, 0, 59, 59, 123456789, time.UTC)

// Run holds a backend against everything that package store promises.
func Run(t *testing.T, fresh Fresh) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Opener)
	}{
		{"an empty store has nothing", empty},
		{"a step comes back as it was handed in", roundTrip},
		{"numbers have no gaps and are never reused", numbers},
		{"a new stream may be written once its number is known", written},
		{"a stale step is a conflict", conflicts},
		{"a request is answered once", requests},
		{"a delivery is settled once", settle},
		{"delivery IDs are unique for ever", deliveryIDs},
		{"deliveries wait in the order of their steps", order},
		{"a snapshot shortens a load", snapshots},
		{"hot streams are listed until they are cold", hot},
		{"summaries come newest first", summaries},
		{"small values are kept by name", values},
		{"a step that contradicts itself changes nothing", invalid},
		{"a refused step does not spoil those beside it", refusedAmongOthers},
		{"a large step is not split", large},
		{"the chain holds", chain},
		{"an erased history leaves a tombstone", erased},
		{"erasing disturbs no reader", erasedMeanwhile},
		{"many callers at once", crowd},
		{"who gives up waiting is not written", givesUp},
		{"a closed store refuses", closed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh(t)) })
	}
	t.Run("any history", func(t *testing.T) { Model(t, fresh) })
}

// Open opens and closes with the test.
func Open(t testing.TB, open Opener) *store.Store {
	t.Helper()
	s, err := open(store.Options{SnapshotVersion: 1})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// reopen is a restart.
func reopen(t testing.TB, s *store.Store, open Opener) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return Open(t, open)
}

// Commit commits or ends the test.
func Commit(t testing.TB, s *store.Store, step store.Step) store.Committed {
	t.Helper()
	c, err := s.Commit(context.Background(), step)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return c
}

func refuse(t *testing.T, s *store.Store, want error, step store.Step) store.Committed {
	t.Helper()
	c, err := s.Commit(context.Background(), step)
	if !errors.Is(err, want) {
		t.Fatalf("commit: got %v, want %v", err, want)
	}
	return c
}

// Fact is a record with a body.
func Fact(kind, body string) store.Record {
	return store.Record{At: At, Kind: kind, Version: 1, Body: []byte(body)}
}

// Declare begins a stream of the prefix "INC-".
func Declare() store.Step {
	return store.Step{New: "INC-", Records: []store.Record{Fact("declared", `{"title":"API down"}`)}, Hot: new(true)}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// IDs are the IDs of the pending deliveries, in order.
func IDs(t testing.TB, s *store.Store) []string {
	t.Helper()
	pending, err := s.Pending()
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(pending))
	for i, d := range pending {
		ids[i] = d.ID
	}
	return ids
}

func empty(t *testing.T, open Opener) {
	s := Open(t, open)
	for range 2 {
		loaded, err := s.Load("INC-1")
		ok(t, err)
		equal(t, "seq of what is not there", loaded.Seq, 0)
		records, err := s.Records("INC-1", 0)
		ok(t, err)
		equal(t, "records", len(records), 0)
		streams, err := s.Hot()
		ok(t, err)
		equal(t, "hot", len(streams), 0)
		equal(t, "pending", len(IDs(t, s)), 0)
		ok(t, s.Verify())
		ok(t, s.Healthy())
		next, err := s.Next("INC-")
		ok(t, err)
		equal(t, "next", next, "INC-1")
		s = reopen(t, s, open)
	}
}

func roundTrip(t *testing.T, open Opener) {
	s := Open(t, open)
	body := []byte("{\"text\":\"naïve \x00\xff 🚨\"}")
	step := store.Step{
		Stream:  "rota/api",
		Records: []store.Record{{At: At.In(time.FixedZone("x", 5400)), Kind: "override_set", Version: 3, Body: body}, {Kind: "empty"}},
		Deliver: []outbox.Delivery{
			{Lane: outbox.Page, Priority: outbox.Answer, Kind: "page", Body: body, Replaces: "card", At: At, NotBefore: At.Add(time.Hour)},
			{ID: "mine", Stream: "other", Lane: outbox.Chat},
		},
		Request:         &store.Request{Key: "env-1", Reply: body, At: At},
		Snapshot:        []byte("fold"),
		SnapshotVersion: 1,
		Hot:             new(true),
		Summary:         []byte("summary"),
	}
	c := Commit(t, s, step)
	equal(t, "stream", c.Stream, "rota/api")
	for range 2 {
		records, err := s.Records("rota/api", 0)
		ok(t, err)
		equal(t, "records", records, c.Records)
		r := records[0]
		if r.Seq != 1 || !r.At.Equal(At) || r.At.Location() != time.UTC || r.Kind != "override_set" || r.Version != 3 || string(r.Body) != string(body) || r.Prev != [32]byte{} || r.Hash == [32]byte{} {
			t.Fatalf("first record: %+v", r)
		}
		if r = records[1]; r.Seq != 2 || !r.At.IsZero() || r.Prev != records[0].Hash {
			t.Fatalf("second record: %+v", r)
		}
		pending, err := s.Pending()
		ok(t, err)
		equal(t, "pending", pending, c.Deliveries)
		d := pending[0]
		if d.ID != "rota/api/2/0" || d.Stream != "rota/api" || d.Priority != outbox.Answer || string(d.Body) != string(body) || d.Replaces != "card" || !d.At.Equal(At) || !d.NotBefore.Equal(At.Add(time.Hour)) {
			t.Fatalf("first delivery: %+v", d)
		}
		loaded, err := s.Load("rota/api")
		ok(t, err)
		if string(loaded.Snapshot) != "fold" || loaded.SnapshotSeq != 2 || loaded.Seq != 2 || loaded.Hash != r.Hash || !loaded.Hot || string(loaded.Summary) != "summary" || len(loaded.After) != 0 {
			t.Fatalf("loaded: %+v", loaded)
		}
		s = reopen(t, s, open)
	}
}

func numbers(t *testing.T, open Opener) {
	s := Open(t, open)
	for n := 1; n <= 12; n++ {
		next, err := s.Next("INC-")
		ok(t, err)
		c := Commit(t, s, Declare())
		equal(t, "number", c.Stream, fmt.Sprintf("INC-%d", n))
		equal(t, "next", next, c.Stream)
		refuse(t, s, store.ErrGone, store.Step{New: "INC-", Records: []store.Record{Fact("declared", "")}, Settle: []string{"none"}})
		refuse(t, s, store.ErrConflict, store.Step{New: "INC-", Stream: c.Stream, Records: []store.Record{Fact("declared", "")}})
		if n%5 == 0 {
			s = reopen(t, s, open)
		}
	}
	equal(t, "another prefix", Commit(t, s, store.Step{New: "PM-", Records: []store.Record{Fact("x", "")}}).Stream, "PM-1")
	equal(t, "a number that was asked for", Commit(t, s, store.Step{New: "INC-", Stream: "INC-13", Records: []store.Record{Fact("x", "")}}).Stream, "INC-13")
	refuse(t, s, store.ErrInvalid, store.Step{Stream: "INC-77", Records: []store.Record{Fact("x", "")}})
	refuse(t, s, store.ErrInvalid, store.Step{New: "INC-"})
	refuse(t, s, store.ErrInvalid, store.Step{New: "INC-", Expect: 1, Records: []store.Record{Fact("x", "")}})
	refuse(t, s, store.ErrInvalid, store.Step{New: "INC-1", Records: []store.Record{Fact("x", "")}})
	equal(t, "after all that", Commit(t, s, Declare()).Stream, "INC-14")
}

func written(t *testing.T, open Opener) {
	s := Open(t, open)
	own := errors.New("not today")
	refuse(t, s, own, store.Step{New: "INC-", Write: func(string) (store.Step, error) { return store.Step{}, own }})
	if _, err := s.Commit(context.Background(), store.Step{New: "INC-", Write: func(string) (store.Step, error) { panic("oh") }}); err == nil {
		t.Fatal("a panic while writing was no error")
	}
	step := store.Step{New: "INC-", Write: func(stream string) (store.Step, error) {
		return store.Step{
			Records: []store.Record{Fact("declared", `{"id":"`+stream+`"}`)},
			Deliver: []outbox.Delivery{{Kind: "channel", Body: []byte(strings.ToLower(stream))}},
			Request: &store.Request{Key: "env", Reply: []byte(stream), At: At},
		}, nil
	}}
	c := Commit(t, s, step)
	equal(t, "stream", c.Stream, "INC-1")
	equal(t, "body", string(c.Records[0].Body), `{"id":"INC-1"}`)
	equal(t, "delivery", string(c.Deliveries[0].Body)+c.Deliveries[0].ID, "inc-1INC-1/1/0")
	equal(t, "reply", string(refuse(t, s, store.ErrRepeated, step).Reply), "INC-1")
	equal(t, "next", Commit(t, s, Declare()).Stream, "INC-2")
}

func conflicts(t *testing.T, open Opener) {
	s := Open(t, open)
	stream := Commit(t, s, Declare()).Stream
	more := store.Step{Stream: stream, Expect: 1, Records: []store.Record{Fact("acknowledged", "")}, Deliver: []outbox.Delivery{{}}}
	Commit(t, s, more)
	refuse(t, s, store.ErrConflict, more)
	more.Expect = 3
	refuse(t, s, store.ErrConflict, more)
	more.Expect = 0
	refuse(t, s, store.ErrConflict, more)
	refuse(t, s, store.ErrConflict, store.Step{Stream: "other", Expect: 1, Records: []store.Record{Fact("x", "")}})
	records, err := s.Records(stream, 1)
	ok(t, err)
	equal(t, "records", len(records), 2)
	equal(t, "pending", IDs(t, s), []string{"INC-1/2/0"})
	more.Expect = 2
	Commit(t, s, more)
}

func requests(t *testing.T, open Opener) {
	s := Open(t, open)
	ctx := context.Background()
	step := Declare()
	step.Request = &store.Request{Key: "env-1", Reply: []byte("created INC-1"), At: At}
	Commit(t, s, step)
	for range 2 {
		equal(t, "reply", string(refuse(t, s, store.ErrRepeated, step).Reply), "created INC-1")
		// The repeat wins over every other refusal: the caller knows nothing newer.
		stale := step
		stale.New, stale.Stream, stale.Expect = "", "INC-1", 9
		equal(t, "reply", string(refuse(t, s, store.ErrRepeated, stale).Reply), "created INC-1")
		reply, found, err := s.Request("env-1")
		ok(t, err)
		equal(t, "asked", fmt.Sprint(string(reply), found), "created INC-1true")
		s = reopen(t, s, open)
	}
	_, found, err := s.Request("env-2")
	ok(t, err)
	equal(t, "unknown", found, false)
	Commit(t, s, store.Step{Request: &store.Request{Key: "alone", At: At.Add(time.Minute)}})
	for i := range 300 {
		Commit(t, s, store.Step{Request: &store.Request{Key: fmt.Sprint("old-", i), At: At.Add(-time.Second)}})
	}
	n, err := s.ForgetRequests(ctx, At)
	ok(t, err)
	equal(t, "forgotten", n, 300)
	refuse(t, s, store.ErrRepeated, step)
	n, err = s.ForgetRequests(ctx, At.Add(time.Second))
	ok(t, err)
	equal(t, "forgotten", n, 1)
	equal(t, "declared again", Commit(t, s, step).Stream, "INC-2")
	refuse(t, s, store.ErrRepeated, store.Step{Request: &store.Request{Key: "alone"}})
}

func settle(t *testing.T, open Opener) {
	s := Open(t, open)
	step := Declare()
	step.Deliver = []outbox.Delivery{{Lane: outbox.Page}, {Lane: outbox.Chat}}
	c := Commit(t, s, step)
	s = reopen(t, s, open)
	outcome := store.Step{Stream: c.Stream, Expect: 1, Records: []store.Record{Fact("delivered", "")}, Settle: []string{c.Deliveries[0].ID}}
	Commit(t, s, outcome)
	outcome.Expect = 2
	refuse(t, s, store.ErrGone, outcome)
	s = reopen(t, s, open)
	refuse(t, s, store.ErrGone, outcome)
	refuse(t, s, store.ErrGone, store.Step{Settle: []string{c.Deliveries[1].ID, c.Deliveries[1].ID}})
	equal(t, "pending", IDs(t, s), []string{"INC-1/1/1"})
	Commit(t, s, store.Step{Settle: []string{c.Deliveries[1].ID}})
	equal(t, "pending", len(IDs(t, s)), 0)
	loaded, err := s.Load(c.Stream)
	ok(t, err)
	equal(t, "seq", loaded.Seq, 2)
}

func deliveryIDs(t *testing.T, open Opener) {
	s := Open(t, open)
	step := Declare()
	step.Deliver = []outbox.Delivery{{}, {}}
	seen := Commit(t, s, step).Deliveries
	for i := range 3 {
		c := Commit(t, s, store.Step{Stream: "INC-1", Expect: 1, Deliver: []outbox.Delivery{{}}, Settle: []string{seen[len(seen)-1].ID}})
		seen = append(seen, c.Deliveries...)
		if i == 1 {
			s = reopen(t, s, open)
		}
	}
	seen = append(seen, Commit(t, s, store.Step{Stream: "INC-1", Expect: 1, Records: []store.Record{Fact("x", "")}, Deliver: []outbox.Delivery{{}}}).Deliveries...)
	var ids []string
	for _, d := range seen {
		ids = append(ids, d.ID)
	}
	equal(t, "IDs", ids, []string{"INC-1/1/0", "INC-1/1/1", "INC-1/1/2", "INC-1/1/3", "INC-1/1/4", "INC-1/2/0"})
	refuse(t, s, store.ErrInvalid, store.Step{Deliver: []outbox.Delivery{{ID: "INC-1/2/0"}}})
	equal(t, "a stream without records", Commit(t, s, store.Step{Stream: "help", Deliver: []outbox.Delivery{{}}}).Deliveries[0].ID, "help/0/0")
	equal(t, "and again", Commit(t, s, store.Step{Stream: "help", Deliver: []outbox.Delivery{{}}}).Deliveries[0].ID, "help/0/1")
}

func order(t *testing.T, open Opener) {
	s := Open(t, open)
	var want []string
	for n := range 12 {
		step := Declare()
		step.Deliver = []outbox.Delivery{{}, {ID: fmt.Sprint("z", 99-n)}, {}}
		for _, d := range Commit(t, s, step).Deliveries {
			want = append(want, d.ID)
		}
		if n%4 == 3 {
			Commit(t, s, store.Step{Settle: want[len(want)-3:]})
			want = want[:len(want)-3]
			s = reopen(t, s, open)
		}
	}
	equal(t, "order", IDs(t, s), want)
}

func invalid(t *testing.T, open Opener) {
	s := Open(t, open)
	Commit(t, s, Declare())
	long := strings.Repeat("x", store.MaxName+1)
	for _, step := range []store.Step{
		{Records: []store.Record{Fact("x", "")}},
		{Stream: "a\nb", Records: []store.Record{Fact("x", "")}},
		{Stream: long, Records: []store.Record{Fact("x", "")}},
		{Stream: "INC-1", Expect: 1, Records: []store.Record{{Stream: "INC-2"}}},
		{Stream: "INC-1", Expect: 1, Records: []store.Record{{Seq: 1}}},
		{Stream: "INC-1", Expect: 1, Records: []store.Record{Fact(long, "")}},
		{Stream: "INC-1", Expect: 1, Deliver: []outbox.Delivery{{ID: "a"}, {ID: "a"}}},
		{Stream: "INC-1", Expect: 1, Deliver: []outbox.Delivery{{ID: long}}},
		{Stream: "INC-1", Expect: 1, Request: &store.Request{}},
		{Stream: "nothing", Hot: new(true)},
		{Stream: "nothing", Snapshot: []byte{}},
		{Stream: "nothing", Summary: []byte{}},
		{Deliver: []outbox.Delivery{{}}},
		{Expect: 1},
	} {
		refuse(t, s, store.ErrInvalid, step)
	}
	equal(t, "pending", len(IDs(t, s)), 0)
	equal(t, "written", s.Commits() <= 2, true)
	Commit(t, s, store.Step{Stream: "INC-1", Expect: 1})
}

func closed(t *testing.T, open Opener) {
	s := Open(t, open)
	Commit(t, s, Declare())
	ok(t, s.Close())
	refuse(t, s, store.ErrClosed, Declare())
	if err := s.Healthy(); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("healthy: %v", err)
	}
	ok(t, s.Close())
}

func refusedAmongOthers(t *testing.T, open Opener) {
	s := Open(t, open)
	var group sync.WaitGroup
	var mu sync.Mutex
	var streams []string
	for i := range 40 {
		group.Go(func() {
			step := Declare()
			if i%3 == 0 {
				step.Settle = []string{"none"}
			}
			c, err := s.Commit(context.Background(), step)
			if (err == nil) != (i%3 != 0) {
				t.Errorf("step %d: %v", i, err)
			}
			if err == nil {
				mu.Lock()
				streams = append(streams, c.Stream)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	slices.Sort(streams)
	equal(t, "streams", len(slices.Compact(streams)), 26)
	next, err := s.Next("INC-")
	ok(t, err)
	equal(t, "next", next, "INC-27")
	ok(t, s.Verify())
}
