package workspace

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/workspace/limits"
)

// Message is a message as Slack's history gives it.
type Message struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype,omitempty"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts,omitempty"`
	User        string          `json:"user,omitempty"`
	BotID       string          `json:"bot_id,omitempty"`
	AppID       string          `json:"app_id,omitempty"`
	Username    string          `json:"username,omitempty"`
	Icons       json.RawMessage `json:"icons,omitempty"`
	Team        string          `json:"team,omitempty"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks,omitempty"`
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Edited      *Edited         `json:"edited,omitempty"`
	Reactions   []Reaction      `json:"reactions,omitempty"`
	Files       []obj           `json:"files,omitempty"`
	PinnedTo    []string        `json:"pinned_to,omitempty"`
	BotProfile  obj             `json:"bot_profile,omitempty"`

	ParentUserID    string   `json:"parent_user_id,omitempty"`
	ReplyCount      int      `json:"reply_count,omitempty"`
	ReplyUsersCount int      `json:"reply_users_count,omitempty"`
	LatestReply     string   `json:"latest_reply,omitempty"`
	ReplyUsers      []string `json:"reply_users,omitempty"`
	IsLocked        *bool    `json:"is_locked,omitempty"`
	Subscribed      *bool    `json:"subscribed,omitempty"`

	Inviter string `json:"inviter,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Purpose string `json:"purpose,omitempty"`
	OldName string `json:"old_name,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Edited says who changed a message and when.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

// Reaction is one emoji under a message.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

func (m *Message) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// inChannel says whether the message stands in the channel itself, as replies do only when they were broadcast.
func (m *Message) inChannel() bool { return !m.isReply() || m.Subtype == "thread_broadcast" }

// housekeeping says whether the message only notes a change of the channel.
func (m *Message) housekeeping() bool { return strings.HasPrefix(m.Subtype, "channel_") }

func (m *Message) clone() *Message {
	c := *m
	c.Reactions = slices.Clone(m.Reactions)
	for i := range c.Reactions {
		c.Reactions[i].Users = slices.Clone(c.Reactions[i].Users)
	}
	c.ReplyUsers, c.PinnedTo, c.Files = slices.Clone(m.ReplyUsers), slices.Clone(m.PinnedTo), slices.Clone(m.Files)
	return &c
}

// fields is the message as an event or a method's answer carries it.
func (m *Message) fields(more obj) obj {
	var o obj
	if err := json.Unmarshal(rawJSON(m), &o); err != nil {
		panic("workspace: decode a message that was just encoded: " + err.Error())
	}
	maps.Copy(o, more)
	return o
}

// channelType is the channel_type of message events.
func channelType(ch *conversation) string {
	return map[string]string{publicChannel: "channel", privateChannel: "group", directMessage: "im", groupMessage: "mpim"}[ch.kind]
}

// post adds a message with a new timestamp to a conversation and tells everybody. The caller holds mu.
func (w *Workspace) post(ch *conversation, m *Message) {
	m.Type = "message"
	m.TS = w.nextTS()
	if m.Team == "" {
		m.Team = w.team["id"].(string)
	}
	ch.messages = append(ch.messages, m)
	ch.byTS[m.TS] = m
	if m.ThreadTS != "" {
		ch.replied(m)
	}
	clear(ch.closedFor)
	if m.User != "" {
		ch.lastRead[m.User] = m.TS
	}
	w.trim(ch)
	w.messageEvent(ch, m.fields(nil), nil)
	w.mentionEvent(ch, m)
}

// replied counts a reply at its parent.
func (ch *conversation) replied(m *Message) {
	p := ch.byTS[m.ThreadTS]
	if p == nil {
		return
	}
	p.ThreadTS = p.TS
	p.ReplyCount++
	p.LatestReply = m.TS
	m.ParentUserID = p.User
	if m.User != "" && !slices.Contains(p.ReplyUsers, m.User) {
		p.ReplyUsers = append(p.ReplyUsers, m.User)
	}
	p.ReplyUsersCount = len(p.ReplyUsers)
	p.IsLocked = new(bool)
}

// trim drops the oldest messages once a conversation is a tenth over its allowance.
func (w *Workspace) trim(ch *conversation) {
	if len(ch.messages) < w.cfg.KeepMessages+w.cfg.KeepMessages/10+1 {
		return
	}
	cut := len(ch.messages) - w.cfg.KeepMessages
	for _, m := range ch.messages[:cut] {
		delete(ch.byTS, m.TS)
	}
	ch.messages = append([]*Message(nil), ch.messages[cut:]...)
}

// messageEvent tells the app and the people of a message event. event lacks channel and times, which are added.
func (w *Workspace) messageEvent(ch *conversation, event obj, audience []string) {
	event["channel"] = ch.id
	event["channel_type"] = channelType(ch)
	if event["event_ts"] == nil {
		event["event_ts"] = event["ts"]
	}
	w.toApp("message."+ch.kind, ch, withoutMetadata(event))
	if audience == nil {
		audience = ch.audience()
	}
	w.toPeople(audience, event)
}

// withoutMetadata is an event as the app gets it: metadata is read with history, or by events of its own.
func withoutMetadata(event obj) obj {
	out := maps.Clone(event)
	delete(out, "metadata")
	for _, k := range []string{"message", "previous_message"} {
		if m, ok := out[k].(obj); ok {
			m = maps.Clone(m)
			delete(m, "metadata")
			out[k] = m
		}
	}
	return out
}

// mentionEvent sends app_mention when a person's message names the bot in a channel.
func (w *Workspace) mentionEvent(ch *conversation, m *Message) {
	if ch.isDirect() || m.User == w.bot.id || m.housekeeping() || !strings.Contains(m.Text, "<@"+w.bot.id) {
		return
	}
	event := obj{"type": "app_mention", "user": m.User, "text": m.Text, "ts": m.TS, "channel": ch.id, "team": m.Team, "event_ts": m.TS}
	if m.ThreadTS != "" {
		event["thread_ts"] = m.ThreadTS
	}
	if m.Blocks != nil {
		event["blocks"] = m.Blocks
	}
	w.toApp("app_mention", ch, event)
}

// Lengths in code points: a message by https://docs.slack.dev/reference/methods/chat.postMessage, an update by
// https://docs.slack.dev/reference/methods/chat.update
const (
	maxText   = 40_000
	maxUpdate = 4_000
	maxExtras = 100 // attachments
	// maxMetadata is a guess on the small side: the limit is not documented.
	maxMetadata = 8_000
)

// content reads text, blocks, attachments and metadata into m, checked.
func (c *call) content(m *Message, longest int) error {
	m.Text = c.str("text")
	if md := c.str("markdown_text"); md != "" {
		if m.Text != "" || c.str("blocks") != "" {
			return code("markdown_text_conflict")
		}
		m.Text = md
	}
	if utf8.RuneCountInString(m.Text) > longest {
		return code("msg_too_long")
	}
	blocks, err := c.blocks()
	if err != nil {
		return err
	}
	m.Blocks = blocks
	if a := c.str("attachments"); a != "" {
		var list []obj
		if json.Unmarshal([]byte(a), &list) != nil {
			return code("invalid_attachments")
		}
		if len(list) > maxExtras {
			return code("too_many_attachments")
		}
		for _, one := range list {
			if one["blocks"] != nil && limits.Message(rawJSON(one["blocks"])) != nil {
				return code("invalid_attachments")
			}
		}
		m.Attachments = nil
		if len(list) > 0 {
			m.Attachments = json.RawMessage(a)
		}
	}
	if m.Text == "" && m.Blocks == nil && m.Attachments == nil {
		return code("no_text")
	}
	return c.metadata(m)
}

func (c *call) metadata(m *Message) error {
	raw := c.str("metadata")
	if raw == "" {
		return nil
	}
	if strings.TrimSpace(raw) == "{}" {
		m.Metadata = nil
		return nil
	}
	var md struct {
		EventType    string          `json:"event_type"`
		EventPayload json.RawMessage `json:"event_payload"`
	}
	if json.Unmarshal([]byte(raw), &md) != nil {
		return code("invalid_metadata_format")
	}
	var payload map[string]any
	if md.EventType == "" || json.Unmarshal(md.EventPayload, &payload) != nil {
		return code("invalid_metadata_schema")
	}
	if len(raw) > maxMetadata {
		return code("metadata_too_large")
	}
	if c.kind == tokenPerson {
		return code("metadata_must_be_sent_from_app")
	}
	m.Metadata = json.RawMessage(raw)
	return nil
}

// blocks reads the blocks argument, checks it against Slack's limits and gives each block an ID.
func (c *call) blocks() (json.RawMessage, error) {
	raw := c.str("blocks")
	if raw == "" {
		return nil, nil
	}
	var list []obj
	if json.Unmarshal([]byte(raw), &list) != nil {
		return nil, code("invalid_blocks_format")
	}
	if len(list) == 0 {
		return nil, nil
	}
	if problems := limits.Message([]byte(raw)); problems != nil {
		e := &apiError{Code: "invalid_blocks", Extra: obj{}}
		var short []string
		for _, p := range problems {
			e.Messages = append(e.Messages, "[ERROR] "+p.String())
			short = append(short, p.String())
		}
		e.Extra["errors"] = short
		return nil, e
	}
	return c.w.identify(list), nil
}

// identify gives every block without one a block_id, and every actions or input element an action_id.
func (w *Workspace) identify(blocks []obj) json.RawMessage {
	for _, b := range blocks {
		if id, _ := b["block_id"].(string); id == "" {
			b["block_id"] = w.nextID("b")
		}
		for _, key := range []string{"element", "accessory"} {
			if e, ok := b[key].(obj); ok {
				w.identifyElement(e)
			}
		}
		if b["type"] == "actions" {
			list, _ := b["elements"].([]any)
			for _, e := range list {
				if e, ok := e.(obj); ok {
					w.identifyElement(e)
				}
			}
		}
	}
	return rawJSON(blocks)
}

func (w *Workspace) identifyElement(e obj) {
	if e["type"] == "image" {
		return
	}
	if id, _ := e["action_id"].(string); id == "" {
		e["action_id"] = w.nextID("a")
	}
}

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
		if err := c.metadata(next); err != nil || c.str("metadata") == "" {
			return nil, cmpErr(err, code("no_text"))
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

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
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

// withMetadata leaves the metadata out unless the caller asked for it.
func (c *call) shown(m *Message) obj {
	s := m.clone()
	if !c.bool("include_all_metadata", false) {
		s.Metadata = nil
	}
	return s.fields(nil)
}

// span reads oldest, latest and inclusive.
func (c *call) span() (within func(ts string) bool, err error) {
	oldest, latest := int64(-1), int64(1)<<62
	if s := c.str("oldest"); s != "" && s != "0" {
		if oldest = tsMicro(s); oldest < 0 {
			return nil, code("invalid_ts_oldest")
		}
	}
	if s := c.str("latest"); s != "" && s != "now" {
		if latest = tsMicro(s); latest < 0 {
			return nil, code("invalid_ts_latest")
		}
	}
	inclusive := c.bool("inclusive", false)
	return func(ts string) bool {
		t := tsMicro(ts)
		return t > oldest && t < latest || inclusive && (t == oldest || t == latest)
	}, nil
}

func conversationsHistory(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	if !ch.has(c.user.id) && c.kind == tokenBot {
		return nil, code("not_in_channel")
	}
	within, err := c.span()
	if err != nil {
		return nil, err
	}
	var all []*Message
	for _, m := range slices.Backward(ch.messages) {
		if m.inChannel() && within(m.TS) {
			all = append(all, m)
		}
	}
	page, next, err := paginateByTS(c, all, 100, func(ts, cursor string) bool { return tsLess(ts, cursor) })
	if err != nil {
		return nil, err
	}
	list := []obj{}
	for _, m := range page {
		list = append(list, c.shown(m))
	}
	out := obj{"messages": list, "has_more": next != "", "pin_count": len(ch.pins), "channel_actions_ts": nil, "channel_actions_count": 0}
	if next != "" {
		out["response_metadata"] = obj{"next_cursor": next}
	}
	return out, nil
}

// paginateByTS cuts a page whose cursor is a timestamp, so that it stays right while messages are added.
func paginateByTS(c *call, all []*Message, otherwise int, after func(ts, cursor string) bool) (page []*Message, next string, err error) {
	limit := c.int("limit", otherwise)
	if limit <= 0 || limit > 1000 {
		limit = otherwise
	}
	if cur := c.str("cursor"); cur != "" {
		at, ok := strings.CutPrefix(cur, "bmV4dF90czo")
		if !ok || tsMicro(at) < 0 {
			return nil, "", code("invalid_cursor")
		}
		all = slices.DeleteFunc(all, func(m *Message) bool { return !after(m.TS, at) })
	}
	if len(all) > limit {
		return all[:limit], "bmV4dF90czo" + all[limit-1].TS, nil
	}
	return all, "", nil
}

func conversationsReplies(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	if !ch.has(c.user.id) && c.kind == tokenBot && ch.kind != publicChannel {
		return nil, code("channel_not_found")
	}
	root := ch.byTS[c.str("ts")]
	if root == nil {
		return nil, code("thread_not_found")
	}
	within, err := c.span()
	if err != nil {
		return nil, err
	}
	var all []*Message
	for _, m := range ch.messages {
		if m != root && m.ThreadTS == root.TS && within(m.TS) {
			all = append(all, m)
		}
	}
	page, next, err := paginateByTS(c, all, 1000, func(ts, cursor string) bool { return tsLess(cursor, ts) })
	if err != nil {
		return nil, err
	}
	list := []obj{c.shown(root)}
	for _, m := range page {
		list = append(list, c.shown(m))
	}
	out := obj{"messages": list, "has_more": next != ""}
	if next != "" {
		out["response_metadata"] = obj{"next_cursor": next}
	}
	return out, nil
}
