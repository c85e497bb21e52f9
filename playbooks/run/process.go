package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// ChildCommand is the first argument of a child. It is no command for people.
const ChildCommand = "step-child"

const (
	// grace is how long a child has after its deadline to end in order before it is killed.
	grace = 2 * time.Second
	// watchEvery is how often the parent looks at a child's memory.
	watchEvery = 100 * time.Millisecond
	// progressEvery is how often Request.Progress is called at most.
	progressEvery = time.Second
	// maxSaid bounds what a child prints outside of its frames; it is only looked at when it died.
	maxSaid = 16 << 10
)

// frame is one line of JSON from the child.
type frame struct {
	Output  []byte          `json:",omitempty"` // more masked output
	Journal json.RawMessage `json:",omitempty"` // the journal as it is now: a change is about to be made
	Objects []Object        `json:",omitempty"` // what is about to be touched, in all
	Result  *Result         `json:",omitempty"` // the last frame
}

// child is a process under way.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	frames *os.File
	said   *tail
	exited chan error // one value: how the process ended
	limits Limits
}

// startChild starts the program as a child with an empty environment and writes the order to it.
func startChild(program string, limits Limits, order []byte) (*child, error) {
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	c := &child{frames: read, said: &tail{max: maxSaid}, exited: make(chan error, 1), limits: limits}
	c.cmd = exec.Command(program, ChildCommand)
	c.cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	c.cmd.Dir = "/"
	c.cmd.Stdout, c.cmd.Stderr = c.said, c.said
	c.cmd.ExtraFiles = []*os.File{write}
	alone(c.cmd)
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		read.Close()
		return nil, err
	}
	started := make(chan error, 1)
	go func() {
		// The child is told when the thread that started it ends, so that thread stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.exited <- c.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		read.Close()
		return nil, err
	}
	if _, err := c.stdin.Write(append(order, '\n')); err != nil {
		c.kill()
		ended := <-c.exited
		read.Close()
		return nil, fmt.Errorf("it ended before it took its order: %w, %w", ended, err)
	}
	return c, nil
}

// kill ends the child and everything in its process group.
func (c *child) kill() { killGroup(c.cmd.Process) }

// follow waits for the child's end and collects what it said.
func (c *child) follow(ctx context.Context, req Request) Result {
	defer c.stdin.Close() // the child ends when its standard input does
	defer c.frames.Close()

	heard := &hearing{req: req}
	read := make(chan struct{})
	go func() { defer close(read); heard.listen(c.frames, c.limits) }()

	deadline := time.NewTimer(c.limits.Deadline + grace)
	defer deadline.Stop()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	ended, stopped := Ended(""), ctx.Done()
	var exit error
	for exited := false; !exited; {
		select {
		case exit = <-c.exited:
			exited = true
		case <-stopped:
			ended, stopped = Cancelled, nil
			c.kill()
		case <-deadline.C:
			ended = first(ended, Deadline)
			c.kill()
		case <-watch.C:
			if residentBytes(c.cmd.Process.Pid) > c.limits.MaxMemory+overhead {
				ended = first(ended, Memory)
				c.kill()
			}
		}
	}
	c.kill() // nothing of its group outlives it
	select {
	case <-read:
	case <-time.After(grace):
		c.frames.Close()
		<-read
	}
	return heard.result(ended, exit, c.said.line(), c.limits)
}

func first(a, b Ended) Ended {
	if a != "" {
		return a
	}
	return b
}

// hearing is what the parent heard from a child.
type hearing struct {
	req     Request
	journal json.RawMessage
	objects []Object
	last    *Result

	mu     sync.Mutex
	output []byte
	told   time.Time
	later  *time.Timer // tells what came too soon after the last time; nil: nothing waits
	over   bool
}

// tell shows what came so far, at once or when a second is over.
func (h *hearing) tell() {
	if h.req.Progress == nil {
		return
	}
	h.mu.Lock()
	wait := progressEvery - time.Since(h.told)
	if h.over || wait > 0 {
		if !h.over && h.later == nil {
			h.later = time.AfterFunc(wait, func() {
				h.mu.Lock()
				h.later = nil
				h.mu.Unlock()
				h.tell()
			})
		}
		h.mu.Unlock()
		return
	}
	h.told = time.Now()
	output := bytes.Clone(h.output)
	h.mu.Unlock()
	h.req.Progress(output)
}

// quiet ends the telling.
func (h *hearing) quiet() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if h.later != nil {
		h.later.Stop()
	}
}

// listen reads frames until the pipe ends. A child that sends more than its limits allow is not listened to further.
func (h *hearing) listen(r io.Reader, limits Limits) {
	// Output goes twice (as it comes, and in the result) in base64, the journal holds objects: the rest is room for it.
	defer h.quiet()
	room := &io.LimitedReader{R: r, N: int64(limits.MaxOutput)*8 + 64<<20}
	dec := json.NewDecoder(bufio.NewReaderSize(room, 64<<10))
	for {
		var f frame
		if err := dec.Decode(&f); err != nil {
			_, _ = io.Copy(io.Discard, r)
			return
		}
		switch {
		case f.Result != nil:
			h.last = f.Result
		case f.Journal != nil:
			h.journal, h.objects = f.Journal, f.Objects
		default:
			h.mu.Lock()
			if n := limits.MaxOutput - len(h.output); n > 0 {
				h.output = append(h.output, f.Output[:min(n, len(f.Output))]...)
			}
			h.mu.Unlock()
			h.tell()
		}
	}
}

// result is the child's own result, or one made of what was heard when it did not get to say it.
func (h *hearing) result(ended Ended, exit error, said string, limits Limits) Result {
	if h.last != nil {
		return *h.last
	}
	if ended == "" {
		ended = howDied(exit, said)
	}
	res := Result{
		Ended: ended, Exit: -1, Output: h.output, Truncated: true,
		Touches: h.objects, Undo: h.journal,
	}
	switch ended {
	case Deadline:
		res.Why = fmt.Sprintf("The step was still running after %s and was ended.", limits.Deadline)
	case Memory:
		res.Why = fmt.Sprintf("The step took more than %d MiB of memory and was ended.", limits.MaxMemory>>20)
	case Cancelled:
		res.Why = "The step was cancelled and ended."
	case Done, Failed, Refused, Changed, Output, Died:
		res.Why = "The step's process ended by itself: " + died(exit) + "."
		if strings.HasPrefix(said, "panic: ") || strings.Contains(said, "\npanic: ") || strings.Contains(said, "fatal error: ") {
			res.Why = "Muster made a mistake of its own, and the step's process ended there."
		}
	}
	if h.journal != nil {
		res.Why += " It had begun to change something: look at the objects before you run it again."
		res.UndoNote = "Undo puts back what had been changed when it ended."
	}
	return res
}

func howDied(exit error, said string) Ended {
	for _, word := range []string{"out of memory", "cannot allocate memory", "stack exceeds", "stack overflow", memoryWord} {
		if strings.Contains(said, word) {
			return Memory
		}
	}
	return Died
}

func died(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "it ended without an answer"
	case errors.As(err, &exit):
		return exit.ProcessState.String()
	default:
		return err.Error()
	}
}

// tail keeps the first bytes written to it: a Go program that dies says why first.
type tail struct {
	mu  sync.Mutex
	max int
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.max - len(t.buf); n > 0 {
		t.buf = append(t.buf, p[:min(n, len(p))]...)
	}
	return len(p), nil
}

func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
