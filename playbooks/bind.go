package playbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"muster/incident"
)

// Bind fills a step's parameters in. Values are put into the syntax tree, each
// as exactly one argument or one token; they are never part of a text that is
// read as commands. values are by the parameters' names; one that is missing
// or empty has its default. An error is an incident.Refusal that a person can
// act on.
func Bind(s Step, values map[string]string) (Bound, error) {
	switch s.Kind {
	case Bash, Open, SQL, PromQL, LogQL:
	default:
		return Bound{}, incident.Refusal{Code: "step", Text: "This step has nothing to run."}
	}
	if s.Class == Impossible {
		return Bound{}, incident.Refusal{Code: "impossible", Text: "This step cannot run: " + s.Why + ".", Hint: "Copy the text, and run it yourself if you must."}
	}
	given := map[string]string{}
	for _, p := range s.Params {
		v := values[p.Name]
		if v == "" {
			v = p.Default
		}
		if err := p.Check(v); err != nil {
			return Bound{}, err
		}
		given[p.Name] = v
	}
	for name := range values {
		if !slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name }) {
			return Bound{}, incident.Refusal{Code: "parameter", Text: fmt.Sprintf("This step has no parameter %q.", oneLine(name, 60))}
		}
	}
	b := Bound{Step: s, Values: given}
	t := read(s)
	t.uses = nil
	switch s.Kind {
	case Bash, Open:
		if err := b.bindShell(t, given); err != nil {
			return Bound{}, err
		}
	case SQL:
		if err := b.bindSQL(t, given, s.Params); err != nil {
			return Bound{}, err
		}
	case PromQL, LogQL:
		b.Query = bindQuery(t, given)
		b.Text, b.Commands = b.Query, t.commands
		b.Commands[0].Text = oneLine(b.Query, 400)
	}
	b.Class, b.Why = Classify(b.Commands)
	if b.Class == Impossible {
		return Bound{}, incident.Refusal{Code: "impossible", Text: "With these values the step cannot run: " + b.Why + "."}
	}
	// What could be told with the values is never less than without them.
	b.Class = b.Class.Worse(s.Class)
	if b.Class != Reading && s.Class == b.Class {
		b.Why = s.Why
	}
	for i := range b.Commands {
		b.Commands[i].Line += s.Line - 1
	}
	b.Digest = digest(s, b)
	return b, nil
}

func digest(s Step, b Bound) string {
	names := slices.Sorted(maps.Keys(b.Values))
	pairs := make([][2]string, len(names))
	for i, n := range names {
		pairs[i] = [2]string{n, b.Values[n]}
	}
	data, err := json.Marshal([]any{s.Kind, s.Source, b.Text, pairs})
	if err != nil {
		panic("playbooks: text that is no JSON: " + err.Error()) // strings always are
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// bindShell puts the values into the tree and judges its commands again.
func (b *Bound) bindShell(t taken, values map[string]string) error {
	s := t.script
	ended := ""
	syntax.Walk(s.tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Word:
			n.Parts = s.bindParts(n.Parts, values, false)
		case *syntax.Redirect:
			if n.Hdoc != nil {
				s.bindDocument(n.Hdoc, values)
				if end := marker(n.Word); endsEarly(n, end) {
					ended = end
				}
			}
		}
		return true
	})
	s.holes = nil
	a := analyse(s)
	b.Tree, b.Commands = s.tree, a.commands
	b.Text = s.print(s.tree)
	switch {
	case ended != "":
		return incident.Refusal{Code: "parameter", Text: fmt.Sprintf("A value makes a line %q, which would end the here-document before its end; give another value.", ended)}
	case hasHole(b.Text) || b.Class != Impossible && !a.faithful():
		return incident.Refusal{Code: "impossible", Text: "This step cannot run: a parameter stands where no value can be filled in."}
	}
	if b.Step.Kind == Open {
		for _, c := range a.commands {
			if len(c.Argv) == 2 {
				b.URL = c.Argv[1].Text
			}
		}
	}
	return nil
}

// marker gives the word that ends a here-document, without its quotes.
func marker(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString((&syntax.Word{Parts: p.Parts}).Lit())
		}
	}
	return b.String()
}

// endsEarly tells whether a here-document has its last line within it.
func endsEarly(r *syntax.Redirect, end string) bool {
	var b strings.Builder
	for _, p := range r.Hdoc.Parts {
		if lit, ok := p.(*syntax.Lit); ok {
			b.WriteString(lit.Value)
		} else {
			b.WriteByte(0) // never a part of the last line
		}
	}
	for l := range strings.Lines(b.String()) {
		l = strings.TrimSuffix(l, "\n")
		if l == end || r.Op == syntax.DashHdoc && strings.TrimLeft(l, "\t") == end {
			return true
		}
	}
	return false
}

// bindParts gives the parts of a word with the values as quoted parts of
// their own. Within double quotes the quotes are ended and begun again.
func (s *script) bindParts(parts []syntax.WordPart, values map[string]string, within bool) []syntax.WordPart {
	var out []syntax.WordPart
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if !hasHole(p.Value) {
				out = append(out, p)
				continue
			}
			for _, piece := range s.pieces(p.Value) {
				if h, ok := s.holes.only(piece); ok {
					out = append(out, quotedValue(values[h.name], p.Pos())...)
				} else {
					out = append(out, &syntax.Lit{ValuePos: p.ValuePos, ValueEnd: p.ValueEnd, Value: piece})
				}
			}
		case *syntax.SglQuoted:
			if !hasHole(p.Value) {
				out = append(out, p)
				continue
			}
			for _, piece := range s.pieces(p.Value) {
				if h, ok := s.holes.only(piece); ok {
					out = append(out, quotedValue(values[h.name], p.Pos())...)
				} else {
					out = append(out, &syntax.SglQuoted{Left: p.Left, Right: p.Right, Value: piece})
				}
			}
		case *syntax.DblQuoted:
			out = append(out, s.bindQuoted(p, values)...)
		default:
			out = append(out, p)
		}
	}
	return out
}

// bindQuoted splits a double quoted part at its values.
func (s *script) bindQuoted(q *syntax.DblQuoted, values map[string]string) []syntax.WordPart {
	if !slices.ContainsFunc(q.Parts, func(p syntax.WordPart) bool {
		lit, ok := p.(*syntax.Lit)
		return ok && hasHole(lit.Value)
	}) {
		return []syntax.WordPart{q}
	}
	var out []syntax.WordPart
	var run []syntax.WordPart
	flush := func() {
		if len(run) > 0 {
			out = append(out, &syntax.DblQuoted{Left: q.Left, Right: q.Right, Dollar: q.Dollar, Parts: run})
		}
		run = nil
	}
	for _, p := range q.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok || !hasHole(lit.Value) {
			run = append(run, p)
			continue
		}
		for _, piece := range s.pieces(lit.Value) {
			if h, ok := s.holes.only(piece); ok {
				flush()
				out = append(out, quotedValue(values[h.name], lit.Pos())...)
			} else {
				run = append(run, &syntax.Lit{ValuePos: lit.ValuePos, ValueEnd: lit.ValueEnd, Value: piece})
			}
		}
	}
	flush()
	return out
}

// bindDocument fills in a here-document, whose values are Narrow and have no
// meaning of their own in it.
func (s *script) bindDocument(w *syntax.Word, values map[string]string) {
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok || !hasHole(lit.Value) {
			continue
		}
		var b strings.Builder
		for _, piece := range s.pieces(lit.Value) {
			if h, ok := s.holes.only(piece); ok {
				piece = values[h.name]
			}
			b.WriteString(piece)
		}
		lit.Value = b.String()
	}
}

// pieces splits a text so that each parameter is a piece of its own.
func (s *script) pieces(text string) []string {
	var out []string
	start := 0
	for i, r := range text {
		if !isHole(r) || int(r-firstHole) >= len(s.holes) {
			continue
		}
		if start < i {
			out = append(out, text[start:i])
		}
		start = i + len(string(r))
		out = append(out, text[i:start])
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// quotedValue writes a value as single quoted parts; a single quote itself
// goes between double ones.
func quotedValue(v string, at syntax.Pos) []syntax.WordPart {
	var out []syntax.WordPart
	for i, piece := range strings.Split(v, "'") {
		if i > 0 {
			out = append(out, &syntax.DblQuoted{Left: at, Right: at, Parts: []syntax.WordPart{&syntax.Lit{ValuePos: at, ValueEnd: at, Value: "'"}}})
		}
		if piece != "" {
			out = append(out, &syntax.SglQuoted{Left: at, Right: at, Value: piece})
		}
	}
	return out
}

// bindSQL makes one token of each value: a number where the kind is one, a
// quoted name where it is one, a part of the text where it is within quotes,
// else a text.
func (b *Bound) bindSQL(t taken, values map[string]string, params []Param) error {
	kinds := map[string]ParamKind{}
	for _, p := range params {
		kinds[p.Name] = p.Kind
	}
	bound := slices.Clone(t.tokens)
	for i, tok := range bound {
		if !hasHole(tok.text) {
			continue
		}
		if tok.kind == spaceToken {
			bound[i].text = t.holes.show(tok.text)
			continue
		}
		var out strings.Builder
		for _, r := range tok.text {
			if !isHole(r) || int(r-firstHole) >= len(t.holes) {
				out.WriteRune(r)
				continue
			}
			name := t.holes[r-firstHole].name
			text, kind, why := sqlValue(tok.kind, kinds[name], values[name])
			if why != "" {
				return incident.Refusal{Code: "parameter", Text: strings.ReplaceAll(name, "-", " ") + ": " + why}
			}
			out.WriteString(text)
			bound[i].kind = kind
		}
		bound[i].text = out.String()
	}
	b.Commands = nil
	var texts []string
	for _, one := range splitSQL(bound) {
		words := sqlWords(one)
		c := judgeSQL(one)
		c.Text = joinSQL(one)
		c.Needs = []Need{{NeedSQL, b.Step.Source}}
		b.Commands = append(b.Commands, c)
		b.Statements = append(b.Statements, Statement{Text: c.Text, Verb: c.Verb, Class: c.Class, Why: c.Why, Alone: sqlAlone(words)})
		end := ";"
		if strings.HasPrefix(lastSaid(one), "--") {
			end = "\n;"
		}
		texts = append(texts, c.Text+end)
	}
	b.Text = strings.Join(texts, "\n")
	return nil
}

// lastSaid is the last token of a statement that is more than space.
func lastSaid(tokens []token) string {
	for _, t := range slices.Backward(tokens) {
		if strings.TrimSpace(t.text) != "" {
			return t.text
		}
	}
	return ""
}

func sqlValue(within tokenKind, kind ParamKind, v string) (text string, as tokenKind, why string) {
	if strings.Contains(v, `\`) {
		return "", 0, `a value for the database may not have a \ in it.`
	}
	switch {
	case within == textToken:
		return strings.ReplaceAll(v, "'", "''"), textToken, ""
	case within == quotedName:
		return strings.ReplaceAll(v, `"`, `""`), quotedName, ""
	case kind == NumberParam:
		return v, numberToken, ""
	case kind == IdentifierParam:
		parts := strings.Split(v, ".")
		for i, p := range parts {
			parts[i] = `"` + p + `"`
		}
		return strings.Join(parts, "."), quotedName, ""
	default:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'", textToken, ""
	}
}

// bindQuery fills in a query; its values are Narrow.
func bindQuery(t taken, values map[string]string) string {
	bound := slices.Clone(t.tokens)
	for i, tok := range bound {
		var out strings.Builder
		for _, r := range tok.text {
			if isHole(r) && int(r-firstHole) < len(t.holes) {
				out.WriteString(values[t.holes[r-firstHole].name])
				continue
			}
			out.WriteRune(r)
		}
		bound[i].text = out.String()
	}
	return joinQuery(bound)
}

// Link gives an address only when it is one that a person may be sent to.
func Link(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return "", false
	}
	return u.String(), true
}
