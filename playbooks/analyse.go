package playbooks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// maxKnown is the longest value of a variable that is followed, in bytes.
const maxKnown = 1 << 10

// maxItems is the longest list of a loop whose rounds are looked at one by
// one; maxCommands and maxVisits are how many commands a block may come to,
// and statements be looked at, while they are.
const (
	maxItems    = 16
	maxCommands = 500
	maxVisits   = 5000
)

// word is one word of a command as far as it is known: val has characters for
// parameters and for what is not known.
type word struct {
	val  string
	text string // as it can be read
	// open says that it may become no word, or several.
	open bool
	// place says that val is exactly one parameter.
	place bool
}

func (w word) static() bool { return !w.open && static(w.val) }

// analysis walks a script and says of each command what it would do.
type analysis struct {
	*script
	values   map[string]string // of variables, unknown where they are not known
	commands []Command
	uses     []use
	depth    int
	visits   int
}

// use is one place where a parameter is needed.
type use struct {
	hole   hole
	narrow bool
	line   int
}

// analyse says of every command of a script what it would do.
func analyse(s *script) *analysis {
	a := &analysis{script: s, values: map[string]string{}}
	a.usedIn(s.tree)
	a.stmts(s.tree.Stmts)
	return a
}

func (a *analysis) refuse(node syntax.Node, format string, args ...any) {
	a.add(node, Command{Text: oneLine(a.print(node), 200), Tool: "shell", Class: Impossible, Why: fmt.Sprintf(format, args...)})
}

// add notes a command, once where a loop comes to it again.
func (a *analysis) add(node syntax.Node, c Command) {
	c.Line = int(node.Pos().Line())
	for _, known := range a.commands {
		if known.Line == c.Line && known.Text == c.Text && known.Class == c.Class && known.Why == c.Why && slices.Equal(known.Needs, c.Needs) {
			return
		}
	}
	a.commands = append(a.commands, c)
}

// forget makes the variables that are assigned below a node unknown: it may
// run, or run again, or not.
func (a *analysis) forget(nodes ...syntax.Node) {
	for _, n := range nodes {
		for name := range assignedIn(n) {
			a.values[name] = string(unknown)
		}
	}
}

func (a *analysis) stmts(list []*syntax.Stmt) {
	for _, s := range list {
		a.stmt(s)
	}
}

func (a *analysis) stmt(s *syntax.Stmt) {
	a.visits++
	if a.depth++; a.depth > maxNested {
		a.refuse(s, "it is nested too deeply to be read")
		return
	}
	defer func() { a.depth-- }()
	switch {
	case s.Background || s.Disown:
		a.refuse(s, "nothing runs in the background, because nobody would see how it ends; leave out the &")
		return
	case s.Coprocess:
		a.refuse(s, "nothing runs beside the step")
		return
	}
	for _, r := range s.Redirs {
		a.redirect(s, r)
	}
	if s.Cmd == nil {
		return
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		a.call(c, s)
	case *syntax.BinaryCmd:
		a.binary(c)
	case *syntax.Block:
		a.stmts(c.Stmts)
	case *syntax.Subshell:
		before := maps.Clone(a.values)
		a.stmts(c.Stmts)
		a.values = before
	case *syntax.IfClause:
		a.forget(c)
		a.branches(c)
		a.forget(c)
	case *syntax.ForClause:
		a.loop(c)
	case *syntax.WhileClause:
		a.while(c, s)
	case *syntax.CaseClause:
		a.cases(c)
	case *syntax.TestClause:
		a.test(c.X)
	case *syntax.DeclClause:
		a.declare(c)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			a.stmt(c.Stmt)
		}
	case *syntax.FuncDecl:
		a.refuse(s, "functions are not run, because one command must not get the name of another; write the commands out")
	case *syntax.ArithmCmd, *syntax.LetClause:
		a.refuse(s, "arithmetic as a command is not run; write X=$((…))")
	default:
		a.refuse(s, "this piece of shell is not run here")
	}
}

func (a *analysis) redirect(s *syntax.Stmt, r *syntax.Redirect) {
	target := a.word(r.Word)
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		if r.Hdoc != nil {
			a.within(r.Hdoc)
		}
	case syntax.WordHdoc:
	case syntax.DplOut, syntax.DplIn:
		if !target.static() || target.val != "1" && target.val != "2" {
			a.refuse(s, "only 2>&1 and >&2 join outputs")
		}
	case syntax.RdrOut, syntax.RdrClob, syntax.AppOut, syntax.RdrAll, syntax.AppAll:
		switch {
		case target.static() && target.val == "/dev/null":
		case target.static():
			a.refuse(s, "it writes to the file %s, and there are no files; what a step prints is kept as evidence anyway", a.holes.show(target.val))
		default:
			a.refuse(s, "it writes to a file, and there are no files")
		}
	case syntax.RdrIn, syntax.RdrInOut:
		if r.Op == syntax.RdrIn && target.static() && target.val == "/dev/null" {
			return
		}
		a.refuse(s, "it reads the file %s, and there are no files; use a here-document", a.holes.show(target.text))
	default:
		a.refuse(s, "this redirection is not followed")
	}
}

// inside looks at the substitutions within a word that is no argument.
func (a *analysis) inside(w *syntax.Word) {
	if w != nil {
		a.word(w)
	}
}

func (a *analysis) binary(c *syntax.BinaryCmd) {
	switch c.Op {
	case syntax.Pipe, syntax.PipeAll:
		a.forget(c)
		before := maps.Clone(a.values)
		a.stmt(c.X)
		a.values = maps.Clone(before)
		a.piped(c.Y)
		a.values = before
		a.forget(c)
	default: // && and ||
		a.stmt(c.X)
		a.stmt(c.Y)
		a.forget(c.Y)
	}
}

// piped is the right side of a pipe: a loop that reads there ends with what
// it is given.
func (a *analysis) piped(s *syntax.Stmt) {
	if w, ok := s.Cmd.(*syntax.WhileClause); ok && a.reads(w) && !s.Background && len(s.Redirs) == 0 {
		a.forget(w)
		a.stmts(w.Do)
		return
	}
	a.stmt(s)
}

func (a *analysis) branches(c *syntax.IfClause) {
	for ; c != nil; c = c.Else {
		a.stmts(c.Cond)
		a.stmts(c.Then)
	}
}

func (a *analysis) loop(c *syntax.ForClause) {
	it, ok := c.Loop.(*syntax.WordIter)
	if !ok || c.Select {
		a.refuse(c, "only a for loop over a list is run, because its end can be seen")
		return
	}
	if !it.InPos.IsValid() {
		a.refuse(c, "a step has no arguments to loop over")
		return
	}
	items := make([]word, len(it.Items))
	for i, w := range it.Items {
		items[i] = a.word(w)
	}
	defer a.forget(c)
	open := func(w word) bool { return w.open || strings.ContainsAny(w.val, " \t\n*?[") }
	if len(items) > maxItems || slices.ContainsFunc(items, open) || len(a.commands) > maxCommands || a.visits > maxVisits {
		a.forget(c)
		a.stmts(c.Do)
		return
	}
	// The list is there to be read, so each round is looked at by itself.
	for _, item := range items {
		a.forget(c)
		if a.visits > maxVisits {
			a.stmts(c.Do)
			return
		}
		a.values[it.Name.Value] = item.val
		a.stmts(c.Do)
	}
}

// reads tells whether a loop goes on as long as `read` finds a line.
func (a *analysis) reads(c *syntax.WhileClause) bool {
	if c.Until || len(c.Cond) != 1 || c.Cond[0].Negated || len(c.Cond[0].Redirs) > 0 {
		return false
	}
	call, ok := c.Cond[0].Cmd.(*syntax.CallExpr)
	return ok && literal(call.Args, 0) == "read"
}

func (a *analysis) while(c *syntax.WhileClause, s *syntax.Stmt) {
	given := slices.ContainsFunc(s.Redirs, func(r *syntax.Redirect) bool {
		return r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc || r.Op == syntax.WordHdoc
	})
	if given && a.reads(c) {
		a.forget(c)
		a.stmts(c.Do)
		return
	}
	a.refuse(c, "nothing shows that this loop ends; use watch for a repeat, or for over a list")
}

func (a *analysis) cases(c *syntax.CaseClause) {
	a.inside(c.Word)
	a.forget(c)
	for _, item := range c.Items {
		for _, p := range item.Patterns {
			a.inside(p)
		}
		a.stmts(item.Stmts)
	}
	a.forget(c)
}

func (a *analysis) test(x syntax.TestExpr) {
	switch x := x.(type) {
	case *syntax.UnaryTest:
		switch x.Op {
		case syntax.TsEmpStr, syntax.TsNempStr, syntax.TsNot:
			a.test(x.X)
		default:
			a.refuse(x, "only texts and numbers can be compared; there are no files to test")
		}
	case *syntax.BinaryTest:
		switch x.Op {
		case syntax.TsNewer, syntax.TsOlder, syntax.TsDevIno:
			a.refuse(x, "there are no files to compare")
			return
		}
		a.test(x.X)
		a.test(x.Y)
	case *syntax.ParenTest:
		a.test(x.X)
	case *syntax.Word:
		a.inside(x)
	}
}

func (a *analysis) declare(c *syntax.DeclClause) {
	switch c.Variant.Value {
	case "export", "readonly":
		a.assign(c.Args, c)
	default:
		a.refuse(c, "%s is not run; write NAME=value", c.Variant.Value)
	}
}

func (a *analysis) assign(list []*syntax.Assign, node syntax.Node) {
	for _, as := range list {
		switch {
		case as.Array != nil || as.Index != nil:
			a.refuse(node, "lists in variables are not run; use for over the words")
			continue
		case as.Name == nil:
			a.refuse(node, "only NAME=value gives a variable a value")
			continue
		case !variableName(as.Name.Value):
			a.refuse(node, "%s is the shell's own variable, and changing it changes how commands are read", as.Name.Value)
			continue
		case as.Naked:
			continue
		}
		value := ""
		if as.Value != nil {
			w := a.quoted(as.Value)
			value = w.val
		}
		if old, ok := a.values[as.Name.Value]; as.Append && ok {
			value = old + value
		}
		if len(value) > maxKnown {
			value = string(unknown)
		}
		a.values[as.Name.Value] = value
	}
}

func (a *analysis) call(c *syntax.CallExpr, s *syntax.Stmt) {
	if len(c.Args) == 0 {
		a.assign(c.Assigns, c)
		return
	}
	if len(c.Assigns) > 0 {
		a.refuse(c, "a variable in front of a command is not passed to it; commands have no environment")
		return
	}
	words := make([]word, 0, len(c.Args))
	for _, w := range c.Args {
		words = append(words, a.word(w))
	}
	words = a.split(c, words)
	j := judging{script: a.script, nested: a.nested, line: int(c.Pos().Line())}
	cmd := j.judge(words)
	cmd.Text = oneLine(a.print(&syntax.Stmt{Cmd: c, Position: c.Pos()}), 400)
	cmd.Argv = a.argv(words)
	if stdin := a.document(s); stdin != "" {
		cmd.Text += " " + stdin
	}
	a.add(c, cmd)
	for _, inner := range j.inner {
		a.add(c, inner)
	}
}

// document says that a command gets a here-document.
func (a *analysis) document(s *syntax.Stmt) string {
	for _, r := range s.Redirs {
		if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc {
			return "<<" + a.holes.show(r.Word.Lit())
		}
	}
	return ""
}

func (a *analysis) argv(words []word) []Arg {
	args := make([]Arg, len(words))
	for i, w := range words {
		args[i] = Arg{Text: a.holes.show(w.val), Known: w.static(), open: w.open}
		if h, ok := a.holes.only(w.val); ok && w.place {
			args[i].Param = h.name
		}
	}
	return args
}

// split gives the words that a command really gets where all is known: an
// unquoted variable may hold several.
func (a *analysis) split(c *syntax.CallExpr, words []word) []word {
	if slices.ContainsFunc(words, func(w word) bool { return w.open }) {
		return words
	}
	var all []word
	for i, w := range c.Args {
		if strings.ContainsRune(words[i].val, unknown) {
			all = append(all, words[i]) // refused, or one quoted word
			continue
		}
		fields, err := expand.Fields(a.config(), w)
		if err != nil || len(fields) == 1 {
			all = append(all, words[i])
			continue
		}
		for _, f := range fields {
			all = append(all, word{val: f, text: f})
		}
	}
	return all
}
