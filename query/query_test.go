package query_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"muster/query"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 250e6, time.UTC)

// server answers every question alike and remembers the last one.
type server struct {
	*httptest.Server
	status int
	body   string
	asked  *http.Request
}

func serve(t *testing.T, status int, body string) *server {
	t.Helper()
	s := &server{status: status, body: body}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = r.Clone(context.Background())
		w.WriteHeader(s.status)
		w.Write([]byte(s.body))
	}))
	t.Cleanup(s.Close)
	return s
}

func prometheus(t *testing.T, address string, change ...func(*query.Config)) *query.Prometheus {
	t.Helper()
	cfg := query.Config{URL: address}
	for _, c := range change {
		c(&cfg)
	}
	p, err := query.NewPrometheus(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInstant(t *testing.T) {
	s := serve(t, 200, `{"status":"success","data":{"resultType":"vector","result":[
		{"metric":{"__name__":"up","job":"api"},"value":[1795348800.25,"1"]},
		{"metric":{"job":"web"},"value":[1795348800.25,"NaN"]},
		{"metric":{"job":"far"},"value":[1795348800.25,"+Inf"]}]}}`)
	p := prometheus(t, s.URL+"/prefix/", func(c *query.Config) { c.Token, c.Tenant = "s3cret", "team" })
	got, err := p.Instant(t.Context(), `up{job=~"a|b"} == 0`, noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].V != 1 || got[0].Labels["job"] != "api" || !got[0].At.Equal(noon) || !math.IsNaN(got[1].V) || !math.IsInf(got[2].V, 1) {
		t.Errorf("got %+v", got)
	}
	r := s.asked
	if r.URL.Path != "/prefix/api/v1/query" || r.Method != "GET" {
		t.Errorf("asked %s %s", r.Method, r.URL.Path)
	}
	if r.FormValue("query") != `up{job=~"a|b"} == 0` || r.FormValue("time") != "1795348800.250" || r.FormValue("timeout") != "10" {
		t.Errorf("asked %s", r.URL.RawQuery)
	}
	if r.Header.Get("Authorization") != "Bearer s3cret" || r.Header.Get("X-Scope-OrgID") != "team" {
		t.Errorf("headers %v", r.Header)
	}
}

func TestRange(t *testing.T) {
	s := serve(t, 200, `{"status":"success","warnings":["one store is away"],"infos":["a hint"],"data":{"resultType":"matrix","result":[
		{"metric":{"instance":"a"},"values":[[1795348800,"1"],[1795348830,"2.5"]]},
		{"metric":{"instance":"h"},"histograms":[[1795348800,{"count":"1"}]]}]}}`)
	p := prometheus(t, s.URL)
	got, err := p.Range(t.Context(), "x", noon.Add(-time.Hour), noon, 1500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0].Points) != 2 || got[0].Points[1].V != 2.5 || got[0].Points[1].At.Sub(got[0].Points[0].At) != 30*time.Second {
		t.Errorf("got %+v", got)
	}
	if q := s.asked; q.URL.Path != "/api/v1/query_range" || q.FormValue("step") != "1.5" || q.FormValue("start") != "1795345200.250" || q.FormValue("end") != "1795348800.250" {
		t.Errorf("asked %s", s.asked.URL)
	}
	a, err := p.Ask(t.Context(), query.Question{Expr: "x", From: noon.Add(-time.Hour), To: noon, Step: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Warnings) != 2 || a.Warnings[0] != "one store is away" || !strings.Contains(a.Warnings[1], "native histograms") || len(a.Infos) != 1 {
		t.Errorf("warnings %q, infos %q", a.Warnings, a.Infos)
	}
}

func TestScalarAndString(t *testing.T) {
	s := serve(t, 200, `{"status":"success","data":{"resultType":"scalar","result":[1795348800,"42"]}}`)
	p := prometheus(t, s.URL)
	got, err := p.Instant(t.Context(), "42", noon)
	if err != nil || len(got) != 1 || got[0].V != 42 {
		t.Errorf("got %v, %v", got, err)
	}
	s.body = `{"status":"success","data":{"resultType":"string","result":[1795348800,"hello"]}}`
	a, err := p.Ask(t.Context(), query.Question{Expr: `"hello"`, At: noon})
	if err != nil || a.Text != "hello" {
		t.Errorf("got %v, %v", a, err)
	}
	if _, err = p.Instant(t.Context(), `"hello"`, noon); err == nil {
		t.Error("a string passes for samples")
	}
}

func TestFailures(t *testing.T) {
	const token = "tok-3f9a"
	for name, c := range map[string]struct {
		status int
		body   string
		kind   query.Kind
		text   string
	}{
		"parse error":        {400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unexpected \"}\""}`, query.Invalid, `Prometheus cannot read the expression: invalid parameter "query": 1:5: parse error: unexpected "}".`},
		"cannot be computed": {422, `{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}`, query.Invalid, "Prometheus cannot work the expression out: many-to-many matching not allowed."},
		"too many samples":   {422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`, query.TooLarge, "Prometheus finds too much: query processing would load too many samples into memory."},
		"server's time":      {503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`, query.Slow, "Prometheus ran out of time: query timed out in expression evaluation."},
		"no credentials":     {401, "Unauthorized " + token, query.Denied, "Prometheus wants other credentials (HTTP 401); check its token and PROMETHEUS_URL."},
		"token in its words": {400, "bad header Bearer " + token + "\n\tsee log", query.Invalid, "Prometheus cannot read the expression: bad header Bearer … see log."},
		"a proxy's page":     {502, "<html>Bad gateway</html>", query.Away, "Prometheus has a fault of its own (HTTP 502)."},
		"not found":          {404, "page not found", query.Away, "There is no Prometheus at its address (HTTP 404); check PROMETHEUS_URL."},
		"too many":           {429, "", query.Away, "Prometheus takes no more questions for now (HTTP 429)."},
		"teapot":             {418, "short and stout", query.Away, "Prometheus refused the question (HTTP 418): short and stout."},
		"a sign-in page":     {200, "<html>Sign in</html>", query.Away, "What answers is not Prometheus; check PROMETHEUS_URL."},
		"other JSON":         {200, `{"hello":"world"}`, query.Away, "What answers is not Prometheus; check PROMETHEUS_URL."},
		"error with 200":     {200, `{"status":"error","errorType":"internal","error":"disk"}`, query.Away, "Prometheus has a fault of its own: disk."},
		"odd result":         {200, `{"status":"success","data":{"resultType":"vector","result":[{"value":["x","1"]}]}}`, query.Away, "Prometheus's answer cannot be read: its vector is not one."},
		"odd number":         {200, `{"status":"success","data":{"resultType":"scalar","result":[1,"one"]}}`, query.Away, "Prometheus's answer cannot be read: its scalar is not one."},
		"odd type":           {200, `{"status":"success","data":{"resultType":"table","result":[]}}`, query.Away, `Prometheus's answer cannot be read: it is a "table".`},
		"no result":          {200, `{"status":"success"}`, query.Away, `Prometheus's answer cannot be read: it is a "".`},
		"long words":         {400, strings.Repeat("é", 5000), query.Invalid, "Prometheus cannot read the expression: " + strings.Repeat("é", 300) + "…."},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.status, c.body)
			p := prometheus(t, s.URL, func(cfg *query.Config) { cfg.Token = token })
			_, err := p.Instant(t.Context(), "x", noon)
			if err == nil {
				t.Fatal("no error")
			}
			if kind, ok := query.Of(err); !ok || kind != c.kind || err.Error() != c.text {
				t.Errorf("kind %d (want %d), text:\n%s\nwant:\n%s", kind, c.kind, err, c.text)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	s := serve(t, 200, `{"status":"success","data":{"resultType":"vector","result":[]}}`+strings.Repeat(" ", 1000))
	for name, c := range map[string]struct {
		expr     string
		from, to time.Time
		step     time.Duration
		bytes    int64
		kind     query.Kind
	}{
		"answer too large": {expr: "x", from: noon.Add(-1), to: noon, step: 1, bytes: 500, kind: query.TooLarge},
		"long expression":  {expr: strings.Repeat("x", 7000), from: noon.Add(-1), to: noon, step: 1, kind: query.Invalid},
		"backwards":        {expr: "x", from: noon, to: noon.Add(-1), step: 1, kind: query.Invalid},
		"no step":          {expr: "x", from: noon.Add(-1), to: noon, kind: query.Invalid},
		"not a matrix":     {expr: "x", from: noon.Add(-1), to: noon, step: 1, kind: query.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			p := prometheus(t, s.URL, func(cfg *query.Config) { cfg.Bytes = c.bytes })
			_, err := p.Range(t.Context(), c.expr, c.from, c.to, c.step)
			if kind, ok := query.Of(err); !ok || kind != c.kind {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAway(t *testing.T) {
	s := serve(t, 200, "")
	address, _ := url.Parse(s.URL)
	s.Close()
	p := prometheus(t, "http://user:passw0rd@"+address.Host)
	_, err := p.Instant(t.Context(), "x", noon)
	if kind, _ := query.Of(err); kind != query.Away || err.Error() != "Prometheus is away: the connection was refused; check that it runs, and PROMETHEUS_URL." {
		t.Errorf("got %v", err)
	}

	stuck := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-stuck }))
	defer slow.Close()
	defer close(stuck)
	p = prometheus(t, slow.URL, func(c *query.Config) { c.Timeout = 20 * time.Millisecond })
	_, err = p.Instant(t.Context(), "x", noon)
	if kind, _ := query.Of(err); kind != query.Slow || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = p.Instant(ctx, "x", noon); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBrokenInTheMiddle(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(`{"status":"success"`))
	}))
	defer s.Close()
	_, err := prometheus(t, s.URL).Instant(t.Context(), "x", noon)
	if kind, ok := query.Of(err); !ok || kind != query.Away || !strings.Contains(err.Error(), "the connection broke") {
		t.Errorf("got %v", err)
	}
}

func TestAddress(t *testing.T) {
	for _, bad := range []string{"", "prometheus:9090", "ftp://x", "http://", "http://x y", "://"} {
		if _, err := query.NewPrometheus(query.Config{URL: bad}); err == nil || !strings.Contains(err.Error(), "PROMETHEUS_URL") {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := query.NewLoki(query.Config{URL: bad}); err == nil || !strings.Contains(err.Error(), "LOKI_URL") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLokiLines(t *testing.T) {
	s := serve(t, 200, `{"status":"success","data":{"resultType":"streams","result":[
		{"stream":{"pod":"a"},"values":[["1795348802000000002","third"],["1795348800000000000","first, again"],["1795348800000000000","first"]]},
		{"stream":{"pod":"b"},"values":[["1795348801000000000","second",{"trace":"1"}]]}],"stats":{}}}`)
	l, err := query.NewLoki(query.Config{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Range(t.Context(), `{app="api"} |= "error"`, noon.Add(-time.Hour), noon, 50)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, line := range got {
		texts = append(texts, line.Labels["pod"]+" "+line.Text)
	}
	if strings.Join(texts, "; ") != "a first; a first, again; b second; a third" || got[3].At.Nanosecond() != 2 {
		t.Errorf("got %+v", got)
	}
	if q := s.asked; q.URL.Path != "/loki/api/v1/query_range" || q.FormValue("start") != "1795345200250000000" || q.FormValue("limit") != "50" || q.FormValue("direction") != "backward" {
		t.Errorf("asked %s", s.asked.URL)
	}
	for _, c := range []struct {
		status     int
		body, text string
	}{
		{400, "parse error at line 1, col 2: syntax error: unexpected IDENTIFIER\n", "Loki cannot read the expression: parse error at line 1, col 2: syntax error: unexpected IDENTIFIER."},
		{200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, "The expression gives a matrix, not lines of a log."},
		{200, `{"status":"success","data":{"resultType":"streams","result":[{"values":[["1"]]}]}}`, "Loki's answer cannot be read: its streams are not ones."},
		{200, `{"status":"success","data":{"resultType":"streams","result":[{"values":[["x","y"]]}]}}`, "Loki's answer cannot be read: its streams are not ones."},
	} {
		s.status, s.body = c.status, c.body
		if _, err = l.Range(t.Context(), "x", noon.Add(-1), noon, 1); err == nil || err.Error() != c.text {
			t.Errorf("got %v, want %s", err, c.text)
		}
	}
}

func TestLokiMetrics(t *testing.T) {
	s := serve(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"level":"error"},"value":[1795348800,"7"]}]}}`)
	l, err := query.NewLoki(query.Config{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Metric(t.Context(), "x", noon)
	if err != nil || len(got) != 1 || got[0].V != 7 || s.asked.FormValue("time") != "1795348800250000000" || s.asked.URL.Path != "/loki/api/v1/query" {
		t.Errorf("got %v, %v; asked %s", got, err, s.asked.URL)
	}
	s.body = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1795348800,"7"]]}]}}`
	all, err := l.MetricRange(t.Context(), "x", noon.Add(-time.Hour), noon, time.Minute)
	if err != nil || len(all) != 1 || all[0].Points[0].V != 7 {
		t.Errorf("got %v, %v", all, err)
	}
	s.body = `{"status":"success","data":["app"]}`
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
	s.body = "Loki? No."
	if err := l.Check(t.Context()); err == nil {
		t.Error("anything passes for Loki")
	}
}

func TestTitles(t *testing.T) {
	of := func(labels ...map[string]string) (out []query.Series) {
		for _, l := range labels {
			out = append(out, query.Series{Labels: l})
		}
		return out
	}
	for want, all := range map[string][]query.Series{
		"up":                            of(map[string]string{"__name__": "up", "job": "api"}),
		"a|b":                           of(map[string]string{"job": "api", "instance": "a"}, map[string]string{"job": "api", "instance": "b"}),
		"code=500 job=a|code=200 job=b": of(map[string]string{"job": "a", "code": "500"}, map[string]string{"job": "b", "code": "200"}),
	} {
		if got := strings.Join(query.Titles(all), "|"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
