package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"muster/playbooks"
	"muster/playbooks/run/shell"
)

// errDeadline and errOutput end a performance from inside the child.
var (
	errDeadline = errors.New("the deadline has passed")
	errOutput   = errors.New("it printed too much")
)

// postOutput bounds what a check prints.
const postOutput = 64 << 10

// perform does what the order says and makes the result. It runs in the child.
func perform(ctx context.Context, o order, f *framer) Result {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p := &performance{order: o, frames: f, out: newSink(o.Request.Limits.MaxOutput, f, func() { stop(errOutput) })}
	exit, err := p.do(ctx)
	p.settle()
	if req := o.Request; req.Post != nil && req.Mode == Change && err == nil && exit == 0 && ctx.Err() == nil {
		p.result.Post = p.post(ctx, *req.Post)
	}
	res := p.result
	res.Exit = exit
	res.Output, res.Truncated = p.out.whole()
	res.Ended, res.Why = p.ended(ctx, exit, err)
	return res
}

// performance is one order under way.
type performance struct {
	order  order
	frames *framer
	out    *sink

	failed  string // the command that the status comes from, masked; empty: none is named
	cluster cluster
	mu      sync.Mutex // over what commands add to the result
	result  Result
}

func (p *performance) do(ctx context.Context) (int, error) {
	req := p.order.Request
	switch req.Mode {
	case Check, Preview, Read, Change, Undo:
	default:
		return -1, fmt.Errorf("there is no mode %q", req.Mode)
	}
	if req.Mode == Undo || req.Mode == Preview && req.Undo != nil {
		if req.Kind == SQL {
			return p.undoSQL(ctx)
		}
		return p.undo(ctx)
	}
	switch req.Kind {
	case Bash:
		return p.bash(ctx)
	case SQL:
		return p.sql(ctx)
	case PromQL, LogQL:
		if req.Mode == Check {
			return 0, nil
		}
		if req.Kind == LogQL {
			return p.logql(ctx, req.Code)
		}
		return p.promql(ctx, req.Code)
	default:
		return -1, shell.Refusef("A block of %q cannot run.", req.Kind)
	}
}

// ended says why and how it ended, for a person.
func (p *performance) ended(ctx context.Context, exit int, err error) (Ended, string) {
	limits := p.order.Request.Limits
	var refused shell.Refusal
	switch {
	case isChanged(err):
		return Changed, p.out.mask(err.Error())
	case errors.As(err, &refused):
		return Refused, p.out.mask(string(refused))
	case p.out.overflowed():
		return Output, fmt.Sprintf("The step printed more than %d KiB and was ended.", endless*limits.MaxOutput>>10)
	case errors.Is(context.Cause(ctx), errDeadline):
		return Deadline, fmt.Sprintf("The step was still running after %s and was ended.", limits.Deadline)
	case err != nil:
		return Failed, p.out.mask(err.Error())
	case exit != 0:
		if p.failed != "" {
			return Failed, fmt.Sprintf("%s ended with status %d.", p.failed, exit)
		}
		return Failed, fmt.Sprintf("The last command ended with status %d.", exit)
	default:
		return Done, ""
	}
}

// bash parses the text and runs it with the commands that exist.
func (p *performance) bash(ctx context.Context) (int, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(p.order.Request.Code), "step")
	if err != nil {
		return -1, shell.Refusef("The block is no shell text that can be read: %s.", err)
	}
	if err := shell.Check(file); err != nil || p.order.Request.Mode == Check {
		return 0, err
	}
	p.result.Commands = p.commandLines(file)
	block := p.block(file, shell.Streams{Out: p.out, Err: p.out})
	block.Failed = func(args []string) { p.failed = p.out.mask(short(playbooks.Judge(args).Text)) }
	return shell.Run(ctx, block)
}

// block is a parsed text with the commands that exist.
func (p *performance) block(file *syntax.File, s shell.Streams) shell.Block {
	return shell.Block{File: file, Commands: p.commands(), Allow: p.allow, Out: s.Out, Err: s.Err}
}

// allow judges each command right before it runs, when all its words are known: what a step was approved as is not
// taken on trust.
func (p *performance) allow(args []string) error {
	c := playbooks.Judge(args)
	switch {
	case c.Class == playbooks.Impossible:
		return shell.Refusef("%s cannot run: %s.", p.out.mask(short(c.Text)), p.out.mask(c.Why))
	case c.Class.Exceeds(playbooks.Reading) && p.order.Request.Mode == Read:
		return shell.Refusef("The step was judged as reading, and this would change something: %s.", p.out.mask(short(c.Text)))
	}
	return nil
}

// short is a command for a sentence.
func short(text string) string {
	if r := []rune(text); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return text
}

// commandLines are a block's commands as they would run, one each.
func (p *performance) commandLines(file *syntax.File) []string {
	var out []string
	for _, st := range file.Stmts {
		var b strings.Builder
		if err := syntax.NewPrinter(syntax.SingleLine(false)).Print(&b, st); err == nil {
			out = append(out, p.out.mask(b.String()))
		}
	}
	return out
}

// post looks whether a change did what it should. It reads: a changing command in it is refused.
func (p *performance) post(ctx context.Context, check PostCheck) *PostResult {
	req := p.order.Request
	req.Mode, req.Kind, req.Code, req.Statements, req.Seen, req.Undo, req.Post = Read, check.Kind, check.Code, nil, nil, nil, nil
	out := newSink(postOutput, p.frames, func() {})
	out.quiet, out.secrets = true, p.out.secrets
	q := &performance{order: order{Request: req, Reach: p.order.Reach}, frames: p.frames, out: out}
	exit, err := q.do(ctx)
	res := &PostResult{OK: exit == 0 && err == nil}
	res.Output, _ = out.whole()
	if !res.OK {
		_, res.Why = q.ended(ctx, exit, err)
	}
	if t := q.result.Table; res.OK && t != nil && len(t.Rows) == 0 {
		res.OK, res.Why = false, "The query of the check has no answer."
	}
	return res
}
