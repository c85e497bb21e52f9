package archive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"muster/report/archive"
	"muster/store"
)

func history(n int) []store.Record {
	var out []store.Record
	var prev [32]byte
	for i := range n {
		r := store.Record{
			Stream: "INC-7", Seq: uint64(i + 1), At: time.Date(2026, 3, 4, 2, 57, i, 123, time.UTC), Kind: "noted", Version: 1,
			Body: fmt.Appendf(nil, `{"by":{"key":"ann"}, "text":"line %d <&> é"}`, i), Prev: prev,
		}
		r.Hash = store.Hash(r)
		prev = r.Hash
		out = append(out, r)
	}
	return out
}

func written(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := archive.Write(&b, history(12), map[string][]byte{"postmortem.md": []byte("# text"), "evidence/pods.txt": []byte("api-7")}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(b []byte) (archive.Content, error) { return archive.Read(bytes.NewReader(b), int64(len(b))) }

func TestArchiveReadsBack(t *testing.T) {
	first, again := written(t), written(t)
	if !bytes.Equal(first, again) {
		t.Error("two archives of the same are not the same")
	}
	c, err := read(first)
	if err != nil {
		t.Fatal(err)
	}
	want := history(12)
	if c.Incident != "INC-7" || len(c.History) != len(want) || string(c.Parts["evidence/pods.txt"]) != "api-7" || len(c.Parts) != 2 {
		t.Fatalf("%+v", c)
	}
	for i, r := range c.History {
		if r.Hash != want[i].Hash || !r.At.Equal(want[i].At) || !bytes.Equal(r.Body, want[i].Body) {
			t.Errorf("record %d: %+v, want %+v", i+1, r, want[i])
		}
	}
}

// One changed byte of what an archive says is found, wherever it is. The zip
// file's own fields that say nothing (dates, attributes) may differ: then what
// is read is still the same.
func TestOneChangedByteIsFound(t *testing.T) {
	good := written(t)
	want, err := read(good)
	if err != nil {
		t.Fatal(err)
	}
	rng, found := rand.New(rand.NewPCG(1, 2)), 0
	for range 1000 {
		bad := bytes.Clone(good)
		i := rng.IntN(len(bad))
		bad[i] ^= byte(1 + rng.IntN(255))
		got, err := read(bad)
		if err != nil {
			found++
			continue
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("byte %d was changed, and the archive reads as another one", i)
		}
	}
	if found < 500 {
		t.Errorf("%d of 1,000 changes were found", found)
	}
}

// Records that were changed, dropped or swapped break the chain, also where
// whoever did it made the hashes of the parts anew.
func TestAlteredHistoryIsFound(t *testing.T) {
	for name, alter := range map[string]func([]store.Record) []store.Record{
		"changed": func(h []store.Record) []store.Record { h[4].Body = bytes.ToUpper(h[4].Body); return h },
		"dropped": func(h []store.Record) []store.Record { return append(h[:4], h[5:]...) },
		"swapped": func(h []store.Record) []store.Record { h[4], h[5] = h[5], h[4]; return h },
		"cut":     func(h []store.Record) []store.Record { h[11].Hash = h[10].Hash; return h },
		"later":   func(h []store.Record) []store.Record { h[4].At = h[4].At.Add(time.Nanosecond); return h },
	} {
		var b bytes.Buffer
		if err := archive.Write(&b, alter(history(12)), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := read(b.Bytes()); err == nil {
			t.Errorf("a record that was %s is not found", name)
		}
	}
}
