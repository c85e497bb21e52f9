package playbooks

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// part is a piece of a block that begins with a comment of its own.
type part struct {
	code    string
	comment string
	line    int // from 0, within the block
}

// parts takes a block apart at the comments in front of its commands, so that
// each becomes a step with a name. Where a part needs a variable of another,
// the block stays whole.
func parts(code string) []part {
	whole := []part{{code: code}}
	s, failed := parseShell(code, syntax.KeepComments(true))
	if failed != nil || len(s.tree.Stmts) == 0 {
		return whole
	}
	var groups []part
	var nodes [][]*syntax.Stmt
	for _, stmt := range s.tree.Stmts {
		comment, at := leading(stmt)
		if comment != "" || len(groups) == 0 {
			groups = append(groups, part{comment: comment, line: at - 1})
			nodes = append(nodes, nil)
		}
		nodes[len(nodes)-1] = append(nodes[len(nodes)-1], stmt)
	}
	if len(groups) == 1 {
		whole[0].comment = groups[0].comment
		return whole
	}
	if shared(nodes) {
		return whole
	}
	lines := strings.Split(code, "\n")
	groups[0].line = 0
	for i := range groups {
		end := len(lines)
		if i+1 < len(groups) {
			end = groups[i+1].line
		}
		if groups[i].line >= end {
			return whole // two on one line
		}
		groups[i].code = strings.TrimRight(strings.Join(lines[groups[i].line:end], "\n"), "\n \t")
	}
	return groups
}

// leading gives the comment on the lines right before a statement, and the
// line where it, or the statement, begins.
func leading(stmt *syntax.Stmt) (comment string, line int) {
	line = int(stmt.Pos().Line())
	var words []string
	for _, c := range stmt.Comments {
		n := int(c.Pos().Line())
		if n >= int(stmt.Pos().Line()) {
			continue
		}
		if len(words) == 0 {
			line = n
		}
		words = append(words, strings.Trim(c.Text, "#:=- \t!"))
	}
	return oneLine(strings.TrimSpace(strings.Join(words, " ")), 100), line
}

// shared tells whether a group uses a variable that another one assigns.
func shared(groups [][]*syntax.Stmt) bool {
	owner := map[string]int{}
	for i, group := range groups {
		for _, stmt := range group {
			for name := range assignedIn(stmt) {
				owner[name] = i
			}
			if call, ok := stmt.Cmd.(*syntax.CallExpr); ok && literal(call.Args, 0) == "set" {
				return true
			}
		}
	}
	found := false
	for i, group := range groups {
		for _, stmt := range group {
			syntax.Walk(stmt, func(n syntax.Node) bool {
				if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
					if o, ok := owner[p.Param.Value]; ok && o != i {
						found = true
					}
				}
				return true
			})
		}
	}
	return found
}
