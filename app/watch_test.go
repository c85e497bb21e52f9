package app

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/workspace"
)

// metricsServer answers like Prometheus, with one value for everything.
type metricsServer struct {
	mu    sync.Mutex
	value float64
	gone  bool
	// odd answers first; one that it gives no answer to gets the usual one.
	odd func(path, query string) (status int, body string)
}

func (m *metricsServer) oddly(odd func(path, query string) (status int, body string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.odd = odd
}

func (m *metricsServer) set(v float64, gone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value, m.gone = v, gone
}

// RoundTrip answers without a network.
func (m *metricsServer) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	gone, odd, value := m.gone, m.odd, fmt.Sprint(m.value)
	m.mu.Unlock()
	if gone {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}
	}
	rec := httptest.NewRecorder()
	if odd != nil {
		switch status, body := odd(path.Base(r.URL.Path), r.URL.Query().Get("query")); status {
		case 0:
		case slowly:
			<-r.Context().Done()
			return nil, r.Context().Err()
		default:
			rec.WriteHeader(status)
			fmt.Fprint(rec, body)
			return rec.Result(), nil
		}
	}
	now := time.Now()
	result := fmt.Sprintf(`[{"metric":{},"value":[%d,%q]}]`, now.Unix(), value)
	kind := "vector"
	if strings.HasSuffix(r.URL.Path, "query_range") {
		var points []string
		for at := now.Add(-2 * time.Hour); !at.After(now); at = at.Add(5 * time.Minute) {
			points = append(points, fmt.Sprintf(`[%d,%q]`, at.Unix(), value))
		}
		kind, result = "matrix", `[{"metric":{},"values":[`+strings.Join(points, ",")+`]}]`
	}
	fmt.Fprintf(rec, `{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
	return rec.Result(), nil
}

// slowly is the status of a question that nobody waits long enough for.
const slowly = -1

const watchedYAML = `channels: {incidents: '#incidents'}
watch:
  for: 1h
  every: 1m
  reopen: %s
  queries: [{name: error rate, expr: errors, unit: ratio, limit: 0.05}%s]
`

// inWatchedBubble runs a test with a metrics server, and one incident that was
// resolved a moment ago.
func inWatchedBubble(t *testing.T, reopen string, test func(w *world, m *metricsServer, card workspace.Message)) {
	t.Helper()
	inBubbleWatching(t, reopen, "", test)
}

// inBubbleWatching asks further queries too.
func inBubbleWatching(t *testing.T, reopen, more string, test func(w *world, m *metricsServer, card workspace.Message)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &metricsServer{value: 0.01}
		w := newWorld(t, map[string]string{"muster.yaml": fmt.Sprintf(watchedYAML, reopen, more)})
		defer w.end()
		w.change = func(o *Options) {
			o.Env.PrometheusURL = "http://prometheus.local"
			o.HTTP = &http.Client{Transport: m}
		}
		w.start()
		defer func() { w.stop() }()
		w.post(200, "create P2 API slow", "erin@example.com", "")
		card := w.card("API slow")
		w.post(200, "resolve INC-1 rolled back", "erin@example.com", "")
		test(w, m, card)
	})
}

// charts are the messages of a thread that show a picture.
func (w *world) pictured(card workspace.Message, words ...string) (out []workspace.Message) {
	for _, m := range w.thread(card)[1:] {
		if says(m, words...) && strings.Contains(string(m.Blocks), "slack_file") {
			out = append(out, m)
		}
	}
	return out
}

func TestAQuietHour(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, card workspace.Message) {
		w.wait(30*time.Second, "chart", func() bool { return len(w.pictured(card, "watched until", "error rate")) == 1 })
		first := string(w.pictured(card, "error rate")[0].Blocks)
		time.Sleep(30 * time.Minute)
		w.wait(10*time.Second, "newer chart", func() bool { return string(w.pictured(card, "error rate 1 %", "limit 5 %")[0].Blocks) != first })
		w.inThread(card, 31*time.Minute, "Quiet: nothing came back in an hour")
		w.wait(20*time.Second, "last chart", func() bool { return len(w.pictured(card, "the watch is over")) == 1 })
		m.set(0.5, false)
		time.Sleep(10 * time.Minute)
		if n := w.said(card, "Quiet"); n != 1 {
			t.Errorf("the quiet hour ends with %d lines", n)
		}
		s := w.state("INC-1")
		if s.Watching() || s.Open() || s.After.Watch.Looks < 58 || len(s.After.Watch.Gaps) != 0 {
			t.Errorf("after the hour: watching %v, open %v, %d looks, gaps %v", s.Watching(), s.Open(), s.After.Watch.Looks, s.After.Watch.Gaps)
		}
		if n := len(w.pictured(card)); n != 1 {
			t.Errorf("%d messages with charts, want one", n)
		}
	})
}

func TestErrorsComeBack(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, card workspace.Message) {
		time.Sleep(10*time.Minute + 30*time.Second)
		m.set(0.08, false)
		offered := w.inThread(card, 2*time.Minute, "may be back", "error rate is 8 % (limit 5 %)", "Reopen")
		if !strings.Contains(string(offered.Blocks), "slack_file") {
			t.Errorf("the offer has no chart: %s", offered.Blocks)
		}
		w.wait(20*time.Second, "chart of it", func() bool { return len(w.pictured(card, "over the limit", "error rate 8 %")) == 1 })
		time.Sleep(5 * time.Minute)
		if n := len(w.pictured(card, "may be back")); n != 1 {
			t.Errorf("reopening was offered %d times", n)
		}
		w.click("dan", offered, "#incidents", "Reopen")
		w.wait(10*time.Second, "open incident", func() bool { return w.state("INC-1").Open() })
		w.inThread(card, 10*time.Second, "Dan", "reopened", "error rate is 8 %")
		looks := w.state("INC-1").After.Watch.Looks
		time.Sleep(5 * time.Minute)
		if s := w.state("INC-1"); s.After.Watch.Looks != looks {
			t.Errorf("an open incident is watched")
		}
		m.set(0.01, false)
		w.post(200, "resolve INC-1 really", "dan@example.com", "")
		w.wait(30*time.Second, "second watch with its own chart", func() bool {
			return len(w.pictured(card, "After", "watched until")) == 1 && w.state("INC-1").Watching()
		})
		w.checkOnce()
	})
}

func TestErrorsReopenByThemselves(t *testing.T) {
	inWatchedBubble(t, "auto", func(w *world, m *metricsServer, card workspace.Message) {
		time.Sleep(5 * time.Minute)
		m.set(0.08, false)
		w.inThread(card, 2*time.Minute, "may be back", "One more look like this reopens it")
		w.inThread(card, 2*time.Minute, "Muster reopened this incident", "error rate is 8 % (limit 5 %)")
		if !w.state("INC-1").Open() {
			t.Error("the incident is not open")
		}
	})
}

func TestPrometheusStopsInTheMiddle(t *testing.T) {
	inWatchedBubble(t, "auto", func(w *world, m *metricsServer, card workspace.Message) {
		time.Sleep(10 * time.Minute)
		m.set(0, true)
		w.inThread(card, 2*time.Minute, "The watch sees nothing now")
		w.wait(20*time.Second, "chart message that says so", func() bool { return len(w.pictured(card, "nothing can be seen now")) == 1 })
		w.restart(5 * time.Minute)
		time.Sleep(10 * time.Minute)
		m.set(0.01, false)
		w.inThread(card, 2*time.Minute, "The watch sees again")
		w.inThread(card, time.Hour, "Quiet as far as could be seen; nothing could be seen")
		if n := w.said(card, "The watch sees nothing now"); n != 1 {
			t.Errorf("the absence was told %d times", n)
		}
		if n := w.said(card, "Quiet: nothing came back"); n != 0 {
			t.Error("an hour that was not seen is called quiet")
		}
	})
}

func TestTheProgramStopsInTheMiddle(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, card workspace.Message) {
		time.Sleep(10 * time.Minute)
		w.restart(20 * time.Minute)
		m.set(0.08, false)
		w.inThread(card, 2*time.Minute, "may be back", "Reopen")
		if s := w.state("INC-1"); len(s.After.Watch.Gaps) != 1 {
			t.Errorf("the time away is not a gap: %v", s.After.Watch.Gaps)
		}
		w.restart(time.Hour)
		w.inThread(card, time.Minute, "The watch is over", "nothing could be seen from")
	})
}

// TestNobodyWatches: without Prometheus it is said once, and not called quiet.
func TestNobodyWatches(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(200, "create P2 API slow", "erin@example.com", "")
		card := w.card("API slow")
		w.post(200, "resolve INC-1 rolled back", "erin@example.com", "")
		w.inThread(card, time.Minute, "No machine watches", "PROMETHEUS_URL is not set")
		time.Sleep(2 * time.Hour)
		if n := w.said(card, "No machine watches"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

// said counts the messages of a thread with some words.
func (w *world) said(card workspace.Message, words ...string) int {
	n := 0
	for _, m := range w.thread(card)[1:] {
		if says(m, words...) {
			n++
		}
	}
	return n
}

// TestWatchPlan: what the incident is watched for is fixed when it is declared;
// its alert and its playbook add to it when it is resolved.
func TestWatchPlan(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		rule := w.program.roster.watch()
		rule.Blind = ""
		s := incident.Incident{Plan: incident.Plan{Watch: incident.WatchPlan{For: time.Hour, Every: time.Minute}}, ResolvedAt: time.Now(), Seq: 3}
		s.Alerts = []incident.AlertRef{{Names: []string{"HighErrors"}, Expr: "errors / requests > 0.05"}, {Names: []string{"Odd"}, Expr: "a and b"}, {Gone: true, Expr: "x"}}
		s.Shelf.Open = []incident.OpenBook{{Playbook: incident.Playbook{ID: "critical-service-down"}}}
		e := rule.Reconcile(s, time.Now()).Events[0].(incident.WatchBegan)
		var got []string
		for _, q := range e.Queries {
			got = append(got, q.Name)
		}
		if want := "HighErrors error rate p95 Odd"; strings.Join(got, " ") != want || e.Queries[0].Expr != "errors / requests" || *e.Queries[0].Limit != 0.05 || !e.Queries[3].Fires {
			t.Errorf("watched: %v (%s)", got, mustJSON(e))
		}
	})
}

func mustJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
