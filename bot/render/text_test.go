package render_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"muster/bot/render"
	"muster/incident"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 4, "äöüß"}, {"äöüßx", 4, "äöü…"}, {"🚨🚨🚨", 2, "🚨…"}, {"abc", 0, ""}, {"abc", 1, "…"},
		{"see <https://example.com|x> now", 10, "see …"}, {"a &amp; b", 5, "a …"}, {"a & b and more", 6, "a & b…"},
	} {
		if got := render.Cut(c.text, c.limit); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func FuzzTextStaysWithinItsLimit(f *testing.F) {
	f.Add("<b>&amp;\u202e🚨", 5)
	f.Fuzz(func(t *testing.T, text string, limit int) { checkText(t, text, min(max(limit, 0), 5000)) })
}

// checkText: a text is cut to its limit, with nothing that Slack reads.
func checkText(t *testing.T, text string, limit int) {
	t.Helper()
	got := render.Cut(render.Escape(text), limit)
	if n := utf8.RuneCountInString(got); n > limit {
		t.Errorf("%d code points, allowed are %d", n, limit)
	}
	if !utf8.ValidString(got) || strings.ContainsAny(got, "<>\x00\u202e") || tornEntity.MatchString(got) {
		t.Errorf("Cut(Escape(%q), %d) = %q", text, limit, got)
	}
}

var tornEntity = regexp.MustCompile(`&(…|[a-z]+…|[^a-z])`)

// TestTextComposed is what FuzzTextStaysWithinItsLimit tries, with what Slack
// reads as more than text.
func TestTextComposed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	pieces := []string{"<", ">", "&", "&amp;", "&lt", "<!here>", "<@U1>", "<https://x|y>", "*", "`", "~", "_", "a", "b ", "\n", "\t", "…", "💥", "e\u0301", "\u202e", "\u2066", "\u2028", "\ufeff", "\x00", "\xff", "\xf0\x9f", "\ufffd", "\U0010ffff"}
	for range 4000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		checkText(t, b.String(), r.IntN(20))
	}
}

func TestRoomNames(t *testing.T) {
	for title, want := range map[string]string{
		"API service down": "inc-12-api-service-down", "": "inc-12", "Ünïcode – 日本語!": "inc-12-n-code",
		strings.Repeat("word ", 40): "inc-12" + strings.Repeat("-word", 14), strings.Repeat("x", 200): "inc-12",
	} {
		s := incident.Incident{ID: "INC-12", Title: title}
		if got := render.RoomName(s, 1); got != want {
			t.Errorf("RoomName(%q) = %q, want %q", title, got, want)
		}
		if got := render.RoomName(s, 12); len(got) > 80 || !strings.HasSuffix(got, "-12") {
			t.Errorf("the twelfth name is %q", got)
		}
	}
}

func TestMentionsThatAreLetThrough(t *testing.T) {
	for text, want := range map[string]string{
		"<@U123>": "<@U123>", "<!subteam^S12>": "<!subteam^S12>", "<!here>": "<!here>", "@bob": "@bob",
		"<!channel> hi": "&lt;!channel&gt; hi", "<https://x>": "&lt;https://x&gt;",
	} {
		if got := render.Token(text); got != want {
			t.Errorf("Token(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestDraftIsWhatHappenedSinceTheLastUpdate(t *testing.T) {
	at := time.Unix(0, 0)
	bob := incident.Person{Key: "bob@example.com", Name: "Bob"}
	history := []incident.Record{
		{Seq: 1, At: at, Event: incident.Noted{By: bob, Text: "before"}},
		{Seq: 2, At: at, Event: incident.Updated{By: bob, Text: "an update"}},
		{Seq: 3, At: at, Event: incident.Noted{By: bob, Text: "db-1 is\nback"}},
		{Seq: 4, At: at, Event: incident.Acknowledged{By: bob}},
		{Seq: 5, At: at, Event: incident.ReminderDue{}},
		{Seq: 6, At: at, Event: incident.Noted{By: bob, Text: "after"}},
	}
	if got, want := render.Draft(history, 5).Text, "db-1 is back\nBob acknowledged"; got != want {
		t.Errorf("the draft is %q, want %q", got, want)
	}
	if got := render.Draft(history[:2], 0).Text; got != "" {
		t.Errorf("with nothing since the update the draft is %q", got)
	}
}

func TestConfiguredLinesAreUsed(t *testing.T) {
	f := render.Frame{Now: time.Unix(600, 0), Lines: render.Lines{
		First: func(d render.First) []string { return []string{"🔥 " + d.Title, "Who: " + d.OnCall} },
	}}
	s := incident.Apply(incident.Incident{}, incident.Record{Seq: 1, At: time.Unix(0, 0), Event: incident.Declared{ID: "INC-1", Title: "x"}})
	if m := f.Card(s); !strings.HasPrefix(m.Text, "🔥 x\nWho: nobody") {
		t.Errorf("the card says %q", m.Text)
	}
}
