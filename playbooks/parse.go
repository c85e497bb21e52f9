package playbooks

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// maxFile is the longest playbook that is read, in bytes; what is behind it
// is left out. maxSteps is the most steps that are kept.
const (
	maxFile     = 128 << 10
	maxSteps    = 500
	maxProblems = 500
)

// Parse reads a playbook. It never fails: what is wrong is in Problems, and
// what cannot run is a step that is Impossible.
func Parse(file string, data []byte) Playbook {
	p := &parser{out: Playbook{
		ID: strings.ToLower(strings.TrimSuffix(path.Base(file), path.Ext(file))), File: file, DataSource: "main",
	}}
	if len(data) > maxFile {
		p.problem(0, "the file is longer than 128 KiB; the rest is left out")
		data = data[:maxFile]
	}
	whole := strings.TrimPrefix(string(data), "\ufeff")
	if !utf8.ValidString(whole) {
		p.problem(0, "the file is not valid UTF-8; what cannot be read is replaced")
		whole = strings.ToValidUTF8(whole, "\ufffd")
	}
	whole = strings.ReplaceAll(strings.ReplaceAll(whole, "\r\n", "\n"), "\r", "\n")
	var lines []line
	for i, t := range strings.Split(whole, "\n") {
		lines = append(lines, line{t, i + 1})
	}
	lines = p.front(lines)
	lines, untidy := tidy(lines)
	p.out.Problems = append(p.out.Problems, untidy...)
	p.source(lines)
	p.markdown()
	p.finish()
	return p.out
}

// parser is one file being read.
type parser struct {
	out      Playbook
	declared []Param
	src      []byte
	starts   []int // where each line of src begins
	numbers  []int // the number of each line of src in the file
	// level is that of the headings that make sections.
	level   int
	section *Section
	heading string // below the section's
	label   string // what was said right before a block
	prose   []string
	used    map[string]int
	// early are the lines before the first section.
	early bool
}

func (p *parser) problem(n int, text string) {
	p.out.Problems = append(p.out.Problems, Problem{n, text})
}

func (p *parser) source(lines []line) {
	var b strings.Builder
	for _, l := range lines {
		p.starts = append(p.starts, b.Len())
		p.numbers = append(p.numbers, l.n)
		b.WriteString(l.text + "\n")
	}
	p.src = []byte(b.String())
}

// lineAt gives the number in the file of a place in the source.
func (p *parser) lineAt(offset int) int {
	i := sort.Search(len(p.starts), func(i int) bool { return p.starts[i] > offset }) - 1
	if i < 0 || i >= len(p.numbers) {
		return 0
	}
	return p.numbers[i]
}

func (p *parser) markdown() {
	p.used = map[string]int{}
	if depth := nesting(p.src); depth > 100 {
		p.problem(0, "the file is nested too deeply to be read")
		return
	}
	doc := goldmark.DefaultParser().Parse(text.NewReader(p.src))
	p.level = sectionLevel(doc)
	p.early = true
	p.section = &Section{Line: 1}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		p.block(n, "")
	}
	p.endSection()
}

// nesting is how many quote and list marks a line begins with, at most.
func nesting(src []byte) int {
	worst, now, blank := 0, 0, true
	for _, c := range src {
		switch {
		case c == '\n':
			worst, now, blank = max(worst, now), 0, true
		case blank && (c == '>' || c == '-' || c == '*' || c == '+' || c == '.' || c == ')'):
			now++
		case blank && c >= '0' && c <= '9':
		case c == ' ' || c == '\t':
		case c == '[' || c == '!':
			now++
			blank = false
		default:
			blank = false
		}
		if c == '[' {
			worst = max(worst, now)
		}
	}
	return max(worst, now)
}

// sectionLevel is the smallest level of a heading that is there more than
// once, or 2.
func sectionLevel(doc ast.Node) int {
	var count [7]int
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			count[h.Level]++
		}
	}
	if count[1] > 1 {
		return 1
	}
	for level := 2; level <= 6; level++ {
		if count[level] > 0 {
			return level
		}
	}
	return 2
}

// block reads one block. item is the text of the list item that it is in.
func (p *parser) block(n ast.Node, item string) {
	switch n := n.(type) {
	case *ast.Heading:
		p.head(n)
	case *ast.FencedCodeBlock:
		p.code(string(n.Language(p.src)), p.info(n), p.raw(n), p.codeLine(n), item)
	case *ast.CodeBlock:
		p.code("", nil, p.raw(n), p.codeLine(n), item)
	case *ast.List:
		p.listing(n)
	case *ast.Blockquote:
		p.quote(n, item)
	default:
		p.say(n)
	}
}

func (p *parser) head(n *ast.Heading) {
	title := p.plain(n)
	p.label = ""
	if n.Level == 1 && p.out.Title == "" && (p.early || p.level == 1) {
		p.out.Title = title
		if p.level != 1 {
			return
		}
		p.heading = ""
		return
	}
	if n.Level == 1 && p.level > 1 {
		if p.early && p.out.Title != "" {
			return
		}
	}
	if n.Level <= p.level {
		p.endSection()
		p.early = false
		p.section = &Section{Title: title, Line: p.nodeLine(n)}
		p.heading = ""
		return
	}
	p.heading = title
	p.flush()
}

func (p *parser) endSection() {
	p.flush()
	s := p.section
	p.section = nil
	if s == nil || s.Title == "" && strings.TrimSpace(s.Text) == "" && len(s.Steps) == 0 {
		return
	}
	p.out.Sections = append(p.out.Sections, *s)
}

// flush puts prose that led to no step into the section.
func (p *parser) flush() {
	if p.section == nil {
		return
	}
	if p.section.Text != "" && len(p.prose) > 0 {
		p.section.Text += "\n\n"
	}
	p.section.Text += strings.Join(p.prose, "\n\n")
	p.prose = nil
}

// say keeps prose, and takes a short line that introduces what follows as its
// label.
func (p *parser) say(n ast.Node) {
	t := strings.TrimSpace(p.raw(n))
	if t == "" {
		return
	}
	p.facts(t, p.nodeLine(n))
	p.prose = append(p.prose, t)
	p.label = ""
	bare := strings.Trim(p.plain(n), " *_")
	if utf8.RuneCountInString(bare) <= 90 && !strings.Contains(bare, "\n") && (strings.HasSuffix(bare, ":") || strings.HasPrefix(t, "**") && strings.HasSuffix(t, "**")) {
		p.label = strings.TrimSuffix(bare, ":")
	}
}

// quote is prose, or a message where the heading says so.
func (p *parser) quote(n *ast.Blockquote, item string) {
	holds := false
	_ = ast.Walk(n, func(c ast.Node, in bool) (ast.WalkStatus, error) {
		switch c.(type) {
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			holds = holds || in
		}
		return ast.WalkContinue, nil
	})
	if !holds && p.message() {
		var lines []string
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			lines = append(lines, strings.TrimSpace(p.raw(c)))
		}
		p.template(strings.Join(lines, "\n"), p.nodeLine(n))
		return
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		p.block(c, item)
	}
}

var checkbox = regexp.MustCompile(`^\[[ xX]?\][ \t]+`)

func (p *parser) listing(list *ast.List) {
	var items []string
	first := 0
	p.items(list, &items, &first, 0)
	if len(items) > 0 {
		title := p.title("", "")
		if slices.ContainsFunc(p.section.Steps, func(s Step) bool { return s.Title == title }) {
			title = "Check-list"
		}
		p.step(Step{Kind: Checklist, Title: title, Items: items, Line: first, Code: ""})
	}
}

// items collects the lines of a check-list, and reads what else the list
// holds.
func (p *parser) items(list *ast.List, items *[]string, first *int, depth int) {
	for it := list.FirstChild(); it != nil; it = it.NextSibling() {
		said := ""
		for n := it.FirstChild(); n != nil; n = n.NextSibling() {
			switch n := n.(type) {
			case *ast.TextBlock, *ast.Paragraph:
				t := strings.TrimSpace(p.raw(n))
				if m := checkbox.FindString(t); m != "" && said == "" {
					if len(*items) == 0 {
						*first = p.nodeLine(n)
					}
					*items = append(*items, oneLine(t[len(m):], 300))
					said = oneLine(t[len(m):], 90)
					continue
				}
				if said == "" {
					said = oneLine(p.plain(n), 90)
				}
				p.facts(t, p.nodeLine(n))
				mark := "- "
				if list.IsOrdered() {
					mark = fmt.Sprintf("%d. ", list.Start+index(it))
				}
				p.prose = append(p.prose, mark+t)
			case *ast.List:
				if depth < 20 {
					p.items(n, items, first, depth+1)
				}
			case *ast.FencedCodeBlock, *ast.CodeBlock:
				p.label = strings.TrimSuffix(said, ":")
				p.block(n, said)
			default:
				p.block(n, said)
			}
		}
	}
}

func index(n ast.Node) int {
	i := 0
	for s := n.PreviousSibling(); s != nil; s = s.PreviousSibling() {
		i++
		if i > 1000 {
			break
		}
	}
	return i
}

// step adds a step with the prose that led to it.
func (p *parser) step(s Step) {
	all := len(p.section.Steps)
	for _, sec := range p.out.Sections {
		all += len(sec.Steps)
	}
	if all >= maxSteps {
		if all == maxSteps {
			p.problem(s.Line, "the playbook has more than 500 steps; the rest is left out")
		}
		return
	}
	if p.heading == "" && len(p.section.Steps) == 0 && len(p.prose) > 1 {
		last := p.prose[len(p.prose)-1]
		p.prose = p.prose[:len(p.prose)-1]
		p.flush()
		p.prose = []string{last}
	}
	s.Text = strings.Join(p.prose, "\n\n")
	p.prose, p.label = nil, ""
	if s.Title == "" {
		s.Title = "Step"
	}
	content := s.Code + strings.Join(s.Items, "\n")
	key := s.Title + "\x00" + content
	s.ID = stepID(p.section.Title, s.Title, s.Kind, content, p.used[p.section.Title+"\x00"+key])
	p.used[p.section.Title+"\x00"+key]++
	p.section.Steps = append(p.section.Steps, s)
}

// title names a step: by its own comment, by what was said right before it,
// by its heading, by what it runs.
func (p *parser) title(comment, code string) string {
	taken := func(t string) bool {
		return slices.ContainsFunc(p.section.Steps, func(s Step) bool { return s.Title == t })
	}
	for _, t := range []string{p.label, p.heading, comment} {
		if t != "" && !taken(t) {
			return oneLine(t, 100)
		}
	}
	if len(p.section.Steps) == 0 && p.section.Title != "" {
		return oneLine(p.section.Title, 100)
	}
	for l := range strings.SplitSeq(code, "\n") {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			return oneLine(l, 70)
		}
	}
	if p.label != "" || p.heading != "" {
		return oneLine(p.label+p.heading, 100)
	}
	return p.section.Title
}

// finish numbers the steps and decides what each would do.
func (p *parser) finish() {
	n := 0
	for si := range p.out.Sections {
		steps := p.out.Sections[si].Steps
		for i := range steps {
			n++
			steps[i].N = n
			if steps[i].Kind == SQL && steps[i].Source == "" {
				steps[i].Source = p.out.DataSource
			}
			steps[i].fill(p.declared)
			p.lint(steps[i])
			for _, q := range steps[i].Params {
				if known, ok := p.out.Param(q.Name); !ok {
					p.out.Params = append(p.out.Params, q)
				} else if q.Narrow && !known.Narrow {
					for k := range p.out.Params {
						p.out.Params[k].Narrow = p.out.Params[k].Narrow || p.out.Params[k].Name == q.Name
					}
				}
			}
		}
		checks(steps)
	}
	for _, d := range p.declared {
		if _, ok := p.out.Param(d.Name); !ok {
			p.problem(d.Line, fmt.Sprintf("no step uses the parameter %s", d.Name))
			p.out.Params = append(p.out.Params, d)
		}
	}
	p.whole()
	slices.SortStableFunc(p.out.Problems, func(a, b Problem) int { return a.Line - b.Line })
	if len(p.out.Problems) > maxProblems {
		p.out.Problems = append(p.out.Problems[:maxProblems], Problem{0, "there are more problems than these"})
	}
}

// checks finds for every changing step the reading one behind it that tells
// whether it worked.
func checks(steps []Step) {
	for i := range steps {
		if steps[i].Class != Changing || i+1 >= len(steps) || steps[i+1].Class != Reading || !steps[i+1].Runs() {
			continue
		}
		first, _, _ := strings.Cut(strings.ToLower(steps[i+1].Title), " ")
		switch first {
		case "check", "verify", "confirm", "follow", "see":
			steps[i].Check = steps[i+1].ID
		}
	}
}
