package workspace_test

import (
	"strings"
	"testing"
)

func TestChannelNames(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		for name, want := range map[string]string{
			"inc-12-api-down":              "",
			"größe":                        "",
			strings.Repeat("é", 80):        "",
			strings.Repeat("é", 81):        "invalid_name_maxlength",
			"Upper":                        "invalid_name_specials",
			"two words":                    "invalid_name_specials",
			"what?":                        "invalid_name_specials",
			"---":                          "invalid_name_punctuation",
			"general":                      "name_taken",
			"inc-12-api-down-and-the-rest": "",
		} {
			r.want(r.bot("conversations.create", "name", name), want)
		}
	})
}

func TestConversationLife(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		alice, bob, carol := r.ws.Person("alice").ID(), r.ws.Person("bob").ID(), r.ws.Person("carol").ID()
		id := r.ok(r.bot("conversations.create", "name", "inc-1")).at("channel", "id").(string)
		r.want(r.bot("conversations.invite", "channel", id, "users", r.ws.BotUser()), "cant_invite_self")
		r.ok(r.bot("conversations.invite", "channel", id, "users", alice+","+bob))
		r.want(r.bot("conversations.invite", "channel", id, "users", alice), "already_in_channel")
		r.want(r.bot("conversations.invite", "channel", id, "users", "U404"), "user_not_found")
		r.want(r.bot("conversations.invite", "channel", id, "users", carol+","+alice), "already_in_channel")
		if a := r.ok(r.bot("conversations.invite", "channel", id, "users", carol+","+alice, "force", "true")); a.at("errors", 0, "error") != "already_in_channel" {
			t.Errorf("force: %v", a.object)
		}
		if a := r.ok(r.bot("conversations.members", "channel", id, "limit", "3")); len(a.at("members").([]any)) != 3 || a.at("response_metadata", "next_cursor") == "" {
			t.Errorf("members: %v", a.object)
		}
		r.ok(r.bot("conversations.setTopic", "channel", id, "topic", "API down"))
		r.want(r.bot("conversations.setTopic", "channel", id, "topic", strings.Repeat("x", 251)), "too_long")
		r.ok(r.bot("conversations.setPurpose", "channel", id, "purpose", "mend it"))
		if a := r.ok(r.bot("conversations.info", "channel", id, "include_num_members", "true")); a.at("channel", "topic", "value") != "API down" || a.at("channel", "num_members") != 4.0 {
			t.Errorf("info: %v", a.object)
		}
		r.ok(r.bot("conversations.kick", "channel", id, "user", carol))
		r.want(r.bot("conversations.kick", "channel", id, "user", carol), "not_in_channel")
		r.ok(r.bot("conversations.rename", "channel", id, "name", "inc-1-api"))
		r.want(r.bot("conversations.rename", "channel", id, "name", "general"), "name_taken")
		r.ok(r.bot("conversations.archive", "channel", id))
		r.want(r.bot("conversations.archive", "channel", id), "already_archived")
		r.want(r.bot("conversations.create", "name", "inc-1-api"), "name_taken") // also when archived
		r.want(r.bot("chat.postMessage", "channel", id, "text", "x"), "is_archived")
		r.want(r.bot("conversations.join", "channel", id), "is_archived")
		r.want(r.bot("conversations.setTopic", "channel", id, "topic", "x"), "is_archived")
		r.ok(r.bot("conversations.unarchive", "channel", id))
		r.want(r.bot("conversations.unarchive", "channel", id), "not_archived")
		r.want(r.bot("conversations.archive", "channel", r.id("#general")), "cant_archive_general")
		r.want(r.bot("conversations.info", "channel", "C404"), "channel_not_found")
		r.want(r.bot("conversations.history", "channel", r.id("#random")), "not_in_channel")
		secret := r.ws.Person("bob").ChannelID("#secret")
		r.want(r.bot("conversations.info", "channel", secret), "channel_not_found")
		r.want(r.as("alice", "conversations.history", "channel", secret), "channel_not_found")
		if a := r.ok(r.bot("conversations.join", "channel", r.id("#random"))); a.at("warning") != nil {
			t.Errorf("joined for the first time: %v", a.object)
		}
		if a := r.ok(r.bot("conversations.join", "channel", r.id("#random"))); a.at("warning") != "already_in_channel" {
			t.Errorf("joined again: %v", a.object)
		}
		r.ok(r.bot("conversations.leave", "channel", r.id("#random")))
	})
}

func TestDirectMessages(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		alice, bob := r.ws.Person("alice"), r.ws.Person("bob")
		a := r.ok(r.bot("conversations.open", "users", alice.ID()))
		id := a.at("channel", "id")
		if again := r.ok(r.bot("conversations.open", "users", alice.ID())); again.at("channel", "id") != id || again.at("already_open") != true {
			t.Errorf("opened twice: %v", again.object)
		}
		if alice.DM(r.ws.BotUser()) != id {
			t.Error("alice has other direct messages with the bot")
		}
		if to := r.ok(r.bot("chat.postMessage", "channel", alice.ID(), "text", "hello")); to.at("channel") != id {
			t.Errorf("a message to a user ID went to %v", to.at("channel"))
		}
		if m := bob.Messages(id.(string)); m != nil {
			t.Errorf("bob reads alice's messages: %+v", m)
		}
		r.want(r.bot("conversations.open"), "users_list_not_supplied")
		r.want(r.bot("conversations.open", "users", "U404"), "user_not_found")
		r.want(r.bot("conversations.archive", "channel", id.(string)), "method_not_supported_for_channel_type")
		three := r.ok(r.bot("conversations.open", "users", alice.ID()+","+bob.ID(), "return_im", "true"))
		if three.at("channel", "is_mpim") != true {
			t.Errorf("three people: %v", three.object)
		}
		if err := r.ws.Deactivate("bob"); err != nil {
			t.Fatal(err)
		}
		r.want(r.bot("conversations.open", "users", bob.ID()), "user_disabled")
		if ch := alice.Channel("@muster"); ch["unread_count"] != 1 {
			t.Errorf("unread: %v", ch)
		}
		r.ok(r.as("alice", "conversations.mark", "channel", id.(string), "ts", alice.Messages("@muster")[0].TS))
		if ch := alice.Channel("@muster"); ch["unread_count"] != 0 {
			t.Errorf("unread after the mark: %v", ch)
		}
	})
}

func TestListPagesAndTypes(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		first := r.ok(r.bot("conversations.list", "limit", "2"))
		cursor := first.at("response_metadata", "next_cursor").(string)
		second := r.ok(r.bot("conversations.list", "limit", "2", "cursor", cursor))
		if len(first.at("channels").([]any)) != 2 || len(second.at("channels").([]any)) != 1 || second.at("response_metadata", "next_cursor") != "" {
			t.Errorf("pages: %v then %v", first.object, second.object)
		}
		r.want(r.bot("conversations.list", "cursor", "nonsense"), "invalid_cursor")
		r.want(r.bot("conversations.list", "types", "walkie_talkie"), "invalid_types")
		r.want(r.bot("conversations.list", "limit", "5000"), "invalid_limit")
		if a := r.ok(r.as("bob", "conversations.list", "types", "private_channel")); a.at("channels", 0, "name") != "secret" {
			t.Errorf("bob's private channels: %v", a.object)
		}
		if a := r.ok(r.bot("users.conversations", "user", r.ws.Person("alice").ID())); len(a.at("channels").([]any)) != 3 {
			t.Errorf("alice's channels: %v", a.object)
		}
	})
}

func TestUserGroups(t *testing.T) {
	inRoom(t, unlimited(), func(t *testing.T, r *room) {
		sre := r.ok(r.bot("usergroups.list", "include_users", "true")).at("usergroups", 0, "id").(string)
		bob := r.ws.Person("bob").ID()
		r.want(r.bot("usergroups.users.update", "usergroup", "S404", "users", bob), "no_such_subteam")
		r.want(r.bot("usergroups.users.update", "usergroup", sre, "users", ","), "no_users_provided")
		r.want(r.bot("usergroups.users.update", "usergroup", sre, "users", "U404"), "invalid_users")
		r.ok(r.bot("usergroups.users.update", "usergroup", sre, "users", bob))
		if a := r.ok(r.bot("usergroups.users.list", "usergroup", sre)); a.at("users", 0) != bob {
			t.Errorf("members: %v", a.object)
		}
		r.want(r.bot("usergroups.create", "name", "On call", "handle", "sre"), "handle_already_exists")
		r.ok(r.bot("usergroups.create", "name", "On call", "handle", "oncall-primary"))
		r.ws.FailMethod("usergroups.users.update", "plan_upgrade_required")
		r.want(r.bot("usergroups.users.update", "usergroup", sre, "users", bob), "plan_upgrade_required")
		r.ws.FailMethod("usergroups.users.update", "")
		r.ok(r.bot("usergroups.users.update", "usergroup", sre, "users", bob))
	})
}
