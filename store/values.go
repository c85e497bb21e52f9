package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"

	"muster/outbox"
)

// Shapes of the values. A new shape of one kind gets a new number and a
// migration.
const (
	shapeHead      = 2
	shapeRecord    = 1
	shapeTombstone = 2 // of a record
	shapeErased    = 3 // of a head
	shapeFold      = 1
	shapeDelivery  = 1
	shapeRequest   = 1
)

// hashRecord is the link of the chain: every field with its length in front, so
// that no two records have the same bytes.
// Another first line keeps an ordinary record from being passed off as a
// tombstone.
func hashRecord(r *Record) [32]byte {
	b := make([]byte, 0, 1024) // on the stack; a longer record moves out of it
	if r.Tombstone {
		b = append(b, "muster tombstone 1\x00"...)
	} else {
		b = append(b, "muster record 1\x00"...)
	}
	b = append(b, r.Prev[:]...)
	b = appendSized(b, r.Stream)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(r.At.Nanosecond()))
	b = appendSized(b, r.Kind)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Version))
	b = appendSized(b, r.Body)
	return sha256.Sum256(b)
}

func appendSized[S string | []byte](b []byte, s S) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

// entry is a record in the log. back is the position of the record before in
// the same stream, 0 for the first. Of its hash only the beginning is kept: it
// tells which record was altered, while the whole chain hangs on the full hash
// in the head. A tombstone has no record before it any more: back is 0, and the
// hash of the last one that was erased stands in the entry.
type entry struct {
	Record
	back uint64
	mark [markLen]byte
}

const markLen = 8

// link chains the entry to the hash of the record before it, which a tombstone
// knows itself, and reports whether it is what was written.
func (e *entry) link(prev [32]byte) bool {
	if !e.Tombstone {
		e.Prev = prev
	}
	e.Hash = hashRecord(&e.Record)
	return e.mark == [markLen]byte(e.Hash[:markLen])
}

func (e *entry) encode(position uint64) []byte {
	w := encoder{b: make([]byte, 0, 96+len(e.Stream)+len(e.Kind)+len(e.Body))}
	if e.Tombstone {
		w.byte(shapeTombstone)
		w.raw(e.Prev[:])
	} else {
		w.byte(shapeRecord)
	}
	w.string(e.Stream)
	w.uint(e.Seq)
	if e.back == 0 {
		w.uint(0)
	} else {
		w.uint(position - e.back)
	}
	w.time(e.At)
	w.string(e.Kind)
	w.int(int64(e.Version))
	w.raw(e.mark[:])
	w.raw(e.Body)
	return w.b
}

func decodeEntry(position uint64, v []byte) (e entry, err error) {
	d := decoder{b: v}
	switch d.byte() {
	case shapeRecord:
	case shapeTombstone:
		e.Tombstone, e.Prev = true, d.hash()
	default:
		d.fail()
	}
	e.Stream = d.string()
	e.Seq = d.uint()
	if back := d.uint(); back > position {
		d.fail()
	} else if back > 0 {
		e.back = position - back
	}
	e.At = d.time()
	e.Kind = d.string()
	e.Version = int(d.int())
	copy(e.mark[:], d.take(markLen))
	e.Body = append([]byte{}, d.b...)
	return e, d.err
}

// head is what is known of a stream without reading its records.
type head struct {
	seq      uint64
	position uint64 // of the last record in the log
	hash     [32]byte
	hot      bool
	given    uint64 // deliveries that were given an ID at seq
	summary  []byte // nil: none
	// erased is the sequence of the tombstone with which the history begins; 0:
	// it begins with its first record. remains is the position of the last
	// erased record that still has to leave the file; 0: none.
	erased, remains uint64
}

func (h *head) encode() []byte {
	w := encoder{b: make([]byte, 0, 64+len(h.summary))}
	if h.erased == 0 {
		w.byte(shapeHead)
	} else {
		w.byte(shapeErased)
		w.uint(h.erased)
		w.uint(h.remains)
	}
	w.uint(h.seq)
	w.uint(h.position)
	w.raw(h.hash[:])
	w.bool(h.hot)
	w.uint(h.given)
	w.bool(h.summary != nil)
	w.raw(h.summary)
	return w.b
}

func decodeHead(v []byte) (h head, err error) {
	d := decoder{b: v}
	switch d.byte() {
	case shapeHead:
	case shapeErased:
		h.erased, h.remains = d.uint(), d.uint()
	default:
		d.fail()
	}
	h.seq = d.uint()
	h.position = d.uint()
	h.hash = d.hash()
	h.hot = d.bool()
	h.given = d.uint()
	if d.bool() {
		h.summary = append([]byte{}, d.b...)
	}
	return h, d.err
}

// fold is a snapshot with the place in the chain that it stands for.
type fold struct {
	version int
	seq     uint64
	hash    [32]byte
	data    []byte
}

func (f *fold) encode() []byte {
	w := encoder{b: make([]byte, 0, 64+len(f.data))}
	w.byte(shapeFold)
	w.int(int64(f.version))
	w.uint(f.seq)
	w.raw(f.hash[:])
	w.raw(f.data)
	return w.b
}

func decodeFold(v []byte) (f fold, err error) {
	d := decoder{b: v}
	d.shape(shapeFold)
	f.version = int(d.int())
	f.seq = d.uint()
	f.hash = d.hash()
	f.data = append([]byte{}, d.b...)
	return f, d.err
}

// waiting is a delivery in the outbox with its place in the order of all.
type waiting struct {
	order uint64
	outbox.Delivery
}

// encode keeps the body out of the JSON, where it would grow by a third.
func (w *waiting) encode() ([]byte, error) {
	plain := w.Delivery
	plain.Body = nil
	meta, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	e := encoder{b: make([]byte, 0, 32+len(meta)+len(w.Body))}
	e.byte(shapeDelivery)
	e.uint(w.order)
	e.bytes(meta)
	e.raw(w.Body)
	return e.b, nil
}

func decodeWaiting(v []byte) (w waiting, err error) {
	d := decoder{b: v}
	d.shape(shapeDelivery)
	w.order = d.uint()
	meta := d.view()
	if d.err != nil {
		return w, d.err
	}
	if err := json.Unmarshal(meta, &w.Delivery); err != nil {
		return w, err
	}
	w.Body = append([]byte{}, d.b...)
	return w, nil
}

func encodeRequest(r *Request) []byte {
	w := encoder{b: make([]byte, 0, 24+len(r.Reply))}
	w.byte(shapeRequest)
	w.time(r.At)
	w.raw(r.Reply)
	return w.b
}

func decodeRequest(v []byte) (r Request, err error) {
	d := decoder{b: v}
	d.shape(shapeRequest)
	r.At = d.time()
	r.Reply = append([]byte{}, d.b...)
	return r, d.err
}

// Hash is the link of the chain that a record is: the SHA-256 over Prev and all
// its other fields but Hash.
func Hash(r Record) [32]byte { return hashRecord(&r) }
