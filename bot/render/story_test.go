package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"muster/bot/render"
	"muster/workspace/limits"
)

var update = flag.Bool("update", false, "write the golden files anew")

var stories = sync.OnceValue(render.Stories)

func TestEveryStoryKeepsSlacksLimits(t *testing.T) {
	names := map[string]bool{}
	for _, s := range stories() {
		if names[s.Name] {
			t.Errorf("two stories are called %q", s.Name)
		}
		names[s.Name] = true
		var problems []limits.Problem
		var raw []byte
		var err error
		switch {
		case s.Message != nil:
			raw, err = json.Marshal(s.Message)
			problems = limits.Message(raw)
			if n := utf8.RuneCountInString(s.Message.Text); n == 0 || n > render.MaxText {
				t.Errorf("%s: the text has %d code points", s.Name, n)
			}
		case s.View != nil:
			raw, err = json.Marshal(s.View)
			problems = limits.View(raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", s.Name, p)
		}
		if !utf8.Valid(raw) {
			t.Errorf("%s: not UTF-8", s.Name)
		}
	}
	if len(names) < 500 {
		t.Errorf("only %d stories", len(names))
	}
}

func TestNoForeignMarkupReachesSlack(t *testing.T) {
	for _, s := range stories() {
		eachText(s, func(kind, text string) {
			if kind == "plain_text" {
				return
			}
			for _, bad := range []string{"<!channel> & ", "<@U123>", "<https://x|y>", "\u202e", "\u2066", "\x00", "\x1b"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s: %q is in %.80q", s.Name, bad, text)
				}
			}
		})
	}
}

// eachText visits every text of a story with its type; the message's own is
// mrkdwn.
func eachText(s render.Story, visit func(kind, text string)) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if kind, ok := v["type"].(string); ok {
				if text, ok := v["text"].(string); ok {
					visit(kind, text)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	walk(v)
	if s.Message != nil {
		visit("mrkdwn", s.Message.Text)
	}
}

func TestStoriesTellEveryEvent(t *testing.T) {
	var told []string
	for _, s := range stories() {
		for _, begin := range []string{"card after ", "alert after "} {
			if name, ok := strings.CutPrefix(s.Name, begin); ok {
				_, kind, _ := strings.Cut(name, " ") // behind its number
				kind, _, _ = strings.Cut(kind, ",")
				told = append(told, kind)
			}
		}
	}
	for _, kind := range eventKinds(t) {
		if strings.HasPrefix(kind, "override_") || strings.HasPrefix(kind, "swap_") || strings.HasPrefix(kind, "shift_") || strings.HasPrefix(kind, "digest_") {
			continue // these belong to the rota, not to an incident
		}
		if slices.ContainsFunc([]string{"maintenance_", "storm_", "watchdog_", "lookout_"}, func(p string) bool { return strings.HasPrefix(kind, p) }) {
			continue // these belong to all alerts
		}
		if kind == "erased" || kind == "erased_told" {
			continue // nothing is shown of it any more; the operations channel is told of many at once
		}
		if !slices.Contains(told, kind) {
			t.Errorf("no story tells of the event %q", kind)
		}
	}
}

// eventKinds reads the names of all events from the source.
func eventKinds(t *testing.T) []string {
	src, err := os.ReadFile("../../incident/codec.go")
	if err != nil {
		t.Fatal(err)
	}
	events, _, ok := strings.Cut(string(src), "effectKinds = ")
	if !ok {
		t.Fatal("the table of events is not where it was")
	}
	var out []string
	for _, m := range regexp.MustCompile(`"([a-z_]+)": `).FindAllStringSubmatch(events, -1) {
		out = append(out, m[1])
	}
	if len(out) < 20 {
		t.Fatalf("only %d events were found", len(out))
	}
	return out
}

func TestGoldenStories(t *testing.T) {
	got := map[string][]render.Story{}
	for _, s := range stories() {
		if name, ok := strings.CutSuffix(s.Name, ", usual"); ok {
			kind, _, _ := strings.Cut(name, " ")
			if kind == "command" {
				continue // their words belong to package commands
			}
			got[kind] = append(got[kind], s)
		}
	}
	for kind, list := range got {
		t.Run(kind, func(t *testing.T) {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", " ")
			if err := e.Encode(list); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", kind+".json")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; go test ./bot/render -update writes it", err)
			}
			if !bytes.Equal(want, b.Bytes()) {
				t.Errorf("%s differs from what is rendered; look at it, then go test ./bot/render -update\n%s", file, difference(want, b.Bytes()))
			}
		})
	}
}

// difference is the first line that differs.
func difference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return "- " + w[i] + "\n+ " + g[i]
		}
	}
	return "one is longer"
}

func TestStorybook(t *testing.T) {
	for _, format := range []string{"json", "html"} {
		var b bytes.Buffer
		if err := render.WriteStorybook(&b, format); err != nil {
			t.Fatal(err)
		}
		if b.Len() < 10_000 {
			t.Errorf("%s: %d bytes", format, b.Len())
		}
	}
	if err := render.WriteStorybook(&bytes.Buffer{}, "pdf"); err == nil || !strings.Contains(err.Error(), "use json or html") {
		t.Errorf("a format that does not exist: %v", err)
	}
}
