package workspace_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestPostUpdateDelete(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		metadata := `{"event_type":"card","event_payload":{"id":"INC-1"}}`
		ts := r.ok(r.bot("chat.postMessage", "channel", ch, "text", "one", "metadata", metadata)).at("ts").(string)
		if a := r.ok(r.bot("conversations.history", "channel", ch)); a.at("messages", 0, "metadata") != nil {
			t.Error("metadata was shown to somebody who did not ask for it")
		}
		if a := r.ok(r.bot("conversations.history", "channel", ch, "include_all_metadata", "true")); a.at("messages", 0, "metadata", "event_payload", "id") != "INC-1" {
			t.Errorf("metadata: %v", a.object)
		}
		r.ok(r.bot("chat.update", "channel", ch, "ts", ts, "text", "two"))
		if a := r.ok(r.bot("conversations.history", "channel", ch, "include_all_metadata", "true")); a.at("messages", 0, "metadata") == nil || a.at("messages", 0, "text") != "two" || a.at("messages", 0, "edited", "user") != r.ws.BotUser() {
			t.Errorf("after the update: %v", a.object)
		}
		r.ok(r.bot("chat.update", "channel", ch, "ts", ts, "text", "two", "metadata", "{}"))
		if a := r.ok(r.bot("conversations.history", "channel", ch, "include_all_metadata", "true")); a.at("messages", 0, "metadata") != nil {
			t.Errorf("metadata is still there: %v", a.object)
		}
		his, err := r.ws.Person("bob").Say("#incidents", "mine", "")
		if err != nil {
			t.Fatal(err)
		}
		r.want(r.bot("chat.update", "channel", ch, "ts", his, "text", "x"), "cant_update_message")
		r.want(r.bot("chat.delete", "channel", ch, "ts", his), "cant_delete_message")
		r.want(r.bot("chat.update", "channel", ch, "ts", "1.000001", "text", "x"), "message_not_found")
		if a := r.ok(r.bot("chat.getPermalink", "channel", ch, "message_ts", ts)); !strings.HasSuffix(a.at("permalink").(string), "/archives/"+ch+"/p"+strings.Replace(ts, ".", "", 1)) {
			t.Errorf("permalink: %v", a.object)
		}
		r.ok(r.bot("chat.delete", "channel", ch, "ts", ts))
		r.want(r.bot("chat.delete", "channel", ch, "ts", ts), "message_not_found")
	})
}

func TestTextLimits(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		r.want(r.bot("chat.postMessage", "channel", ch), "no_text")
		r.want(r.bot("chat.postMessage", "channel", ch, "text", strings.Repeat("🚨", 40_001)), "msg_too_long")
		ts := r.ok(r.bot("chat.postMessage", "channel", ch, "text", strings.Repeat("🚨", 40_000))).at("ts").(string)
		r.ok(r.bot("chat.update", "channel", ch, "ts", ts, "text", strings.Repeat("🚨", 4000)))
		r.want(r.bot("chat.update", "channel", ch, "ts", ts, "text", strings.Repeat("🚨", 4001)), "msg_too_long")
		a := r.bot("chat.postMessage", "channel", ch, "text", "x", "blocks", `[{"type":"section","text":{"type":"mrkdwn","text":"`+strings.Repeat("é", 3001)+`"}}]`)
		r.want(a, "invalid_blocks")
		if got := a.at("response_metadata", "messages", 0); got != "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]" {
			t.Errorf("messages: %v", got)
		}
		r.want(r.bot("chat.postMessage", "channel", ch, "text", "x", "blocks", `{"type":"divider"}`), "invalid_blocks_format")
		r.want(r.bot("chat.postMessage", "channel", ch, "text", "x", "metadata", `nonsense`), "invalid_metadata_format")
		r.want(r.bot("chat.postMessage", "channel", ch, "text", "x", "metadata", `{"event_type":"x"}`), "invalid_metadata_schema")
		r.want(r.bot("chat.postMessage", "channel", "#nowhere", "text", "x"), "channel_not_found")
	})
}

func TestThreads(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		root := r.ok(r.bot("chat.postMessage", "channel", ch, "text", "card")).at("ts").(string)
		first := r.ok(r.bot("chat.postMessage", "channel", ch, "text", "a", "thread_ts", root)).at("ts").(string)
		r.ok(r.bot("chat.postMessage", "channel", ch, "text", "b", "thread_ts", first)) // a reply to a reply lands in the same thread
		if _, err := r.ws.Person("bob").Say("#incidents", "c", root); err != nil {
			t.Fatal(err)
		}
		r.ok(r.bot("chat.postMessage", "channel", ch, "text", "shown", "thread_ts", root, "reply_broadcast", "true"))
		r.want(r.bot("chat.postMessage", "channel", ch, "text", "x", "thread_ts", "1.000001"), "thread_not_found")
		a := r.ok(r.bot("conversations.replies", "channel", ch, "ts", root))
		var texts []string
		for _, m := range a.at("messages").([]any) {
			texts = append(texts, dig(m, "text").(string))
		}
		if got := strings.Join(texts, " "); got != "card a b c shown" {
			t.Errorf("thread: %s", got)
		}
		if a.at("messages", 0, "reply_count") != 4.0 || a.at("messages", 0, "reply_users_count") != 2.0 || a.at("messages", 1, "parent_user_id") != r.ws.BotUser() {
			t.Errorf("counts: %v", a.at("messages", 0))
		}
		if m := r.ws.Person("alice").Messages("#incidents"); len(m) != 2 || m[1].Text != "shown" || m[1].Subtype != "thread_broadcast" {
			t.Errorf("the channel shows %+v", m)
		}
		page := r.ok(r.bot("conversations.replies", "channel", ch, "ts", root, "limit", "2"))
		rest := r.ok(r.bot("conversations.replies", "channel", ch, "ts", root, "limit", "2", "cursor", page.at("response_metadata", "next_cursor").(string)))
		if rest.at("messages", 0, "text") != "card" || rest.at("messages", 1, "text") != "c" || rest.at("has_more") != false {
			t.Errorf("second page: %v", rest.object)
		}
		r.want(r.bot("conversations.replies", "channel", ch, "ts", "1.000001"), "thread_not_found")
		r.ok(r.bot("chat.delete", "channel", ch, "ts", first))
		if th := r.ws.Person("alice").Thread("#incidents", root); th[0].ReplyCount != 3 {
			t.Errorf("after deleting a reply: %+v", th[0])
		}
	})
}

func TestHistoryPagesAndSpans(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		var ts []string
		for i := range 5 {
			ts = append(ts, r.ok(r.bot("chat.postMessage", "channel", ch, "text", fmt.Sprint(i))).at("ts").(string))
		}
		read := func(pairs ...string) (string, string) {
			a := r.ok(r.bot("conversations.history", append([]string{"channel", ch}, pairs...)...))
			var texts []string
			for _, m := range a.at("messages").([]any) {
				texts = append(texts, dig(m, "text").(string))
			}
			next, _ := a.at("response_metadata", "next_cursor").(string)
			return strings.Join(texts, ""), next
		}
		got, next := read("limit", "2")
		if got != "43" || next == "" {
			t.Errorf("first page %q, cursor %q", got, next)
		}
		r.ok(r.bot("chat.postMessage", "channel", ch, "text", "5")) // pages stay right while messages arrive
		if got, next = read("limit", "2", "cursor", next); got != "21" || next == "" {
			t.Errorf("second page %q, cursor %q", got, next)
		}
		if got, _ = read("oldest", ts[1], "latest", ts[3]); got != "2" {
			t.Errorf("span: %q", got)
		}
		if got, _ = read("oldest", ts[1], "latest", ts[3], "inclusive", "true"); got != "321" {
			t.Errorf("inclusive span: %q", got)
		}
		r.want(r.bot("conversations.history", "channel", ch, "oldest", "yesterday"), "invalid_ts_oldest")
	})
}

func TestOldMessagesGo(t *testing.T) {
	cfg := unlimited()
	cfg.KeepMessages = 100
	inRoom(t, cfg, func(t *testing.T, r *room) {
		alice := r.ws.Person("alice")
		for i := range 250 {
			if _, err := alice.Say("#incidents", fmt.Sprint(i), ""); err != nil {
				t.Fatal(err)
			}
		}
		m := alice.Messages("#incidents")
		if len(m) < 100 || len(m) > 111 || m[len(m)-1].Text != "249" {
			t.Errorf("%d messages are kept, the last is %q", len(m), m[len(m)-1].Text)
		}
	})
}

func TestMarks(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		ts := r.ok(r.bot("chat.postMessage", "channel", ch, "text", "card")).at("ts").(string)
		r.ok(r.bot("pins.add", "channel", ch, "timestamp", ts))
		r.want(r.bot("pins.add", "channel", ch, "timestamp", ts), "already_pinned")
		r.want(r.bot("pins.add", "channel", ch, "timestamp", "1.000001"), "message_not_found")
		r.want(r.bot("pins.add", "channel", ch, "timestamp", "soon"), "bad_timestamp")
		r.want(r.bot("pins.add", "channel", ch), "no_item_specified")
		if a := r.ok(r.bot("pins.list", "channel", ch)); a.at("items", 0, "message", "text") != "card" {
			t.Errorf("pins: %v", a.object)
		}
		r.ok(r.bot("pins.remove", "channel", ch, "timestamp", ts))
		r.want(r.bot("pins.remove", "channel", ch, "timestamp", ts), "no_pin")

		r.ok(r.bot("reactions.add", "channel", ch, "timestamp", ts, "name", "pushpin"))
		r.want(r.bot("reactions.add", "channel", ch, "timestamp", ts, "name", "pushpin"), "already_reacted")
		r.want(r.bot("reactions.add", "channel", ch, "timestamp", ts, "name", "no such"), "invalid_name")
		if err := r.ws.Person("bob").React("#incidents", ts, "pushpin"); err != nil {
			t.Error(err)
		}
		if a := r.ok(r.bot("reactions.get", "channel", ch, "timestamp", ts)); a.at("message", "reactions", 0, "count") != 2.0 {
			t.Errorf("reactions: %v", a.object)
		}
		r.ok(r.bot("reactions.remove", "channel", ch, "timestamp", ts, "name", "pushpin"))
		r.want(r.bot("reactions.remove", "channel", ch, "timestamp", ts, "name", "pushpin"), "no_reaction")

		id := r.ok(r.bot("bookmarks.add", "channel_id", ch, "title", "Runbook", "type", "link", "link", "https://example.com/r")).at("bookmark", "id").(string)
		r.want(r.bot("bookmarks.add", "channel_id", ch, "title", "x", "type", "link", "link", "not a link"), "invalid_link")
		r.want(r.bot("bookmarks.add", "channel_id", ch, "title", "x", "type", "folder"), "invalid_bookmark_type")
		r.ok(r.bot("bookmarks.edit", "channel_id", ch, "bookmark_id", id, "title", "Book"))
		if a := r.ok(r.bot("bookmarks.list", "channel_id", ch)); a.at("bookmarks", 0, "title") != "Book" {
			t.Errorf("bookmarks: %v", a.object)
		}
		r.ok(r.bot("bookmarks.remove", "channel_id", ch, "bookmark_id", id))
		r.want(r.bot("bookmarks.remove", "channel_id", ch, "bookmark_id", id), "not_found")
	})
}

func TestCanvases(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		ch := r.id("#incidents")
		id := r.ok(r.json(r.ws.BotToken(), "/api/conversations.canvases.create", object{"channel_id": ch, "document_content": object{"type": "markdown", "markdown": "# One\ntext\n# Two\nmore"}})).at("canvas_id").(string)
		r.want(r.bot("conversations.canvases.create", "channel_id", ch), "channel_canvas_already_exists")
		found := r.ok(r.bot("canvases.sections.lookup", "canvas_id", id, "criteria", `{"contains_text":"Two"}`)).at("sections", 0, "id").(string)
		r.ok(r.bot("canvases.edit", "canvas_id", id, "changes", `[{"operation":"replace","section_id":"`+found+`","document_content":{"type":"markdown","markdown":"# Second"}}]`))
		r.ok(r.bot("canvases.edit", "canvas_id", id, "changes", `[{"operation":"insert_at_end","document_content":{"type":"markdown","markdown":"the end"}}]`))
		if got := r.ws.Person("alice").Canvas("#incidents"); got != "# One\ntext\n\n# Second\n\nthe end" {
			t.Errorf("canvas: %q", got)
		}
		r.want(r.bot("canvases.edit", "canvas_id", id, "changes", `[{"operation":"delete","section_id":"gone"}]`), "canvas_editing_failed")
		r.ok(r.bot("canvases.delete", "canvas_id", id))
		r.want(r.bot("canvases.delete", "canvas_id", id), "canvas_not_found")
	})
}
