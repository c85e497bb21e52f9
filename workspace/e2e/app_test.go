package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"muster/workspace"
)

// clock is a workspace clock that can run faster. The zero value runs at once the speed, from now.
type clock struct {
	mu    sync.Mutex
	at    time.Time // real
	now   time.Time // the workspace's, at that moment
	speed float64
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		c.at, c.speed = time.Now(), 1
		c.now = c.at
	}
	return c.now.Add(time.Duration(float64(time.Since(c.at)) * c.speed))
}

func (c *clock) Speed() float64 {
	c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

func (c *clock) SetSpeed(s float64) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.now, c.speed = time.Now(), now, s
}

// testConfig is a workspace with six people and the channels that Muster uses.
func testConfig() workspace.Config {
	c := &clock{}
	return workspace.Config{
		Now: c.Now, Speed: c.Speed, SetSpeed: c.SetSpeed, Unlimited: true,
		TeamName: "Northwind", Hint: `Try: /incident create "API service down - investigating"`,
		Commands: []workspace.Command{{Command: "/incident", Description: "Declare and run an incident", UsageHint: "create | update | ack | resolve | help", ShouldEscape: true}},
		Shortcuts: []workspace.Shortcut{
			{Type: "message", CallbackID: "timeline", Name: "Add to timeline"},
			{Type: "message", CallbackID: "declare", Name: "Declare incident"},
			{Type: "global", CallbackID: "declare_global", Name: "Declare incident"},
		},
		People: []workspace.Profile{
			{Handle: "alice", Name: "Alice Johnson", Email: "alice@example.com", Title: "Site reliability", TZ: "America/New_York"},
			{Handle: "bob", Name: "Bob Smith", Email: "bob@example.com", Title: "Backend", TZ: "Europe/London"},
			{Handle: "carol", Name: "Carol White", Email: "carol@example.com", Title: "Database", TZ: "Europe/Berlin"},
			{Handle: "dave", Name: "Dave Brown", Email: "dave@example.com", Title: "Engineering manager", TZ: "UTC"},
			{Handle: "erin", Name: "Erin Davis", Email: "erin@example.com", Title: "Director of engineering", TZ: "Asia/Tokyo"},
			{Handle: "frank", Name: "Frank Miller", Email: "frank@example.com", Title: "CTO", TZ: "America/Los_Angeles"},
		},
		Channels: []workspace.Channel{
			{Name: "incidents", Topic: "Declared incidents, newest last"}, {Name: "alerts", Topic: "Warnings"}, {Name: "general", Topic: "Everything else"},
			{Name: "muster-ops", Topic: "What the incident commander has to say about itself"}, {Name: "random", Members: []string{"bob"}},
		},
	}
}

// app is a small scripted Slack app: enough of every surface that the page draws.
type app struct {
	api    *slack.Client
	socket *socketmode.Client

	mu      sync.Mutex
	clicks  []string // "action_id" or "action_id=value" as they came
	submits []slack.View
}

// newApp makes the app for the workspace at address, such as http://127.0.0.1:4000.
func newApp(address string, w *workspace.Workspace) *app {
	api := slack.New(w.BotToken(), slack.OptionAPIURL(address+"/api/"), slack.OptionAppLevelToken(w.AppToken()))
	return &app{api: api, socket: socketmode.New(api, socketmode.OptionLog(log.New(discard{}, "", 0)))}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// run answers the workspace until ctx ends.
func (a *app) run(ctx context.Context) error {
	go func() {
		for {
			select {
			case ev := <-a.socket.Events:
				a.handle(ctx, ev)
			case <-ctx.Done():
				return
			}
		}
	}()
	return a.socket.RunContext(ctx)
}

func (a *app) heard(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clicks = append(a.clicks, what)
}

// heardAll gives what the app heard so far.
func (a *app) heardAll() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.clicks...)
}

func (a *app) handle(ctx context.Context, ev socketmode.Event) {
	if ev.Request == nil {
		return
	}
	switch data := ev.Data.(type) {
	case slack.SlashCommand:
		if data.Text == "silence" {
			return
		}
		a.ack(ctx, ev, nil)
		a.command(ctx, data)
	case slack.InteractionCallback:
		a.interaction(ctx, ev, data)
	case slackevents.EventsAPIEvent:
		a.ack(ctx, ev, nil)
		a.event(ctx, data)
	default:
		a.ack(ctx, ev, nil)
	}
}

func (a *app) ack(ctx context.Context, ev socketmode.Event, payload any) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := a.socket.AckCtx(ctx, ev.Request.EnvelopeID, payload); err != nil {
		a.heard("ack failed: " + err.Error())
	}
}

func (a *app) command(ctx context.Context, c slack.SlashCommand) {
	a.heard("command " + c.Text)
	word, rest, _ := strings.Cut(c.Text, " ")
	switch word {
	case "create":
		title := strings.Trim(rest, `"“” `)
		if title == "" {
			a.openForm(ctx, c.TriggerID)
			return
		}
		a.declare(ctx, c.ChannelID, c.UserID, title)
	case "form":
		a.openForm(ctx, c.TriggerID)
	case "zoo":
		a.post(ctx, c.ChannelID, slack.MsgOptionText("Every block", false), slack.MsgOptionBlocks(zoo()...))
	default:
		_, err := a.api.PostEphemeralContext(ctx, c.ChannelID, c.UserID, slack.MsgOptionText("There is no open incident. Try `/incident create title`.", false))
		a.note(err)
	}
}

func (a *app) note(err error) {
	if err != nil {
		a.heard("error " + err.Error())
	}
}

func (a *app) post(ctx context.Context, channel string, options ...slack.MsgOption) string {
	_, ts, err := a.api.PostMessageContext(ctx, channel, options...)
	a.note(err)
	return ts
}

func (a *app) declare(ctx context.Context, channel, user, title string) {
	ts := a.post(ctx, channel, slack.MsgOptionText("P1 Incident: "+title, false), slack.MsgOptionBlocks(card(title, user, "")...))
	a.note(a.api.AddPinContext(ctx, channel, slack.NewRefToMessage(channel, ts)))
	a.post(ctx, channel, slack.MsgOptionTS(ts), slack.MsgOptionText(fmt.Sprintf("<@%s> declared this incident. Updates every 10 minutes.", user), false))
	direct, _, _, err := a.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		a.note(err)
		return
	}
	ack := slack.NewButtonBlockElement("ack", "INC-1", plain("Acknowledge")).WithStyle(slack.StylePrimary)
	a.post(ctx, direct.ID, slack.MsgOptionText("You are paged: "+title, false), slack.MsgOptionBlocks(
		slack.NewSectionBlock(mrkdwn(":rotating_light: You are paged for *INC-1* "+title), nil, nil), slack.NewActionBlock("page", ack)))
}

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, true, false)
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, false)
}

func card(title, user, acked string) []slack.Block {
	resolve := slack.NewButtonBlockElement("resolve", "INC-1", plain("Resolve")).WithStyle(slack.StyleDanger)
	resolve.Confirm = slack.NewConfirmationBlockObject(plain("Resolve INC-1?"), plain("Everybody is told that it is over."), plain("Resolve it"), plain("Not yet")).WithStyle(slack.StyleDanger)
	more := slack.NewOverflowBlockElement("more", slack.NewOptionBlockObject("critical", plain("Mark business-critical"), nil), slack.NewOptionBlockObject("timeline", plain("Timeline"), nil))
	status := "Investigating"
	if acked != "" {
		status = "Investigating · acknowledged by <@" + acked + ">"
	}
	return []slack.Block{
		slack.NewHeaderBlock(plain("🚨 P1 Incident: " + title)),
		slack.NewSectionBlock(nil, []*slack.TextBlockObject{
			mrkdwn("*Status*\n" + status), mrkdwn("*Impact*\nnot known yet"), mrkdwn("*Commander*\n<@" + user + ">"),
			mrkdwn("*On call*\n<@" + user + "> until Monday 09:00"), mrkdwn("*Level*\nL1, next L2 in 15 minutes"), mrkdwn(fmt.Sprintf("*Declared*\n<!date^%d^{date_short_pretty} at {time}|now>", time.Now().Unix())),
		}, nil),
		slack.NewActionBlock("card", slack.NewButtonBlockElement("ack", "INC-1", plain("Acknowledge")).WithStyle(slack.StylePrimary),
			slack.NewButtonBlockElement("update", "INC-1", plain("Post update")), slack.NewButtonBlockElement("escalate", "INC-1", plain("Escalate")), slack.NewButtonBlockElement("slow", "INC-1", plain("Playbook")), resolve, more),
		slack.NewContextBlock("foot", mrkdwn("INC-1 · last update none · next update due in *10 minutes*")),
	}
}

// zoo is a message with one of every block and element that a message can hold.
func zoo() []slack.Block {
	opt := func(v string) *slack.OptionBlockObject { return slack.NewOptionBlockObject(v, plain("Option "+v), nil) }
	checks := slack.NewCheckboxGroupsBlockElement("checks", opt("a"), opt("b"), slack.NewOptionBlockObject("c", mrkdwn("Page the *manager* too"), plain("With a reason")))
	date := slack.NewDatePickerBlockElement("date")
	date.InitialDate = "2026-11-23"
	at := slack.NewTimePickerBlockElement("time")
	at.InitialTime = "09:30"
	rich := slack.NewRichTextBlock("rich", slack.NewRichTextSection(slack.NewRichTextSectionTextElement("Rich ", nil), slack.NewRichTextSectionTextElement("bold", &slack.RichTextSectionTextStyle{Bold: true}),
		slack.NewRichTextSectionTextElement(" and ", nil), slack.NewRichTextSectionLinkElement("https://example.com/", "a link", nil)),
		slack.NewRichTextList(slack.RTEListBullet, 0, slack.NewRichTextSection(slack.NewRichTextSectionTextElement("first", nil)), slack.NewRichTextSection(slack.NewRichTextSectionTextElement("second", nil))))
	return []slack.Block{
		slack.NewSectionBlock(mrkdwn("*Bold* _italic_ ~struck~ `code` <https://example.com/runbook|a link> :tada:\n> a quote with <!here>\n• one\n• two\n1. first\n2. second\n```kubectl get pods -n api\napi-7f9c 0/1 CrashLoopBackOff```\na < b & c > d, 2*3*4, snake_case_name"), nil,
			slack.NewAccessory(slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Severity"), "severity", opt("P0"), opt("P1"), opt("P2")))),
		rich,
		slack.NewDividerBlock(),
		slack.NewActionBlock("pick", slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Who"), "who"), date, at,
			slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plain("Pod"), "pod")),
		slack.NewActionBlock("boxes", checks, slack.NewRadioButtonsBlockElement("radio", opt("x"), opt("y"))),
		slack.NewImageBlock("https://elsewhere.example.com/chart.png", "Error rate over the last hour", "", plain("Error rate")),
		slack.NewContextBlock("c", mrkdwn("A context with <#C000|somewhere> and <@U0NOBODY>")),
	}
}

func (a *app) openForm(ctx context.Context, trigger string) {
	loading := slack.ModalViewRequest{Type: slack.VTModal, Title: plain("Declare an incident"), Close: plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewSectionBlock(mrkdwn("One moment …"), nil, nil)}}}
	open, err := a.api.OpenViewContext(ctx, trigger, loading)
	if err != nil {
		a.note(err)
		return
	}
	_, err = a.api.UpdateViewContext(ctx, form("What it does to users"), "", open.View.Hash, open.View.ID)
	a.note(err)
}

func form(hint string) slack.ModalViewRequest {
	opt := func(v string) *slack.OptionBlockObject { return slack.NewOptionBlockObject(v, plain(v), nil) }
	title := slack.NewPlainTextInputBlockElement(plain("API service down"), "title")
	title.MaxLength = 80
	impact := slack.NewPlainTextInputBlockElement(plain("Who notices, and how"), "impact")
	impact.Multiline = true
	severity := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Severity"), "severity", opt("P0"), opt("P1"), opt("P2"), opt("P3"))
	severity.InitialOption = opt("P1")
	people := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, plain("People"), "people")
	when := slack.NewDateTimePickerBlockElement("since")
	when.InitialDateTime = 1795334400
	optional := func(b *slack.InputBlock) *slack.InputBlock { b.Optional = true; return b }
	check := slack.NewButtonBlockElement("check", "", plain("Check the service"))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: "declare", Title: plain("Declare an incident"), Submit: plain("Declare"), Close: plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock("title", plain("Title"), nil, title),
			slack.NewInputBlock("severity", plain("Severity"), plain("P0 and P1 page the person on call."), severity),
			optional(slack.NewInputBlock("impact", plain("Impact"), plain(hint), impact)),
			optional(slack.NewInputBlock("people", plain("Invite"), nil, people)),
			optional(slack.NewInputBlock("since", plain("Since"), nil, when)),
			optional(slack.NewInputBlock("ways", plain("Tell"), nil, slack.NewCheckboxGroupsBlockElement("ways", opt("Status page"), opt("Support")))),
			slack.NewActionBlock("checkrow", check),
		}}}
}

func (a *app) interaction(ctx context.Context, ev socketmode.Event, in slack.InteractionCallback) {
	switch in.Type {
	case slack.InteractionTypeViewSubmission:
		title := in.View.State.Values["title"]["title"].Value
		if strings.EqualFold(title, "test") {
			a.ack(ctx, ev, slack.NewErrorsViewSubmissionResponse(map[string]string{"title": "Say what is broken, not “test”."}))
			return
		}
		a.ack(ctx, ev, nil)
		a.mu.Lock()
		a.submits = append(a.submits, in.View)
		a.mu.Unlock()
		a.declare(ctx, a.channelNamed(ctx, "incidents"), in.User.ID, title)
	case slack.InteractionTypeBlockSuggestion:
		a.ack(ctx, ev, map[string]any{"options": []map[string]any{option("api-7f9c"), option("api-8d21"), option("worker-" + in.Value)}})
	case slack.InteractionTypeMessageAction, slack.InteractionTypeShortcut:
		a.ack(ctx, ev, nil)
		a.heard("shortcut " + in.CallbackID)
		if in.CallbackID != "timeline" {
			a.openForm(ctx, in.TriggerID)
			return
		}
		a.note(a.api.AddReactionContext(ctx, "pushpin", slack.NewRefToMessage(in.Channel.ID, in.Message.Timestamp)))
	case slack.InteractionTypeBlockActions:
		for _, act := range in.ActionCallback.BlockActions {
			a.click(ctx, ev, in, act)
		}
	default:
		a.ack(ctx, ev, nil)
	}
}

func option(v string) map[string]any {
	return map[string]any{"text": map[string]any{"type": "plain_text", "text": v}, "value": v}
}

func (a *app) click(ctx context.Context, ev socketmode.Event, in slack.InteractionCallback, act *slack.BlockAction) {
	raw, err := json.Marshal(act)
	a.note(err)
	a.heard("click " + act.ActionID + " " + string(raw))
	if act.ActionID == "slow" {
		time.Sleep(900 * time.Millisecond)
	}
	a.ack(ctx, ev, nil)
	switch act.ActionID {
	case "ack":
		if in.Message.Timestamp == "" {
			return
		}
		title := strings.TrimPrefix(in.Message.Text, "P1 Incident: ")
		if _, _, _, err := a.api.UpdateMessageContext(ctx, in.Channel.ID, in.Message.Timestamp, slack.MsgOptionText(in.Message.Text, false), slack.MsgOptionBlocks(card(title, in.User.ID, in.User.ID)...)); err != nil {
			a.note(err)
		}
	case "update":
		a.openForm(ctx, in.TriggerID)
	case "check":
		_, err := a.api.UpdateViewContext(ctx, form("The service answers 503 since 14:02."), "", in.View.Hash, in.View.ID)
		a.note(err)
	case "resolve":
		a.post(ctx, in.Channel.ID, slack.MsgOptionTS(in.Message.Timestamp), slack.MsgOptionBroadcast(), slack.MsgOptionText("✅ RESOLVED: the service answers again", false))
	case "home_declare":
		a.openForm(ctx, in.TriggerID)
	}
}

func (a *app) channelNamed(ctx context.Context, name string) string {
	channels, _, err := a.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Limit: 200})
	a.note(err)
	for _, c := range channels {
		if c.Name == name {
			return c.ID
		}
	}
	return ""
}

func (a *app) event(ctx context.Context, ev slackevents.EventsAPIEvent) {
	switch e := ev.InnerEvent.Data.(type) {
	case *slackevents.AppHomeOpenedEvent:
		declare := slack.NewButtonBlockElement("home_declare", "", plain("Declare incident")).WithStyle(slack.StylePrimary)
		_, err := a.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: e.User, View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewHeaderBlock(plain("You are on call")),
			slack.NewSectionBlock(mrkdwn("<@"+e.User+">, you are *primary* until Monday 09:00."), nil, nil),
			slack.NewActionBlock("home", declare),
			slack.NewDividerBlock(), slack.NewSectionBlock(mrkdwn("*Open incidents*\nNone."), nil, nil),
		}}}})
		a.note(err)
	case *slackevents.AppMentionEvent:
		thread := e.ThreadTimeStamp
		if thread == "" {
			thread = e.TimeStamp
		}
		a.post(ctx, e.Channel, slack.MsgOptionTS(thread), slack.MsgOptionText("Noted: "+e.Text, false))
	}
}
