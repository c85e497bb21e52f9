// Package shell interprets a parsed shell block in which only the commands that it is given exist.
//
// It never starts a program, never opens a file, never sees the environment of this machine, and never parses a value
// as shell text.
package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Streams are a command's standard streams.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Command performs one command; args[0] is its name. It returns nil for status 0, an Exit for another status, and a
// Refusal to end the whole block.
type Command func(ctx context.Context, s Streams, args []string) error

// Exit is a status that is not 0.
type Exit uint8

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", uint8(e)) }

// Refusal ends the block: something in it does not exist here or is not allowed.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// End ends the block with an error that is no Refusal.
type End struct{ Err error }

func (e End) Error() string { return e.Err.Error() }

// Unwrap gives what ended the block.
func (e End) Unwrap() error { return e.Err }

// Refusef makes a Refusal.
func Refusef(format string, args ...any) Refusal { return Refusal(fmt.Sprintf(format, args...)) }

// Block is what to run.
type Block struct {
	File     *syntax.File
	Commands map[string]Command
	// Allow is asked before every command, with all its words; an error ends the block. nil: all may run.
	Allow func(args []string) error
	// Failed is told, at the end, of the command that the status comes from. It is not called where the shell itself
	// said no, as with false or a test. nil: nobody is.
	Failed func(args []string)
	// Out and Err take what the block prints, from more than one goroutine.
	Out, Err io.Writer
}

// builtins are the interpreter's own commands that exist here: they touch nothing outside of it.
var builtins = []string{
	":", "true", "false", "echo", "printf", "test", "[", "exit", "return", "set", "shift", "read", "break", "continue",
	"unset", "let", "getopts",
}

// Run interprets the block and returns the status of its last command; of a pipe, where something in it failed, that of
// the first that did. That a reader had enough and closed the pipe is no failure, nor that a grep in front of another
// command found nothing. The file is not printed or run again after that. The error is a Refusal, the cause of ctx's end,
// or what broke the interpreter; the block's own failures are only in the status.
func Run(ctx context.Context, b Block) (int, error) {
	if err := Check(b.File); err != nil {
		return -1, err
	}
	file := b.File
	run := &running{commands: b.Commands, allow: b.Allow, pipes: readPipes(file), failed: map[syntax.Pos]failure{}}
	ctx, run.stop = context.WithCancelCause(ctx)
	defer run.stop(nil)
	in, err := empty()
	if err != nil {
		return -1, err
	}
	defer in.Close()
	r, err := interp.New(
		interp.Env(expand.ListEnviron("HOME=/", "UID=0", "EUID=0", "GID=0", "TMPDIR=/nonexistent")),
		interp.Dir("/"),
		interp.Params("-o", "pipefail"),
		interp.StdIO(in, b.Out, b.Err),
		interp.CallHandler(run.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return run.exec }),
		interp.OpenHandler(run.open),
		interp.ReadDirHandler2(func(context.Context, string) ([]fs.DirEntry, error) { return nil, fs.ErrNotExist }),
		interp.StatHandler(func(_ context.Context, name string, _ bool) (fs.FileInfo, error) {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
		}),
		interp.AccessHandler(func(_ context.Context, name string, _ interp.AccessMode) error {
			return &fs.PathError{Op: "access", Path: name, Err: fs.ErrNotExist}
		}),
	)
	if err != nil {
		return -1, fmt.Errorf("set up the interpreter: %w", err)
	}
	err = interpret(ctx, r, file)
	if refused := run.refusal(); refused != nil {
		return -1, refused
	}
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0, nil
	case ctx.Err() != nil:
		return -1, context.Cause(ctx)
	case errors.As(err, &status):
		found, ok := run.culprit()
		if !ok {
			return int(status), nil
		}
		if b.Failed != nil {
			b.Failed(found.args)
		}
		return int(found.status), nil
	default:
		return -1, fmt.Errorf("interpret the block: %w", err)
	}
}

// empty is a standard input that ends at once.
func empty() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w.Close()
	return r, nil
}

// running is one block under way.
type running struct {
	commands map[string]Command
	allow    func([]string) error
	stop     context.CancelCauseFunc
	pipes    pipes

	mu      sync.Mutex
	refused error
	last    syntax.Pos             // where the command stands that began last
	failed  map[syntax.Pos]failure // how commands ended the last time they ran, by where they stand
}

// refuse keeps the first refusal and ends everything that the block has under way.
func (r *running) refuse(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused == nil {
		r.refused = err
		r.stop(err)
	}
	return err
}

func (r *running) refusal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// call sees every command before it runs, those of the interpreter itself too.
func (r *running) call(ctx context.Context, args []string) ([]string, error) {
	name := args[0]
	if at := interp.HandlerCtx(ctx).Pos; at.IsValid() {
		r.mu.Lock()
		r.last = at
		r.mu.Unlock()
	}
	if r.commands[name] == nil && !slices.Contains(builtins, name) {
		return nil, r.refuse(missing(name))
	}
	if err := builtinWords(args); err != nil {
		return nil, r.refuse(err)
	}
	if r.allow != nil {
		if err := judge(r.allow, args); err != nil {
			return nil, r.refuse(err)
		}
	}
	return args, nil
}

func missing(name string) Refusal {
	if strings.HasPrefix(name, "/") && name != "/incident" {
		return Refusef("No program of this machine runs here: %q.", name)
	}
	if odd := lookAlike(name); odd != "" {
		return Refusef("There is no command %q here: %s.", name, odd)
	}
	return Refusef("There is no command %q here.", name)
}

// lookAlike says which letter of a name only looks like a plain one.
func lookAlike(name string) string {
	for _, c := range name {
		if c > 127 {
			return fmt.Sprintf("the letter %q (U+%04X) is no plain one", c, c)
		}
	}
	return ""
}

func (r *running) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	command := r.commands[args[0]]
	if command == nil {
		return r.refuse(missing(args[0]))
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	streams, meant := through(hc)
	err := meant(perform(ctx, command, streams, args))
	if found := Exit(0); r.pipes.front[hc.Pos] && slices.Contains(greps, args[0]) && errors.As(err, &found) && found == 1 {
		err = nil
	}
	var status Exit
	var refused Refusal
	var end End
	switch {
	case err == nil:
		r.note(hc.Pos, args, 0)
		return nil
	case errors.As(err, &status):
		r.note(hc.Pos, args, uint8(status))
		return interp.ExitStatus(status)
	case errors.As(err, &end):
		return r.refuse(end.Err)
	case errors.As(err, &refused):
		return r.refuse(refused)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		fmt.Fprintf(hc.Stderr, "%s: %v\n", args[0], err)
		r.note(hc.Pos, args, 1)
		return interp.ExitStatus(1)
	}
}

func (r *running) open(_ context.Context, path string, _ int, _ os.FileMode) (io.ReadWriteCloser, error) {
	if path == os.DevNull {
		return nowhere{}, nil
	}
	return nil, r.refuse(Refusef("There are no files here: %q can be neither read nor written.", path))
}

// nowhere is /dev/null.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error)    { return 0, io.EOF }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }
