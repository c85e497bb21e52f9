package alerts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/alerts"
	"muster/incident"
)

// keeps holds a batch to what every reader promises, whatever the bytes were.
func keeps(t testing.TB, body []byte, b alerts.Batch) {
	t.Helper()
	bad := func(what string, v any) {
		t.Helper()
		t.Fatalf("%s: %.300q\n%s", what, fmt.Sprint(v), body)
	}
	short := func(what, s string, most int, oneLine bool) {
		t.Helper()
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
			bad(what+" is too long or broken", s)
		}
		if oneLine && strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) && r != ' ' }) {
			bad(what+" is not one line", s)
		}
	}
	short("the receiver", b.Receiver, 200, true)
	short("the group's key", b.GroupKey, 2000, false)
	for _, a := range b.Alerts {
		if a.Name == "" || a.Fingerprint == "" {
			bad("an alert has no name or no fingerprint", a)
		}
		short("the name", a.Name, 200, true)
		short("the severity", a.Severity, 200, true)
		short("the service", a.Service, 200, true)
		short("the summary", a.Summary, 500, true)
		short("the description", a.Description, 3000, false)
		short("the expression", a.Expr, 4000, false)
		if len(a.Fingerprint) < 1000 || !strings.HasPrefix(a.Fingerprint, "pagerduty/") {
			short("the fingerprint", a.Fingerprint, 210, false)
		}
		for _, words := range []map[string]string{a.Labels, a.Annotations} {
			if len(words) > 103 {
				bad("too many labels or annotations", len(words))
			}
			for k, v := range words {
				short("a label's name", k, 200, false)
				short("a label", v, 2000, false)
			}
		}
		for _, link := range []string{a.Links.Runbook, a.Links.Dashboard, a.Links.Graph, a.Links.Silence} {
			u, err := url.Parse(link)
			if link != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || len(link) > 2000 || strings.ContainsAny(link, "<>|\" \n\r\t")) {
				bad("a link is none", link)
			}
		}
		for _, at := range []time.Time{a.StartsAt, a.EndsAt, a.ToldAt} {
			if at.Year() < 1 || at.Year() > 9000 || at.Location() != time.UTC {
				bad("a time is out of bounds", at)
			}
		}
		if a.Firing && !a.EndsAt.IsZero() {
			bad("an alert fires and has ended", a)
		}
		// Recorded means recorded: what is read back is the same.
		text, err := json.Marshal(a)
		if err != nil {
			bad("an alert cannot be put on record", err)
		}
		var back incident.Alert
		if err := json.Unmarshal(text, &back); err != nil {
			bad("an alert cannot be read back", err)
		}
		if again, err := json.Marshal(back); err != nil || !bytes.Equal(again, text) {
			bad("an alert comes back as another", back)
		}
	}
	heard(t, body, b)
}

// heard puts a batch on a group's record, twice: the second time is no news.
func heard(t testing.TB, body []byte, b alerts.Batch) {
	t.Helper()
	if len(b.Alerts) == 0 {
		return
	}
	now := time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)
	g := incident.AlertGroup{ID: "ALR-1"}
	for round := range 2 {
		events, err := incident.HandleGroup(g, incident.HearAlerts{Key: b.GroupKey, Source: b.Source, Receiver: b.Receiver, Alerts: b.Alerts}, now)
		if err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if round > 0 && len(events) > 0 {
			t.Fatalf("the same again is news: %+v\n%s", events, body)
		}
		for _, e := range events {
			r := incident.Record{Seq: g.Seq + 1, At: now, Event: e}
			g = incident.ApplyGroup(g, r)
			incident.EffectsGroup(g, r)
		}
	}
	for _, a := range g.Alerts {
		if a.Class() == "" || g.Title() == "" || g.Worst() == "" {
			t.Fatalf("the group says nothing: %+v\n%s", g, body)
		}
	}
	g.Ref()
}

// checkAlertmanager holds one payload against the independent reading, and
// what is read of it against all that is promised.
func checkAlertmanager(t testing.TB, body []byte) (valid int) {
	t.Helper()
	valid, b := check(t, body)
	keeps(t, body, b)
	return valid
}

// checkGeneric holds one payload against what the readers of other senders promise.
func checkGeneric(t testing.TB, body []byte) (readable int) {
	t.Helper()
	b, dropped, err := alerts.ReadGeneric(body)
	if (err == nil) != (len(b.Alerts) > 0) {
		t.Fatalf("%v, %v\n%s", b, err, body)
	}
	seen := map[string]bool{}
	for _, a := range b.Alerts {
		if seen[a.Identity()] {
			t.Fatalf("%s is there twice\n%s", a.Identity(), body)
		}
		seen[a.Identity()] = true
		if a.Labels["alertname"] == "" {
			t.Fatalf("no matcher finds %+v\n%s", a, body)
		}
	}
	keeps(t, body, b)
	if again, twice, err2 := alerts.ReadGeneric(body); !reflect.DeepEqual(b, again) || !reflect.DeepEqual(dropped, twice) || !reflect.DeepEqual(err, err2) {
		t.Fatalf("read again it is %+v\n%s", again, body)
	}
	p, err := alerts.ReadPagerDuty(body, func(key string) bool { return strings.HasPrefix(key, "INC-") })
	if err == nil && !json.Valid(body) || len(p.Alerts) > 1 {
		t.Fatalf("%v is read from\n%s", p, body)
	}
	keeps(t, body, p)
	return len(b.Alerts) + len(p.Alerts)
}

// composer writes payloads out of what such payloads are made of.
type composer struct {
	*rand.Rand
	bytes.Buffer
}

func (c *composer) one(of ...string) string { return of[c.IntN(len(of))] }

// signs are what texts are made of: JSON's escapes among them, and what people
// who see the text must not be fooled by.
var signs = []string{
	"a", "B", "api", " ", "  ", "0", "resolved", "firing", "Resolved", "critical", "INC-1", `\n`, `\r`, `\t`, `\u0000`, `\u0007`, `\u0085`, `\u2028`, `\u202e`, `\u00a0`,
	`\ud800`, `\udfff`, `\ud83d\ude00`, `\"`, `\\`, `\/`, "\xff", "\xc3", "é", "İ", "ß", "K", "ǅ", "数", "👩‍🚒", "<!channel>", "<@U1>", "<https://x|y>", "{{ .X }}", "${X}", "@here", "`", "*", "_",
	"&lt;", "https://x.example/", "javascript:", "http://a/?g0.expr=up%3D%3D0", "%zz", "%", ";", "&", "=", "\"", "\\", "\x01", "\n",
}

func (c *composer) text() {
	c.WriteByte('"')
	switch c.IntN(6) {
	case 0:
	case 1:
		c.WriteString(strings.Repeat(signs[c.IntN(len(signs)-4)], c.IntN(2500)))
	default:
		for range c.IntN(6) {
			c.WriteString(signs[c.IntN(len(signs)-4)])
		}
		if c.IntN(200) == 0 { // what no JSON has
			c.WriteString(signs[len(signs)-1-c.IntN(4)])
		}
	}
	c.WriteByte('"')
}

func (c *composer) moment() {
	c.WriteString(c.one(
		`"2026-11-22T10:30:58.108Z"`, `"2026-11-22T10:30:58.108123456789Z"`, `"2026-11-22T12:30:58+14:00"`, `"2026-11-22T12:29:59Z"`, `"2099-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`,
		`"0001-01-01T00:00:00+14:00"`, `"0000-01-01T00:00:00Z"`, `"9999-12-31T23:59:59-14:00"`, `"9000-12-31T23:59:59Z"`, `"9000-12-31T23:59:59-23:59"`, `"10000-01-01T00:00:00Z"`, `"2026-02-30T00:00:00Z"`,
		`"2026-11-22t10:30:58z"`, `" 2026-11-22T10:30:58Z "`, `"2026-11-22T10:30:58,5Z"`, `"2026-11-22T24:00:00Z"`, `"2026-11-22T10:30:60Z"`, `"2026-11-22"`, "1795348800", `"1795348800"`, "1795348800000",
		"-1", "-0", "0", `"+7"`, "1e9", "137438953472", "137438953473", "99999999999999999999", `""`, "null", "[]", "true",
	))
}

func (c *composer) scalar() {
	if c.IntN(400) == 0 {
		c.WriteString(c.one("01", "+1", "nul", "NaN", "0x1", "'x'", ""))
		return
	}
	switch c.IntN(5) {
	case 0:
		c.WriteString(c.one("null", "true", "false", "0", "-0", "1e999999", "-1.5E-7", "12345678901234567890123"))
	case 1:
		c.moment()
	default:
		c.text()
	}
}

func (c *composer) any(level int) {
	switch n := c.IntN(8); {
	case n == 0 && level < 5:
		c.list(c.IntN(4), func() { c.any(level + 1) })
	case n == 1 && level < 5:
		c.object(c.IntN(4), func() string { return c.one(fields...) }, func(string) { c.any(level + 1) })
	case n == 2 && c.IntN(10) == 0:
		deep := 25 + c.IntN(12)
		c.WriteString(strings.Repeat("[", deep) + strings.Repeat("]", deep-c.IntN(20)/19))
	default:
		c.scalar()
	}
}

func (c *composer) list(n int, each func()) {
	c.WriteByte('[')
	for i := range n {
		if i > 0 {
			c.WriteByte(',')
		}
		each()
	}
	c.WriteByte(']')
}

func (c *composer) object(n int, name func() string, each func(string)) {
	c.WriteByte('{')
	for i := range n {
		if i > 0 {
			c.WriteString(c.one(",", ",", ", ", "\n,\t"))
		}
		field := name()
		c.WriteString(`"` + field + `":`)
		each(field)
	}
	c.WriteByte('}')
}

var fields = []string{
	"alerts", "labels", "annotations", "status", "startsAt", "endsAt", "fingerprint", "generatorURL", "externalURL", "groupKey", "receiver", "truncatedAlerts", "alertname", "severity", "service",
	"summary", "description", "name", "links", "group", "starts_at", "ends_at", "expr", "runbook", "runbook_url", "dashboard", "graph", "silence", "silenceURL", "event", "data", "event_type", "resource_type",
	"id", "title", "occurred_at", "created_at", "priority", "number", "urgency", "incident_key", "html_url", "Alerts", "", `\u0061lerts`, `\ud800`, "\xff", "\xfe",
}

// value writes what a field mostly has, and sometimes anything.
func (c *composer) value(field string) {
	if c.IntN(12) == 0 {
		c.any(0)
		return
	}
	switch field {
	case "alerts":
		c.list(c.IntN(8), c.alert)
	case "labels", "annotations", "links":
		n := c.IntN(5)
		if c.IntN(40) == 0 {
			n = 150
		}
		c.object(n, func() string {
			if n > 100 {
				return fmt.Sprint("l", c.IntN(1000))
			}
			return c.one("alertname", "severity", "service", "job", "instance", "summary", "description", "runbook_url", "runbook", "dashboard", "graph", "silence", "x", strings.Repeat("k", 300), fields[c.IntN(len(fields))])
		}, func(string) { c.scalar() })
	case "status":
		c.WriteString(c.one(`"firing"`, `"resolved"`, `"RESOLVED "`, `"\tresolved"`, `""`, `" "`, "null", `"suppressed"`, "0", `"reſolved"`))
	case "startsAt", "endsAt", "starts_at", "ends_at", "occurred_at", "created_at":
		c.moment()
	case "event":
		c.object(5, func() string { return c.one("id", "event_type", "resource_type", "data", "data", "occurred_at") }, c.value)
	case "data":
		c.object(7, func() string {
			return c.one("id", "title", "created_at", "priority", "service", "number", "urgency", "incident_key", "html_url", "status")
		}, c.value)
	case "priority":
		c.object(2, func() string { return c.one("summary", "name") }, c.value)
	case "event_type":
		c.WriteString(c.one(`"incident.triggered"`, `"incident.resolved"`, `"incident.reopened"`, `"incident.priority_updated"`, `"incident.acknowledged"`, `"triggered"`))
	case "resource_type":
		c.WriteString(c.one(`"incident"`, `"incident"`, `"incident"`, `"service"`))
	case "fingerprint", "id", "name":
		c.WriteString(c.one(`"f1"`, `"f2"`, `"f@1"`, `""`, `" "`, `"`+strings.Repeat("f", 250)+c.one("1", "2")+`"`))
	default:
		c.scalar()
	}
}

func (c *composer) alert() {
	names := []string{"labels", "labels", "annotations", "status", "startsAt", "endsAt", "fingerprint", "generatorURL", "name", "starts_at", "links", "severity", "service", "summary"}
	c.object(1+c.IntN(7), func() string { return c.one(names...) }, c.value)
}

// payload writes one, whole or damaged.
func (c *composer) payload(others [][]byte) []byte {
	c.Reset()
	switch c.IntN(8) {
	case 0:
		c.any(0)
	case 1:
		c.alert()
	case 2:
		c.list(c.IntN(5), c.alert)
	case 3:
		c.WriteString(`{"event":`)
		c.value("event")
		c.WriteByte('}')
	default:
		c.object(2+c.IntN(4), func() string {
			return c.one("alerts", "alerts", "alerts", "alerts", "alerts", "status", "groupKey", "group", "receiver", "externalURL", "truncatedAlerts", fields[c.IntN(len(fields))])
		}, c.value)
	}
	out := bytes.Clone(c.Bytes())
	switch c.IntN(15) {
	case 0: // cut off
		out = out[:c.IntN(len(out)+1)]
	case 1: // one part put in the place of another
		i, other := c.IntN(len(out)+1), others[c.IntN(len(others))]
		out = append(out[:i:i], other[c.IntN(len(other)+1):]...)
	case 2: // something put in
		i := c.IntN(len(out) + 1)
		out = append(out[:i:i], c.one("{", "}", "[", "]", ",", ":", `"`, `\`, "\x00", "\xef\xbb\xbf", "\v", "\u00a0", " ", "null")+string(out[i:])...)
	}
	return out
}

// Payloads that are put together from JSON's own pieces, the fields' names and
// odd values in their places, with names told twice and cut where it hurts.
func TestAlertsComposed(t *testing.T) {
	composed(t, 2026, mutations/40)
}

func composed(t *testing.T, seed uint64, count int) {
	c := &composer{Rand: rand.New(rand.NewPCG(seed, 11))}
	var others [][]byte
	for _, name := range real {
		others = append(others, payload(t, name))
	}
	valid, other := 0, 0
	for range count {
		body := c.payload(others)
		if checkAlertmanager(t, body) > 0 {
			valid++
		}
		if checkGeneric(t, body) > 0 {
			other++
		}
	}
	t.Logf("%d payloads, readable as Alertmanager's %d, as others' %d", count, valid, other)
	if valid < count/8 || other < count/8 {
		t.Errorf("the payloads are too odd: of %d readable as Alertmanager's %d, as others' %d", count, valid, other)
	}
}
