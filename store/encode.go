package store

import (
	"encoding/binary"
	"errors"
	"time"
)

// Values are encoded by hand: unsigned varints, byte strings with their length
// in front, moments as Unix seconds and nanoseconds. The first byte of every
// value is the shape, so that shapes can change one by one.

type encoder struct{ b []byte }

func (e *encoder) byte(v byte)     { e.b = append(e.b, v) }
func (e *encoder) uint(v uint64)   { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)     { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) raw(v []byte)    { e.b = append(e.b, v...) }
func (e *encoder) bytes(v []byte)  { e.uint(uint64(len(v))); e.raw(v) }
func (e *encoder) string(v string) { e.uint(uint64(len(v))); e.b = append(e.b, v...) }

func (e *encoder) bool(v bool) {
	if v {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

func (e *encoder) time(t time.Time) {
	e.int(t.Unix())
	e.uint(uint64(t.Nanosecond()))
}

var errShape = errors.New("a value has an unknown shape")

// decoder reads what encoder wrote. After the first error it only returns
// zeros; err tells.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() { d.b, d.err = nil, errShape }

func (d *decoder) shape(want byte) {
	if d.byte() != want {
		d.fail()
	}
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) hash() (h [32]byte) {
	copy(h[:], d.take(uint64(len(h))))
	return h
}

// take returns a part of what is decoded, nil if there is less.
func (d *decoder) take(n uint64) []byte {
	if uint64(len(d.b)) < n {
		d.fail()
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string { return string(d.view()) }

func (d *decoder) view() []byte { return d.take(d.uint()) }

func (d *decoder) time() time.Time {
	s, n := d.int(), d.uint()
	if d.err != nil || n > 999_999_999 {
		d.fail()
		return time.Time{}
	}
	return time.Unix(s, int64(n)).UTC()
}
