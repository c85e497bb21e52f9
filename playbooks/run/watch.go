package run

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"muster/playbooks/run/shell"
)

// A watch without a count repeats its command this often; one with a count at most maxWatch times.
const (
	watchTimes = 10
	maxWatch   = 100
)

// watch repeats a command a bounded number of times, as long as the step has time.
func (p *performance) watch(ctx context.Context, s shell.Streams, args []string) error {
	every, times := 2*time.Second, watchTimes
	i := 1
	for ; i < len(args) && strings.HasPrefix(args[i], "-"); i++ {
		name, v, given := strings.Cut(args[i], "=")
		if strings.HasPrefix(name, "-n") && len(name) > 2 {
			name, v, given = "-n", name[2:], true
		}
		switch name {
		case "-x", "--exec", "-d", "--differences", "-t", "--no-title":
			continue
		case "-n", "--interval", "-c", "--count":
		default:
			return shell.Refusef("watch has no %s here.", name)
		}
		if !given {
			if i++; i >= len(args) {
				return fmt.Errorf("%s needs a number", name)
			}
			v = args[i]
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f < 0 || f > 3600 {
			return fmt.Errorf("%s needs a number, not %q", name, v)
		}
		if name == "-n" || name == "--interval" {
			every = max(time.Duration(f*float64(time.Second)), 100*time.Millisecond)
		} else {
			times = min(max(int(f), 1), maxWatch)
		}
	}
	if i >= len(args) {
		return shell.Refusal("watch needs a command to repeat.")
	}
	file, err := repeated(args[i:])
	if err != nil {
		return err
	}
	if p.order.Request.Mode == Preview {
		times = 1
	}
	status := 0
	for n := range times {
		if n > 0 {
			if until, ok := ctx.Deadline(); ok && time.Until(until) < every+time.Second {
				fmt.Fprintf(s.Out, "(watch ended after %d of %d times: the step has no more time)\n", n, times)
				break
			}
			if err := wait(ctx, every); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "--- %d of %d, every %s\n", n+1, times, every)
		}
		if status, err = shell.Run(ctx, p.block(file, s)); err != nil {
			return shell.End{Err: err}
		}
	}
	if status > 0 {
		return shell.Exit(uint8(status))
	}
	return nil
}

// repeated is the command: one argument is a command line (it was judged before, with all that is in it), several are
// a command's words.
func repeated(words []string) (*syntax.File, error) {
	if len(words) == 1 {
		file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(words[0]), "watch")
		if err != nil {
			return nil, shell.Refusef("watch cannot read its command: %v.", err)
		}
		return file, nil
	}
	call := &syntax.CallExpr{}
	for _, w := range words {
		call.Args = append(call.Args, &syntax.Word{Parts: []syntax.WordPart{&syntax.SglQuoted{Value: w}}})
	}
	return &syntax.File{Stmts: []*syntax.Stmt{{Cmd: call}}}, nil
}
