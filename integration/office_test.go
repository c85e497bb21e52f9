package integration

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/config"
	"muster/workspace"
)

// patience is how long anything that is waited for may take, in real time.
const patience = 90 * time.Second

// built is the program's binary, made by the first test that needs it.
var built struct {
	sync.Once
	path string
	err  error
}

func program() (string, error) {
	built.Do(func() {
		dir, err := os.MkdirTemp("", "muster-integration-*")
		if err != nil {
			built.err = err
			return
		}
		path := filepath.Join(dir, "muster")
		if out, err := exec.Command("go", "build", "-o", path, "muster").CombinedOutput(); err != nil {
			built.err = errors.Join(fmt.Errorf("build the program: %w\n%s", err, out), os.RemoveAll(dir))
			return
		}
		built.path = path
	})
	return built.path, built.err
}

// office is a local Slack workspace with the real program in it, as a process of its own.
type office struct {
	*testing.T
	ws   *workspace.Workspace
	dir  string
	data string
	http string // the program's address
	env  []string
	cmd  *exec.Cmd
	gone chan struct{}
}

// newOffice starts the program with files of its configuration and further variables of its environment.
func newOffice(t *testing.T, files map[string]string, env ...string) *office {
	t.Helper()
	o := &office{T: t, dir: t.TempDir()}
	o.data = filepath.Join(o.dir, "data", "muster.db")
	dir := filepath.Join(o.dir, "config")
	for name, text := range files {
		name = filepath.Join(dir, name)
		o.must(errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)))
	}
	none := func(string) (string, bool) { return "", false }
	cfg, err := config.Load(dir, none)
	o.must(err)
	setup := workspace.Config{
		Unlimited: true,
		Commands:  []workspace.Command{{Command: "/incident", ShouldEscape: true}},
		Channels:  []workspace.Channel{{Name: "incidents"}, {Name: "muster-ops"}, {Name: "alerts"}, {Name: "monitoring"}, {Name: "general"}},
	}
	for _, m := range cfg.Schedule.Members() {
		setup.People = append(setup.People, workspace.Profile{Handle: strings.TrimPrefix(m.Slack, "@"), Name: m.Name, Email: m.Email})
	}
	o.ws = workspace.New(setup)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	o.must(err)
	server := &http.Server{Handler: o.ws.Handler(), ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ln) })
	serving.Go(func() { _ = o.ws.Run(t.Context()) })
	t.Cleanup(func() { server.Close(); serving.Wait() })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	o.must(err)
	o.http = free.Addr().String()
	free.Close()
	o.env = append(os.Environ(),
		"SLACK_BOT_TOKEN="+o.ws.BotToken(), "SLACK_APP_TOKEN="+o.ws.AppToken(), "SLACK_API_URL=http://"+ln.Addr().String()+"/api/",
		"MUSTER_API_TOKEN=office", "MUSTER_URL=http://"+o.http, "KUBECONFIG=")
	o.env = append(o.env, env...)
	t.Cleanup(func() {
		if o.cmd != nil {
			o.stop()
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(o.dir, "log"))
			t.Logf("what the program logged:\n%s", log[max(0, len(log)-6000):])
		}
	})
	o.start()
	return o
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// start starts the program and waits until it is ready.
func (o *office) start() {
	o.Helper()
	path, err := program()
	o.must(err)
	log, err := os.OpenFile(filepath.Join(o.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	o.must(err)
	defer log.Close()
	o.cmd = exec.Command(path, "run", "--config", filepath.Join(o.dir, "config"), "--data", o.data, "--listen", o.http)
	o.cmd.Env, o.cmd.Stdout, o.cmd.Stderr = o.env, log, log
	gone := make(chan struct{})
	o.gone = gone
	o.must(o.cmd.Start())
	cmd := o.cmd
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	o.until("the program is ready", func() error {
		_, err := o.get("/readyz")
		return err
	})
}

// stop ends the program as Ctrl-C does.
func (o *office) stop() {
	o.Helper()
	_ = o.cmd.Process.Signal(os.Interrupt)
	select {
	case <-o.gone:
	case <-time.After(patience):
		_ = o.cmd.Process.Kill()
		<-o.gone
		o.Error("the program does not end after an interrupt")
	}
}

// until asks again and again, and fails with the last answer.
func (o *office) until(what string, ask func() error) {
	o.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if err = ask(); err == nil {
			return
		}
		select {
		case <-o.gone:
			o.Fatalf("waited until %s, but the program ended", what)
		default:
		}
	}
	o.Fatalf("waited in vain until %s: %v", what, err)
}

func (o *office) get(path string) (string, error) {
	req, err := http.NewRequestWithContext(o.Context(), http.MethodGet, "http://"+o.http+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer office")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", path, resp.Status, text)
	}
	return string(text), err
}

// say types a slash command as somebody.
func (o *office) say(who, channel, text string) {
	o.Helper()
	if _, err := o.ws.Person(who).Command(channel, "/incident "+text); err != nil {
		o.Fatalf("%s types %q: %v", who, text, err)
	}
}

// all are the messages of a channel as somebody sees them, threads included.
func (o *office) all(who, channel string) []workspace.Message {
	p := o.ws.Person(who)
	var out []workspace.Message
	for _, m := range p.Messages(channel) {
		out = append(out, m)
		if m.ReplyCount > 0 {
			for _, r := range p.Thread(channel, m.TS) {
				if r.TS != m.TS {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// text is everything that a message says, its buttons included.
func text(m workspace.Message) string { return m.Text + "\n" + string(m.Blocks) }

// see waits for the newest message that has all the words.
func (o *office) see(who, channel string, words ...string) workspace.Message {
	o.Helper()
	var found workspace.Message
	o.until(fmt.Sprintf("%s sees %q in %s", who, words, channel), func() error {
		all := o.all(who, channel)
		slices.Reverse(all)
		for _, m := range all {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text(m), w) }) {
				found = m
				return nil
			}
		}
		if len(all) == 0 {
			return errors.New("there is nothing")
		}
		return fmt.Errorf("the newest of %d messages is %s", len(all), text(all[0]))
	})
	return found
}

// click clicks something of a message.
func (o *office) click(who, channel string, m workspace.Message, name string) {
	o.Helper()
	if _, err := o.ws.Person(who).Click(channel, m.TS, name); err != nil {
		o.Fatalf("%s: %v", who, err)
	}
}

// form waits for a form that somebody has open, with its fields.
func (o *office) form(who string) workspace.View {
	o.Helper()
	var view workspace.View
	o.until(who+" has a form", func() error {
		views := o.ws.Person(who).Views()
		if len(views) == 0 {
			return errors.New("there is none")
		}
		// A form opens at once and is filled in a moment later.
		if view = views[len(views)-1]; !strings.Contains(string(view.Blocks), `"input"`) {
			return errors.New("it has no fields")
		}
		return nil
	})
	return view
}

// onlyFor waits for a message that only one person sees.
func (o *office) onlyFor(who, channel string, words ...string) workspace.Ephemeral {
	o.Helper()
	var found workspace.Ephemeral
	o.until(fmt.Sprintf("only %s is told %q", who, words), func() error {
		all := o.ws.Person(who).Ephemerals(channel)
		slices.Reverse(all)
		for _, e := range all {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.Text+string(e.Blocks), w) }) {
				found = e
				return nil
			}
		}
		return fmt.Errorf("there are %d such messages", len(all))
	})
	return found
}
