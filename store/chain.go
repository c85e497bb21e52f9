package store

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"muster/store/kv"
)

// Verify reads the whole history and holds it against the chain: every record
// is there, unaltered and in its place, up to the last one of every stream and
// the last stream of every numbered prefix. It returns the first broken link as
// a *BrokenLink. A history whose beginning was erased is whole from its
// tombstone on. It may run while steps are committed; it looks at what was
// there when it began. A file that may lack its last write is not whole either.
func (s *Store) Verify() error {
	if d, ok := s.engine.(kv.Doubter); ok && d.Doubt() != nil {
		return d.Doubt()
	}
	ends, err := s.ends()
	if err != nil {
		return err
	}
	at := make(map[string]link, len(ends))
	for stream, end := range ends {
		if end.erased > 0 {
			at[stream] = link{seq: end.erased - 1}
		}
	}
	late := map[string]uint64{}
	r := kv.Prefix([]byte{spaceLog})
	for r.From != nil {
		if r.From, err = s.verifySome(r, ends, at, late); err != nil {
			return err
		}
	}
	for _, stream := range sorted(ends) {
		end, got := ends[stream], at[stream]
		if got.seq >= end.seq {
			continue
		}
		erased, err := s.erasedSince(stream, end.erased)
		if err != nil {
			return err
		}
		if !erased {
			return &BrokenLink{stream, got.seq + 1, "is missing"}
		}
	}
	if err := s.verifyNumbers(ends); err != nil {
		return err
	}
	return s.verifyLate(late)
}

// verifyLate finds records of which no stream knows: what was written while
// Verify ran has come with a head that does.
func (s *Store) verifyLate(late map[string]uint64) error {
	for _, stream := range sorted(late) {
		v, found, err := kv.Get(s.engine, streamKey(spaceHeads, stream))
		if err != nil {
			return err
		}
		if h, bad := decodeHead(v); !found || bad != nil || h.seq < late[stream] {
			return &BrokenLink{stream, late[stream], "stands in the log and is of no history"}
		}
	}
	return nil
}

// link is how far the chain of a stream has been followed.
type link struct {
	seq, position uint64
	hash          [32]byte
	erased        uint64 // the sequence of the tombstone; 0: none
}

// ends are the heads of all streams at one moment.
func (s *Store) ends() (map[string]link, error) {
	ends := map[string]link{}
	var broken error
	err := s.engine.Scan(kv.Prefix([]byte{spaceHeads}), func(k, v []byte) bool {
		h, err := decodeHead(v)
		if err != nil {
			broken = &BrokenLink{streamName(k), 0, "has a head that cannot be read"}
			return false
		}
		ends[streamName(k)] = link{h.seq, h.position, h.hash, h.erased}
		return true
	})
	return ends, cmp.Or(err, broken)
}

// verifySome follows the log for one transaction and returns where to go on.
// Late gets the newest record of each stream that came after its end.
func (s *Store) verifySome(r kv.Range, ends, at map[string]link, late map[string]uint64) (next []byte, err error) {
	var broken *misfit
	seen := 0
	err = s.engine.Scan(r, func(k, v []byte) bool {
		broken = follow(logPosition(k), v, ends, at, late)
		if seen++; broken == nil && seen == chunk {
			next = append(slices.Clone(k), 0)
		}
		return broken == nil && next == nil
	})
	if broken != nil {
		return nil, s.nameOf(broken, at)
	}
	return next, err
}

// misfit is a broken link with the entry at which it was found: what it reads
// as, and its position. Without a name it cannot be read.
type misfit struct {
	BrokenLink
	stream   string
	seq      uint64
	position uint64
}

// nameOf names the record that should stand where a misfit was found: it is the
// next of its stream, and the one after it, or the stream's head, points there.
// When there is none, or when it is the one that stands there, what was found
// is said as it is.
func (s *Store) nameOf(found *misfit, at map[string]link) error {
	named := found.BrokenLink
	name := func(stream string, seq uint64) {
		switch {
		case seq != at[stream].seq+1:
		case found.stream == stream && found.seq == seq:
		case found.stream == "":
			named = BrokenLink{stream, seq, "cannot be read"}
		default:
			named = BrokenLink{stream, seq, fmt.Sprintf("is missing; %s record %d stands in its place", found.stream, found.seq)}
		}
	}
	err := s.engine.Scan(kv.Prefix([]byte{spaceHeads}), func(k, v []byte) bool {
		if h, err := decodeHead(v); err == nil && h.position == found.position {
			name(streamName(k), h.seq)
		}
		return true
	})
	if err != nil {
		return err
	}
	later := kv.Prefix([]byte{spaceLog})
	later.From = logKey(found.position + 1)
	err = s.engine.Scan(later, func(k, v []byte) bool {
		e, err := decodeEntry(logPosition(k), v)
		if err != nil || e.back != found.position || e.Seq < 2 {
			return true
		}
		name(e.Stream, e.Seq-1)
		return true
	})
	return cmp.Or(err, error(&named))
}

func follow(position uint64, v []byte, ends, at map[string]link, late map[string]uint64) *misfit {
	e, err := decodeEntry(position, v)
	if err != nil {
		return &misfit{BrokenLink: BrokenLink{"the log", 0, fmt.Sprintf("has an entry at %d that cannot be read", position)}, position: position}
	}
	end, known := ends[e.Stream]
	before := at[e.Stream]
	switch {
	case known && e.Seq < end.erased: // not swept yet
		return nil
	case !known, e.Seq > end.seq && before.seq >= end.seq, e.Tombstone && e.Seq > end.seq:
		// Written after Verify began, or else of no stream: that is seen at the end.
		late[e.Stream] = max(late[e.Stream], e.Seq)
		return nil
	}
	broken := func(seq uint64, problem string) *misfit {
		return &misfit{BrokenLink{e.Stream, seq, problem}, e.Stream, e.Seq, position}
	}
	switch {
	case e.Seq != before.seq+1:
		return broken(before.seq+1, fmt.Sprintf("is missing; record %d comes in its place", e.Seq))
	case e.back != before.position, !e.link(before.hash):
		return broken(e.Seq, "was altered")
	case e.Seq == end.seq && (e.Hash != end.hash || position != end.position):
		return broken(e.Seq, "is not the one that the stream ends with")
	}
	at[e.Stream] = link{seq: e.Seq, position: position, hash: e.Hash}
	return nil
}

// verifyNumbers finds a numbered stream that is gone altogether.
func (s *Store) verifyNumbers(ends map[string]link) error {
	last := map[string]uint64{}
	var broken error
	err := s.engine.Scan(kv.Prefix([]byte{spaceCounters}), func(k, v []byte) bool {
		last[string(k[1:])], broken = counter(string(k[1:]), v)
		return broken == nil
	})
	if err = cmp.Or(err, broken); err != nil {
		return err
	}
	for _, prefix := range sorted(last) {
		for n := range last[prefix] {
			stream := prefix + strconv.FormatUint(n+1, 10)
			// A number that was given while Verify ran has no end here.
			if _, ok := ends[stream]; ok {
				continue
			}
			if _, found, err := s.headOf(stream); err != nil || !found {
				return cmp.Or(err, error(&BrokenLink{stream, 0, "is gone, though its number was given"}))
			}
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
