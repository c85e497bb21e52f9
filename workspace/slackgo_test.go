package workspace_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"muster/workspace"
)

// room is a workspace that is served over a Pipe, with Slack's Go client connected to it.
type room struct {
	t    *testing.T
	ws   *workspace.Workspace
	pipe *workspace.Pipe
	http *http.Client
	api  *slack.Client
	ctx  context.Context
}

func defaults() workspace.Config {
	return workspace.Config{
		People: []workspace.Profile{
			{Handle: "alice", Name: "Alice Johnson", Email: "alice@example.com", TZ: "America/New_York"},
			{Handle: "bob", Name: "Bob Smith", Email: "bob@example.com"},
			{Handle: "carol", Name: "Carol Diaz", Email: "carol@example.com"},
		},
		Channels:   []workspace.Channel{{Name: "incidents"}, {Name: "random", Members: []string{"alice"}}, {Name: "secret", Private: true, Members: []string{"bob"}}},
		Commands:   []workspace.Command{{Command: "/incident", Description: "Incidents", UsageHint: "create title"}},
		Shortcuts:  []workspace.Shortcut{{Type: "message", CallbackID: "note", Name: "Add to timeline"}, {Type: "global", CallbackID: "declare", Name: "Declare incident"}},
		UserGroups: []workspace.UserGroup{{Handle: "sre", Members: []string{"alice"}}},
	}
}

// inRoom runs a test in a bubble; everything ends with it.
func inRoom(t *testing.T, cfg workspace.Config, test func(t *testing.T, r *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pipe := workspace.NewPipe()
		ws := workspace.New(cfg)
		transport := &http.Transport{DialContext: pipe.DialContext}
		r := &room{t: t, ws: ws, pipe: pipe, ctx: ctx, http: &http.Client{Transport: transport, Timeout: time.Minute}}
		r.api = slack.New(ws.BotToken(), slack.OptionAPIURL("http://workspace.test/api/"), slack.OptionHTTPClient(r.http), slack.OptionAppLevelToken(ws.AppToken()))
		var served sync.WaitGroup
		served.Go(func() {
			if err := ws.Serve(ctx, pipe); err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
		test(t, r)
		cancel()
		served.Wait()
		transport.CloseIdleConnections()
	})
}

// connect opens Socket Mode and gives every event to handle, which runs on one goroutine. It returns when hello came.
func (r *room) connect(handle func(*socketmode.Client, socketmode.Event)) {
	r.t.Helper()
	c := socketmode.New(r.api, socketmode.OptionDialer(&websocket.Dialer{NetDialContext: r.pipe.DialContext}))
	before := r.ws.Sockets()
	go func() {
		for {
			select {
			case e := <-c.Events:
				handle(c, e)
			case <-r.ctx.Done():
				return
			}
		}
	}()
	go c.RunContext(r.ctx)
	for range 100 {
		synctest.Wait()
		if r.ws.Sockets() > before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("the client did not connect")
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestStoryWithSlackGo(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		if auth := must[*slack.AuthTestResponse](t)(r.api.AuthTest()); auth.UserID != r.ws.BotUser() {
			t.Errorf("auth.test says %q", auth.UserID)
		}
		var posted string
		r.connect(func(c *socketmode.Client, e socketmode.Event) {
			switch e.Type {
			case socketmode.EventTypeSlashCommand:
				cmd := e.Data.(slack.SlashCommand)
				if cmd.Text == "form" {
					view := slack.ModalViewRequest{Type: slack.VTModal, Title: slack.NewTextBlockObject("plain_text", "Declare", false, false),
						Submit: slack.NewTextBlockObject("plain_text", "Go", false, false), CallbackID: "declare",
						Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock("title", slack.NewTextBlockObject("plain_text", "Title", false, false), nil,
							slack.NewPlainTextInputBlockElement(nil, "text"))}}}
					if _, err := r.api.OpenView(cmd.TriggerID, view); err != nil {
						t.Errorf("views.open: %v", err)
					}
					c.Ack(*e.Request)
					return
				}
				c.Ack(*e.Request, map[string]any{"text": "working on it"})
				button := slack.NewButtonBlockElement("ack", "INC-1", slack.NewTextBlockObject("plain_text", "Acknowledge", true, false))
				_, ts, err := r.api.PostMessage(cmd.ChannelID, slack.MsgOptionText("P1 "+cmd.Text, false), slack.MsgOptionBlocks(
					slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", cmd.Text, false, false), nil, nil), slack.NewActionBlock("buttons", button)))
				if err != nil {
					t.Errorf("post: %v", err)
				}
				posted = ts
			case socketmode.EventTypeInteractive:
				in := e.Data.(slack.InteractionCallback)
				c.Ack(*e.Request)
				switch in.Type {
				case slack.InteractionTypeBlockActions:
					a := in.ActionCallback.BlockActions[0]
					if a.ActionID != "ack" || a.Value != "INC-1" || in.Message.Timestamp != posted || in.Channel.Name != "incidents" {
						t.Errorf("click arrived as %+v", a)
					}
					if _, _, err := r.api.PostMessage(in.Channel.ID, slack.MsgOptionTS(posted), slack.MsgOptionText("acknowledged by <@"+in.User.ID+">", false)); err != nil {
						t.Errorf("reply: %v", err)
					}
				case slack.InteractionTypeViewSubmission:
					title := in.View.State.Values["title"]["text"].Value
					ch, _, _, err := r.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{in.User.ID}})
					if err != nil {
						t.Errorf("open: %v", err)
						return
					}
					if _, _, err := r.api.PostMessage(ch.ID, slack.MsgOptionText("declared "+title, false)); err != nil {
						t.Errorf("DM: %v", err)
					}
				}
			case socketmode.EventTypeEventsAPI:
				c.Ack(*e.Request)
			}
		})
		alice := r.ws.Person("alice")
		ack := must[workspace.Ack](t)(alice.Command("#incidents", "/incident create API <down>"))
		if !strings.Contains(string(ack.Payload), "working on it") {
			t.Errorf("acknowledged with %s", ack.Payload)
		}
		synctest.Wait()
		if e := alice.Ephemerals("#incidents"); len(e) != 1 || e[0].Text != "working on it" {
			t.Errorf("alice's ephemeral messages: %+v", e)
		}
		if m := r.ws.Person("bob").Messages("#incidents"); len(m) != 1 || m[0].Text != "P1 create API &lt;down&gt;" {
			t.Fatalf("bob reads %+v", m)
		}
		must[workspace.Ack](t)(r.ws.Person("bob").Click("#incidents", posted, "Acknowledge"))
		synctest.Wait()
		if th := alice.Thread("#incidents", posted); len(th) != 2 || th[0].ReplyCount != 1 || !strings.Contains(th[1].Text, r.ws.Person("bob").ID()) {
			t.Errorf("thread: %+v", th)
		}
		must[workspace.Ack](t)(alice.Command("#incidents", "/incident form"))
		views := alice.Views()
		if len(views) != 1 || views[0].TitleText() != "Declare" {
			t.Fatalf("alice's forms: %+v", views)
		}
		if res := must[workspace.SubmitResult](t)(alice.Submit(views[0].ID, nil)); res.Errors["title"] == "" {
			t.Errorf("an empty required field was sent: %+v", res)
		}
		must[workspace.SubmitResult](t)(alice.Submit(views[0].ID, map[string]any{"Title": "API service down"}))
		synctest.Wait()
		if len(alice.Views()) != 0 {
			t.Error("the form is still open")
		}
		if m := alice.Messages("@muster"); len(m) != 1 || m[0].Text != "declared API service down" {
			t.Errorf("alice's DM: %+v", m)
		}
		history := must[*slack.GetConversationHistoryResponse](t)(r.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: alice.ChannelID("#incidents")}))
		if len(history.Messages) != 1 || history.Messages[0].ReplyCount != 1 {
			t.Errorf("history: %s", mustJSON(history.Messages))
		}
	})
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
