// Package archive packs an incident into one file to keep, and checks such a
// file: every part under its hash, the history as its chain.
//
// It decides nothing about what belongs into an archive, and writes the same
// bytes for the same parts at any time.
package archive

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"muster/store"
)

// Names of the parts that every archive has.
const (
	ManifestName = "manifest.json"
	RecordsName  = "records.jsonl"
)

// maxPart bounds one part when an archive is read, in bytes.
const maxPart = 256 << 20

// manifest lists the parts with their hashes.
type manifest struct {
	Kind     string            `json:"kind"` // kind
	Incident string            `json:"incident"`
	Records  int               `json:"records"`
	Head     string            `json:"head"` // the hash of the last record
	SHA256   map[string]string `json:"sha256"`
}

const kind = "muster incident 1"

// line is one record as the archive has it: what the chain's hash covers.
type line struct {
	Stream  string    `json:"stream"`
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Version int       `json:"version"`
	Body    []byte    `json:"body"` // base64: the bytes that the hash covers
	Prev    string    `json:"prev"`
	Hash    string    `json:"hash"`
	// Fact is the body to read; the check goes by Body.
	Fact json.RawMessage `json:"fact,omitempty"`
}

// Write packs the history of one incident and further parts, by name, as a zip
// file with a folder of the incident's name.
func Write(w io.Writer, history []store.Record, parts map[string][]byte) error {
	if len(history) == 0 {
		return errors.New("archive: there is no history")
	}
	id, last := history[0].Stream, history[len(history)-1]
	all := maps.Clone(parts)
	if all == nil {
		all = map[string][]byte{}
	}
	records, err := lines(history)
	if err != nil {
		return err
	}
	all[RecordsName] = records
	m := manifest{Kind: kind, Incident: id, Records: len(history), Head: hex.EncodeToString(last.Hash[:]), SHA256: map[string]string{}}
	for name, data := range all {
		m.SHA256[name] = sum(data)
	}
	if all[ManifestName], err = json.MarshalIndent(m, "", "  "); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f, err := z.CreateHeader(&zip.FileHeader{Name: path.Join(id, name), Method: zip.Deflate, Modified: last.At.UTC().Truncate(2 * time.Second)})
		if err == nil {
			_, err = f.Write(all[name])
		}
		if err != nil {
			return fmt.Errorf("archive: write %s: %w", name, err)
		}
	}
	return z.Close()
}

func lines(history []store.Record) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	for _, r := range history {
		l := line{
			Stream: r.Stream, Seq: r.Seq, At: r.At.UTC(), Kind: r.Kind, Version: r.Version, Body: r.Body,
			Prev: hex.EncodeToString(r.Prev[:]), Hash: hex.EncodeToString(r.Hash[:]),
		}
		if json.Valid(r.Body) {
			l.Fact = r.Body
		}
		if err := out.Encode(l); err != nil {
			return nil, fmt.Errorf("archive: record %d: %w", r.Seq, err)
		}
	}
	return b.Bytes(), nil
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// Content is a checked archive.
type Content struct {
	Incident string
	History  []store.Record
	// Parts are all other files, by name.
	Parts map[string][]byte
}

// Read checks an archive and gives what is in it. Its error names everything
// that is wrong: a part that is missing, too many or altered, and the first
// record at which the chain breaks.
func Read(from io.ReaderAt, size int64) (Content, error) {
	z, err := zip.NewReader(from, size)
	if err != nil {
		return Content{}, fmt.Errorf("the file is no archive: %w", err)
	}
	files := map[string][]byte{}
	folder := ""
	for _, f := range z.File {
		dir, name, ok := strings.Cut(f.Name, "/")
		if !ok || folder != "" && dir != folder {
			return Content{}, fmt.Errorf("the file is no archive of one incident: %s", f.Name)
		}
		folder = dir
		if files[name], err = unpack(f); err != nil {
			return Content{}, err
		}
	}
	var m manifest
	if err := json.Unmarshal(files[ManifestName], &m); err != nil || m.Kind != kind {
		return Content{}, fmt.Errorf("the file is no archive of an incident: %s is missing or of another kind", ManifestName)
	}
	delete(files, ManifestName)
	var wrong []error
	for name, data := range files {
		switch want, ok := m.SHA256[name]; {
		case !ok:
			wrong = append(wrong, fmt.Errorf("%s is not in the manifest", name))
		case want != sum(data):
			wrong = append(wrong, fmt.Errorf("%s was altered", name))
		}
	}
	for name := range m.SHA256 {
		if _, ok := files[name]; !ok {
			wrong = append(wrong, fmt.Errorf("%s is missing", name))
		}
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	history, err := chain(files[RecordsName], m)
	if err := errors.Join(append(wrong, err)...); err != nil {
		return Content{}, err
	}
	delete(files, RecordsName)
	return Content{Incident: m.Incident, History: history, Parts: files}, nil
}

func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	if len(data) > maxPart {
		return nil, fmt.Errorf("read %s: it is larger than %d bytes", f.Name, maxPart)
	}
	return data, nil
}

// chain reads the records and holds every one against the hash before it.
func chain(text []byte, m manifest) ([]store.Record, error) {
	var out []store.Record
	var prev [32]byte
	d := json.NewDecoder(bytes.NewReader(text))
	for d.More() {
		var l line
		n := len(out) + 1
		if err := d.Decode(&l); err != nil {
			return nil, fmt.Errorf("record %d cannot be read: %w", n, err)
		}
		r := store.Record{Stream: l.Stream, Seq: l.Seq, At: l.At, Kind: l.Kind, Version: l.Version, Body: l.Body, Prev: prev}
		r.Hash = store.Hash(r)
		same := len(l.Fact) == 0 && !json.Valid(l.Body) || bytes.Equal(compact(l.Fact), compact(l.Body))
		if l.Stream != m.Incident || l.Seq != uint64(n) || l.Prev != hex.EncodeToString(prev[:]) || l.Hash != hex.EncodeToString(r.Hash[:]) || !same {
			return nil, fmt.Errorf("the chain breaks at record %d", n)
		}
		prev = r.Hash
		out = append(out, r)
	}
	if len(out) != m.Records || m.Head != hex.EncodeToString(prev[:]) {
		return nil, fmt.Errorf("the chain ends at record %d, and not as the manifest says", len(out))
	}
	return out, nil
}

func compact(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}
