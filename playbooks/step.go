package playbooks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// taken is a step's code taken apart: what would run, and where values are needed.
type taken struct {
	script   *script // bash
	holes    holes
	tokens   []token // sql, promql, logql
	commands []Command
	uses     []use
}

// read takes the code of a step apart. It never fails: what cannot be read is
// an impossible command.
func read(s Step) taken {
	var r taken
	switch s.Kind {
	case Bash, Open:
		parsed, failed := parseShell(s.Code)
		if failed != nil {
			r.commands = []Command{*failed}
			return r
		}
		a := analyse(parsed)
		if class, _ := Classify(a.commands); class != Impossible && !a.faithful() {
			r.commands = []Command{{Line: 1, Text: oneLine(lineOf(s.Code, 1), 120), Tool: "shell", Class: Impossible, Why: "it cannot be shown as it would run; write it with fewer signs next to each other"}}
			return r
		}
		r.script, r.holes, r.commands, r.uses = parsed, parsed.holes, a.commands, a.uses
	case SQL:
		r.commands, r.holes, r.tokens = analyseSQL(s.Code, cmp.Or(s.Source, "main"))
		r.uses = tokenUses(r.tokens, r.holes)
	case PromQL, LogQL:
		r.commands, r.holes, r.tokens = analyseQuery(s.Kind, s.Code)
		r.uses = tokenUses(r.tokens, r.holes)
		for i := range r.uses {
			r.uses[i].narrow = true
		}
	}
	return r
}

// tokenUses lists where a text of tokens needs values: outside quotes only
// numbers, names and texts that become one token.
func tokenUses(tokens []token, h holes) []use {
	var uses []use
	for _, t := range tokens {
		if t.kind == spaceToken {
			continue
		}
		for _, r := range t.text {
			if isHole(r) && int(r-firstHole) < len(h) {
				uses = append(uses, use{h[r-firstHole], t.kind == quotedName, t.line})
			}
		}
	}
	return uses
}

// Classify gives the class of a whole and its reason: of the first of its
// gravest commands.
func Classify(commands []Command) (Class, string) {
	if len(commands) == 0 {
		return Impossible, "there is nothing in it that could run"
	}
	gravest := commands[0]
	for _, c := range commands[1:] {
		if c.Class.Exceeds(gravest.Class) {
			gravest = c
		}
	}
	why := gravest.Why
	if len(commands) > 1 && gravest.Class != Reading {
		why = fmt.Sprintf("%s: %s", oneLine(gravest.Text, 80), why)
	}
	return gravest.Class, why
}

// fill completes a step from its code: commands, class and parameters.
// declared are the parameters of the front matter.
func (s *Step) fill(declared []Param) {
	switch s.Kind {
	case Checklist:
		s.Class, s.Why = Reading, "it is ticked by hand"
	case Template:
		s.Class, s.Why = Reading, "it fills in an update, which a person posts"
	case Show:
		s.Class = Impossible
	default:
		r := read(*s)
		s.Commands = r.commands
		for i := range s.Commands {
			s.Commands[i].Line += s.Line - 1
		}
		s.Class, s.Why = Classify(s.Commands)
		s.Params = params(r.uses, declared, s.Line)
	}
}

// params makes a parameter of each name in use.
func params(uses []use, declared []Param, line int) []Param {
	var all []Param
	for _, u := range uses {
		i := slices.IndexFunc(all, func(p Param) bool { return p.Name == u.hole.name })
		if i < 0 {
			p := Param{Name: u.hole.name, Kind: guessKind(u.hole.name), Default: u.hole.fallback, Line: line + u.line - 1}
			for _, d := range declared {
				if d.Name == p.Name {
					p.Kind, p.Label, p.Choices = cmp.Or(d.Kind, p.Kind), d.Label, d.Choices
					p.Default, p.Narrow = cmp.Or(d.Default, p.Default), d.Narrow
				}
			}
			all = append(all, p)
			i = len(all) - 1
		}
		all[i].Narrow = all[i].Narrow || u.narrow
	}
	return all
}

// stepID is short, and the same as long as the section, the title and the
// content are.
func stepID(section, title string, kind Kind, content string, again int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", section, title, kind, strings.TrimSpace(content), again))
	return hex.EncodeToString(sum[:6])
}
