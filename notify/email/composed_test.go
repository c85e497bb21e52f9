package email

import (
	"bytes"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"
)

// pieces are what breaks headers, addresses and lines.
var pieces = []string{
	"a", "API", "down", " ", "  ", "\t", "\r", "\n", "\r\n", "\r\n ", "\r\nBcc: eve@example.com", "\n\n", "\x00", "\x07", "\x1b[31m", "\x7f", "\u0080", "\u0085", "\u00a0", "\u00ad", "\u2028", "\u2029", "\u3000",
	"\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\ufeff", "\ufffd", "\ufffe", "\U0010ffff", "\U000e0041", "é", "e\u0301", "ß", "İ", "K", "数据库", "🚨", "👩‍🚒", "🇩🇪", "\xff", "\xc3", "\xe6\x95", "\xed\xa0\x80",
	"\xf4\x90\x80\x80", "=?utf-8?q?=0D=0ABcc:_eve@example.com?=", "=?utf-8?b?SGk=?=", "=?", "?=", "=", "?", "_", `"`, `\`, `\"`, "'", "<", ">", "<eve@example.com>", "@", ",", ";", ":", "(", ")", "[", "]", "{{", "%", "&amp;", "<b>", "--", "-- ",
	".", "\n.\n", "From ", "x\nFrom here", "\u202a\u202b\u202c\u202d",
}

func compose(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(7) {
		p := pieces[r.IntN(len(pieces))]
		if r.IntN(6) == 0 {
			p = strings.Repeat(p, r.IntN(90))
		}
		b.WriteString(p)
	}
	s := b.String()
	if r.IntN(8) == 0 && s != "" { // within a letter, perhaps
		s = s[r.IntN(len(s)):]
	}
	return s
}

// Titles, levels and names that are put together from what breaks headers.
func TestTitlesComposed(t *testing.T) {
	composed(t, 7, 300)
}

func composed(t *testing.T, seed uint64, count int) {
	c := channel(t, Config{URL: "smtp://mail.example.com"})
	r := rand.New(rand.NewPCG(seed, 13))
	for n := range count {
		title, level, name := compose(r), compose(r), compose(r)
		checkTitle(t, c, title, level, name)
		checkUnstructured(t, plainLine(title), 1+r.IntN(40))
		if t.Failed() {
			t.Fatalf("seed %d, case %d: title %q, level %q, name %q", seed, n, title, level, name)
		}
	}
}

// checkUnstructured reads the value of a header back as it was meant, from
// lines that every server takes.
func checkUnstructured(t *testing.T, text string, begun int) {
	t.Helper()
	value := unstructured(begun, text)
	lines := strings.Split(strings.Repeat("x", begun)+value, "\r\n")
	for i, line := range lines {
		if len(line) > maxLine && (i > 0 || strings.Contains(value, " ")) && len(line) > begun+maxWord || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("a line of %d columns in %q", len(line), value)
		}
		for word := range strings.SplitSeq(line, " ") {
			if strings.HasPrefix(word, "=?") && len(word) > maxWord {
				t.Errorf("an encoded word of %d columns in %q", len(word), value)
			}
		}
		if i > 0 && strings.TrimSpace(line) == "" {
			t.Errorf("an empty line in %q", value)
		}
	}
	back, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(value, "\r\n", ""))
	if err != nil || back != text {
		t.Errorf("%q reads as %q (%v)", text, back, err)
	}
}

// checkText reads the mail's text as a mailbox does.
func checkText(t *testing.T, raw []byte, want string) {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	for _, line := range strings.Split(string(raw), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a line that servers refuse: %.100q", line)
		}
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	part, err := parts.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(quotedprintable.NewReader(part))
	if text := strings.ReplaceAll(string(got), "\r\n", "\n"); err != nil || strings.TrimRight(text, "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("the text reads\n%q, not\n%q (%v)", got, want, err)
	}
	if !utf8.Valid(got) {
		t.Errorf("the text is no UTF-8: %q", got)
	}
	if _, err := parts.NextRawPart(); err != nil {
		t.Errorf("there is no second form: %v", err)
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("there is a third form: %v", err)
	}
}
