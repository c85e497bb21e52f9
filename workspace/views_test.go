package workspace_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/workspace"
)

// modal is a form with one text field.
func modal(title string) object {
	return object{"type": "modal", "callback_id": "f", "title": object{"type": "plain_text", "text": title}, "submit": object{"type": "plain_text", "text": "Go"},
		"blocks": []object{{"type": "input", "block_id": "b", "label": object{"type": "plain_text", "text": "Text"}, "element": object{"type": "plain_text_input", "action_id": "a"}},
			{"type": "actions", "block_id": "more", "elements": []object{{"type": "button", "action_id": "push", "text": object{"type": "plain_text", "text": "Push"}}}}}}
}

// triggered runs a command or click and gives its trigger_id; the app acknowledges everything.
func triggered(l *link, act func()) string {
	before := len(l.frames("slash_commands")) + len(l.frames("interactive"))
	act()
	all := append(l.frames("slash_commands"), l.frames("interactive")...)
	if len(all) != before+1 {
		l.r.t.Fatalf("%d envelopes arrived", len(all)-before)
	}
	newest := l.got[len(l.got)-1]
	return dig(newest, "payload", "trigger_id").(string)
}

func (r *room) command() {
	r.t.Helper()
	must[workspace.Ack](r.t)(r.ws.Person("alice").Command("#incidents", "/incident form"))
}

func (r *room) view(method string, args object) answer {
	r.t.Helper()
	return r.json(r.ws.BotToken(), "/api/"+method, args)
}

func TestTriggers(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		id := triggered(l, r.command)
		r.ok(r.view("views.open", object{"trigger_id": id, "view": modal("One")}))
		r.want(r.view("views.open", object{"trigger_id": id, "view": modal("Two")}), "exchanged_trigger_id")
		r.want(r.view("views.open", object{"trigger_id": "1.2.3", "view": modal("Two")}), "invalid_trigger_id")
		id = triggered(l, r.command)
		time.Sleep(3*time.Second + time.Millisecond)
		r.want(r.view("views.open", object{"trigger_id": id, "view": modal("Late")}), "expired_trigger_id")
		id = triggered(l, r.command)
		time.Sleep(3 * time.Second)
		r.ok(r.bot("views.open", "trigger_id", id, "view", mustJSON(modal("In time")))) // also by form
	})
}

func TestViewStack(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		root := r.ok(r.view("views.open", object{"trigger_id": triggered(l, r.command), "view": modal("One")})).at("view", "id").(string)
		r.want(r.view("views.push", object{"trigger_id": triggered(l, r.command), "view": modal("Two")}), "not_found")
		push := func(onto string) answer {
			id := triggered(l, func() { must[workspace.Ack](t)(alice.ClickView(onto, "Push")) })
			return r.view("views.push", object{"trigger_id": id, "view": modal("More")})
		}
		second := r.ok(push(root))
		if second.at("view", "root_view_id") != root || second.at("view", "previous_view_id") != root {
			t.Errorf("second: %v", second.object)
		}
		third := r.ok(push(second.at("view", "id").(string))).at("view", "id").(string)
		r.want(push(third), "push_limit_reached")
		must[workspace.SubmitResult](t)(alice.Submit(third, map[string]any{"a": "x"}))
		if v := alice.Views(); len(v) != 2 {
			t.Errorf("%d views after submitting the third", len(v))
		}
		r.want(r.view("views.update", object{"view_id": third, "view": modal("Gone")}), "not_found")
	})
}

func TestUpdateKeepsWhatWasTyped(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		opened := r.ok(r.view("views.open", object{"trigger_id": triggered(l, r.command), "view": modal("One")}))
		id, hash := opened.at("view", "id").(string), opened.at("view", "hash").(string)
		r.ok(r.json(alice.Token(), "/client/action", object{"container": object{"type": "view", "view_id": id}, "action": object{"action_id": "push", "block_id": "more", "type": "button"},
			"state": object{"values": object{"b": object{"a": object{"type": "plain_text_input", "value": "typed"}}}}}))
		click := l.frames("interactive")[0]
		if dig(click, "payload", "view", "state", "values", "b", "a", "value") != "typed" || dig(click, "payload", "container", "view_id") != id || dig(click, "payload", "response_url") != nil {
			t.Errorf("the click arrived as %v", click)
		}
		r.want(r.view("views.update", object{"view_id": id, "hash": "old", "view": modal("Two")}), "hash_conflict")
		r.ok(r.view("views.update", object{"view_id": id, "hash": hash, "view": modal("Two")}))
		v := alice.Views()[0]
		if v.TitleText() != "Two" || v.State.Values["b"]["a"]["value"] != "typed" || v.Hash == hash {
			t.Errorf("after the update: %+v", v)
		}
	})
}

func TestSubmissionAnswers(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		var payload any
		l := r.open(func(e object) (any, bool) {
			if dig(e, "payload", "type") == "view_submission" {
				return payload, true
			}
			return nil, true
		})
		alice := r.ws.Person("alice")
		id := r.ok(r.view("views.open", object{"trigger_id": triggered(l, r.command), "view": modal("One")})).at("view", "id").(string)
		submit := func(p any) workspace.SubmitResult {
			payload = p
			return must[workspace.SubmitResult](t)(alice.Submit(id, map[string]any{"Text": "hello"}))
		}
		if res := submit(object{"response_action": "errors", "errors": object{"b": "no"}}); res.Errors["b"] != "no" || len(alice.Views()) != 1 {
			t.Errorf("errors: %+v", res)
		}
		submit(object{"response_action": "update", "view": modal("Two")})
		if v := alice.Views(); len(v) != 1 || v[0].TitleText() != "Two" {
			t.Errorf("update: %+v", v)
		}
		submit(object{"response_action": "push", "view": modal("Three")})
		if v := alice.Views(); len(v) != 2 || v[1].TitleText() != "Three" {
			t.Errorf("push: %+v", v)
		}
		submit(object{"response_action": "clear"})
		if v := alice.Views(); v != nil {
			t.Errorf("clear: %+v", v)
		}
		got := l.frames("interactive")[0]
		if dig(got, "payload", "view", "state", "values", "b", "a", "value") != "hello" || dig(got, "payload", "user", "username") != "alice" || dig(got, "payload", "view", "callback_id") != "f" {
			t.Errorf("the submission arrived as %v", got)
		}
	})
}

func TestClosedViewIsNotified(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		v := modal("One")
		v["notify_on_close"], v["private_metadata"] = true, "INC-1"
		r.ok(r.view("views.open", object{"trigger_id": triggered(l, r.command), "view": v}))
		if err := r.ws.Person("alice").CloseView(""); err != nil {
			t.Fatal(err)
		}
		got := l.frames("interactive")
		if len(got) != 1 || dig(got[0], "payload", "type") != "view_closed" || dig(got[0], "payload", "view", "private_metadata") != "INC-1" || dig(got[0], "payload", "is_cleared") != false {
			t.Errorf("arrived: %v", got)
		}
	})
}

func TestViewLimits(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		id := triggered(l, r.command)
		a := r.view("views.open", object{"trigger_id": id, "view": modal(strings.Repeat("é", 25))})
		r.want(a, "invalid_arguments")
		if got := a.at("response_metadata", "messages", 0); got != "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]" {
			t.Errorf("messages: %v", got)
		}
		big := modal("Big")
		big["private_metadata"] = strings.Repeat("x", 250_001)
		r.want(r.view("views.open", object{"trigger_id": id, "view": big}), "view_too_large")
		r.ok(r.view("views.open", object{"trigger_id": id, "view": modal(strings.Repeat("é", 24))})) // a refusal does not use the trigger up
	})
}

func TestHome(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		if v := alice.Home(); v != nil {
			t.Errorf("an empty home: %+v", v)
		}
		if e := l.events(); len(e) != 1 || e[0] != "app_home_opened" {
			t.Fatalf("arrived: %v", e)
		}
		home := object{"type": "home", "blocks": []object{{"type": "actions", "elements": []object{{"type": "button", "action_id": "go", "text": object{"type": "plain_text", "text": "Go"}}}}}}
		published := r.ok(r.view("views.publish", object{"user_id": alice.ID(), "view": home}))
		r.want(r.view("views.publish", object{"user_id": alice.ID(), "view": home, "hash": "old"}), "hash_conflict")
		r.ok(r.view("views.publish", object{"user_id": alice.ID(), "view": home, "hash": published.at("view", "hash")}))
		r.want(r.view("views.publish", object{"user_id": "U404", "view": home}), "invalid_arguments")
		r.want(r.view("views.publish", object{"user_id": alice.ID(), "view": modal("No")}), "invalid_arguments")
		v := alice.Home()
		if v == nil || v.ID != published.at("view", "id") {
			t.Fatalf("home: %+v", v)
		}
		must[workspace.Ack](t)(alice.ClickView(v.ID, "go"))
		if got := l.frames("interactive"); len(got) != 1 || dig(got[0], "payload", "view", "type") != "home" {
			t.Errorf("the click arrived as %v", got)
		}
	})
}

func TestClickShapes(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		blocks := `[{"type":"actions","block_id":"b","elements":[
			{"type":"button","action_id":"ack","value":"INC-1","text":{"type":"plain_text","text":"Acknowledge"}},
			{"type":"static_select","action_id":"sev","options":[{"text":{"type":"plain_text","text":"High"},"value":"P1"}]},
			{"type":"overflow","action_id":"rest","options":[{"text":{"type":"plain_text","text":"Hold 30m"},"value":"hold"}]}]}]`
		ts := r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "x", "blocks", blocks)).at("ts").(string)
		must[workspace.Ack](t)(alice.Click("#incidents", ts, "Acknowledge"))
		must[workspace.Ack](t)(alice.Click("#incidents", ts, "sev=P1"))
		must[workspace.Ack](t)(alice.Click("#incidents", ts, "Hold 30m"))
		if _, err := alice.Click("#incidents", ts, "Explode"); err == nil || !strings.Contains(err.Error(), "Acknowledge") {
			t.Errorf("a button that is not there: %v", err)
		}
		got := l.frames("interactive")
		p := got[0]["payload"]
		for path, want := range map[string]any{"type": "block_actions", "user/id": alice.ID(), "user/team_id": "T0LOCAL001", "api_app_id": r.ws.AppID(), "container/type": "message",
			"container/message_ts": ts, "container/channel_id": r.id("#incidents"), "channel/name": "incidents", "message/ts": ts, "team/domain": "local"} {
			var keys []any
			for _, k := range strings.Split(path, "/") {
				keys = append(keys, k)
			}
			if dig(p, keys...) != want {
				t.Errorf("%s is %v, want %v", path, dig(p, keys...), want)
			}
		}
		a := dig(p, "actions", 0)
		if dig(a, "action_id") != "ack" || dig(a, "block_id") != "b" || dig(a, "value") != "INC-1" || dig(a, "action_ts") == nil || dig(a, "text", "text") != "Acknowledge" {
			t.Errorf("action: %v", a)
		}
		if v := dig(got[1], "payload", "actions", 0, "selected_option", "value"); v != "P1" {
			t.Errorf("the choice arrived as %v", v)
		}
		if v := dig(got[1], "payload", "state", "values", "b", "sev", "selected_option", "value"); v != "P1" {
			t.Errorf("the state holds %v", v)
		}
		if v := dig(got[2], "payload", "actions", 0, "selected_option", "value"); v != "hold" {
			t.Errorf("the menu's choice arrived as %v", v)
		}
	})
}

func TestShortcuts(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		ts, err := r.ws.Person("bob").Say("#incidents", "it broke", "")
		if err != nil {
			t.Fatal(err)
		}
		must[workspace.Ack](t)(alice.Shortcut("Add to timeline", "#incidents", ts))
		must[workspace.Ack](t)(alice.Shortcut("declare", "", ""))
		got := l.frames("interactive")
		if p := got[0]["payload"]; dig(p, "type") != "message_action" || dig(p, "callback_id") != "note" || dig(p, "message", "text") != "it broke" || dig(p, "response_url") == nil || dig(p, "message_ts") != ts {
			t.Errorf("message shortcut: %v", p)
		}
		if p := got[1]["payload"]; dig(p, "type") != "shortcut" || dig(p, "callback_id") != "declare" || dig(p, "trigger_id") == nil {
			t.Errorf("global shortcut: %v", p)
		}
	})
}

func TestSuggestions(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(func(e object) (any, bool) {
			if dig(e, "payload", "type") == "block_suggestion" {
				return object{"options": []object{{"text": object{"type": "plain_text", "text": "pod " + dig(e, "payload", "value").(string)}, "value": "p"}}}, true
			}
			return nil, true
		})
		v := modal("Pick")
		v["blocks"] = []object{{"type": "input", "block_id": "b", "label": object{"type": "plain_text", "text": "Pod"}, "element": object{"type": "external_select", "action_id": "pod"}}}
		id := r.ok(r.view("views.open", object{"trigger_id": triggered(l, r.command), "view": v})).at("view", "id")
		a := r.ok(r.json(r.ws.Person("alice").Token(), "/client/options", object{"view_id": id, "block_id": "b", "action_id": "pod", "value": "ap"}))
		if a.at("options", 0, "text", "text") != "pod ap" {
			t.Errorf("options: %v", a.object)
		}
	})
}

func TestResponseURL(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		r.command()
		path := func(e object) string {
			return strings.TrimPrefix(dig(e, "payload", "response_url").(string), "http://workspace.test")
		}
		hook := path(l.frames("slash_commands")[0])
		if a := r.json("", hook, object{"text": "for you"}); a.status != 200 || a.at("body") != "ok" {
			t.Errorf("answered %d %v", a.status, a.object)
		}
		r.json("", hook, object{"text": "for all", "response_type": "in_channel"})
		if e := alice.Ephemerals("#incidents"); len(e) != 1 || e[0].Text != "for you" {
			t.Errorf("ephemeral: %+v", e)
		}
		if m := alice.Messages("#incidents"); len(m) != 1 || m[0].Text != "for all" || m[0].BotID == "" {
			t.Errorf("in the channel: %+v", m)
		}
		r.want(r.json("", hook, object{}), "no_text") // a refusal is not a use
		for range 3 {
			r.json("", hook, object{"text": "more"})
		}
		if a := r.json("", hook, object{"text": "sixth"}); a.status != 404 || a.err() != "used_url" {
			t.Errorf("the sixth use: %d %v", a.status, a.object)
		}
		r.command()
		hook = path(l.frames("slash_commands")[1])
		time.Sleep(30*time.Minute + time.Second)
		if a := r.json("", hook, object{"text": "late"}); a.err() != "expired_url" {
			t.Errorf("after half an hour: %v", a.object)
		}
	})
}

func TestResponseURLReplacesAndDeletes(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		button := `[{"type":"actions","elements":[{"type":"button","action_id":"go","text":{"type":"plain_text","text":"Go"}}]}]`
		click := func(ts string) string {
			must[workspace.Ack](t)(alice.Click("#incidents", ts, "go"))
			got := l.frames("interactive")
			return strings.TrimPrefix(dig(got[len(got)-1], "payload", "response_url").(string), "http://workspace.test")
		}
		ts := r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "card", "blocks", button)).at("ts").(string)
		r.json("", click(ts), object{"text": "replaced", "replace_original": true})
		if m := alice.Messages("#incidents"); len(m) != 1 || m[0].Text != "replaced" || m[0].Blocks != nil {
			t.Errorf("after replacing: %+v", m)
		}
		ts = r.ok(r.bot("chat.postMessage", "channel", "#incidents", "text", "card", "blocks", button)).at("ts").(string)
		r.json("", click(ts), object{"delete_original": true})
		if m := alice.Messages("#incidents"); len(m) != 1 {
			t.Errorf("after deleting: %+v", m)
		}
		private := r.ok(r.bot("chat.postEphemeral", "channel", r.id("#incidents"), "user", alice.ID(), "text", "pick", "blocks", button)).at("message_ts").(string)
		r.want(r.bot("chat.postEphemeral", "channel", r.id("#incidents"), "user", "U404", "text", "x"), "user_not_in_channel")
		if r.ws.Person("bob").Ephemerals("#incidents") != nil {
			t.Error("bob sees alice's ephemeral message")
		}
		hook := click(private)
		newest := l.frames("interactive")
		if p := newest[len(newest)-1]["payload"]; dig(p, "container", "is_ephemeral") != true || dig(p, "message") != nil {
			t.Errorf("a click in an ephemeral message: %v", p)
		}
		r.json("", hook, object{"text": "picked", "replace_original": "true"})
		if e := alice.Ephemerals("#incidents"); len(e) != 1 || e[0].Text != "picked" {
			t.Errorf("after replacing: %+v", e)
		}
		r.json("", hook, object{"delete_original": true})
		synctest.Wait()
		if e := alice.Ephemerals("#incidents"); e != nil {
			t.Errorf("after deleting: %+v", e)
		}
	})
}
