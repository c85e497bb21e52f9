package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/store/kv"
)

// TestRecordsOfNoHistoryAreFound: a record that somebody put at the end of the
// log is found, of whichever stream it says that it is, and so are the records
// of a stream without a number whose head was taken away.
func TestRecordsOfNoHistoryAreFound(t *testing.T) {
	engine := &kv.Memory{}
	s, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := range uint64(3) {
		for _, stream := range []string{"INC-1", "desk"} {
			if _, err := s.Commit(t.Context(), Step{Stream: stream, Expect: n, Records: []Record{{At: time.Unix(1, 0), Kind: "note"}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	head, _, err := kv.Get(engine, streamKey(spaceHeads, "desk"))
	if err != nil {
		t.Fatal(err)
	}
	late := func(stream string, seq uint64, tombstone bool) kv.Op {
		e := entry{Record: Record{Stream: stream, Seq: seq, At: time.Unix(2, 0), Kind: "note", Tombstone: tombstone}}
		return kv.Op{Key: logKey(90), Value: e.encode(90)}
	}
	for _, c := range []struct {
		op, back kv.Op
		want     string
	}{
		{late("INC-1", 4, false), kv.Op{Key: logKey(90), Delete: true}, "INC-1 4"},
		{late("INC-1", 9, true), kv.Op{Key: logKey(90), Delete: true}, "INC-1 9"},
		{late("INC-2", 1, false), kv.Op{Key: logKey(90), Delete: true}, "INC-2 1"},
		{late("other", 1, false), kv.Op{Key: logKey(90), Delete: true}, "other 1"},
		{kv.Op{Key: streamKey(spaceHeads, "desk"), Delete: true}, kv.Op{Key: streamKey(spaceHeads, "desk"), Value: head}, "desk 3"},
	} {
		if err := engine.Commit([]kv.Op{c.op}, nil); err != nil {
			t.Fatal(err)
		}
		var link *BrokenLink
		if err := s.Verify(); !errors.As(err, &link) || fmt.Sprint(link.Stream, " ", link.Seq) != c.want {
			t.Errorf("not %s; Verify says: %v", c.want, err)
		}
		if err := engine.Commit([]kv.Op{c.back}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
}
