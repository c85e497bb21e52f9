package monitoring

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/alerts/alertmanager"
	"muster/query"
)

// patience is how long anything that is waited for may take, in real time; a
// machine that has nothing else to do needs seconds.
const patience = 2 * time.Minute

// need finds a server's program, or skips the test; in CI its absence is a failure.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; run .ci/install", names[0])
	}
	t.Skipf("%s is not installed; run .ci/install", names[0])
	return ""
}

// process is a server that dies with the tests.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error
}

// run starts a program with its log in a file of the test.
func run(t *testing.T, env []string, bin string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(bin), log: filepath.Join(t.TempDir(), "log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd = exec.Command(bin, args...)
	p.cmd.Env = env
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the parent whose death counts is a thread
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", p.name, p.tail())
		}
	})
	return p
}

// kill ends the process at once, if it is still there.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // one that has ended cannot be killed, which is fine
	<-p.done
}

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}

// until asks again and again until there is no error.
func until(t *testing.T, what string, ask func() error) {
	t.Helper()
	began := time.Now()
	end := began.Add(patience)
	for {
		err := ask()
		if err == nil {
			t.Logf("%.1f s until there was %s", time.Since(began).Seconds(), what)
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v there is no %s: %v", patience, what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// port is one that nothing listens on.
func port(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// target is a service that Prometheus watches, and that can be stopped.
type target struct {
	t       *testing.T
	address string
	mu      sync.Mutex
	server  *http.Server
}

func newTarget(t *testing.T) *target {
	g := &target{t: t, address: port(t)}
	g.start()
	t.Cleanup(g.stop)
	return g
}

func (g *target) start() {
	g.t.Helper()
	ln, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "orders_waiting 7") })
	g.mu.Lock()
	g.server = &http.Server{Handler: mux}
	server := g.server
	g.mu.Unlock()
	go func() { _ = server.Serve(ln) }()
}

func (g *target) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.server.Close()
}

// watched is a Prometheus that watches one target and tells one Alertmanager.
type watched struct {
	*testing.T
	target       *target
	prometheus   string // address
	alertmanager string
	metrics      *query.Prometheus
	silences     *alertmanager.Client
}

// watch starts Prometheus and as many Alertmanagers, which know nothing of each
// other; each sends what happens to a webhook.
func watch(t *testing.T, webhook, token string, alertmanagers int) *watched {
	t.Helper()
	prometheus, am := need(t, "prometheus"), need(t, "prometheus-alertmanager", "alertmanager")
	w := &watched{T: t, target: newTarget(t), prometheus: "http://" + port(t)}
	var all []string
	for range alertmanagers {
		all = append(all, port(t))
	}
	w.alertmanager = "http://" + all[0]
	amConfig := write(t, "alertmanager.yml", fmt.Sprintf(`
route: {receiver: muster, group_by: [alertname, service], group_wait: 1s, group_interval: 2s, repeat_interval: 1h}
receivers:
  - name: muster
    webhook_configs:
      - url: %s
        send_resolved: true
        http_config: {authorization: {type: Bearer, credentials: %s}}
`, webhook, token))
	rules := write(t, "rules.yml", `
groups:
  - name: services
    rules:
      - alert: ServiceDown
        expr: up{job="checkout"} == 0
        labels: {severity: critical, service: checkout-api}
        annotations:
          summary: checkout-api does not answer
          runbook_url: https://runbooks.example.com/service-down
          dashboard: https://grafana.example.com/d/checkout
`)
	config := write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%s]
alerting: {alertmanagers: [{static_configs: [{targets: [%s]}]}]}
scrape_configs:
  - job_name: checkout
    static_configs: [{targets: [%q]}]
`, rules, strings.Join(all, ", "), w.target.address))
	env := []string{"HOME=" + t.TempDir()}
	for _, address := range all {
		run(t, env, am, "--config.file="+amConfig, "--storage.path="+t.TempDir(), "--web.listen-address="+address, "--cluster.listen-address=")
	}
	run(t, env, prometheus, "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+strings.TrimPrefix(w.prometheus, "http://"),
		"--web.external-url="+w.prometheus, "--rules.alert.resend-delay=2s")
	var err error
	if w.metrics, err = query.NewPrometheus(query.Config{URL: w.prometheus}); err != nil {
		t.Fatal(err)
	}
	if w.silences, err = alertmanager.New(alertmanager.Config{URL: w.alertmanager}); err != nil {
		t.Fatal(err)
	}
	until(t, "Alertmanager", func() error { return w.silences.Check(t.Context()) })
	w.up(1)
	return w
}

// up waits until Prometheus has seen the target so.
func (w *watched) up(want float64) {
	w.Helper()
	until(w.T, fmt.Sprintf("up of %v", want), func() error {
		got, err := w.metrics.Instant(w.Context(), `up{job="checkout"}`, time.Now())
		if err != nil {
			return err
		}
		if len(got) != 1 || got[0].V != want {
			return fmt.Errorf("it is %v", got)
		}
		return nil
	})
}

// firing waits until Alertmanager has the alert, or has it no longer.
func (w *watched) firing(want bool) []alertmanager.Alert {
	w.Helper()
	var list []alertmanager.Alert
	until(w.T, "alert in Alertmanager", func() (err error) {
		list, err = w.silences.Alerts(w.Context(), map[string]string{"alertname": "ServiceDown"})
		if err == nil && (len(list) > 0) != want {
			err = errors.New("not yet")
		}
		return err
	})
	return list
}
