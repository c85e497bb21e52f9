package bot_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"muster/bot"
)

// A mistake in the handling of an envelope, outside of the command itself, ends
// neither the program nor the wait: the person is told, and the next try counts.
func TestMistakeIsToldAndNotTheEnd(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		alice := w.ws.Person("alice")
		ts := first(alice.Say("#incidents", "errors fall", s.Card.TS))
		w.desk.set(func(d *desk) { d.broken = 1 })
		first(alice.Shortcut("Add to timeline", "#incidents", ts))
		w.settle()
		if shown := alice.Ephemerals("#incidents"); len(shown) != 1 || !strings.Contains(string(shown[0].Blocks), "Muster made a mistake") {
			w.Errorf("alice sees %+v", shown)
		}
		first(alice.Shortcut("Add to timeline", "#incidents", ts))
		w.settle()
		if len(w.desk.forms) != 1 {
			w.Errorf("%d notes after the second try, want one", len(w.desk.forms))
		}
	})
}

// A pinned message whose handling broke off is not acknowledged: Slack sends it
// again, and then it counts.
func TestMistakeWithAPinIsTriedAgain(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		alice := w.ws.Person("alice")
		ts := first(alice.Say("#incidents", "worth keeping", s.Card.TS))
		w.desk.set(func(d *desk) { d.broken = 1 })
		if err := alice.React("#incidents", ts, "pushpin"); err != nil {
			w.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if n := w.desk.recorded(); n != 1 {
			w.Errorf("%d changes, want one by the redelivery", n)
		}
	})
}

// Two requests that nothing identifies are two requests: neither is taken for
// the other's repeat and left out.
func TestRequestsWithoutAnIdentityAreAllCarriedOut(t *testing.T) {
	var sent atomic.Bool
	var acked sync.Map
	o := &oddSlack{serve: func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(hello))
		if !sent.Swap(true) {
			for id, payload := range map[string]string{
				"a1": `{"type":"view_submission","user":{"id":"U2"},"view":{"callback_id":"form","private_metadata":"{\"form\":\"note\"}"}}`,
				"a2": `{"type":"view_submission","user":{"id":"U3"},"view":{"callback_id":"form","private_metadata":"{\"form\":\"note\"}"}}`,
				"b1": `{"type":"block_actions","user":{"id":"U2"},"actions":[{"action_id":"ack","value":"INC-1"}]}`,
				"b2": `{"type":"block_actions","user":{"id":"U2"},"actions":[{"action_id":"ack","value":"INC-2"}]}`,
				"c1": `{"type":"message_action","callback_id":"add_to_timeline","user":{"id":"U2"}}`,
				"c2": `{"type":"message_action","callback_id":"add_to_timeline","user":{"id":"U2"}}`,
			} {
				_ = c.WriteMessage(websocket.TextMessage, []byte(`{"envelope_id":"`+id+`","type":"interactive","payload":`+payload+`}`))
			}
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
	inOddTownWith(t, o, func(_ *bot.Bot, d *desk) {
		time.Sleep(20 * time.Second)
		for _, id := range []string{"a1", "a2", "b1", "b2", "c1", "c2"} {
			if _, ok := acked.Load(id); !ok {
				t.Errorf("%s was not acknowledged", id)
			}
		}
		if n := d.recorded(); n != 6 {
			t.Errorf("%d requests were carried out, want six: %q", n, d.said())
		}
	})
}

// A direct message with a file is a command as any other; what the bot itself
// hands over is none, and neither is a file alone.
func TestDirectMessageWithAFileIsACommand(t *testing.T) {
	var sent atomic.Bool
	o := &oddSlack{serve: func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(hello))
		if !sent.Swap(true) {
			for id, event := range map[string]string{
				"e1": `"user":"U2","subtype":"file_share","text":"create P1 API down"`,
				"e2": `"user":"U1","subtype":"file_share","text":"statistics"`,
				"e3": `"user":"U2","subtype":"file_share"`,
				"e4": `"user":"U2","subtype":"message_changed","text":"resolve"`,
			} {
				_ = c.WriteMessage(websocket.TextMessage, []byte(`{"envelope_id":"`+id+`","type":"events_api","payload":{"event_id":"`+id+`","event":{"type":"message","channel":"D1","channel_type":"im","ts":"1.1",`+event+`}}}`))
			}
		}
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}}
	inOddTownWith(t, o, func(_ *bot.Bot, d *desk) {
		time.Sleep(20 * time.Second)
		if got := d.said(); len(got) != 1 || got[0] != "create P1 API down" {
			t.Errorf("commands: %q", got)
		}
	})
}

// An answer of the Web API that names no channel is an error as any other.
func TestAnswerWithoutAChannel(t *testing.T) {
	o := &oddSlack{serve: func(c *websocket.Conn) { _, _, _ = c.ReadMessage() }}
	inOddTown(t, o, func(b *bot.Bot) {
		if id, err := b.API().OpenDM(context.Background(), "U2"); err == nil || !strings.Contains(err.Error(), "names no channel") {
			t.Errorf("the channel is %q (%v)", id, err)
		}
	})
}
