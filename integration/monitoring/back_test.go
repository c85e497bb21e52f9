package monitoring

import (
	"bytes"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/query"
)

// TestErrorsComeBack: after the resolution a real Prometheus is asked, the
// thread shows its chart, and when the errors return reopening is offered, or
// done, within two minutes.
func TestErrorsComeBack(t *testing.T) {
	for _, reopen := range []string{"offer", "auto"} {
		t.Run(reopen, func(t *testing.T) {
			h := newHouse(t)
			bad, _, prometheus := failing(t)
			settings := fmt.Sprintf("watch:\n  every: 5s\n  reopen: %s\n  queries: [{name: error rate, expr: failed_ratio, unit: ratio, limit: 0.05}]\n", reopen)
			if err := os.WriteFile(filepath.Join(h.config, "muster.yaml"), []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			h.env = []string{"PROMETHEUS_URL=" + prometheus}
			h.start()
			h.say("create P2 checkout fails")
			card := h.message("#incidents", "P2 Incident: checkout fails")
			h.say("resolve INC-1 rolled back")
			chart := h.reply("#incidents", card, "watched until", "error rate", "slack_file")
			if picture, err := png.Decode(bytes.NewReader(h.picture(chart))); err != nil || picture.Bounds().Dx() < 600 {
				t.Errorf("the chart is %v, %v", picture, err)
			}
			bad.Store(true)
			began := time.Now()
			offer := h.reply("#incidents", card, "may be back", "error rate is 25 % (limit 5 %)", "slack_file")
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("it took %v", took)
			}
			h.picture(offer)
			if reopen == "offer" {
				h.click("alice", "#incidents", offer, "Reopen")
			}
			again := h.recorded("INC-1", "reopened")
			if !strings.Contains(again.Text, "error rate is 25 % (limit 5 %)") {
				t.Errorf("reopened: %s", again.Text)
			}
		})
	}
}

// TestPrometheusStopsInTheMiddle: while it is away the thread says that nothing
// is seen, and when it is back the watch sees what is wrong by then. A wrong
// query is named, and a restart of the program posts no second chart.
func TestPrometheusStopsInTheMiddle(t *testing.T) {
	h := newHouse(t)
	bad, prometheus, address := failing(t)
	settings := "watch:\n  every: 5s\n  queries: [{name: error rate, expr: failed_ratio, unit: ratio, limit: 0.05}, {name: p95, expr: 'p95{', unit: s}]\n"
	if err := os.WriteFile(filepath.Join(h.config, "muster.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	h.env = []string{"PROMETHEUS_URL=" + address}
	h.start()
	h.say("create P2 checkout fails")
	card := h.message("#incidents", "P2 Incident: checkout fails")
	h.say("resolve INC-1 rolled back")
	h.reply("#incidents", card, "watched until", "slack_file")
	h.reply("#incidents", card, "does not see everything now", "p95: Prometheus cannot read the expression", "parse error")
	prometheus.kill()
	h.reply("#incidents", card, "watched until", "nothing can be seen now", "slack_file")
	h.program.kill()
	h.start()
	bad.Store(true)
	prometheus.again()
	h.reply("#incidents", card, "may be back", "error rate is 25 % (limit 5 %)", "slack_file")
	charts := 0
	for _, m := range h.ws.Person("erin").Thread("#incidents", card.TS) {
		if says(m, "After", "watched until") {
			charts++
		}
	}
	if charts != 1 {
		t.Errorf("%d messages with the charts, want one", charts)
	}
}

// again starts a server that was ended, on its data of before.
func (p *process) again() {
	p.t.Helper()
	run(p.t, p.cmd.Env, p.cmd.Path, p.cmd.Args[1:]...)
}

// failing is a service that can begin to fail, and a Prometheus that watches it.
func failing(t *testing.T) (bad *atomic.Bool, prometheus *process, address string) {
	t.Helper()
	bad = new(atomic.Bool)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	service := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		ratio := 0.001
		if bad.Load() {
			ratio = 0.25
		}
		fmt.Fprintln(w, "failed_ratio", ratio)
	})}
	go func() { _ = service.Serve(ln) }()
	t.Cleanup(func() { _ = service.Close() })
	config := write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: checkout
    static_configs: [{targets: [%q]}]
`, ln.Addr().String()))
	address = "http://" + port(t)
	prometheus = run(t, []string{"HOME=" + t.TempDir()}, need(t, "prometheus"), "--config.file="+config, "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address="+strings.TrimPrefix(address, "http://"))
	metrics, err := query.NewPrometheus(query.Config{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "value in Prometheus", func() error {
		got, err := metrics.Instant(t.Context(), "failed_ratio", time.Now())
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("%d values", len(got))
		}
		return err
	})
	return bad, prometheus, address
}

// say gives a command as erin.
func (h *house) say(text string) {
	h.Helper()
	if _, err := h.ask(http.MethodPost, "/v1/commands", fmt.Sprintf(`{"text": %q, "as": "erin@example.com"}`, text), nil); err != nil {
		h.Fatal(err)
	}
}
