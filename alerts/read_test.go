package alerts_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"muster/alerts"
	"muster/incident"
)

func payload(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The payloads are those of a real Alertmanager.
func TestRealPayloads(t *testing.T) {
	for name, want := range map[string][]string{
		"alertmanager-firing.json":                {"firing 2309ffc8a6d856bb@2026-11-22T10:30:58.108Z", "firing ebed194592a2f414@2026-11-22T10:30:56.108Z"},
		"alertmanager-firing-v0.31.1.json":        {"firing 2309ffc8a6d856bb@2026-11-22T10:39:20.108Z"},
		"alertmanager-mixed-firing-resolved.json": {"resolved 2309ffc8a6d856bb@2026-11-22T10:30:58.108Z", "firing ebed194592a2f414@2026-11-22T10:30:56.108Z"},
		"alertmanager-resolved.json":              {"resolved ebed194592a2f414@2026-11-22T10:30:56.108Z"},
		"alertmanager-resolved-v0.31.1.json":      {"resolved 2309ffc8a6d856bb@2026-11-22T10:39:20.108Z"},
	} {
		t.Run(name, func(t *testing.T) {
			b, notes, err := alerts.ReadAlertmanager(payload(t, name))
			if err != nil || len(notes) != 0 {
				t.Fatal(notes, err)
			}
			var got []string
			for _, a := range b.Alerts {
				status := "resolved"
				if a.Firing {
					status = "firing"
				}
				got = append(got, status+" "+a.Identity())
				if a.Firing != a.EndsAt.IsZero() {
					t.Errorf("firing %v, ends %v", a.Firing, a.EndsAt)
				}
				// Without its fingerprint an alert is named as Alertmanager names it.
				body := strings.ReplaceAll(string(payload(t, name)), `"fingerprint":"`+a.Fingerprint+`"`, `"other":1`)
				again, _, err := alerts.ReadAlertmanager([]byte(body))
				if err != nil || !contains(again.Alerts, a.Identity()) {
					t.Errorf("without fingerprint: %v, %v", again.Alerts, err)
				}
			}
			if strings.Join(got, "; ") != strings.Join(want, "; ") {
				t.Errorf("got %q, want %q", got, want)
			}
			if b.Source != incident.FromAlertmanager || b.Receiver != "slackops" || b.GroupKey != `{}:{alertname="ServiceDown", service="checkout-api"}` {
				t.Errorf("batch %+v", b)
			}
		})
	}
}

func contains(all []incident.Alert, identity string) bool {
	for _, a := range all {
		if a.Identity() == identity {
			return true
		}
	}
	return false
}

func TestWhatAnAlertSays(t *testing.T) {
	b, _, err := alerts.ReadAlertmanager(payload(t, "alertmanager-firing.json"))
	if err != nil {
		t.Fatal(err)
	}
	a := b.Alerts[0]
	for name, pair := range map[string][2]string{
		"name":        {a.Name, "ServiceDown"},
		"severity":    {a.Severity, "critical"},
		"service":     {a.Service, "checkout-api"},
		"summary":     {a.Summary, "checkout-api instance 127.0.0.1:29101 is down"},
		"description": {a.Description, "checkout-api target 127.0.0.1:29101 has been unreachable for more than 4s (value=0)."},
		"expr":        {a.Expr, `up{job="checkout-api"} == 0`},
		"runbook":     {a.Links.Runbook, "https://runbooks.example.com/service-down"},
		"dashboard":   {a.Links.Dashboard, "https://grafana.example.com/d/abc"},
		"graph":       {a.Links.Graph, "http://127.0.0.1:29090/graph?g0.expr=up%7Bjob%3D%22checkout-api%22%7D+%3D%3D+0&g0.tab=1"},
		"silence":     {a.Links.Silence, "http://127.0.0.1:29093/#/silences/new?filter=%7Balertname%3D%22ServiceDown%22%2C+cluster%3D%22test-eu1%22%2C+instance%3D%22127.0.0.1%3A29101%22%2C+job%3D%22checkout-api%22%2C+priority%3D%22P1%22%2C+service%3D%22checkout-api%22%2C+severity%3D%22critical%22%2C+team%3D%22payments%22%7D"},
		"team":        {a.Labels["team"], "payments"},
		"source":      {a.Source, "alertmanager"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", name, pair[0], pair[1])
		}
	}
}

func TestLenient(t *testing.T) {
	long := strings.Repeat("é", 5000)
	for name, c := range map[string]struct {
		body  string
		names string // of the alerts, with their status and service
		notes int
	}{
		"least":            {`{"alerts":[{"labels":{"alertname":"A"}}]}`, "A+", 0},
		"status of group":  {`{"status":"resolved","alerts":[{"labels":{"alertname":"A"}}]}`, "A-", 0},
		"own status wins":  {`{"status":"resolved","alerts":[{"status":"Firing","labels":{"alertname":"A"}}]}`, "A+", 0},
		"unknown status":   {`{"alerts":[{"status":"suppressed","labels":{"alertname":"A"}}]}`, "A+", 0},
		"numbers as text":  {`{"groupKey":7,"alerts":[{"labels":{"alertname":404,"service":true}}]}`, "404+/true", 0},
		"no name":          {`{"alerts":[{"labels":{"job":"x"}}]}`, "alert without a name+/x", 0},
		"only fingerprint": {`{"alerts":[{"fingerprint":"f"}]}`, "alert without a name+", 0},
		"unknown fields":   {`{"notifications":{"a":[1]},"alerts":[{"labels":{"alertname":"A"},"values":{"B":1}}]}`, "A+", 0},
		"odd annotations":  {`{"alerts":[{"labels":{"alertname":"A"},"annotations":["x"],"generatorURL":{"x":1}}]}`, "A+", 0},
		"nulls":            {`{"status":null,"alerts":[{"status":null,"labels":{"alertname":"A","service":null},"annotations":null,"startsAt":null,"endsAt":null}]}`, "A+", 0},
		"one bad":          {`{"alerts":[{"labels":{"alertname":"A"}},7,{"labels":[]},{"labels":{"alertname":"B"},"startsAt":"yesterday"},{},{"labels":{"alertname":"C"}}]}`, "A+ C+", 4},
		"twice the same":   {`{"alerts":[{"labels":{"alertname":"A"}},{"labels":{"alertname":"B"}},{"status":"resolved","labels":{"alertname":"A"}}]}`, "A- B+", 0},
		"truncated":        {`{"truncatedAlerts":12,"alerts":[{"labels":{"alertname":"A"}}]}`, "A+", 1},
		"control signs":    {`{"alerts":[{"labels":{"alertname":"A\u0000\nB\u0007"}}]}`, "A B+", 0},
		"long":             {`{"alerts":[{"labels":{"alertname":"` + long + `"}}]}`, strings.Repeat("é", 199) + "…+", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, notes, err := alerts.ReadAlertmanager([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := names(b); got != c.names || len(notes) != c.notes {
				t.Errorf("got %q and %q, want %q and %d", got, notes, c.names, c.notes)
			}
		})
	}
}

func names(b alerts.Batch) string {
	var all []string
	for _, a := range b.Alerts {
		s := a.Name + "-"
		if a.Firing {
			s = a.Name + "+"
		}
		if a.Service != "" {
			s += "/" + a.Service
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestUnreadable(t *testing.T) {
	many := `{"alerts":[` + strings.Repeat(`{"fingerprint":"f"},`, alerts.MaxAlerts) + `{"fingerprint":"f"}]}`
	for name, c := range map[string]struct {
		body, text string
		large      bool
	}{
		"nothing":     {"", "The request is not a JSON object; send Alertmanager's webhook here.", false},
		"no JSON":     {"<xml/>", "The request is not a JSON object; send Alertmanager's webhook here.", false},
		"null":        {"null", "The request is not a JSON object; send Alertmanager's webhook here.", false},
		"broken off":  {`{"alerts":[{"labels":{"alertname":"A"}}`, "The request is not a JSON object; send Alertmanager's webhook here.", false},
		"two":         {`{"alerts":[{"fingerprint":"f"}]}{}`, "The request is not a JSON object; send Alertmanager's webhook here.", false},
		"no alerts":   {`{"version":"4"}`, `The request has no alerts; send them as a list named "alerts".`, false},
		"empty list":  {`{"alerts":[]}`, `The request has no alerts; send them as a list named "alerts".`, false},
		"not a list":  {`{"alerts":{"a":1}}`, `The request has no alerts; send them as a list named "alerts".`, false},
		"all bad":     {`{"alerts":[1,2]}`, "None of the request's alerts can be read. Alert 1 of 2 was dropped: it is not an object.", false},
		"deep":        {strings.Repeat("[", 1e6), "The request is nested deeper than 32 levels.", false},
		"deep inside": {`{"alerts":[{"fingerprint":"f","x":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40) + `}]}`, "The request is nested deeper than 32 levels.", false},
		"large":       {strings.Repeat(" ", alerts.MaxBody+1), "The request is larger than 4 MiB; set max_alerts in Alertmanager's receiver.", true},
		"many":        {many, "The request has 10001 alerts, more than 10000; set max_alerts in Alertmanager's receiver.", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := alerts.ReadAlertmanager([]byte(c.body))
			var u alerts.Unreadable
			if !errors.As(err, &u) || u.Text != c.text || u.TooLarge != c.large {
				t.Errorf("got %#v", err)
			}
		})
	}
	deepText := `{"alerts":[{"fingerprint":"f","annotations":{"summary":"` + strings.Repeat("[{", 100) + `\"` + strings.Repeat("[", 100) + `"}}]}`
	if _, _, err := alerts.ReadAlertmanager([]byte(deepText)); err != nil {
		t.Errorf("brackets within a text count as nesting: %v", err)
	}
}

func TestDroppedAreNamed(t *testing.T) {
	b, notes, err := alerts.ReadAlertmanager([]byte(`{"alerts":[{"fingerprint":"f"},` + strings.Repeat("1,", 30) + `2]}`))
	if err != nil || len(b.Alerts) != 1 || len(notes) != 11 {
		t.Fatal(b, notes, err)
	}
	if notes[0] != "Alert 2 of 32 was dropped: it is not an object." || notes[10] != "21 more were dropped." {
		t.Errorf("got %q", notes)
	}
}

func TestLinksAreOnlyLinks(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://runbooks.example.com/a?b=c#d": true, "http://10.0.0.1": true,
		"javascript:alert(1)": false, "slack://open": false, "https://": false, "not a link": false,
		"https://a.example.com/x|y>": false, "https://a.example.com/" + strings.Repeat("x", 3000): false, "": false,
	} {
		b, _, err := alerts.ReadAlertmanager([]byte(fmt.Sprintf(`{"externalURL":%q,"alerts":[{"fingerprint":"f","generatorURL":%q,"annotations":{"runbook_url":%q,"dashboard":%q}}]}`, address, address, address, address)))
		if err != nil {
			t.Fatal(err)
		}
		l := b.Alerts[0].Links
		if got := l.Graph != "" && l.Runbook != "" && l.Dashboard != "" && l.Silence != ""; got != ok || !ok && l != (incident.AlertLinks{}) {
			t.Errorf("%.60q: %+v", address, l)
		}
	}
}

func TestGeneric(t *testing.T) {
	b, notes, err := alerts.ReadGeneric([]byte(`{"name":"Backup failed","severity":"warning","summary":"no backup since Monday","service":"billing",
		"labels":{"team":"db"},"status":"firing","fingerprint":"backup-billing","links":{"runbook":"https://r.example.com","dashboard":"javascript:x"},"starts_at":"2026-11-22T12:00:00+01:00"}`))
	if err != nil || len(notes) != 0 || len(b.Alerts) != 1 {
		t.Fatal(b, notes, err)
	}
	a := b.Alerts[0]
	if a.Name != "Backup failed" || a.Severity != "warning" || a.Summary == "" || a.Service != "billing" || !a.Firing || a.Fingerprint != "backup-billing" ||
		a.Links.Runbook != "https://r.example.com" || a.Links.Dashboard != "" || !a.StartsAt.Equal(time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", a)
	}
	if a.Labels["alertname"] != "Backup failed" || a.Labels["severity"] != "warning" || a.Labels["service"] != "billing" || a.Labels["team"] != "db" {
		t.Errorf("labels %v", a.Labels)
	}

	// Another severity, summary or status is the same alert; another label or service is not.
	id := func(body string) string {
		t.Helper()
		b, _, err := alerts.ReadGeneric([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return b.Alerts[0].Identity()
	}
	first := id(`{"name":"A","service":"s","severity":"warning"}`)
	if id(`{"name":"A","service":"s","severity":"critical","summary":"x","status":"resolved"}`) != first {
		t.Error("a severity makes another alert")
	}
	if id(`{"name":"A","service":"t"}`) == first || id(`{"name":"A","service":"s","labels":{"x":"y"}}`) == first {
		t.Error("another service or label is the same alert")
	}

	for name, c := range map[string]struct {
		body, want string
		notes      int
	}{
		"list":          {`[{"name":"A"},{"name":"B","status":"resolved"}]`, "A+ B-", 0},
		"named list":    {`{"group":"g","alerts":[{"name":"A"},{"summary":"nameless"}]}`, "A+", 1},
		"name in label": {`{"labels":{"alertname":"A"}}`, "A+", 0},
		"seconds":       {`{"name":"A","starts_at":1795348800}`, "A+", 0},
	} {
		b, notes, err := alerts.ReadGeneric([]byte(c.body))
		if err != nil || names(b) != c.want || len(notes) != c.notes {
			t.Errorf("%s: %q %q %v", name, names(b), notes, err)
		}
	}
	for _, bad := range []string{"", "7", `"x"`, "[]", "{}", `{"alerts":[]}`, `{"name":""}`, `{"name":"A","labels":7}`, `{"name":"A","starts_at":"soon"}`, "[1]", strings.Repeat("[", 100)} {
		if b, _, err := alerts.ReadGeneric([]byte(bad)); !errors.As(err, new(alerts.Unreadable)) {
			t.Errorf("%q is read as %v", bad, b)
		}
	}
}

const pagerDuty = `{"event":{"id":"01BQ","event_type":"incident.%s","resource_type":"incident","occurred_at":"2026-11-22T12:05:00Z",
	"agent":{"id":"PUSER","type":"user_reference","summary":"Ann"},"client":null,
	"data":{"id":"PGR0VU2","type":"incident","self":"https://api.example.com/incidents/PGR0VU2","html_url":"https://acme.example.com/incidents/PGR0VU2","number":2,
	"status":"triggered","incident_key":%q,"created_at":"2026-11-22T12:00:00Z","title":"Orders are stuck","service":{"id":"PF9","summary":"orders","type":"service_reference"},
	"priority":{"id":"PSO","summary":"P1","type":"priority_reference"},"urgency":"high","assignees":[]}}}`

func TestPagerDuty(t *testing.T) {
	ours := func(key string) bool { return strings.HasPrefix(key, "INC-") }
	read := func(event, key string) alerts.Batch {
		t.Helper()
		b, err := alerts.ReadPagerDuty([]byte(fmt.Sprintf(pagerDuty, event, key)), ours)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := read("triggered", "abc")
	if len(b.Alerts) != 1 || b.Key != "01BQ" || b.GroupKey != "pagerduty/PGR0VU2" {
		t.Fatalf("got %+v", b)
	}
	a := b.Alerts[0]
	if a.Name != "Orders are stuck" || a.Severity != "critical" || a.Service != "orders" || !a.Firing || a.Links.Graph != "https://acme.example.com/incidents/PGR0VU2" ||
		a.Labels["priority"] != "P1" || a.Labels["severity"] != "critical" || a.Labels["pagerduty"] != "PGR0VU2" {
		t.Errorf("got %+v", a)
	}
	resolved := read("resolved", "abc")
	if r := resolved.Alerts[0]; r.Firing || r.Identity() != a.Identity() || r.EndsAt.IsZero() {
		t.Errorf("got %+v", r)
	}
	for _, none := range []alerts.Batch{read("triggered", "INC-7/L1/ann@example.com"), read("acknowledged", "abc"), read("annotated", "abc")} {
		if len(none.Alerts) != 0 {
			t.Errorf("got %+v", none)
		}
	}
	if b, err := alerts.ReadPagerDuty([]byte(`{"event":{"id":"1","event_type":"pagey.ping","resource_type":"pagey","data":{"type":"ping"}}}`), ours); err != nil || len(b.Alerts) != 0 {
		t.Errorf("a ping: %v, %v", b, err)
	}
	if _, err := alerts.ReadPagerDuty([]byte(`{"messages":[]}`), ours); err == nil {
		t.Error("an older webhook is read")
	}
}

// What belongs to the whole request is read once, however many alerts it has: a
// long text there times thousands of alerts would keep a processor for minutes.
func TestSharedFieldsAreReadOnce(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`{"fingerprint":"f"},`, 1000), ",")
	for _, field := range []string{`"status":"`, `"externalURL":"http://alertmanager.example.com/`} {
		body := []byte("{" + field + strings.Repeat("x", 200_000) + `","alerts":[` + many + "]}")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b, _, err := alerts.ReadAlertmanager(body)
		runtime.ReadMemStats(&after)
		if err != nil || len(b.Alerts) != 1 {
			t.Fatal(len(b.Alerts), err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 40<<20 {
			t.Errorf("%s…: %d MiB were needed for a request of %d KiB", field, got>>20, len(body)>>10)
		}
	}
}

// What tells alerts and groups apart still does when it is too long to be kept.
func TestLongNamesStayApart(t *testing.T) {
	long := strings.Repeat("x", 5000)
	body := `{"groupKey":"` + long + `%s","alerts":[{"fingerprint":"` + long + `1"},{"fingerprint":"` + long + `2"}]}`
	one, _, err := alerts.ReadAlertmanager([]byte(fmt.Sprintf(body, "a")))
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := alerts.ReadAlertmanager([]byte(fmt.Sprintf(body, "b")))
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Alerts) != 2 || one.Alerts[0].Fingerprint == one.Alerts[1].Fingerprint || one.GroupKey == two.GroupKey {
		t.Errorf("%d alerts, groups %.20q… and %.20q…", len(one.Alerts), one.GroupKey, two.GroupKey)
	}
	if one.Alerts[0].Fingerprint != two.Alerts[0].Fingerprint {
		t.Error("the same alert has two names")
	}
}
