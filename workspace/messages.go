package workspace

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
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
	if m.User != "" && m.inChannel() {
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
