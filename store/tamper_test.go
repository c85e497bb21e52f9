package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"muster/store"
	"muster/store/kv"
	"muster/store/kv/bolt"
	"muster/store/storetest"
)

// cell is one record as the file has it.
type cell struct {
	key, value []byte
	stream     string
	seq        uint64
}

// TestEveryAlterationIsFound: in a file with many incidents whose records lie
// among each other, some of them erased up to a tombstone, one changed byte of any record, one record that is gone and
// two that changed places are found every time, and the first record that is
// not what was written is named.
func TestEveryAlterationIsFound(t *testing.T) {
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "muster.db"), bolt.Options{NoSync: true, AppendOnly: []byte{'l'}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.On(engine, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const seed = 20260304
	rng := rand.New(rand.NewPCG(seed, 4))
	cells := manyIncidents(t, s, engine, rng)
	cases := 1000
	if underRace {
		cases = 90
	}
	found := map[string]int{}
	for n := range cases {
		i, j := rng.IntN(len(cells)), rng.IntN(len(cells))
		for j == i || bytes.Equal(cells[i].value, cells[j].value) {
			j = rng.IntN(len(cells))
		}
		what := [...]string{"changed", "dropped", "swapped"}[n%3]
		first := cells[i]
		var batch []kv.Op
		switch what {
		case "changed":
			bad, at := bytes.Clone(first.value), rng.IntN(len(first.value))
			bad[at] ^= byte(1 + rng.IntN(255))
			batch = []kv.Op{{Key: first.key, Value: bad}}
		case "dropped":
			batch = []kv.Op{{Key: first.key, Delete: true}}
		case "swapped":
			first = cells[min(i, j)]
			batch = []kv.Op{{Key: cells[i].key, Value: cells[j].value}, {Key: cells[j].key, Value: cells[i].value}}
		}
		must(t, engine.Commit(batch, nil))
		err := s.Verify()
		var link *store.BrokenLink
		if what == "swapped" && cells[i].seq == 1 && cells[j].seq == 1 && errors.As(err, &link) && link.Seq == 2 {
			found[what]++ // two first records fit anywhere; the second of one of them is the first link that does not
		} else if !errors.As(err, &link) || link.Stream != first.stream || link.Seq != first.seq {
			t.Errorf("case %d (seed %d): %s record %d was %s; Verify says: %v", n, seed, first.stream, first.seq, what, err)
		} else {
			found[what]++
		}
		must(t, engine.Commit([]kv.Op{{Key: cells[i].key, Value: cells[i].value}, {Key: cells[j].key, Value: cells[j].value}}, nil))
	}
	must(t, s.Verify())
	t.Logf("of %d alterations, found and named: %v", cases, found)
}

// manyIncidents fills a store with histories that were written at the same
// time, and gives all their records.
func manyIncidents(t *testing.T, s *store.Store, engine kv.Engine, rng *rand.Rand) []cell {
	t.Helper()
	const streams, records = 40, 500
	ends := map[string]uint64{}
	for len(ends) < streams {
		ends[storetest.Commit(t, s, storetest.Declare()).Stream] = 1
	}
	for n := range records {
		stream := fmt.Sprintf("INC-%d", 1+rng.IntN(streams))
		done := storetest.Commit(t, s, store.Step{Stream: stream, Expect: ends[stream], Records: []store.Record{{At: storetest.At, Kind: "noted", Version: 1, Body: typical(n)}}})
		ends[stream] = done.Seq
	}
	for n := 1; n <= streams; n += 5 {
		stream := fmt.Sprintf("INC-%d", n)
		storetest.Commit(t, s, store.Step{Stream: stream, Expect: ends[stream], Erase: true, Records: []store.Record{storetest.Fact("erased", `{"records":12}`)}})
	}
	_, err := s.Sweep(t.Context())
	must(t, err)
	at := map[uint64]cell{}
	var keys []uint64
	must(t, engine.Scan(kv.Prefix([]byte{'l'}), func(k, v []byte) bool {
		keys = append(keys, binary.BigEndian.Uint64(k[1:]))
		at[keys[len(keys)-1]] = cell{key: bytes.Clone(k), value: bytes.Clone(v)}
		return true
	}))
	var out []cell
	for _, k := range keys {
		c := at[k]
		c.stream, c.seq = named(c.value)
		out = append(out, c)
	}
	return out
}

// named reads a record's stream and sequence: they stand behind its shape, and
// a tombstone's behind the hash of what was erased.
func named(value []byte) (stream string, seq uint64) {
	skip := 1
	if value[0] == 2 {
		skip += 32
	}
	n, read := binary.Uvarint(value[skip:])
	rest := value[skip+read:]
	seq, _ = binary.Uvarint(rest[n:])
	return string(rest[:n]), seq
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
