package report_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"muster/incident"
	"muster/report"
	"muster/report/chart"
)

// hostile is what somebody may type who wants to break a document, or does not
// mean to.
var hostile = []string{
	`<script>alert(1)</script>`, `</title></style><img src=x onerror=alert(1)>`, `[click](javascript:alert(1))`, `![x](http://evil.example/p.png)`,
	"line\n# Heading\n\n- item\n---\n===\n> quote\n```\ncode\n```\n| a | b |\n|---|---|", "\u202egnp.exe\u202d \u2066x\u2069", "שלום עולם", "\x00\x1b[31mred",
	strings.Repeat("W", 4000), strings.Repeat("👩‍👩‍👧 ", 800), `{{.Nonsense}} {{define "x"}}`, "a & b &lt;b&gt; ~~gone~~ \\# *x* _y_ `z`", "--", "&#60;script&#62;",
}

// told is an incident in which every text is the same.
func told(text string) report.Postmortem {
	ann, bob := incident.Person{Key: "ann@example.com", Name: text}, incident.Person{Key: "bob@example.com"}
	at := time.Date(2026, 3, 4, 2, 57, 0, 0, time.UTC)
	var records []incident.Record
	for i, e := range []incident.Event{
		incident.Declared{ID: "INC-12", Title: text, Severity: incident.P0, Service: text, Impact: text, By: ann},
		incident.Paged{Attempt: 1, Level: "L1", Role: "primary", Person: bob, Methods: []string{"phone"}, Why: incident.WhyDue},
		incident.PageSettled{Attempt: 1, Method: "phone", State: incident.PageFailed, Reason: text},
		incident.LevelPassed{Level: "L1", Why: incident.WhyFailed, Detail: text},
		incident.Acknowledged{By: bob, Via: "slack"},
		incident.Updated{By: ann, Text: text, Next: text, Impact: text},
		incident.Noted{By: bob, Text: text},
		incident.AlertsTold{Joined: []incident.AlertRef{{Group: "g", Title: text, Names: []string{text}, Service: text, Total: 2, Since: at}}},
		incident.ActionAdded{By: ann, N: 1, Text: text, Owner: bob, Due: "2026-03-11"},
		incident.ResolvedEvent{By: ann, Cause: text, Fix: text},
		incident.PostmortemWritten{By: ann, Section: incident.SectionWell, Text: text},
		incident.RecordMarked{By: ann, Record: 7, Text: text},
		incident.ClosedEvent{By: ann, Reason: text},
	} {
		records = append(records, incident.Record{Seq: uint64(i + 1), At: at.Add(time.Duration(i) * time.Minute), Event: e})
	}
	c := chart.Chart{Title: text, From: at, To: at.Add(time.Hour), Lines: []chart.Line{{Name: text, Points: []chart.Point{{At: at, V: 1}, {At: at.Add(time.Minute), V: 2}}}},
		Marks: []chart.Mark{{At: at.Add(time.Minute), Label: text}}}
	svg, err := chart.SVG(c)
	if err != nil {
		svg = nil
	}
	return report.Postmortem{Data: report.Collect(records), Charts: []report.Picture{{Title: text, SVG: svg}}, Past: []string{text}, Files: []report.File{{Name: text, SHA256: "00"}}}
}

var tag = regexp.MustCompile(`<(/?[a-z][a-z0-9]*)`)

// shape is the elements of a page in their order, without those that a text's
// own lines and the drawing make, nor others that are left out.
func shape(page string, without ...string) string {
	page = regexp.MustCompile(`(?s)<svg.*?</svg>`).ReplaceAllString(page, "")
	var out []string
	without = append(without, "br", "p", "code")
	for _, m := range tag.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(without, strings.TrimPrefix(m[1], "/")) {
			out = append(out, m[1])
		}
	}
	return strings.Join(out, " ")
}

// Whatever people typed, both documents keep their structure, load nothing and
// hold no control.
func TestHostileTextBreaksNoDocument(t *testing.T) {
	gfm := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList))
	documents := func(text string) (page, rendered string) {
		p := told(text)
		html, err := report.HTML(p, "")
		if err != nil {
			t.Fatal(err)
		}
		md, err := report.Markdown(p, "")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := gfm.Convert(md, &out); err != nil {
			t.Fatal(err)
		}
		for _, doc := range []string{string(html), string(md)} {
			if strings.ContainsAny(doc, "\x00\x1b\u202e\u202d\u2066\u2069") {
				t.Errorf("%.30q: a control is in the document", text)
			}
		}
		return string(html), out.String()
	}
	page, rendered := documents("plain words")
	for _, text := range hostile {
		gotPage, gotRendered := documents(text)
		if shape(gotPage) != shape(page) {
			t.Errorf("%.30q changes the page:\n%s\nwant\n%s", text, shape(gotPage), shape(page))
		}
		want := shape(rendered, "ul", "li") // people write lists
		if got := shape(gotRendered, "ul", "li"); got != want {
			t.Errorf("%.30q changes the Markdown:\n%s\nwant\n%s", text, got, want)
		}
	}
}

// The page is one file: it names no other, and forbids itself to load any.
func TestPageNeedsNothingElse(t *testing.T) {
	page, err := report.HTML(document(t), "")
	if err != nil {
		t.Fatal(err)
	}
	doc := regexp.MustCompile(`xmlns(:\w+)?="[^"]*"`).ReplaceAllString(string(page), "")
	if i := regexp.MustCompile(`(?i)(src|href|action|data)\s*=\s*["'a-z]|url\(|@import|<link|<script|https?:`).FindStringIndex(doc); i != nil {
		t.Errorf("the page names something outside: %.80s", doc[i[0]:])
	}
	if !strings.Contains(doc, `default-src 'none'`) {
		t.Error("the page may load something")
	}
}
