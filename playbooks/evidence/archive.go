package evidence

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// ListName and SumsName are the two files of an archive that are not evidence: the incident's list, and the hashes as
// sha256sum writes them.
const (
	ListName = "manifest.jsonl"
	SumsName = "SHA256SUMS"
)

// Archive writes an incident's evidence as a zip file: a folder of the incident's name with every piece under its
// name, the list, and the hashes of all of them. It fails, having written an unfinished file, when a piece is missing
// or is not what was kept.
func (s *Store) Archive(ctx context.Context, incident string, to io.Writer) error {
	list, err := s.listFile(incident)
	if err != nil {
		return err
	}
	s.mu.Lock()
	pieces, whole, err := readList(list)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("read the evidence of %s: %w", incident, err)
	}
	if err := checkChain(whole, pieces); err != nil {
		return fmt.Errorf("the evidence of %s: %w", incident, err)
	}
	z := zip.NewWriter(to)
	var sums bytes.Buffer
	add := func(name string, p Piece, data []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: path.Join(incident, name), Method: zip.Deflate, Modified: p.At})
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
	var last Piece
	for _, p := range pieces {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := s.content(p.Ref)
		if err != nil {
			return fmt.Errorf("the evidence of %s: %w", incident, err)
		}
		if err := add(p.Name, p, data); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", p.SHA256, p.Name)
		last = p
	}
	fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(whole), ListName)
	if err := errors.Join(add(ListName, last, whole), add(SumsName, last, sums.Bytes())); err != nil {
		return err
	}
	return z.Close()
}

// Verify holds everything that an incident's list names against its hash, and the list's lines against each other. It
// gives the number of pieces, and an error that names everything that is wrong.
func (s *Store) Verify(ctx context.Context, incident string) (int, error) {
	list, err := s.listFile(incident)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	pieces, whole, err := readList(list)
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	problems := []error{checkChain(whole, pieces)}
	for _, p := range pieces {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		_, err := s.content(p.Ref)
		problems = append(problems, err)
	}
	return len(pieces), errors.Join(problems...)
}

// Incidents are those that have evidence, in the order of their names.
func (s *Store) Incidents() ([]string, error) {
	files, err := os.ReadDir(path.Join(s.dir, "incidents"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		if id, ok := strings.CutSuffix(f.Name(), ".jsonl"); ok && incidentID.MatchString(id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// VerifyArchive holds the pieces of an archive against the hashes in it. It gives the number of pieces.
func VerifyArchive(from io.ReaderAt, size int64) (int, error) {
	z, err := zip.NewReader(from, size)
	if err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	have := map[string]string{}
	var whole, sums []byte
	for _, f := range z.File {
		data, err := unpack(f)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", f.Name, err)
		}
		switch name := path.Base(f.Name); name {
		case SumsName:
			sums = data
		case ListName:
			whole = data
			fallthrough
		default:
			have[name] = fmt.Sprintf("%x", sha256.Sum256(data))
		}
	}
	var problems []error
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		switch got, there := have[name]; {
		case !ok:
			problems = append(problems, fmt.Errorf("%s has a line that cannot be read: %q", SumsName, line))
		case !there:
			problems = append(problems, fmt.Errorf("%s is missing", name))
		case got != sum:
			problems = append(problems, fmt.Errorf("%s is not what was kept", name))
		}
		delete(have, name)
	}
	for name := range have {
		problems = append(problems, fmt.Errorf("%s is in the archive and not in %s", name, SumsName))
	}
	pieces, err := parseList(whole)
	if err == nil {
		err = checkChain(whole, pieces)
	}
	return len(pieces), errors.Join(append(problems, err)...)
}

// unpack reads one file of an archive, up to what a piece or a list may have.
func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil && len(data) > MaxSize {
		err = fmt.Errorf("it has more than %d bytes", MaxSize)
	}
	return data, err
}

// checkChain holds every line against the hash in the next one.
func checkChain(whole []byte, pieces []Piece) error {
	before, n := "", 0
	for line := range bytes.Lines(whole) {
		if p := pieces[n]; p.Before != before || p.N != n+1 {
			return fmt.Errorf("the list of evidence was changed before line %d", n+1)
		}
		sum := sha256.Sum256(bytes.TrimSuffix(line, []byte("\n")))
		before = hex.EncodeToString(sum[:])
		n++
	}
	return nil
}
