package workspace_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"muster/workspace"
)

type object = map[string]any

// answer is what a method said.
type answer struct {
	object
	status int
	header http.Header
}

func (a answer) err() string {
	s, _ := a.object["error"].(string)
	return s
}

// at digs into the answer; numbers index arrays.
func (a answer) at(path ...any) any { return dig(a.object, path...) }

func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

// send does one request and reads the answer.
func (r *room) send(req *http.Request) answer {
	r.t.Helper()
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatalf("%s: %v", req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if json.Unmarshal(body, &a.object) != nil {
		a.object = object{"body": string(body)}
	}
	return a
}

// form calls a method with a form body; pairs are names and values.
func (r *room) form(token, method string, pairs ...string) answer {
	r.t.Helper()
	vs := url.Values{}
	if token != "" {
		vs.Set("token", token)
	}
	for i := 0; i < len(pairs); i += 2 {
		vs.Set(pairs[i], pairs[i+1])
	}
	req, _ := http.NewRequest("POST", "http://workspace.test/api/"+method, strings.NewReader(vs.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.send(req)
}

// json posts JSON with a Bearer header to a path.
func (r *room) json(token, path string, body any) answer {
	r.t.Helper()
	req, _ := http.NewRequest("POST", "http://workspace.test"+path, strings.NewReader(mustJSON(body)))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return r.send(req)
}

// bot calls a method as the bot.
func (r *room) bot(method string, pairs ...string) answer {
	r.t.Helper()
	return r.form(r.ws.BotToken(), method, pairs...)
}

// as calls a method as a person.
func (r *room) as(person, method string, pairs ...string) answer {
	r.t.Helper()
	return r.form(r.ws.Person(person).Token(), method, pairs...)
}

// ok wants success.
func (r *room) ok(a answer) answer {
	r.t.Helper()
	if a.object["ok"] != true {
		r.t.Fatalf("refused: %v", a.object)
	}
	return a
}

// want wants a refusal; empty: success.
func (r *room) want(a answer, slackCode string) {
	r.t.Helper()
	if a.err() != slackCode {
		r.t.Errorf("answered %q (%v), want %q", a.err(), a.object, slackCode)
	}
}

func (r *room) id(channel string) string { return r.ws.Person("alice").ChannelID(channel) }

func unlimited() workspace.Config {
	c := defaults()
	c.Unlimited = true
	return c
}

func TestWireForms(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		incidents := r.id("#incidents")
		r.ok(r.form(r.ws.BotToken(), "chat.postMessage", "channel", incidents, "text", "by form"))
		r.ok(r.json(r.ws.BotToken(), "/api/chat.postMessage", object{"channel": incidents, "text": "by JSON", "blocks": []object{{"type": "divider"}}}))
		req, _ := http.NewRequest("GET", "http://workspace.test/api/conversations.info?channel="+incidents, nil)
		req.Header.Set("Authorization", "Bearer "+r.ws.BotToken())
		r.ok(r.send(req))
		// A JSON body is not read where Slack does not read one.
		r.want(r.json(r.ws.BotToken(), "/api/conversations.info", object{"channel": incidents}), "invalid_arguments")
		r.want(r.json(r.ws.BotToken(), "/api/chat.postMessage", []string{}), "json_not_object")
		r.want(r.form(r.ws.BotToken(), "chat.shout"), "unknown_method")
		a := r.bot("chat.update", "channel", incidents)
		r.want(a, "invalid_arguments")
		if got := a.at("response_metadata", "messages", 0); got != "[ERROR] missing required field: ts" {
			t.Errorf("messages: %v", got)
		}
		if m := r.ws.Person("alice").Messages("#incidents"); len(m) != 2 || m[1].Text != "by JSON" {
			t.Errorf("posted: %+v", m)
		}
	})
}

func TestTokens(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		r.want(r.form("", "auth.test"), "not_authed")
		r.want(r.form("xoxb-wrong", "auth.test"), "invalid_auth")
		r.want(r.form("", "api.test"), "")
		r.want(r.form(r.ws.AppToken(), "chat.postMessage", "channel", "C", "text", "x"), "not_allowed_token_type")
		r.want(r.bot("apps.connections.open"), "not_allowed_token_type")
		if a := r.ok(r.json(r.ws.AppToken(), "/api/apps.connections.open", object{})); !strings.HasPrefix(a.at("url").(string), "ws://workspace.test/link/") {
			t.Errorf("url: %v", a.at("url"))
		}
		if a := r.ok(r.as("bob", "auth.test")); a.at("user_id") != r.ws.Person("bob").ID() || a.at("bot_id") != nil {
			t.Errorf("auth.test of bob: %v", a.object)
		}
		if err := r.ws.Deactivate("bob"); err != nil {
			t.Fatal(err)
		}
		r.want(r.as("bob", "auth.test"), "account_inactive")
		r.want(r.bot("users.lookupByEmail", "email", "bob@example.com"), "users_not_found")
		if a := r.ok(r.bot("users.info", "user", r.ws.Person("bob").ID())); a.at("user", "deleted") != true {
			t.Errorf("users.info: %v", a.object)
		}
	})
}

func TestScopes(t *testing.T) {
	cfg := defaults()
	cfg.Scopes = []string{"chat:write", "channels:read", "channels:history", "users:read"}
	inRoom(t, cfg, func(t *testing.T, r *room) {
		incidents := r.id("#incidents")
		r.ok(r.bot("chat.postMessage", "channel", incidents, "text", "x"))
		for _, c := range []struct {
			method, needed string
			args           []string
		}{
			{"reactions.add", "reactions:write", []string{"channel", incidents, "name", "eyes", "timestamp", "1.0"}},
			{"conversations.create", "channels:manage", []string{"name", "x"}},
			{"conversations.create", "groups:write", []string{"name", "x", "is_private", "true"}},
			{"conversations.list", "im:read", []string{"types", "public_channel,im"}},
			{"conversations.open", "im:write", []string{"users", "U1"}},
			{"conversations.open", "mpim:write", []string{"users", "U1,U2"}},
			{"conversations.invite", "channels:manage,channels:write.invites", []string{"channel", incidents, "users", "U1"}},
			{"conversations.setTopic", "channels:manage,channels:write.topic", []string{"channel", incidents, "topic", "x"}},
			{"users.lookupByEmail", "users:read.email", []string{"email", "alice@example.com"}},
			{"chat.postMessage", "chat:write.customize", []string{"channel", incidents, "text", "x", "username", "other"}},
		} {
			a := r.bot(c.method, c.args...)
			if a.err() != "missing_scope" || a.at("needed") != c.needed || a.at("provided") != strings.Join(cfg.Scopes, ",") {
				t.Errorf("%s: %v, want missing_scope %s", c.method, a.object, c.needed)
			}
		}
		// Without chat:write.public the bot must be a member; without users:read.email addresses stay hidden.
		r.want(r.bot("chat.postMessage", "channel", r.id("#random"), "text", "x"), "not_in_channel")
		if a := r.ok(r.bot("users.info", "user", r.ws.Person("alice").ID())); a.at("user", "profile", "email") != nil {
			t.Error("the e-mail address was shown")
		}
		// People are not bound by the bot's scopes.
		r.ok(r.as("alice", "reactions.add", "channel", incidents, "name", "eyes", "timestamp", r.ws.Person("alice").Messages("#incidents")[0].TS))
	})
}

func TestEveryMethodHasTierScopesAndHandler(t *testing.T) {
	noScope := map[string]bool{"api.test": true, "auth.test": true, "apps.connections.open": true, "chat.getPermalink": true}
	for _, name := range workspace.Methods() {
		scopes, ok := workspace.ScopesOf(name)
		if !ok {
			t.Errorf("%s is not known", name)
		}
		if len(scopes) == 0 && !noScope[name] && !strings.HasPrefix(name, "views.") {
			t.Errorf("%s wants no scope", name)
		}
	}
	if _, ok := workspace.ScopesOf("chat.shout"); ok {
		t.Error("an unknown method is known")
	}
}

func TestRateTiers(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		for i := range 20 {
			r.ok(r.bot("conversations.create", "name", fmt.Sprintf("inc-%d", i)))
		}
		a := r.bot("conversations.create", "name", "inc-20")
		if a.status != 429 || a.err() != "ratelimited" || a.header.Get("Retry-After") != "3" {
			t.Fatalf("the 21st: %d %v, Retry-After %q", a.status, a.object, a.header.Get("Retry-After"))
		}
		r.ok(r.bot("conversations.info", "channel", r.id("#inc-0"))) // another method has its own allowance
		time.Sleep(3 * time.Second)
		r.ok(r.bot("conversations.create", "name", "inc-20"))

		one, other := r.id("#incidents"), r.id("#general")
		for range 4 {
			r.ok(r.bot("chat.postMessage", "channel", one, "text", "x"))
		}
		r.want(r.bot("chat.postMessage", "channel", one, "text", "x"), "ratelimited")
		r.want(r.bot("chat.postMessage", "channel", "#incidents", "text", "x"), "ratelimited") // however it is named
		r.ok(r.bot("chat.postMessage", "channel", other, "text", "x"))
		for range 10 {
			r.ok(r.as("alice", "chat.postMessage", "channel", one, "text", "people are not an app"))
		}
		time.Sleep(time.Second)
		r.ok(r.bot("chat.postMessage", "channel", one, "text", "x"))
	})
}

func TestRateTiersFollowTheConfiguredClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	cfg := defaults()
	cfg.Now = func() time.Time { return now }
	inRoom(t, cfg, func(t *testing.T, r *room) {
		for range 20 {
			r.ok(r.bot("users.list"))
		}
		r.want(r.bot("users.list"), "ratelimited")
		now = now.Add(time.Minute)
		r.ok(r.bot("users.list"))
		a := r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "x"))
		if ts := a.at("ts").(string); !strings.HasPrefix(ts, fmt.Sprint(now.Unix())+".") {
			t.Errorf("ts %s does not follow the clock", ts)
		}
	})
}
