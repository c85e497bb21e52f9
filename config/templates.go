package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"muster/report"
)

// Mrkdwn is text that is already in Slack's markup, such as a mention. Plain
// strings are escaped before they reach a template; Mrkdwn is not.
type Mrkdwn string

// FirstMessage is what templates/first.tmpl gets. Empty fields are unknown.
type FirstMessage struct {
	Severity string // P0 to P3
	Title    string
	Status   string
	Impact   string
	ETA      string
	OnCall   Mrkdwn // names or mentions
}

// Update is what templates/update.tmpl gets. Empty fields are unknown.
type Update struct {
	Subject string // the service, else the title
	Status  string
	Actions string
	Next    string
	ETA     string
}

// Resolution is what templates/resolution.tmpl gets. Empty fields are unknown.
type Resolution struct {
	Subject    string // the service, else the title
	Minutes    int    // the incident's duration
	Cause      string
	Fix        string
	Monitoring string // empty: will monitor for 1 hour
	Postmortem string // date and time; empty: not scheduled
}

// Templates are the messages of an incident's life. They are checked when they
// are loaded, so rendering always gives text.
type Templates struct {
	first, update, resolution *template.Template
	// PostmortemMarkdown and PostmortemHTML are the team's own templates of the
	// post-mortem; empty: the built-in ones.
	PostmortemMarkdown, PostmortemHTML string
}

// First renders the announcement as lines of mrkdwn.
func (t *Templates) First(m FirstMessage) []string { return render(t.first, m.fields()) }

// Update renders an update as lines of mrkdwn.
func (t *Templates) Update(m Update) []string { return render(t.update, m.fields()) }

// Resolution renders the resolution as lines of mrkdwn.
func (t *Templates) Resolution(m Resolution) []string { return render(t.resolution, m.fields()) }

// The fields that templates see are the structs' own, made safe: a title is
// one line, other text may have more, and none of it is markup.

func (m FirstMessage) fields() any {
	m.Severity, m.Title = oneLine(m.Severity), oneLine(m.Title)
	m.Status, m.Impact, m.ETA = lines(m.Status), lines(m.Impact), lines(m.ETA)
	m.OnCall = Mrkdwn(strings.Join(strings.Fields(string(m.OnCall)), " "))
	return m
}

func (m Update) fields() any {
	m.Subject = oneLine(m.Subject)
	m.Status, m.Actions, m.Next, m.ETA = lines(m.Status), lines(m.Actions), lines(m.Next), lines(m.ETA)
	return m
}

func (m Resolution) fields() any {
	m.Subject = oneLine(m.Subject)
	m.Cause, m.Fix = lines(m.Cause), lines(m.Fix)
	m.Monitoring, m.Postmortem = lines(m.Monitoring), oneLine(m.Postmortem)
	return m
}

var mrkdwn = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\x00", "")

func oneLine(text string) string {
	return mrkdwn.Replace(strings.Join(strings.Fields(text), " "))
}

// lines keeps a text's own lines, each further one set in, so that none can
// pass for a line of the template.
func lines(text string) string {
	var kept []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, mrkdwn.Replace(line))
		}
	}
	return strings.Join(kept, "\n    ")
}

func render(t *template.Template, data any) []string {
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		// Unlike every case that the load tried: say what is known.
		return []string{fmt.Sprintf("%+v", data)}
	}
	var out []string
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// layout is one template file with the lines that its message must have.
type layout struct {
	name   string
	target func(*Templates) **template.Template
	filled any
	bare   any
	// lines are what each line of the message begins with, in order; %s is
	// what the filled data has there. holds is what the line must contain.
	lines []layoutLine
}

type layoutLine struct{ begins, holds string }

// mark is a value that the filled data of a check has and no template.
func mark(field string) string { return "check-" + field }

var layouts = []layout{
	{
		name:   "first",
		target: func(t *Templates) **template.Template { return &t.first },
		filled: FirstMessage{"P0", mark("title"), mark("status"), mark("impact"), mark("eta"), Mrkdwn(mark("oncall"))}.fields(),
		bare:   FirstMessage{}.fields(),
		lines: []layoutLine{
			{"🚨 P0 Incident:", mark("title")}, {"Status:", mark("status")}, {"Impact:", mark("impact")},
			{"ETA:", mark("eta")}, {"On-call:", mark("oncall")},
		},
	},
	{
		name:   "update",
		target: func(t *Templates) **template.Template { return &t.update },
		filled: Update{mark("subject"), mark("status"), mark("actions"), mark("next"), mark("eta")}.fields(),
		bare:   Update{}.fields(),
		lines: []layoutLine{
			{"⏱️ Update:", mark("subject")}, {"Status:", mark("status")}, {"Actions taken:", mark("actions")},
			{"Next step:", mark("next")}, {"ETA:", mark("eta")},
		},
	},
	{
		name:   "resolution",
		target: func(t *Templates) **template.Template { return &t.resolution },
		filled: Resolution{mark("subject"), 4711, mark("cause"), mark("fix"), mark("monitoring"), mark("postmortem")}.fields(),
		bare:   Resolution{}.fields(),
		lines: []layoutLine{
			{"✅ RESOLVED:", mark("subject")}, {"Duration:", "4711 minutes"}, {"Root cause:", mark("cause")},
			{"Fix applied:", mark("fix")}, {"Monitoring:", mark("monitoring")}, {"Post-mortem:", mark("postmortem")},
		},
	},
}

func (l *loader) templates() {
	t := &Templates{}
	for _, lay := range layouts {
		name := path.Join(templateDir, lay.name+".tmpl")
		data, ok := l.read(name)
		if !ok {
			data = builtinFile(name)
		}
		*lay.target(t) = l.template(name, string(data), lay)
	}
	l.documents(t)
	l.cfg.Templates = t
}

var templateError = regexp.MustCompile(`^template: [^:]*:(\d+)(?::\d+)?: (?:executing "[^"]*" at )?(.*)$`)

func (l *loader) template(file, text string, lay layout) *template.Template {
	t, err := template.New(lay.name).Funcs(report.Printing()).Parse(text)
	if err == nil {
		err = bounded(lay.name, text, 0)
	}
	if err != nil {
		l.templateProblem(file, err)
		return nil
	}
	for _, data := range []any{lay.bare, lay.filled} {
		b := limited{left: maxMessage}
		if err := t.Execute(&b, data); err != nil {
			l.templateProblem(file, err)
			return nil
		}
	}
	l.missingLine(file, text, render(t, lay.filled), lay)
	return t
}

// maxMessage is the longest message that a template may make of short data,
// in bytes; Slack takes 4,000 characters.
const maxMessage = 4000

// limited refuses more text than a message can hold, so that a template that
// loops is a problem and not a hang.
type limited struct{ left int }

func (w *limited) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.New("the message is longer than Slack takes")
	}
	return len(p), nil
}

func (l *loader) templateProblem(file string, err error) {
	line, text := 1, err.Error()
	if m := templateError.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	l.problems.add(file, line, "the template cannot be used (%s); correct it, or remove the file for the default", text)
}

// missingLine reports the first line that a message ought to have and does not
// have at its place.
func (l *loader) missingLine(file, text string, got []string, lay layout) {
	at := 0
	for _, want := range lay.lines {
		found := -1
		for i, line := range got {
			if strings.HasPrefix(bare(line), bare(want.begins)) && strings.Contains(line, want.holds) {
				found = i
				break
			}
		}
		switch {
		case found < 0:
			l.problems.add(file, sourceLine(text, want.begins), "the message lacks its line %q; put it back at its place, as in the default", want.begins+" …")
			return
		case found < at:
			l.problems.add(file, sourceLine(text, want.begins), "the line %q is out of order; the order is %s", want.begins+" …", orderOf(lay))
			return
		}
		at = found
	}
}

func orderOf(lay layout) string {
	names := make([]string, len(lay.lines))
	for i, line := range lay.lines {
		names[i] = strings.TrimSuffix(line.begins, ":")
	}
	return strings.Join(names, " · ")
}

// bare is a line without the markup that a template may put around its words.
func bare(line string) string {
	return strings.TrimLeft(strings.NewReplacer("*", "", "_", "", "`", "", "\ufe0f", "").Replace(line), " >•-\t")
}

// sourceLine is the line of a template that has a line's label, else its last.
func sourceLine(text, begins string) int {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	label := bare(begins[strings.LastIndexAny(begins, " 0")+1:])
	if words := strings.TrimSuffix(begins, ":"); !strings.ContainsAny(words, "🚨⏱✅") {
		label = begins
	}
	for i, line := range all {
		if strings.Contains(bare(line), bare(label)) {
			return i + 1
		}
	}
	return len(all)
}
