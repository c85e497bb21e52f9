package store

import (
	"time"

	"muster/outbox"
)

// Record is one fact of a stream, the unit of the history. Records are only
// ever appended.
type Record struct {
	// Stream names what it belongs to ("INC-7"); Seq counts from 1 in each
	// stream without gaps. In a Step both may be left zero.
	Stream string
	Seq    uint64
	// At is when it happened, kept to the nanosecond and returned in UTC.
	At time.Time
	// Kind and Version say how to read Body, which is JSON by custom; the
	// store looks at none of them.
	Kind    string
	Version int
	Body    []byte
	// Prev is the Hash of the record before in the same stream (zero for the
	// first), Hash the SHA-256 over Prev and all the fields above. The store
	// fills both.
	Prev, Hash [32]byte
	// Tombstone is set where the records before this one were erased. Prev is
	// then all that is left of them. The store fills it.
	Tombstone bool
}

// Request is an answered request: who asks again with the same key gets the
// same reply.
type Request struct {
	// Key is unique per request (an envelope, event or idempotency key).
	Key string
	// Reply is what a repeat gets; it may be empty.
	Reply []byte
	// At is when it was answered; ForgetRequests goes by it.
	At time.Time
}

// Step is one atomic change: all of it is on disk when Commit returns nil, and
// none of it otherwise.
type Step struct {
	// Stream is the stream to append to; Expect the sequence of the last
	// record that the caller has seen (0: none). Another sequence in the store
	// refuses the step with ErrConflict. A step that only remembers a request,
	// settles, or delivers under IDs of its own may leave both empty.
	Stream string
	Expect uint64

	// New, when not empty, is a prefix ("INC-"): the step begins a stream with
	// the next number of that prefix, counted from 1 without gaps and never
	// reused. Expect must be 0. Stream may be empty; when it is not, it must
	// be exactly the stream that comes next (see Store.Next), else the step is
	// refused with ErrConflict. A refused step uses up no number.
	New string
	// Write, with New, is asked for the step once its stream is known, so that
	// records and deliveries may name it. What it returns replaces the step,
	// except New and Stream. It runs in the writer: it must be quick and pure,
	// and must not call the store. It may run more than once; only the last
	// result counts. Its error refuses the step and is returned as it is.
	Write func(stream string) (Step, error)

	// Records are appended in order. Stream and Seq may be zero; when set, they
	// must be right.
	Records []Record
	// Erase makes the first of Records a tombstone: the records before it are
	// given up. They are not read again from then on, and Sweep takes them out of
	// the file.
	Erase bool
	// Deliver adds effects to the outbox. An empty ID is filled with
	// "STREAM/SEQ/INDEX": SEQ is the sequence of the stream after this step,
	// INDEX counts all deliveries that were added at this sequence, from 0;
	// Options.Epoch follows, if there is one. An empty Stream is filled too. An ID that still waits is refused.
	Deliver []outbox.Delivery
	// Settle removes deliveries by ID. One that is not there refuses the step
	// with ErrGone.
	Settle []string
	// Request, when set, is remembered with the step. If its key is known
	// already, the step is refused with ErrRepeated and Committed.Reply is the
	// reply of then; this is looked at before everything else.
	Request *Request
	// Snapshot, when not nil, is the fold of the stream up to and including
	// these records, SnapshotVersion the shape of that fold. It is a cache:
	// without it, Load returns all the records. A stream that goes cold without
	// a new one loses it.
	Snapshot        []byte
	SnapshotVersion int
	// Hot says whether the stream is to be stepped at start (an open
	// incident). Nil: unchanged; a stream begins cold.
	Hot *bool
	// Summary is the small entry of the stream in listings. Nil: unchanged.
	Summary []byte
}

// Committed is what a step has become. It shares no memory with the step's
// slices of records and deliveries.
type Committed struct {
	// Stream is the stream, with its number if the step began it; Seq its last
	// sequence.
	Stream string
	Seq    uint64
	// Records and Deliveries are those of the step, completed.
	Records    []Record
	Deliveries []outbox.Delivery
	// Reply is the earlier answer when Commit returned ErrRepeated.
	Reply []byte
}

// Loaded is a stream as Load found it.
type Loaded struct {
	// Stream and Seq are its name and last sequence; Seq 0 means that there is
	// no such stream. Hash is the Hash of its last record.
	Stream string
	Seq    uint64
	Hash   [32]byte
	// Hot and Summary are as last set.
	Hot     bool
	Summary []byte
	// Snapshot is the fold up to and including SnapshotSeq; nil and 0 when
	// there is none of the version asked for in Options.
	Snapshot        []byte
	SnapshotVersion int
	SnapshotSeq     uint64
	// After are the records after SnapshotSeq, in order.
	After []Record
}

// Summary is a stream in a listing.
type Summary struct {
	Stream string
	Seq    uint64
	Hot    bool
	// Entry is what Step.Summary last set; nil if nothing has.
	Entry []byte
}
