package workspace_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"muster/workspace"
)

// everyField is a form with each kind of field.
func everyField() object {
	text := func(s string) object { return object{"type": "plain_text", "text": s} }
	opts := []object{{"text": text("One"), "value": "1"}, {"text": text("Two"), "value": "2"}}
	var blocks []object
	for _, e := range []object{
		{"type": "plain_text_input", "initial_value": "before", "max_length": 10},
		{"type": "number_input", "is_decimal_allowed": false},
		{"type": "static_select", "options": opts, "initial_option": opts[0]},
		{"type": "radio_buttons", "options": opts},
		{"type": "checkboxes", "options": opts},
		{"type": "multi_static_select", "options": opts},
		{"type": "static_select", "option_groups": []object{{"label": text("g"), "options": opts}}},
		{"type": "users_select"},
		{"type": "multi_users_select"},
		{"type": "conversations_select", "response_url_enabled": true},
		{"type": "channels_select"},
		{"type": "multi_channels_select"},
		{"type": "multi_conversations_select"},
		{"type": "datepicker", "initial_date": "2026-01-31"},
		{"type": "timepicker"},
		{"type": "datetimepicker"},
		{"type": "external_select"},
		{"type": "email_text_input"},
		{"type": "url_text_input"},
		{"type": "rich_text_input"},
	} {
		name := e["type"].(string)
		if e["option_groups"] != nil {
			name = "grouped"
		}
		e["action_id"] = name
		blocks = append(blocks, object{"type": "input", "block_id": "b-" + name, "optional": true, "label": text(name), "element": e})
	}
	return object{"type": "modal", "title": text("All"), "submit": text("Go"), "blocks": blocks}
}

func TestEveryFieldOfAForm(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		id := r.ok(r.view("views.open", object{"trigger_id": triggered(l, r.command), "view": everyField()})).at("view", "id").(string)
		if _, err := alice.Submit(id, map[string]any{"colour": "red"}); err == nil || !strings.Contains(err.Error(), "b-datepicker/datepicker") {
			t.Errorf("a field that is not there: %v", err)
		}
		if _, err := alice.Submit(id, map[string]any{"radio_buttons": "Three"}); err == nil {
			t.Error("an option that is not there was chosen")
		}
		if res := must[workspace.SubmitResult](t)(alice.Submit(id, map[string]any{"plain_text_input": "far too long for it"})); res.Errors["b-plain_text_input"] == "" {
			t.Errorf("a text that is too long was sent: %+v", res)
		}
		incidents := r.id("#incidents")
		must[workspace.SubmitResult](t)(alice.Submit(id, map[string]any{
			"plain_text_input": "after", "number_input": "3", "radio_buttons": "Two", "checkboxes": []string{"1", "2"}, "multi_static_select": "1", "grouped": "2",
			"users_select": alice.ID(), "multi_users_select": alice.ID(), "conversations_select": incidents, "timepicker": "09:30", "datetimepicker": 1700000000,
			"external_select": "pod-1", "email_text_input": "a@example.com", "static_select": nil,
		}))
		p := l.frames("interactive")[0]["payload"]
		for path, want := range map[string]any{
			"plain_text_input/value": "after", "number_input/value": "3", "radio_buttons/selected_option/value": "2", "checkboxes/selected_options/1/value": "2",
			"multi_static_select/selected_options/0/text/text": "One", "grouped/selected_option/value": "2", "users_select/selected_user": alice.ID(),
			"multi_users_select/selected_users/0": alice.ID(), "conversations_select/selected_conversation": incidents, "datepicker/selected_date": "2026-01-31",
			"timepicker/selected_time": "09:30", "datetimepicker/selected_date_time": 1700000000.0, "external_select/selected_option/value": "pod-1",
			"email_text_input/value": "a@example.com", "static_select/selected_option": nil, "rich_text_input/type": "rich_text_input", "url_text_input/value": nil,
		} {
			keys := []any{"view", "state", "values"}
			for i, k := range strings.Split(path, "/") {
				switch {
				case i == 0:
					keys = append(keys, "b-"+k, k)
				case k == "0":
					keys = append(keys, 0)
				case k == "1":
					keys = append(keys, 1)
				default:
					keys = append(keys, k)
				}
			}
			if got := dig(p, keys...); got != want {
				t.Errorf("%s is %v, want %v", path, got, want)
			}
		}
		if none := dig(p, "view", "state", "values", "b-multi_channels_select", "multi_channels_select", "selected_channels"); mustJSON(none) != "[]" {
			t.Errorf("an empty list arrived as %v", none)
		}
		hook, _ := dig(p, "response_urls", 0, "response_url").(string)
		r.json("", strings.TrimPrefix(hook, "http://workspace.test"), object{"text": "done", "response_type": "in_channel"})
		if m := alice.Messages("#incidents"); len(m) != 1 || m[0].Text != "done" {
			t.Errorf("by response_urls: %+v", m)
		}
	})
}

func TestPeopleFamily(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		bob := r.ws.Person("bob")
		if a := r.ok(r.bot("users.info", "user", r.ws.Person("alice").ID())); a.at("user", "tz") != "America/New_York" || a.at("user", "profile", "display_name") != "alice" || a.at("user", "is_bot") != false {
			t.Errorf("users.info: %v", a.object)
		}
		r.want(r.bot("users.info", "user", "U404"), "user_not_found")
		if a := r.ok(r.bot("users.lookupByEmail", "email", "ALICE@example.com")); a.at("user", "name") != "alice" {
			t.Errorf("lookupByEmail: %v", a.object)
		}
		if a := r.ok(r.bot("users.list", "limit", "3")); len(a.at("members").([]any)) != 3 || a.at("response_metadata", "next_cursor") == "" {
			t.Errorf("users.list: %v", a.object)
		}
		r.ok(r.bot("users.profile.get", "user", bob.ID()))
		r.want(r.bot("users.profile.get", "user", "U404"), "user_not_found")
		if a := r.ok(r.bot("users.getPresence", "user", bob.ID())); a.at("presence") != "active" {
			t.Errorf("presence: %v", a.object)
		}
		if err := r.ws.Deactivate("bob"); err != nil {
			t.Fatal(err)
		}
		if a := r.ok(r.bot("users.getPresence", "user", bob.ID())); a.at("presence") != "away" {
			t.Errorf("presence of somebody who left: %v", a.object)
		}
		if err := r.ws.Reactivate("bob"); err != nil {
			t.Fatal(err)
		}
		r.ok(r.as("bob", "auth.test"))
		if err := r.ws.Deactivate("nobody"); err == nil {
			t.Error("nobody was deactivated")
		}
		if a := r.ok(r.bot("team.info")); a.at("team", "id") != "T0LOCAL001" {
			t.Errorf("team: %v", a.object)
		}
		r.ok(r.bot("bots.info"))
		r.want(r.bot("bots.info", "bot", "B404"), "bot_not_found")
		r.ok(r.bot("emoji.list"))
		r.want(r.bot("api.test", "error", "my_error"), "my_error")
		group := r.ok(r.bot("usergroups.create", "name", "On call", "handle", "oncall")).at("usergroup", "id").(string)
		r.want(r.bot("usergroups.create", "name", "on call"), "name_already_exists")
		r.ok(r.bot("usergroups.update", "usergroup", group, "handle", "oncall-primary", "name", "Primary", "description", "wakes up"))
		r.ok(r.bot("usergroups.disable", "usergroup", group))
		r.want(r.bot("usergroups.users.list", "usergroup", group), "no_such_subteam")
		r.ok(r.bot("usergroups.enable", "usergroup", group))
		r.ok(r.bot("usergroups.users.list", "usergroup", group))
		r.want(r.bot("usergroups.update", "usergroup", "S404"), "no_such_subteam")
	})
}

func TestAsAPerson(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		alice, carol := r.ws.Person("alice"), r.ws.Person("carol@example.com")
		say := func(text string) string { return must[string](t)(alice.Say("#incidents", text, "")) }
		ts := say("@carol (@sre) look at @here, @nobody and mail a@carol.example")
		group := r.ok(r.bot("usergroups.list")).at("usergroups", 0, "id").(string)
		if m := carol.Messages("#incidents"); m[0].Text != carol.Mention()+" (<!subteam^"+group+">) look at <!here>, @nobody and mail a@carol.example" {
			t.Errorf("mentions: %q", m[0].Text)
		}
		if err := alice.Edit("#incidents", ts, "changed for @carol"); err != nil {
			t.Error(err)
		}
		if err := carol.Edit("#incidents", ts, "not mine"); err == nil {
			t.Error("carol changed alice's message")
		}
		if m := carol.Messages("#incidents"); m[0].Text != "changed for "+carol.Mention() {
			t.Errorf("changed to %q", m[0].Text)
		}
		if err := errors.Join(carol.React("#incidents", ts, "eyes"), carol.Unreact("#incidents", ts, "eyes"), alice.Delete("#incidents", ts)); err != nil {
			t.Error(err)
		}
		if m := carol.Messages("#incidents"); m != nil {
			t.Errorf("after deleting: %+v", m)
		}
		if _, err := carol.Say("#random", "x", ""); err == nil || err.Error() != "not_in_channel" {
			t.Errorf("posting from outside: %v", err)
		}
		if err := carol.Join("#random"); err != nil {
			t.Error(err)
		}
		must[string](t)(carol.Say("#random", "x", ""))
		ts = say("pin me")
		r.ok(r.bot("pins.add", "channel", r.id("#incidents"), "timestamp", ts))
		if p := carol.Pins("#incidents"); !slices.Equal(p, []string{ts}) {
			t.Errorf("pins: %v", p)
		}
		if carol.ChannelID("#secret") != "" || carol.Channel("#secret") != nil || carol.Messages("#secret") != nil || carol.Pins("#secret") != nil || carol.DM("nobody") != "" {
			t.Error("carol sees what she must not")
		}
		if carol.DM("bob") == "" || carol.DM("bob") != r.ws.Person("bob").DM("carol") {
			t.Error("two people have two conversations")
		}
	})
}

func TestCommandTextIsAsSlackSendsIt(t *testing.T) {
	cfg := defaults()
	cfg.Commands[0].ShouldEscape = true
	inRoom(t, cfg, func(t *testing.T, r *room) {
		l := r.open(always)
		must[workspace.Ack](t)(r.ws.Person("bob").Command("#secret", `/incident lead @alice "a < b" #general`))
		p := l.frames("slash_commands")[0]["payload"]
		want := "lead <@" + r.ws.Person("alice").ID() + "|alice> \"a &lt; b\" <#" + r.id("#general") + "|general>"
		if dig(p, "text") != want || dig(p, "channel_name") != "privategroup" {
			t.Errorf("text %q in %q, want %q", dig(p, "text"), dig(p, "channel_name"), want)
		}
		must[workspace.Ack](t)(r.ws.Person("alice").Command("@muster", "/incident"))
		if p := l.frames("slash_commands")[1]["payload"]; dig(p, "channel_name") != "directmessage" || dig(p, "text") != "" {
			t.Errorf("in a direct message: %v", p)
		}
		if _, err := r.ws.Person("bob").Command("#random", "/incident"); err == nil || err.Error() != "not_in_channel" {
			t.Errorf("from outside the channel: %v", err)
		}
	})
}

func TestClientNeighbours(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		alice := r.ws.Person("alice")
		r.ok(r.json(alice.Token(), "/client/shortcut", object{"callback_id": "declare"}))
		r.want(r.json(alice.Token(), "/client/shortcut", object{"callback_id": "note", "channel": r.id("#incidents"), "message_ts": "1.0"}), "message_not_found")
		r.want(r.json(alice.Token(), "/client/shortcut", object{"callback_id": "other"}), "shortcut_not_found")
		if a := r.ok(r.json(alice.Token(), "/client/home", object{})); a.at("view") != nil {
			t.Errorf("home: %v", a.object)
		}
		if e := l.events(); len(e) != 1 || e[0] != "app_home_opened" {
			t.Errorf("arrived: %v", e)
		}
		ch := r.id("#incidents")
		canvas := func() answer {
			req, _ := http.NewRequest("GET", "http://workspace.test/client/canvas?channel="+ch, nil)
			req.Header.Set("Authorization", "Bearer "+alice.Token())
			return r.ok(r.send(req))
		}
		if a := canvas(); a.at("canvas") != nil {
			t.Errorf("no canvas: %v", a.object)
		}
		r.ok(r.bot("conversations.canvases.create", "channel_id", ch, "title", "INC-1", "document_content", `{"type":"markdown","markdown":"# Facts"}`))
		if a := canvas(); a.at("canvas", "markdown") != "# Facts" {
			t.Errorf("canvas: %v", a.object)
		}
		r.want(r.json(alice.Token(), "/client/action", object{"container": object{"type": "message", "channel_id": ch, "message_ts": "1.0"}, "action": object{}}), "message_not_found")
		w := r.watch("alice", "")
		r.ok(r.json(alice.Token(), "/client/faults", object{"cut_socket": true}))
		<-l.over
		if k := w.kinds(); !slices.Contains(k, "bot_status") || r.ws.Sockets() != 0 {
			t.Errorf("seen: %v", k)
		}
	})
}

func TestDisconnectByHand(t *testing.T) {
	inRoom(t, defaults(), func(t *testing.T, r *room) {
		l := r.open(always)
		r.ws.Disconnect("warning")
		if d := l.frames("disconnect"); len(d) != 1 || r.ws.Sockets() != 1 {
			t.Errorf("warned: %v", d)
		}
		r.ws.Disconnect("refresh_requested")
		if d := l.frames("disconnect"); len(d) != 2 || d[1]["reason"] != "refresh_requested" || r.ws.Sockets() != 0 {
			t.Errorf("asked to refresh: %v", d)
		}
		<-l.over
	})
}

func TestAttachmentsAndExtras(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		r.want(r.bot("chat.postMessage", "channel", ch, "attachments", `[{"text":"x","blocks":[{"type":"marquee"}]}]`), "invalid_attachments")
		r.want(r.bot("chat.postMessage", "channel", ch, "attachments", `{}`), "invalid_attachments")
		r.want(r.bot("chat.postMessage", "channel", ch, "attachments", "["+strings.Repeat(`{"text":"x"},`, 100)+`{}]`), "too_many_attachments")
		r.want(r.bot("chat.postMessage", "channel", ch, "text", "x", "markdown_text", "y"), "markdown_text_conflict")
		a := r.ok(r.bot("chat.postMessage", "channel", ch, "markdown_text", "**y**", "attachments", `[{"text":"x"}]`, "username", "Pager", "icon_emoji", ":bell:"))
		if a.at("message", "username") != "Pager" || a.at("message", "icons", "emoji") != ":bell:" || a.at("message", "attachments", 0, "text") != "x" {
			t.Errorf("posted: %v", a.object)
		}
		blocks := `[{"type":"section","text":{"type":"mrkdwn","text":"x"}},{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Go"}}]}]`
		a = r.ok(r.bot("chat.postMessage", "channel", ch, "blocks", blocks))
		if a.at("message", "blocks", 0, "block_id") == nil || a.at("message", "blocks", 1, "elements", 0, "action_id") == nil {
			t.Errorf("blocks without ids: %v", a.object)
		}
		// The text alone replaces the blocks.
		ts := a.at("ts").(string)
		if a = r.ok(r.bot("chat.update", "channel", ch, "ts", ts, "text", "only text")); a.at("message", "blocks") != nil {
			t.Errorf("updated: %v", a.object)
		}
		r.want(r.bot("chat.update", "channel", ch, "ts", ts), "no_text")
		r.want(r.as("alice", "chat.postMessage", "channel", ch, "text", "x", "metadata", `{"event_type":"x","event_payload":{}}`), "metadata_must_be_sent_from_app")
		note := r.ws.Person("alice")
		r.ok(r.bot("conversations.setTopic", "channel", ch, "topic", "x"))
		history := r.ok(r.bot("conversations.history", "channel", ch, "limit", "1"))
		if history.at("messages", 0, "subtype") != "channel_topic" || len(note.Messages("#incidents")) != 2 {
			t.Errorf("the topic's note: %v", history.object)
		}
		r.want(r.bot("chat.postMessage", "channel", ch, "text", "x", "thread_ts", history.at("messages", 0, "ts").(string)), "cannot_reply_to_message")
		r.want(r.bot("pins.add", "channel", ch, "timestamp", history.at("messages", 0, "ts").(string)), "not_pinnable")
	})
}

func TestCanvasOperations(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		id := r.ok(r.bot("canvases.create", "title", "Notes", "document_content", `{"type":"markdown","markdown":"# A"}`)).at("canvas_id").(string)
		section := r.ok(r.bot("canvases.sections.lookup", "canvas_id", id, "criteria", `{"section_types":["h1"]}`)).at("sections", 0, "id").(string)
		for _, change := range []string{
			`{"operation":"insert_before","section_id":"` + section + `","document_content":{"type":"markdown","markdown":"before"}}`,
			`{"operation":"insert_after","section_id":"` + section + `","document_content":{"type":"markdown","markdown":"after"}}`,
			`{"operation":"insert_at_start","document_content":{"type":"markdown","markdown":"start"}}`,
			`{"operation":"delete","section_id":"` + section + `"}`,
			`{"operation":"rename","title_content":{"type":"markdown","markdown":"Renamed"}}`,
		} {
			r.ok(r.bot("canvases.edit", "canvas_id", id, "changes", "["+change+"]"))
		}
		for _, word := range []string{"start", "before", "after"} {
			if a := r.ok(r.bot("canvases.sections.lookup", "canvas_id", id, "criteria", `{"contains_text":"`+word+`"}`)); len(a.at("sections").([]any)) != 1 {
				t.Errorf("%s: %v", word, a.object)
			}
		}
		if a := r.ok(r.bot("canvases.sections.lookup", "canvas_id", id, "criteria", `{"section_types":["any_header"]}`)); len(a.at("sections").([]any)) != 0 {
			t.Errorf("the deleted section: %v", a.object)
		}
		r.ok(r.bot("canvases.access.set", "canvas_id", id, "access_level", "read"))
		r.want(r.bot("canvases.edit", "canvas_id", id, "changes", `[]`), "invalid_arguments")
		r.want(r.bot("canvases.edit", "canvas_id", "F404", "changes", `[{"operation":"delete"}]`), "canvas_not_found")
	})
}

func TestEveryEventHasAScopeOrNeedsNone(t *testing.T) {
	for _, name := range workspace.Events() {
		if scope, ok := workspace.ScopeOfEvent(name); !ok || scope == "" && name != "app_home_opened" {
			t.Errorf("%s needs %q, known: %v", name, scope, ok)
		}
	}
	if _, ok := workspace.ScopeOfEvent("weather_changed"); ok {
		t.Error("an unknown event is known")
	}
}

func TestPipeEnds(t *testing.T) {
	p := workspace.NewPipe()
	if p.Addr().Network() != "pipe" || p.Addr().String() == "" {
		t.Error("no address")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial: %v", err)
	}
	p.Close()
	if _, err := p.Dial(t.Context()); err == nil {
		t.Error("a closed pipe took a connection")
	}
	if _, err := p.Accept(); err == nil {
		t.Error("a closed pipe gave a connection")
	}
}
