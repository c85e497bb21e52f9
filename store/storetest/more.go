package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"muster/outbox"
	"muster/store"
)

func snapshots(t *testing.T, open Opener) {
	s := Open(t, open)
	Commit(t, s, Declare())
	for seq := uint64(1); seq < 10; seq++ {
		step := store.Step{Stream: "INC-1", Expect: seq, Records: []store.Record{Fact("note", fmt.Sprint(seq))}}
		if seq == 5 {
			step.Snapshot, step.SnapshotVersion = []byte("six"), 1
		}
		Commit(t, s, step)
	}
	check := func(what string, seq uint64, after int) {
		t.Helper()
		loaded, err := s.Load("INC-1")
		ok(t, err)
		equal(t, what, fmt.Sprint(loaded.Seq, loaded.SnapshotSeq, len(loaded.After)), fmt.Sprint(10, seq, after))
		if after > 0 {
			equal(t, what+": first after", loaded.After[0].Seq, seq+1)
		}
		all, err := s.Records("INC-1", seq+1)
		ok(t, err)
		equal(t, what+": the same records", loaded.After, all)
	}
	check("snapshot of the right version", 6, 4)
	Commit(t, s, store.Step{Stream: "INC-1", Expect: 10, Hot: new(false)})
	check("after it went cold", 0, 10)
	s = reopen(t, s, open)
	Commit(t, s, store.Step{Stream: "INC-1", Expect: 10, Hot: new(true)})
	check("after it became hot again", 0, 10)
	Commit(t, s, store.Step{Stream: "INC-1", Expect: 10, Snapshot: []byte("ten"), SnapshotVersion: 2})
	check("snapshot of another version", 0, 10)
	Commit(t, s, store.Step{Stream: "INC-1", Expect: 10, Snapshot: []byte("ten"), SnapshotVersion: 1, Hot: new(false)})
	check("newest", 10, 0)
}

func hot(t *testing.T, open Opener) {
	s := Open(t, open)
	for range 11 {
		Commit(t, s, Declare())
	}
	Commit(t, s, store.Step{Stream: "rota", Records: []store.Record{Fact("x", "")}})
	for _, n := range []int{3, 7} {
		step := store.Step{Stream: fmt.Sprint("INC-", n), Expect: 1, Hot: new(false)}
		Commit(t, s, step)
		Commit(t, s, step)
	}
	Commit(t, s, store.Step{Stream: "INC-7", Expect: 1, Hot: new(true)})
	for range 2 {
		streams, err := s.Hot()
		ok(t, err)
		equal(t, "hot", streams, "[INC-1 INC-2 INC-4 INC-5 INC-6 INC-7 INC-8 INC-9 INC-10 INC-11]")
		s = reopen(t, s, open)
	}
}

func summaries(t *testing.T, open Opener) {
	s := Open(t, open)
	const many = 1203
	var group sync.WaitGroup
	for range many {
		group.Go(func() { Commit(t, s, Declare()) })
	}
	group.Wait()
	Commit(t, s, store.Step{Stream: "INC-5", Expect: 1, Summary: []byte("five")})
	Commit(t, s, store.Step{Stream: "INC-5", Expect: 1, Records: []store.Record{Fact("x", "")}})
	Commit(t, s, store.Step{Stream: "team", Records: []store.Record{Fact("x", "")}})
	want := many
	for one, err := range s.Summaries("INC-") {
		ok(t, err)
		entry := ""
		if want == 5 {
			entry = "five"
		}
		if one.Stream != fmt.Sprint("INC-", want) || !one.Hot || string(one.Entry) != entry {
			t.Fatalf("got %+v, want INC-%d", one, want)
		}
		if want%500 == 0 {
			// Writing in the middle of a listing must not be a deadlock.
			Commit(t, s, store.Step{Stream: one.Stream, Expect: one.Seq, Summary: []byte("")})
		}
		want--
	}
	equal(t, "left", want, 0)
	var names []string
	for stream, err := range s.Streams("") {
		ok(t, err)
		if names = append(names, stream); len(names) == 3 {
			break
		}
	}
	equal(t, "everything", names, fmt.Sprintf("[team INC-%d INC-%d]", many, many-1))
}

func values(t *testing.T, open Opener) {
	s := Open(t, open)
	ctx := context.Background()
	ok(t, s.Put(ctx, "slack/users", []byte("a")))
	ok(t, s.Put(ctx, "slack/users", []byte("b")))
	ok(t, s.Put(ctx, "empty", []byte{}))
	s = reopen(t, s, open)
	v, found, err := s.Get("slack/users")
	ok(t, err)
	equal(t, "value", fmt.Sprint(string(v), found), "btrue")
	v, found, err = s.Get("empty")
	ok(t, err)
	equal(t, "empty value", fmt.Sprint(len(v), found), "0 true")
	ok(t, s.Put(ctx, "slack/users", nil))
	_, found, err = s.Get("slack/users")
	ok(t, err)
	equal(t, "removed", found, false)
	if err := s.Put(ctx, "", nil); !errors.Is(err, store.ErrInvalid) {
		t.Fatalf("no name: %v", err)
	}
}

func large(t *testing.T, open Opener) {
	s := Open(t, open)
	step := Declare()
	for i := range 3 * store.MaxOps {
		step.Records = append(step.Records, Fact("note", fmt.Sprint(i)))
		step.Deliver = append(step.Deliver, outbox.Delivery{Kind: "x"})
	}
	step.Records = append(step.Records, store.Record{Kind: "log", Body: bytes.Repeat([]byte("x"), 3*store.MaxBytes)})
	before := s.Commits()
	Commit(t, s, step)
	equal(t, "writes", s.Commits()-before, 1)
	s = reopen(t, s, open)
	records, err := s.Records("INC-1", 0)
	ok(t, err)
	equal(t, "records", len(records), len(step.Records))
	equal(t, "body", len(records[len(records)-1].Body), 3*store.MaxBytes)
	equal(t, "pending", len(IDs(t, s)), len(step.Deliver))
	ok(t, s.Verify())
}

func chain(t *testing.T, open Opener) {
	s := Open(t, open)
	for range 3 {
		Commit(t, s, Declare())
	}
	for seq := uint64(1); seq < 8; seq++ {
		for _, stream := range []string{"INC-1", "INC-3"} {
			Commit(t, s, store.Step{Stream: stream, Expect: seq, Records: []store.Record{Fact("note", fmt.Sprint(seq))}})
		}
	}
	ok(t, s.Verify())
	records, err := s.Records("INC-3", 0)
	ok(t, err)
	var prev [32]byte
	for _, r := range records {
		if r.Prev != prev {
			t.Fatalf("record %d is not chained to the one before", r.Seq)
		}
		prev = r.Hash
	}
	tail, err := s.Records("INC-3", 6)
	ok(t, err)
	equal(t, "tail", tail, records[5:])
	none, err := s.Records("INC-3", 9)
	ok(t, err)
	equal(t, "beyond", len(none), 0)
}

func crowd(t *testing.T, open Opener) {
	s := Open(t, open)
	const callers, each = 16, 20
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			stream := Commit(t, s, Declare()).Stream
			for n := range uint64(each) {
				Commit(t, s, store.Step{Stream: stream, Expect: n + 1, Records: []store.Record{Fact("note", fmt.Sprint(n))}, Deliver: []outbox.Delivery{{}}})
				if _, err := s.Load(stream); err != nil {
					t.Error(err)
				}
			}
		})
	}
	// One more stream that everybody wants to write, and reads of all kinds.
	Commit(t, s, store.Step{Stream: "shared", Records: []store.Record{Fact("x", "")}})
	for range callers {
		group.Go(func() {
			for range each {
				for {
					loaded, err := s.Load("shared")
					if err != nil {
						t.Error(err)
						return
					}
					_, err = s.Commit(context.Background(), store.Step{Stream: "shared", Expect: loaded.Seq, Records: []store.Record{Fact("x", "")}, Snapshot: []byte{}, SnapshotVersion: 1})
					if err == nil {
						break
					}
					if !errors.Is(err, store.ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
			if err := s.Verify(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s = reopen(t, s, open)
	ok(t, s.Verify())
	loaded, err := s.Load("shared")
	ok(t, err)
	equal(t, "shared", loaded.Seq, callers*each+1)
	equal(t, "pending", len(IDs(t, s)), callers*each)
}

func givesUp(t *testing.T, open Opener) {
	s := Open(t, open)
	ctx, cancel := context.WithCancel(context.Background())
	started, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		step := store.Step{New: "INC-", Write: func(string) (store.Step, error) {
			close(started)
			<-release
			return Declare(), nil
		}}
		Commit(t, s, step)
	})
	<-started
	left := make(chan error)
	go func() {
		_, err := s.Commit(ctx, Declare())
		left <- err
	}()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("who gave up got %v", err)
	}
	close(release)
	group.Wait()
	next, err := s.Next("INC-")
	ok(t, err)
	equal(t, "next", next, "INC-2")
	if _, err := s.Commit(ctx, Declare()); !errors.Is(err, context.Canceled) {
		t.Fatalf("who had given up before got %v", err)
	}
}
