package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/store"
	"muster/workspace"
)

// apiToken lets in over HTTP.
const apiToken = "api-token"

// The configuration of the program that dies: everything comes due quickly.
const (
	ladder = `
levels:
  - {level: L1, role: primary, methods: [slack], due: 0s, respond_within: 1m, until: acknowledged}
  - {level: L2, role: secondary, methods: [slack], due: 2m, respond_within: 1m, until: acknowledged}
  - {level: L3, role: manager, methods: [slack], due: 4m, respond_within: 2m, until: resolved}
repeat: 1
repeat_after: 2m
ack_expires: 3m
last_resort: {slack: '#incidents', mention: '@channel'}
`
	muster = `
channels: {incidents: '#incidents', operations: '#muster-ops'}
cadence: {P0: '@every 1m', P1: '@every 2m', P2: '@every 10m'}
incident_channel: {P0: false, P1: true, P2: false, P3: false}
`
)

// What the program's clock shows when a world begins, whatever the wall's does.
var (
	ordinary       = time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC) // nothing is due but what incidents bring
	beforeHandover = time.Date(2026, 3, 2, 8, 50, 0, 0, time.UTC) // of the week, with its digest
)

// world is what stays while the program dies: a Slack workspace, the disk with
// the data file, and the address of the program's HTTP.
type world struct {
	testing.TB
	dir, data, config string
	clock             clock
	ws                *workspace.Workspace
	people            []string // handles
	damaged           []string // incidents whose histories the test altered
	slack             string   // URL
	http              *net.TCPListener
	log               *os.File
	client            *http.Client

	mu    sync.Mutex
	fault sendFault
	now   *life
	lives []*life
}

// sendFault ends the program during its nth call of Slack that changes
// something: before Slack has carried it out, or after that and before the
// answer. method is the only one that counts; empty: all.
type sendFault struct {
	method  string
	nth     int
	carried bool
}

func (w *world) setFault(f sendFault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

func newWorld(t testing.TB, speed float64) *world {
	t.Helper()
	return newWorldAt(t, ordinary, speed)
}

func newWorldAt(t testing.TB, begin time.Time, speed float64) *world {
	t.Helper()
	w := &world{TB: t, dir: t.TempDir(), clock: clock{Begin: time.Now().Round(0), Start: begin, Speed: speed, jumped: new(atomic.Int64)}}
	w.data, w.config = filepath.Join(w.dir, "muster.db"), filepath.Join(w.dir, "config")
	w.client = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	w.write("config/escalation.yaml", ladder)
	w.write("config/muster.yaml", muster)
	cfg, err := config.Load(w.config, noEnv)
	w.must(err)
	setup := workspace.Config{
		Now: w.clock.Now, Speed: func() float64 { return speed }, Unlimited: true,
		Commands: []workspace.Command{{Command: "/incident", ShouldEscape: true}},
		Channels: []workspace.Channel{{Name: "incidents"}, {Name: "muster-ops"}, {Name: "alerts"}, {Name: "monitoring"}},
	}
	for _, m := range cfg.Schedule.Members() {
		handle := strings.TrimPrefix(m.Slack, "@")
		w.people = append(w.people, handle)
		setup.People = append(setup.People, workspace.Profile{Handle: handle, Name: m.Name, Email: m.Email})
	}
	w.ws = workspace.New(setup)
	w.serveSlack()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	w.http = ln.(*net.TCPListener)
	w.log, err = os.Create(filepath.Join(w.dir, "log"))
	w.must(err)
	t.Cleanup(func() {
		if w.now != nil {
			w.now.kill()
		}
		w.http.Close()
		w.log.Close()
		if t.Failed() {
			t.Logf("the end of the program's log:\n%s", w.logged())
		}
	})
	return w
}

// serveSlack serves the workspace over TCP until the test ends.
func (w *world) serveSlack() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	w.slack = "http://" + ln.Addr().String()
	server := &http.Server{Handler: w.faulty(w.ws.Handler()), ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(ln) })
	running.Go(func() { _ = w.ws.Run(ctx) })
	w.Cleanup(func() {
		cancel()
		server.Close()
		running.Wait()
	})
}

// changing are the calls during which the program is killed.
var changing = []string{
	"chat.postMessage", "chat.update", "conversations.create", "conversations.invite", "conversations.setTopic", "bookmarks.add", "pins.add",
	"conversations.canvases.create",
}

// faulty kills the program during a call when that was asked for.
func (w *world) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		method := strings.TrimPrefix(r.URL.Path, "/api/")
		if !slices.Contains(changing, method) {
			next.ServeHTTP(rw, r)
			return
		}
		w.mu.Lock()
		if w.fault.method == "" || w.fault.method == method {
			w.fault.nth--
		}
		now, carried, hit := w.now, w.fault.carried, w.fault.nth == 0
		w.mu.Unlock()
		if !hit || now == nil {
			next.ServeHTTP(rw, r)
			return
		}
		if carried {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		now.end("during the send")
		panic(http.ErrAbortHandler)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) write(name, text string) {
	w.Helper()
	name = filepath.Join(w.dir, name)
	w.must(errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)))
}

// logged is the end of what the program logged.
func (w *world) logged() string {
	b, err := os.ReadFile(w.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// life is one process of the program.
type life struct {
	cmd          *exec.Cmd
	stdin        *os.File
	begun, ended time.Time
	gone         chan struct{}
	mu           sync.Mutex
	how          string // the named moment at which it died; empty: at random
}

// start starts the program and returns at once.
func (w *world) start(change ...func(*setup)) *life {
	w.Helper()
	s := w.setup()
	for _, c := range change {
		c(&s)
	}
	return w.launch(exec.Command(os.Args[0]), s)
}

func (w *world) setup() setup {
	return setup{Data: w.data, Config: w.config, Slack: w.slack, BotToken: w.ws.BotToken(), AppToken: w.ws.AppToken(), Clock: w.clock}
}

// launch starts a command that is, or wraps, this test binary.
func (w *world) launch(cmd *exec.Cmd, s setup) *life {
	w.Helper()
	raw, err := json.Marshal(s)
	w.must(err)
	listener, err := w.http.File()
	w.must(err)
	defer listener.Close()
	r, hold, err := os.Pipe()
	w.must(err)
	defer r.Close()
	cmd.Env = append(os.Environ(), setupEnv+"="+string(raw))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, w.log, w.log
	cmd.ExtraFiles = []*os.File{listener}
	l := &life{cmd: cmd, stdin: hold, begun: time.Now().Round(0), gone: make(chan struct{}), how: string(s.Point)}
	w.must(cmd.Start())
	go func() {
		_ = cmd.Wait()
		l.ended = time.Now().Round(0)
		hold.Close()
		close(l.gone)
	}()
	w.mu.Lock()
	w.now = l
	w.lives = append(w.lives, l)
	w.mu.Unlock()
	return l
}

// kill ends the process at once, if nothing else has, and waits for its end.
func (l *life) kill() { l.end("") }

// end kills the process; how names the moment.
func (l *life) end(how string) {
	l.mu.Lock()
	select {
	case <-l.gone:
	default:
		l.how = how
	}
	l.mu.Unlock()
	_ = l.cmd.Process.Signal(syscall.SIGKILL)
	l.stdin.Close()
	<-l.gone
}

// died is how the process ended, once it has.
func (l *life) died() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.how == "" {
		return "at random"
	}
	return l.how
}

// stop lets the program end by itself.
func (w *world) stop(l *life) {
	w.Helper()
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-l.gone:
	case <-time.After(15 * time.Second):
		l.kill()
		w.Fatal("the program did not end within 15 s")
	}
}

// ready waits until the program answers and hears Slack.
func (w *world) ready(l *life) {
	w.Helper()
	w.wait(15*time.Second, "program that is ready", func() bool {
		select {
		case <-l.gone:
			w.Fatalf("the program ended: %v\n%s", l.cmd.ProcessState, w.logged())
		default:
		}
		return w.ws.Sockets() >= 2 && w.healthy()
	})
}

func (w *world) healthy() bool {
	resp, err := w.client.Get(w.url("/healthz"))
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (w *world) url(path string) string { return fmt.Sprintf("http://%s%s", w.http.Addr(), path) }

// lines reads text line by line.
func lines(r io.Reader) (out []string) {
	for s := bufio.NewScanner(r); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}

// wait waits until something holds.
func (w *world) wait(atMost time.Duration, what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(atMost); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("after %v there is no %s", atMost, what)
		}
	}
}

// open opens the data file, which no program may hold. The caller closes it.
func (w *world) open(path string) *store.Store {
	w.Helper()
	s, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion})
	w.must(err)
	return s
}
