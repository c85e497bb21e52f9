package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"muster/store/kv"
	"muster/store/kv/bolt"
)

// BackupFile writes a copy of everything that was committed when it was called
// to path, while steps go on. Under that name there is either what was there
// before or the whole copy, also after a power cut. The copy is a store: to
// restore it, put it in the place of the file and start.
func (s *Store) BackupFile(ctx context.Context, path string) error {
	err := bolt.WriteFile(path, func(f *os.File) error { return s.copyTo(ctx, f) })
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Backup is BackupFile to a writer. It goes through a temporary file, so that a
// slow reader stops nobody.
func (s *Store) Backup(ctx context.Context, w io.Writer) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("backup: %w", err)
		}
	}()
	f, err := os.CreateTemp("", "muster-backup-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := s.copyTo(ctx, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, contextReader{ctx, f})
	return err
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

func (s *Store) copyTo(ctx context.Context, f *os.File) error {
	copier, ok := s.engine.(kv.Copier)
	if !ok {
		return errors.New("this engine has no file to copy")
	}
	return copier.CopyTo(ctx, f)
}
