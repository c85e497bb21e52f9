package workspace

import (
	"slices"
	"strings"
)

// byApp marks a message as the app's.
func (c *call) byApp(m *Message) {
	m.BotID, m.AppID = c.w.botID, c.w.appID
	m.BotProfile = obj{"id": c.w.botID, "app_id": c.w.appID, "name": displayName(c.w.bot.handle), "user_id": c.w.bot.id,
		"team_id": c.w.team["id"], "deleted": false, "updated": c.w.bot.updated, "icons": obj{}}
	if n := c.str("username"); n != "" {
		m.Username = n
	}
	if e := c.str("icon_emoji"); e != "" {
		m.Icons = rawJSON(obj{"emoji": e})
	} else if u := c.str("icon_url"); u != "" {
		m.Icons = rawJSON(obj{"image_64": u})
	}
}

// destination finds where a message goes: a conversation by ID, a channel by name, or a person by ID.
func (c *call) destination() (*conversation, error) {
	name := c.str("channel")
	ch := c.visible(name)
	if ch == nil {
		if named := c.w.channelNamed(strings.TrimPrefix(name, "#")); named != nil {
			ch = c.visible(named.id)
		}
	}
	if ch == nil {
		if u := c.w.userByID(name); u != nil && u.id != c.user.id {
			if u.deleted && c.w.directMessage(c.user, u) == nil {
				return nil, code("channel_not_found")
			}
			ch, _ = c.w.openDirect(c.user, u)
		}
	}
	if ch == nil {
		return nil, code("channel_not_found")
	}
	if ch.archived {
		return nil, code("is_archived")
	}
	if !ch.has(c.user.id) && !(c.kind == tokenBot && ch.kind == publicChannel && c.w.hasScope("chat:write.public")) {
		return nil, code("not_in_channel")
	}
	return ch, nil
}

func chatPostMessage(c *call) (obj, error) {
	if c.kind == tokenBot && (c.str("username") != "" || c.str("icon_emoji") != "" || c.str("icon_url") != "") {
		if err := c.w.missingScope([]string{"chat:write.customize"}); err != nil {
			return nil, err
		}
	}
	ch, err := c.destination()
	if err != nil {
		return nil, err
	}
	m := &Message{User: c.user.id}
	if err := c.content(m, maxText); err != nil {
		return nil, err
	}
	if c.kind == tokenBot {
		c.byApp(m)
	} else {
		m.Text = c.w.linkNames(m.Text)
	}
	if ts := c.str("thread_ts"); ts != "" {
		parent := ch.byTS[ts]
		if parent == nil {
			return nil, code("thread_not_found")
		}
		if parent.housekeeping() {
			return nil, code("cannot_reply_to_message")
		}
		m.ThreadTS = ts
		if parent.isReply() {
			m.ThreadTS = parent.ThreadTS
		}
		if c.bool("reply_broadcast", false) {
			m.Subtype = "thread_broadcast"
		}
	}
	c.w.post(ch, m)
	return obj{"channel": ch.id, "ts": m.TS, "message": m.fields(nil)}, nil
}

// own finds a message that the caller may change.
func (c *call) own(arg, refusal string) (*conversation, *Message, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, nil, err
	}
	m := ch.byTS[c.str(arg)]
	if m == nil {
		return nil, nil, code("message_not_found")
	}
	if m.User != c.user.id || m.housekeeping() {
		return nil, nil, code(refusal)
	}
	return ch, m, nil
}

func chatUpdate(c *call) (obj, error) {
	ch, m, err := c.own("ts", "cant_update_message")
	if err != nil {
		return nil, err
	}
	if ch.archived {
		return nil, code("is_archived")
	}
	next := m.clone()
	_, hasBlocks := c.args["blocks"]
	_, hasAttachments := c.args["attachments"]
	if _, hasText := c.args["text"]; !hasText && !hasBlocks && !hasAttachments && c.str("markdown_text") == "" {
		if c.str("metadata") == "" {
			return nil, code("no_text")
		}
		if err := c.metadata(next); err != nil {
			return nil, err
		}
	} else {
		if !hasText {
			c.args["text"] = m.Text
		}
		if err := c.content(next, maxUpdate); err != nil {
			return nil, err
		}
		if !hasBlocks && !hasText {
			next.Blocks = m.Blocks
		}
	}
	if c.bool("reply_broadcast", false) && next.isReply() {
		next.Subtype = "thread_broadcast"
	}
	c.w.replace(ch, m, next, c.user.id)
	return obj{"channel": ch.id, "ts": next.TS, "text": next.Text, "message": next.fields(nil)}, nil
}

// replace puts next in the place of m and tells everybody.
func (w *Workspace) replace(ch *conversation, m, next *Message, by string) {
	old := m.fields(nil)
	at := w.nextTS()
	next.Edited = &Edited{User: by, TS: at}
	*m = *next
	w.changed(ch, m.fields(nil), old, at)
}

// changed tells everybody that a message is different now.
func (w *Workspace) changed(ch *conversation, now, before obj, at string) {
	w.messageEvent(ch, obj{"type": "message", "subtype": "message_changed", "hidden": true, "message": now, "previous_message": before, "ts": at}, nil)
}

func chatDelete(c *call) (obj, error) {
	ch, m, err := c.own("ts", "cant_delete_message")
	if err != nil {
		return nil, err
	}
	c.w.erase(ch, m)
	return obj{"channel": ch.id, "ts": m.TS}, nil
}

func (w *Workspace) erase(ch *conversation, m *Message) {
	ch.messages = slices.DeleteFunc(ch.messages, func(x *Message) bool { return x == m })
	delete(ch.byTS, m.TS)
	ch.pins = slices.DeleteFunc(ch.pins, func(p pin) bool { return p.ts == m.TS })
	if p := ch.byTS[m.ThreadTS]; p != nil && m.isReply() {
		ch.recount(p)
	}
	w.messageEvent(ch, obj{"type": "message", "subtype": "message_deleted", "hidden": true, "deleted_ts": m.TS, "previous_message": m.fields(nil), "ts": w.nextTS()}, nil)
}

// recount counts the replies of a message anew.
func (ch *conversation) recount(p *Message) {
	p.ReplyCount, p.ReplyUsers, p.LatestReply = 0, nil, ""
	for _, m := range ch.messages {
		if m.ThreadTS == p.TS && m != p {
			ch.replied(m)
		}
	}
	p.ReplyUsersCount = len(p.ReplyUsers)
	if p.ReplyCount == 0 {
		p.ThreadTS, p.IsLocked = "", nil
	}
}

func chatGetPermalink(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	m := ch.byTS[c.str("message_ts")]
	if m == nil {
		return nil, code("message_not_found")
	}
	link := c.base + "/archives/" + ch.id + "/p" + strings.Replace(m.TS, ".", "", 1)
	if m.isReply() {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + ch.id
	}
	return obj{"channel": ch.id, "permalink": link}, nil
}
