package storetest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// F is what one durable write costs on the disk of a folder: the median of
// writing 4 KiB to a file that has its blocks, with fdatasync. Times of the
// store are given in multiples of it, since it differs by a factor of ten and
// more between machines and moments.
func F(t testing.TB, dir string) time.Duration {
	t.Helper()
	const rounds = 201
	f, err := os.Create(filepath.Join(dir, "one-write"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			t.Error(err)
		}
	}()
	page := make([]byte, 4096)
	times := make([]time.Duration, rounds)
	for i := range times {
		page[0] = byte(i)
		start := time.Now()
		if _, err := f.WriteAt(page, int64(i%16)*4096); err != nil {
			t.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			t.Fatal(err)
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[rounds/2]
}

// OnDisk is how many bytes a file takes on disk; holes take none.
func OnDisk(t testing.TB, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}
