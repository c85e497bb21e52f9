package archive_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
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
	if err := archive.Write(&b, history(12), map[string]archive.Part{
		"postmortem.md": archive.Bytes([]byte("# text")), "evidence/pods.txt": archive.Bytes([]byte("api-7")),
	}); err != nil {
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
	pods, err := c.Part("evidence/pods.txt")
	if err != nil || c.Incident != "INC-7" || len(c.History) != len(want) || string(pods) != "api-7" || len(c.Names) != 2 {
		t.Fatalf("%+v (%v)", c, err)
	}
	for i, r := range c.History {
		if r.Hash != want[i].Hash || !r.At.Equal(want[i].At) || !bytes.Equal(r.Body, want[i].Body) {
			t.Errorf("record %d: %+v, want %+v", i+1, r, want[i])
		}
	}
}

// says is everything that is in an archive.
func says(t *testing.T, c archive.Content) string {
	t.Helper()
	text := fmt.Sprint(c.Incident, c.History, c.Names)
	for _, name := range c.Names {
		data, err := c.Part(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(data)
	}
	return text
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
		if says(t, got) != says(t, want) {
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

// What is left of an erased history begins with its tombstone, and only there.
func TestTombstoneBeginsTheHistory(t *testing.T) {
	h := history(12)[6:]
	pack := func() error {
		for i := range h {
			if i > 0 {
				h[i].Prev = h[i-1].Hash
			}
			h[i].Hash = store.Hash(h[i])
		}
		var b bytes.Buffer
		if err := archive.Write(&b, h, nil); err != nil {
			t.Fatal(err)
		}
		_, err := read(b.Bytes())
		return err
	}
	if err := pack(); err == nil {
		t.Error("a history that begins with its seventh record is taken")
	}
	h[0].Tombstone = true
	if err := pack(); err != nil {
		t.Error(err)
	}
	h[2].Tombstone = true
	if err := pack(); err == nil {
		t.Error("a tombstone in the middle is taken")
	}
}

// unsafe makes a zip file that whoever wants harm could make, with a manifest
// that fits its files.
func unsafe(t *testing.T, add func(*zip.Writer, map[string]string)) []byte {
	t.Helper()
	from := written(t)
	z, err := zip.NewReader(bytes.NewReader(from), int64(len(from)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	m := map[string]any{}
	for _, f := range z.File {
		if f.Name != "INC-7/manifest.json" {
			if err := w.Copy(f); err != nil {
				t.Fatal(err)
			}
			continue
		}
		r, err := f.Open()
		if err == nil {
			err = errors.Join(json.NewDecoder(r).Decode(&m), r.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sums := map[string]string{}
	for name, sum := range m["sha256"].(map[string]any) {
		sums[name] = sum.(string)
	}
	add(w, sums)
	if newer, ok := sums[""]; ok {
		m["kind"] = newer
		delete(sums, "")
	}
	m["sha256"] = sums
	f, err := w.Create("INC-7/manifest.json")
	if err == nil {
		err = errors.Join(json.NewEncoder(f).Encode(m), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What Write never makes is refused in one line, though every hash is right: a
// way out of the folder, a link, a name twice, a bomb, a newer kind.
func TestHostileArchivesAreRefused(t *testing.T) {
	put := func(name string, mode fs.FileMode, text string) func(*zip.Writer, map[string]string) {
		return func(w *zip.Writer, sums map[string]string) {
			h := &zip.FileHeader{Name: name, Method: zip.Deflate}
			h.SetMode(mode)
			f, err := w.CreateHeader(h)
			if err == nil {
				_, err = f.Write([]byte(text))
			}
			if err != nil {
				t.Fatal(err)
			}
			_, in, _ := strings.Cut(name, "/")
			sums[in] = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		}
	}
	for want, add := range map[string]func(*zip.Writer, map[string]string){
		`"INC-7/../../evil" is in it`:          put("INC-7/../../evil", 0o600, "x"),
		`"INC-7/evidence/../evil" is in it`:    put("INC-7/evidence/../evil", 0o600, "x"),
		`"INC-7/evidence/..\\evil" is in it`:   put(`INC-7/evidence/..\evil`, 0o600, "x"),
		`"/INC-7/evil" is in it`:               put("/INC-7/evil", 0o600, "x"),
		`"INC-8/evil" is in it`:                put("INC-8/evil", 0o600, "x"),
		"link is a link":                       put("INC-7/link", fs.ModeSymlink|0o777, "/etc/passwd"),
		"postmortem.md is in it twice":         put("INC-7/postmortem.md", 0o600, "# text"),
		"written by a newer version of Muster": func(_ *zip.Writer, sums map[string]string) { sums[""] = "muster incident 2" },
		"unpacked it would be larger than": func(w *zip.Writer, _ map[string]string) {
			for i := range 40 {
				if _, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("INC-7/%d", i), Method: zip.Deflate, UncompressedSize64: 250 << 20}); err != nil {
					t.Fatal(err)
				}
			}
		},
		"big is larger than": func(w *zip.Writer, sums map[string]string) {
			sums["big"] = strings.Repeat("0", 64)
			if _, err := w.CreateRaw(&zip.FileHeader{Name: "INC-7/big", Method: zip.Deflate, UncompressedSize64: 300 << 20}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		if _, err := read(unsafe(t, add)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: it is read with %v", want, err)
		}
	}
	if _, err := read(unsafe(t, put("INC-7/evidence/more.txt", 0o600, "x"))); err != nil {
		t.Errorf("a file more that the manifest has: %v", err)
	}
}

// No archive is written that its own reader, or a careless one, could not take.
func TestWriteRefusesNamesThatLeadOut(t *testing.T) {
	for _, name := range []string{"", ".", "../x", "/x", "a//b", `a\b`, "c:x", "a\nb", "a\xff"} {
		if err := archive.Write(io.Discard, history(1), map[string]archive.Part{name: archive.Bytes(nil)}); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
	wrong := archive.Kept(strings.Repeat("0", 64), func() ([]byte, error) { return []byte("x"), nil })
	if err := archive.Write(io.Discard, history(1), map[string]archive.Part{"x": wrong}); err == nil {
		t.Error("a part that is not what its hash says is written")
	}
}
