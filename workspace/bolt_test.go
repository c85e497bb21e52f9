package workspace_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/workspace"
)

// skipOrFail skips with one line what to run; in CI a missing tool is a failure.
func skipOrFail(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// program is the Node program, read line by line.
type program struct {
	t     *testing.T
	lines chan string
}

func (p *program) expect(prefix string) string {
	p.t.Helper()
	limit := time.After(2 * time.Minute) // a busy machine is slow to start Node
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the program ended before it said %q", prefix)
			}
			if strings.HasPrefix(line, "error ") {
				p.t.Fatalf("waiting for %q: %s", prefix, line)
			}
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-limit:
			p.t.Fatalf("the program did not say %q", prefix)
		}
	}
}

func TestBolt(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		skipOrFail(t, "needs Node 20 and `npm --prefix workspace/bolt ci`")
	}
	if _, err := os.Stat(filepath.Join("bolt", "node_modules", "@slack", "bolt")); err != nil {
		skipOrFail(t, "needs `npm --prefix workspace/bolt ci`")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ws := workspace.New(defaults())
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- ws.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})

	cmd := exec.CommandContext(ctx, node, "story.mjs")
	cmd.Dir = "bolt"
	cmd.Env = append(os.Environ(), "SLACK_BOT_TOKEN="+ws.BotToken(), "SLACK_APP_TOKEN="+ws.AppToken(), "SLACK_API_URL=http://"+ln.Addr().String()+"/api/")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, lines: make(chan string, 100)}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			t.Log("bolt:", in.Text())
			p.lines <- in.Text()
		}
	}()
	defer func() {
		stdin.Close()
		cmd.Wait()
	}()

	p.expect("ready")
	alice, bob := ws.Person("alice"), ws.Person("bob")
	ack := must[workspace.Ack](t)(alice.Command("#incidents", "/incident create"))
	if !strings.Contains(string(ack.Payload), "acknowledged create") {
		t.Errorf("acknowledged with %s", ack.Payload)
	}
	p.expect("command create")
	if e := alice.Ephemerals("#incidents"); len(e) != 2 || e[1].Text != "the form is open" {
		t.Errorf("ephemeral messages: %+v", e)
	}
	view := alice.Views()[0]
	res := must[workspace.SubmitResult](t)(alice.Submit(view.ID, map[string]any{"Title": "API", "Severity": "P0"}))
	if res.Errors["title"] != "Too short." {
		t.Errorf("the refusal arrived as %+v", res)
	}
	p.expect("refused")
	must[workspace.SubmitResult](t)(alice.Submit(view.ID, map[string]any{"Title": "API down"}))
	ts := strings.TrimPrefix(p.expect("posted "), "posted ")
	if len(alice.Views()) != 0 {
		t.Error("the form is still open")
	}
	must[workspace.Ack](t)(bob.Click("#incidents", ts, "Acknowledge"))
	if line := p.expect("clicked"); line != "clicked INC-1" {
		t.Errorf("metadata read back: %s", line)
	}
	if m := alice.Messages("#incidents"); len(m) != 1 || m[0].Text != "INC-1 acknowledged by bob" || m[0].Edited == nil {
		t.Errorf("after the update: %+v", m)
	}
	said, err := bob.Say("#incidents", "@muster help", "")
	if err != nil {
		t.Fatal(err)
	}
	p.expect("mentioned")
	if th := bob.Thread("#incidents", said); len(th) != 2 || th[1].Text != "you called" {
		t.Errorf("thread: %+v", th)
	}
	alice.Home()
	p.expect("home true")
	if v := alice.PublishedHome(); v == nil || !strings.Contains(string(v.Blocks), "home") {
		t.Errorf("home: %+v", v)
	}
	if dm := alice.Messages("@muster"); len(dm) != 1 || len(dm[0].Files) != 1 {
		t.Errorf("the file did not arrive: %+v", dm)
	}
}
