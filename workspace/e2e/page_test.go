package e2e

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/slack-go/slack"

	"muster/workspace"
)

// place is a workspace with the scripted app, reachable over loopback.
type place struct {
	t       *testing.T
	w       *workspace.Workspace
	app     *app
	address string

	mu  sync.Mutex
	srv *http.Server
}

// start runs a workspace with the scripted app until the test ends.
func start(t *testing.T) *place {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is slow: not with -short")
	}
	p := &place{t: t, w: workspace.New(testConfig())}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = "http://" + ln.Addr().String()
	p.serve(ln)
	p.app = newApp(p.address, p.w)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.w.Run(ctx) })   // ends with the test, and has nothing to say then
	wg.Go(func() { _ = p.app.run(ctx) }) // likewise
	t.Cleanup(func() {
		cancel()
		p.close()
		wg.Wait()
	})
	return p
}

func (p *place) serve(ln net.Listener) {
	srv := &http.Server{Handler: p.w.Handler()}
	p.mu.Lock()
	p.srv = srv
	p.mu.Unlock()
	go func() { _ = srv.Serve(ln) }() // ends when closed
}

func (p *place) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.srv.Close()
}

// again serves at the same address as before.
func (p *place) again() {
	p.t.Helper()
	var ln net.Listener
	var err error
	for range 50 {
		if ln, err = net.Listen("tcp", strings.TrimPrefix(p.address, "http://")); err == nil {
			p.serve(ln)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("listen again: %v", err)
}

// waitHeard waits until the app heard something that begins with this.
func (p *place) waitHeard(what string) string {
	p.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		for _, h := range p.app.heardAll() {
			if strings.HasPrefix(h, what) {
				return h
			}
		}
	}
	p.t.Fatalf("the app did not hear %q, only %q", what, p.app.heardAll())
	return ""
}

func (p *place) open(options ...Option) *Browser {
	p.t.Helper()
	return Open(p.t, p.address, options...)
}

func TestACommandBecomesACardWithButtons(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("incidents")
	b.Command(`/incident create "API service down - investigating"`)
	b.WaitMessage("P1 Incident: API service down - investigating")
	b.WaitMessage("1 reply")
	b.ClickIn("P1 Incident", "Acknowledge")
	b.WaitMessage("acknowledged by @alice")

	b.ClickIn("P1 Incident", "Resolve")
	b.WaitText("Everybody is told that it is over.")
	b.Click("Not yet")
	b.WaitGone("Everybody is told that it is over.")
	if heard := p.app.heardAll(); slices.ContainsFunc(heard, func(s string) bool { return strings.HasPrefix(s, "click resolve") }) {
		t.Errorf("a refused confirmation reached the app: %q", heard)
	}
	b.ClickIn("P1 Incident", "Resolve")
	b.Click("Resolve it")
	b.WaitMessage("RESOLVED: the service answers again")
	b.WaitText("replied to")

	b.ClickIn("Commander", "More actions")
	b.Click("Mark business-critical")
	if got := p.waitHeard("click more"); !strings.Contains(got, `"critical"`) {
		t.Errorf("the chosen option did not reach the app: %s", got)
	}
	b.Shot("card")
}

func TestAFormKeepsWhatWasTypedAndShowsErrors(t *testing.T) {
	p := start(t)
	b := p.open(As("bob"))
	b.Go("general")
	b.Command("/incident create")
	b.WaitForm("Declare an incident")
	b.WaitText("P0 and P1 page the person on call.")
	b.Click("Declare")
	b.WaitText("This is needed.")

	b.Fill("Title", "test")
	b.WaitGone("This is needed.")
	b.Click("Declare")
	b.WaitText("Say what is broken, not “test”.")

	b.Fill("Title", "Payments fail")
	b.Fill("Impact", "Nobody can pay")
	b.Click("Check the service")
	b.WaitText("The service answers 503 since 14:02.")
	b.Choose("Severity", "P0")
	b.Choose("Invite", "Carol White", "Dave Brown")
	b.Click("Support")
	b.Shot("form")
	b.Click("Declare")
	b.WaitNoForm()
	b.Go("incidents")
	b.WaitMessage("P1 Incident: Payments fail")

	p.app.mu.Lock()
	defer p.app.mu.Unlock()
	values := p.app.submits[0].State.Values
	if got := values["impact"]["impact"].Value; got != "Nobody can pay" {
		t.Errorf("impact = %q: the update took the typing away", got)
	}
	if got := values["severity"]["severity"].SelectedOption.Value; got != "P0" {
		t.Errorf("severity = %q", got)
	}
	if got := values["people"]["people"].SelectedUsers; len(got) != 2 {
		t.Errorf("people = %q", got)
	}
	if got := values["ways"]["ways"].SelectedOptions; len(got) != 1 || got[0].Value != "Support" {
		t.Errorf("ways = %v", got)
	}
	if got := values["since"]["since"].SelectedDateTime; got != 1795334400 {
		t.Errorf("since = %d: the initial moment was changed", got)
	}
}

func TestAFormIsClosedByEscAndTheFocusComesBack(t *testing.T) {
	p := start(t)
	b := p.open(As("bob"))
	b.Go("general")
	b.Command("/incident form")
	b.WaitForm("Declare an incident")
	b.WaitText("P0 and P1 page")
	for range 25 {
		b.Key(kb.Tab)
	}
	b.WaitTrue("the focus stays in the form", `document.activeElement === document.body || document.querySelector("dialog.form").contains(document.activeElement)`)
	b.Fill("Title", "x")
	b.Key(kb.Escape)
	b.WaitNoForm()
	if got := b.Focused(); got != "Message #general" {
		t.Errorf("the focus is on %q", got)
	}
}

func TestThreadsHaveTheirOwnPaneAndNoSlashCommands(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	b.Say("Who looks at the disk alert?")
	b.WaitMessage("Who looks at the disk alert?")
	b.Tool("Who looks", "Reply in thread")
	b.WaitText("No replies yet")
	b.typeInto(box(true), "/incident ack INC-1")
	b.WaitText("Slash commands do not work in threads")
	b.Key(kb.Enter)
	b.Click("Change it")
	b.WaitTrue("the command is rewritten", box(true)+`.value === "@muster ack INC-1 "`)
	if heard := p.app.heardAll(); len(heard) != 0 {
		t.Errorf("the app heard %q from a thread", heard)
	}
	b.Key(kb.Enter)
	b.WaitMessage("Noted:")
	b.WaitMessage("2 replies")
	b.Reply("a slip")
	b.WaitMessage("3 replies")
	b.Tool("a slip", "More")
	b.Click("Delete message")
	b.Click("Delete")
	b.WaitMessage("2 replies")
	b.Shot("thread")
	b.Key(kb.Escape)
	b.WaitTrue("the pane is closed", `document.getElementById("pane").hidden`)
	b.Reload()
	b.WaitMessage("2 replies")
}

func TestEphemeralMessagesAreForOnePersonAndGo(t *testing.T) {
	p := start(t)
	b := p.open(As("carol"))
	other := p.open(As("dave"))
	other.Go("general")
	b.Go("general")
	b.Command("/incident ack")
	b.WaitMessage("Only visible to you")
	b.Say("said after it")
	other.WaitMessage("said after it")
	if strings.Contains(other.Text(), "There is no open incident") {
		t.Error("somebody else sees the private message")
	}
	b.ClickIn("There is no open incident", "Dismiss")
	b.WaitGone("There is no open incident")
}

func TestTheAppHasAHome(t *testing.T) {
	p := start(t)
	b := p.open(As("erin"))
	b.Go("Muster")
	b.WaitText("you are primary until Monday 09:00")
	b.Click("Declare incident")
	b.WaitForm("Declare an incident")
	b.Click("Cancel")
	b.WaitNoForm()
	b.Click("Messages")
	b.WaitText("Messages between you and the app.")
}

func TestThemeFollowsTheSystemAndTheButton(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"), Dark())
	const paper = `getComputedStyle(document.body).backgroundColor`
	if got := eval[string](b, "the page's colour", paper); got != "rgb(21, 25, 27)" {
		t.Errorf("a dark system shows %s", got)
	}
	b.Shot("dark")
	b.Click("Light theme")
	b.WaitTrue("light now", paper+` === "rgb(255, 254, 251)"`)
	b.Reload()
	b.WaitTrue("still light", paper+` === "rgb(255, 254, 251)"`)
}

func TestEverythingByKeyboard(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.WaitTrue("the field is there", box(false))
	b.Key("k", chromedp.ModifierCtrl)
	b.WaitTrue("the jump list is open", `document.querySelector("dialog.jump-dialog[open]")`)
	b.Key("gener")
	b.Key(kb.Enter)
	b.WaitTrue("general is open", `document.querySelector(".room-title h1").textContent.includes("general")`)
	b.WaitTrue("the field has the focus", `document.activeElement === `+box(false))
	b.Key("/inc")
	b.WaitTrue("the command is offered", `document.querySelector(".complete-row.is-active")?.textContent.includes("/incident")`)
	b.Key(kb.Tab)
	b.Key("cr")
	b.Key(kb.Enter)
	b.WaitTrue("both are completed", box(false)+`.value === "/incident create "`)
	b.Key("Queue is full")
	b.Key(kb.Enter)
	b.WaitMessage("P1 Incident: Queue is full")
	b.Key("hi @bo")
	b.Key(kb.Tab)
	b.Key(kb.Enter)
	b.WaitMessage("hi @bob")
	b.Key("two")
	b.Key(kb.Enter, chromedp.ModifierShift)
	b.Key("lines")
	b.Key(kb.Enter)
	b.WaitTrue("a message of two lines", `message("two")?.querySelector("br")`)

	b.do("into the list", `document.querySelector(".list").focus()`)
	b.Key(kb.ArrowUp)
	b.Key(kb.ArrowUp)
	b.WaitTrue("a message has the focus", `document.activeElement.matches(".message")`)
	b.do("to the card", `message("P1 Incident: Queue").focus()`)
	b.Key(kb.Tab)
	b.WaitTrue("its first button has the focus", `message("P1 Incident: Queue").contains(document.activeElement) && document.activeElement.matches("button")`)
	b.do("to the button", `button(message("P1 Incident: Queue"), "Acknowledge").focus()`)
	b.Key(kb.Enter)
	b.WaitMessage("acknowledged by @alice")
	b.WaitTrue("the focus stays on the button of the redrawn card", `document.activeElement.textContent === "Acknowledge"`)
	b.WaitTrue("the focus is seen", `document.activeElement.matches(":focus-visible") && getComputedStyle(document.activeElement).outlineStyle === "solid"`)
}

func TestBeingSomeoneElseAndUnreadMarks(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	other := p.open(As("bob"))
	other.Go("alerts")
	b.Go("general")
	b.Say("nothing to see")
	b.WaitMessage("nothing to see")
	other.WaitTrue("general is unread", `document.querySelector(".side-row.is-unread .side-text")?.textContent === "general"`)
	if got := other.Unread("general"); got != "•" {
		t.Errorf("the mark is %q", got)
	}
	b.Say("@bob please look")
	b.WaitMessage("@bob please look")
	other.WaitTrue("a badge for bob", `document.querySelector(".side-row .badge")?.textContent === "1"`)
	other.Reload()
	other.WaitTrue("the badge is still there", `document.querySelector(".side-row .badge")?.textContent === "1"`)
	other.Go("general")
	other.WaitMessage("@bob please look")
	other.WaitTrue("what is new is marked", `document.querySelector(".new-mark")`)
	if got := other.Unread("general"); got != "" {
		t.Errorf("an open channel has the mark %q", got)
	}
	other.Go("alerts")
	other.Reload()
	if got := other.Unread("general"); got != "" {
		t.Errorf("what was read is unread again: %q", got)
	}
	other.Go("general")
	b.Be("Carol White")
	b.WaitTrue("the address says so", `new URL(location).searchParams.get("as") === "carol"`)
	b.Say("carol was here")
	other.WaitMessage("carol was here")
	other.WaitTrue("and it says who", `message("carol was here").textContent.includes("Carol White")`)
	b.Reload()
	b.WaitTrue("still carol", `document.querySelector("button.me").textContent.includes("Carol White")`)
}

func TestFaultsAndTheClockReachTheWorkspace(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	other := p.open(As("bob"))
	b.Click("Faults")
	b.WaitText("The app is connected")
	b.do("Slack down", `document.querySelector("[data-fault=slack_down]").click()`)
	b.WaitText("The app is not connected.")
	other.WaitText("App offline")
	if !p.w.Faults().SlackDown {
		t.Error("the workspace does not know that Slack is down")
	}
	b.do("429", `document.querySelector("[data-fault=rate_limit_every][data-value='3']").click()`)
	b.WaitTrue("429 is on", `document.querySelector("[data-fault=rate_limit_every][data-value='3']").getAttribute("aria-pressed") === "true"`)
	b.Shot("faults")
	b.Click("All well again")
	b.WaitText("The app is connected")
	if got := p.w.Faults(); got != (workspace.Faults{}) {
		t.Errorf("faults left: %+v", got)
	}
	b.Click("60×")
	other.WaitTrue("the other clock runs too", `document.querySelector("[data-speed='60']").getAttribute("aria-pressed") === "true"`)
	before := eval[string](other, "the clock", `document.querySelector(".clock-time").getAttribute("datetime")`)
	other.WaitTrue("a minute passes in a second", `Date.parse(document.querySelector(".clock-time").getAttribute("datetime")) - Date.parse("`+before+`") >= 60000`)
}

func TestACommandThatNobodyAnswersSaysSo(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	b.typeInto(box(false), "/incident silence")
	b.Key(kb.Enter)
	b.WaitText("/incident failed. The app did not answer within three seconds.")
	b.WaitTrue("the text is back", box(false)+`.value === "/incident silence"`)
	b.Key(kb.Escape)
	b.do("clear", box(false)+`.select()`)
	b.Key("/nosuch thing")
	b.Key(kb.Enter)
	b.WaitText("/nosuch is not a command here.")
}

func TestTheStreamComesBackAndMissesNothing(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Expect("net::ERR_")
	b.Go("general")
	b.Say("before the break")
	b.WaitMessage("before the break")
	p.close()
	b.WaitText("Reconnecting…")
	aside := httptest.NewServer(p.w.Handler())
	defer aside.Close()
	bot := slack.New(p.w.BotToken(), slack.OptionAPIURL(aside.URL+"/api/"))
	if _, _, err := bot.PostMessageContext(t.Context(), generalID(t, bot), slack.MsgOptionText("during the break", false)); err != nil {
		t.Fatal(err)
	}
	p.again()
	b.WaitMessage("during the break")
	b.WaitGone("Reconnecting…")
	b.Say("after the break")
	b.WaitMessage("after the break")
	b.WaitTrue("each once", `messages().filter((n) => n.textContent.includes("the break")).length === 3`)
}

func generalID(t *testing.T, api *slack.Client) string {
	t.Helper()
	channels, _, err := api.GetConversationsContext(t.Context(), &slack.GetConversationsParameters{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(channels, func(c slack.Channel) bool { return c.Name == "general" })
	return channels[i].ID
}
