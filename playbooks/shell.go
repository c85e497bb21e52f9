package playbooks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxCode is the longest block that is parsed, in bytes, and maxNested how
// deep it may be nested.
const (
	maxCode   = 64 << 10
	maxNested = 40
)

// script is a parsed bash block.
type script struct {
	tree  *syntax.File
	holes holes
	// assigned are the variables that the block itself gives a value.
	assigned map[string]bool
}

// parseShell reads a block. What it cannot read is one impossible command.
func parseShell(code string, options ...syntax.ParserOption) (*script, *Command) {
	fail := func(line int, why string) (*script, *Command) {
		return nil, &Command{Line: line, Text: oneLine(lineOf(code, line), 120), Tool: "shell", Class: Impossible, Why: why}
	}
	if len(code) > maxCode {
		return fail(1, fmt.Sprintf("the block is longer than %d KiB", maxCode>>10))
	}
	if line, why, found := odd(code); found {
		return fail(line, why)
	}
	if deep(code) {
		return fail(1, "the block is nested too deeply to be read")
	}
	text, h := dig(strings.ReplaceAll(code, "\r\n", "\n"), shellPlaces)
	tree, err := syntax.NewParser(append(options, syntax.Variant(syntax.LangBash))...).Parse(strings.NewReader(text), "")
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &parse):
		return fail(int(parse.Pos.Line()), "it cannot be read as shell text: "+h.show(parse.Text))
	case errors.As(err, &lang):
		return fail(int(lang.Pos.Line()), "it cannot be read as shell text: "+h.show(lang.Feature)+" is not bash")
	case err != nil:
		return fail(1, "it cannot be read as shell text: "+h.show(err.Error()))
	}
	s := &script{tree: tree, holes: h, assigned: assignedIn(tree)}
	s.variables()
	if s.holes.full() {
		return fail(1, tooMany)
	}
	return s, nil
}

// deep tells whether the brackets and quotes of a text could be nested so
// deeply that reading it costs too much.
func deep(code string) bool {
	depth, worst := 0, 0
	for _, r := range code {
		switch r {
		case '(', '{', '[':
			depth++
			worst = max(worst, depth)
		case ')', '}', ']':
			depth = max(0, depth-1)
		}
	}
	return worst > maxNested || strings.Count(code, "`") > 2*maxNested || strings.Count(code, "if ") > 20*maxNested
}

func lineOf(code string, n int) string {
	for i, line := range strings.Split(code, "\n") {
		if i+1 == n {
			return line
		}
	}
	return ""
}

// assignedIn lists the variables that get a value anywhere below a node.
func assignedIn(node syntax.Node) map[string]bool {
	names := map[string]bool{}
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				names[n.Name.Value] = true
			}
		case *syntax.WordIter:
			names[n.Name.Value] = true
		case *syntax.CallExpr:
			if name := literal(n.Args, 0); name == "read" || name == "mapfile" || name == "readarray" || name == "getopts" || name == "unset" {
				for i := range n.Args[1:] {
					names[literal(n.Args, i+1)] = true
				}
				names["REPLY"] = true
			}
		}
		return true
	})
	delete(names, "")
	return names
}

// literal gives a word that is plain text; empty: it is not, or not there.
func literal(words []*syntax.Word, i int) string {
	if i >= len(words) {
		return ""
	}
	return words[i].Lit()
}

// variables turns every ${NAME} that the block gives no value into a
// parameter.
func (s *script) variables() {
	syntax.Walk(s.tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Word:
			s.wordVariables(n.Parts)
		case *syntax.DblQuoted:
			s.wordVariables(n.Parts)
		}
		return true
	})
}

func (s *script) wordVariables(parts []syntax.WordPart) {
	for i, part := range parts {
		p, ok := part.(*syntax.ParamExp)
		if !ok || p.Param == nil || s.assigned[p.Param.Value] || !variableName(p.Param.Value) {
			continue
		}
		fallback, plain := plainExpansion(p)
		if !plain {
			continue
		}
		spelling := "${" + p.Param.Value + "}"
		parts[i] = &syntax.Lit{
			ValuePos: p.Pos(), ValueEnd: p.End(),
			Value: s.holes.add(paramName(p.Param.Value), spelling, fallback),
		}
	}
}

// variableName tells whether a variable can be a parameter: $1, $? and what a
// shell sets by itself are none.
func variableName(name string) bool {
	switch name {
	case "HOME", "PATH", "PWD", "OLDPWD", "USER", "UID", "EUID", "GID", "SHELL", "IFS", "RANDOM", "SECONDS", "LINENO", "HOSTNAME", "PPID",
		"BASH", "BASHPID", "OPTARG", "OPTIND", "PIPESTATUS", "FUNCNAME", "TMPDIR", "REPLY", "DIRSTACK", "EPOCHSECONDS", "EPOCHREALTIME", "SRANDOM":
		return false
	}
	return name != "" && (name[0] >= 'A' && name[0] <= 'Z' || name[0] >= 'a' && name[0] <= 'z')
}

// plainExpansion tells whether an expansion is only a variable's value, or
// its value with a default or a message for when it has none.
func plainExpansion(p *syntax.ParamExp) (fallback string, plain bool) {
	if p.Excl || p.Length || p.Width || p.IsSet || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Names != 0 ||
		p.NestedParam != nil || p.Flags != nil || len(p.Modifiers) > 0 {
		return "", false
	}
	if p.Exp == nil {
		return "", true
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		if p.Exp.Word == nil {
			return "", true
		}
		text := p.Exp.Word.Lit()
		return text, text != "" && static(text)
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		return "", true
	default:
		return "", false
	}
}

// print writes a piece of the tree as it can be read.
func (s *script) print(node syntax.Node) string { return s.holes.show(printed(node)) }

func printed(node syntax.Node) string {
	var b strings.Builder
	if err := syntax.NewPrinter(syntax.Indent(2)).Print(&b, node); err != nil {
		return ""
	}
	return strings.TrimRight(b.String(), "\n")
}

// faithful tells whether the text that people see, read again, comes to the
// same commands as the tree. The printer of the tree has texts that it writes
// otherwise than they were.
func (a *analysis) faithful() bool {
	tree, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(printed(a.tree)), "")
	if err != nil {
		return false
	}
	again := &analysis{script: &script{tree: tree, holes: a.holes, assigned: assignedIn(tree)}, values: map[string]string{}}
	again.stmts(tree.Stmts)
	return slices.EqualFunc(a.commands, again.commands, func(x, y Command) bool {
		return x.Tool == y.Tool && x.Verb == y.Verb && x.Class == y.Class && slices.EqualFunc(x.Argv, y.Argv, func(v, w Arg) bool {
			return v.Text == w.Text && v.Known == w.Known && v.open == w.open
		})
	})
}
