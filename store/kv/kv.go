// Package kv describes the ordered key-value engine below the store in three
// methods, and has the smallest one, in memory.
//
// It never knows what the keys and values mean.
package kv

import (
	"context"
	"errors"
	"io"
)

// Op is one write: Value under Key, or nothing under Key when Delete is set.
// Deleting what is not there is no error.
type Op struct {
	Key, Value []byte
	Delete     bool
}

// If is a precondition: Key has exactly Value. A nil Value means that the key
// must not be there; an empty one is a value.
type If struct {
	Key, Value []byte
}

// Range is From ≤ key < To in the order of bytes. A nil From is the beginning, a
// nil To the end of everything. Reverse visits from the end.
type Range struct {
	From, To []byte
	Reverse  bool
}

// Engine is an ordered key-value store. All methods may be used by several
// goroutines at once.
//
// Keys are not empty. The first byte of a key is its space: an engine may keep
// spaces apart.
type Engine interface {
	// Commit writes the whole batch in order, durably, if all preconditions
	// hold at that moment, and nothing otherwise (ErrChanged). After any other
	// error than ErrChanged and ErrFull it is not known whether the batch was
	// written. It does not keep the slices.
	Commit(batch []Op, only []If) error
	// Scan visits the range in order, as it was at one moment, until visit
	// returns false. The slices are valid during visit only, which must not
	// change them, block, or call the engine.
	Scan(r Range, visit func(key, value []byte) bool) error
	// Close ends all use; the engine waits for what is running.
	Close() error
}

// Rewriter is an engine that can replace its whole content at once: fill writes
// the new content to an empty engine, from the old one. After an error, or a
// crash at any moment, the content is still the old one. What was there stays
// beside it under a name that ends in keep, unless keep is empty.
type Rewriter interface {
	Rewrite(keep string, fill func(from, to Engine) error) error
}

// Wide is an engine that takes more operations in one Commit than every engine
// must.
type Wide interface {
	// MostOps is how many operations, and how many preconditions, one Commit
	// takes.
	MostOps() int
}

// Copier is an engine that can write itself out as one file, as it was at one
// moment, while others write.
type Copier interface {
	CopyTo(ctx context.Context, w io.Writer) error
}

// Doubter is an engine that opens, as after a power cut, what may lack its last
// Commit.
type Doubter interface {
	// Doubt says what was wrong when it was opened; nil: nothing.
	Doubt() error
}

// Errors of engines, wrapped in a sentence that says where and what to do.
var (
	// ErrChanged: a precondition of Commit does not hold.
	ErrChanged = errors.New("a precondition does not hold")
	// ErrFull: no room; nothing of the batch was written, and a later Commit
	// may succeed.
	ErrFull = errors.New("the disk is full")
	// ErrBroken: a write failed and the engine takes no more.
	ErrBroken = errors.New("the store cannot write")
	// ErrDamaged: the content contradicts itself.
	ErrDamaged = errors.New("the file is damaged")
	// ErrInUse: another process has it open.
	ErrInUse = errors.New("the file is in use")
	// ErrClosed: the engine is closed.
	ErrClosed = errors.New("the store is closed")
)

// Prefix is the range of all keys that begin with p, which is not empty.
func Prefix(p []byte) Range {
	to := append([]byte(nil), p...)
	for i := len(to) - 1; i >= 0; i-- {
		if to[i]++; to[i] != 0 {
			return Range{From: p, To: to[:i+1]}
		}
	}
	return Range{From: p}
}

// Get is the value under one key; it is the caller's own.
func Get(e Engine, key []byte) (value []byte, found bool, err error) {
	err = e.Scan(Only(key), func(_, v []byte) bool {
		value, found = append([]byte{}, v...), true
		return false
	})
	return value, found, err
}

// Only is the range of one key.
func Only(key []byte) Range {
	to := append(append(make([]byte, 0, len(key)+1), key...), 0)
	return Range{From: to[:len(key):len(key)], To: to}
}

// Copy writes everything that is in one engine to another, in batches.
func Copy(from, to Engine) error {
	return Transform(from, to, func(op Op) (Op, bool, error) { return op, true, nil })
}

// Transform is Copy through a function that may change each entry or leave it
// out.
func Transform(from, to Engine, change func(Op) (Op, bool, error)) error {
	const entries, bytes = 4096, 4 << 20
	var last []byte
	for done := false; !done; {
		var seen, batch []Op
		size := 0
		done = true
		err := from.Scan(Range{From: last}, func(k, v []byte) bool {
			seen = append(seen, Op{Key: append([]byte{}, k...), Value: append([]byte{}, v...)})
			size += len(k) + len(v)
			done = len(seen) < entries && size < bytes
			return done
		})
		if err != nil {
			return err
		}
		if len(seen) > 0 {
			last = append(append([]byte{}, seen[len(seen)-1].Key...), 0)
		}
		for _, op := range seen {
			op, keep, err := change(op)
			if err != nil {
				return err
			}
			if keep {
				batch = append(batch, op)
			}
		}
		if len(batch) > 0 {
			if err := to.Commit(batch, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
