package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"muster/store/kv"
)

// newSuffix names the file that is being built to take the place of the store.
const newSuffix = ".new"

// compactFrom is the size in bytes below which free space is not worth giving
// back.
const compactFrom = 8 << 20

// compact gives free pages back when they are more than half of the file.
func (d *DB) compact() error {
	var size int64
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	})
	if err != nil {
		return err
	}
	free := int64(d.bolt.Stats().FreePageN) * int64(d.bolt.Info().PageSize)
	if size < compactFrom || free*2 <= size {
		return nil
	}
	return d.Rewrite("", kv.Copy)
}

// Rewrite implements kv.Rewriter: a new file is filled, synced and renamed over
// the old one.
func (d *DB) Rewrite(keep string, fill func(from, to kv.Engine) error) error {
	if keep != "" {
		if err := d.copyFile(d.path + keep); err != nil {
			return fmt.Errorf("keeping a copy in %s: %w", d.path+keep, err)
		}
	}
	fresh := d.path + newSuffix
	if err := d.fill(fresh, fill); err != nil {
		if gone := os.Remove(fresh); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.moveIn(); err != nil {
		return err
	}
	if err := d.bolt.Close(); err != nil {
		return err
	}
	var err error
	d.bolt, err = openBolt(d.path, d.opt)
	if err != nil {
		d.closed = true
		return errors.Join(err, d.owner.release())
	}
	return nil
}

// fill writes without fsync, which comes once at the end.
func (d *DB) fill(path string, fill func(from, to kv.Engine) error) error {
	opt := d.opt
	opt.NoSync = true
	bolt, err := openBolt(path, opt)
	if err != nil {
		return err
	}
	to := &DB{path: path, opt: opt, bolt: bolt}
	to.opt.AppendOnly = everySpace()
	err = fill(d, to)
	if err == nil {
		err = bolt.Sync()
	}
	return errors.Join(err, bolt.Close())
}

// everySpace: what is copied comes in order.
func everySpace() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

// moveIn puts the new file in the place of the store, durably.
func (d *DB) moveIn() error {
	return Replace(d.path+newSuffix, d.path)
}

func (d *DB) copyFile(path string) error {
	return WriteFile(path, func(f *os.File) error { return d.CopyTo(context.Background(), f) })
}

// WriteFile writes a file so that under its name there is, at every moment and
// after a power cut, either what was there before or all of the new one.
func WriteFile(path string, write func(*os.File) error) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return sentence("create", part, err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = Replace(part, path)
	}
	if err != nil {
		return errors.Join(sentence("write", part, err), os.Remove(part))
	}
	return nil
}

// Replace renames a file over another one and syncs the folder.
func Replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
