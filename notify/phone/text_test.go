package phone

import (
	"encoding/xml"
	"flag"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"muster/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

var alice = incident.Person{Key: "alice@example.com", Name: "Alice Johnson"}

// pages are the kinds of page, and strange ones.
var pages = []struct {
	name string
	page page
}{
	{"on call", page{incident: "INC-12", severity: incident.P0, title: "API service down", level: "L1", person: alice}},
	{"asked by name", page{incident: "INC-3", severity: incident.P1, title: "Is it still slow?", reason: "she knows the database", person: alice}},
	{"a level of one's own", page{incident: "INC-3", severity: incident.P1, title: "Disk full", level: "night shift", person: alice}},
	{"no title", page{incident: "INC-1", severity: incident.P2, level: "L2"}},
	{"strange title", page{incident: "INC-4", severity: incident.P0, title: spoken("🚨 <b>R&D</b> \"down\"\u0000\n\u200d👩\u200d🚒 ❤️ café №5 — 東京 ＡＰＩ\ufffd", maxTitle), level: "L1"}},
	{"only signs", page{incident: "INC-5", severity: incident.P0, title: spoken("🔥🔥🔥", maxTitle), level: "L1"}},
	{"linked", page{incident: "INC-12", severity: incident.P0, title: "API service down", level: "L1", link: "https://example.slack.com/archives/C1/p1"}},
}

func TestTextsGolden(t *testing.T) {
	var b strings.Builder
	for _, p := range pages {
		b.WriteString("== " + p.name + "\nspoken: " + p.page.said() + " " + choice + "\nalone:  " + p.page.said() + " " + p.page.keyless() + "\ntext:   " + p.page.written() + "\n")
	}
	b.WriteString("== TwiML\n" + inline(pages[4].page) + "\n" + asking(pages[4].page.said(), "https://muster.test/v1/twilio/key?n=0&p=x") + "\n" + ending(sayNothing) + "\n" + reply(writeHow("INC-1")) + "\n")
	const file = "testdata/texts.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the texts have changed (-update writes them anew):\n%s", b.String())
	}
}

func TestTextsAreShortEnoughAndSafe(t *testing.T) {
	for _, title := range []string{
		strings.Repeat("x", 100_000), strings.Repeat("word ", 20_000), strings.Repeat("&", 5_000), strings.Repeat("<\"'>", 5_000), strings.Repeat("東京", 5_000),
		strings.Repeat("👩\u200d🚒", 5_000), strings.Repeat("é", 5_000), "\xff\xfe", "", strings.Repeat("\u0301", 5_000),
	} {
		p := page{incident: "INC-123456789", severity: incident.P0, title: spoken(title, maxTitle), reason: spoken(title, maxReason), level: strings.Repeat("&", 40), person: alice}
		doc := inline(p)
		if n := utf8.RuneCountInString(doc); n > maxTwiml {
			t.Errorf("%.10q: the TwiML has %d characters", title, n)
		}
		if n := utf8.RuneCountInString(p.written()); n > maxText {
			t.Errorf("%.10q: the text message has %d characters", title, n)
		}
		for _, doc := range []string{doc, asking(p.said(), "https://x.test/?a=1&b=2"), reply(p.written())} {
			if err := xml.Unmarshal([]byte(doc), new(document)); err != nil || !utf8.ValidString(doc) {
				t.Errorf("%.10q: %v in %.200s", title, err, doc)
			}
		}
		c, err := New(Config{AccountSID: "AC", AuthToken: "x", From: "+1", Public: "https://muster.test"})
		if err != nil {
			t.Fatal(err)
		}
		w, err := c.sealed(p, "d")
		if n := len(c.address("status", w)); err != nil || n > 3000 {
			t.Errorf("%.10q: the address has %d bytes, %v", title, n, err)
		}
		if back, late, err := c.opened(w); err != nil || late || back.Said != p.said() || back.Person != alice {
			t.Errorf("%.10q: the address says %+v, %v, %v", title, back, late, err)
		}
	}
}

func FuzzSpoken(f *testing.F) {
	for _, p := range pages {
		f.Add(p.page.title)
	}
	f.Fuzz(func(t *testing.T, title string) {
		checkSpoken(t, listening(t), title, title, title)
	})
}

// The example that Twilio publishes.
func TestSignatureOfTheExample(t *testing.T) {
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"},
	}
	const address, want = "https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="
	if got := sign("12345", address, form); got != want {
		t.Errorf("the signature is %s", got)
	}
	if !genuine("12345", address, form, want) || genuine("", address, form, sign("", address, form)) || genuine("12345", address, form, "") {
		t.Error("a signature is taken wrongly")
	}
}

func TestPorts(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.test/x?y=1":     "https://a.test/x?y=1 https://a.test:443/x?y=1",
		"https://a.test:443/x":     "https://a.test:443/x https://a.test/x",
		"http://a.test:8080/x":     "http://a.test:8080/x",
		"http://[::1]/x":           "http://[::1]/x http://[::1]:80/x",
		"http://[::1]:8080/x":      "http://[::1]:8080/x",
		"https://a.test/x?u=//b:1": "https://a.test/x?u=//b:1 https://a.test:443/x?u=//b:1",
	} {
		if got := strings.Join(ports(in), " "); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
