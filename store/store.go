package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/store/kv"
	"muster/store/kv/bolt"
)

// Limits of one write to the engine. Steps that were handed in at the same time
// share a write up to these; one step is never split. An engine that is kv.Wide
// says itself how many operations it takes.
const (
	MaxOps   = 128
	MaxBytes = 1 << 20
)

// Options are how a store is opened. The zero value is right for a program; it
// only lacks the version of the snapshots.
type Options struct {
	// SnapshotVersion is the shape of snapshots that Load hands out; others are
	// treated as if they were not there.
	SnapshotVersion int
	// Timeout is how long Open waits for another process to let go of the
	// file. 0 means one second.
	Timeout time.Duration
	// NoSync leaves out every fsync: a power cut loses steps that were
	// answered. For tests and simulations only.
	NoSync bool
	// Epoch ends the IDs of the deliveries that are added while the store is
	// open; empty: nothing does. A file that came out of a backup gives the
	// numbers of before again, while the messages of before still stand in
	// Slack: with another Epoch at every Open none is taken for a new one.
	Epoch string
}

// Store is the durable side of the program. All methods may be used by several
// goroutines at once; none holds a transaction while it waits.
type Store struct {
	engine kv.Engine
	opt    Options

	mu     sync.Mutex
	queue  []*job
	closed bool
	fault  error // broken or full; nil: healthy
	wake   chan struct{}
	done   chan struct{}

	position uint64 // the writer's: next position in the log and the outbox
	commits  uint64 // writes to the engine so far, under mu
}

// Open opens the file at path, creates it when it is missing (not its folder),
// brings an older one to the current shape after keeping a copy beside it, and
// gives room back when more than half of it is free. Who has it open is noted
// in path + ".owner".
//
// Its errors are ErrInUse, ErrDamaged, ErrNewer, ErrFull, or name what the
// operating system refused.
func Open(path string, opt Options) (*Store, error) {
	if opt.Timeout == 0 {
		opt.Timeout = time.Second
	}
	db, err := bolt.Open(path, bolt.Options{Timeout: opt.Timeout, NoSync: opt.NoSync, AppendOnly: []byte{spaceLog}})
	if err != nil {
		return nil, err
	}
	s, err := On(db, opt)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return s, nil
}

// Memory is a store without a file, for tests and trials.
func Memory() *Store {
	s, err := On(&kv.Memory{}, Options{})
	if err != nil {
		panic(err)
	}
	return s
}

// On is a store on an engine of the caller's, which Close closes. An engine
// that is empty becomes a store of the current shape.
func On(engine kv.Engine, opt Options) (*Store, error) {
	if err := migrate(engine); err != nil {
		return nil, err
	}
	s := &Store{engine: engine, opt: opt, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := s.findPosition(); err != nil {
		return nil, err
	}
	go s.write()
	return s, nil
}

// findPosition continues after the last record and the last delivery.
func (s *Store) findPosition() error {
	s.position = 1
	last := kv.Prefix([]byte{spaceLog})
	last.Reverse = true
	err := s.engine.Scan(last, func(k, _ []byte) bool {
		s.position = logPosition(k) + 1
		return false
	})
	if err != nil {
		return err
	}
	var broken error
	err = s.engine.Scan(kv.Prefix([]byte{spaceOutbox}), func(k, v []byte) bool {
		d := decoder{b: v}
		d.shape(shapeDelivery)
		s.position = max(s.position, d.uint()+1)
		if d.err != nil {
			broken = damaged("delivery %q: %w", k[1:], d.err)
		}
		return broken == nil
	})
	return errors.Join(err, broken)
}

// Healthy is nil while steps can be committed. Otherwise it is the error that
// Commit answers with: ErrBroken until the store is opened again, ErrFull until
// a commit has found room, ErrClosed.
func (s *Store) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.fault
}

// Commits counts the writes to the engine since Open; with several callers it
// is smaller than the count of their steps.
func (s *Store) Commits() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

// Close finishes the steps that were handed in, then closes the file. Steps
// that come later get ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	s.poke()
	<-s.done
	if already {
		return nil
	}
	return s.engine.Close()
}

// Get is the small value under a name, and whether there is one.
func (s *Store) Get(name string) (value []byte, found bool, err error) {
	return kv.Get(s.engine, key(spaceValues, "u"+name))
}

// Put keeps a small value under a name; nil removes it. The last one wins.
func (s *Store) Put(ctx context.Context, name string, value []byte) error {
	if err := checkName("the name of a value", name); err != nil {
		return err
	}
	_, err := s.do(ctx, func(d *draft) (Committed, error) {
		if value == nil {
			d.delete(key(spaceValues, "u"+name))
		} else {
			d.put(key(spaceValues, "u"+name), value)
		}
		return Committed{}, nil
	})
	return err
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w; restore it from a backup", ErrDamaged, fmt.Errorf(format, args...))
}
