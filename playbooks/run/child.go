package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// overhead is the memory of an idle child: the program itself, its stacks and the collector's room.
	overhead = 192 << 20
	// maxStack bounds one goroutine, so that endless recursion ends soon.
	maxStack = 64 << 20
	// memoryWord is what a child that ends itself for memory leaves behind.
	memoryWord = "step-child: memory limit"
)

// ChildMain performs one order and ends the process when this process was started as a child; otherwise it returns
// at once. Call it first in main, and first in the TestMain of tests that use a Runner.
func ChildMain() {
	if len(os.Args) != 2 || os.Args[1] != ChildCommand {
		return
	}
	out := os.NewFile(3, "frames")
	if _, err := out.Stat(); err != nil {
		fmt.Fprintln(os.Stderr, "muster: this command is for the program itself; muster --help lists the commands")
		os.Exit(2)
	}
	os.Exit(serve(os.Stdin, out))
}

func serve(in io.Reader, out io.Writer) int {
	dec := json.NewDecoder(in)
	var o order
	if err := dec.Decode(&o); err != nil {
		fmt.Fprintln(os.Stderr, "step-child: read the order:", err)
		return 2
	}
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(o.Request.Limits.MaxMemory * 3 / 4)
	if err := confine(o.Request.Limits); err != nil {
		fmt.Fprintln(os.Stderr, "step-child: take the limits:", err)
		return 2
	}
	go watchMemory(o.Request.Limits.MaxMemory)
	go func() {
		// The parent keeps standard input open as long as it lives and wants the step.
		_, _ = io.Copy(io.Discard, in)
		os.Exit(3)
	}()
	ctx, cancel := context.WithTimeoutCause(context.Background(), o.Request.Limits.Deadline, errDeadline)
	defer cancel()
	f := &framer{w: json.NewEncoder(out)}
	res := perform(ctx, o, f)
	f.send(frame{Result: &res})
	return 0
}

// watchMemory ends the process when it holds more than the limit.
func watchMemory(limit int64) {
	sample := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	for {
		metrics.Read(sample)
		if held := sample[0].Value.Uint64() - sample[1].Value.Uint64(); held > uint64(limit) {
			fmt.Fprintln(os.Stderr, memoryWord)
			os.Exit(4)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// framer sends frames one at a time.
type framer struct {
	mu sync.Mutex
	w  *json.Encoder
}

func (f *framer) send(v frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.w.Encode(v); err != nil {
		os.Exit(3) // nobody listens any more
	}
}
