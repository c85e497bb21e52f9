// Package evidence keeps what an incident's steps printed and collected, whole, on disk: every piece once under the
// SHA-256 of its content, and for each incident a list of pieces in which every line names the hash of the line before.
//
// It never masks or shortens anything, deletes only what it is told to erase, and never decides what is worth keeping.
package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// MaxSize is the most that one piece may have, in bytes.
const MaxSize = 64 << 20

// Ref names a kept piece.
type Ref struct {
	// Name is unique within the incident. It is the one that was asked for, unless that held other content already.
	Name string `json:"name"`
	// SHA256 is of the content, in hex.
	SHA256 string `json:"sha256"`
	// Size is in bytes.
	Size int64 `json:"size"`
}

// Piece is one line of an incident's list.
type Piece struct {
	// N counts from 1.
	N  int       `json:"n"`
	At time.Time `json:"at"`
	Ref
	// Before is the SHA-256 of the line before, without its line break; empty for the first.
	Before string `json:"before,omitempty"`
}

// Store keeps evidence in one directory. Make it with Open. It may be used from many goroutines, and one process
// writes.
type Store struct {
	dir string
	now func() time.Time
	mu  sync.Mutex // held while a list is read and extended
}

// Open makes a store of a directory, which is made with the first piece. The clock dates the pieces.
func Open(dir string, now func() time.Time) *Store { return &Store{dir: dir, now: now} }

// Beside is the evidence directory that belongs to a data file: ./data/muster.db has ./data/muster.evidence.
func Beside(data string) string {
	return strings.TrimSuffix(data, filepath.Ext(data)) + ".evidence"
}

// ErrNone says that there is no such piece.
var ErrNone = errors.New("there is no such evidence")

// Put keeps a piece for an incident and returns once it is on the disk. The same name with the same content is kept
// once; with other content it gets a number in its name. Slashes and characters that no file should have become
// hyphens.
func (s *Store) Put(ctx context.Context, incident, name string, data []byte) (Ref, error) {
	if err := ctx.Err(); err != nil {
		return Ref{}, err
	}
	if len(data) > MaxSize {
		return Ref{}, fmt.Errorf("keep %s of %s: it has %d bytes, and a piece of evidence may have %d", name, incident, len(data), MaxSize)
	}
	list, err := s.listFile(incident)
	if err != nil {
		return Ref{}, err
	}
	sum := sha256.Sum256(data)
	ref := Ref{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
	s.mu.Lock()
	defer s.mu.Unlock()
	pieces, whole, err := readList(list)
	if err != nil {
		return Ref{}, fmt.Errorf("keep %s of %s: %w", name, incident, err)
	}
	var known bool
	if ref.Name, known = free(pieces, clean(name), ref.SHA256); known {
		return ref, nil
	}
	if err := keep(s.object(ref.SHA256), data); err != nil {
		return Ref{}, fmt.Errorf("keep %s of %s: %w", name, incident, err)
	}
	piece := Piece{N: len(pieces) + 1, At: s.now().UTC(), Ref: ref, Before: hashOfLast(whole)}
	if err := extend(list, whole, piece); err != nil {
		return Ref{}, fmt.Errorf("list %s of %s: %w", name, incident, err)
	}
	return ref, nil
}

// Get reads a piece. The content is checked against its hash; ErrNone when there is no such piece.
func (s *Store) Get(ctx context.Context, incident, name string) ([]byte, error) {
	pieces, err := s.List(ctx, incident)
	if err != nil {
		return nil, err
	}
	for _, p := range pieces {
		if p.Name == name {
			return s.content(p.Ref)
		}
	}
	return nil, fmt.Errorf("%s of %s: %w", name, incident, ErrNone)
}

// List is every piece of an incident, oldest first; none when nothing was kept.
func (s *Store) List(ctx context.Context, incident string) ([]Piece, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list, err := s.listFile(incident)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pieces, _, err := readList(list)
	if err != nil {
		return nil, fmt.Errorf("read the evidence of %s: %w", incident, err)
	}
	return pieces, nil
}

// content reads an object and holds it against its name.
func (s *Store) content(ref Ref) ([]byte, error) {
	data, err := os.ReadFile(s.object(ref.SHA256))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is listed and its content is missing: %w", ref.Name, err)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != ref.SHA256 {
		return nil, fmt.Errorf("%s is not what was kept: its SHA-256 is %x, the list says %s", ref.Name, sum, ref.SHA256)
	}
	return data, nil
}

var incidentID = regexp.MustCompile(`^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$`)

func (s *Store) listFile(incident string) (string, error) {
	if !incidentID.MatchString(incident) {
		return "", fmt.Errorf("%q is not an incident's name", incident)
	}
	return filepath.Join(s.dir, "incidents", incident+".jsonl"), nil
}

func (s *Store) object(sum string) string { return filepath.Join(s.dir, "objects", sum[:2], sum) }

var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

var unfit = regexp.MustCompile(`[^A-Za-z0-9._ -]+`)

// clean makes a file's name of what somebody called a piece.
func clean(name string) string {
	name = strings.Trim(unfit.ReplaceAllString(name, "-"), ".- ")
	if len(name) > 120 {
		name = name[len(name)-120:]
	}
	if name == "" || strings.EqualFold(name, ListName) || strings.EqualFold(name, SumsName) {
		return "piece" + name
	}
	return name
}

// free is the name that content of a hash gets, and whether it has it already.
func free(pieces []Piece, name, sum string) (string, bool) {
	taken := map[string]string{}
	for _, p := range pieces {
		taken[strings.ToLower(p.Name)] = p.SHA256
	}
	ext := path.Ext(name)
	for n, try := 2, name; ; n++ {
		have, exists := taken[strings.ToLower(try)]
		if !exists || have == sum {
			return try, exists
		}
		try = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// keep writes an object, unless it is there whole: first beside its place, then moved.
func keep(file string, data []byte) error {
	if have, err := os.ReadFile(file); err == nil && bytes.Equal(have, data) {
		return nil
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // after the move there is nothing to remove
	if _, err := tmp.Write(data); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Chmod(0o400), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// extend appends a line behind the whole lines of a list; what a crash left of a line that nobody was told of goes.
func extend(list string, whole []byte, piece Piece) error {
	line, err := json.Marshal(piece)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(list), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(list, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	at := int64(len(whole))
	if err := f.Truncate(at); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := f.WriteAt(append(line, '\n'), at); err != nil {
		return errors.Join(err, f.Truncate(at), f.Close())
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(filepath.Dir(list)))
}

// readList gives an incident's pieces and the bytes of their lines.
func readList(file string) (pieces []Piece, whole []byte, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	whole = text[:bytes.LastIndexByte(text, '\n')+1]
	if pieces, err = parseList(whole); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return pieces, whole, nil
}

func parseList(whole []byte) ([]Piece, error) {
	var pieces []Piece
	for line := range bytes.Lines(whole) {
		var p Piece
		if err := json.Unmarshal(line, &p); err != nil {
			return nil, fmt.Errorf("line %d cannot be read: %w", len(pieces)+1, err)
		}
		if !hash.MatchString(p.SHA256) {
			return nil, fmt.Errorf("line %d has no SHA-256: %q", len(pieces)+1, p.SHA256)
		}
		pieces = append(pieces, p)
	}
	return pieces, nil
}

// hashOfLast is the SHA-256 of the last line, empty when there is none.
func hashOfLast(whole []byte) string {
	whole = bytes.TrimSuffix(whole, []byte("\n"))
	if len(whole) == 0 {
		return ""
	}
	sum := sha256.Sum256(whole[bytes.LastIndexByte(whole, '\n')+1:])
	return hex.EncodeToString(sum[:])
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
