package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"muster/outbox"
	"muster/store"
	"muster/store/storetest"
)

// says fails unless the error is of a kind and its text has all the parts.
func says(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("not one sentence: %q", err)
	}
}

// history is a file with some streams.
func history(t testing.TB, streams int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster.db")
	s := open(t, path)
	for n := range streams {
		step := storetest.Declare()
		step.Deliver = []outbox.Delivery{{Kind: "card"}}
		stream := storetest.Commit(t, s, step).Stream
		for seq := range uint64(5) {
			storetest.Commit(t, s, store.Step{Stream: stream, Expect: seq + 1, Records: []store.Record{{At: storetest.At, Kind: "note", Body: typical(n)}}})
		}
	}
	shut(t, s)
	return path
}

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{SnapshotVersion: 1, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func shut(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// edit changes the file behind the store's back.
func edit(t testing.TB, path string, change func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(change); err != nil {
		t.Fatal(err)
	}
}

func TestSecondProcess(t *testing.T) {
	path := history(t, 1)
	s := open(t, path)
	if out := startOrFail(t, path); !strings.Contains(out, fmt.Sprintf("held by process %d on ", os.Getpid())) {
		t.Fatalf("the second process says %q", out)
	}
	begin := time.Now()
	_, err := store.Open(path, store.Options{Timeout: 50 * time.Millisecond})
	says(t, err, store.ErrInUse, path, "end that process")
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("it waited %v only", took)
	}
	var later *store.Store
	var group sync.WaitGroup
	group.Go(func() { later, err = store.Open(path, store.Options{Timeout: time.Minute}) })
	shut(t, s)
	group.Wait()
	if err != nil {
		t.Fatalf("when the first one lets go: %v", err)
	}
	shut(t, later)
}

func startOrFail(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), startEnv+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	_, err := store.Open(filepath.Join(dir, "none", "muster.db"), store.Options{})
	says(t, err, os.ErrNotExist, "create the folder first")
	_, err = store.Open(dir, store.Options{})
	if err == nil || !strings.Contains(err.Error(), "not a plain file") {
		t.Errorf("a folder in its place: %v", err)
	}
	if os.Getuid() != 0 {
		closed := filepath.Join(dir, "closed")
		if err := os.Mkdir(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		_, err = store.Open(filepath.Join(closed, "muster.db"), store.Options{})
		says(t, err, os.ErrPermission, "let this user")
	}
}

func TestPrivate(t *testing.T) {
	path := history(t, 1)
	for _, name := range []string{path, path + ".owner"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestNewerVersion(t *testing.T) {
	path := history(t, 1)
	edit(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("v")).Put([]byte("vs"), []byte("99"))
	})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(path, store.Options{})
	says(t, err, store.ErrNewer, path, "99", fmt.Sprint(store.Schema+1))
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was touched: %v", err)
	}
}

func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	edit(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("users"))
		if err != nil {
			return err
		}
		return b.Put([]byte("u1"), []byte("x"))
	})
	_, err := store.Open(path, store.Options{})
	says(t, err, store.ErrDamaged, "not a file of Muster")
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a store\n"), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(text, store.Options{})
	says(t, err, store.ErrDamaged, "does not begin like a store")
}

func TestTruncated(t *testing.T) {
	path := history(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 100, 4096, 8192, 16384, len(whole) / 20, len(whole) / 8} {
		cut := filepath.Join(t.TempDir(), "muster.db")
		if err := os.WriteFile(cut, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(cut, store.Options{})
		says(t, err, store.ErrDamaged, cut, "restore it from a backup")
		if after, err := os.ReadFile(cut); err != nil || len(after) != size {
			t.Errorf("cut to %d bytes: the file was touched: %v", size, err)
		}
	}
}

const damageRounds = 60

// TestDamaged changes bytes at random. Whatever happens, it is an answer or an
// error, and what is answered is what was written.
func TestDamaged(t *testing.T) {
	path := history(t, 60)
	// The list of free pages is dropped half of the time, so that the whole tree
	// is read at open.
	unsynced := filepath.Join(t.TempDir(), "unsynced.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(unsynced, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(unsynced, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("v")).Put([]byte("vux"), []byte("x")) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(unsynced)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	want, err := s.Records("INC-7", 0)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for round := range damageRounds {
		b := bytes.Clone(whole)
		if round%2 == 0 {
			b = bytes.Clone(other)
		}
		end := bytes.LastIndexFunc(b, func(c rune) bool { return c != 0 }) + 1
		for range 1 + r.IntN(4) {
			at := r.IntN(end)
			if round%3 == 0 {
				at = at &^ 4095 & (1<<30 - 1) // headers of pages
				at += r.IntN(64)
			}
			switch r.IntN(3) {
			case 0:
				b[at] ^= 1 << r.IntN(8)
			case 1:
				binary.LittleEndian.PutUint32(b[at:], r.Uint32())
			case 2:
				n := min(4096, len(b)-at)
				clear(b[at : at+n])
			}
		}
		bad := filepath.Join(t.TempDir(), "muster.db")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := use(bad, want); err != nil {
			found++
			if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrBroken) && !errors.Is(err, store.ErrNewer) && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrInvalid) {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
	t.Logf("%d of %d damaged files were noticed", found, damageRounds)
}

// use does a bit of everything with a file.
func use(path string, want []store.Record) error {
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		return err
	}
	defer s.Close()
	records, err := s.Records("INC-7", 0)
	if err == nil && len(records) > 0 && fmt.Sprint(records) != fmt.Sprint(want[:min(len(want), len(records))]) {
		return fmt.Errorf("records that nobody wrote: %v", records)
	}
	_, pending := s.Pending()
	_, hot := s.Hot()
	for _, err := range s.Summaries("") {
		hot = errors.Join(hot, err)
	}
	verify := s.Verify()
	_, commit := s.Commit(context.Background(), storetest.Declare())
	return errors.Join(err, pending, hot, verify, commit)
}

// TestTampering names the record that somebody changed behind the store's back.
func TestTampering(t *testing.T) {
	log := func(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte("l")) }
	at := func(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte("l"), n) }
	// With one delivery for each first record, stream n begins at 7n-6.
	for _, c := range []struct {
		name   string
		change func(*bbolt.Tx) error
		want   string
	}{
		{"a body", func(tx *bbolt.Tx) error {
			v := bytes.Clone(log(tx).Get(at(10)))
			v[len(v)-3] ^= 1
			return log(tx).Put(at(10), v)
		}, "INC-2 record 2 was altered"},
		{"a record in the middle", func(tx *bbolt.Tx) error { return log(tx).Delete(at(11)) }, "INC-2 record 3 is missing"},
		{"the last record", func(tx *bbolt.Tx) error { return log(tx).Delete(at(14)) }, "INC-2 record 6 is missing"},
		{"the last record, with an older head", func(tx *bbolt.Tx) error {
			heads := tx.Bucket([]byte("h"))
			v := bytes.Clone(heads.Get([]byte("hINC-\x012")))
			v[1], v[2] = 5, 13
			return errors.Join(log(tx).Delete(at(14)), heads.Put([]byte("hINC-\x012"), v))
		}, "INC-2 record 5 is not the one that the stream ends with"},
		{"two records swapped", func(tx *bbolt.Tx) error {
			a, b := bytes.Clone(log(tx).Get(at(11))), bytes.Clone(log(tx).Get(at(12)))
			return errors.Join(log(tx).Put(at(11), b), log(tx).Put(at(12), a))
		}, "INC-2 record 3 is missing"},
		{"a stream as a whole", func(tx *bbolt.Tx) error { return tx.Bucket([]byte("h")).Delete([]byte("hINC-\x013")) }, "INC-3 is gone"},
		{"a head", func(tx *bbolt.Tx) error { return tx.Bucket([]byte("h")).Put([]byte("hINC-\x013"), []byte{9}) }, "INC-3 has a head that cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := history(t, 3)
			edit(t, path, c.change)
			s := open(t, path)
			err := s.Verify()
			says(t, err, store.ErrDamaged, c.want)
			var link *store.BrokenLink
			if !errors.As(err, &link) {
				t.Errorf("%T is no broken link", err)
			}
			if _, err := s.Records("INC-1", 0); err != nil {
				t.Errorf("a stream that is well: %v", err)
			}
			if link != nil && link.Seq > 0 {
				_, err := s.Load(link.Stream)
				says(t, err, store.ErrDamaged, link.Stream)
			}
		})
	}
}

func TestBackupUnderLoad(t *testing.T) {
	path := history(t, 20)
	s := open(t, path)
	ctx, stop := context.WithCancel(context.Background())
	var mu sync.Mutex
	acknowledged := map[string]uint64{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			stream, seq := storetest.Commit(t, s, storetest.Declare()).Stream, uint64(1)
			for ctx.Err() == nil {
				storetest.Commit(t, s, store.Step{Stream: stream, Expect: seq, Records: []store.Record{storetest.Fact("note", `{}`)}})
				seq++
				mu.Lock()
				acknowledged[stream] = seq
				mu.Unlock()
			}
		})
	}
	for round := range 5 {
		mu.Lock()
		before := map[string]uint64{}
		for stream, seq := range acknowledged {
			before[stream] = seq
		}
		mu.Unlock()
		to := filepath.Join(t.TempDir(), "backup.db")
		if round%2 == 0 {
			if err := s.BackupFile(ctx, to); err != nil {
				t.Fatal(err)
			}
		} else {
			var b bytes.Buffer
			if err := s.Backup(ctx, &b); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		restored := open(t, to)
		if err := restored.Verify(); err != nil {
			t.Fatal(err)
		}
		for stream, seq := range before {
			if loaded, err := restored.Load(stream); err != nil || loaded.Seq < seq {
				t.Fatalf("%s was acknowledged up to %d and restored up to %d: %v", stream, seq, loaded.Seq, err)
			}
		}
		storetest.Commit(t, restored, storetest.Declare())
		shut(t, restored)
	}
	stop()
	group.Wait()
	if err := s.BackupFile(ctx, filepath.Join(t.TempDir(), "late.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that was called off: %v", err)
	}
	if err := s.BackupFile(context.Background(), filepath.Join(t.TempDir(), "none", "b.db")); err == nil || !strings.Contains(err.Error(), "create the folder") {
		t.Errorf("a backup to nowhere: %v", err)
	}
}

func TestCompaction(t *testing.T) {
	path := history(t, 3)
	s := open(t, path)
	big := bytes.Repeat([]byte("x"), 1<<20)
	for n := range 30 {
		storetest.Commit(t, s, store.Step{Deliver: []outbox.Delivery{{ID: fmt.Sprint("big-", n), Stream: "x", Body: big}}})
	}
	for n := range 30 {
		storetest.Commit(t, s, store.Step{Settle: []string{fmt.Sprint("big-", n)}})
	}
	want, err := s.Records("INC-3", 0)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	before := size(t, path)
	// What an interrupted compaction left must not be in the way.
	if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if after := size(t, path); before < 30<<20 || after > 8<<20 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	if got, err := s.Records("INC-3", 0); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("records after compaction: %v", err)
	}
	if pending := storetest.IDs(t, s); len(pending) != 3 {
		t.Errorf("pending: %v", pending)
	}
	storetest.Commit(t, s, storetest.Declare())
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was left: %v", err)
	}
	_, err = store.Open(path, store.Options{Timeout: time.Millisecond})
	says(t, err, store.ErrInUse)
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestBubble runs where time is not real, as the tests of the program do.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := history(t, 2)
		s := open(t, path)
		begin := time.Now()
		_, err := store.Open(path, store.Options{Timeout: 3 * time.Second})
		says(t, err, store.ErrInUse, "since 2000-01-01T00:00:00Z")
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it waited %v", took)
		}
		time.Sleep(7 * 24 * time.Hour)
		storetest.Commit(t, s, storetest.Declare())
		synctest.Wait()
		shut(t, s)
	})
}
