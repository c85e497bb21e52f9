package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"muster/store/kv"
)

// sweepAtOnce is how many erased records one write takes out of the file.
const sweepAtOnce = MaxOps / 2

// base is the sequence of the last record that was erased; 0: none was.
func (h *head) base() uint64 {
	if h.erased == 0 {
		return 0
	}
	return h.erased - 1
}

// erasedSince tells whether a stream whose history began with a tombstone, or
// with its first record, has got another one: what was read of it meanwhile may
// be gone.
func (s *Store) erasedSince(stream string, tombstone uint64) (bool, error) {
	h, _, err := s.headOf(stream)
	return h.erased > tombstone, err
}

// erase gives up what the stream holds, before the tombstone is appended.
func (d *draft) erase(h *head, step Step) error {
	switch {
	case h.seq == 0, len(step.Records) == 0:
		return fmt.Errorf("%w: a tombstone for %s needs records before it, and one to be it", ErrInvalid, step.Stream)
	case h.remains != 0:
		return fmt.Errorf("%w: what was erased of %s before has not left the file", ErrInvalid, step.Stream)
	}
	h.erased, h.remains = h.seq+1, h.position
	for _, space := range []byte{spaceHotFolds, spaceColdFolds} {
		k := streamKey(space, step.Stream)
		v, err := d.get(k)
		if err != nil {
			return err
		}
		if v != nil {
			d.delete(k)
		}
	}
	d.put(schemaKey, []byte(strconv.Itoa(schemaTombstones)))
	return nil
}

// Remains names the streams with a tombstone of which some records before it
// are still in the file. With an error it names those that can be read.
func (s *Store) Remains() (streams []string, err error) {
	var broken error
	err = s.engine.Scan(kv.Prefix([]byte{spaceHeads}), func(k, v []byte) bool {
		h, err := decodeHead(v)
		if err != nil {
			broken = errors.Join(broken, damaged("the head of %s: %w", streamName(k), err))
		} else if h.remains != 0 {
			streams = append(streams, streamName(k))
		}
		return true
	})
	return streams, errors.Join(err, broken)
}

// Sweep takes the records before tombstones out of the file, a few in each
// write, and returns how many there were. What it does not come to, it does the
// next time; a stream whose erased records are damaged keeps no other from it.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	streams, failed := s.Remains()
	for _, stream := range streams {
		for more := true; more; {
			n := 0
			_, err := s.do(ctx, func(d *draft) (done Committed, err error) {
				n, more, err = d.sweep(stream)
				return done, err
			})
			if err != nil {
				if failed = errors.Join(failed, err); !errors.Is(err, ErrDamaged) {
					return removed, failed
				}
				break
			}
			removed += n
		}
	}
	return removed, failed
}

// sweep removes the newest of the erased records that are still there, so that
// those who read meanwhile find no gap between two of them.
func (d *draft) sweep(stream string) (removed int, more bool, err error) {
	k := streamKey(spaceHeads, stream)
	v, err := d.get(k)
	if err != nil {
		return 0, false, err
	}
	h, err := decodeHead(v)
	if err != nil {
		return 0, false, damaged("the head of %s: %w", stream, err)
	}
	for h.remains != 0 && removed < sweepAtOnce {
		at := logKey(h.remains)
		v, found, err := kv.Get(d.engine, at)
		if err != nil {
			return 0, false, err
		}
		e, bad := decodeEntry(h.remains, v)
		if !found || bad != nil || e.Stream != stream || e.Seq >= h.erased {
			return 0, false, damaged("an erased record of %s, at %d, is not there or not its own", stream, h.remains)
		}
		d.delete(at)
		h.remains = e.back
		removed++
	}
	d.put(k, h.encode())
	return removed, h.remains != 0, nil
}
