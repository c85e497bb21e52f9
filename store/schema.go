package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"muster/store/kv"
)

// Schema is the version of the shape that this program writes.
const Schema = 2

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
	case version == Schema:
		return nil
	case version == 0:
		return engine.Commit([]kv.Op{schemaOp(Schema)}, []kv.If{{Key: schemaKey}})
	case version > Schema:
		return fmt.Errorf("%w: it has schema version %d, this program knows up to %d; run the program that wrote it, or restore a backup from before", ErrNewer, version, Schema)
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
	hot := map[string]bool{}
	var broken error
	err := from.Scan(kv.Prefix([]byte{spaceHeads}), func(k, v []byte) bool {
		h, err := decodeHead1(v)
		if err != nil {
			broken = damaged("the head of %s: %w", streamName(k), err)
			return false
		}
		if h.hot {
			hot[string(k[1:])] = true
		}
		return true
	})
	if err = cmp.Or(err, broken); err != nil {
		return err
	}
	err = kv.Transform(from, to, func(op kv.Op) (kv.Op, bool, error) {
		switch op.Key[0] {
		case spaceHeads:
			v, err := headFrom1(from, op)
			return kv.Op{Key: op.Key, Value: v}, true, err
		case spaceHotFolds:
			if !hot[string(op.Key[1:])] {
				op.Key[0] = spaceColdFolds
			}
		}
		return op, string(op.Key) != string(schemaKey), nil
	})
	if err != nil {
		return err
	}
	var list []kv.Op
	for stream := range hot {
		list = append(list, kv.Op{Key: key(spaceHot, stream), Value: []byte{}})
	}
	return to.Commit(list, nil)
}

func decodeHead1(v []byte) (h head, err error) {
	d := decoder{b: v}
	d.shape(1)
	h.seq = d.uint()
	h.position = d.uint()
	h.hot = d.bool()
	return h, d.err
}

// givenBefore is past every index that version 1 gave to a delivery at one
// sequence, which it did not count.
const givenBefore = 1 << 20

func headFrom1(from kv.Engine, op kv.Op) ([]byte, error) {
	h, err := decodeHead1(op.Value)
	if err != nil {
		return nil, err
	}
	h.given = givenBefore
	if h.seq > 0 {
		stream := streamName(op.Key)
		v, found, err := kv.Get(from, logKey(h.position))
		if err != nil {
			return nil, err
		}
		e, err := decodeEntry(h.position, v)
		if !found || err != nil || e.Stream != stream || e.Seq != h.seq {
			return nil, errors.Join(err, &BrokenLink{stream, h.seq, "is missing"})
		}
		h.hash = e.Hash
	}
	return h.encode(), nil
}
