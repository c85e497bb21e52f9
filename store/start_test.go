package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"muster/store"
	"muster/store/storetest"
)

// The environment that turns this test binary into a program that opens a
// store, loads what is hot, says what that took, and ends.
const startEnv = "MUSTER_TEST_START"

func TestMain(m *testing.M) {
	if path := os.Getenv(startEnv); path != "" {
		if err := json.NewEncoder(os.Stdout).Encode(start(path)); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

type started struct {
	Took, CPU      time.Duration
	Hot, After     int
	RSS, Anonymous int // kB
	Err            string
}

func start(path string) (out started) {
	fail := func(err error) started {
		out.Err = err.Error()
		return out
	}
	begin := time.Now()
	s, err := store.Open(path, store.Options{SnapshotVersion: 1, Timeout: 200 * time.Millisecond})
	if err != nil {
		return fail(err)
	}
	hot, err := s.Hot()
	if err != nil {
		return fail(err)
	}
	for _, stream := range hot {
		loaded, err := s.Load(stream)
		if err != nil {
			return fail(err)
		}
		out.Hot++
		out.After += len(loaded.After)
	}
	if _, err := s.Pending(); err != nil {
		return fail(err)
	}
	out.Took, out.CPU = time.Since(begin), processor()
	out.RSS, out.Anonymous = resident("VmRSS:"), resident("RssAnon:")
	if err := s.Close(); err != nil {
		return fail(err)
	}
	return out
}

// processor is the time that this process has computed.
func processor() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func resident(field string) int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), field); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

func startChild(t testing.TB, path string) started {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), startEnv+"="+path)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var out started
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if out.Err != "" {
		t.Fatal(out.Err)
	}
	return out
}

// forget drops a file from the page cache.
func forget(t testing.TB, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}

// fill writes streams that are all hot until each has its share of the records,
// a snapshot every twenty, and returns the bytes of the bodies.
func fill(t testing.TB, path string, streams, records int) (payload int64) {
	t.Helper()
	s, err := store.Open(path, store.Options{SnapshotVersion: 1, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	const workers = 100
	for w := range workers {
		group.Go(func() {
			var bytes int64
			names, settle := make([]string, streams/workers), make([][]string, streams/workers)
			for i := range names {
				names[i] = storetest.Commit(t, s, storetest.Declare()).Stream
			}
			for round := 1; round < records/streams; round++ {
				for i, name := range names {
					n := round*streams + w*len(names) + i
					step := realistic(name, uint64(round), n, settle[i])
					if round%20 != 0 {
						step.Snapshot = nil
					}
					if n%10 != 0 {
						step.Request = nil
					}
					c, err := s.Commit(context.Background(), step)
					if err != nil {
						t.Error(err)
						return
					}
					settle[i] = []string{c.Deliveries[0].ID}
					bytes += int64(len(step.Records[0].Body))
				}
			}
			mu.Lock()
			payload += bytes
			mu.Unlock()
		})
	}
	group.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return payload
}

// BenchmarkStart is a start with everything hot: open, list, load every
// snapshot with the records after it, read the outbox; in a process of its own,
// with the file in the page cache and not.
//
//	go test ./store -run '^$' -bench Start -benchtime 3x
func BenchmarkStart(b *testing.B) {
	for _, size := range []struct{ streams, records int }{{1_000, 50_000}, {10_000, 1_000_000}} {
		b.Run(fmt.Sprintf("hot=%d/records=%d", size.streams, size.records), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "muster.db")
			payload := fill(b, path, size.streams, size.records)
			f := storetest.F(b, filepath.Dir(path))
			for _, cold := range []bool{false, true} {
				b.Run(fmt.Sprintf("cold=%t", cold), func(b *testing.B) {
					var out started
					var took time.Duration
					for b.Loop() {
						if cold {
							forget(b, path)
						}
						out = startChild(b, path)
						took += out.Took
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(f.Microseconds()), "F-µs")
					b.ReportMetric(took.Seconds()/float64(b.N), "s/start")
					b.ReportMetric(out.CPU.Seconds(), "cpu-s")
					b.ReportMetric(float64(out.RSS)/1024, "RSS-MB")
					b.ReportMetric(float64(out.Anonymous)/1024, "heap-MB")
					b.ReportMetric(float64(storetest.OnDisk(b, path))/float64(payload), "disk/payload")
					b.ReportMetric(float64(storetest.OnDisk(b, path))/(1<<20), "disk-MB")
				})
			}
		})
	}
}
