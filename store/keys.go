package store

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The spaces, one letter each. The log is the only one that grows for ever and
// only at its end; what is hot stays apart from what is closed, so that a start
// reads little.
const (
	spaceValues    = 'v' // name → value; the schema version is among them
	spaceCounters  = 'c' // prefix → last number given
	spaceHeads     = 'h' // stream → head
	spaceHot       = 'o' // stream → nothing; the streams to step at start
	spaceHotFolds  = 'p' // stream → snapshot, of hot streams
	spaceColdFolds = 'q' // stream → snapshot, of all others
	spaceLog       = 'l' // position → record
	spaceOutbox    = 'd' // delivery ID → delivery
	spaceRequests  = 'k' // request key → reply
)

// MaxName is the most bytes that the name of a stream, the ID of a delivery, the
// key of a request or the name of a value may have.
const MaxName = 512

func key(space byte, name string) []byte {
	return append(append(make([]byte, 0, 1+len(name)), space), name...)
}

func logKey(position uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceLog}, position)
}

func logPosition(key []byte) uint64 {
	if len(key) != 9 {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}

// splitNumber splits "INC-12" into "INC-" and "12". Names without a number, or
// with one that no counter gives (leading zeros, over 18 digits), have none.
func splitNumber(name string) (prefix, digits string) {
	i := len(name)
	for i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
		i--
	}
	digits = name[i:]
	if digits == "" || digits[0] == '0' || len(digits) > 18 {
		return name, ""
	}
	return name[:i], digits
}

// streamKey orders numbered streams by number: a byte with the count of digits
// stands before the digits. Names have no such bytes, so it can be undone.
func streamKey(space byte, stream string) []byte {
	prefix, digits := splitNumber(stream)
	k := append(make([]byte, 0, 2+len(stream)), space)
	k = append(k, prefix...)
	if digits != "" {
		k = append(k, byte(len(digits)))
		k = append(k, digits...)
	}
	return k
}

func streamName(key []byte) string {
	var b strings.Builder
	for _, c := range key[1:] {
		if c >= ' ' {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// checkName refuses names that cannot be kept: empty, over MaxName bytes, with
// control characters.
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: %s is empty", ErrInvalid, what)
	case len(name) > MaxName:
		return fmt.Errorf("%w: %s has %d bytes, at most %d are kept", ErrInvalid, what, len(name), MaxName)
	}
	for i := range len(name) {
		if name[i] < ' ' {
			return fmt.Errorf("%w: %s has a control character: %q", ErrInvalid, what, name)
		}
	}
	return nil
}
