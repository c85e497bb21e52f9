package bot_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"muster/bot"
	"muster/workspace"
)

func TestEveryThirdCallIsRefused(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		w.ws.SetFaults(workspace.Faults{RateLimitEvery: 3})
		a := w.ws.Person("alice")
		for range 6 {
			first(a.Say("#incidents", "@muster ack INC-1", s.Card.TS))
			time.Sleep(5 * time.Second)
		}
		w.ws.SetFaults(workspace.Faults{})
		time.Sleep(time.Minute)
		if n := len(a.Thread("#incidents", s.Card.TS)) - 1; n != 12 {
			w.Errorf("the thread has %d messages, want six questions and six answers", n)
		}
		if n := w.desk.recorded(); n != 6 {
			w.Errorf("%d changes", n)
		}
	})
}

func TestTenMinutesWithoutSlackLoseNothing(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(5 * time.Second)
		a := w.ws.Person("alice")
		first(a.Say("#incidents", "@muster ack INC-1", s.Card.TS))
		time.Sleep(90 * time.Second)
		w.ws.SetFaults(workspace.Faults{})
		time.Sleep(10 * time.Minute)
		if got := w.desk.recorded(); got != 1 {
			w.Errorf("%d changes after the redelivery, want one", got)
		}
		w.wantOne(a.Thread("#incidents", s.Card.TS), "done: ack INC-1")
	})
}

func TestSlowSlackIsStillAcknowledgedInTime(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		w.ws.SetFaults(workspace.Faults{SlowMS: 1000})
		for range 5 {
			if ack := command(w, "alice", "/incident ack INC-1"); ack.Took > 3*time.Second {
				w.Errorf("a command was acknowledged after %s", ack.Took)
			}
			ack := first(w.ws.Person("bob").Click("#incidents", s.Card.TS, "Post update"))
			if ack.Took > 3*time.Second {
				w.Errorf("a click was acknowledged after %s", ack.Took)
			}
			w.settle()
			if v := w.ws.Person("bob").Views(); len(v) != 1 || v[0].TitleText() != "Form update" {
				w.Errorf("bob sees %+v", v)
			} else if err := w.ws.Person("bob").CloseView(v[0].ID); err != nil {
				w.Error(err)
			}
		}
	})
}

// oddSlack is a Socket Mode server that does what Slack should not.
type oddSlack struct {
	conns atomic.Int64
	serve func(*websocket.Conn) // owns the connection
}

func (o *oddSlack) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		c, err := up.Upgrade(rw, r, nil)
		if err != nil {
			return
		}
		o.conns.Add(1)
		defer c.Close()
		o.serve(c)
		return
	}
	answer := map[string]any{"ok": true, "user_id": "U1", "bot_id": "B1", "url": "http://slack.test/", "members": []any{}}
	if strings.HasSuffix(r.URL.Path, "apps.connections.open") {
		answer["url"] = "ws://slack.test/link"
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(answer)
}

// inOddTown runs the bot against it for a while.
func inOddTown(t *testing.T, o *oddSlack, test func(*bot.Bot)) {
	t.Helper()
	inOddTownWith(t, o, func(b *bot.Bot, _ *desk) { test(b) })
}

func inOddTownWith(t *testing.T, o *oddSlack, test func(*bot.Bot, *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := workspace.NewPipe()
		srv := &http.Server{Handler: o}
		var parts sync.WaitGroup
		parts.Go(func() { _ = srv.Serve(pipe) })
		d := newDesk()
		b := bot.New(bot.Config{
			BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: "http://slack.test/api", Dial: pipe.DialContext, Commands: d, Incidents: d,
			Log: slog.New(slog.DiscardHandler),
		})
		ctx, stop := context.WithCancel(t.Context())
		parts.Go(func() {
			if err := b.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		test(b, d)
		stop()
		time.Sleep(time.Minute)
		b.Close()
		_ = srv.Close()
		_ = pipe.Close()
		parts.Wait()
	})
}

const hello = `{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"}}`

func TestUnreadableEnvelopesAreAcknowledged(t *testing.T) {
	var acked sync.Map
	o := &oddSlack{serve: func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(hello))
		for _, m := range []string{
			`{"envelope_id":"e1","type":"invented","payload":{"a":1}}`,
			`{"envelope_id":"e2","type":"events_api","payload":{"event_id":"Ev1","event":{"type":"invented_event"}}}`,
			`{"envelope_id":"e3","type":"events_api","payload":{"event_id":"Ev2","event":"odd"}}`,
			`{"envelope_id":"e4","type":"slash_commands","payload":[]}`,
			`{"envelope_id":"e5","type":"interactive","payload":{"type":"invented","user":{"id":"U1"}}}`,
			`{"no":"envelope"}`, `[]`,
		} {
			_ = c.WriteMessage(websocket.TextMessage, []byte(m))
		}
		for {
			var a struct {
				ID string `json:"envelope_id"`
			}
			if c.ReadJSON(&a) != nil {
				return
			}
			acked.Store(a.ID, true)
		}
	}}
	inOddTown(t, o, func(*bot.Bot) {
		time.Sleep(5 * time.Second)
		for _, id := range []string{"e1", "e2", "e3", "e4", "e5"} {
			if _, ok := acked.Load(id); !ok {
				t.Errorf("%s was not acknowledged", id)
			}
		}
	})
}

func TestReconnectingBacksOff(t *testing.T) {
	o := &oddSlack{serve: func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(hello))
		_ = c.WriteMessage(websocket.TextMessage, []byte(`{"type":"disconnect","reason":"refresh_requested"}`))
		time.Sleep(time.Second)
	}}
	inOddTown(t, o, func(b *bot.Bot) {
		time.Sleep(10 * time.Minute)
		if n := o.conns.Load(); n < 20 || n > 500 {
			t.Errorf("%d connections in ten minutes", n)
		}
		if b.Stats().Reconnects == 0 {
			t.Error("the reconnects are not counted")
		}
	})
}

func TestSilentConnectionIsReplaced(t *testing.T) {
	o := &oddSlack{serve: func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(hello))
		_, _, _ = c.ReadMessage() // no pings, no end
	}}
	inOddTown(t, o, func(b *bot.Bot) {
		time.Sleep(25 * time.Second)
		if age := time.Since(b.LastFrame()); age < 20*time.Second {
			t.Errorf("the last frame is only %s old", age)
		}
		time.Sleep(90 * time.Second)
		if n := o.conns.Load(); n < 4 {
			t.Errorf("%d connections after two silent minutes", n)
		}
	})
}

func TestWrongTokensEndTheBot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pipe := workspace.NewPipe()
		ws := workspace.New(townConfig())
		var served sync.WaitGroup
		served.Go(func() { _ = ws.Serve(ctx, pipe) })
		for _, c := range []struct{ bot, app, want string }{
			{"xoxb-wrong", ws.AppToken(), "does not accept SLACK_BOT_TOKEN"}, {ws.BotToken(), "xapp-wrong", "check SLACK_APP_TOKEN"},
		} {
			d := newDesk()
			b := bot.New(bot.Config{BotToken: c.bot, AppToken: c.app, APIURL: "http://workspace.test/api", Dial: pipe.DialContext, Commands: d, Incidents: d})
			err := b.Run(ctx)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong") {
				t.Errorf("%v, want %q", err, c.want)
			}
			b.Close()
		}
		cancel()
		served.Wait()
	})
}
