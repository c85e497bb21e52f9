package crash

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/store"
	"muster/store/storetest"
	"muster/store/storetest/faults"
)

// kept is what a child said to be on disk: the hash of every last record of a
// step.
type kept map[string]map[uint64]string

// listen reads a child's lines until it ends and calls back at the first
// acknowledgement.
func listen(out io.Reader, all kept, first func()) (rest []string, n int) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) != 4 || f[0] != "kept" {
			rest = append(rest, lines.Text())
			continue
		}
		seq, err := strconv.ParseUint(f[2], 10, 64)
		if err != nil || len(f[3]) != 64 {
			continue // cut off by death; it was not said
		}
		if all[f[1]] == nil {
			all[f[1]] = map[uint64]string{}
		}
		all[f[1]][seq] = f[3]
		if n++; n == 1 && first != nil {
			first()
		}
	}
	return rest, n
}

// runUntil starts a child, waits for its first acknowledgement and then a
// little, lets stop happen, and kills it.
func runUntil(t *testing.T, cmd *exec.Cmd, all kept, wait time.Duration, stop func()) (rest []string, n int) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := make(chan struct{})
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(killed)
		<-begun
		select {
		case <-ended:
		case <-time.After(wait):
		}
		stop()
		_ = cmd.Process.Signal(syscall.SIGKILL)
	}()
	rest, n = listen(out, all, func() { close(begun) })
	if n == 0 {
		close(begun)
	}
	close(ended)
	<-killed
	_ = cmd.Wait()
	return rest, n
}

// lost counts what was said to be kept and is not.
func lost(t *testing.T, s *store.Store, all kept) (missing []string) {
	t.Helper()
	for stream, seqs := range all {
		records, err := s.Records(stream, 0)
		if err != nil {
			t.Fatal(err)
		}
		for seq, hash := range seqs {
			if uint64(len(records)) < seq || hex.EncodeToString(records[seq-1].Hash[:]) != hash {
				missing = append(missing, fmt.Sprintf("%s record %d", stream, seq))
			}
		}
	}
	return missing
}

// whole fails if a step is there by half.
func whole(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Verify(); err != nil {
		t.Fatal(err)
	}
	var pending []string
	n := 0
	for one, err := range s.Summaries("INC-") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		seq := strconv.FormatUint(one.Seq, 10)
		if one.Seq%2 != 0 || string(one.Entry) != seq || one.Hot != (one.Seq < 40) {
			t.Fatalf("half a step: %+v", one)
		}
		loaded, err := s.Load(one.Stream)
		if err != nil || string(loaded.Snapshot) != seq || len(loaded.After) != 0 {
			t.Fatalf("half a step: %+v %v", loaded, err)
		}
		reply, found, err := s.Request(one.Stream + "#" + seq)
		if err != nil || !found || string(reply) != seq {
			t.Fatalf("%s: the reply to %s is %q %v", one.Stream, seq, reply, err)
		}
		if _, found, _ := s.Request(fmt.Sprintf("%s#%d", one.Stream, one.Seq+2)); found {
			t.Fatalf("%s: there is a reply to a step that is not there", one.Stream)
		}
		pending = append(pending, fmt.Sprintf("%s/%d/0", one.Stream, one.Seq))
	}
	if next, err := s.Next("INC-"); err != nil || next != fmt.Sprint("INC-", n+1) {
		t.Fatalf("after %d streams comes %s: %v", n, next, err)
	}
	got := map[string]bool{}
	for _, id := range storetest.IDs(t, s) {
		got[id] = true
	}
	for _, id := range pending {
		if !got[id] {
			t.Fatalf("delivery %s is lost", id)
		}
	}
	if len(got) != len(pending) {
		t.Fatalf("%d deliveries wait for %d streams", len(got), len(pending))
	}
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{SnapshotVersion: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func shut(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKill kills the child at random moments, MUSTER_CRASH_ROUNDS times (20 by
// default), on one and the same file.
func TestKill(t *testing.T) {
	rounds := 20
	if v := os.Getenv("MUSTER_CRASH_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	path := filepath.Join(t.TempDir(), "muster.db")
	total := 0
	for round := range rounds {
		if round%50 == 49 {
			path = filepath.Join(t.TempDir(), "muster.db")
		}
		all := kept{}
		cmd, _ := command(t, path)
		rest, n := runUntil(t, cmd, all, time.Duration(rand.IntN(40_000))*time.Microsecond, func() {})
		if len(rest) != 1 || rest[0] != "ready" {
			t.Fatalf("round %d: the child says %q", round, rest)
		}
		total += n
		s := open(t, path)
		if missing := lost(t, s, all); len(missing) > 0 {
			t.Fatalf("round %d: acknowledged and lost: %v", round, missing)
		}
		whole(t, s)
		shut(t, s)
	}
	t.Logf("%d deaths, %d steps acknowledged, none lost", rounds, total)
}

// TestPowerCut cuts the power of the disk under load. The control run without
// fsync must lose something, or the test would prove nothing.
func TestPowerCut(t *testing.T) {
	for round := range 3 {
		disk := faults.NewDisk(t, 200)
		path := filepath.Join(disk.Dir, "muster.db")
		all := kept{}
		cmd, _ := command(t, path)
		_, n := runUntil(t, cmd, all, time.Duration(100+rand.IntN(300))*time.Millisecond, disk.CutPower)
		disk.Restore()
		s := open(t, path)
		if missing := lost(t, s, all); len(missing) > 0 {
			t.Fatalf("round %d: %d steps were acknowledged, lost: %v", round, n, missing)
		}
		whole(t, s)
		shut(t, s)
		t.Logf("power cut after %d steps: none lost", n)
	}
	t.Run("control without fsync", func(t *testing.T) {
		disk := faults.NewDisk(t, 200)
		path := filepath.Join(disk.Dir, "muster.db")
		shut(t, open(t, path))
		all := kept{}
		cmd, _ := command(t, path, noSyncEnv+"=1")
		_, n := runUntil(t, cmd, all, 300*time.Millisecond, disk.CutPower)
		disk.Restore()
		s, err := store.Open(path, store.Options{})
		if err != nil {
			t.Logf("of %d steps without fsync nothing is left: %v", n, err)
			return
		}
		defer s.Close()
		missing := lost(t, s, all)
		if n == 0 || len(missing) == 0 {
			t.Fatalf("%d steps without fsync, and none is lost: the cut does not work", n)
		}
		t.Logf("%d of %d steps without fsync are lost, as they should be", len(missing), n)
	})
}

// TestDiskGone goes on reading and refuses to write once the disk has failed.
func TestDiskGone(t *testing.T) {
	disk := faults.NewDisk(t, 100)
	s := open(t, filepath.Join(disk.Dir, "muster.db"))
	c := storetest.Commit(t, s, storetest.Declare())
	disk.CutPower()
	ctx := context.Background()
	_, err := s.Commit(ctx, storetest.Declare())
	if !errors.Is(err, store.ErrBroken) || !strings.Contains(err.Error(), "see to the disk") {
		t.Fatalf("on a dead disk: %v", err)
	}
	if _, again := s.Commit(ctx, storetest.Declare()); again.Error() != err.Error() {
		t.Errorf("then %q, later %q", err, again)
	}
	if healthy := s.Healthy(); !errors.Is(healthy, store.ErrBroken) {
		t.Errorf("healthy: %v", healthy)
	}
	if records, err := s.Records(c.Stream, 0); err != nil || len(records) != 1 {
		t.Errorf("reading on: %v %v", records, err)
	}
	t.Logf("%v", err)
	_ = s.Close()
	disk.Restore()
	s = open(t, filepath.Join(disk.Dir, "muster.db"))
	defer s.Close()
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	storetest.Commit(t, s, storetest.Declare())
}

// TestFull runs out of room and goes on when there is some again.
func TestFull(t *testing.T) {
	for name, dir := range map[string]func() string{
		"tmpfs": func() string { return faults.Small(t, 12) },
		"ext4":  func() string { return faults.NewDisk(t, 24).Dir },
	} {
		t.Run(name, func(t *testing.T) {
			dir := dir()
			path := filepath.Join(dir, "muster.db")
			s := open(t, path)
			c := storetest.Commit(t, s, storetest.Declare())
			free := faults.FillUp(t, dir)
			var err error
			seq := c.Seq
			big := storetest.Fact("log", strings.Repeat("x", 64<<10))
			for err == nil {
				if c, err = s.Commit(context.Background(), store.Step{Stream: "INC-1", Expect: seq, Records: []store.Record{big}}); err == nil {
					seq = c.Seq
				}
			}
			if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "make room") {
				t.Fatalf("on a full disk: %v", err)
			}
			t.Logf("%v", err)
			if healthy := s.Healthy(); !errors.Is(healthy, store.ErrFull) {
				t.Errorf("healthy: %v", healthy)
			}
			if records, err := s.Records("INC-1", 0); err != nil || uint64(len(records)) != seq {
				t.Errorf("reading on: %d records, %v", len(records), err)
			}
			free()
			storetest.Commit(t, s, store.Step{Stream: "INC-1", Expect: seq, Records: []store.Record{big}})
			if err := s.Healthy(); err != nil {
				t.Errorf("with room again: %v", err)
			}
			shut(t, s)
			s = open(t, path)
			defer s.Close()
			if loaded, err := s.Load("INC-1"); err != nil || loaded.Seq != seq+1 {
				t.Errorf("after a restart %d records, want %d: %v", loaded.Seq, seq+1, err)
			}
			if err := s.Verify(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("no room at the start", func(t *testing.T) {
		dir := faults.Small(t, 1)
		free := faults.FillUp(t, dir)
		path := filepath.Join(dir, "muster.db")
		_, err := store.Open(path, store.Options{})
		if !errors.Is(err, store.ErrFull) {
			t.Fatalf("on a full disk: %v", err)
		}
		t.Logf("%v", err)
		free()
		shut(t, open(t, path))
	})
}

func TestReadOnly(t *testing.T) {
	disk := faults.NewDisk(t, 50)
	path := filepath.Join(disk.Dir, "muster.db")
	s := open(t, path)
	storetest.Commit(t, s, storetest.Declare())
	shut(t, s)
	disk.ReadOnly(true)
	_, err := store.Open(path, store.Options{})
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "mounted read-only") {
		t.Fatalf("on a read-only disk: %v", err)
	}
	t.Logf("%v", err)
	disk.ReadOnly(false)
	shut(t, open(t, path))
}

// TestFailingCalls lets single system calls of the child fail.
func TestFailingCalls(t *testing.T) {
	for _, c := range []struct{ inject, want string }{
		{"fdatasync:error=EIO:when=20+", "refused the store cannot write to "},
		{"pwrite64:error=EIO:when=60+", "refused the store cannot write to "},
		{"pwrite64:error=ENOSPC:when=60+", "refused the disk is full: nothing was written"},
	} {
		t.Run(c.inject, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "muster.db")
			all := kept{}
			plain, _ := command(t, path)
			cmd := faults.Inject(t, c.inject, plain)
			cmd.Stdin = plain.Stdin
			rest, n := runUntil(t, cmd, all, 5*time.Second, func() {})
			said := strings.Join(rest, "\n")
			if n == 0 || !strings.Contains(said, c.want) || strings.Contains(said, "healthy <nil>") {
				t.Fatalf("after %d steps the child says:\n%s", n, said)
			}
			s := open(t, path)
			defer s.Close()
			if missing := lost(t, s, all); len(missing) > 0 {
				t.Fatalf("acknowledged and lost: %v", missing)
			}
			whole(t, s)
			t.Logf("%d steps, then %s", n, rest[len(rest)-2])
		})
	}
}
