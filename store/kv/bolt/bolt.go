// Package bolt is the key-value engine on one bbolt file: it opens it safely,
// writes it durably, and says in a sentence what is wrong with it.
//
// It never knows what the keys and values mean, and never repairs by guessing.
package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"

	"muster/store/kv"
)

// Options are how a file is opened.
type Options struct {
	// Timeout is how long to wait for another process that has the file.
	Timeout time.Duration
	// AppendOnly are the spaces whose keys only ever grow; their pages are
	// filled to the brim.
	AppendOnly []byte
	// NoSync leaves out fsync. For tests only.
	NoSync bool
}

const (
	// mapSize is address space, not memory: while the file is smaller, it never
	// has to be mapped again, so a long read (a backup) stops no writer.
	mapSize = 1 << 30
	// pageSize is that of new files, in bytes: a page of the log that is full
	// leaves room for two records, which is a fifth of a page of 4 KiB.
	pageSize = 8 << 10
	// allocSize is by how much the file grows at a time, in bytes.
	allocSize = 4 << 20
	// syncedFree is up to how many free pages (8 bytes each) the list of them is
	// written with every commit. With it the file opens without reading all of
	// it; a longer one would cost more than the commit itself.
	syncedFree = 1024
	// fileMode keeps the history from other users.
	fileMode = 0o600
)

// DB is one open file. It implements kv.Engine, kv.Rewriter and kv.Copier.
type DB struct {
	path  string
	opt   Options
	owner *owner
	doubt error // what was wrong at open

	// mu is held for reading while bolt is used, and for writing while it is
	// replaced.
	mu     sync.RWMutex
	bolt   *bbolt.DB
	closed bool

	// state guards what went wrong for good.
	state  sync.Mutex
	broken error
	wedged bool // bbolt kept its locks in a panic; closing it would hang
}

// mostOps keeps one transaction short enough that nobody waits for it.
const mostOps = 1024

// MostOps is how many operations one Commit takes.
func (d *DB) MostOps() int { return mostOps }

// Doubt says that the file was opened without one of its two meta pages, which
// no kill leaves behind; nil: it has both.
func (d *DB) Doubt() error { return d.doubt }

// Open opens or creates the file, after checking whatever would make bbolt
// panic, and compacts it when more than half of it is free.
func Open(path string, opt Options) (*DB, error) {
	own, err := own(path, opt.Timeout)
	if err != nil {
		return nil, err
	}
	d := &DB{path: path, opt: opt, owner: own}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, own.release())
	}
	if err := d.compact(); err != nil {
		return nil, errors.Join(fmt.Errorf("compacting %s (nothing was changed): %w", path, err), d.Close())
	}
	return d, nil
}

func (d *DB) open() error {
	if err := os.Remove(d.path + newSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return sentence("remove what an interrupted run left in", d.path+newSuffix, err)
	}
	info, err := os.Stat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := d.create(); err != nil {
			return sentence("create", d.path, err)
		}
	case err != nil:
		return sentence("open", d.path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("open %s: it is not a plain file; name the file of the store", d.path)
	}
	warm(d.path)
	// bbolt trusts its file: what is wrong there could end the program, in a
	// goroutine whose panic nobody can recover or in a tree without an end.
	spare, err := check(d.path)
	if err != nil {
		return err
	}
	if spare != nil {
		d.doubt = damaged(d.path, "one of the two pages that it begins with cannot be read (%w), so that the last write may be missing", spare)
	}
	d.bolt, err = openBolt(d.path, d.opt)
	return err
}

// warm asks the system to read the file ahead, in order; page by page, in the
// order of the tree, it would take ten times as long. It is advice, so that it
// fails does not matter.
func warm(path string) {
	const step, most = 4 << 20, 2 << 30
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() > most {
		return
	}
	for at := int64(0); at < info.Size(); at += step {
		if unix.Fadvise(int(f.Fd()), at, step, unix.FADV_WILLNEED) != nil {
			return
		}
	}
}

// create makes an empty file under another name first, so that there is never
// half a file under its own.
func (d *DB) create() error {
	db, err := openBolt(d.path+newSuffix, d.opt)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	return d.moveIn()
}

func openBolt(path string, opt Options) (db *bbolt.DB, err error) {
	defer faults()()
	defer guard(path, &err, nil)
	db, err = bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout:         max(opt.Timeout, time.Millisecond),
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true,
		NoSync:          opt.NoSync,
		InitialMmapSize: mapSize,
		PageSize:        pageSize,
	})
	switch {
	case err == nil:
		db.AllocSize = allocSize
		return db, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%w: another program has %s locked; end it first", kv.ErrInUse, path)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, damaged(path, "%w", err)
	}
	return nil, sentence("open", path, err)
}

// Commit implements kv.Engine.
func (d *DB) Commit(batch []kv.Op, only []kv.If) (err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return kv.ErrClosed
	}
	if err := d.brokenBy(nil); err != nil {
		return err
	}
	defer func() {
		if errors.Is(err, kv.ErrDamaged) {
			err = d.brokenBy(err)
		}
	}()
	defer faults()()
	defer guard(d.path, &err, d.wedge)
	tx, err := d.bolt.Begin(true)
	if err != nil {
		return d.brokenBy(err)
	}
	for _, c := range only {
		if !holds(tx, c) {
			return errors.Join(kv.ErrChanged, tx.Rollback())
		}
	}
	for _, op := range batch {
		if err := d.apply(tx, op); err != nil {
			return d.brokenBy(errors.Join(err, tx.Rollback()))
		}
	}
	d.bolt.NoFreelistSync = d.bolt.Stats().FreePageN > syncedFree
	before := tx.ID() - 1
	if err := tx.Commit(); err != nil {
		if d.untouched(before, err) {
			return fmt.Errorf("%w: nothing was written to %s; make room, it goes on by itself", kv.ErrFull, d.path)
		}
		return d.brokenBy(err)
	}
	return nil
}

func holds(tx *bbolt.Tx, c kv.If) bool {
	var v []byte
	if b := tx.Bucket(c.Key[:1]); b != nil {
		v = b.Get(c.Key)
	}
	return (v == nil) == (c.Value == nil) && bytes.Equal(v, c.Value)
}

func (d *DB) apply(tx *bbolt.Tx, op kv.Op) error {
	space := op.Key[:1]
	b := tx.Bucket(space)
	if b == nil {
		if op.Delete {
			return nil
		}
		var err error
		if b, err = tx.CreateBucket(space); err != nil {
			return err
		}
	}
	if bytes.IndexByte(d.opt.AppendOnly, space[0]) >= 0 {
		b.FillPercent = 1
	}
	if op.Delete {
		return b.Delete(op.Key)
	}
	return b.Put(op.Key, op.Value)
}

// untouched proves that a failed commit has left the file as it was: the disk
// was full while pages that nothing refers to were written, and the page that
// would have put them in force is still the one of the commit before.
func (d *DB) untouched(before int, failure error) bool {
	var write *fs.PathError
	if !errors.As(failure, &write) || write.Op != "write" ||
		!errors.Is(failure, syscall.ENOSPC) && !errors.Is(failure, syscall.EDQUOT) {
		return false
	}
	tx, err := d.bolt.Begin(false)
	if err != nil {
		return false
	}
	same := tx.ID() == before
	return tx.Rollback() == nil && same
}

// brokenBy remembers the first failure for good and returns what to say from
// then on; without a failure it returns what is remembered.
func (d *DB) brokenBy(failure error) error {
	d.state.Lock()
	defer d.state.Unlock()
	if d.broken == nil && failure != nil {
		d.broken = fmt.Errorf("%w to %s: %w; what was last handed in may or may not be kept: see to the disk, then start again", kv.ErrBroken, d.path, failure)
	}
	return d.broken
}

func (d *DB) wedge() {
	d.state.Lock()
	defer d.state.Unlock()
	d.wedged = true
}

// CopyTo implements kv.Copier. The transaction is open while w takes the file:
// give it a file, not a network.
func (d *DB) CopyTo(ctx context.Context, w io.Writer) (err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return kv.ErrClosed
	}
	defer faults()()
	defer guard(d.path, &err, nil)
	tx, err := d.bolt.Begin(false)
	if err != nil {
		return sentence("read", d.path, err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if _, err = tx.WriteTo(untilDone{ctx, w}); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u untilDone) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.w.Write(p)
}

// Close implements kv.Engine.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	var err error
	d.state.Lock()
	wedged := d.wedged
	d.state.Unlock()
	if d.bolt != nil && !wedged {
		err = d.bolt.Close()
	}
	return errors.Join(err, d.owner.release())
}
