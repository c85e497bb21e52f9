package alertmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/alerts/alertmanager"
	"muster/incident"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// server keeps silences as Alertmanager does, as far as it matters here.
type server struct {
	*httptest.Server
	mu       sync.Mutex // one call at a time: a lost answer's is followed by another before it has ended
	silences map[string]map[string]any
	posts    int
	lose     bool // the answer to the next POST
	status   int  // of every answer, with body; 0: none
	body     string
	auth     string
	query    []string
}

func start(t *testing.T) (*server, *alertmanager.Client) {
	t.Helper()
	s := &server{silences: map[string]map[string]any{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	c, err := alertmanager.New(alertmanager.Config{URL: s.URL + "/am/", Token: "tok-9"})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.auth, s.query = r.Header.Get("Authorization"), r.URL.Query()["filter"]
	if s.status != 0 {
		w.WriteHeader(s.status)
		io.WriteString(w, s.body)
		return
	}
	id, one := strings.CutPrefix(r.URL.Path, "/am/api/v2/silence/")
	switch {
	case r.URL.Path == "/am/api/v2/status":
		io.WriteString(w, `{"versionInfo":{"version":"0.25.0"},"cluster":{"status":"ready"}}`)
	case r.URL.Path == "/am/api/v2/alerts":
		io.WriteString(w, `[{"fingerprint":"f1","labels":{"alertname":"A"},"startsAt":"2026-11-22T11:59:00Z","status":{"state":"suppressed","silencedBy":["s1"],"inhibitedBy":[]}}]`)
	case r.URL.Path == "/am/api/v2/silences" && r.Method == http.MethodGet:
		list := []any{}
		for _, one := range s.silences {
			list = append(list, one)
		}
		json.NewEncoder(w).Encode(list)
	case r.URL.Path == "/am/api/v2/silences":
		var posted map[string]any
		if err := json.NewDecoder(r.Body).Decode(&posted); err != nil {
			panic(err)
		}
		s.posts++
		if posted["id"] == nil {
			posted["id"] = fmt.Sprintf("s%d", s.posts)
		}
		posted["status"] = map[string]any{"state": "active"}
		s.silences[posted["id"].(string)] = posted
		if s.lose {
			s.lose = false
			panic(http.ErrAbortHandler)
		}
		json.NewEncoder(w).Encode(map[string]any{"silenceID": posted["id"]})
	case one && s.silences[id] == nil:
		w.WriteHeader(http.StatusNotFound)
	case one && r.Method == http.MethodDelete:
		if s.state(id) == "expired" {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `"silence %s already expired"`, id)
			return
		}
		s.silences[id]["status"] = map[string]any{"state": "expired"}
	case one:
		json.NewEncoder(w).Encode(s.silences[id])
	default:
		w.WriteHeader(http.StatusTeapot)
	}
}

func (s *server) state(id string) string {
	return s.silences[id]["status"].(map[string]any)["state"].(string)
}

func TestSilence(t *testing.T) {
	s, c := start(t)
	want := alertmanager.Silence{
		Labels: map[string]string{"alertname": "ServiceDown", "service": `check"out`}, From: noon, Until: noon.Add(4 * time.Hour),
		By: "Ann Ash", Comment: "INC-12: silenced for 4h by Ann Ash",
	}
	id, err := c.Create(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if s.auth != "Bearer tok-9" || fmt.Sprint(s.silences[id]["matchers"]) != `[map[isEqual:true isRegex:false name:alertname value:ServiceDown] map[isEqual:true isRegex:false name:service value:check"out]]` {
		t.Errorf("%s sent %v", s.auth, s.silences[id])
	}
	got, err := c.Get(t.Context(), id)
	if err != nil || !got.Active || got.Other || got.By != "Ann Ash" || got.Comment != want.Comment || !got.Until.Equal(want.Until) || !maps.Equal(got.Labels, want.Labels) {
		t.Errorf("got %+v, %v", got, err)
	}

	// The same again, after a lost answer, is the same silence.
	if again, err := c.Create(t.Context(), want); again != id || err != nil || s.posts != 1 {
		t.Errorf("again: %s, %v, %d posts", again, err, s.posts)
	}
	if strings.Join(s.query, " ") != `alertname="ServiceDown" service="check\"out"` {
		t.Errorf("asked for %q", s.query)
	}
	other := want
	other.Comment = "INC-12: silenced for 1h by Ben"
	s.lose = true
	if _, err := c.Create(t.Context(), other); err == nil || err.Error() != "Alertmanager is away: the connection broke." {
		t.Errorf("lost: %v", err)
	}
	second, err := c.Create(t.Context(), other)
	if err != nil || second == id || s.posts != 2 {
		t.Errorf("after the lost answer: %s, %v, %d posts", second, err, s.posts)
	}

	// Prolonged under the same ID, or anew when it has ended.
	if same, err := c.Extend(t.Context(), id, noon, noon.Add(8*time.Hour)); same != id || err != nil || s.silences[id]["endsAt"] != "2026-11-22T20:00:00Z" {
		t.Errorf("extended: %s, %v, %v", same, err, s.silences[id])
	}
	for range 2 {
		if err := c.Expire(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if s.state(id) != "expired" {
		t.Error("the silence goes on")
	}
	if anew, err := c.Extend(t.Context(), id, noon.Add(time.Hour), noon.Add(2*time.Hour)); anew == id || err != nil || s.silences[anew]["startsAt"] != "2026-11-22T13:00:00Z" {
		t.Errorf("extended: %s, %v, %v", anew, err, s.silences[anew])
	}

	if err := c.Expire(t.Context(), "gone"); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(t.Context(), "gone"); !errors.Is(err, alertmanager.ErrUnknown) {
		t.Error(err)
	}
	if _, err := c.Extend(t.Context(), "gone", noon, noon.Add(1)); !errors.Is(err, alertmanager.ErrUnknown) {
		t.Error(err)
	}
	s.silences["foreign"] = map[string]any{"id": "foreign", "matchers": []any{map[string]any{"name": "a", "value": ".*", "isRegex": true}}, "status": map[string]any{"state": "active"}}
	if _, err := c.Extend(t.Context(), "foreign", noon, noon.Add(1)); err == nil {
		t.Error("a silence that somebody else shaped is written over")
	}
}

func TestAlertsAndCheck(t *testing.T) {
	s, c := start(t)
	got, err := c.Alerts(t.Context(), map[string]string{"alertname": "A"})
	if err != nil || len(got) != 1 || got[0].Fingerprint != "f1" || got[0].SilencedBy[0] != "s1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	s.status, s.body = 200, "{}"
	if err := c.Check(t.Context()); err == nil || err.Error() != "What answers is not Alertmanager; check ALERTMANAGER_URL." {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	s, c := start(t)
	silence := alertmanager.Silence{Labels: map[string]string{"a": "b"}, From: noon, Until: noon.Add(1), By: "Ann", Comment: "x"}
	for _, f := range []struct {
		status    int
		body      string
		permanent bool
		text      string
	}{
		{400, `"bad matcher: tok-9 \n is not"`, true, "Alertmanager cannot list its silences (HTTP 400): bad matcher: … is not."},
		{422, `{"code":602,"message":"createdBy in body is required"}`, true, "Alertmanager cannot list its silences (HTTP 422): createdBy in body is required."},
		{500, `"store is read-only"`, false, "Alertmanager cannot list its silences for now (HTTP 500): store is read-only."},
		{502, "<html>", false, "Alertmanager cannot list its silences for now (HTTP 502)."},
		{401, "no", false, "Alertmanager wants other credentials (HTTP 401); check its token and ALERTMANAGER_URL."},
		{200, "<html>", false, "What answers is not Alertmanager; check ALERTMANAGER_URL."},
	} {
		s.status, s.body = f.status, f.body
		_, err := c.Create(t.Context(), silence)
		var failure *alertmanager.Failure
		if !errors.As(err, &failure) || failure.Permanent != f.permanent || failure.Text != f.text {
			t.Errorf("got %v, want %s", err, f.text)
		}
	}
	for _, bad := range []alertmanager.Silence{{From: noon, Until: noon.Add(1)}, {Labels: silence.Labels, From: noon, Until: noon}} {
		var failure *alertmanager.Failure
		if _, err := c.Create(t.Context(), bad); !errors.As(err, &failure) || !failure.Permanent {
			t.Errorf("got %v", err)
		}
	}
	s.Close()
	if err := c.Check(t.Context()); err == nil || err.Error() != "Alertmanager is away: the connection was refused; check that it runs, and ALERTMANAGER_URL." {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, bad := range []string{"", "localhost:9093", "ftp://x"} {
		if _, err := alertmanager.New(alertmanager.Config{URL: bad}); err == nil || !strings.Contains(err.Error(), "ALERTMANAGER_URL") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMatchers(t *testing.T) {
	of := func(all ...map[string]string) (out []incident.Alert) {
		for _, labels := range all {
			out = append(out, incident.Alert{Labels: labels})
		}
		return out
	}
	two := of(map[string]string{"alertname": "A", "job": "x", "instance": "1"}, map[string]string{"alertname": "A", "job": "x", "instance": "2"})
	for _, c := range []struct {
		key    string
		alerts []incident.Alert
		want   map[string]string
	}{
		{`{}:{alertname="A", service="s"}`, two, map[string]string{"alertname": "A", "service": "s"}},
		{`{}/{team="db"}:{alertname="A"}`, two, map[string]string{"alertname": "A"}},
		{`{}/{x=~"a:{b=\"c\"}"}:{alertname="q\"u:{o}te"}`, two, map[string]string{"alertname": `q"u:{o}te`}},
		{`{}:{severity="critical"}`, two, map[string]string{"alertname": "A", "job": "x"}}, // would silence everything critical
		{`{}:{}`, two, map[string]string{"alertname": "A", "job": "x"}},
		{"", two[:1], map[string]string{"alertname": "A", "job": "x", "instance": "1"}},
		{"", nil, nil},
		{"", of(map[string]string{"a": "1"}, map[string]string{"a": "2"}), map[string]string{}},
		{"my group}", two, map[string]string{"alertname": "A", "job": "x"}},
	} {
		if got := alertmanager.Matchers(c.key, c.alerts); !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.key, got, c.want)
		}
	}
}
