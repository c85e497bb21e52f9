package bench

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"muster/store/storetest"
)

// beside reports what a figure depends on: F on the disk of dir, and the load
// of the machine over the last minute.
func beside(b *testing.B, dir string) (f time.Duration) {
	b.Helper()
	f = storetest.F(b, dir)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(f.Microseconds()), "F-µs")
	b.ReportMetric(load(), "load")
	return f
}

func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	one, _ := strconv.ParseFloat(first, 64)
	return one
}

// quantile gives the value that a share of all does not exceed. It sorts them.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(share*float64(len(all))), len(all)-1)]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// until waits for something to hold.
func until(b *testing.B, atMost time.Duration, what string, holds func() bool) {
	b.Helper()
	for end := time.Now().Add(atMost); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("after %v there is no %s", atMost, what)
		}
	}
}

// rest lets what was built for a measurement go, so that it is not in it.
func rest() {
	runtime.GC()
	time.Sleep(100 * time.Millisecond)
}

// pace is F at the pace of the load: a write now and then finds disk and
// processor asleep, and costs several times one that follows another at once.
// It takes a sample every 40 ms until it is asked for the median.
func pace(b *testing.B, dir string) (median func() time.Duration) {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "now-and-then"))
	if err != nil {
		b.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var all []time.Duration
		page := make([]byte, 4096)
		for tick := time.Tick(40 * time.Millisecond); ; {
			select {
			case <-stop:
				done <- all
				return
			case <-tick:
			}
			began := time.Now()
			_, err := f.WriteAt(page, int64(len(all)%16)*4096)
			if err = errors.Join(err, unix.Fdatasync(int(f.Fd()))); err != nil {
				b.Error(err)
			}
			all = append(all, time.Since(began))
		}
	}()
	return func() time.Duration {
		close(stop)
		all := <-done
		if err := f.Close(); err != nil {
			b.Error(err)
		}
		return quantile(all, 0.5)
	}
}
