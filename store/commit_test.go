package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"muster/store/kv"
)

// moody is an engine that fails when told to.
type moody struct {
	kv.Memory
	mu     sync.Mutex
	fail   error
	writes int
	most   int // operations in one write
}

func (m *moody) Commit(batch []kv.Op, only []kv.If) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	m.most = max(m.most, len(batch))
	if m.fail != nil {
		return m.fail
	}
	return m.Memory.Commit(batch, only)
}

func (m *moody) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func note(stream string, seq uint64) Step {
	return Step{Stream: stream, Expect: seq, Records: []Record{{Kind: "note", Body: []byte("{}")}}}
}

// TestOneWriteForAll: whatever waits while the writer is busy shares a write, up
// to the limits.
func TestOneWriteForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &moody{}
		s, err := On(engine, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range []struct{ callers, writes int }{{1, 1}, {40, 1}, {64, 1}, {65, 2}, {300, 5}} {
			release := make(chan struct{})
			var group sync.WaitGroup
			group.Go(func() {
				_, err := s.Commit(t.Context(), Step{New: "INC-", Write: func(string) (Step, error) {
					<-release
					return Step{}, errors.New("only to keep the writer busy")
				}})
				if err == nil {
					t.Error("it was written")
				}
			})
			synctest.Wait()
			before := engine.writes
			for n := range c.callers {
				stream := strings.Repeat("x", n+1)
				loaded, err := s.Load(stream)
				if err != nil {
					t.Fatal(err)
				}
				group.Go(func() {
					if _, err := s.Commit(t.Context(), note(stream, loaded.Seq)); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			close(release)
			group.Wait()
			if got := engine.writes - before; got != c.writes {
				t.Errorf("%d callers took %d writes, want %d", c.callers, got, c.writes)
			}
		}
		if engine.most > MaxOps {
			t.Errorf("one write had %d operations", engine.most)
		}
	})
}

// TestAnswerAfterWrite: a refusal that rests on a step in the same write is not
// told before that step is on disk, and is not told when it never gets there.
func TestAnswerAfterWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &moody{}
		s, err := On(engine, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		release := make(chan struct{})
		go s.Commit(t.Context(), Step{New: "INC-", Write: func(string) (Step, error) {
			<-release
			return Step{}, errors.New("busy")
		}})
		synctest.Wait()
		engine.set(kv.ErrFull)
		answers := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := s.Commit(t.Context(), Step{Request: &Request{Key: "env", Reply: []byte("done")}})
				answers <- err
			}()
		}
		synctest.Wait()
		close(release)
		for range 2 {
			if err := <-answers; !errors.Is(err, ErrFull) {
				t.Errorf("got %v, though nothing was written", err)
			}
		}
		engine.set(nil)
		if _, err := s.Commit(t.Context(), Step{Request: &Request{Key: "env"}}); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

// TestBrokenIsForGood: after a write of unknown outcome nothing more is taken,
// also when the engine would.
func TestBrokenIsForGood(t *testing.T) {
	engine := &moody{}
	s, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Commit(ctx, note("a", 0)); err != nil {
		t.Fatal(err)
	}
	engine.set(errors.New("fdatasync: input/output error"))
	_, first := s.Commit(ctx, note("a", 1))
	if !errors.Is(first, ErrBroken) {
		t.Fatalf("got %v", first)
	}
	engine.set(nil)
	if _, err := s.Commit(ctx, note("a", 1)); !errors.Is(err, ErrBroken) || err.Error() != first.Error() {
		t.Errorf("then %v", err)
	}
	if err := s.Put(ctx, "x", nil); !errors.Is(err, ErrBroken) {
		t.Errorf("a value: %v", err)
	}
	if err := s.Healthy(); !errors.Is(err, ErrBroken) {
		t.Errorf("healthy: %v", err)
	}
	if records, err := s.Records("a", 0); err != nil || len(records) != 1 {
		t.Errorf("reading on: %v %v", records, err)
	}
}

// TestAnotherWriter: an engine that others write too refuses by precondition;
// that is a conflict, and the store goes on from what is there.
func TestAnotherWriter(t *testing.T) {
	engine := &kv.Memory{}
	a, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx := context.Background()
	for seq := range uint64(20) {
		writer := a
		if seq%3 == 0 {
			writer = b
		}
		for {
			_, err := writer.Commit(ctx, note("shared", seq))
			if err == nil {
				break
			}
			if !errors.Is(err, ErrConflict) {
				t.Fatal(err)
			}
		}
	}
	if err := a.Verify(); err != nil {
		t.Fatal(err)
	}
	if loaded, err := b.Load("shared"); err != nil || loaded.Seq != 20 {
		t.Errorf("%+v %v", loaded, err)
	}
}

// TestMostOperations: the limit counts operations, also where a step has few
// preconditions.
func TestMostOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &moody{}
		s, err := On(engine, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		release := make(chan struct{})
		go s.Commit(t.Context(), Step{New: "INC-", Write: func(string) (Step, error) {
			<-release
			return Step{}, errors.New("busy")
		}})
		synctest.Wait()
		var group sync.WaitGroup
		for range 2*MaxOps + 1 {
			group.Go(func() {
				if err := s.Put(t.Context(), "name", []byte("v")); err != nil {
					t.Error(err)
				}
			})
		}
		before := engine.writes
		synctest.Wait()
		close(release)
		group.Wait()
		if got := engine.writes - before; got != 3 || engine.most != MaxOps {
			t.Errorf("%d writes of up to %d operations", got, engine.most)
		}
	})
}

// TestOneSnapshot: a stream has one, wherever it has been.
func TestOneSnapshot(t *testing.T) {
	engine := &kv.Memory{}
	s, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for seq, hot := range []*bool{nil, new(true), nil, new(false), new(true)} {
		step := note("a", uint64(seq))
		step.Hot = hot
		if seq < 3 {
			step.Snapshot = []byte("fold")
		}
		if _, err := s.Commit(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, space := range []byte{spaceHotFolds, spaceColdFolds} {
			err := engine.Scan(kv.Prefix([]byte{space}), func(_, _ []byte) bool {
				n++
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := 1
		if seq >= 3 { // it went cold
			want = 0
		}
		if n != want {
			t.Errorf("after record %d there are %d snapshots, want %d", seq+1, n, want)
		}
	}
}

// TestForgedRecord: who changes a record, and its own mark with it, breaks the
// link to the one after it.
func TestForgedRecord(t *testing.T) {
	engine := &kv.Memory{}
	s, err := On(engine, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for seq := range uint64(5) {
		if _, err := s.Commit(t.Context(), note("a", seq)); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Records("a", 0)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(seq uint64) {
		t.Helper()
		e := entry{Record: records[seq-1], back: seq - 1}
		e.Body = []byte(`{"by":"somebody else"}`)
		e.link(e.Prev)
		e.mark = [markLen]byte(e.Hash[:])
		if err := engine.Commit([]kv.Op{{Key: logKey(seq), Value: e.encode(seq)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var link *BrokenLink
	forge(5)
	if err := s.Verify(); !errors.As(err, &link) || link.Seq != 5 {
		t.Errorf("the last one forged: %v", err)
	}
	forge(2)
	if err := s.Verify(); !errors.As(err, &link) || link.Seq != 3 {
		t.Errorf("one in the middle forged: %v", err)
	}
	if _, err := s.Records("a", 0); !errors.As(err, &link) || link.Seq != 3 {
		t.Errorf("reading it: %v", err)
	}
}
