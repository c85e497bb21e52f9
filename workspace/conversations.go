package workspace

import (
	"fmt"
	"slices"
	"strings"
)

// The kinds of conversation, named as the scopes' families are.
const (
	publicChannel  = "channels"
	privateChannel = "groups"
	directMessage  = "im"
	groupMessage   = "mpim"
)

type note struct {
	Value   string `json:"value"`
	Creator string `json:"creator"`
	LastSet int64  `json:"last_set"`
}

type conversation struct {
	id, name, kind, creator string
	created                 int64
	archived, general       bool
	topic, purpose          note
	previous                []string
	members                 []string
	messages                []*Message // by ts
	byTS                    map[string]*Message
	lastRead                map[string]string
	closedFor               map[string]bool // direct messages that a person closed
	pins                    []pin
	bookmarks               []*bookmark
	canvas                  string
}

func (ch *conversation) has(user string) bool { return slices.Contains(ch.members, user) }
func (ch *conversation) family() string       { return ch.kind }
func (ch *conversation) isDirect() bool       { return ch.kind == directMessage || ch.kind == groupMessage }

// audience are the people who may see the conversation; nil stands for everyone.
func (ch *conversation) audience() []string {
	if ch.kind == publicChannel {
		return everyone
	}
	return slices.Clone(ch.members)
}

func (w *Workspace) addConversation(kind, id, name, creator string, members []string) *conversation {
	prefix := map[string]string{publicChannel: "C", privateChannel: "C", directMessage: "D", groupMessage: "C"}[kind]
	if id == "" {
		id = w.nextID(prefix)
	}
	ch := &conversation{id: id, name: name, kind: kind, creator: creator, created: w.cfg.Now().Unix(), members: members,
		byTS: map[string]*Message{}, lastRead: map[string]string{}, closedFor: map[string]bool{}}
	w.chans = append(w.chans, ch)
	return ch
}

func (w *Workspace) seedChannel(c Channel) {
	kind := publicChannel
	if c.Private {
		kind = privateChannel
	}
	var members []string
	if c.Members == nil {
		for _, u := range w.people {
			members = append(members, u.id)
		}
	}
	for _, m := range c.Members {
		u := w.findUser(m)
		if u == nil {
			panic(fmt.Sprintf("workspace: channel %s names %q, who is not among the people", c.Name, m))
		}
		members = append(members, u.id)
	}
	ch := w.addConversation(kind, c.ID, strings.TrimPrefix(c.Name, "#"), w.bot.id, members)
	ch.topic.Value, ch.purpose.Value = c.Topic, c.Purpose
	ch.general = ch.name == "general"
}

// channelNamed finds a channel by name, archived ones included; nil: there is none.
func (w *Workspace) channelNamed(name string) *conversation {
	for _, ch := range w.chans {
		if !ch.isDirect() && ch.name == name {
			return ch
		}
	}
	return nil
}

func (w *Workspace) conversation(id string) *conversation {
	for _, ch := range w.chans {
		if ch.id == id {
			return ch
		}
	}
	return nil
}

// visible finds a conversation that the caller may see; nil: there is none.
func (c *call) visible(id string) *conversation {
	ch := c.w.conversation(id)
	if ch == nil || ch.kind != publicChannel && !ch.has(c.user.id) {
		return nil
	}
	return ch
}

// channel finds the conversation that an argument names.
func (c *call) channel(arg string) (*conversation, error) {
	if ch := c.visible(c.str(arg)); ch != nil {
		return ch, nil
	}
	return nil, code("channel_not_found")
}

// joined finds the conversation and wants the caller in it and the channel open.
func (c *call) joined(arg string) (*conversation, error) {
	ch, err := c.channel(arg)
	if err != nil {
		return nil, err
	}
	if ch.archived {
		return nil, code("is_archived")
	}
	if !ch.has(c.user.id) {
		return nil, code("not_in_channel")
	}
	return ch, nil
}

// ordinary is joined for methods that direct messages do not have.
func (c *call) ordinary() (*conversation, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	if ch.isDirect() {
		return nil, code("method_not_supported_for_channel_type")
	}
	return c.joined("channel")
}

// conversationObject is Slack's conversation object as u sees it; nil u: as somebody outside.
func (w *Workspace) conversationObject(ch *conversation, u *user) obj {
	o := obj{
		"id": ch.id, "created": ch.created, "is_archived": ch.archived, "is_im": ch.kind == directMessage, "is_org_shared": false,
		"context_team_id": w.team["id"], "updated": ch.created * 1000,
	}
	if ch.kind == directMessage {
		other := ch.members[0]
		if u != nil && other == u.id && len(ch.members) > 1 {
			other = ch.members[1]
		}
		o["user"], o["is_user_deleted"], o["priority"] = other, false, 0
		if p := w.userByID(other); p != nil {
			o["is_user_deleted"] = p.deleted
		}
	} else {
		for k, v := range (obj{
			"name": ch.name, "name_normalized": ch.name, "is_channel": ch.kind == publicChannel, "is_group": ch.kind == privateChannel,
			"is_mpim": ch.kind == groupMessage, "is_private": ch.kind != publicChannel, "is_general": ch.general, "unlinked": 0,
			"is_shared": false, "is_ext_shared": false, "is_pending_ext_shared": false, "pending_shared": []string{},
			"creator": ch.creator, "topic": ch.topic, "purpose": ch.purpose, "previous_names": append([]string{}, ch.previous...),
			"num_members": len(ch.members), "is_member": u != nil && ch.has(u.id), "parent_conversation": nil,
		}) {
			o[k] = v
		}
	}
	if ch.canvas != "" {
		o["properties"] = obj{"canvas": obj{"file_id": ch.canvas, "is_empty": w.canvas[ch.canvas].markdown == "", "quip_thread_id": ch.canvas}}
	}
	if u != nil && ch.has(u.id) && !u.bot {
		n := ch.unread(u.id)
		o["last_read"], o["unread_count"], o["unread_count_display"] = ch.lastReadOf(u.id), n, n
		if ch.isDirect() {
			o["is_open"] = !ch.closedFor[u.id]
		}
	}
	return o
}

func (ch *conversation) lastReadOf(user string) string {
	if ts := ch.lastRead[user]; ts != "" {
		return ts
	}
	return "0000000000.000000"
}

// unread counts what stands in the channel and not in a thread, is newer than the read mark and from somebody else.
func (ch *conversation) unread(user string) int {
	read, n := tsMicro(ch.lastReadOf(user)), 0
	for _, m := range slices.Backward(ch.messages) {
		if tsMicro(m.TS) <= read {
			break
		}
		if m.inChannel() && m.User != user && !m.housekeeping() {
			n++
		}
	}
	return n
}

func listedFamilies(c *call) []string {
	var out []string
	for _, t := range c.types() {
		if f := typeFamilies[t]; f != "" {
			out = append(out, f)
		}
	}
	return out
}

var typeFamilies = map[string]string{"public_channel": publicChannel, "private_channel": privateChannel, "im": directMessage, "mpim": groupMessage}

func (c *call) types() []string {
	if t := c.list("types"); len(t) > 0 {
		return t
	}
	return []string{"public_channel"}
}

func (c *call) listConversations(keep func(*conversation) bool) (obj, error) {
	families := map[string]bool{}
	for _, t := range c.types() {
		if typeFamilies[t] == "" {
			return nil, code("invalid_types")
		}
		families[typeFamilies[t]] = true
	}
	var all []*conversation
	for _, ch := range c.w.chans {
		if families[ch.kind] && c.visible(ch.id) != nil && keep(ch) && !(ch.archived && c.bool("exclude_archived", false)) {
			all = append(all, ch)
		}
	}
	page, next, err := paginate(c, all, 100, 1000)
	if err != nil {
		return nil, err
	}
	list := []obj{}
	for _, ch := range page {
		list = append(list, c.w.conversationObject(ch, c.user))
	}
	return obj{"channels": list, "response_metadata": obj{"next_cursor": next}}, nil
}

func conversationsList(c *call) (obj, error) {
	return c.listConversations(func(*conversation) bool { return true })
}

func conversationsInfo(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	o := c.w.conversationObject(ch, c.user)
	if !c.bool("include_num_members", c.kind != tokenBot) {
		delete(o, "num_members")
	}
	return obj{"channel": o}, nil
}

func conversationsMembers(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	page, next, err := paginate(c, ch.members, 100, 1000)
	if err != nil {
		return nil, err
	}
	return obj{"members": append([]string{}, page...), "response_metadata": obj{"next_cursor": next}}, nil
}
