package workspace_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"muster/workspace"
)

// watcher reads a person's event stream.
type watcher struct {
	mu     sync.Mutex
	events []object
	ids    []string
	stop   func()
}

func (r *room) watch(person, since string) *watcher {
	r.t.Helper()
	req, _ := http.NewRequest("GET", "http://workspace.test/client/events?token="+r.ws.Person(person).Token(), nil)
	if since != "" {
		req.Header.Set("Last-Event-ID", since)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: r.pipe.DialContext, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		r.t.Fatalf("events: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	w := &watcher{stop: func() { resp.Body.Close() }}
	go func() {
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			w.mu.Lock()
			if data, ok := strings.CutPrefix(in.Text(), "data: "); ok {
				var e object
				if json.Unmarshal([]byte(data), &e) == nil {
					w.events = append(w.events, e)
				}
			} else if id, ok := strings.CutPrefix(in.Text(), "id: "); ok {
				w.ids = append(w.ids, id)
			}
			w.mu.Unlock()
		}
	}()
	synctest.Wait()
	return w
}

func (w *watcher) kinds() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.events {
		kind := e["type"].(string)
		if sub, _ := e["subtype"].(string); sub != "" {
			kind += "." + sub
		}
		out = append(out, kind)
	}
	return out
}

func (w *watcher) lastID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ids[len(w.ids)-1]
}

func TestBoot(t *testing.T) {
	cfg := defaults()
	cfg.Hint = "Try /incident create"
	inRoom(t, cfg, func(t *testing.T, r *room) {
		req, _ := http.NewRequest("GET", "http://workspace.test/client/boot", nil)
		a := r.ok(r.send(req))
		if a.at("team", "name") != "Local workspace" || len(a.at("people").([]any)) != 3 || a.at("people", 0, "token") != r.ws.Person("alice").Token() ||
			a.at("bot", "user_id") != r.ws.BotUser() || a.at("commands", 0, "command") != "/incident" || a.at("shortcuts", 0, "callback_id") != "note" ||
			a.at("clock", "speed") != 1.0 || a.at("hint") != cfg.Hint || a.at("faults", "slack_down") != false {
			t.Errorf("boot: %v", a.object)
		}
		if len(a.at("channels").([]any)) != 3 {
			t.Errorf("a private channel is shown to everyone: %v", a.at("channels"))
		}
		req, _ = http.NewRequest("GET", "http://workspace.test/", nil)
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if page, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.Contains(strings.ToLower(string(page)), "<!doctype html>") {
			t.Errorf("the page: %d", resp.StatusCode)
		}
	})
}

func TestEventStreamAndResume(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		w := r.watch("alice", "")
		ts := r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "card")).at("ts").(string)
		if k := w.kinds(); !slices.Equal(k, []string{"message"}) {
			t.Fatalf("seen: %v", k)
		}
		last := w.lastID()
		w.stop()
		ch := r.id("#incidents")
		r.ok(r.bot("chat.update", "channel", ch, "ts", ts, "text", "changed"))
		r.ok(r.bot("reactions.add", "channel", ch, "timestamp", ts, "name", "eyes"))
		r.ok(r.bot("pins.add", "channel", ch, "timestamp", ts))
		if _, err := r.ws.Person("bob").Say("#secret", "not for alice", ""); err != nil {
			t.Fatal(err)
		}
		r.ok(r.bot("chat.postEphemeral", "channel", ch, "user", r.ws.Person("bob").ID(), "text", "not for alice either"))
		r.ok(r.bot("chat.delete", "channel", ch, "ts", ts))
		again := r.watch("alice", last)
		want := []string{"message.message_changed", "reaction_added", "pin_added", "message.message_deleted"}
		if k := again.kinds(); !slices.Equal(k, want) {
			t.Errorf("after resuming: %v, want %v", k, want)
		}
		if k := r.watch("bob", last).kinds(); !slices.Equal(k, []string{"message.message_changed", "reaction_added", "pin_added", "message", "ephemeral", "message.message_deleted"}) {
			t.Errorf("bob sees %v", k)
		}
		if k := r.watch("alice", "999999").kinds(); !slices.Equal(k, []string{"resync"}) {
			t.Errorf("a client of another life: %v", k)
		}
		req, _ := http.NewRequest("GET", "http://workspace.test/client/events?token=wrong", nil)
		if a := r.send(req); a.status != 401 {
			t.Errorf("without a token: %d", a.status)
		}
	})
}

func TestClientForm(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		answerWith := any(nil)
		l := r.open(func(object) (any, bool) { return answerWith, true })
		alice := r.ws.Person("alice")
		w := r.watch("alice", "")
		r.ok(r.json(alice.Token(), "/client/command", object{"channel": r.id("#incidents"), "text": "/incident create"}))
		cmd := l.frames("slash_commands")[0]
		if dig(cmd, "payload", "command") != "/incident" || dig(cmd, "payload", "text") != "create" || dig(cmd, "payload", "channel_name") != "incidents" || dig(cmd, "payload", "user_name") != "alice" {
			t.Errorf("the command arrived as %v", cmd)
		}
		id := r.ok(r.view("views.open", object{"trigger_id": dig(cmd, "payload", "trigger_id"), "view": modal("One")})).at("view", "id").(string)
		submit := func(value any) answer {
			return r.json(alice.Token(), "/client/view/submit", object{"view_id": id, "state": object{"values": object{"b": object{"a": object{"type": "plain_text_input", "value": value}}}}})
		}
		r.want(r.json(r.ws.Person("bob").Token(), "/client/view/submit", object{"view_id": id}), "view_not_found")
		if a := submit(nil); a.at("ok") != false || a.at("response_action") != "errors" || a.at("errors", "b") == nil {
			t.Errorf("an empty field: %v", a.object)
		}
		answerWith = object{"response_action": "errors", "errors": object{"b": "taken"}}
		if a := submit("x"); a.at("ok") != false || a.at("errors", "b") != "taken" {
			t.Errorf("refused by the app: %v", a.object)
		}
		answerWith = nil
		r.ok(submit("x"))
		if k := w.kinds(); !slices.Equal(k, []string{"view_opened", "view_closed"}) {
			t.Errorf("seen: %v", k)
		}
		r.want(submit("x"), "view_not_found")
		r.want(r.json(r.ws.Person("bob").Token(), "/client/view/close", object{"view_id": id}), "view_not_found")
	})
}

func TestCommandThatFailsIsTold(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		w := r.watch("alice", "")
		r.open(never)
		r.want(r.json(r.ws.Person("alice").Token(), "/client/command", object{"channel": r.id("#incidents"), "text": "/incident list"}), "operation_timeout")
		if k := w.kinds(); !slices.Equal(k, []string{"bot_status", "command_failed"}) || w.events[1]["error"] != "/incident failed: operation_timeout" {
			t.Errorf("seen: %v %v", k, w.events)
		}
		r.want(r.json(r.ws.Person("alice").Token(), "/client/command", object{"channel": r.ws.Person("bob").ChannelID("#secret"), "text": "/incident list"}), "channel_not_found")
	})
}

func TestClientSwitches(t *testing.T) {
	speed := 1.0
	cfg := defaults()
	cfg.Speed, cfg.SetSpeed = func() float64 { return speed }, func(s float64) { speed = s }
	inRoom(t, cfg, func(t *testing.T, r *room) {
		token := r.ws.Person("alice").Token()
		w := r.watch("bob", "")
		r.ok(r.json(token, "/client/clock", object{"speed": 60}))
		r.want(r.json(token, "/client/clock", object{"speed": 1000}), "invalid_speed")
		r.ok(r.json(token, "/client/faults", object{"rate_limit_every": 3, "double_envelopes": true}))
		r.ok(r.json(token, "/client/faults", object{"slow_ms": 5}))
		if f := r.ws.Faults(); f.RateLimitEvery != 3 || !f.DoubleEnvelopes || f.SlowMS != 5 {
			t.Errorf("faults: %+v", f)
		}
		if k := w.kinds(); speed != 60 || !slices.Equal(k, []string{"clock", "faults", "faults"}) {
			t.Errorf("speed %v, seen %v", speed, k)
		}
		r.ok(r.json(token, "/client/faults", object{"deactivate": "carol"}))
		r.want(r.as("carol", "auth.test"), "account_inactive")
		r.ok(r.json(token, "/client/faults", object{"reactivate": "carol"}))
		r.ok(r.as("carol", "auth.test"))
		r.want(r.json(token, "/client/faults", object{"deactivate": "nobody"}), "user_not_found")
		r.want(r.json(token, "/client/phone/key", object{"call_id": "1", "digit": "1"}), "no_call")
		r.want(r.json("xoxp-wrong", "/client/home", object{}), "invalid_auth")
		r.want(r.json(r.ws.BotToken(), "/client/home", object{}), "not_allowed_token_type")
	})
}

func TestFiles(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		up := r.ok(r.bot("files.getUploadURLExternal", "filename", "chart.png", "length", "8"))
		url, id := up.at("upload_url").(string), up.at("file_id").(string)
		if !strings.HasPrefix(url, "http://workspace.test/upload/") {
			t.Fatalf("the upload address %s is on another host", url)
		}
		r.want(r.bot("files.completeUploadExternal", "files", `[{"id":"`+id+`"}]`), "file_not_found")
		req, _ := http.NewRequest("POST", url, strings.NewReader("\x89PNG\r\n\x1a\n"))
		if a := r.send(req); a.status != 200 {
			t.Fatalf("upload: %d", a.status)
		}
		r.ok(r.bot("files.completeUploadExternal", "files", `[{"id":"`+id+`","title":"Chart"}]`, "channel_id", r.id("#incidents"), "initial_comment", "see"))
		info := r.ok(r.as("alice", "files.info", "file", id))
		if info.at("file", "title") != "Chart" || info.at("file", "mimetype") != "image/png" {
			t.Errorf("file: %v", info.object)
		}
		if m := r.ws.Person("alice").Messages("#incidents"); len(m) != 1 || len(m[0].Files) != 1 || m[0].Text != "see" {
			t.Errorf("shared as %+v", m)
		}
		req, _ = http.NewRequest("GET", info.at("file", "url_private").(string), nil)
		if a := r.send(req); a.status != 404 {
			t.Errorf("without a token: %d", a.status)
		}
		req.Header.Set("Authorization", "Bearer "+r.ws.Person("alice").Token())
		if a := r.send(req); a.status != 200 || a.header.Get("Content-Type") != "image/png" {
			t.Errorf("with a token: %d %s", a.status, a.header.Get("Content-Type"))
		}
	})
}

func TestPagesFromElsewhereAreRefused(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		for host, want := range map[string]int{"127.0.0.1:3000": 200, "[::1]:3000": 200, "localhost:3000": 200, "evil.example": 403} {
			req, _ := http.NewRequest("GET", "http://workspace.test/client/boot", nil)
			req.Host = host
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if a := r.send(req); a.status != want {
				t.Errorf("%s: %d, want %d", host, a.status, want)
			}
		}
	})
}

func TestUnreadMarks(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		alice, carol := r.ws.Person("alice"), r.ws.Person("carol")
		say := func(p *workspace.Person, channel, text, thread string) string {
			return must[string](t)(p.Say(channel, text, thread))
		}
		unread := func(p *workspace.Person, channel string) any { return p.Channel(channel)["unread_count"] }
		first := say(alice, "#incidents", "one", "")
		say(alice, "#incidents", "two", "")
		if unread(carol, "#incidents") != 2 || unread(alice, "#incidents") != 0 {
			t.Errorf("carol has %v unread, alice %v", unread(carol, "#incidents"), unread(alice, "#incidents"))
		}
		say(carol, "#incidents", "a reply does not mark the channel as read", first)
		if unread(carol, "#incidents") != 2 {
			t.Errorf("after a reply: %v", unread(carol, "#incidents"))
		}
		r.ok(r.as("carol", "conversations.mark", "channel", r.id("#incidents"), "ts", first))
		if unread(carol, "#incidents") != 1 {
			t.Errorf("after the mark: %v", unread(carol, "#incidents"))
		}
		say(alice, "#random", "before carol came", "")
		if err := carol.Join("#random"); err != nil {
			t.Fatal(err)
		}
		if unread(carol, "#random") != 0 {
			t.Errorf("after joining: %v", unread(carol, "#random"))
		}
	})
}

func TestTell(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		alice, bob := r.watch("alice", ""), r.watch("bob", "")
		if err := r.ws.Tell("call", map[string]any{"call_id": "1"}, "alice"); err != nil {
			t.Fatal(err)
		}
		if err := r.ws.Tell("call", nil, "nobody"); err == nil {
			t.Error("telling nobody went well")
		}
		if k := alice.kinds(); !slices.Equal(k, []string{"call"}) || bob.kinds() != nil {
			t.Errorf("alice saw %v, bob %v", k, bob.kinds())
		}
	})
}

func TestNothingRunsAfterTheEnd(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		r.open(never)
		r.watch("alice", "")
		r.ws.SetFaults(workspace.Faults{CutEveryMS: 60_000})
		if _, err := r.ws.Person("alice").Say("#incidents", "redelivery is pending", ""); err != nil {
			t.Fatal(err)
		}
		// inRoom ends here: synctest fails when a goroutine stays.
	})
}
