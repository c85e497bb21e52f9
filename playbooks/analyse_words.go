package playbooks

import (
	"io"
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// config evaluates words with the variables as far as they are known, and
// without anything of this machine.
func (a *analysis) config() *expand.Config {
	return &expand.Config{
		Env: expand.FuncEnviron(func(name string) string { return a.values[name] }),
		CmdSubst: func(w io.Writer, _ *syntax.CmdSubst) error {
			_, err := io.WriteString(w, string(unknown))
			return err
		},
		ProcSubst: func(*syntax.ProcSubst) (string, error) { return string(unknown), nil },
	}
}

// word evaluates an argument.
func (a *analysis) word(w *syntax.Word) word {
	out := a.quoted(w)
	for _, p := range w.Parts {
		if !a.decided(p) {
			out.open = true
		}
	}
	return out
}

// decided tells whether a part of a word outside quotes surely stays within
// its word.
func (a *analysis) decided(p syntax.WordPart) bool {
	switch p := p.(type) {
	case *syntax.ParamExp:
		return a.known(p) && !strings.ContainsRune(a.values[p.Param.Value], unknown)
	case *syntax.CmdSubst, *syntax.ExtGlob:
		return false
	default:
		return true
	}
}

// known tells whether an expansion gives the variable's value, known or not,
// as it stands.
func (a *analysis) known(p *syntax.ParamExp) bool {
	if p.Param == nil {
		return false
	}
	v, ok := a.values[p.Param.Value]
	_, plain := plainExpansion(p)
	return ok && (static(v) || plain)
}

// quoted evaluates a word that stays one word, such as a variable's value,
// and looks at the commands within it.
func (a *analysis) quoted(w *syntax.Word) word {
	out := word{text: a.print(w)}
	ok := a.parts(w)
	if !ok {
		out.val = string(unknown)
		return out
	}
	val, err := expand.Literal(a.config(), w)
	if err != nil {
		val = string(unknown)
	}
	out.val = val
	_, out.place = a.holes.only(val)
	return out
}

// parts looks at what a word is made of. It gives false when the word's value
// cannot be had.
func (a *analysis) parts(w *syntax.Word) bool {
	known := true
	if lit, ok := first(w).(*syntax.Lit); ok && strings.HasPrefix(lit.Value, "~") {
		a.refuse(w, "there is no home folder that ~ could mean")
		known = false
	}
	copied := syntax.Word{Parts: slices.Clone(w.Parts)}
	syntax.SplitBraces(&copied)
	if slices.ContainsFunc(copied.Parts, func(p syntax.WordPart) bool { _, spread := p.(*syntax.BraceExp); return spread }) {
		a.refuse(w, "{a,b} is not spread out; write the words")
		return false
	}
	return a.within(w) && known
}

// within looks at the substitutions of a word or a here-document. It gives
// false when its value cannot be had.
func (a *analysis) within(w *syntax.Word) bool {
	known := true
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Word:
			if behindSign(n) {
				a.refuse(n, "a parameter right behind a $ or \\ is not filled in, they would be read together; leave the sign out, or put it in quotes")
			}
		case *syntax.CmdSubst:
			before := maps.Clone(a.values)
			a.stmts(n.Stmts)
			a.values = before
			return false
		case *syntax.ProcSubst:
			a.refuse(n, "%s gives a command as a file, and there are no files; use a pipe", a.print(n))
			known = false
			return false
		case *syntax.ExtGlob:
			known = false
			if hasHole(n.Pattern.Value) {
				a.refuse(n, "a parameter inside a pattern in brackets is not filled in")
			}
		case *syntax.ArithmExp:
			if !a.arithmetic(n) {
				known = false
			}
			return false
		case *syntax.ParamExp:
			if !a.expansion(n) {
				known = false
			}
		case *syntax.SglQuoted:
			if n.Dollar && hasHole(n.Value) {
				a.refuse(n, "a parameter inside $'…' is not filled in; use plain quotes")
				known = false
			}
		}
		return true
	})
	return known
}

// behindSign tells whether a value would stand right behind a $ that is
// literal only as long as nothing does, or behind a \ that would be for it.
func behindSign(w *syntax.Word) bool {
	sign, escaped := false, false
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			sign, escaped = false, false
			continue
		}
		for _, r := range lit.Value {
			if isHole(r) && (sign || escaped) {
				return true
			}
			sign, escaped = r == '$' && !escaped, r == '\\' && !escaped
		}
	}
	return false
}

func first(w *syntax.Word) syntax.WordPart {
	if len(w.Parts) == 0 {
		return nil
	}
	return w.Parts[0]
}

// arithmetic refuses parameters in calculations, and gives whether the result
// is known: it never is.
func (a *analysis) arithmetic(n *syntax.ArithmExp) bool {
	syntax.Walk(n.X, func(x syntax.Node) bool {
		switch x := x.(type) {
		case *syntax.Lit:
			if hasHole(x.Value) {
				a.refuse(n, "a parameter inside a calculation is not filled in")
			}
		case *syntax.CmdSubst:
			a.stmts(x.Stmts)
			return false
		case *syntax.ParamExp:
			a.expansion(x)
		}
		return true
	})
	return false
}

// expansion looks at one ${…}, and tells whether its value is known.
func (a *analysis) expansion(p *syntax.ParamExp) bool {
	name := ""
	if p.Param != nil {
		name = p.Param.Value
	}
	switch {
	case p.Excl || p.Names != 0:
		a.refuse(p, "%s names a variable by another one, which cannot be followed", a.print(&syntax.Word{Parts: []syntax.WordPart{p}}))
		return false
	case name == "?" || name == "#" || name == "REPLY" || name == "RANDOM" || name == "SECONDS" || name == "LINENO" || name == "PPID":
		return false
	case p.Index != nil:
		a.refuse(p, "lists in variables are not run")
		return false
	case !a.assigned[name]:
		if variableName(name) {
			a.refuse(p, "the parameter %s can only be used as ${%s}", paramName(name), name)
		} else {
			a.refuse(p, "there is no $%s here: a step has no environment, no arguments and no home", name)
		}
		return false
	}
	return a.known(p)
}

// usedIn lists where parameters are needed below a node.
func (a *analysis) usedIn(node syntax.Node) {
	note := func(text string, narrow bool, at syntax.Pos) {
		for _, r := range text {
			if isHole(r) && int(r-firstHole) < len(a.holes) {
				a.uses = append(a.uses, use{a.holes[r-firstHole], narrow, int(at.Line())})
			}
		}
	}
	whole := map[syntax.Node]bool{}
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			for _, w := range n.Args {
				if lit := onlyPart(w); lit != nil {
					whole[lit] = true
				}
			}
		case *syntax.Lit:
			_, alone := a.holes.only(n.Value)
			note(n.Value, !alone || !whole[n], n.Pos())
		case *syntax.SglQuoted:
			_, alone := a.holes.only(n.Value)
			note(n.Value, !alone || !whole[n], n.Pos())
		}
		return true
	})
}

// onlyPart gives the text that a word consists of, within quotes or not.
func onlyPart(w *syntax.Word) syntax.Node {
	if len(w.Parts) != 1 {
		return nil
	}
	switch p := w.Parts[0].(type) {
	case *syntax.Lit, *syntax.SglQuoted:
		return p
	case *syntax.DblQuoted:
		if len(p.Parts) == 1 {
			if lit, ok := p.Parts[0].(*syntax.Lit); ok {
				return lit
			}
		}
	}
	return nil
}

// nested reads shell text that a command gets as one argument.
func (a *analysis) nested(text string) []Command {
	if a.depth > 4 || hasHole(text) {
		return []Command{{Text: oneLine(a.holes.show(text), 200), Tool: "shell", Class: Impossible,
			Why: "a parameter inside text that is read as commands again is not filled in; give the command as separate words"}}
	}
	s, failed := parseShell(text)
	if failed != nil {
		return []Command{*failed}
	}
	inner := &analysis{script: s, values: map[string]string{}, depth: a.depth + 1}
	inner.stmts(s.tree.Stmts)
	return inner.commands
}
