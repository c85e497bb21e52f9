package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"muster/store/storetest"
	"muster/workspace"
)

// built is the program's binary.
func built(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "muster")
	if out, err := exec.Command("go", "build", "-o", path, "muster").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// process is muster run against a workspace of this process.
type process struct {
	*exec.Cmd
	url string
	out bytes.Buffer
}

// run starts the binary on a data file.
func run(b *testing.B, binary, data string, ws *workspace.Workspace, slack string) *process {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		b.Fatal(err)
	}
	conf := filepath.Join(filepath.Dir(data), "config")
	if err := os.MkdirAll(conf, 0o700); err != nil {
		b.Fatal(err)
	}
	p := &process{Cmd: exec.Command(binary, "run", "--config", conf, "--data", data, "--listen", addr), url: "http://" + addr}
	p.Env = []string{"SLACK_BOT_TOKEN=" + ws.BotToken(), "SLACK_APP_TOKEN=" + ws.AppToken(), "SLACK_API_URL=" + slack + "/api/"}
	p.Stderr = &p.out
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	return p
}

// ready waits until the program says that people can rely on it.
func (p *process) ready(b *testing.B) {
	b.Helper()
	client := http.Client{Timeout: time.Second}
	for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if resp, err := client.Get(p.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			_ = p.Process.Kill()
			_ = p.Wait()
			b.Fatalf("not ready after a minute:\n%s", p.out.String())
		}
	}
}

// end stops the program in good order.
func (p *process) end(b *testing.B) {
	b.Helper()
	_ = p.Process.Signal(os.Interrupt)
	if err := p.Wait(); err != nil {
		b.Errorf("the program ended badly: %v\n%s", err, p.out.String())
	}
}

// resident is a figure of /proc/PID/status, in bytes.
func (p *process) resident(b *testing.B, field string) int64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	b.Fatalf("no %s in the status of the process", field)
	return 0
}

// slack serves a workspace on the loopback until the benchmark ends.
func slack(b *testing.B, cfg workspace.Config) (ws *workspace.Workspace, url string) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ws = workspace.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ws.Serve(ctx, ln) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("the workspace ended badly: %v", err)
		}
	})
	return ws, "http://" + ln.Addr().String()
}

// forget drops a file from the page cache.
func forget(b *testing.B, path string) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReady is the time from the start of muster run to /readyz saying
// yes, Slack's hello included, with the file in the page cache and not.
//
//	go test ./app/bench -run '^$' -bench Ready -benchtime 5x -timeout 30m
func BenchmarkReady(b *testing.B) {
	for _, size := range []struct{ open, records int }{{1_000, 50_000}, {10_000, 1_000_000}} {
		b.Run(fmt.Sprintf("open=%d/records=%d", size.open, size.records), func(b *testing.B) {
			binary := built(b)
			dir := b.TempDir()
			data := filepath.Join(dir, "muster.db")
			live := configured(b, dir)
			payload := prepared(b, data, live, size.open, size.records/size.open)
			ws, url := slack(b, people(live.Get(), 0))
			for _, cold := range []bool{false, true} {
				b.Run(fmt.Sprintf("cold=%t", cold), func(b *testing.B) {
					var took []time.Duration
					var memory int64
					for b.Loop() {
						if cold {
							forget(b, data)
						}
						began := time.Now()
						p := run(b, binary, data, ws, url)
						p.ready(b)
						took = append(took, time.Since(began))
						memory = p.resident(b, "VmRSS")
						p.end(b)
					}
					beside(b, dir)
					b.ReportMetric(quantile(took, 0.5).Seconds(), "s-p50")
					b.ReportMetric(quantile(took, 1).Seconds(), "s-max")
					b.ReportMetric(float64(memory)/1e6, "RSS-MB")
					b.ReportMetric(float64(storetest.OnDisk(b, data))/1e6, "disk-MB")
					b.ReportMetric(float64(payload)/float64(size.records), "B/record")
				})
			}
		})
	}
}
