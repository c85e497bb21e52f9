package store_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"muster/store"
)

// TestALostLastWriteIsFound: the file opens with either of its two meta pages,
// and with the older one the last write never was; nothing else tells of it.
func TestALostLastWriteIsFound(t *testing.T) {
	path := history(t, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header, sizeAt, rootAt = 16, 8, 16
	size := int(binary.NativeEndian.Uint32(whole[header+sizeAt:]))
	for name, at := range map[string]int{"none": -1, "first": header + rootAt, "second": size + header + rootAt} {
		b := bytes.Clone(whole)
		if at >= 0 {
			b[at] ^= 1
		}
		bad := filepath.Join(t.TempDir(), "muster.db")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, bad)
		if err := s.Verify(); at >= 0 {
			says(t, err, store.ErrDamaged, bad, "the last write may be missing")
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shut(t, s)
	}
}
