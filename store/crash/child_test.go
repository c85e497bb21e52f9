package crash

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"muster/outbox"
	"muster/store"
)

// The environment that turns this test binary into a program which writes to a
// store as fast as it can and prints what was acknowledged.
const (
	fileEnv   = "MUSTER_CRASH_FILE"
	noSyncEnv = "MUSTER_CRASH_NOSYNC"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(fileEnv); path != "" {
		if err := child(path); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const workers = 8

// child takes the hot streams on, or begins new ones, until it is killed, its
// parent is gone, or the store refuses.
func child(path string) error {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	s, err := store.Open(path, store.Options{SnapshotVersion: 1, NoSync: os.Getenv(noSyncEnv) != "", Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	hot, err := s.Hot()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	failed := make(chan error, workers)
	var group sync.WaitGroup
	for w := range workers {
		stream := ""
		if w < len(hot) {
			stream = hot[w]
		}
		group.Go(func() { failed <- work(s, stream) })
	}
	group.Wait()
	for range workers {
		if err := <-failed; err != nil {
			fmt.Println("refused", err)
		}
	}
	fmt.Println("healthy", s.Healthy())
	if err := s.Close(); err != nil {
		fmt.Println("close", err)
	}
	return nil
}

// work writes steps to one stream after the other. Each step has two records, a
// delivery, a settled delivery, a request, a snapshot and a summary, so that
// half of one would show.
func work(s *store.Store, stream string) error {
	for {
		seq, settle := uint64(0), []string(nil)
		if stream != "" {
			loaded, err := s.Load(stream)
			if err != nil {
				return err
			}
			seq, settle = loaded.Seq, []string{fmt.Sprintf("%s/%d/0", stream, loaded.Seq)}
		}
		for {
			c, err := s.Commit(context.Background(), step(stream, seq, settle))
			if err != nil {
				return err
			}
			stream, seq, settle = c.Stream, c.Seq, []string{c.Deliveries[0].ID}
			if _, err := fmt.Printf("kept %s %d %x\n", stream, seq, c.Records[1].Hash); err != nil {
				return err
			}
			if seq >= 40 {
				break
			}
		}
		stream = ""
	}
}

func step(stream string, seq uint64, settle []string) store.Step {
	text := []byte(strconv.FormatUint(seq+2, 10))
	record := store.Record{At: time.Unix(int64(seq), 0), Kind: "note", Version: 1, Body: []byte(`{"text":"the database is slow, we look at it"}`)}
	out := store.Step{
		Stream: stream, Expect: seq,
		Records:         []store.Record{record, record},
		Deliver:         []outbox.Delivery{{Lane: outbox.Page, Kind: "page", Body: text}},
		Settle:          settle,
		Snapshot:        text,
		SnapshotVersion: 1,
		Summary:         text,
		Hot:             new(seq+2 < 40),
	}
	if stream != "" {
		out.Request = &store.Request{Key: fmt.Sprintf("%s#%d", stream, seq+2), Reply: text, At: record.At}
		return out
	}
	out.New = "INC-"
	out.Write = func(stream string) (store.Step, error) {
		first := out
		first.Write, first.Request = nil, &store.Request{Key: stream + "#2", Reply: text, At: record.At}
		return first, nil
	}
	return out
}

// command runs the child; it ends when the returned pipe is closed.
func command(t testing.TB, path string, env ...string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), fileEnv+"="+path), env...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = r
	t.Cleanup(func() { r.Close(); w.Close() })
	return cmd, w
}
