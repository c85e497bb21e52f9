package email

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/workspace/inbox"
)

// desk is what stands behind the links: an incident, and the answers by key,
// which survive a restart.
type desk struct {
	inc    incident.Incident
	keys   map[string]bool
	got    []notify.Answer
	fail   error
	blind  bool
	now    time.Time
	log    strings.Builder
	secret []byte
}

func newDesk() *desk {
	return &desk{inc: page().Incident, keys: map[string]bool{}, now: night, secret: secret}
}

func (d *desk) links(t *testing.T) *AckLinks {
	t.Helper()
	a, err := NewAckLinks(AckConfig{
		Secret: d.secret, Public: "https://muster.example.com/", Now: func() time.Time { return d.now },
		Log: slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Find: func(context.Context, string) (incident.Incident, error) {
			if d.blind {
				return incident.Incident{}, errors.New("disk")
			}
			return d.inc, nil
		},
		Listen: func(_ context.Context, a notify.Answer) error {
			if d.fail != nil {
				return d.fail
			}
			if d.keys[a.Key] {
				return nil // the first answer again
			}
			d.keys[a.Key] = true
			d.got = append(d.got, a)
			d.inc.Acks = append(d.inc.Acks, incident.Ack{By: a.Person, At: a.At, Via: a.Via})
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func call(t *testing.T, a *AckLinks, method, link string, form url.Values, headers map[string]string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, link, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if len(w.Result().Cookies()) != 0 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Referrer-Policy") != "same-origin" {
		t.Errorf("%s: cookies or headers are wrong: %v", method, w.Header())
	}
	return w.Code, w.Body.String()
}

var proofField = regexp.MustCompile(`name="proof" value="([^"]+)"`)

// press opens the page and presses its button, as a browser does.
func press(t *testing.T, a *AckLinks, link string) (int, string) {
	t.Helper()
	code, body := call(t, a, http.MethodGet, link, nil, nil)
	proof := proofField.FindStringSubmatch(body)
	if proof == nil {
		return code, body
	}
	return call(t, a, http.MethodPost, link, url.Values{"proof": {proof[1]}}, map[string]string{"Sec-Fetch-Site": "same-origin"})
}

func TestAcknowledgeByLink(t *testing.T) {
	d := newDesk()
	a := d.links(t)
	link := a.URL("INC-3", page().Page)
	code, body := press(t, a, link)
	if code != http.StatusOK || !strings.Contains(body, "You have acknowledged INC-3") {
		t.Fatalf("%d %s", code, body)
	}
	if len(d.got) != 1 {
		t.Fatalf("%d answers", len(d.got))
	}
	got := d.got[0]
	if got.Incident != "INC-3" || got.Person != page().Page.Person || got.Level != "L1" || got.Kind != notify.Acknowledge || got.Via != "email" || !got.At.Equal(night) {
		t.Errorf("the answer is %+v", got)
	}
	// Pressed again, also in another process: said, and not done twice.
	for _, again := range []*AckLinks{a, d.links(t)} {
		if code, body = press(t, again, link); code != http.StatusOK || !strings.Contains(body, "You have acknowledged INC-3") || len(d.got) != 1 {
			t.Errorf("%d %s, %d answers", code, body, len(d.got))
		}
	}
	// Given back: the link does not acknowledge a second time.
	d.inc.Acks = nil
	if code, body = press(t, d.links(t), link); code != http.StatusConflict || !strings.Contains(body, "This link was used already") || len(d.got) != 1 {
		t.Errorf("%d %s, %d answers", code, body, len(d.got))
	}
	// A later page brings a link that does.
	later := page().Page
	later.Attempt = 2
	if code, _ = press(t, a, a.URL("INC-3", later)); code != http.StatusOK || len(d.got) != 2 {
		t.Errorf("%d, %d answers", code, len(d.got))
	}
}

// Mail scanners, previews and curious programs open links in every way but a
// pressed button.
func TestOpeningALinkAcknowledgesNothing(t *testing.T) {
	d := newDesk()
	a := d.links(t)
	link := a.URL("INC-3", page().Page)
	_, body := call(t, a, http.MethodGet, link, nil, nil)
	proof := proofField.FindStringSubmatch(body)[1]
	good := url.Values{"proof": {proof}}
	other := page().Page
	other.Attempt = 9
	_, body = call(t, a, http.MethodGet, a.URL("INC-3", other), nil, nil)
	foreign := url.Values{"proof": {proofField.FindStringSubmatch(body)[1]}}
	tests := []struct {
		name, method string
		form         url.Values
		headers      map[string]string
		code         int
	}{
		{"opened", "GET", nil, nil, 200},
		{"looked at", "HEAD", nil, nil, 200},
		{"opened with the form in the address", "GET", good, nil, 200},
		{"previewed", "GET", nil, map[string]string{"User-Agent": "Slackbot-LinkExpanding 1.0", "Purpose": "prefetch"}, 200},
		{"sent without a form", "POST", nil, nil, 400},
		{"sent with another form", "POST", url.Values{"proof": {"x"}}, nil, 400},
		{"sent with the form of another link", "POST", foreign, nil, 400},
		{"one-click as of mailing lists", "POST", url.Values{"List-Unsubscribe": {"One-Click"}}, nil, 400},
		{"sent by another site", "POST", good, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"sent by another origin", "POST", good, map[string]string{"Origin": "https://evil.example"}, 403},
		{"too long", "POST", url.Values{"proof": {proof}, "x": {strings.Repeat("x", maxForm)}}, nil, 400},
		{"put", "PUT", good, nil, 405},
		{"asked for options", "OPTIONS", nil, nil, 405},
	}
	for _, tt := range tests {
		target := link
		if tt.method == "GET" && tt.form != nil {
			target += "?" + tt.form.Encode()
		}
		if code, _ := call(t, a, tt.method, target, tt.form, tt.headers); code != tt.code {
			t.Errorf("%s: %d, not %d", tt.name, code, tt.code)
		}
		if len(d.got) != 0 {
			t.Fatalf("%s acknowledges", tt.name)
		}
	}
	// Behind a proxy that renames the host, a browser's own form still counts.
	code, _ := call(t, a, "POST", strings.Replace(link, "muster.example.com", "10.0.0.7:8080", 1), good, map[string]string{"Origin": "https://muster.example.com"})
	if code != 200 || len(d.got) != 1 {
		t.Errorf("behind a proxy: %d, %d answers", code, len(d.got))
	}
}

func TestLinksCannotBeMade(t *testing.T) {
	d := newDesk()
	a := d.links(t)
	link := a.URL("INC-3", page().Page)
	token := link[strings.LastIndex(link, "/")+1:]
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(link, "alice") || strings.Contains(string(raw), "alice") || strings.Contains(string(raw), "INC") {
		t.Error("the link says whose it is")
	}
	if link != a.URL("INC-3", page().Page) || link == a.URL("INC-4", page().Page) || len(link) > 300 {
		t.Errorf("the link is %s", link)
	}
	for i := range raw {
		broken := append([]byte(nil), raw...)
		broken[i] ^= 1
		if code, _ := call(t, a, "GET", "https://muster.example.com/ack/"+base64.RawURLEncoding.EncodeToString(broken), nil, nil); code != http.StatusNotFound {
			t.Fatalf("a link with byte %d changed gives %d", i, code)
		}
	}
	for _, bad := range []string{"", "x", token + "A", token[:len(token)-2], token + "=", strings.Repeat("A", 5000), "%2e%2e", token[:9] + "%0A" + token[9:], token + "%0d%0a"} {
		for _, method := range []string{"GET", "POST"} {
			if code, body := call(t, a, method, "https://muster.example.com/ack/"+bad, nil, nil); code != http.StatusNotFound || !strings.Contains(body, "not complete") {
				t.Errorf("%s %q: %d", method, bad, code)
			}
		}
	}
	d.secret = []byte("another secret of this test")
	if code, _ := press(t, d.links(t), link); code != http.StatusNotFound || len(d.got) != 0 {
		t.Errorf("another installation takes it: %d", code)
	}
}

func TestWordsOfThePage(t *testing.T) {
	bob := incident.Person{Key: "bob@example.com", Name: "Bob Smith"}
	tests := []struct {
		name  string
		given func(d *desk)
		code  int
		words string
		asks  bool // whether there is still a button
		got   int  // answers after pressing
	}{
		{"open", func(*desk) {}, 200, "P0: API service down", true, 1},
		{"another has it", func(d *desk) { d.inc.Acks = []incident.Ack{{By: bob, At: night.Add(-4 * time.Minute)}} }, 200, "Bob Smith has acknowledged it 4 minutes ago", true, 1},
		{"you have it", func(d *desk) { d.inc.Acks = []incident.Ack{{By: page().Page.Person, At: night.Add(-time.Minute)}} }, 200, "That was 1 minute ago", false, 0},
		{"expired", func(d *desk) { d.now = night.Add(ackLifetime) }, 410, "This link has expired", false, 0},
		{"just not expired", func(d *desk) { d.now = night.Add(ackLifetime - time.Second) }, 200, "Acknowledge INC-3?", true, 1},
		{"resolved", func(d *desk) {
			d.inc.ResolvedAt, d.inc.Resolution.By, d.now = night, bob, night.Add(3*time.Hour)
		}, 410, "It was resolved 3 hours ago by Bob Smith", false, 0},
		{"merged", func(d *desk) { d.inc.MergedInto = "INC-2" }, 410, "/incident ack INC-2", false, 0},
		{"closed", func(d *desk) { d.inc.ClosedAt = night }, 410, "is closed", false, 0},
		{"nobody can look", func(d *desk) { d.blind = true }, 200, "Acknowledge INC-3?", true, 1},
		{"refused", func(d *desk) { d.fail = incident.Refusal{Code: "x", Text: "You may not.", Hint: "Ask Heidi."} }, 200, "Acknowledge INC-3?", true, 0},
		{"hostile title", func(d *desk) { d.inc.Title = "<script>alert(1)</script>" }, 200, "&lt;script&gt;", true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk()
			a := d.links(t)
			link := a.URL("INC-3", page().Page)
			tt.given(d)
			code, body := call(t, a, "GET", link, nil, nil)
			if code != tt.code || !strings.Contains(body, tt.words) || proofField.MatchString(body) != tt.asks {
				t.Errorf("%d %s", code, body)
			}
			code, body = press(t, a, link)
			if len(d.got) != tt.got {
				t.Errorf("%d answers after %d %s", len(d.got), code, body)
			}
			if d.fail != nil && (code != http.StatusConflict || !strings.Contains(body, "You may not.") || !strings.Contains(body, "Ask Heidi.")) {
				t.Errorf("a refusal reads %d %s", code, body)
			}
			discreet(t, d.log.String())
		})
	}
}

// What is decided between looking and pressing counts.
func TestResolvedWhileThePageIsOpen(t *testing.T) {
	d := newDesk()
	a := d.links(t)
	link := a.URL("INC-3", page().Page)
	_, body := call(t, a, "GET", link, nil, nil)
	form := url.Values{"proof": {proofField.FindStringSubmatch(body)[1]}}
	d.inc.ResolvedAt = night
	if code, body := call(t, a, "POST", link, form, nil); code != http.StatusGone || len(d.got) != 0 {
		t.Errorf("%d %s", code, body)
	}
	// Not recorded: said so, with the button again.
	d.inc.ResolvedAt, d.fail = time.Time{}, errors.New("disk full")
	code, body := call(t, a, "POST", link, form, nil)
	if code != http.StatusServiceUnavailable || !proofField.MatchString(body) || strings.Contains(body, "disk full") {
		t.Errorf("%d %s", code, body)
	}
	d.fail = nil
	if code, _ = press(t, a, link); code != http.StatusOK || len(d.got) != 1 {
		t.Errorf("%d, %d answers", code, len(d.got))
	}
}

// The page's policy lets through its own style and form, and nothing else.
func TestPagePolicy(t *testing.T) {
	d := newDesk()
	a := d.links(t)
	r := httptest.NewRequest("GET", a.URL("INC-3", page().Page), nil)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s is not in %s", want, policy)
		}
	}
	if strings.Contains(w.Body.String(), "<script") || strings.Contains(policy, "unsafe") {
		t.Error("the page has a script")
	}
}

func TestAckLinksConfiguration(t *testing.T) {
	listen := func(context.Context, notify.Answer) error { return nil }
	for name, cfg := range map[string]AckConfig{
		"short secret": {Secret: []byte("short"), Public: "https://x", Listen: listen},
		"no address":   {Secret: secret, Listen: listen},
		"no listener":  {Secret: secret, Public: "https://x"},
	} {
		if _, err := NewAckLinks(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The link in a mail that went over the wire is the one that acknowledges.
func TestLinkFromTheMail(t *testing.T) {
	d := newDesk()
	a := d.links(t)
	box, port := onLoopback(t, inbox.Config{})
	c := channel(t, Config{URL: "smtp://127.0.0.1:" + port, Acks: a})
	if _, err := c.Deliver(t.Context(), page(), false); err != nil {
		t.Fatal(err)
	}
	got := box.Mails(alice)[0]
	link := regexp.MustCompile(`https://muster\.example\.com/ack/\S+`).FindString(got.Text)
	if link == "" || !strings.Contains(got.HTML, `href="`+link+`"`) {
		t.Fatalf("no link, or two different ones:\n%s", got.Text)
	}
	if code, _ := press(t, a, link); code != http.StatusOK || len(d.got) != 1 {
		t.Errorf("%d, %d answers", code, len(d.got))
	}
}
