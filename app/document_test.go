package app

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/workspace"
)

// finished plays a small incident to the end of its post-mortem.
func (w *world) finished(title string) workspace.Message {
	w.Helper()
	w.post(200, "create P2 "+title, "erin@example.com", "")
	card := w.card(title)
	time.Sleep(12 * time.Minute)
	w.post(200, "update INC-1 Mitigating rolled back", "erin@example.com", "")
	time.Sleep(8 * time.Minute)
	w.post(200, "resolve INC-1 a bad deploy", "erin@example.com", "")
	w.post(200, "postmortem write INC-1 summary Nobody could pay for twenty minutes.", "erin@example.com", "")
	w.post(200, "postmortem write INC-1 prevention Try the deploy on one pod first.", "erin@example.com", "")
	w.post(200, "postmortem done INC-1", "erin@example.com", "")
	return card
}

// filesIn gives the files of a thread by what their names end in: .html.
func (w *world) filesIn(card workspace.Message) map[string]string {
	out := map[string]string{}
	for _, m := range w.thread(card) {
		for _, f := range m.Files {
			out[path.Ext(fmt.Sprint(f["name"]))] = string(w.ws.Person("alice").FileData(fmt.Sprint(f["id"])))
		}
	}
	return out
}

// namesIn counts the files of a thread by name.
func (w *world) namesIn(card workspace.Message) map[string]int {
	out := map[string]int{}
	for _, m := range w.thread(card) {
		for _, f := range m.Files {
			out[fmt.Sprint(f["name"])]++
		}
	}
	return out
}

var canvasLink = regexp.MustCompile(`/docs/[A-Z0-9]+/([A-Z0-9]+)`)

// A finished post-mortem is a canvas, with its page beside it.
func TestPostmortemIsPostedAsACanvas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metricsServer{value: 0.2}
		w := newWorld(t, map[string]string{"muster.yaml": fmt.Sprintf(watchedYAML, "off", "")})
		defer w.end()
		w.change = func(o *Options) { o.Env.PrometheusURL, o.HTTP = "http://prometheus.local", &http.Client{Transport: m} }
		w.start()
		defer func() { w.stop() }()
		card := w.finished("API slow")
		done := w.inThread(card, time.Minute, "The post-mortem of *INC-1* is done", "read it")
		id := canvasLink.FindStringSubmatch(done.Text)
		if id == nil {
			t.Fatalf("there is no link in %s", done.Text)
		}
		title, text, ok := w.ws.Person("bob").Document(id[1])
		if !ok || title != "Post-mortem INC-1: API slow" || !strings.Contains(text, "Nobody could pay for twenty minutes.") || strings.Contains(text, "![") {
			t.Errorf("the canvas %q says\n%s", title, text)
		}
		files := w.filesIn(card)
		if page := files[".html"]; !strings.Contains(page, "a bad deploy") || strings.Count(page, "<svg") != 2 || files[".md"] != "" {
			t.Errorf("the thread has %d files; the page has %d bytes and %d pictures", len(files), len(page), strings.Count(page, "<svg"))
		}
		w.restart(time.Minute)
		time.Sleep(time.Minute)
		if n := w.said(card, "is done: "); n != 1 {
			t.Errorf("it was posted %d times", n)
		}
	})
}

// A workspace without canvases gets files; one that is slow to answer gets the
// canvas later.
func TestPostmortemIsPostedAsFiles(t *testing.T) {
	files := map[string]string{"templates/postmortem.md.tmpl": "# Ours: {{.ID}}\n{{section \"summary\"}}\n{{range shown}}- {{roles .Said}}\n{{end}}"}
	inBubble(t, files, func(w *world) {
		w.ws.FailMethod("canvases.create", "free_teams_cannot_create_non_tabbed_canvases")
		card := w.finished("API slow")
		w.inThread(card, time.Minute, "The post-mortem of *INC-1* is done", "in the files above")
		got := w.filesIn(card)
		if text := got[".md"]; !strings.HasPrefix(text, "# Ours: INC-1\nNobody could pay") || !strings.Contains(text, "- The commander declared") || strings.Contains(text, "Erin") {
			t.Errorf("the team's own template gave\n%s", text)
		}
		if !strings.Contains(got[".html"], "<!doctype html>") {
			t.Errorf("the thread has %d files", len(got))
		}
		w.calm(time.Minute)
	})
}

func TestPostmortemWaitsForSlack(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.ws.FailMethod("canvases.create", "internal_error")
		card := w.finished("API slow")
		time.Sleep(2 * time.Minute)
		if n := w.said(card, "The post-mortem of *INC-1* is done"); n != 0 {
			t.Errorf("%d messages while the canvas is unclear", n)
		}
		w.ws.FailMethod("canvases.create", "")
		w.inThread(card, 5*time.Minute, "is done", "read it")
	})
}

// Whatever fails in the middle of posting, and also where the program dies
// there, each file and the message come once.
func TestPostmortemComesOnce(t *testing.T) {
	const upload = "files.completeUploadExternal"
	for name, fail := range map[string]struct{ begin, end func(w *world) }{
		"the first file's answer is lost": {begin: func(w *world) { w.ws.LoseAnswers(upload, 1) }},
		"both files' answers are lost":    {begin: func(w *world) { w.ws.LoseAnswers(upload, 2) }},
		"the message's answer is lost":    {begin: func(w *world) { w.ws.LoseAnswers("chat.postMessage", 2) }},
		"the program dies between the files": {
			begin: func(w *world) { w.ws.LoseAnswers(upload, 1) },
			end:   func(w *world) { w.restart(time.Minute) },
		},
		"the program dies before the message": {
			begin: func(w *world) { w.ws.FailMethod("chat.postMessage", "internal_error") },
			end: func(w *world) {
				w.restart(time.Minute)
				w.ws.FailMethod("chat.postMessage", "")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				w.ws.FailMethod("canvases.create", "free_teams_cannot_create_non_tabbed_canvases")
				w.post(200, "create P2 API slow", "erin@example.com", "")
				card := w.card("API slow")
				w.post(200, "resolve INC-1 a bad deploy", "erin@example.com", "")
				w.post(200, "postmortem write INC-1 summary Nobody could pay.", "erin@example.com", "")
				w.post(200, "postmortem write INC-1 prevention One pod first.", "erin@example.com", "")
				w.calm(time.Minute)
				fail.begin(w)
				w.post(200, "postmortem done INC-1", "erin@example.com", "")
				if fail.end != nil {
					w.wait(time.Minute, "file", func() bool { return len(w.filesIn(card)) > 1 }) // the meeting's is there
					fail.end(w)
				}
				w.inThread(card, 10*time.Minute, "The post-mortem of *INC-1* is done", "in the files above")
				w.calm(10 * time.Minute)
				names := w.namesIn(card)
				for file, n := range names {
					if n != 1 {
						t.Errorf("%s came %d times", file, n)
					}
				}
				if n := w.said(card, "The post-mortem of *INC-1* is done"); len(names) != 3 || n != 1 {
					t.Errorf("the files are %v, and the message came %d times", names, n)
				}
			})
		})
	}
}

// A template of the team's own that was fine with the samples and fails with an
// incident costs nobody the post-mortem: the built-in is used, and the
// operations channel is told where the mistake is.
func TestPostmortemWithATemplateThatFails(t *testing.T) {
	files := map[string]string{"templates/postmortem.md.tmpl": "# Ours: {{.ID}}\n{{if eq .Title \"API slow\"}}{{(index .Charts 7).Title}}{{end}}\n"}
	inBubble(t, files, func(w *world) {
		w.ws.FailMethod("canvases.create", "free_teams_cannot_create_non_tabbed_canvases")
		card := w.finished("API slow")
		w.inThread(card, time.Minute, "The post-mortem of *INC-1* is done")
		if text := w.filesIn(card)[".md"]; !strings.Contains(text, "# Post-mortem INC-1: API slow") || !strings.Contains(text, "Nobody could pay") {
			t.Errorf("the built-in gave\n%s", text)
		}
		w.inChannel("#muster-ops", time.Minute, "INC-1", "built-in template", "postmortem.md.tmpl:2")
	})
}
