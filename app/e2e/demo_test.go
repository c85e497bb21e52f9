package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything that is waited for may take, in real time. The
// story itself takes half a minute; the rest is for a busy machine.
const patience = 90 * time.Second

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "muster-e2e-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "muster")
	out, err := exec.Command("go", "build", "-o", path, "muster").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build the program: %w\n%s", err, out)
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// demo is muster demo as a process.
type demo struct {
	t    *testing.T
	cmd  *exec.Cmd
	page string // the address of the local workspace
	http string // the address of the program's own HTTP
	done chan struct{}
	err  error // of the process, once done is closed
}

var (
	pageAddress = regexp.MustCompile(`demo is at (http://\S+)`)
	httpAddress = regexp.MustCompile(`MUSTER_URL=(http://\S+)`)
)

// startDemo starts the demo on a data file at a speed and waits until it has
// said where it is and is ready. The test ends it.
func startDemo(t *testing.T, data string, speed int) *demo {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{t: t, done: make(chan struct{})}
	d.cmd = exec.Command(path, "demo", "--no-open", "--speed", fmt.Sprint(speed), "--listen", "127.0.0.1:0", "--data", data, "--log", "warn")
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	logFile, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = logFile
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 8)
	go func() {
		defer close(d.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			select {
			case said <- lines.Text():
			default:
			}
		}
		close(said)
		d.err = d.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill() // an ended process cannot be killed, which is fine
		<-d.done
		log, _ := os.ReadFile(logFile.Name())
		_ = logFile.Close()
		if t.Failed() {
			t.Logf("what the program logged:\n%s", log)
		}
	})
	for deadline := time.After(patience); d.page == "" || d.http == ""; {
		select {
		case line, open := <-said:
			if !open {
				<-d.done
				t.Fatalf("the demo ended before it said where it is: %v", d.err)
			}
			if m := pageAddress.FindStringSubmatch(line); m != nil {
				d.page = m[1]
			}
			if m := httpAddress.FindStringSubmatch(line); m != nil {
				d.http = m[1]
			}
		case <-deadline:
			t.Fatal("the demo does not say where it is")
		}
	}
	d.until("ready", func() bool { return d.get("/readyz", nil) == nil })
	return d
}

// until asks again and again whether something holds.
func (d *demo) until(what string, holds func() bool) {
	d.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-d.done:
			d.t.Fatalf("waited for %s, but the demo ended: %v", what, d.err)
		case <-deadline:
			d.t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// get reads an answer of the program's own HTTP into a value; nil: only
// whether it is 200.
func (d *demo) get(path string, into any) error {
	return d.call(http.MethodGet, path, "", nil, into)
}

func (d *demo) call(method, path, key string, body io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, d.http+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer demo")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// interrupt is Ctrl-C: the demo must end by itself, with exit code 0.
func (d *demo) interrupt() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.done:
		if d.err != nil {
			d.t.Errorf("after Ctrl-C the demo ended with %v", d.err)
		}
	case <-time.After(patience):
		d.t.Error("the demo does not end after Ctrl-C")
	}
}

// kill ends the process with SIGKILL in the middle of whatever it does.
func (d *demo) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		d.t.Fatal(err)
	}
	<-d.done
	var ended *exec.ExitError
	if !errors.As(d.err, &ended) || !strings.Contains(ended.Error(), "killed") {
		d.t.Fatalf("the demo was to be killed, but ended with %v", d.err)
	}
}
