package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"muster/outbox"
	"muster/store/kv"
)

// chunk is how many keys a long read visits in one transaction.
const chunk = 512

// Load returns a stream: its newest snapshot, if there is one of the right
// version, and the records after it. Every record is checked against the chain.
// An unknown stream has Seq 0 and is no error.
func (s *Store) Load(stream string) (Loaded, error) {
	for {
		loaded, again, err := s.load(stream)
		if err != nil || !again {
			return loaded, err
		}
	}
}

// load reads head, snapshot and records in separate transactions; again tells
// that the stream moved in between.
func (s *Store) load(stream string) (out Loaded, again bool, err error) {
	out.Stream = stream
	h, found, err := s.headOf(stream)
	if err != nil || !found {
		return out, false, err
	}
	out.Seq, out.Hash, out.Hot, out.Summary = h.seq, h.hash, h.hot, h.summary
	var f fold
	v, found, err := kv.Get(s.engine, streamKey(foldSpace(h.hot), stream))
	if err != nil {
		return out, false, err
	}
	if found {
		if f, err = decodeFold(v); err != nil || f.seq == h.seq && f.hash != h.hash || f.version != s.opt.SnapshotVersion {
			f = fold{}
		}
		if f.seq > h.seq {
			return out, true, nil
		}
	}
	if f.seq > 0 {
		out.Snapshot, out.SnapshotVersion, out.SnapshotSeq = f.data, f.version, f.seq
	}
	out.After, err = s.back(stream, &h, f.seq, f.hash)
	if f.seq > 0 && errors.Is(err, ErrDamaged) {
		// A snapshot is only a cache: what it stands for may be what is wrong.
		out.Snapshot, out.SnapshotVersion, out.SnapshotSeq = nil, 0, 0
		out.After, err = s.back(stream, &h, 0, [32]byte{})
	}
	if errors.Is(err, ErrDamaged) {
		if again, found := s.erasedSince(stream, h.erased); again || found != nil {
			return out, again, found
		}
	}
	return out, false, err
}

func (s *Store) headOf(stream string) (h head, found bool, err error) {
	if err := checkName("the name of the stream", stream); err != nil {
		return h, false, err
	}
	v, found, err := kv.Get(s.engine, streamKey(spaceHeads, stream))
	if err != nil || !found {
		return h, false, err
	}
	if h, err = decodeHead(v); err != nil {
		return h, false, damaged("the head of %s: %w", stream, err)
	}
	return h, true, nil
}

// back walks from the head down to the record after a sequence and checks every
// link on the way. prev is the hash of the record at that sequence. Nothing is
// before a tombstone.
func (s *Store) back(stream string, h *head, after uint64, prev [32]byte) ([]Record, error) {
	if h.seq <= after {
		return nil, nil
	}
	after = max(after, h.base())
	entries := make([]entry, h.seq-after)
	position := h.position
	for seq := h.seq; seq > after; seq-- {
		e, err := s.entryAt(stream, seq, position)
		if err != nil {
			return nil, err
		}
		entries[seq-after-1], position = e, e.back
	}
	out := make([]Record, len(entries))
	for i := range entries {
		if !entries[i].link(prev) {
			return nil, &BrokenLink{stream, after + uint64(i) + 1, "was altered"}
		}
		out[i] = entries[i].Record
		prev = out[i].Hash
	}
	if prev != h.hash {
		return nil, &BrokenLink{stream, h.seq, "is not the one that the stream ends with"}
	}
	return out, nil
}

func (s *Store) entryAt(stream string, seq, position uint64) (e entry, err error) {
	found, unread := false, error(nil)
	err = s.engine.Scan(kv.Only(logKey(position)), func(_, v []byte) bool {
		found = true
		e, unread = decodeEntry(position, v)
		return false
	})
	switch {
	case err != nil:
		return entry{}, err
	case !found:
		return entry{}, &BrokenLink{stream, seq, "is missing"}
	case unread != nil:
		return entry{}, &BrokenLink{stream, seq, "cannot be read"}
	}
	if e.Stream != stream || e.Seq != seq {
		return entry{}, &BrokenLink{stream, seq, fmt.Sprintf("is missing; %s record %d is in its place", e.Stream, e.Seq)}
	}
	return e, nil
}

// Records returns the records of a stream from a sequence on, in order, each
// checked against the chain. 0 and 1 both mean all that were not erased.
func (s *Store) Records(stream string, from uint64) ([]Record, error) {
	h, found, err := s.headOf(stream)
	if err != nil || !found || h.seq == 0 {
		return nil, err
	}
	all, err := s.back(stream, &h, 0, [32]byte{})
	if errors.Is(err, ErrDamaged) {
		if again, found := s.erasedSince(stream, h.erased); found != nil {
			return nil, found
		} else if again {
			return s.Records(stream, from)
		}
	}
	if err != nil {
		return nil, err
	}
	skip := max(from, h.base()+1) - h.base() - 1
	return all[min(skip, uint64(len(all))):], nil
}

// Hot returns the streams to step at start, in the order of their names and
// numbers.
func (s *Store) Hot() ([]string, error) {
	var out []string
	err := s.engine.Scan(kv.Prefix([]byte{spaceHot}), func(k, _ []byte) bool {
		out = append(out, streamName(k))
		return true
	})
	return out, err
}

// Summaries lists the streams whose names begin with prefix, the highest number
// first. The body of the loop may take its time and use the store; an error
// comes last.
func (s *Store) Summaries(prefix string) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		r := kv.Prefix(key(spaceHeads, prefix))
		r.Reverse = true
		for {
			page, next, err := s.summaries(r)
			for _, one := range page {
				if !yield(one, nil) {
					return
				}
			}
			if err != nil {
				yield(Summary{}, err)
				return
			}
			if next == nil {
				return
			}
			r.To = next
		}
	}
}

func (s *Store) summaries(r kv.Range) (page []Summary, next []byte, err error) {
	var broken error
	seen := 0
	err = s.engine.Scan(r, func(k, v []byte) bool {
		h, err := decodeHead(v)
		if err != nil {
			broken = damaged("the head of %s: %w", streamName(k), err)
			return false
		}
		if h.seq > 0 {
			page = append(page, Summary{Stream: streamName(k), Seq: h.seq, Hot: h.hot, Entry: h.summary})
		}
		if seen++; seen == chunk {
			next = slices.Clone(k)
			return false
		}
		return true
	})
	return page, next, cmp.Or(err, broken)
}

// Streams is Summaries by name only.
func (s *Store) Streams(prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for one, err := range s.Summaries(prefix) {
			if !yield(one.Stream, err) {
				return
			}
		}
	}
}

// Pending returns the deliveries that wait, in the order in which they were
// committed.
func (s *Store) Pending() ([]outbox.Delivery, error) {
	var all []waiting
	var broken error
	err := s.engine.Scan(kv.Prefix([]byte{spaceOutbox}), func(k, v []byte) bool {
		w, err := decodeWaiting(v)
		if err != nil {
			broken = damaged("delivery %q: %w", k[1:], err)
			return false
		}
		all = append(all, w)
		return true
	})
	if err = cmp.Or(err, broken); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b waiting) int { return cmp.Compare(a.order, b.order) })
	out := make([]outbox.Delivery, len(all))
	for i, w := range all {
		out[i] = w.Delivery
	}
	return out, nil
}

// Next is the stream that a step with New would begin now. Another step may
// take it first.
func (s *Store) Next(prefix string) (string, error) {
	d := draft{engine: s.engine}
	return d.next(prefix)
}

// Request is the reply to an answered request, and whether there is one.
func (s *Store) Request(key string) (reply []byte, found bool, err error) {
	d := draft{engine: s.engine}
	return d.repeated(&Request{Key: key})
}

// ForgetRequests drops the replies that were given before a moment and returns
// how many.
func (s *Store) ForgetRequests(ctx context.Context, before time.Time) (int, error) {
	forgotten := 0
	r := kv.Prefix([]byte{spaceRequests})
	for {
		var old [][]byte
		var next []byte
		var broken error
		seen := 0
		err := s.engine.Scan(r, func(k, v []byte) bool {
			req, err := decodeRequest(v)
			if err != nil {
				broken = damaged("the reply to request %q: %w", k[1:], err)
				return false
			}
			if req.At.Before(before) {
				old = append(old, slices.Clone(k))
			}
			if seen++; seen == chunk || len(old) == MaxOps {
				next = append(slices.Clone(k), 0)
				return false
			}
			return true
		})
		if err = cmp.Or(err, broken); err != nil {
			return forgotten, err
		}
		if len(old) > 0 {
			_, err := s.do(ctx, func(d *draft) (Committed, error) {
				for _, k := range old {
					d.delete(k)
				}
				return Committed{}, nil
			})
			if err != nil {
				return forgotten, err
			}
			forgotten += len(old)
		}
		if next == nil {
			return forgotten, nil
		}
		r.From = next
	}
}
