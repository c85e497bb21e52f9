package store_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"muster/outbox"
	"muster/store"
	"muster/store/storetest"
)

// typical is a body of 300 to 500 bytes.
func typical(n int) []byte {
	words := strings.Fields("database connections exhausted on payments primary failing over investigating customers see errors rollback deployed mitigated monitoring latency")
	b := fmt.Appendf(nil, `{"by":"U%06d","channel":"C%08d","text":"`, n*7919%1000000, n*104729%100000000)
	for i := n; len(b) < 298+n*31%200; i++ {
		b = append(b, words[(i*i+n)%len(words)]...)
		b = append(b, ' ')
	}
	return append(b, `"}`...)
}

// realistic is what one command of a person comes to: a record or two, the
// delivery that was made and one that follows, the request, a snapshot.
func realistic(stream string, seq uint64, n int, settle []string) store.Step {
	return store.Step{
		Stream: stream, Expect: seq,
		Records:         []store.Record{{At: storetest.At, Kind: "update_posted", Version: 1, Body: typical(n)}},
		Deliver:         []outbox.Delivery{{Lane: outbox.Chat, Kind: "post", Body: typical(n + 1), At: storetest.At}},
		Settle:          settle,
		Request:         &store.Request{Key: fmt.Sprintf("env-%d-%s", n, stream), Reply: []byte(`{"ok":true}`), At: storetest.At},
		Snapshot:        typical(n + 2),
		SnapshotVersion: 1,
	}
}

// callers runs total steps of a few callers, each on its own stream.
func callers(b *testing.B, n int, do func(caller, round int)) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	b.ResetTimer()
	for caller := range n {
		group.Go(func() {
			for round := 0; left.Add(-1) >= 0; round++ {
				do(caller, round)
			}
		})
	}
	group.Wait()
	b.StopTimer()
}

func report(b *testing.B, f time.Duration, n int) {
	perSecond := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "steps/s")
	b.ReportMetric(float64(f.Microseconds()), "F-µs")
	b.ReportMetric(load(), "load")
	b.ReportMetric(float64(n)/perSecond/f.Seconds(), "F/step")
}

// load is how busy the machine was over the last minute.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var one float64
	_, _ = fmt.Sscan(string(text), &one)
	return one
}

// BenchmarkCommit holds the group committer against bbolt's own Update doing
// the same writes, with 1 to 256 callers in the same run.
//
//	go test ./store -run '^$' -bench Commit -benchtime 1s
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 16, 64, 256} {
		grouped := 0.0 // steps a second
		b.Run(fmt.Sprintf("group/callers=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			f := storetest.F(b, dir)
			s, err := store.Open(filepath.Join(dir, "muster.db"), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			streams, settle := make([]string, n), make([][]string, n)
			for i := range streams {
				streams[i] = storetest.Commit(b, s, storetest.Declare()).Stream
			}
			before := s.Commits()
			callers(b, n, func(caller, round int) {
				c, err := s.Commit(context.Background(), realistic(streams[caller], uint64(round)+1, round, settle[caller]))
				if err != nil {
					b.Error(err)
					return
				}
				settle[caller] = []string{c.Deliveries[0].ID}
			})
			report(b, f, n)
			grouped = float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(float64(b.N)/float64(s.Commits()-before), "steps/write")
		})
		b.Run(fmt.Sprintf("update/callers=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			f := storetest.F(b, dir)
			db := plain(b, filepath.Join(dir, "plain.db"))
			defer db.Close()
			callers(b, n, func(caller, round int) {
				if err := db.Update(func(tx *bbolt.Tx) error { return plainStep(tx, caller, round) }); err != nil {
					b.Error(err)
				}
			})
			report(b, f, n)
			b.ReportMetric(grouped*b.Elapsed().Seconds()/float64(b.N), "group/update")
		})
	}
}

// plain is bbolt with the same settings and no committer.
func plain(b *testing.B, path string) *bbolt.DB {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true, InitialMmapSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{"log", "heads", "folds", "outbox", "requests"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func plainStep(tx *bbolt.Tx, caller, round int) error {
	log := tx.Bucket([]byte("log"))
	log.FillPercent = 1
	n, err := log.NextSequence()
	if err != nil {
		return err
	}
	name := fmt.Sprint("INC-", caller)
	delivery := func(round int) []byte { return fmt.Appendf(nil, "%s/%d/0", name, round) }
	for _, op := range []struct {
		bucket     string
		key, value []byte
	}{
		{"log", binary.BigEndian.AppendUint64(nil, n), append(make([]byte, 64), typical(round)...)},
		{"heads", []byte(name), make([]byte, 50)},
		{"folds", []byte(name), append(make([]byte, 40), typical(round+2)...)},
		{"outbox", delivery(round), append(make([]byte, 150), typical(round+1)...)},
		{"outbox", delivery(round - 1), nil},
		{"requests", fmt.Appendf(nil, "env-%d-%s", round, name), []byte(`{"ok":true}`)},
	} {
		b := tx.Bucket([]byte(op.bucket))
		if op.value == nil {
			err = b.Delete(op.key)
		} else {
			err = b.Put(op.key, op.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkFragmented is one caller on a file of which most is free, in small
// pieces.
//
//	go test ./store -run '^$' -bench Fragmented -benchtime 1s
func BenchmarkFragmented(b *testing.B) {
	dir := b.TempDir()
	f := storetest.F(b, dir)
	s, err := store.Open(filepath.Join(dir, "muster.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const many, at, keep = 40_000, 100, 7
	name := func(n int) string { return fmt.Sprintf("old-%06d", n) }
	for n := 0; n < many; n += at {
		var step store.Step
		for i := range at {
			step.Deliver = append(step.Deliver, outbox.Delivery{ID: name(n + i), Stream: "x", Body: typical(n)})
		}
		storetest.Commit(b, s, step)
	}
	for n := 0; n < many; n += at {
		var step store.Step
		for i := range at {
			if (n+i)/keep%2 == 0 {
				step.Settle = append(step.Settle, name(n+i))
			}
		}
		storetest.Commit(b, s, step)
	}
	storetest.Commit(b, s, storetest.Declare())
	var settle []string
	round := 0
	for b.Loop() {
		c := storetest.Commit(b, s, realistic("INC-1", uint64(round)+1, round, settle))
		settle = []string{c.Deliveries[0].ID}
		round++
	}
	report(b, f, 1)
}
