package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Copy writes all evidence into a directory that is not there yet, also while
// another process keeps more, and gives the number of pieces. Nothing to copy
// makes no directory. The error names everything that could not be copied
// because it is missing or is not what was kept; the rest is there.
func (s *Store) Copy(ctx context.Context, dir string) (int, error) {
	all, err := s.Incidents()
	if err != nil || len(all) == 0 {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return 0, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	to := Open(dir, s.now)
	n := 0
	var problems []error
	for _, incident := range all {
		copied, err := s.copyOne(ctx, to, incident)
		n += copied
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", incident, err))
		}
	}
	return n, errors.Join(problems...)
}

// copyOne writes the pieces first and their list last, as Put does.
func (s *Store) copyOne(ctx context.Context, to *Store, incident string) (int, error) {
	from, err := s.listFile(incident)
	if err != nil {
		return 0, err
	}
	pieces, whole, err := readList(from)
	if err != nil {
		return 0, err
	}
	n := 0
	var problems []error
	for _, p := range pieces {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		data, err := s.content(p.Ref)
		if err == nil {
			err = keep(to.object(p.SHA256), data)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		n++
	}
	list, err := to.listFile(incident)
	if err == nil {
		err = keepList(list, whole)
	}
	return n, errors.Join(append(problems, err)...)
}

func keepList(list string, whole []byte) error {
	if err := os.MkdirAll(filepath.Dir(list), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(list, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(whole)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(list)))
}
