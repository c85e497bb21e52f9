package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/store/kv"
)

// TestNoRecordPassesForATombstone: who drops the beginning of a history and
// makes the next record, and the head, look as if it had been erased is found.
func TestNoRecordPassesForATombstone(t *testing.T) {
	engine := &kv.Memory{}
	s, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := range uint64(5) {
		step := Step{Stream: "INC-1", Expect: n, Records: []Record{{At: time.Unix(int64(n), 0), Kind: "note", Body: fmt.Append(nil, n)}}}
		if _, err := s.Commit(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Records("INC-1", 1)
	if err != nil {
		t.Fatal(err)
	}
	h, _, err := s.headOf("INC-1")
	if err != nil {
		t.Fatal(err)
	}
	const forged = 4
	batch := []kv.Op{}
	for position := uint64(1); position < forged; position++ {
		batch = append(batch, kv.Op{Key: logKey(position), Delete: true})
	}
	e := entry{Record: records[forged-1]}
	e.mark = [markLen]byte(e.Hash[:markLen])
	e.Tombstone = true
	h.erased = forged
	batch = append(batch, kv.Op{Key: logKey(forged), Value: e.encode(forged)}, kv.Op{Key: streamKey(spaceHeads, "INC-1"), Value: h.encode()})
	if err := engine.Commit(batch, nil); err != nil {
		t.Fatal(err)
	}
	var link *BrokenLink
	if err := s.Verify(); !errors.As(err, &link) || link.Stream != "INC-1" || link.Seq != forged {
		t.Errorf("Verify says: %v", err)
	}
	if _, err := s.Load("INC-1"); !errors.Is(err, ErrDamaged) {
		t.Errorf("Load says: %v", err)
	}
}

// TestSweepPassesOverWhatIsDamaged: erased records that cannot be read any more
// keep those of no other stream in the file.
func TestSweepPassesOverWhatIsDamaged(t *testing.T) {
	engine := &kv.Memory{}
	s, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, stream := range []string{"INC-1", "INC-2"} {
		step := Step{Stream: stream, Records: []Record{{At: time.Unix(1, 0), Kind: "note"}, {At: time.Unix(2, 0), Kind: "note"}}}
		if _, err := s.Commit(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		step = Step{Stream: stream, Expect: 2, Erase: true, Records: []Record{{At: time.Unix(3, 0), Kind: "erased"}}}
		if _, err := s.Commit(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	if err := engine.Commit([]kv.Op{{Key: logKey(1), Delete: true}}, nil); err != nil {
		t.Fatal(err)
	}
	removed, err := s.Sweep(t.Context())
	if removed != 2 || !errors.Is(err, ErrDamaged) {
		t.Errorf("%d records were swept: %v", removed, err)
	}
	if left, err := s.Remains(); err != nil || len(left) != 1 || left[0] != "INC-1" {
		t.Errorf("%v remain: %v", left, err)
	}
}
