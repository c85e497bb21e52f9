package phone

import (
	"context"
	"encoding/xml"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"muster/incident"
	"muster/notify"
)

// pieces are what a voice cannot read, XML cannot hold or an address must not
// carry.
var pieces = []string{
	"a", "API", "down", "1", "2", " ", "  ", "\t", "\r", "\n", "\x00", "\x07", "\x1b", "\x7f", "\u0080", "\u0085", "\u00a0", "\u00ad", "\u2028", "\u2029", "\u3000", "\u200b", "\u200d", "\u202e", "\ufe0f",
	"\ufeff", "\ufffd", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff", "\U000e0041", "é", "\u0301", "ß", "İ", "K", "數", "東京", "🚨", "👩‍🚒", "👍🏽", "🇩🇪", "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	"&", "<", ">", "\"", "'", "&amp;", "&#0;", "]]>", "<![CDATA[", "</Say>", "<Hangup/>", "<!--", "€", "∑", "№", "½", ".", "!", "。", "…", "%00", "+", "=", "#", "?", "/", "\\", "INC-1", "L1",
}

func compose(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(8) {
		p := pieces[r.IntN(len(pieces))]
		if r.IntN(5) == 0 {
			p = strings.Repeat(p, r.IntN(300))
		}
		b.WriteString(p)
	}
	s := b.String()
	if r.IntN(8) == 0 && s != "" { // within a letter, perhaps
		s = s[r.IntN(len(s)):]
	}
	return s
}

// checkSpoken holds what is said and written of a page within the bounds of
// XML, of a voice and of Twilio, and reads it back.
func checkSpoken(t *testing.T, c *Channel, title, reason, name string) {
	t.Helper()
	for _, most := range []int{1, 5, maxReason, maxTitle} {
		s := spoken(title, most)
		if utf8.RuneCountInString(s) > most || len(s) > maxTitleBytes || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) && r != ' ' }) {
			t.Errorf("%q is said as %q", title, s)
		}
		if again := spoken(s, most); again != s {
			t.Errorf("%q is said as %q, and that as %q", title, s, again)
		}
	}
	m := notify.Message{Delivery: "INC-1/2/1"}
	m.Incident.ID, m.Incident.Title, m.Page.Reason, m.Page.Level = "INC-1", title, reason, "L1"
	m.To.Person = incident.Person{Key: "alice@example.com", Name: name}
	p := pageOf(m)
	says := func(doc string, most int, want ...string) {
		t.Helper()
		var text strings.Builder
		d := xml.NewDecoder(strings.NewReader(doc))
		for {
			token, err := d.Token()
			if token == nil {
				if err.Error() != "EOF" {
					t.Errorf("%v in %.300q", err, doc)
				}
				break
			}
			if data, ok := token.(xml.CharData); ok {
				text.Write(data)
			}
		}
		if n := utf8.RuneCountInString(doc); n > most {
			t.Errorf("%d characters: %.300q", n, doc)
		}
		for _, w := range want {
			if !strings.Contains(text.String(), w) {
				t.Errorf("%q is not said in %.300q", w, text.String())
			}
		}
	}
	says(inline(p), maxTwiml, "incident 1: ")
	says(asking(p.said(), "https://x.test/?a=1&b="+title), len(title)*20+maxTwiml, p.said())
	says(reply(p.written()), maxTwiml, p.written())
	says(ending(sayTaken(notify.Escalate, word{Incident: "INC-1", Person: m.To.Person})), maxTwiml)
	says(ending(sayWrong(title)), maxTwiml)
	if n := utf8.RuneCountInString(p.written()); n > maxText {
		t.Errorf("the text message has %d characters", n)
	}
	sealed, err := c.sealed(p, m.Delivery)
	if err != nil {
		t.Fatal(err)
	}
	if back, late, err := c.opened(sealed); err != nil || late || back.Said != p.said() {
		t.Errorf("the address says %+v, %v, %v", back, late, err)
	}
	// Anything can come back as a text message or as keys.
	for inlet, form := range map[string]url.Values{"sms": {"From": {"+15550101"}, "Body": {title}, "MessageSid": {"SM1"}}, "key": {"Digits": {title}, "CallSid": {"CA1"}}} {
		form.Set("AccountSid", c.cfg.AccountSID)
		address := c.address(inlet, sealed)
		r := httptest.NewRequest("POST", address, strings.NewReader(form.Encode()))
		r.Header.Set(signatureHeader, sign(c.cfg.AuthToken, address, form))
		rec := httptest.NewRecorder()
		c.Handler().ServeHTTP(rec, r)
		if len(form.Encode()) > maxForm {
			continue
		}
		if rec.Code != 200 {
			t.Errorf("%s %q: %d %s", inlet, title, rec.Code, rec.Body)
		}
		says(rec.Body.String(), len(address)*20+maxTwiml)
	}
}

// listening is a channel that takes keys and texts from anybody.
func listening(t *testing.T) *Channel {
	t.Helper()
	c, err := New(Config{
		AccountSID: "AC", AuthToken: "x", From: "+1", Public: "https://muster.test",
		Listen: func(_ context.Context, a notify.Answer) error {
			if !utf8.ValidString(a.Said) || strings.ContainsFunc(a.Said, unicode.IsControl) {
				t.Errorf("what was said is recorded as %q", a.Said)
			}
			return nil
		},
		Who: func(string) (incident.Person, bool) { return alice, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSpokenComposed(t *testing.T) { composed(t, 3, 200) }

func composed(t *testing.T, seed uint64, count int) {
	c := listening(t)
	r := rand.New(rand.NewPCG(seed, 17))
	for n := range count {
		title, reason, name := compose(r), compose(r), compose(r)
		checkSpoken(t, c, title, reason, name)
		if t.Failed() {
			t.Fatalf("seed %d, case %d: title %q, reason %q, name %q", seed, n, title, reason, name)
		}
	}
}
