package store

import (
	"errors"
	"fmt"

	"muster/store/kv"
)

// Refusals of a step. The store is well and nothing of the step is kept.
var (
	// ErrConflict: the stream has moved on since the caller folded it; fold it
	// again and decide again.
	ErrConflict = errors.New("the stream has moved on")
	// ErrGone: a delivery to settle is not in the outbox, or no longer.
	ErrGone = errors.New("the delivery is not in the outbox")
	// ErrRepeated: the request was answered before; Committed.Reply has the
	// answer.
	ErrRepeated = errors.New("the request was answered before")
	// ErrInvalid: the step contradicts itself (a name that cannot be kept, a
	// wrong sequence in a record, a delivery ID that still waits).
	ErrInvalid = errors.New("the step is not valid")
)

// ErrClosed is returned by everything after Close.
var ErrClosed = kv.ErrClosed

// States of the file, from Open, Commit, Healthy and the reads. Their texts say
// what is wrong, where, and what to do.
var (
	// ErrBroken: a write failed in a way that leaves it open what is on disk.
	// The store takes no more steps until it is opened again; reads go on.
	ErrBroken = kv.ErrBroken
	// ErrFull: the disk is full and nothing of the step was written. Later
	// steps succeed once there is room.
	ErrFull = kv.ErrFull
	// ErrDamaged: the content contradicts itself.
	ErrDamaged = kv.ErrDamaged
	// ErrInUse: another process has the file open.
	ErrInUse = kv.ErrInUse
	// ErrNewer: the file was written by a newer version of this program.
	ErrNewer = errors.New("the file is of a newer version")
)

// BrokenLink is the first place at which the history contradicts itself, as
// Verify found it. It is an ErrDamaged.
type BrokenLink struct {
	// Stream and Seq name the record. Seq 0 stands for the stream as a whole.
	Stream string
	Seq    uint64
	// Problem completes the sentence "INC-7 record 3 …".
	Problem string
}

// Error names the record and what is wrong with it.
func (b *BrokenLink) Error() string {
	if b.Seq == 0 {
		return fmt.Sprintf("the history is broken: %s %s", b.Stream, b.Problem)
	}
	return fmt.Sprintf("the history is broken: %s record %d %s", b.Stream, b.Seq, b.Problem)
}

// Is reports that a broken link is damage.
func (b *BrokenLink) Is(target error) bool { return target == ErrDamaged }
