package workspace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"muster/workspace"
)

// link is a Socket Mode connection without a client library: it keeps what it receives and acknowledges if told to.
type link struct {
	r    *room
	conn *websocket.Conn
	mu   sync.Mutex
	got  []object
	ack  func(envelope object) (payload any, ok bool) // nil: acknowledge nothing
	pong int
	mute bool // do not answer pings
	over chan struct{}
}

// address asks for a Socket Mode address.
func (r *room) address() string {
	r.t.Helper()
	return r.ok(r.json(r.ws.AppToken(), "/api/apps.connections.open", object{})).at("url").(string)
}

// open connects without a client library.
func (r *room) open(ack func(object) (any, bool)) *link {
	r.t.Helper()
	l, err := r.tryOpen(ack)
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func (r *room) tryOpen(ack func(object) (any, bool)) (*link, error) {
	d := websocket.Dialer{NetDialContext: r.pipe.DialContext}
	conn, resp, err := d.DialContext(r.ctx, r.address(), http.Header{"Origin": {"https://elsewhere.example"}})
	if err != nil {
		if resp != nil {
			err = fmt.Errorf("%w: %d", err, resp.StatusCode)
		}
		return nil, err
	}
	l := &link{r: r, conn: conn, ack: ack, over: make(chan struct{})}
	conn.SetPingHandler(func(data string) error {
		l.mu.Lock()
		l.pong++
		mute := l.mute
		l.mu.Unlock()
		if mute {
			return nil
		}
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	go l.read()
	synctest.Wait()
	return l, nil
}

func (l *link) read() {
	defer close(l.over)
	defer l.conn.Close()
	for {
		_, frame, err := l.conn.ReadMessage()
		if err != nil {
			return
		}
		var e object
		if json.Unmarshal(frame, &e) != nil {
			return
		}
		l.mu.Lock()
		l.got = append(l.got, e)
		ack := l.ack
		l.mu.Unlock()
		if id, _ := e["envelope_id"].(string); id != "" && ack != nil {
			if payload, ok := ack(e); ok {
				reply := object{"envelope_id": id}
				if payload != nil {
					reply["payload"] = payload
				}
				l.conn.WriteMessage(websocket.TextMessage, []byte(mustJSON(reply)))
			}
		}
	}
}

func always(object) (any, bool) { return nil, true }
func never(object) (any, bool)  { return nil, false }

// frames gives what was received, by type.
func (l *link) frames(kind string) []object {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []object
	for _, e := range l.got {
		if e["type"] == kind {
			out = append(out, e)
		}
	}
	return out
}

// events names the events received, in order.
func (l *link) events() []string {
	var out []string
	for _, e := range l.frames("events_api") {
		out = append(out, dig(e, "payload", "event", "type").(string))
	}
	return out
}

func TestHelloAndPings(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		hello := l.frames("hello")
		if len(hello) != 1 || dig(hello[0], "connection_info", "app_id") != r.ws.AppID() || hello[0]["num_connections"] != 1.0 {
			t.Fatalf("hello: %v", hello)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.pong < 10 {
			t.Errorf("%d pings in five minutes, want at least one every 30 s", l.pong)
		}
		if r.ws.Sockets() != 1 {
			t.Error("a connection that answers pings was closed")
		}
	})
}

func TestAddressIsUsedOnceAndSoon(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		d := websocket.Dialer{NetDialContext: r.pipe.DialContext}
		url := r.address()
		conn, _, err := d.Dial(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, _, err := d.Dial(url, nil); err == nil {
			t.Error("the address worked twice")
		}
		url = r.address()
		time.Sleep(2 * time.Minute)
		if _, _, err := d.Dial(url, nil); err == nil {
			t.Error("an old address worked")
		}
	})
}

func TestSilentConnectionIsClosed(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		l.mu.Lock()
		l.mute = true
		l.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.ws.Sockets() != 0 {
			t.Error("a connection that does not answer pings is still counted")
		}
	})
}

func TestTenConnectionsTakeTurns(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		var links []*link
		for range 10 {
			links = append(links, r.open(always))
		}
		eleventh := r.open(always)
		if d := eleventh.frames("disconnect"); len(d) != 1 || d[0]["reason"] != "too_many_websockets" || eleventh.frames("hello") != nil {
			t.Errorf("the eleventh got %v", eleventh.got)
		}
		<-eleventh.over
		for i := range 20 {
			must[workspace.Ack](t)(r.ws.Person("alice").Command("#incidents", fmt.Sprintf("/incident show %d", i)))
		}
		for i, l := range links {
			if n := len(l.frames("slash_commands")); n != 2 {
				t.Errorf("connection %d got %d of 20 commands", i, n)
			}
		}
	})
}

func TestEventsAreSentAgain(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(never)
		begun := time.Now()
		if _, err := r.ws.Person("alice").Say("#incidents", "hello", ""); err != nil {
			t.Fatal(err)
		}
		at := []time.Duration{0, 3 * time.Second, time.Minute, 5 * time.Minute}
		for i, d := range at {
			time.Sleep(time.Until(begun.Add(d + time.Second)))
			got := l.frames("events_api")
			if len(got) != i+1 {
				t.Fatalf("after %v: %d deliveries, want %d", d, len(got), i+1)
			}
			if got[i]["retry_attempt"] != float64(i) || got[i]["envelope_id"] != got[0]["envelope_id"] || dig(got[i], "payload", "event_id") != dig(got[0], "payload", "event_id") {
				t.Errorf("delivery %d: %v", i, got[i])
			}
		}
		time.Sleep(time.Hour)
		if got := l.frames("events_api"); len(got) != len(at) || r.ws.LostEvents() != 1 {
			t.Errorf("%d deliveries and %d lost at the end", len(got), r.ws.LostEvents())
		}
	})
}

func TestEventsWaitForAConnection(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		if _, err := r.ws.Person("alice").Say("#incidents", "hello", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		l := r.open(always)
		time.Sleep(2 * time.Minute)
		if got := l.frames("events_api"); len(got) != 1 || got[0]["retry_attempt"] != 2.0 {
			t.Errorf("delivered after the connection: %v", got)
		}
	})
}

func TestCommandsAndClicksAreNotSentAgain(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		alice := r.ws.Person("alice")
		if _, err := alice.Command("#incidents", "/incident list"); !errors.Is(err, workspace.ErrNotConnected) {
			t.Errorf("without a connection: %v", err)
		}
		l := r.open(never)
		begun := time.Now()
		if _, err := alice.Command("#incidents", "/incident list"); !errors.Is(err, workspace.ErrTimeout) || time.Since(begun) != 3*time.Second {
			t.Errorf("unacknowledged: %v after %v", err, time.Since(begun))
		}
		ts := r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "x", "blocks", `[{"type":"actions","elements":[{"type":"button","action_id":"go","text":{"type":"plain_text","text":"Go"}}]}]`)).at("ts").(string)
		if _, err := alice.Click("#incidents", ts, "go"); !errors.Is(err, workspace.ErrTimeout) {
			t.Errorf("unacknowledged click: %v", err)
		}
		time.Sleep(time.Hour)
		if c, i := len(l.frames("slash_commands")), len(l.frames("interactive")); c != 1 || i != 1 {
			t.Errorf("%d commands and %d clicks arrived", c, i)
		}
		if _, err := alice.Command("#incidents", "/nothing"); err == nil || err.Error() != "invalid_command" {
			t.Errorf("an unknown command: %v", err)
		}
	})
}

func TestBigAcknowledgementIsRefused(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		size := 19_000
		r.open(func(object) (any, bool) { return object{"text": strings.Repeat("x", size)}, true })
		ack := must[workspace.Ack](t)(r.ws.Person("alice").Command("#incidents", "/incident list"))
		if len(ack.Payload) < size || len(r.ws.Person("alice").Ephemerals("#incidents")) != 1 {
			t.Errorf("a payload of %d bytes was not taken", size)
		}
		size = 20_000
		if _, err := r.ws.Person("alice").Command("#incidents", "/incident list"); !errors.Is(err, workspace.ErrTimeout) || r.ws.RefusedAcks() != 1 {
			t.Errorf("a payload of %d bytes: %v, %d refused", size, err, r.ws.RefusedAcks())
		}
	})
}

func TestRefreshIsAskedFor(t *testing.T) {
	cfg := defaults()
	cfg.SocketLifetime = 10 * time.Minute
	inRoom(t, cfg, func(t *testing.T, r *room) {
		l := r.open(always)
		time.Sleep(9*time.Minute + 55*time.Second)
		if d := l.frames("disconnect"); len(d) != 1 || d[0]["reason"] != "warning" {
			t.Fatalf("before the end: %v", d)
		}
		must[workspace.Ack](t)(r.ws.Person("alice").Command("#incidents", "/incident list"))
		time.Sleep(10 * time.Second)
		if d := l.frames("disconnect"); len(d) != 2 || d[1]["reason"] != "refresh_requested" {
			t.Fatalf("at the end: %v", d)
		}
		if _, err := r.ws.Person("alice").Command("#incidents", "/incident list"); !errors.Is(err, workspace.ErrNotConnected) {
			t.Errorf("an old connection still gets envelopes: %v", err)
		}
		time.Sleep(20 * time.Second)
		<-l.over
	})
}

func TestSubscriptionsAndScopesDecideWhatArrives(t *testing.T) {
	say := func(t *testing.T, r *room, l *link) []string {
		alice := r.ws.Person("alice")
		ts, err := alice.Say("#incidents", "@muster help", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := alice.React("#incidents", ts, "pushpin"); err != nil {
			t.Fatal(err)
		}
		if _, err := alice.Say("@muster", "hi", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := alice.Say("#random", "the bot is not in here, @muster", ""); err != nil {
			t.Fatal(err)
		}
		alice.Home()
		r.ws.AddPerson(workspace.Profile{Handle: "dave"})
		if err := r.ws.Deactivate("carol"); err != nil {
			t.Fatal(err)
		}
		return l.events()
	}
	for name, c := range map[string]struct {
		change func(*workspace.Config)
		want   []string
	}{
		"everything": {func(*workspace.Config) {}, []string{"message", "app_mention", "reaction_added", "message", "app_home_opened", "team_join", "message", "member_joined_channel", "user_change"}},
		"few":        {func(c *workspace.Config) { c.BotEvents = []string{"app_mention", "message.im"} }, []string{"app_mention", "message"}},
		"no scope":   {func(c *workspace.Config) { c.Scopes = []string{"im:history"} }, []string{"message", "app_home_opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := defaults()
			c.change(&cfg)
			inRoom(t, cfg, func(t *testing.T, r *room) {
				if got := say(t, r, r.open(always)); !slices.Equal(got, c.want) {
					t.Errorf("arrived: %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestEventShape(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		if _, err := r.ws.Person("alice").Say("#incidents", "a < b & <@x> @bob #general", ""); err != nil {
			t.Fatal(err)
		}
		e := l.frames("events_api")[0]
		event := dig(e, "payload", "event")
		want := "a &lt; b &amp; &lt;@x&gt; " + r.ws.Person("bob").Mention() + " <#" + r.id("#general") + "|general>"
		for path, v := range map[string]any{"text": want, "channel": r.id("#incidents"), "channel_type": "channel", "user": r.ws.Person("alice").ID(), "type": "message"} {
			if dig(event, path) != v {
				t.Errorf("event.%s is %v, want %v", path, dig(event, path), v)
			}
		}
		if dig(e, "payload", "type") != "event_callback" || dig(e, "payload", "api_app_id") != r.ws.AppID() || dig(e, "payload", "authorizations", 0, "user_id") != r.ws.BotUser() || e["accepts_response_payload"] != false {
			t.Errorf("envelope: %v", e)
		}
		r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "own", "metadata", `{"event_type":"x","event_payload":{}}`))
		got := l.frames("events_api")
		if own := dig(got[len(got)-1], "payload", "event"); dig(own, "text") != "own" || dig(own, "bot_id") == nil || dig(own, "metadata") != nil {
			t.Errorf("the bot's own message arrived as %v", own)
		}
	})
}
