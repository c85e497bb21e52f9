package e2e

import (
	"flag"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	page "muster/workspace/e2e"
)

// shots is where the story's pictures go.
var shots = flag.String("shots", "", "keep the story's pictures in this folder, relative to the package's")

const (
	speed = 60
	title = "API service down - investigating"
	// storyWithin is how long the whole story may take, in real time.
	storyWithin = 2 * time.Minute
)

// onCallLine is how the card names who is on call, and pagedLine how the
// thread says whom a level pages.
var (
	onCallLine = regexp.MustCompile(`On-call: @(\pL+)`)
	pagedLine  = regexp.MustCompile(`L3 @(\pL+) is paged`)
)

// named finds a person's mention in what the window shows, and gives the first
// name: the handles of the demo's people are their first names.
func named(t *testing.T, b *page.Browser, line *regexp.Regexp) string {
	t.Helper()
	m := line.FindStringSubmatch(b.Text())
	if m == nil {
		t.Fatalf("the window does not show %s:\n%s", line, b.Text())
	}
	return strings.ToUpper(m[1][:1]) + m[1][1:]
}

// open opens the demo's page as Erin.
func open(t *testing.T, address string, options ...page.Option) *page.Browser {
	t.Helper()
	folder := *shots
	if folder == "" {
		folder = t.TempDir()
	}
	return page.Open(t, address, append([]page.Option{page.As("erin"), page.Patience(patience), page.Shots(folder)}, options...)...)
}

func TestStory(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is slow: not with -short")
	}
	d := startDemo(t, filepath.Join(t.TempDir(), "muster.db"), speed)
	b := open(t, d.page)
	began := time.Now()

	b.Go("incidents")
	b.Command(`/incident create "` + title + `"`)
	b.WaitMessage("P0 Incident: " + title)
	b.WaitText("On-call: @")
	b.WaitText("Next escalation L2 ")
	if text := b.Text(); !strings.Contains(text, "Next update today ") {
		t.Errorf("the card of a new P0 does not say when the next update is due:\n%s", text)
	}
	oncall := named(t, b, onCallLine)
	b.ClickIn("comes from the playbook", "Dismiss")
	b.WaitGone("comes from the playbook")
	b.Shot("card")

	b.Be(oncall)
	b.Go("Messages")
	b.WaitMessage("You are paged as")
	b.WaitTrue("the page has its button", `button(message("You are paged as"), "Acknowledge")`)
	b.Shot("dm")
	b.Resize(390, 844)
	b.WaitMessage("You are paged as")
	b.Shot("phone")
	b.Resize(1360, 860)
	b.Go("Muster")
	b.WaitText("Your pages")
	b.Shot("home")

	b.Be("Erin Davis")
	b.Go("incidents")
	b.Tool("P0 Incident: "+title, "Reply in thread")
	b.WaitMessage("an update on INC-1 is due")
	b.WaitTrue("the reminder has the update filled in", `message("Update: `+title+`") && message("Actions taken: `+oncall+`")`)

	b.Shot("thread")

	b.ClickIn("an update on INC-1 is due", "Post update")
	b.WaitForm("Update INC-1")
	b.Fill("Next step", "Roll back to version 40")
	b.Fill("ETA", "20 minutes")
	b.Fill("Impact", "Nobody can sign in; open sessions work")
	b.Shot("form")
	b.Click("Post update")
	b.WaitNoForm()
	b.WaitMessage("Next step: Roll back to version 40")

	b.WaitMessage("L3 @")
	manager := named(t, b, pagedLine)
	b.Be(manager)
	b.Go("Messages")
	b.WaitMessage("You are paged as")
	b.WaitTrue("the manager's page has its button", `button(message("You are paged as"), "Acknowledge")`)

	b.Be("Erin Davis")
	b.Go("incidents")
	b.ClickIn("P0 Incident: "+title, "Resolve")
	b.WaitForm("Resolve INC-1")
	b.Fill("Root cause", "Version 41 broke the login")
	b.Fill("Fix applied", "Rolled back to version 40")
	b.Click("Resolve")
	b.WaitNoForm()
	for _, line := range []string{
		"RESOLVED: " + title, "Duration: ", "Root cause: Version 41 broke the login", "Fix applied: Rolled back to version 40",
		"Monitoring: will monitor for 1 hour", "Post-mortem: scheduled for ",
	} {
		b.WaitMessage(line)
	}
	b.WaitTrue("the card is resolved", `messages().some((n) => saying(n).includes("RESOLVED: `+title+`") && button(n, "Reopen"))`)
	if took := time.Since(began); took > storyWithin {
		t.Errorf("the story took %s, want at most %s", took.Round(time.Second), storyWithin)
	} else {
		t.Logf("the story took %s", took.Round(time.Second))
	}
	b.Prefer("dark")
	b.Shot("dark")

	b.Expect("net::ERR") // the page is told by its connection that the demo is over
	d.interrupt()
}
