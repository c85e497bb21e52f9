// Package e2e drives the local workspace's page in a headless Chromium, as a person would: by what is written on buttons
// and fields.
//
// It never calls the workspace behind the page's back and never looks beyond the loopback address: a request to any other
// origin, an error in the console and an uncaught exception fail the test at its end.
//
//	b := e2e.Open(t, "http://127.0.0.1:3000", e2e.As("alice"))
//	b.Command(`/incident create "API service down"`)
//	b.WaitMessage("API service down")
//	b.ClickIn("API service down", "Acknowledge")
//	b.Shot("acknowledged")
package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long anything that is waited for may take, in real time, unless [Patience] says otherwise.
const patience = 15 * time.Second

// Browser is one tab that shows the page as one person. Its methods fail the test when what they look for does not come
// within 15 seconds, or what [Patience] says. Make it with [Open].
type Browser struct {
	t       testing.TB
	ctx     context.Context
	address string
	shots   string
	patient time.Duration

	mu       sync.Mutex
	problems []string
	expected []string // parts of problems that are no failure
}

type setup struct {
	as            string
	dark          bool
	width, height int64
	shots         string
	patient       time.Duration
}

// Option changes how Open opens the page.
type Option func(*setup)

// As opens the page as the person with this handle.
func As(handle string) Option { return func(s *setup) { s.as = handle } }

// Dark lets the browser prefer dark pages.
func Dark() Option { return func(s *setup) { s.dark = true } }

// Size sets the window in CSS pixels; the default is 1360 by 860.
func Size(width, height int64) Option {
	return func(s *setup) { s.width, s.height = width, height }
}

// Phone is Size for a phone.
func Phone() Option { return Size(390, 844) }

// Shots names the folder for pictures; it is made. The default is "out" in the folder of the test.
func Shots(folder string) Option { return func(s *setup) { s.shots = folder } }

// Patience sets how long anything that is waited for may take; the default is 15 seconds.
func Patience(d time.Duration) Option { return func(s *setup) { s.patient = d } }

// chromium finds the browser. MUSTER_CHROMIUM names another one.
func chromium() string {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}
	if own := os.Getenv("MUSTER_CHROMIUM"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Open starts a headless Chromium with a profile of its own, opens the page at address and waits until it is ready. The
// browser ends with the test. Without Chromium the test is skipped; when the environment says CI=true it fails instead.
func Open(t testing.TB, address string, options ...Option) *Browser {
	t.Helper()
	path := chromium()
	if path == "" {
		const say = "no browser found: install chromium (Debian: apt-get install chromium), or name one in MUSTER_CHROMIUM"
		if os.Getenv("CI") == "true" {
			t.Fatal(say)
		}
		t.Skip(say)
	}
	s := setup{width: 1360, height: 860, shots: "out", patient: patience}
	for _, o := range options {
		o(&s)
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(int(s.width), int(s.height)),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("hide-scrollbars", true))
	start, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, closeTab := chromedp.NewContext(start)
	b := &Browser{t: t, ctx: ctx, address: strings.TrimSuffix(address, "/"), shots: s.shots, patient: s.patient}
	t.Cleanup(func() {
		if t.Failed() {
			_ = b.saveShot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		closeTab()
		stop()
		b.report()
	})
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		t.Fatalf("start the browser %s: %v", path, err)
	}
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	call(b, "watch the network", network.Enable, network.EnableParams{})
	call(b, "watch the log", log.Enable, cdp.Empty{})
	call(b, "watch for exceptions", runtime.Enable, cdp.Empty{})
	b.Prefer(scheme)
	b.run("open the page", chromedp.EmulateViewport(s.width, s.height), chromedp.Navigate(b.address+"/?as="+url.QueryEscape(s.as)))
	b.WaitTrue("the page is ready", ready)
	return b
}

// heard collects what must not happen.
func (b *Browser) heard(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.problem("uncaught: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			var said []string
			for _, arg := range e.Args {
				said = append(said, string(arg.Value)+arg.Description)
			}
			b.problem("console: " + strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.problem("console: " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		if !strings.HasPrefix(u, b.address+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") && !strings.HasPrefix(u, "about:") {
			b.problem("request beyond the origin: " + u)
		}
	}
}

func (b *Browser) problem(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, text)
}

// Expect lets problems pass whose text contains part: for tests that take the server away.
func (b *Browser) Expect(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, part)
}

func (b *Browser) report() {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, p := range b.problems {
		for _, part := range b.expected {
			if strings.Contains(p, part) {
				continue next
			}
		}
		b.t.Errorf("the page had a problem: %s", p)
	}
}

// run does steps within the patience, or fails the test saying what was tried.
func (b *Browser) run(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.patient)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// call is run for a command of the browser's protocol.
func call[P, R any](b *Browser, what string, command cdp.Command[P, R], params P) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.patient)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// Shot saves what the window shows as NAME.png in the folder for pictures.
func (b *Browser) Shot(name string) {
	b.t.Helper()
	if err := b.saveShot(name); err != nil {
		b.t.Fatalf("picture %s: %v", name, err)
	}
}

func (b *Browser) saveShot(name string) error {
	ctx, cancel := context.WithTimeout(b.ctx, b.patient)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	if err := os.MkdirAll(b.shots, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.shots, name+".png"), picture, 0o644)
}
