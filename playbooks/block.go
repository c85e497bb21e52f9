package playbooks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yuin/goldmark/ast"
)

// raw is the source of a block.
func (p *parser) raw(n ast.Node) string {
	var b strings.Builder
	if n.Type() == ast.TypeBlock && n.Lines() != nil {
		for i := range n.Lines().Len() {
			seg := n.Lines().At(i)
			b.Write(seg.Value(p.src))
		}
	}
	if b.Len() > 0 {
		return b.String()
	}
	for c := n.FirstChild(); c != nil && n.Type() == ast.TypeBlock; c = c.NextSibling() {
		if c.Type() == ast.TypeBlock {
			b.WriteString(p.raw(c))
		}
	}
	return b.String()
}

// plain is the text of a block without its markup.
func (p *parser) plain(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, in bool) (ast.WalkStatus, error) {
		if !in {
			return ast.WalkContinue, nil
		}
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Segment.Value(p.src))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.URL(p.src))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

func (p *parser) nodeLine(n ast.Node) int {
	for ; n != nil; n = n.FirstChild() {
		if n.Type() != ast.TypeBlock {
			return 0
		}
		if n.Lines() != nil && n.Lines().Len() > 0 {
			return p.lineAt(n.Lines().At(0).Start)
		}
	}
	return 0
}

// codeLine is where the code of a block begins; of an empty one the line
// behind its fence.
func (p *parser) codeLine(n ast.Node) int {
	if at := p.nodeLine(n); at > 0 {
		return at
	}
	if f, ok := n.(*ast.FencedCodeBlock); ok && f.Info != nil {
		return p.lineAt(f.Info.Segment.Start) + 1
	}
	return 0
}

func (p *parser) info(n *ast.FencedCodeBlock) []string {
	if n.Info == nil {
		return nil
	}
	words := strings.Fields(string(n.Info.Segment.Value(p.src)))
	if len(words) < 2 {
		return nil
	}
	return words[1:]
}

// languages are the names of blocks that run.
var languages = map[string]Kind{
	"bash": Bash, "sh": Bash, "shell": Bash, "console": Bash, "shell-session": Bash, "shellsession": Bash, "zsh": Bash, "terminal": Bash,
	"sql": SQL, "postgresql": SQL, "postgres": SQL, "pgsql": SQL, "psql": SQL,
	"promql": PromQL, "logql": LogQL,
	"template": Template, "message": Template, "slack": Template,
}

// code reads one block of code.
func (p *parser) code(language string, attributes []string, code string, n int, item string) {
	language = strings.ToLower(strings.Trim(language, "{}."))
	code = strings.TrimRight(code, "\n")
	if strings.TrimSpace(code) == "" {
		p.problem(n, "the block is empty")
		return
	}
	s := Step{Kind: Show, Code: code, Line: n}
	kind, known := languages[language]
	switch {
	case known:
		s.Kind = kind
	case language == "" || language == "text" || language == "txt" || language == "plain" || language == "markdown" || language == "md":
		s.Kind = p.guess(language, code, n)
	case hereDocument(code):
		p.problem(n, fmt.Sprintf("shell commands stand in a block of %s; write ```bash. It is read as bash", oneLine(language, 20)))
		s.Kind = Bash
	case language == "yaml" || language == "yml" || language == "json":
		s.Why = "a block of " + language + " is text to copy; to apply it here, give it to kubectl apply -f - in a here-document"
	default:
		s.Why = "a block of " + oneLine(language, 20) + " is text to copy"
	}
	for _, a := range attributes {
		p.attribute(&s, a, n)
	}
	if s.Kind == Template {
		p.template(code, n)
		return
	}
	if s.Kind == Bash {
		p.bash(s)
		return
	}
	if s.Kind == Show && s.Why == "" {
		s.Why = "it is text to copy"
	}
	s.Title = p.title("", code)
	if s.Title == "" {
		s.Title = item
	}
	p.step(s)
}

func (p *parser) attribute(s *Step, a string, n int) {
	key, value, _ := strings.Cut(a, "=")
	value = strings.Trim(value, `"'`)
	switch key {
	case "copy":
		s.Kind, s.Why = Show, "it is meant to be copied"
	case "source", "data_source":
		s.Source = value
	case "timeout":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 || d > time.Hour {
			p.problem(n, fmt.Sprintf("timeout=%s is no time up to 1h, such as 5m", oneLine(value, 20)))
			return
		}
		s.Timeout = d
	default:
		// Other programs put their own words there.
	}
}

var (
	sqlStart    = regexp.MustCompile(`(?i)^\s*(select|explain|with|show|update|delete|insert|create|alter|vacuum|analyze)\b[\s(]`)
	dollarLine  = regexp.MustCompile(`^(\s*)\$ `)
	hereMarks   = regexp.MustCompile(`<<-?\s*['"]?[A-Za-z_]+['"]?\s*$`)
	commandLine = regexp.MustCompile(`^(\$ )?([a-z/.-]+)(\s|$)`)
)

// hereDocument tells whether a block of another language is shell text.
func hereDocument(code string) bool {
	for l := range strings.SplitSeq(code, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		m := commandLine.FindStringSubmatch(l)
		return m != nil && tools[m[2]] != nil && (hereMarks.MatchString(l) || m[2] == "kubectl" || m[2] == "curl")
	}
	return false
}

// guess finds out what a block without a language is.
func (p *parser) guess(language, code string, n int) Kind {
	if p.message() && !hereDocument(code) {
		return Template
	}
	if language != "" {
		return Show
	}
	for l := range strings.SplitSeq(code, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		if m := commandLine.FindStringSubmatch(l); m != nil && (tools[m[2]] != nil || m[1] != "") && m[2] != "open" && m[2] != "date" && m[2] != "read" && m[2] != "watch" && m[2] != "set" && m[2] != "test" {
			p.problem(n, "the block says no language; write ```bash. It is read as bash")
			return Bash
		}
		if sqlStart.MatchString(l) && strings.Contains(code, ";") {
			p.problem(n, "the block says no language; write ```sql. It is read as SQL")
			return SQL
		}
		return Show
	}
	return Show
}

// message tells whether what is said here is the text of a message.
func (p *parser) message() bool {
	for _, t := range []string{p.label, p.heading, p.section.Title} {
		t = strings.ToLower(t)
		for _, w := range []string{"template", "message", "status update", "announcement", "notification", "communication"} {
			if strings.Contains(t, w) {
				return true
			}
		}
	}
	return false
}

func (p *parser) template(code string, n int) {
	title := p.title("", "")
	if title == "" {
		title = "Update"
	}
	if p.out.Templates == nil {
		p.out.Templates = map[string]string{}
	}
	if len(p.out.Templates) >= maxSteps {
		p.step(Step{Kind: Template, Title: title, Code: code, Line: n})
		return
	}
	name := title
	for i := 2; p.out.Templates[name] != ""; i++ {
		name = fmt.Sprintf("%s %d", title, i)
	}
	p.out.Templates[name] = code
	p.step(Step{Kind: Template, Title: name, Code: code, Line: n})
}

// bash makes one step of a block, or one of each part that begins with a
// comment of its own where the parts do not depend on each other.
func (p *parser) bash(s Step) {
	s.Code = p.prompts(s.Code, s.Line)
	parts := parts(s.Code)
	heading, label := p.heading, p.label
	for i, part := range parts {
		one := s
		one.Code, one.Line = part.code, s.Line+part.line
		if len(parts) > 1 {
			p.label, p.heading = "", ""
			one.Title = p.title(part.comment, part.code)
			if part.comment == "" && i == 0 && (label != "" || heading != "") {
				one.Title = oneLine(label+heading[:len(heading)*boolInt(label == "")], 100)
			}
		} else {
			one.Title = p.title(part.comment, part.code)
		}
		if opens(part.code) {
			one.Kind = Open
		}
		p.heading = heading
		p.step(one)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prompts takes the $ from the beginning of the lines of a recorded session,
// and its answers away.
func (p *parser) prompts(code string, n int) string {
	lines := strings.Split(code, "\n")
	if !slices.ContainsFunc(lines, dollarLine.MatchString) {
		return code
	}
	p.problem(n, "the block is a recorded session; lines that begin with $ are read as commands and the others are left out")
	goesOn := false
	for i, l := range lines {
		switch {
		case dollarLine.MatchString(l):
			lines[i] = dollarLine.ReplaceAllString(l, "$1")
			goesOn = strings.HasSuffix(l, `\`)
		case goesOn:
			goesOn = strings.HasSuffix(l, `\`)
		default:
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// opens tells whether a block only opens one address.
func opens(code string) bool {
	s, failed := parseShell(code)
	if failed != nil || len(s.tree.Stmts) != 1 {
		return false
	}
	cmds := analyse(s).commands
	return len(cmds) == 1 && cmds[0].Tool == "open" && cmds[0].Class == Reading
}
