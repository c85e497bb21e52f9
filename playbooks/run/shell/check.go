package shell

import (
	"regexp"
	"strings"
	"unicode/utf8"

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
	named, wordy := false, true // an array is declared whose indexes are names; all indexes are words
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
			if refused = indirect(n); refused == nil {
				refused = plainPattern(n)
			}
			wordy = wordy && isWord(n.Index)
		case *syntax.Assign:
			if n.Name != nil && n.Name.Value == "" {
				refused = Refusal("A value is given to a variable without a name.")
			}
			wordy = wordy && isWord(n.Index)
		case *syntax.ArrayElem:
			wordy = wordy && isWord(n.Index)
		case *syntax.DeclClause:
			var names bool
			names, refused = declared(n)
			named = named || names
		case *syntax.UnaryArithm:
			if n.Op == syntax.Inc || n.Op == syntax.Dec {
				refused = counted(n.X)
			}
		case *syntax.BinaryArithm:
			if assigns[n.Op] {
				refused = counted(n.X)
			}
		case *syntax.UnaryTest:
			if w, ok := n.X.(*syntax.Word); ok && (n.Op == syntax.TsVarSet || n.Op == syntax.TsRefVar) {
				if first, _ := written(w); first == "" {
					refused = Refusef("The name after %s is written out here.", n.Op)
				}
			}
		case *syntax.BinaryTest:
			if n.Op == syntax.TsMatch || n.Op == syntax.TsMatchShort || n.Op == syntax.TsNoMatch {
				if refused = Refusal("A test compares words: put && between two tests."); isWordTest(n.X) && isWordTest(n.Y) {
					refused = nil
				}
			}
		case *syntax.Redirect:
			refused = redirect(n)
		}
		return refused == nil
	})
	if refused == nil && named && !wordy {
		refused = Refusal("The index of an array that was declared with -A is one word here: put it in quotes.")
	}
	return refused
}

// declared refuses a variable that names another one, and options that are not written out; names tells that the indexes
// of an array are names.
func declared(d *syntax.DeclClause) (names bool, err error) {
	if d.Variant.Value == "nameref" {
		return false, Refusal("A variable cannot name another one here: take away the nameref.")
	}
	for _, a := range d.Args {
		if !a.Naked || a.Value == nil {
			continue
		}
		switch first, all := written(a.Value); {
		case first == "" || !all && first[0] == '-':
			return false, Refusef("The options and names after %s are written out here.", d.Variant.Value)
		case first[0] == '-' && strings.Contains(first, "n"):
			return false, Refusal("A variable cannot name another one here: take away the -n.")
		case first[0] == '-' && strings.Contains(first, "A"):
			names = true
		}
	}
	return names, nil
}

// written is the text that a word begins with as it is written, and whether that is all of it.
func written(w *syntax.Word) (first string, all bool) {
	if text := w.Lit(); text != "" {
		return strings.ReplaceAll(text, `\`, ""), true
	}
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
			continue
		case *syntax.SglQuoted:
			if !p.Dollar {
				b.WriteString(p.Value)
				continue
			}
		case *syntax.DblQuoted:
			text, whole := written(&syntax.Word{Parts: p.Parts})
			b.WriteString(text)
			if whole && !p.Dollar {
				continue
			}
		}
		return b.String(), false
	}
	return b.String(), true
}

// assigns are the operators that give a variable a value.
var assigns = map[syntax.BinAritOperator]bool{
	syntax.Assgn: true, syntax.AddAssgn: true, syntax.SubAssgn: true, syntax.MulAssgn: true, syntax.QuoAssgn: true, syntax.RemAssgn: true,
	syntax.AndAssgn: true, syntax.OrAssgn: true, syntax.XorAssgn: true, syntax.ShlAssgn: true, syntax.ShrAssgn: true,
}

// counted refuses what the interpreter cannot give a number to: it knows plain variables only.
func counted(x syntax.ArithmExpr) error {
	if w, ok := x.(*syntax.Word); ok && syntax.ValidName(w.Lit()) {
		return nil
	}
	return Refusal("Arithmetic changes plain variables only here: no element of an array, and no name from a variable.")
}

func isWord(index syntax.ArithmExpr) bool {
	_, ok := index.(*syntax.Word)
	return ok || index == nil
}

func isWordTest(x syntax.TestExpr) bool {
	_, ok := x.(*syntax.Word)
	return ok
}

// plainPattern refuses bytes that are no text in a pattern, over which the interpreter panics.
func plainPattern(p *syntax.ParamExp) error {
	var words []*syntax.Word
	if p.Exp != nil {
		words = append(words, p.Exp.Word)
	}
	if p.Repl != nil {
		words = append(words, p.Repl.Orig)
	}
	var refused error
	for _, w := range words {
		if w == nil {
			continue
		}
		syntax.Walk(w, func(n syntax.Node) bool {
			text, escapes := "", false
			switch n := n.(type) {
			case *syntax.Lit:
				text = n.Value
			case *syntax.SglQuoted:
				text, escapes = n.Value, n.Dollar
			}
			if !utf8.ValidString(text) || escapes && byteEscape.MatchString(text) {
				refused = Refusal("The pattern of a variable is text here: take away the bytes that are none.")
			}
			return refused == nil
		})
	}
	return refused
}

// byteEscape is a byte written by its number.
var byteEscape = regexp.MustCompile(`\\(?:x|[0-7])`)

// indirect refuses ${!name} and ${name@P}: both read a value as something else than text.
func indirect(p *syntax.ParamExp) error {
	if p.Param != nil && p.Param.Value == "" {
		return Refusal("A variable needs a name.")
	}
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
