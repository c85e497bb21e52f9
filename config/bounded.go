package config

import (
	"fmt"
	"text/template/parse"
)

// maxSteps is how much a template may do, its calls of others counted each
// time; maxRanges how deep the ranges of a document may be within each other.
const (
	maxSteps  = 20_000
	maxRanges = 3
)

// bounded tells whether a template ends whatever it is given, by what it is
// made of: a range over a number, or templates that call each other many
// times, make no text that is too long, and no end. ranges is how deep ranges
// may be. The error reads as one of the template's own. A text that is no
// template is left to those that read it.
func bounded(name, text string, ranges int) error {
	trees := map[string]*parse.Tree{}
	t := parse.New(name)
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(text, "", "", trees); err != nil {
		return nil //nolint:nilerr // whoever parses it with its functions says so
	}
	b := bounding{trees: trees, known: map[string]load{}, numbers: map[string]bool{}, ranges: ranges}
	for called := range trees {
		b.template(called)
	}
	if b.why != "" {
		return fmt.Errorf("template: %s:%d: %s", name, b.line, b.why)
	}
	return nil
}

// load is what a template, or a part of one, comes to.
type load struct{ steps, depth int }

type bounding struct {
	trees  map[string]*parse.Tree
	known  map[string]load
	ranges int
	// numbers are the variables that were given a number.
	numbers map[string]bool
	line    int
	why     string
}

func (b *bounding) refuse(n parse.Node, t *parse.Tree, why string) {
	if b.why != "" {
		return
	}
	b.why, b.line = why, 1
	if at, _ := t.ErrorContext(n); at != "" {
		var col int
		if i := len(t.ParseName); len(at) > i {
			_, _ = fmt.Sscanf(at[i:], ":%d:%d", &b.line, &col)
		}
	}
}

func (b *bounding) template(name string) load {
	if l, ok := b.known[name]; ok {
		return l
	}
	t := b.trees[name]
	if t == nil || t.Root == nil {
		return load{}
	}
	b.known[name] = load{steps: maxSteps + 1} // until it is known, as for one that calls itself
	l := b.nodes(t, t.Root)
	b.known[name] = l
	return l
}

func (b *bounding) nodes(t *parse.Tree, list *parse.ListNode) load {
	var sum load
	if list == nil {
		return sum
	}
	for _, n := range list.Nodes {
		var one load
		switch n := n.(type) {
		case *parse.ActionNode:
			for _, v := range n.Pipe.Decl {
				b.numbers[v.Ident[0]] = b.numbers[v.Ident[0]] || b.counts(n.Pipe)
			}
		case *parse.IfNode:
			one = b.both(t, n.List, n.ElseList)
		case *parse.WithNode:
			one = b.both(t, n.List, n.ElseList)
		case *parse.RangeNode:
			one = b.both(t, n.List, n.ElseList)
			if one.depth++; one.depth > b.ranges {
				b.refuse(n, t, "it has a range where nothing can be ranged over, or too many within each other")
			}
			if b.counts(n.Pipe) {
				b.refuse(n, t, "a range over a number may have no end that is seen; range over a list")
			}
		case *parse.TemplateNode:
			one = b.template(n.Name)
		}
		sum.steps = min(sum.steps+1+one.steps, maxSteps+1)
		sum.depth = max(sum.depth, one.depth)
		if sum.steps > maxSteps {
			b.refuse(n, t, "its templates call each other too often, or without end")
		}
	}
	return sum
}

func (b *bounding) both(t *parse.Tree, first, second *parse.ListNode) load {
	x, y := b.nodes(t, first), b.nodes(t, second)
	return load{min(x.steps+y.steps, maxSteps), max(x.depth, y.depth)}
}

// counts tells whether a number stands in what is ranged over.
func (b *bounding) counts(p *parse.PipeNode) bool {
	if p == nil {
		return false
	}
	for _, c := range p.Cmds {
		if name, ok := c.Args[0].(*parse.IdentifierNode); ok && (name.Ident == "index" || name.Ident == "slice") {
			continue
		}
		for _, a := range c.Args {
			switch a := a.(type) {
			case *parse.NumberNode:
				return true
			case *parse.VariableNode:
				if b.numbers[a.Ident[0]] {
					return true
				}
			case *parse.PipeNode:
				if b.counts(a) {
					return true
				}
			}
		}
	}
	return false
}
