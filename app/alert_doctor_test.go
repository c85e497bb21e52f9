package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/incident"
)

func TestDoctorSaysWhetherTheWatchdogIsHeard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	dog := config.Watchdog{Alert: "Watchdog", AbsentFor: 10 * time.Minute}
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	hear := func() {
		t.Helper()
		s, err := openStore(path)
		if err != nil {
			t.Fatal(err)
		}
		look := engine.NewLookout(engine.Config{Store: s, Now: func() time.Time { return now }}, func() func(incident.Lookout, time.Time) incident.Decision {
			return func(incident.Lookout, time.Time) incident.Decision { return incident.Decision{} }
		}, nil)
		if _, err := look.Step(t.Context(), incident.HearWatchdog{Name: dog.Alert, Within: dog.AbsentFor}, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	says := func(want string) {
		t.Helper()
		if got, err := watchdogSaid(t.Context(), dog, path); err != nil || !strings.Contains(got, want) {
			t.Errorf("got %q %v, want %q in it", got, err, want)
		}
	}
	says("was never heard")
	hear()
	says("comes less often than every 10m")
	now = now.Add(4 * time.Hour)
	hear()
	says("comes less often than every 10m")
	now = now.Add(5 * time.Minute)
	hear()
	says("is watched for")
}

// TestDoctorReadsTheWatch: a query that Prometheus cannot read is found before
// the night in which it is needed, with where it stands.
func TestDoctorReadsTheWatch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("query"), "{[") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, badQuery)
			return
		}
		_, _ = io.WriteString(w, givenValues())
	}))
	defer server.Close()
	dir := t.TempDir()
	set := map[string]string{"PROMETHEUS_URL": server.URL}
	env := func(name string) (string, bool) { value, ok := set[name]; return value, ok }
	says := func(muster string, want ...string) {
		t.Helper()
		writeFile(t, filepath.Join(dir, "muster.yaml"), muster)
		var out bytes.Buffer
		if err := Doctor(t.Context(), Question{Config: dir, Out: &out, Env: env}, filepath.Join(dir, "none.db")); err == nil {
			t.Error("without Slack it calls that healthy")
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("there is no %q:\n%s", w, &out)
			}
		}
	}
	says("watch: {queries: [{name: p95, expr: up}]}\n", "ok   watch: Prometheus can read all ")
	says("watch: {queries: [{name: ok, expr: up}, {name: p95, expr: 'p95{['}]}\npostmortem: {failed_requests: 'failed{[SPAN]'}\n",
		"BAD  watch: muster.yaml, watch.queries, 2 (p95): Prometheus cannot read the expression: 1:7: parse error",
		"BAD  watch: muster.yaml, postmortem.failed_requests: Prometheus cannot read the expression")
}
