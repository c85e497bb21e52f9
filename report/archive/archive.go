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
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"muster/store"
)

// Names of the parts that every archive has.
const (
	ManifestName = "manifest.json"
	RecordsName  = "records.jsonl"
)

const (
	// maxPart bounds one part when an archive is read, in bytes.
	maxPart = 256 << 20
	// maxWhole bounds all parts of an archive together, unpacked, in bytes.
	maxWhole = 8 << 30
	// maxFiles bounds how many parts an archive may have.
	maxFiles = 100_000
)

// manifest lists the parts with their hashes.
type manifest struct {
	Kind     string            `json:"kind"` // kind
	Incident string            `json:"incident"`
	Records  int               `json:"records"`
	Head     string            `json:"head"` // the hash of the last record
	SHA256   map[string]string `json:"sha256"`
}

// What Write writes now; what another number stands behind is of a newer
// version.
const (
	kindName = "muster incident "
	kind     = kindName + "1"
)

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
	// Tombstone is set where the records before were erased: the archive then
	// begins with this one.
	Tombstone bool `json:"tombstone,omitempty"`
	// Fact is the body to read; the check goes by Body.
	Fact json.RawMessage `json:"fact,omitempty"`
}

// Part is one file that goes into an archive.
type Part struct {
	sum  string
	load func() ([]byte, error)
}

// Bytes is a part that is at hand.
func Bytes(data []byte) Part {
	return Part{sum(data), func() ([]byte, error) { return data, nil }}
}

// Kept is a part that is loaded when its turn comes. Its SHA-256 is known, in
// hex, and what is loaded must have it.
func Kept(sha256 string, load func() ([]byte, error)) Part { return Part{sha256, load} }

// Write packs the history of one incident and further parts, by name, as a zip
// file with a folder of the incident's name. After an error what was written is
// no archive.
func Write(w io.Writer, history []store.Record, parts map[string]Part) error {
	if len(history) == 0 {
		return errors.New("archive: there is no history")
	}
	id, last := history[0].Stream, history[len(history)-1]
	all := maps.Clone(parts)
	if all == nil {
		all = map[string]Part{}
	}
	records, err := lines(history)
	if err != nil {
		return err
	}
	all[RecordsName] = Bytes(records)
	m := manifest{Kind: kind, Incident: id, Records: len(history), Head: hex.EncodeToString(last.Hash[:]), SHA256: map[string]string{}}
	for name, part := range all {
		if !safe(name) {
			return fmt.Errorf("archive: %q is no name for a file in it", name)
		}
		m.SHA256[name] = part.sum
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	all[ManifestName] = Bytes(append(text, '\n'))
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		data, err := all[name].load()
		if err == nil && sum(data) != all[name].sum {
			err = errors.New("it is not what its hash says")
		}
		var f io.Writer
		if err == nil {
			f, err = z.CreateHeader(&zip.FileHeader{Name: path.Join(id, name), Method: zip.Deflate, Modified: last.At.UTC().Truncate(2 * time.Second)})
		}
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			return fmt.Errorf("archive: write %s: %w", name, err)
		}
	}
	return z.Close()
}

// safe tells whether a file of this name, unpacked by any program, stays in the
// folder of its archive.
func safe(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, `\:`) && !strings.ContainsFunc(name, unicode.IsControl)
}

func lines(history []store.Record) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	for _, r := range history {
		l := line{
			Stream: r.Stream, Seq: r.Seq, At: r.At.UTC(), Kind: r.Kind, Version: r.Version, Body: r.Body,
			Prev: hex.EncodeToString(r.Prev[:]), Hash: hex.EncodeToString(r.Hash[:]),
			Tombstone: r.Tombstone,
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

// Content is a checked archive. Its parts are read from the file that Read was
// given.
type Content struct {
	Incident string
	History  []store.Record
	// Names are all other files, sorted.
	Names []string
	files map[string]*zip.File
	sums  map[string]string
}

// Part reads one of the files that Names has.
func (c Content) Part(name string) ([]byte, error) {
	f, ok := c.files[name]
	if !ok {
		return nil, fmt.Errorf("%s is not in the archive", name)
	}
	data, err := unpack(f)
	if err == nil && sum(data) != c.sums[name] {
		err = fmt.Errorf("%s was altered", name)
	}
	return data, err
}

// Read checks an archive and gives what is in it. Its error is one line that
// names what is wrong: a part that is missing, too many or altered, and the
// first record at which the chain breaks.
func Read(from io.ReaderAt, size int64) (Content, error) {
	z, err := zip.NewReader(from, size)
	if err != nil {
		return Content{}, fmt.Errorf("the file is no archive: %w", err)
	}
	folder, files, err := listed(z)
	if err != nil {
		return Content{}, err
	}
	m, err := readManifest(files[ManifestName])
	if err != nil {
		return Content{}, err
	}
	if folder != m.Incident {
		return Content{}, fmt.Errorf("the folder is %s, and the manifest is of %s", folder, m.Incident)
	}
	delete(files, ManifestName)
	var wrong []string
	var records []byte
	for _, name := range slices.Sorted(maps.Keys(files)) {
		want, ok := m.SHA256[name]
		if !ok {
			wrong = append(wrong, name+" is not in the manifest")
			continue
		}
		data, err := unpack(files[name])
		switch {
		case err != nil:
			wrong = append(wrong, err.Error())
		case want != sum(data):
			wrong = append(wrong, name+" was altered")
		}
		if name == RecordsName {
			records = data
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.SHA256)) {
		if _, ok := files[name]; !ok {
			wrong = append(wrong, name+" is missing")
		}
	}
	if records == nil && len(wrong) == 0 {
		wrong = append(wrong, RecordsName+" is missing")
	}
	var history []store.Record
	if records != nil {
		if history, err = chain(records, m); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) > 0 {
		return Content{}, errors.New(few(wrong))
	}
	delete(files, RecordsName)
	return Content{Incident: m.Incident, History: history, Names: slices.Sorted(maps.Keys(files)), files: files, sums: m.SHA256}, nil
}

// few are the first of what is wrong, in one line.
func few(wrong []string) string {
	const most = 5
	text := strings.Join(wrong[:min(most, len(wrong))], "; ")
	if more := len(wrong) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// listed are the files of a zip file by their names in its only folder. What
// Write never makes is refused: another folder, a name twice, a link, a way out.
func listed(z *zip.Reader) (folder string, files map[string]*zip.File, err error) {
	if len(z.File) > maxFiles {
		return "", nil, fmt.Errorf("it has %d files, and an archive of one incident has at most %d", len(z.File), maxFiles)
	}
	files = map[string]*zip.File{}
	var whole uint64
	for _, f := range z.File {
		dir, name, ok := strings.Cut(f.Name, "/")
		switch whole += min(f.UncompressedSize64, maxPart+1); {
		case !ok || !safe(f.Name) || folder != "" && dir != folder:
			return "", nil, fmt.Errorf("the file is no archive of one incident: %q is in it", f.Name)
		case files[name] != nil:
			return "", nil, fmt.Errorf("%s is in it twice", name)
		case !f.Mode().IsRegular():
			return "", nil, fmt.Errorf("%s is a link or something else that is no file", name)
		case whole > maxWhole:
			return "", nil, fmt.Errorf("unpacked it would be larger than %d GiB", maxWhole>>30)
		}
		folder, files[name] = dir, f
	}
	return folder, files, nil
}

func readManifest(f *zip.File) (m manifest, err error) {
	none := fmt.Errorf("the file is no archive of an incident: %s is missing or of another kind", ManifestName)
	if f == nil {
		return m, none
	}
	text, err := unpack(f)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil || !strings.HasPrefix(m.Kind, kindName) {
		return m, none
	}
	if m.Kind != kind {
		return m, fmt.Errorf("it was written by a newer version of Muster (%q), which can read it", m.Kind)
	}
	return m, nil
}

// unpack reads one file whole, up to the size that its archive says.
func unpack(f *zip.File) ([]byte, error) {
	_, name, _ := strings.Cut(f.Name, "/")
	if f.UncompressedSize64 > maxPart {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxPart>>20)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(f.UncompressedSize64)+1))
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return data, nil
}

// chain reads the records and holds every one against the hash before it.
func chain(text []byte, m manifest) ([]store.Record, error) {
	var out []store.Record
	var prev [32]byte
	seq := uint64(1)
	d := json.NewDecoder(bytes.NewReader(text))
	for d.More() {
		var l line
		n := len(out) + 1
		if err := d.Decode(&l); err != nil {
			return nil, fmt.Errorf("record %d cannot be read: %w", seq, err)
		}
		if before, err := hex.DecodeString(l.Prev); n == 1 && l.Tombstone && err == nil {
			seq = l.Seq
			copy(prev[:], before)
		}
		r := store.Record{
			Stream: l.Stream, Seq: l.Seq, At: l.At, Kind: l.Kind, Version: l.Version, Body: l.Body, Prev: prev, Tombstone: l.Tombstone && n == 1,
		}
		r.Hash = store.Hash(r)
		same := len(l.Fact) == 0 && !json.Valid(l.Body) || bytes.Equal(compact(l.Fact), compact(l.Body))
		if l.Stream != m.Incident || l.Seq != seq || l.Tombstone != r.Tombstone || l.Prev != hex.EncodeToString(prev[:]) || l.Hash != hex.EncodeToString(r.Hash[:]) || !same {
			return nil, fmt.Errorf("the chain breaks at record %d", seq)
		}
		prev = r.Hash
		seq++
		out = append(out, r)
	}
	if len(out) != m.Records || m.Head != hex.EncodeToString(prev[:]) {
		return nil, fmt.Errorf("the chain ends at record %d, and not as the manifest says", seq-1)
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
