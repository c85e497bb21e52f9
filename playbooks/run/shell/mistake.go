package shell

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// perform calls a command. One that panics ends the block with a sentence that says so: the interpreter runs the
// commands of a pipe in goroutines of its own, which nothing but this reaches.
func perform(ctx context.Context, command Command, s Streams, args []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = End{mistake("the command "+strings.ToValidUTF8(args[0], "?"), p)}
		}
	}()
	return command(ctx, s, args)
}

// judge asks whether a command may run; a panic is a no.
func judge(allow func([]string) error, args []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = mistake("judging the command "+strings.ToValidUTF8(args[0], "?"), p)
		}
	}()
	return allow(args)
}

// interpret runs the block; what the interpreter itself panics over outside of a pipe is an error.
func interpret(ctx context.Context, r *interp.Runner, file *syntax.File) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = mistake("interpreting the block", p)
		}
	}()
	return r.Run(ctx, file)
}

// mistake says that Muster itself is wrong. Of what a panic was called with only the runtime's own words are shown:
// others may hold a value of the step.
func mistake(where string, p any) error {
	why := ""
	if known, ok := p.(runtime.Error); ok {
		why = " (" + strings.TrimPrefix(known.Error(), "runtime error: ") + ")"
	}
	return fmt.Errorf("Muster made a mistake of its own in %s, and the step ended there%s.", where, why) //nolint:revive,staticcheck // a sentence for a person
}
