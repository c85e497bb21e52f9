package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/outbox"
	"muster/store/kv"
	"muster/store/kv/bolt"
)

// version1 writes a file as version 1 of the schema had it: INC-1 to INC-12,
// of which the even ones are closed, with three records, a snapshot and a
// delivery each.
func version1(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, bolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	ops := []kv.Op{schemaOp(1), {Key: key(spaceCounters, "INC-"), Value: []byte("12")}}
	position := uint64(1)
	for n := range 12 {
		stream := fmt.Sprint("INC-", n+1)
		var h head
		for range 3 {
			e := entry{Record: Record{Stream: stream, Seq: h.seq + 1, At: time.Unix(1, 2).UTC(), Kind: "note", Version: 1, Body: []byte(`{"a":1}`)}, back: h.position}
			e.link(h.hash)
			e.mark = [markLen]byte(e.Hash[:markLen])
			ops = append(ops, kv.Op{Key: logKey(position), Value: e.encode(position)})
			h.seq, h.position, h.hash = e.Seq, position, e.Hash
			position++
		}
		hot := n%2 == 0
		w := encoder{}
		w.byte(1)
		w.uint(h.seq)
		w.uint(h.position)
		w.bool(hot)
		ops = append(ops, kv.Op{Key: streamKey(spaceHeads, stream), Value: w.b})
		f := fold{version: 1, seq: h.seq, hash: h.hash, data: []byte("fold of " + stream)}
		ops = append(ops, kv.Op{Key: streamKey(spaceHotFolds, stream), Value: f.encode()})
		d := waiting{order: position, Delivery: outbox.Delivery{ID: stream + "/3/0", Stream: stream, Body: []byte("b")}}
		position++
		v, err := d.encode()
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, kv.Op{Key: key(spaceOutbox, d.ID), Value: v})
	}
	if err := errors.Join(db.Commit(ops, nil), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationFromVersion1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	version1(t, path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := Open(path, Options{SnapshotVersion: 1, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		hot, err := s.Hot()
		if err != nil || fmt.Sprint(hot) != "[INC-1 INC-3 INC-5 INC-7 INC-9 INC-11]" {
			t.Fatalf("hot: %v %v", hot, err)
		}
		for n := range 12 {
			stream := fmt.Sprint("INC-", n+1)
			loaded, err := s.Load(stream)
			if err != nil || loaded.Seq != 3 || string(loaded.Snapshot) != "fold of "+stream || loaded.Hot != (n%2 == 0) || len(loaded.After) != 0 {
				t.Fatalf("%s: %+v %v", stream, loaded, err)
			}
		}
		if pending, err := s.Pending(); err != nil || len(pending) != 12 || pending[11].ID != "INC-12/3/0" {
			t.Fatalf("pending: %v %v", pending, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.Commit(context.Background(), Step{Stream: "INC-1", Expect: 3, Deliver: []outbox.Delivery{{}}})
	if err != nil || c.Deliveries[0].ID == "INC-1/3/0" || c.Deliveries[0].ID == "INC-1/3/1" {
		t.Errorf("a delivery got an ID that may have been given before: %v %v", c, err)
	}
	// The copy that was kept is the old file, and can be opened by the program
	// that wrote it.
	kept, err := bolt.Open(path+".v1", bolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if version, err := schemaOf(kept); err != nil || version != 1 {
		t.Errorf("the copy has version %d: %v", version, err)
	}
	if len(before) == 0 {
		t.Error("there was nothing to migrate")
	}
}

// TestMigrationThatFails leaves the file as it was.
func TestMigrationThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	version1(t, path)
	db, err := bolt.Open(path, bolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(db.Commit([]kv.Op{{Key: logKey(8), Value: []byte("rubbish")}}, nil), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{NoSync: true})
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was left: %v", err)
	}
}

// TestEveryMigration: there is one for every version but the current one.
func TestEveryMigration(t *testing.T) {
	for version := 1; version < Schema; version++ {
		if migrations[version] == nil {
			t.Errorf("nothing leads from version %d to %d", version, version+1)
		}
	}
}
