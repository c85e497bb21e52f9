package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	text "text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/commands"
	"muster/incident"
)

// The built-in templates. A team's own get a Postmortem.
var (
	//go:embed postmortem.md.tmpl
	BuiltinMarkdown string
	//go:embed postmortem.html.tmpl
	BuiltinHTML string
)

// Postmortem is what the templates of a post-mortem get.
type Postmortem struct {
	Data
	// Zone is where times are shown; nil: UTC.
	Zone *time.Location
	// Now is when the document is made.
	Now time.Time
	// Charts are pictures as SVG, with a title each.
	Charts []Picture
	// Files are further artefacts, by name and hash.
	Files []File
	// Past says what happened the last times; empty: nothing is known.
	Past []string
}

// Picture is one chart of a document.
type Picture struct {
	Title string
	SVG   []byte
	// Dark is the same for a dark page; nil: SVG serves both.
	Dark []byte
}

// File names something that is kept beside the document.
type File struct{ Name, SHA256 string }

// Markdown fills a template; an empty one is the built-in. Its error names the
// template's line.
func Markdown(p Postmortem, tmpl string) ([]byte, error) {
	if tmpl == "" {
		tmpl = BuiltinMarkdown
	}
	t, err := text.New("postmortem.md.tmpl").Funcs(Printing()).Funcs(text.FuncMap(p.functions(markdown))).Parse(tmpl)
	if err != nil {
		return nil, fmt.Errorf("post-mortem: %w", err)
	}
	return fill(t.Execute, p)
}

// HTML fills a template; an empty one is the built-in, one page that needs no
// other file. Its error names the template's line.
func HTML(p Postmortem, tmpl string) ([]byte, error) {
	if tmpl == "" {
		tmpl = BuiltinHTML
	}
	functions := p.functions(func(s string) string { return s })
	functions["svg"] = func(b []byte) template.HTML { return template.HTML(b) } //nolint:gosec // drawn by report/chart
	t, err := template.New("postmortem.html.tmpl").Funcs(Printing()).Funcs(functions).Parse(tmpl)
	if err != nil {
		return nil, fmt.Errorf("post-mortem: %w", err)
	}
	return fill(t.Execute, p)
}

// maxDocument bounds what a template makes, in bytes, so that one that loops is
// an error and no hang.
const maxDocument = 8 << 20

func fill(execute func(io.Writer, any) error, p Postmortem) ([]byte, error) {
	if len(p.Past) == 0 {
		for _, before := range p.Before {
			p.Past = append(p.Past, commands.PastLine(before))
		}
	}
	b := bounded{left: maxDocument}
	if err := execute(&b, p); err != nil {
		return nil, fmt.Errorf("post-mortem: %w", err)
	}
	return harmless(b.Bytes()), nil
}

// harmless leaves out what is not seen and turns the text around it: controls,
// and the marks that override the direction of writing.
func harmless(doc []byte) []byte {
	return bytes.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		default:
			return r
		}
	}, doc)
}

type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(data []byte) (int, error) {
	if b.left -= len(data); b.left < 0 {
		return 0, errors.New("the document grows without end")
	}
	return b.Buffer.Write(data)
}

// functions are the words that templates have. Everything that people typed
// goes through safe.
func (p Postmortem) functions(safe func(string) string) map[string]any {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	at := func(t time.Time, layout string) string {
		if t.IsZero() {
			return "—"
		}
		return t.In(zone).Format(layout)
	}
	words := func(r commands.Rich, who func(incident.Person) string) string {
		var b strings.Builder
		if said, ok := tellRole(r, who); ok {
			r = said
		}
		for _, part := range r {
			switch {
			case !part.Time.IsZero():
				b.WriteString(at(part.Time, "2 Jan 15:04"))
			case part.Text != "":
				b.WriteString(part.Text)
			default:
				b.WriteString(who(part.Person))
			}
		}
		said := b.String()
		if first, size := utf8.DecodeRuneInString(said); size > 0 {
			said = string(unicode.ToUpper(first)) + said[size:]
		}
		return within(safe(said))
	}
	return map[string]any{
		"day": func(t time.Time) string { return at(t, "Monday, 2 January 2006") },
		"time": func(t time.Time) string {
			if t.In(zone).Format(time.DateOnly) != p.Start.In(zone).Format(time.DateOnly) {
				return at(t, "2 Jan 15:04")
			}
			return at(t, "15:04")
		},
		"clock": func(t time.Time) string { return at(t, "15:04") },
		"when":  func(t time.Time) string { return at(t, "2006-01-02 15:04 MST") },
		"span": func(d time.Duration) string {
			if d <= 0 {
				return "—"
			}
			return commands.Span(d)
		},
		"safe":    safe,
		"line":    func(s string) string { return safe(strings.Join(strings.Fields(s), " ")) },
		"why":     whyPaged,
		"draft":   func(name string) []string { return p.Draft(incident.Section(name)) },
		"code":    fenced,
		"tone":    tone,
		"section": func(name string) string { return safe(p.Sections[incident.Section(name)]) },
		"name":    func(w incident.Person) string { return safe(strings.Join(strings.Fields(name(w)), " ")) },
		"role":    func(w incident.Person) string { return safe(p.Role(w)) },
		"names":   func(r commands.Rich) string { return words(r, name) },
		"roles":   func(r commands.Rich) string { return words(r, p.Role) },
		"shown":   p.Shown,
		"share":   func() int { return p.Kept * 100 / max(p.Kept+p.Missed, 1) },
		"method":  commands.MethodName,
		"title":   func(s incident.Section) string { return commands.SectionName(s) },
	}
}

func name(w incident.Person) string {
	switch {
	case w.Name != "":
		return w.Name
	case w.Nobody():
		return "nobody"
	default:
		return w.Key
	}
}

// roleWords are what a role is called when it stands for a name.
var roleWords = map[incident.Role]string{
	incident.Commander: "the commander", incident.Comms: "the communications lead", incident.Ops: "the operations lead", incident.Scribe: "the scribe",
}

// Role says what a person was in this incident, without the name: the role
// held last, else the number of the responder.
func (p Postmortem) Role(w incident.Person) string {
	n := 0
	for _, part := range p.People {
		if len(part.Roles) == 0 {
			n++
		}
		if !part.Person.Is(w) {
			continue
		}
		if k := len(part.Roles); k > 0 {
			return p.held(w, part.Roles[k-1])
		}
		return fmt.Sprintf("responder %d", n)
	}
	switch {
	case w.Nobody():
		return "nobody"
	case w.Is(incident.Self):
		return w.Name
	}
	return "somebody else"
}

// held is a role in words, and which holder it was where others took it over.
func (p Postmortem) held(w incident.Person, role incident.Role) string {
	holders := p.holders[role]
	if len(holders) == 0 || holders[len(holders)-1] == w.Key {
		return roleWord(role)
	}
	n := 0
	for i, key := range holders {
		if slices.Index(holders, key) == i {
			n++
		}
		if key == w.Key {
			break
		}
	}
	which := fmt.Sprintf("number %d of ", n)
	if n <= len(ordinals) {
		which = ordinals[n-1] + " "
	}
	return "the " + which + strings.TrimPrefix(roleWord(role), "the ")
}

var ordinals = []string{"first", "second", "third", "fourth", "fifth"}

func roleWord(r incident.Role) string {
	if word := roleWords[r]; word != "" {
		return word
	}
	return "the " + string(r)
}

// machine are the records that a reader of a post-mortem does not need: they
// are in the history.
var machine = map[string]bool{
	"posted": true, "on_call_changed": true, "postmortem_written": true, "postmortem_assigned": true, "record_marked": true,
	"meeting_near": true, "action_near": true, "postmortem_planned": true, "caught_up": true,
	"playbook_suggested": true, "step_previewed": true, "step_started": true, "step_confirmed": true, "watch_began": true, "watched": true,
	"reminder_due": true, "ladder_started": true, "impact_counted": true, "past_found": true, "action_added": true, "action_done": true, "closed": true,
}

// within keeps the lines of a text inside one entry of a list: a blank one
// would end it.
func within(text string) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n  ")
}

// tones are what a reader looks for in a timeline.
var tones = map[string]string{
	"declared": "bad", "reopened": "bad", "severity_changed": "bad", "last_resort_paged": "bad", "page_settled": "bad",
	"update_overdue": "late", "ack_lapsed": "late", "level_passed": "late", "paged": "late", "escalated": "late",
	"acknowledged": "good", "resolved": "good", "all_alerts_resolved": "good",
	"step_asked": "act", "step_approved": "act", "step_ended": "act", "updated": "act",
}

func tone(l Line) string { return tones[l.Kind] }

// fenced is text as Markdown shows code, whatever it holds.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + text + "\n" + fence
}

// Noticed says in a few words how many requests failed; empty: nobody counted.
func (d Data) Noticed() string {
	if d.Impact.To.IsZero() {
		return ""
	}
	return commands.Noticed(d.Impact)
}

// Shown are the timeline's lines that a post-mortem has: no hidden ones, none
// that only machines need, and of the pages' outcomes only those that failed.
func (p Postmortem) Shown() []Line {
	var out []Line
	for _, l := range p.Timeline {
		if l.Hidden || machine[l.Kind] || strings.HasPrefix(l.Text, overdueAgain) || l.Kind == "page_settled" && !strings.Contains(l.Text, "failed") {
			continue
		}
		out = append(out, l)
	}
	return out
}

// markdown escapes what Markdown would read as a mark, and keeps paragraphs.
func markdown(s string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.ReplaceAll(s, "\r", ""), "\n") {
		if i > 0 {
			b.WriteString("  \n")
		}
		trimmed := strings.TrimLeft(line, " \t")
		if trimmed != "" && strings.ContainsRune("#>+=", rune(trimmed[0])) || ruled(trimmed) {
			b.WriteByte('\\')
		}
		b.WriteString(marks.Replace(trimmed))
	}
	return b.String()
}

// ruled tells whether a line of nothing but dashes would make a heading of the
// line above, or a rule.
func ruled(line string) bool {
	return line != "" && strings.Trim(line, "- \t") == ""
}

var marks = strings.NewReplacer("&", "&amp;", "~", "\\~", "\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", "|", "\\|")

// Due is how many updates were due.
func (d Data) Due() int { return d.Kept + d.Missed }

// ZoneName is the name of the zone that times are shown in.
func (p Postmortem) ZoneName() string {
	if p.Zone == nil {
		return "UTC"
	}
	return p.Zone.String()
}

// File is the name of the picture's file beside the document.
func (p Picture) File() string {
	word := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, p.Title)
	return strings.Trim(word, "-") + ".svg"
}
