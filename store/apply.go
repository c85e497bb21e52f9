package store

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"muster/outbox"
	"muster/store/kv"
)

// draft collects the writes of one step on top of those of the steps before it
// in the same batch. Nothing of it counts until it is merged.
type draft struct {
	engine   kv.Engine
	base     map[string][]byte // writes of the batch; nil value: deleted
	own      map[string][]byte
	ops      []kv.Op
	only     []kv.If
	size     int
	position uint64 // next position in the log and order in the outbox
	epoch    string // Options.Epoch
}

// get reads a key that the step depends on: what the batch will have written,
// or else the engine, whose value then becomes a precondition.
func (d *draft) get(k []byte) ([]byte, error) {
	for _, layer := range []map[string][]byte{d.own, d.base} {
		if v, ok := layer[string(k)]; ok {
			return v, nil
		}
	}
	v, found, err := kv.Get(d.engine, k)
	if err != nil {
		return nil, err
	}
	if !found {
		v = nil
	}
	if !slices.ContainsFunc(d.only, func(c kv.If) bool { return bytes.Equal(c.Key, k) }) {
		d.only = append(d.only, kv.If{Key: k, Value: v})
	}
	return v, nil
}

func (d *draft) put(k, v []byte) {
	d.own[string(k)] = v
	d.ops = append(d.ops, kv.Op{Key: k, Value: v})
	d.size += len(k) + len(v)
}

func (d *draft) delete(k []byte) {
	d.own[string(k)] = nil
	d.ops = append(d.ops, kv.Op{Key: k, Delete: true})
	d.size += len(k)
}

// apply checks the step against what the store will hold by then, and drafts
// its writes.
func (d *draft) apply(step Step) (Committed, error) {
	var done Committed
	if step.Request != nil {
		if reply, found, err := d.repeated(step.Request); err != nil || found {
			if found {
				done.Reply, err = reply, fmt.Errorf("request %q: %w", step.Request.Key, ErrRepeated)
			}
			return done, err
		}
	}
	if step.New != "" {
		numbered, err := d.number(step)
		if err != nil {
			return done, err
		}
		if repeats := numbered.Request; repeats != nil && step.Request == nil {
			if reply, found, err := d.repeated(repeats); err != nil || found {
				if found {
					done.Reply, err = reply, fmt.Errorf("request %q: %w", repeats.Key, ErrRepeated)
				}
				return done, err
			}
		}
		step = numbered
	}
	if step.Stream == "" {
		return d.applyAlone(step)
	}
	if err := checkName("the name of the stream", step.Stream); err != nil {
		return done, err
	}
	done.Stream = step.Stream

	h, err := d.head(step)
	if err != nil {
		return done, err
	}
	if err := d.settle(step.Settle); err != nil {
		return done, err
	}
	if done.Records, err = d.append(&h, step); err != nil {
		return done, err
	}
	done.Seq = h.seq
	if done.Deliveries, err = d.deliver(&h, step); err != nil {
		return done, err
	}
	d.answer(step.Request)
	return done, d.keep(&h, step)
}

// applyAlone is a step without a stream: an answer to remember, or deliveries
// that belong to nothing.
func (d *draft) applyAlone(step Step) (done Committed, err error) {
	if step.Expect != 0 || len(step.Records) > 0 || step.Snapshot != nil || step.Hot != nil || step.Summary != nil ||
		slices.ContainsFunc(step.Deliver, func(one outbox.Delivery) bool { return one.ID == "" }) {
		return done, fmt.Errorf("%w: the name of the stream is empty", ErrInvalid)
	}
	if err := d.settle(step.Settle); err != nil {
		return done, err
	}
	var none head
	if done.Deliveries, err = d.deliver(&none, step); err != nil {
		return done, err
	}
	d.answer(step.Request)
	return done, nil
}

func (d *draft) settle(ids []string) error {
	for _, id := range ids {
		k := key(spaceOutbox, id)
		v, err := d.get(k)
		if err != nil {
			return err
		}
		if v == nil {
			return fmt.Errorf("delivery %q: %w", id, ErrGone)
		}
		d.delete(k)
	}
	return nil
}

func (d *draft) answer(r *Request) {
	if r != nil {
		d.put(key(spaceRequests, r.Key), encodeRequest(r))
	}
}

// repeated looks for an earlier answer.
func (d *draft) repeated(r *Request) (reply []byte, found bool, err error) {
	if err := checkName("the key of the request", r.Key); err != nil {
		return nil, false, err
	}
	v, err := d.get(key(spaceRequests, r.Key))
	if err != nil || v == nil {
		return nil, false, err
	}
	old, err := decodeRequest(v)
	if err != nil {
		return nil, false, damaged("the reply to request %q: %w", r.Key, err)
	}
	return old.Reply, true, nil
}

// number gives the step its stream and lets it be written.
func (d *draft) number(step Step) (Step, error) {
	stream, err := d.next(step.New)
	if err != nil {
		return step, err
	}
	if step.Expect != 0 {
		return step, fmt.Errorf("%w: a new stream cannot expect record %d", ErrInvalid, step.Expect)
	}
	if step.Stream != "" && step.Stream != stream {
		return step, fmt.Errorf("%s: %w: the next number is %s", step.Stream, ErrConflict, stream)
	}
	if step.Write != nil {
		written, err := write(step.Write, stream)
		if err != nil {
			return step, err
		}
		written.New = step.New
		step = written
		if step.Expect != 0 {
			return step, fmt.Errorf("%w: a new stream cannot expect record %d", ErrInvalid, step.Expect)
		}
	}
	if len(step.Records) == 0 {
		return step, fmt.Errorf("%w: a new stream needs a first record", ErrInvalid)
	}
	step.Stream = stream
	_, digits := splitNumber(stream)
	d.put(key(spaceCounters, step.New), []byte(digits))
	return step, nil
}

// write calls foreign code; its panic must not end the writer.
func write(fn func(string) (Step, error), stream string) (step Step, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("writing the first step of %s: panic: %v", stream, r)
		}
	}()
	return fn(stream)
}

func (d *draft) next(prefix string) (string, error) {
	if err := checkName("the prefix of a number", prefix); err != nil {
		return "", err
	}
	if c := prefix[len(prefix)-1]; c >= '0' && c <= '9' {
		return "", fmt.Errorf("%w: the prefix of a number ends with a digit: %q", ErrInvalid, prefix)
	}
	v, err := d.get(key(spaceCounters, prefix))
	if err != nil {
		return "", err
	}
	n, err := counter(prefix, v)
	for err == nil {
		n++
		stream := prefix + strconv.FormatUint(n, 10)
		// A stream may have got its name before the prefix had numbers.
		if v, err = d.get(streamKey(spaceHeads, stream)); v == nil {
			return stream, err
		}
	}
	return "", err
}

func counter(prefix string, v []byte) (uint64, error) {
	if v == nil {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(v), 10, 63)
	if err != nil {
		return 0, damaged("the last number of %q: %w", prefix, err)
	}
	return n, nil
}

// head reads the stream's head and holds the step's expectation against it.
func (d *draft) head(step Step) (head, error) {
	v, err := d.get(streamKey(spaceHeads, step.Stream))
	if err != nil {
		return head{}, err
	}
	var h head
	if v != nil {
		if h, err = decodeHead(v); err != nil {
			return head{}, damaged("the head of %s: %w", step.Stream, err)
		}
	}
	if h.seq != step.Expect {
		return head{}, fmt.Errorf("%s: %w: expected record %d, it is at %d", step.Stream, ErrConflict, step.Expect, h.seq)
	}
	if v != nil || step.New != "" {
		return h, nil
	}
	prefix, digits := splitNumber(step.Stream)
	if digits == "" {
		return h, nil
	}
	last, err := d.get(key(spaceCounters, prefix))
	if err != nil {
		return head{}, err
	}
	if last != nil {
		return head{}, fmt.Errorf("%w: there is no %s, and new ones of %q are numbered by the store", ErrInvalid, step.Stream, prefix)
	}
	return h, nil
}

// append puts the records in the log and moves the head.
func (d *draft) append(h *head, step Step) ([]Record, error) {
	if step.Erase {
		if err := d.erase(h, step); err != nil {
			return nil, err
		}
	}
	records := make([]Record, len(step.Records))
	for i, r := range step.Records {
		if r.Stream != "" && r.Stream != step.Stream || r.Seq != 0 && r.Seq != h.seq+1 {
			return nil, fmt.Errorf("%w: %s record %d was handed in as %s record %d", ErrInvalid, step.Stream, h.seq+1, r.Stream, r.Seq)
		}
		if len(r.Kind) > MaxName {
			return nil, fmt.Errorf("%w: the kind of %s record %d has %d bytes, at most %d are kept", ErrInvalid, step.Stream, h.seq+1, len(r.Kind), MaxName)
		}
		r.Stream, r.Seq, r.At, r.Prev = step.Stream, h.seq+1, r.At.UTC().Round(0), h.hash
		r.Tombstone = step.Erase && i == 0
		r.Hash = hashRecord(&r)
		e := entry{Record: r, back: h.position, mark: [markLen]byte(r.Hash[:markLen])}
		if r.Tombstone {
			e.back = 0
		}
		// Another writer may have been here; its record must not be overwritten.
		d.only = append(d.only, kv.If{Key: logKey(d.position)})
		d.put(logKey(d.position), e.encode(d.position))
		h.seq, h.hash, h.position, h.given = r.Seq, r.Hash, d.position, 0
		d.position++
		records[i] = r
	}
	return records, nil
}

func (d *draft) deliver(h *head, step Step) ([]outbox.Delivery, error) {
	deliveries := make([]outbox.Delivery, len(step.Deliver))
	for i, one := range step.Deliver {
		if one.ID == "" {
			one.ID = fmt.Sprintf("%s/%d/%d", step.Stream, h.seq, h.given)
			if d.epoch != "" {
				one.ID += "/" + d.epoch
			}
		}
		h.given++
		if one.Stream == "" {
			one.Stream = step.Stream
		}
		if err := checkName("the ID of a delivery", one.ID); err != nil {
			return nil, err
		}
		k := key(spaceOutbox, one.ID)
		v, err := d.get(k)
		if err != nil {
			return nil, err
		}
		if v != nil {
			return nil, fmt.Errorf("%w: delivery %q waits already", ErrInvalid, one.ID)
		}
		w := waiting{order: d.position, Delivery: one}
		d.position++
		if v, err = w.encode(); err != nil {
			return nil, fmt.Errorf("%w: delivery %q: %w", ErrInvalid, one.ID, err)
		}
		d.put(k, v)
		deliveries[i] = one
	}
	return deliveries, nil
}

// keep writes what is kept once per stream: head, snapshot, place among the hot
// ones.
func (d *draft) keep(h *head, step Step) error {
	touched := len(step.Records) > 0 || len(step.Deliver) > 0 || step.Summary != nil
	if step.Summary != nil {
		h.summary = step.Summary
	}
	was := h.hot
	if step.Hot != nil && *step.Hot != was {
		h.hot, touched = *step.Hot, true
		if h.hot {
			d.put(streamKey(spaceHot, step.Stream), []byte{})
		} else {
			d.delete(streamKey(spaceHot, step.Stream))
		}
	}
	if h.seq == 0 && (step.Summary != nil || step.Hot != nil || step.Snapshot != nil) {
		return fmt.Errorf("%w: %s has no record yet", ErrInvalid, step.Stream)
	}
	if err := d.keepFold(h, was, step); err != nil {
		return err
	}
	if touched {
		d.put(streamKey(spaceHeads, step.Stream), h.encode())
	}
	return nil
}

// keepFold writes a new snapshot, or moves the old one when the stream has
// become hot. One that has become cold loses it: it is rarely loaded, and its
// snapshot would take a third as much room as its records.
func (d *draft) keepFold(h *head, was bool, step Step) error {
	from, to := streamKey(foldSpace(was), step.Stream), streamKey(foldSpace(h.hot), step.Stream)
	var v []byte
	if step.Snapshot != nil {
		f := fold{version: step.SnapshotVersion, seq: h.seq, hash: h.hash, data: step.Snapshot}
		v = f.encode()
	}
	if was != h.hot {
		old, err := d.get(from)
		if err != nil {
			return err
		}
		if old != nil {
			d.delete(from)
			if v == nil && h.hot {
				v = old
			}
		}
	}
	if v != nil {
		d.put(to, v)
	}
	return nil
}

func foldSpace(hot bool) byte {
	if hot {
		return spaceHotFolds
	}
	return spaceColdFolds
}
