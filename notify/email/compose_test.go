package email

import (
	"bytes"
	"flag"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"muster/incident"
	"muster/notify"
	"muster/workspace/inbox"
)

var update = flag.Bool("update", false, "write the golden files anew")

// written is a mail as it would go over the wire.
func written(t *testing.T, c *Channel, key string, e envelope) []byte {
	t.Helper()
	e.id = c.messageID(key)
	data, err := c.render(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sent brings a mail through a server and gives what a mailbox makes of it.
func sent(t *testing.T, send func(c *Channel)) inbox.Mail {
	t.Helper()
	box, port := onLoopback(t, inbox.Config{})
	send(channel(t, Config{URL: "smtp://127.0.0.1:" + port}))
	mails := box.Mails("")
	if len(mails) == 0 {
		t.Fatal("no mail came")
	}
	return mails[len(mails)-1]
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the change:\n%s", name, got)
	}
}

func TestGoldenMails(t *testing.T) {
	c := channel(t, Config{URL: "smtp://mail.example.com"})
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	first := page()
	first.AckURL = "https://muster.example.com/ack/TOKEN"
	first.To.Zone = berlin
	second := page()
	second.Link = ""
	second.Page.Level, second.Page.Why, second.Page.Reason = "L2", incident.WhyAsked, "we need <someone> for the database\nand soon"
	second.Incident.Update = incident.LastUpdate{At: night.Add(2 * time.Minute), Text: "Restarted two pods & looked at logs"}
	second.Incident.Acks = []incident.Ack{{By: second.Incident.DeclaredBy, At: night.Add(time.Minute)}}
	test := page()
	test.Incident = incident.Incident{}
	p2 := page().Incident
	p2.Severity = incident.P2
	mails := map[string]envelope{
		"page": c.pageMail(first), "page-asked": c.pageMail(second), "page-test": c.pageMail(test),
	}
	for name, e := range mails {
		text, html, err := e.letter.write()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", "Subject: "+e.subject+"\n\n"+text)
		golden(t, name+".html", html)
	}
	golden(t, "page.eml", strings.ReplaceAll(string(written(t, c, first.Delivery, mails["page"])), "\r\n", "\n"))
}

// An HTML mail fetches nothing, runs nothing, and sets no colour that a dark
// background would swallow.
func TestHTMLIsHarmless(t *testing.T) {
	m := page()
	m.Incident.Title = `<img src="https://evil.example/x.png"><script>alert(1)</script>`
	m.AckURL = "https://muster.example.com/ack/TOKEN"
	c := channel(t, Config{URL: "smtp://mail.example.com"})
	_, html, err := c.pageMail(m).letter.write()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<img", "<script", "<link", "url(", "@import", "http-equiv", "<iframe"} {
		if strings.Contains(html, bad) {
			t.Errorf("%s is in the mail", bad)
		}
	}
	if n := len(regexp.MustCompile(`(?:^|[;" ])color:`).FindAllString(html, -1)); n != strings.Count(html, "background-color:") {
		t.Errorf("%d colours of text, %d of backgrounds: one without the other cannot be read in the dark", n, strings.Count(html, "background-color:"))
	}
	m.AckURL = "javascript:alert(1)"
	if _, html, _ = c.pageMail(m).letter.write(); strings.Contains(html, `href="javascript`) {
		t.Error("a link runs a script")
	}
}

var strange = []string{
	"API service down", "", " ", "a  b   c", "Größe überschritten – 数据库宕机 🚨🔥", strings.Repeat("x", 500), strings.Repeat("ü", 500), strings.Repeat("word ", 100),
	"down\r\nBcc: eve@example.com\r\n\r\nbody", "down\nX-Evil: 1", "down\rX-Evil: 1", "\x00\x07\x1b[31mred", "=?utf-8?q?=0D=0ABcc:_eve@example.com?=", "a =?utf-8?b?SGk=?= b",
	"\u202Eevil\u202C \u2066x\u2069", "\xff\xfe broken \xc3", "tab\there", "\u2028line\u2029end", "👨‍👩‍👧‍👦 family", "[P3] INC-99 fake", "ends with space ", "a:b;c,d<e>@f", "\u0085next", "é", strings.Repeat("👍", 60), strings.Repeat("\"", 60),
}

// checkHeaders reads a written mail as a mailbox does and finds exactly our
// headers, whatever the title was.
func checkHeaders(t *testing.T, raw []byte, want string) {
	t.Helper()
	head, _, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		t.Fatal("the mail has no header")
	}
	// A name is not broken, and its quotes are written as two letters; servers take 998 columns.
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if len(line) > 2*maxName+10 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("a line of the header is too long or not plain: %q", line)
		}
		if strings.TrimSpace(line) == "" {
			t.Errorf("a line of the header is empty: %q", head)
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, head)
	}
	known := []string{
		"Auto-Submitted", "Content-Type", "Date", "From", "Importance", "In-Reply-To", "Message-Id", "Mime-Version", "Priority", "References", "Subject", "To",
		"User-Agent", "X-Auto-Response-Suppress", "X-Mailer", "X-Msmail-Priority", "X-Muster-Incident", "X-Muster-Kind", "X-Muster-Level", "X-Muster-Severity", "X-Priority",
	}
	for name, values := range msg.Header {
		if !slices.Contains(known, name) || len(values) != 1 {
			t.Errorf("header %s: %q", name, values)
		}
	}
	got, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || got != want {
		t.Errorf("the subject reads\n%q, not\n%q (%v)", got, want, err)
	}
	if to, err := msg.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != alice {
		t.Errorf("to %v, %v", to, err)
	}
}

func titled(title, level, name string) notify.Message {
	m := page()
	m.Incident.Title, m.Page.Level, m.To.Person.Name = title, level, name
	m.Incident.Service, m.Incident.Impact, m.Page.Reason = title, title, title
	return m
}

func checkTitle(t *testing.T, c *Channel, title, level, name string) {
	t.Helper()
	e := c.pageMail(titled(title, level, name))
	raw := written(t, c, "INC-3/1", e)
	checkHeaders(t, raw, e.subject)
	checkText(t, raw, e.letter.tidy().text())
	if to, err := addressed(raw); err != nil || to != displayName(name) {
		t.Errorf("the mail is for %q, not %q (%v)", to, displayName(name), err)
	}
	if !utf8.ValidString(e.subject) || strings.ContainsAny(e.subject, "\r\n\x00\u202e") {
		t.Errorf("subject %q", e.subject)
	}
	if !strings.HasPrefix(e.subject, "[P0] INC-3 ") {
		t.Errorf("the subject %q hides the incident", e.subject)
	}
}

// addressed is the name of the first recipient, as a mailbox reads it.
func addressed(raw []byte) (string, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	to, err := msg.Header.AddressList("To")
	if err != nil {
		return "", err
	}
	return to[0].Name, nil
}

func TestStrangeTitles(t *testing.T) {
	c := channel(t, Config{URL: "smtp://mail.example.com"})
	for _, title := range strange {
		checkTitle(t, c, title, "L1", title)
		checkTitle(t, c, "API", title, "Alice")
	}
	// A real server and a real parser get the same words back.
	got := sent(t, func(c *Channel) {
		if _, err := c.Deliver(t.Context(), titled("Größe überschritten – 数据库宕机 🚨🔥", "L1", "Ålice \"A\" <x>, Jr."), false); err != nil {
			t.Fatal(err)
		}
	})
	if got.Subject != "[P0] INC-3 Größe überschritten – 数据库宕机 🚨🔥 (L1)" || !strings.Contains(got.Text, "数据库宕机 🚨🔥\n") || !strings.Contains(got.HTML, "数据库宕机 🚨🔥<") {
		t.Errorf("%q\n%s", got.Subject, got.Text)
	}
}

func FuzzTitlesIntoHeaders(f *testing.F) {
	for _, title := range strange {
		f.Add(title, "L1", "Alice")
		f.Add("API", title, title)
	}
	f.Fuzz(func(t *testing.T, title, level, name string) {
		c, err := New(Config{URL: "smtp://mail.example.com", From: "muster@example.com", Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		checkTitle(t, c, title, level, name)
	})
}

// A line of the text that is a dot alone, or looks like SMTP, is text.
func TestTextDoesNotEndTheMail(t *testing.T) {
	got := sent(t, func(c *Channel) {
		m := page()
		m.Incident.Impact = "first\n.\nQUIT\nFrom here on\r\n.\r\nlast"
		if _, err := c.Deliver(t.Context(), m, false); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.Contains(got.Text, "first\n  .\n  QUIT\n  From here on\n  .\n  last\n") {
		t.Errorf("the text is\n%s", got.Text)
	}
}

// The names of mails are stable for a delivery, differ otherwise, and say
// nothing.
func TestMessageIDs(t *testing.T) {
	c := channel(t, Config{URL: "smtp://mail.example.com"})
	again := channel(t, Config{URL: "smtps://other.example.com"})
	elsewhere := channel(t, Config{URL: "smtp://mail.example.com", Secret: []byte("another")})
	id := c.messageID("INC-3/17/1")
	switch {
	case id != again.messageID("INC-3/17/1"):
		t.Error("another process gives another name")
	case id == c.messageID("INC-3/17/2"), id == elsewhere.messageID("INC-3/17/1"):
		t.Error("two mails have one name")
	case !strings.HasSuffix(id, "@example.com"), strings.Contains(id, "INC"), !messageID("<" + id + ">"):
		t.Errorf("the name is %s", id)
	}
	if c.root("INC-3") == c.root("INC-4") || c.root("INC-3") == elsewhere.root("INC-3") {
		t.Error("two threads have one name")
	}
}

func TestThread(t *testing.T) {
	box, port := onLoopback(t, inbox.Config{})
	c := channel(t, Config{URL: "smtp://127.0.0.1:" + port})
	m := page()
	first, err := c.Deliver(t.Context(), m, false)
	if err != nil {
		t.Fatal(err)
	}
	m.Delivery = "INC-3/20/1"
	second, err := c.Deliver(t.Context(), m, false)
	if err != nil {
		t.Fatal(err)
	}
	bob := incident.Person{Key: "bob@example.com", Name: "Bob Smith"}
	mailed := func(p incident.Person, level string, state incident.PageState) incident.PageStatus {
		return incident.PageStatus{Person: p, Level: level, Methods: []incident.MethodStatus{{Method: "phone", State: incident.PageDelivered}, {Method: "email", State: state}}}
	}
	inc := m.Incident
	inc.Climb.Pages = []incident.PageStatus{
		mailed(m.To.Person, "L1", incident.PageDelivered), mailed(m.To.Person, "L1", incident.PageDelivered), mailed(bob, "L2", incident.PageDelivered),
		mailed(incident.Person{Key: "carol@example.com"}, "L3", incident.PageFailed), mailed(incident.Person{Key: "slack:U1"}, "L3", incident.PageDelivered),
	}
	refs := []string{first.Ref, "<bad>\r\nBcc: eve@example.com", second.Ref}
	follow := func(n string, e incident.Event) {
		t.Helper()
		f := notify.Follow{Delivery: n, Incident: inc, Refs: refs, Now: night.Add(40 * time.Minute), Record: incident.Record{Seq: 30, At: night.Add(40 * time.Minute), Event: e}}
		if err := c.Follow(t.Context(), f, false); err != nil {
			t.Fatal(err)
		}
	}
	follow("f1", incident.Acknowledged{By: bob, Via: "phone"})
	follow("f2", incident.Updated{By: bob, Text: "Rolled back\nthe last release", Next: "Watch", ETA: "10 minutes"})
	follow("f3", incident.StatusChanged{By: bob, To: incident.Mitigating})
	inc.Status, inc.ResolvedAt = incident.Resolved, night.Add(40*time.Minute)
	follow("f4", incident.ResolvedEvent{By: bob, Cause: "A bad release", Fix: "Rolled back"})
	toAlice, toBob := box.Mails(alice), box.Mails("bob@example.com")
	if len(toAlice) != 5 || len(toBob) != 1 || len(box.Mails("")) != 6 {
		t.Fatalf("%d mails to Alice, %d to Bob, %d in all", len(toAlice), len(toBob), len(box.Mails("")))
	}
	for i, got := range toAlice {
		if len(got.References) == 0 || got.References[0] != c.root("INC-3") {
			t.Errorf("mail %d refers to %v", i, got.References)
		}
		if got.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("mail %d may be answered by a machine", i)
		}
		if want := map[bool]string{true: "Re: ", false: ""}[i > 1] + "[P0] INC-3 API service down (L1)"; got.Subject != want {
			t.Errorf("mail %d is called %q, not %q", i, got.Subject, want)
		}
		if i > 1 && (got.InReplyTo != second.Ref || !slices.Equal(got.References, []string{c.root("INC-3"), first.Ref, second.Ref})) {
			t.Errorf("mail %d answers %s, after %v", i, got.InReplyTo, got.References)
		}
	}
	for i, name := range []string{"acknowledged", "updated", "resolved"} {
		golden(t, name+".txt", toAlice[2+i].Text)
	}
}

// What a mail names of its thread is bounded: the root and the newest.
func TestLongThread(t *testing.T) {
	c := channel(t, Config{URL: "smtp://mail.example.com"})
	e := c.pageMail(page())
	for i := range 500 {
		e.thread = append(e.thread, "<"+c.messageID(strings.Repeat("x", i))+">")
	}
	last := e.thread[500]
	msg, err := mail.ReadMessage(bytes.NewReader(written(t, c, "d", e)))
	if err != nil {
		t.Fatal(err)
	}
	refs := strings.Fields(msg.Header.Get("References"))
	if len(refs) != maxThread || refs[0] != c.root("INC-3") || refs[maxThread-1] != last {
		t.Errorf("%d references, from %s to %s", len(refs), refs[0], refs[len(refs)-1])
	}
}

func TestAnnouncement(t *testing.T) {
	got := sent(t, func(c *Channel) {
		inc := page().Incident
		inc.Severity = incident.P2
		if _, err := c.Announce(t.Context(), Announcement{Delivery: "a", To: []string{"team@example.com", "ops@example.com"}, Incident: inc, Link: page().Link, Now: night}, false); err != nil {
			t.Fatal(err)
		}
	})
	golden(t, "announcement.txt", "Subject: "+got.Subject+"\n\n"+got.Text)
}
