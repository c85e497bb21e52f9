package bolt

import (
	"bytes"
	"errors"

	"go.etcd.io/bbolt"

	"muster/store/kv"
)

// Scan implements kv.Engine.
func (d *DB) Scan(r kv.Range, visit func(key, value []byte) bool) (err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return kv.ErrClosed
	}
	defer faults()()
	defer guard(d.path, &err, nil)
	tx, err := d.bolt.Begin(false)
	if err != nil {
		return sentence("read", d.path, err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if single(r) {
		if b := tx.Bucket(r.From[:1]); b != nil {
			if v := b.Get(r.From); v != nil {
				call(visit, r.From, v)
			}
		}
		return nil
	}
	buckets := tx.Cursor()
	for name, _ := startOfSpaces(buckets, r); name != nil && !beyond(name[0], r); {
		if !scanSpace(tx.Bucket(name), r, visit) {
			return nil
		}
		if r.Reverse {
			name, _ = buckets.Prev()
		} else {
			name, _ = buckets.Next()
		}
	}
	return nil
}

// single tells a range that has room for one key only, the most frequent one.
func single(r kv.Range) bool {
	n := len(r.From)
	return n > 0 && len(r.To) == n+1 && r.To[n] == 0 && bytes.Equal(r.From, r.To[:n])
}

func beyond(space byte, r kv.Range) bool {
	if r.Reverse {
		return r.From != nil && space < r.From[0]
	}
	return r.To != nil && space > r.To[0]
}

func startOfSpaces(c *bbolt.Cursor, r kv.Range) (name, value []byte) {
	switch {
	case r.Reverse && r.To == nil:
		return c.Last()
	case r.Reverse:
		if name, value = c.Seek(r.To[:1]); name == nil {
			return c.Last()
		}
		if name[0] > r.To[0] {
			return c.Prev()
		}
		return name, value
	case r.From == nil:
		return c.First()
	}
	return c.Seek(r.From[:1])
}

func scanSpace(b *bbolt.Bucket, r kv.Range, visit func(key, value []byte) bool) bool {
	c := b.Cursor()
	if !r.Reverse {
		k, v := c.First()
		if r.From != nil {
			k, v = c.Seek(r.From)
		}
		var before []byte
		for ; k != nil && (r.To == nil || bytes.Compare(k, r.To) < 0); k, v = c.Next() {
			inOrder(before, k)
			if before = k; !call(visit, k, v) {
				return false
			}
		}
		return true
	}
	k, v := c.Last()
	if r.To != nil {
		if at, _ := c.Seek(r.To); at != nil {
			k, v = c.Prev()
		} else {
			k, v = c.Last()
		}
	}
	var after []byte
	for ; k != nil && (r.From == nil || bytes.Compare(k, r.From) >= 0); k, v = c.Prev() {
		inOrder(k, after)
		if after = k; !call(visit, k, v) {
			return false
		}
	}
	return true
}

// inOrder ends a walk through pages that have become a circle.
func inOrder(low, high []byte) {
	if low != nil && high != nil && bytes.Compare(low, high) >= 0 {
		panic("its keys are out of order")
	}
}
