package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"muster/config"
	"muster/workspace"
)

// apiToken lets alerts and commands in.
const apiToken = "api-token"

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "muster-monitoring-*")
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

// house is the program as a process, in a Slack workspace of the test's.
type house struct {
	*testing.T
	ws      *workspace.Workspace
	slack   string // address of the workspace
	address string // of the program's HTTP
	data    string
	config  string
	env     []string // beside Slack's
	program *process
}

// newHouse builds the program and the workspace; start runs it.
func newHouse(t *testing.T) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("real processes are slow: not with -short")
	}
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, address: port(t), data: filepath.Join(t.TempDir(), "muster.db"), config: t.TempDir()}
	cfg, err := config.Load(h.config, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	setup := workspace.Config{
		Commands: []workspace.Command{{Command: "/incident", ShouldEscape: true}},
		Channels: []workspace.Channel{{Name: "incidents"}, {Name: "muster-ops"}, {Name: "alerts"}, {Name: "monitoring"}},
	}
	for _, m := range cfg.Schedule.Members() {
		setup.People = append(setup.People, workspace.Profile{Handle: strings.TrimPrefix(m.Slack, "@"), Name: m.Name, Email: m.Email})
	}
	h.ws = workspace.New(setup)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.slack = "http://" + ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.ws.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return h
}

// webhook is where Alertmanager sends alerts.
func (h *house) webhook() string { return "http://" + h.address + "/v1/alerts/alertmanager" }

// start runs the program and waits until it is ready.
func (h *house) start() {
	h.Helper()
	path, err := binary()
	if err != nil {
		h.Fatal(err)
	}
	env := append([]string{
		"HOME=" + h.TempDir(), "SLACK_BOT_TOKEN=" + h.ws.BotToken(), "SLACK_APP_TOKEN=" + h.ws.AppToken(), "SLACK_API_URL=" + h.slack + "/api/",
		"MUSTER_API_TOKEN=" + apiToken,
	}, h.env...)
	h.program = run(h.T, env, path, "run", "--config", h.config, "--data", h.data, "--listen", h.address, "--log", "info")
	until(h.T, "program that is ready", func() error {
		select {
		case <-h.program.done:
			h.Fatalf("the program ended: %v", h.program.err)
		default:
		}
		_, err := h.ask(http.MethodGet, "/readyz", "", nil)
		return err
	})
	until(h.T, "program in Slack", func() error {
		if n := h.ws.Sockets(); n < 2 {
			return fmt.Errorf("%d sockets", n)
		}
		return nil
	})
}

// ask is one authorised request; anything but 200 is an error.
func (h *house) ask(method, path, body string, into any) (status int, err error) {
	req, err := http.NewRequestWithContext(h.Context(), method, "http://"+h.address+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+apiToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return res.StatusCode, err
}

// incidents are the names of all, newest first.
func (h *house) incidents() []string {
	h.Helper()
	var list struct{ Incidents []struct{ ID string } }
	if _, err := h.ask(http.MethodGet, "/v1/incidents?state=all", "", &list); err != nil {
		h.Fatal(err)
	}
	var out []string
	for _, one := range list.Incidents {
		out = append(out, one.ID)
	}
	return out
}

// record is one entry of an incident's history.
type record struct {
	Kind, Text string
	Data       json.RawMessage
}

func (h *house) history(id string) ([]record, error) {
	var got struct{ History []record }
	_, err := h.ask(http.MethodGet, "/v1/incidents/"+id, "", &got)
	return got.History, err
}

// recorded waits for a record of a kind.
func (h *house) recorded(id, kind string) record {
	h.Helper()
	var found record
	until(h.T, kind+" in "+id, func() error {
		list, err := h.history(id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(r record) bool { return r.Kind == kind })
		if i < 0 {
			return fmt.Errorf("the last of %d records is %q", len(list), list[len(list)-1].Text)
		}
		found = list[i]
		return nil
	})
	return found
}

// says tells whether a message, its blocks included, has all the words.
func says(m workspace.Message, words ...string) bool {
	text := m.Text + "\n" + string(m.Blocks)
	if plain := new(bytes.Buffer); json.Compact(plain, m.Blocks) == nil {
		text += strings.ReplaceAll(plain.String(), `\"`, `"`)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// message waits for one in a channel that has all the words.
func (h *house) message(channel string, words ...string) (m workspace.Message) {
	h.Helper()
	until(h.T, fmt.Sprintf("message %q in %s", words, channel), func() error {
		all := h.ws.Person("erin").Messages(channel)
		i := slices.IndexFunc(all, func(m workspace.Message) bool { return says(m, words...) })
		if i < 0 {
			var texts []string
			for _, one := range all {
				texts = append(texts, one.Text)
			}
			return fmt.Errorf("there are %q", texts)
		}
		m = all[i]
		return nil
	})
	return m
}

// reply waits for a message in a thread.
func (h *house) reply(channel string, card workspace.Message, words ...string) (m workspace.Message) {
	h.Helper()
	until(h.T, fmt.Sprintf("reply %q", words), func() error {
		all := h.ws.Person("erin").Thread(channel, card.TS)
		i := slices.IndexFunc(all, func(m workspace.Message) bool { return says(m, words...) })
		if i < 0 {
			var texts []string
			for _, one := range all {
				texts = append(texts, one.Text)
			}
			return fmt.Errorf("the thread has %q", texts)
		}
		m = all[i]
		return nil
	})
	return m
}

// click presses a button, or chooses from a menu.
func (h *house) click(who, channel string, m workspace.Message, name string) {
	h.Helper()
	if _, err := h.ws.Person(who).Click(channel, m.TS, name); err != nil {
		h.Fatalf("%s cannot click %s: %v", who, name, err)
	}
}

var slackFile = regexp.MustCompile(`"slack_file":\{"id":"([^"]+)"`)

// picture is the one that a message shows, as Slack has it.
func (h *house) picture(m workspace.Message) []byte {
	h.Helper()
	id := slackFile.FindSubmatch(m.Blocks)
	if id == nil {
		h.Fatalf("the message shows no file: %s", m.Blocks)
	}
	get := func(address string) []byte {
		req, err := http.NewRequestWithContext(h.Context(), http.MethodGet, address, nil)
		if err != nil {
			h.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+h.ws.BotToken())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			h.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			h.Fatalf("%s: %s, %v", address, res.Status, err)
		}
		return data
	}
	var info struct {
		File struct {
			URL string `json:"url_private"`
		}
	}
	if err := json.Unmarshal(get(h.slack+"/api/files.info?file="+string(id[1])), &info); err != nil {
		h.Fatal(err)
	}
	return get(info.File.URL)
}
