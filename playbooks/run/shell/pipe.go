package shell

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// greps end with 1 when they find nothing, which in front of a pipe is no failure.
var greps = []string{"grep", "egrep", "fgrep"}

// questions end with 1 to say no.
var questions = []string{"test", "[", "false", "read", "let", "getopts"}

// pipes are those of a block.
type pipes struct {
	// outer is the outermost pipe that a command stands in, by the command's position.
	outer map[syntax.Pos]*syntax.BinaryCmd
	// decides are the commands whose status can become that of their part of a pipe; front are those of them that are
	// in front of one.
	decides, front map[syntax.Pos]bool
}

// readPipes finds the pipes of a block. What stands in front of a pipe and ends with the answer to a question, such as
// a loop whose last line is a test, is made to end with 0: its status says nothing about the pipe.
func readPipes(file *syntax.File) pipes {
	p := pipes{map[syntax.Pos]*syntax.BinaryCmd{}, map[syntax.Pos]bool{}, map[syntax.Pos]bool{}}
	inner := map[*syntax.BinaryCmd]bool{}
	syntax.Walk(file, func(n syntax.Node) bool {
		pipe, ok := n.(*syntax.BinaryCmd)
		if !ok || !isPipe(pipe) || inner[pipe] {
			return true
		}
		syntax.Walk(pipe, func(n syntax.Node) bool {
			if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 && p.outer[c.Args[0].Pos()] == nil {
				p.outer[c.Args[0].Pos()] = pipe
			}
			return true
		})
		for _, s := range fronts(pipe, inner) {
			if plain := tail(*s, func(c *syntax.CallExpr) { p.decides[c.Args[0].Pos()], p.front[c.Args[0].Pos()] = true, true }); !plain {
				colon := &syntax.CallExpr{Args: []*syntax.Word{{Parts: []syntax.WordPart{&syntax.Lit{Value: ":"}}}}}
				*s = &syntax.Stmt{Position: (*s).Position, Cmd: &syntax.Block{Stmts: []*syntax.Stmt{*s, {Cmd: colon}}}}
			}
		}
		tail(pipe.Y, func(c *syntax.CallExpr) { p.decides[c.Args[0].Pos()] = true })
		return true
	})
	return p
}

// fronts are the statements in front of a pipe, a | b of a | b | c; the pipe between them is noted as an inner one.
func fronts(pipe *syntax.BinaryCmd, inner map[*syntax.BinaryCmd]bool) []**syntax.Stmt {
	if before, ok := pipe.X.Cmd.(*syntax.BinaryCmd); ok && isPipe(before) {
		inner[before] = true
		return append(fronts(before, inner), &before.Y)
	}
	return []**syntax.Stmt{&pipe.X}
}

func isPipe(b *syntax.BinaryCmd) bool { return b.Op == syntax.Pipe || b.Op == syntax.PipeAll }

// tail tells the commands that a statement's status can come from, and whether a status that is not 0 then means that
// one of them failed.
func tail(s *syntax.Stmt, add func(*syntax.CallExpr)) bool {
	if s == nil || s.Cmd == nil {
		return true
	}
	if s.Negated {
		return false
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		if len(c.Args) == 0 {
			return true
		}
		add(c)
		return !slices.Contains(questions, c.Args[0].Lit())
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.OrStmt:
			return tail(c.Y, add)
		case syntax.AndStmt:
			asks := false
			plain := tail(c.X, func(c *syntax.CallExpr) { asks = asks || slices.Contains(greps, c.Args[0].Lit()) })
			return tail(c.Y, add) && plain && !asks
		default:
			plain := tail(c.X, add) // of a pipe within, the front counts too
			return tail(c.Y, add) && plain
		}
	case *syntax.Block:
		return tailOf(c.Stmts, add)
	case *syntax.Subshell:
		return tailOf(c.Stmts, add)
	case *syntax.ForClause:
		return tailOf(c.Do, add)
	case *syntax.WhileClause:
		return tailOf(c.Do, add)
	case *syntax.IfClause:
		plain := true
		for ; c != nil; c = c.Else {
			plain = tailOf(c.Then, add) && plain
		}
		return plain
	case *syntax.CaseClause:
		plain := true
		for _, item := range c.Items {
			plain = tailOf(item.Stmts, add) && plain
		}
		return plain
	case *syntax.TimeClause:
		return tail(c.Stmt, add)
	case *syntax.DeclClause:
		return true
	default:
		return false
	}
}

func tailOf(list []*syntax.Stmt, add func(*syntax.CallExpr)) bool {
	if len(list) == 0 {
		return true
	}
	return tail(list[len(list)-1], add)
}

// failure is how a command ended that did not end with 0.
type failure struct {
	args   []string
	status uint8
}

// note keeps how the command at a position ended the last time.
func (r *running) note(at syntax.Pos, args []string, status uint8) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if status == 0 {
		delete(r.failed, at)
		return
	}
	r.failed[at] = failure{args, status}
}

// culprit is the command that the block's status comes from: the last one, or of a pipe the first that failed. There is
// none where the shell itself said no.
func (r *running) culprit() (found failure, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pipe := r.pipes.outer[r.last]
	if pipe == nil {
		found, ok = r.failed[r.last]
		return found, ok
	}
	var first syntax.Pos
	for at, f := range r.failed {
		if r.pipes.outer[at] == pipe && r.pipes.decides[at] && (!ok || first.After(at)) {
			first, found, ok = at, f, true
		}
	}
	return found, ok
}

// gate is the way from a command into a pipe. When whoever reads there has had enough, what the command then says of
// it is held back.
type gate struct {
	mu     sync.Mutex
	closed bool
	said   bytes.Buffer
}

type gateOut struct {
	*gate
	to io.Writer
}

func (g gateOut) Write(p []byte) (int, error) {
	n, err := g.to.Write(p)
	if isClosed(err) {
		g.mu.Lock()
		g.closed = true
		g.mu.Unlock()
	}
	return n, err
}

type gateErr struct {
	*gate
	to io.Writer
}

// mostSaid bounds what is held back, in bytes.
const mostSaid = 4 << 10

func (g gateErr) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed || g.said.Len()+len(p) > mostSaid {
		return g.to.Write(p)
	}
	return g.said.Write(p)
}

// isClosed tells that nobody reads any more.
func isClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed)
}

// through gives a command's streams, and a function that says what its end means: nothing is wrong with one that ended
// because nobody read on.
func through(hc interp.HandlerContext) (Streams, func(error) error) {
	s := Streams{In: hc.Stdin, Out: hc.Stdout, Err: hc.Stderr}
	if s.In == nil {
		s.In = nowhere{} // it was closed by <&-
	}
	if _, pipe := hc.Stdout.(*os.File); !pipe {
		return s, func(err error) error { return err }
	}
	g := &gate{}
	s.Out, s.Err = gateOut{g, hc.Stdout}, gateErr{g, hc.Stderr}
	return s, func(err error) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		var refused Refusal
		var end End
		said := g.said.String()
		if err == nil || !g.closed || errors.As(err, &refused) || errors.As(err, &end) ||
			said != "" && !strings.Contains(said, syscall.EPIPE.Error()) {
			_, _ = io.WriteString(hc.Stderr, said)
			return err
		}
		return nil
	}
}
