package store

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"muster/store/kv"
)

// Schema is the version of the shape that this program begins with. A file that
// holds tombstones has the version after it, so that a program that does not
// know them leaves it alone.
const (
	Schema           = 2
	schemaTombstones = 3
)

// schemaKey is outside of the names that Put can reach.
var schemaKey = []byte{spaceValues, 's'}

// migrations lead from the version of their index to the next one, from one
// engine to an empty one. They write no schema version.
var migrations = map[int]func(from, to kv.Engine) error{
	1: addHeads,
}

// migrate brings an engine to the current shape, or begins an empty one.
func migrate(engine kv.Engine) error {
	version, err := schemaOf(engine)
	switch {
	case err != nil:
		return err
	case version == Schema, version == schemaTombstones:
		return nil
	case version == 0:
		return engine.Commit([]kv.Op{schemaOp(Schema)}, []kv.If{{Key: schemaKey}})
	case version > schemaTombstones:
		return fmt.Errorf("%w: it has schema version %d, this program knows up to %d; run the program that wrote it, or restore a backup from before", ErrNewer, version, schemaTombstones)
	}
	rewriter, ok := engine.(kv.Rewriter)
	if !ok {
		return fmt.Errorf("the content has schema version %d and this engine cannot be brought to version %d", version, Schema)
	}
	for ; version < Schema; version++ {
		change := migrations[version]
		err := rewriter.Rewrite(fmt.Sprintf(".v%d", version), func(from, to kv.Engine) error {
			if err := change(from, to); err != nil {
				return err
			}
			return to.Commit([]kv.Op{schemaOp(version + 1)}, nil)
		})
		if err != nil {
			return fmt.Errorf("from schema version %d to %d (nothing was changed): %w", version, version+1, err)
		}
	}
	return nil
}

func schemaOp(version int) kv.Op {
	return kv.Op{Key: schemaKey, Value: []byte(strconv.Itoa(version))}
}

// schemaOf is 0 for an empty engine.
func schemaOf(engine kv.Engine) (int, error) {
	v, found, err := kv.Get(engine, schemaKey)
	if err != nil {
		return 0, err
	}
	if found {
		version, err := strconv.Atoi(string(v))
		if err != nil || version < 1 {
			return 0, damaged("the schema version is %q", v)
		}
		return version, nil
	}
	var other []byte
	err = engine.Scan(kv.Range{}, func(k, _ []byte) bool {
		other = slices.Clone(k)
		return false
	})
	if err == nil && other != nil {
		err = damaged("it has content (%q) and no schema version, so it is not a file of Muster", other)
	}
	return 0, err
}

// addHeads leads from 1 to 2. Version 1 knew of a stream only its sequence, the
// position of its last record and whether it was hot, kept all snapshots in one
// range, and had no list of the hot streams. Version 2 can tell a dropped last
// record, and starts without reading what is closed.
func addHeads(from, to kv.Engine) error {
	ends, err := chainEnds1(from)
	if err != nil {
		return err
	}
	hot := map[string]bool{}
	err = kv.Transform(from, to, func(op kv.Op) (kv.Op, bool, error) {
		switch op.Key[0] {
		case spaceHeads:
			h, err := headFrom1(op, ends)
			op.Value = h.encode()
			if h.hot {
				hot[string(op.Key[1:])] = true
			}
			return op, true, err
		case spaceHotFolds:
			// Heads come before snapshots in the order of the keys.
			if !hot[string(op.Key[1:])] {
				op.Key[0] = spaceColdFolds
			}
		}
		return op, !bytes.Equal(op.Key, schemaKey), nil
	})
	if err != nil {
		return err
	}
	var list []kv.Op
	for _, stream := range sorted(hot) {
		list = append(list, kv.Op{Key: key(spaceHot, stream), Value: []byte{}})
	}
	return to.Commit(list, nil)
}

// chainEnds1 follows the log of version 1 and returns the last link of every
// stream.
func chainEnds1(from kv.Engine) (map[string]link, error) {
	ends := map[string]link{}
	var broken *BrokenLink
	err := from.Scan(kv.Prefix([]byte{spaceLog}), func(k, v []byte) bool {
		e, err := decodeEntry(logPosition(k), v)
		before := ends[e.Stream]
		if err != nil || e.Seq != before.seq+1 || !e.link(before.hash) {
			broken = &BrokenLink{e.Stream, before.seq + 1, "is missing or was altered"}
			return false
		}
		ends[e.Stream] = link{seq: e.Seq, position: logPosition(k), hash: e.Hash}
		return true
	})
	if broken != nil {
		return nil, broken
	}
	return ends, err
}

// givenBefore is past every index that version 1 gave to a delivery at one
// sequence, which it did not count.
const givenBefore = 1 << 20

func headFrom1(op kv.Op, ends map[string]link) (head, error) {
	stream := streamName(op.Key)
	d := decoder{b: op.Value}
	d.shape(1)
	h := head{seq: d.uint(), position: d.uint(), hot: d.bool(), given: givenBefore}
	if d.err != nil {
		return h, damaged("the head of %s: %w", stream, d.err)
	}
	end := ends[stream]
	if end.seq != h.seq || end.position != h.position {
		return h, &BrokenLink{stream, min(h.seq, end.seq) + 1, "is missing, or too many"}
	}
	h.hash = end.hash
	return h, nil
}
