package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/bot"
	"muster/config"
	"muster/playbooks/evidence"
	"muster/report/archive"
	"muster/workspace"
)

// upload has a person put a file into a thread.
func (w *world) upload(who string, card workspace.Message, name, text string) {
	w.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: w.slack.DialContext, DisableKeepAlives: true}}
	var out map[string]any
	call := func(method string, form url.Values) {
		w.Helper()
		form.Set("token", w.ws.Person(who).Token())
		resp, err := client.PostForm("http://slack.local/api/"+method, form)
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		out = nil
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out["ok"] != true {
			w.Fatalf("%s: %v %v", method, err, out)
		}
	}
	call("files.getUploadURLExternal", url.Values{"filename": {name}, "length": {strconv.Itoa(len(text))}})
	id, _ := out["file_id"].(string)
	address, _ := out["upload_url"].(string)
	resp, err := client.Post(address, "application/octet-stream", strings.NewReader(text))
	if err != nil {
		w.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	call("files.completeUploadExternal", url.Values{"files": {`[{"id":"` + id + `"}]`}, "channel_id": {w.ws.Person(who).ChannelID("#incidents")}, "thread_ts": {card.TS}})
}

// An export holds what was said in the thread, with its files, and is the same
// bytes again; without Slack it says so and has everything else.
func TestExportHoldsTheThread(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(200, "create P2 API is slow", "erin@example.com", "")
		card := w.card("API is slow")
		w.post(200, "escalate INC-1 @bob please look", "erin@example.com", "")
		time.Sleep(5 * time.Second)
		if _, err := w.ws.Person("bob").Say("#incidents", "the pool is used up", card.TS); err != nil {
			t.Fatal(err)
		}
		w.upload("bob", card, "../graph.txt", "open connections: 500")
		w.post(200, "resolve INC-1 a lock", "erin@example.com", "")
		time.Sleep(30 * time.Second)

		exported := func(read speaking) ([]byte, archive.Content) {
			t.Helper()
			var b bytes.Buffer
			if err := export(w.Context(), w.program.store, evidence.Open(t.TempDir(), time.Now), read, &config.Templates{}, "INC-1", &b); err != nil {
				t.Fatal(err)
			}
			c, err := archive.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			return b.Bytes(), c
		}
		first, c := exported(w.program.bot.Transcript)
		time.Sleep(time.Hour)
		if again, _ := exported(w.program.bot.Transcript); !bytes.Equal(first, again) {
			t.Error("the second export is another file")
		}
		thread := partOf(t, c, "transcript.md")
		if !strings.Contains(thread, "Bob Smith") || !strings.Contains(thread, "the pool is used up") || !strings.Contains(thread, "RESOLVED") || strings.Index(thread, "used up") > strings.LastIndex(thread, "RESOLVED") {
			t.Errorf("the transcript is\n%s", thread)
		}
		found := false
		for _, name := range c.Names {
			if strings.HasPrefix(name, "files/") && strings.HasSuffix(name, "graph.txt") {
				found = partOf(t, c, name) == "open connections: 500" && !strings.Contains(name, "..")
			}
		}
		if !found {
			t.Errorf("the thread's file is missing or another:\n%s", thread)
		}
		if pages := partOf(t, c, "pages.json"); !strings.Contains(pages, "bob@example.com") {
			t.Errorf("the pages are %s", pages)
		}

		_, away := exported(func(context.Context, string, string) ([]bot.Spoken, error) {
			return nil, errors.New("connection refused")
		})
		if said := partOf(t, away, "transcript.md"); !strings.Contains(said, "not in this archive") || !strings.Contains(said, "Slack could not be reached") {
			t.Errorf("without Slack the transcript says %q", said)
		}
		if len(away.History) != len(c.History) || partOf(t, away, "postmortem.html") == "" {
			t.Error("without Slack something else is missing")
		}
	})
}
