package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxNodes bounds a block's size: the interpreter walks the tree, and what is larger is no step of a runbook.
const maxNodes = 100_000

// Check refuses what a block may not contain whatever its commands are: background jobs, functions, process
// substitution, files.
func Check(file *syntax.File) error {
	if file == nil {
		return Refusal("There is nothing to run.")
	}
	var refused error
	nodes := 0
	syntax.Walk(file, func(n syntax.Node) bool {
		if nodes++; refused == nil && nodes > maxNodes {
			refused = Refusal("The block is too long to run.")
		}
		if refused != nil {
			return false
		}
		switch n := n.(type) {
		case *syntax.Stmt:
			if n.Background || n.Disown {
				refused = Refusal("Nothing runs in the background here: take away the &.")
			}
			if n.Coprocess {
				refused = Refusal("Nothing runs in the background here: take away the |&.")
			}
		case *syntax.FuncDecl:
			refused = Refusal("A step cannot define commands of its own.")
		case *syntax.CoprocClause:
			refused = Refusal("Nothing runs in the background here: take away the coproc.")
		case *syntax.ProcSubst:
			refused = Refusal("A command cannot stand in for a file here: use a pipe.")
		case *syntax.ParamExp:
			refused = indirect(n)
		case *syntax.Redirect:
			refused = redirect(n)
		}
		return refused == nil
	})
	return refused
}

// indirect refuses ${!name} and ${name@P}: both read a value as something else than text.
func indirect(p *syntax.ParamExp) error {
	if p.Excl {
		return Refusal("A variable cannot name another one here: take away the !.")
	}
	if p.Exp != nil && p.Exp.Op == syntax.OtherParamOps {
		return Refusal("A variable is only text here: take away the @.")
	}
	return nil
}

func redirect(r *syntax.Redirect) error {
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return nil
	case syntax.DplOut, syntax.DplIn:
		if to := r.Word.Lit(); to == "1" || to == "2" || to == "-" {
			return nil
		}
		return Refusal("Output goes to the step's own streams only: >&1 or >&2.")
	default:
		to := r.Word.Lit()
		if to == "/dev/null" {
			return nil
		}
		if to == "" {
			to = "this"
		}
		return Refusef("There are no files here: %s can be neither read nor written.", strings.ToValidUTF8(to, "?"))
	}
}
