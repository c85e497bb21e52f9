package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/slack-go/slack"
)

func TestReactionsShortcutsAndPins(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	b.Say("the queue drains again")
	b.WaitMessage("the queue drains again")
	b.Tool("the queue drains", "React with pushpin")
	b.WaitTrue("my pushpin", `message("the queue drains").querySelector(".reaction.mine")`)
	b.Tool("the queue drains", "More")
	b.Click("Add to timeline")
	b.WaitTrue("two pushpins", `message("the queue drains").querySelector(".reaction-count").textContent === "2"`)
	b.ClickIn("the queue drains", "pushpin: ")
	b.WaitTrue("mine is gone", `!message("the queue drains").querySelector(".reaction.mine")`)
	b.Tool("the queue drains", "More")
	b.Click("Declare incident")
	b.WaitForm("Declare an incident")
	b.Key(kb.Escape)
	b.WaitNoForm()

	b.Command("/incident create Disk is full")
	b.WaitMessage("Disk is full")
	b.Click("1 pinned")
	b.WaitTrue("the pinned card is listed", `document.querySelector(".pane .card")?.textContent.includes("Disk is full")`)

	b.Tool("the queue drains", "More")
	b.Click("Edit message")
	b.do("change it", `((f) => { f.value = "the queue is empty"; f.focus(); })(document.querySelector(".message-body textarea"))`)
	b.Key(kb.Enter)
	b.WaitMessage("the queue is empty(edited)")
	b.Tool("the queue is empty", "More")
	b.Click("Delete message")
	b.Click("Delete")
	b.WaitTrue("it is gone", `!message("the queue is empty")`)
}

func TestEveryElementReachesTheApp(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	b.Command("/incident zoo")
	b.WaitMessage("Option a")
	choose := func(list, option string) {
		t.Helper()
		b.clickNode("open "+list, `[...message("Option a").querySelectorAll("button.picker")].find((n) => flat(n.textContent) === `+quote(list)+`)`)
		b.clickNode("choose "+option, `[...document.querySelectorAll(".options [role=option]")].find((n) => flat(n.querySelector(".option-text").textContent).startsWith(`+quote(option)+`))`)
	}
	choose("Severity", "Option P0")
	p.waitHeard(`click severity {`)
	choose("Who", "Carol White")
	if got := p.waitHeard("click who {"); !strings.Contains(got, `"selected_user":"U`) {
		t.Errorf("the person did not reach the app: %s", got)
	}
	choose("Pod", "api-8d21")
	if got := p.waitHeard("click pod {"); !strings.Contains(got, `"api-8d21"`) {
		t.Errorf("the option from the app did not reach it: %s", got)
	}
	b.ClickIn("Option a", "Option b")
	if got := p.waitHeard("click checks {"); !strings.Contains(got, `"selected_options":[{`) {
		t.Errorf("the tick did not reach the app: %s", got)
	}
	b.ClickIn("Option a", "Option y")
	p.waitHeard("click radio {")
	b.do("a date", `((f) => { f.value = "2026-12-24"; f.dispatchEvent(new Event("change")); })(message("Option a").querySelector("input[type=date]"))`)
	if got := p.waitHeard("click date {"); !strings.Contains(got, `"selected_date":"2026-12-24"`) {
		t.Errorf("the date did not reach the app: %s", got)
	}
	b.Shot("elements")
}

func TestTopicBookmarksAndCanvas(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("incidents")
	ctx := t.Context()
	id := p.app.channelNamed(ctx, "incidents")
	if _, err := p.app.api.SetTopicOfConversationContext(ctx, id, "P0 · *API* is down"); err != nil {
		t.Fatal(err)
	}
	b.WaitTrue("the topic", `flat(document.querySelector(".topic")?.textContent) === "P0 · API is down"`)
	if _, err := p.app.api.AddBookmarkContext(ctx, id, slack.AddBookmarkParameters{Title: "Runbook", Type: "link", Link: "https://example.com/runbook"}); err != nil {
		t.Fatal(err)
	}
	b.WaitTrue("the bookmark", `document.querySelector(".bookmark a")?.href === "https://example.com/runbook"`)
	if _, err := p.app.api.CreateChannelCanvasContext(ctx, id, slack.DocumentContent{Type: "markdown", Markdown: "# What we know\n- [x] pods restarted\n- [ ] cause found"}); err != nil {
		t.Fatal(err)
	}
	b.Click("Canvas")
	b.WaitText("What we know")
	b.WaitTrue("a ticked box", `document.querySelector(".canvas input:checked")`)
	created, err := p.app.api.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: "inc-1-api-down"})
	if err != nil {
		t.Fatal(err)
	}
	alice, err := p.app.api.GetUserByEmailContext(ctx, "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.app.api.InviteUsersToConversationContext(ctx, created.ID, alice.ID); err != nil {
		t.Fatal(err)
	}
	b.Go("inc-1-api-down")
	b.WaitTrue("she is in it", box(false))
}

func TestPhoneAndInbox(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Click("Phone")
	b.WaitText("the phone rings here")
	b.Click("Inbox")
	b.WaitText("Mails to this person arrive here.")
	tell := func(kind string, event map[string]any, who ...string) {
		t.Helper()
		if err := p.w.Tell(kind, event, who...); err != nil {
			t.Fatal(err)
		}
	}
	tell("mail", map[string]any{"mail": map[string]any{"id": "m1", "to": "alice@example.com", "subject": "P1: API service down", "text": "Acknowledge: https://example.com/ack"}}, "alice")
	b.WaitText("P1: API service down")
	tell("call", map[string]any{"call": map[string]any{"id": "c1", "title": "Muster calls Alice", "state": "ringing", "transcript": []map[string]any{{"who": "Muster", "text": "P1, API service down. Press 1 to acknowledge."}}}}, "alice")
	b.Click("Pick up")
	b.WaitText("Press 1 to acknowledge.")
	b.Click("1Acknowledge")
	b.WaitText("This call is over.")
	tell("call", map[string]any{"call": map[string]any{"id": "c1", "state": "ended", "result": "no answer"}}, "alice")
	b.WaitText("no answer")
	b.Shot("phone")
}

func TestOnAPhoneNothingIsCutOff(t *testing.T) {
	p := start(t)
	b := p.open(As("dave"), Phone())
	fits := func(where string) {
		t.Helper()
		b.WaitTrue(where+" fits the width", `document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll(".top button, .composer button, .main .message, .pane button, dialog button")].filter(seen).every((n) => { const r = n.getBoundingClientRect(); return r.left >= -1 && r.right <= innerWidth + 1; })`)
	}
	b.Click("Channels")
	b.WaitTrue("the sidebar is open", `document.getElementById("app").classList.contains("side-open")`)
	b.Key(kb.Escape)
	b.WaitTrue("and closed again", `!document.getElementById("app").classList.contains("side-open")`)
	b.Go("general")
	b.Command("/incident zoo")
	b.WaitMessage("Option a")
	fits("the channel")
	b.Command("/incident create All is slow")
	b.WaitMessage("All is slow")
	b.ClickIn("Commander", "1 reply")
	b.WaitText("declared this incident")
	fits("the thread")
	b.Shot("phone-thread")
	b.Click("Close")
	b.Click("Faults")
	fits("the faults")
	b.Click("Close")
	b.Command("/incident form")
	b.WaitForm("Declare an incident")
	fits("the form")
	b.Shot("phone-form")
}

// TestEverythingHasAName looks at every control that is shown on a full page.
func TestEverythingHasAName(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	b.Command("/incident zoo")
	b.WaitMessage("Option a")
	b.Command("/incident create Nothing works")
	b.WaitMessage("Commander")
	b.ClickIn("Commander", "1 reply")
	b.WaitText("declared this incident")
	const nameless = `[...scope().querySelectorAll("button, a[href], input, textarea, select, [role=button], [role=option], img")].filter((n) => n.tagName === "IMG" ? !n.hasAttribute("alt") : !(called(n) || n.closest("label")?.textContent.trim() || (n.id && document.querySelector('label[for="' + n.id + '"]')))).map((n) => n.outerHTML).join("\n")`
	if got := eval[string](b, "controls without a name", nameless); got != "" {
		t.Errorf("these have no name:\n%s", got)
	}
	const unreachable = `[...document.querySelectorAll("[onclick], .side-row, .reaction, .thread-line, .button, .picker")].filter((n) => !n.matches("button, a[href], input")).map((n) => n.outerHTML).join("\n")`
	if got := eval[string](b, "controls that the keyboard does not reach", unreachable); got != "" {
		t.Errorf("these are no buttons:\n%s", got)
	}
	b.Command("/incident form")
	b.WaitForm("Declare an incident")
	b.WaitText("P0 and P1 page")
	if got := eval[string](b, "controls without a name in the form", nameless); got != "" {
		t.Errorf("these have no name:\n%s", got)
	}
}
