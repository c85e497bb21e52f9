// Package kv describes the ordered key-value engine below the store in three
// methods, and has the smallest one, in memory.
//
// It never knows what the keys and values mean.
package kv

import "errors"

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

// Range is From ≤ key < To. Both are in one space; a nil To ends with the
// space of From. The zero Range is everything. Reverse visits from the end.
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
			if i == 0 {
				return Range{From: p}
			}
			return Range{From: p, To: to[:i+1]}
		}
	}
	return Range{From: p}
}

// Get is the value under one key; it is the caller's own.
func Get(e Engine, key []byte) (value []byte, found bool, err error) {
	to := append(append(make([]byte, 0, len(key)+1), key...), 0)
	err = e.Scan(Range{From: key, To: to}, func(_, v []byte) bool {
		value, found = append([]byte{}, v...), true
		return false
	})
	return value, found, err
}
