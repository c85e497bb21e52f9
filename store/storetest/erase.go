package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"muster/store"
)

// erased: a history is given up at once, leaves the file in several writes and
// over a restart, and what is left still hangs together and goes on.
func erased(t *testing.T, open Opener) {
	s := Open(t, open)
	declare := Declare()
	declare.Hot = nil
	Commit(t, s, declare)
	long := store.Step{Stream: "INC-1", Expect: 1, Snapshot: []byte("fold"), SnapshotVersion: 1}
	for i := range 2*store.MaxOps + 9 {
		long.Records = append(long.Records, Fact("note", fmt.Sprint("secret ", i)))
	}
	before := Commit(t, s, long)
	Commit(t, s, Declare())
	refuse(t, s, store.ErrInvalid, store.Step{Stream: "INC-1", Expect: before.Seq, Erase: true})
	refuse(t, s, store.ErrInvalid, store.Step{Stream: "new", Erase: true, Records: []store.Record{Fact("erased", "")}})
	stone := Commit(t, s, store.Step{Stream: "INC-1", Expect: before.Seq, Erase: true, Records: []store.Record{Fact("erased", "why")}})

	whole := func(swept bool) {
		t.Helper()
		all, err := s.Records("INC-1", 0)
		ok(t, err)
		equal(t, "what is left", bodies(all), "[why]")
		last := before.Records[len(before.Records)-1].Hash
		if r := all[0]; !r.Tombstone || r.Seq != before.Seq+1 || r.Prev != last || store.Hash(r) != r.Hash || r.Hash != stone.Records[0].Hash {
			t.Errorf("the tombstone is %+v, after %x", r, last)
		}
		loaded, err := s.Load("INC-1")
		ok(t, err)
		equal(t, "loaded", fmt.Sprint(bodies(loaded.After), loaded.Snapshot == nil, loaded.Seq), fmt.Sprint("[why] true ", before.Seq+1))
		ok(t, s.Verify())
	}
	whole(false)
	refuse(t, s, store.ErrInvalid, store.Step{Stream: "INC-1", Expect: before.Seq + 1, Erase: true, Records: []store.Record{Fact("erased", "")}})
	s = reopen(t, s, open)
	whole(false)
	left, err := s.Remains()
	ok(t, err)
	equal(t, "remains before", fmt.Sprint(left), "[INC-1]")
	removed, err := s.Sweep(t.Context())
	ok(t, err)
	equal(t, "swept", removed, before.Seq)
	left, err = s.Remains()
	ok(t, err)
	equal(t, "remains after", len(left), 0)
	whole(true)
	s = reopen(t, s, open)
	removed, err = s.Sweep(t.Context())
	ok(t, err)
	equal(t, "swept again", removed, 0)
	whole(true)

	Commit(t, s, store.Step{Stream: "INC-1", Expect: before.Seq + 1, Records: []store.Record{Fact("after", "then")}})
	later, err := s.Records("INC-1", before.Seq+2)
	ok(t, err)
	equal(t, "after the tombstone", bodies(later), "[then]")
	none, err := s.Records("INC-1", before.Seq+9)
	ok(t, err)
	equal(t, "after the end", len(none), 0)
	ok(t, s.Verify())
	Commit(t, s, store.Step{Stream: "INC-1", Expect: before.Seq + 2, Erase: true, Records: []store.Record{Fact("erased", "twice")}})
	removed, err = s.Sweep(t.Context())
	ok(t, err)
	equal(t, "swept the first tombstone", removed, 2)
	all, err := s.Records("INC-1", 0)
	ok(t, err)
	equal(t, "a second tombstone", bodies(all), "[twice]")
	ok(t, s.Verify())
}

// erasedMeanwhile: whoever reads or verifies while histories are erased and
// swept finds nothing broken.
func erasedMeanwhile(t *testing.T, open Opener) {
	s := Open(t, open)
	const streams, records = 12, 150
	for n := range streams {
		step := Declare()
		step.Records = nil
		for i := range records {
			step.Records = append(step.Records, Fact("note", fmt.Sprint(n, i)))
		}
		Commit(t, s, step)
	}
	ctx, done := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	read := func(what string, fn func() error) {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := fn(); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	read("verify", s.Verify)
	for _, stream := range []string{"INC-1", "INC-6", fmt.Sprint("INC-", streams)} {
		read("read "+stream, func() error {
			all, err := s.Records(stream, 0)
			if err == nil && len(all) != records && (len(all) != 1 || !all[0].Tombstone) {
				err = fmt.Errorf("%d records", len(all))
			}
			return err
		})
		read("load "+stream, func() error {
			_, err := s.Load(stream)
			return err
		})
	}
	for n := range streams {
		Commit(t, s, store.Step{Stream: fmt.Sprint("INC-", n+1), Expect: records, Erase: true, Records: []store.Record{Fact("erased", "")}})
		_, err := s.Sweep(t.Context())
		ok(t, err)
	}
	done()
	readers.Wait()
	ok(t, s.Verify())
}
