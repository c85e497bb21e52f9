package app

import (
	"fmt"
	"net/http"
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

// filesIn gives the files of a thread by name.
func (w *world) filesIn(card workspace.Message) map[string]string {
	out := map[string]string{}
	for _, m := range w.thread(card) {
		for _, f := range m.Files {
			out[fmt.Sprint(f["name"])] = string(w.ws.Person("alice").FileData(fmt.Sprint(f["id"])))
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
		if page := files["inc-1-post-mortem.html"]; !strings.Contains(page, "a bad deploy") || strings.Count(page, "<svg") != 2 || files["inc-1-post-mortem.md"] != "" {
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
		if text := got["inc-1-post-mortem.md"]; !strings.HasPrefix(text, "# Ours: INC-1\nNobody could pay") || !strings.Contains(text, "- The commander declared") || strings.Contains(text, "Erin") {
			t.Errorf("the team's own template gave\n%s", text)
		}
		if !strings.Contains(got["inc-1-post-mortem.html"], "<!doctype html>") {
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
