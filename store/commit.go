package store

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"muster/store/kv"
)

// job is one change that waits for the writer.
type job struct {
	apply func(*draft) (Committed, error)
	reply chan struct{} // closed when the two below are set
	done  Committed
	err   error
}

func (j *job) answer(err error) {
	if err != nil {
		j.err = err
	}
	close(j.reply)
}

// Commit makes one step durable. It returns after the fsync, which it shares
// with whatever else waits at that moment; a step that is refused does not
// spoil the others. The context ends only the wait for the writer's turn: once
// the step is being written, Commit stays until the outcome is known.
//
// Refusals are ErrRepeated (with Committed.Reply), ErrConflict, ErrGone and
// ErrInvalid. ErrFull means that nothing was written; ErrBroken that it is not
// known what was, which only opening the file again can tell.
func (s *Store) Commit(ctx context.Context, step Step) (Committed, error) {
	return s.do(ctx, func(d *draft) (Committed, error) { return d.apply(step) })
}

func (s *Store) do(ctx context.Context, apply func(*draft) (Committed, error)) (Committed, error) {
	if ctx.Err() != nil {
		return Committed{}, fmt.Errorf("waiting to write: %w", context.Cause(ctx))
	}
	j := &job{apply: apply, reply: make(chan struct{})}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return Committed{}, ErrClosed
	case errors.Is(s.fault, ErrBroken):
		defer s.mu.Unlock()
		return Committed{}, s.fault
	}
	s.queue = append(s.queue, j)
	s.mu.Unlock()
	s.poke()
	select {
	case <-j.reply:
	case <-ctx.Done():
		if s.withdraw(j) {
			return Committed{}, fmt.Errorf("waiting to write: %w", context.Cause(ctx))
		}
		<-j.reply
	}
	return j.done, j.err
}

// withdraw takes a job back if the writer does not have it yet.
func (s *Store) withdraw(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, waiting := range s.queue {
		if waiting == j {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			return true
		}
	}
	return false
}

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write is the only goroutine that writes. It takes whatever waits, checks each
// job on top of those before it, writes them together and answers each.
func (s *Store) write() {
	defer close(s.done)
	for range s.wake {
		for {
			s.mu.Lock()
			jobs, closed := s.queue, s.closed
			s.queue = nil
			s.mu.Unlock()
			if len(jobs) == 0 {
				if closed {
					return
				}
				break
			}
			for len(jobs) > 0 {
				jobs = s.writeSome(jobs)
			}
		}
	}
}

// writeSome writes one batch and returns the jobs that did not fit in. Refusals
// wait for the batch too: they may rest on a step that is only in it.
func (s *Store) writeSome(jobs []*job) (rest []*job) {
	if err := s.Healthy(); errors.Is(err, ErrBroken) {
		for _, j := range jobs {
			j.answer(err)
		}
		return nil
	}
	b := batch{base: map[string][]byte{}, most: s.mostOps()}
	position := s.position
	taken := 0
	for _, j := range jobs {
		d := &draft{engine: s.engine, base: b.base, own: map[string][]byte{}, position: position, epoch: s.opt.Epoch}
		j.done, j.err = j.apply(d)
		if j.err == nil {
			if taken > 0 && !b.fits(d) {
				j.done, j.err = Committed{}, nil
				break
			}
			b.add(d)
			position = d.position
		}
		taken++
	}
	err := s.commit(&b)
	if err == nil {
		s.position = position
	}
	for _, j := range jobs[:taken] {
		if err != nil {
			j.done = Committed{}
		}
		j.answer(err)
	}
	return jobs[taken:]
}

// commit hands the batch to the engine and remembers how it went.
func (s *Store) commit(b *batch) error {
	if len(b.ops) == 0 {
		return nil
	}
	err := s.engine.Commit(b.ops, b.only)
	switch {
	case err == nil, errors.Is(err, ErrFull):
	case errors.Is(err, kv.ErrChanged):
		err = fmt.Errorf("%w: %w", ErrConflict, err)
		if found := s.findPosition(); found != nil {
			err = fmt.Errorf("%w: %w", ErrBroken, found)
		}
	case !errors.Is(err, ErrBroken):
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	if !errors.Is(err, ErrConflict) {
		s.fault = err
	}
	return err
}

// batch is what goes to the engine in one write.
type batch struct {
	base map[string][]byte
	ops  []kv.Op
	only []kv.If
	size int
	most int // operations and preconditions that the engine takes
}

func (s *Store) mostOps() int {
	if wide, ok := s.engine.(kv.Wide); ok {
		return wide.MostOps()
	}
	return MaxOps
}

func (b *batch) fits(d *draft) bool {
	return len(b.ops)+len(d.ops) <= b.most && len(b.only)+len(d.only) <= b.most && b.size+d.size <= MaxBytes
}

func (b *batch) add(d *draft) {
	maps.Copy(b.base, d.own)
	b.ops = append(b.ops, d.ops...)
	b.only = append(b.only, d.only...)
	b.size += d.size
}
