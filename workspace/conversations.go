package workspace

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
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
func (c *call) ordinary(arg string) (*conversation, error) {
	ch, err := c.channel(arg)
	if err != nil {
		return nil, err
	}
	if ch.isDirect() {
		return nil, code("method_not_supported_for_channel_type")
	}
	return c.joined(arg)
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

// maxChannelName is in code points, https://docs.slack.dev/reference/methods/conversations.create
const maxChannelName = 80

// checkChannelName gives Slack's error for a channel name; empty: the name is good.
func checkChannelName(name string) string {
	if name == "" {
		return "invalid_name_required"
	}
	if utf8.RuneCountInString(name) > maxChannelName {
		return "invalid_name_maxlength"
	}
	plain := false
	for _, r := range name {
		switch {
		case unicode.IsUpper(r):
			return "invalid_name_specials"
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			plain = true
		case r != '-' && r != '_':
			return "invalid_name_specials"
		}
	}
	if !plain {
		return "invalid_name_punctuation"
	}
	return ""
}

func createdFamily(c *call) []string {
	if c.bool("is_private", false) {
		return []string{privateChannel}
	}
	return []string{publicChannel}
}

func conversationsCreate(c *call) (obj, error) {
	name := c.str("name")
	if bad := checkChannelName(name); bad != "" {
		return nil, code(bad)
	}
	if c.w.channelNamed(name) != nil {
		return nil, code("name_taken")
	}
	ch := c.w.addConversation(createdFamily(c)[0], "", name, c.user.id, []string{c.user.id})
	ch.topic, ch.purpose = note{}, note{}
	o := c.w.conversationObject(ch, nil)
	c.w.toPeople(ch.audience(), obj{"type": "channel_created", "channel": o})
	if ch.kind == publicChannel {
		c.w.toApp("channel_created", nil, obj{"type": "channel_created", "event_ts": c.w.eventTS(),
			"channel": obj{"id": ch.id, "name": ch.name, "created": ch.created, "creator": ch.creator, "is_channel": true, "context_team_id": c.w.team["id"]}})
	}
	return obj{"channel": c.w.conversationObject(ch, c.user)}, nil
}

func openedFamily(c *call) []string {
	if len(c.list("users")) > 1 {
		return []string{groupMessage}
	}
	if ch := c.visible(c.str("channel")); ch != nil {
		return []string{ch.kind}
	}
	return []string{directMessage}
}

// maxOpened is the number of people in a group message besides the caller.
const maxOpened = 8

func conversationsOpen(c *call) (obj, error) {
	var ch *conversation
	isNew := false
	if id := c.str("channel"); id != "" {
		if ch = c.visible(id); ch == nil {
			return nil, code("channel_not_found")
		}
		if !ch.isDirect() {
			return nil, code("method_not_supported_for_channel_type")
		}
	} else {
		ids := c.list("users")
		if len(ids) == 0 {
			return nil, code("users_list_not_supplied")
		}
		if len(ids) > maxOpened {
			return nil, code("too_many_users")
		}
		var users []*user
		for _, id := range ids {
			u := c.w.userByID(id)
			if u == nil {
				return nil, code("user_not_found")
			}
			if u.deleted && len(ids) == 1 && c.w.directMessage(c.user, u) == nil {
				return nil, code("user_disabled")
			}
			users = append(users, u)
		}
		ch, isNew = c.w.openDirect(c.user, users...)
	}
	reopened := isNew || ch.closedFor[c.user.id]
	delete(ch.closedFor, c.user.id)
	out := obj{"channel": obj{"id": ch.id}}
	if c.bool("return_im", false) || c.kind == tokenPerson {
		out["channel"] = c.w.conversationObject(ch, c.user)
	}
	if !reopened {
		out["no_op"], out["already_open"] = true, true
	}
	return out, nil
}

// directMessage finds the conversation of exactly these two; nil: there is none.
func (w *Workspace) directMessage(a, b *user) *conversation {
	return w.directWith([]string{a.id, b.id})
}

func (w *Workspace) directWith(ids []string) *conversation {
	want := slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, ch := range w.chans {
		if ch.isDirect() && slices.Equal(slices.Sorted(slices.Values(ch.members)), want) {
			return ch
		}
	}
	return nil
}

// openDirect finds or makes the conversation of u with the others.
func (w *Workspace) openDirect(u *user, others ...*user) (ch *conversation, isNew bool) {
	ids := []string{u.id}
	names := []string{u.handle}
	for _, o := range others {
		if !slices.Contains(ids, o.id) {
			ids = append(ids, o.id)
			names = append(names, o.handle)
		}
	}
	if ch := w.directWith(ids); ch != nil {
		return ch, false
	}
	kind, name := directMessage, ""
	if len(ids) > 2 {
		kind, name = groupMessage, "mpdm-"+strings.Join(names, "--")+"-1"
	}
	ch = w.addConversation(kind, "", name, u.id, ids)
	for _, id := range ids {
		if p := w.userByID(id); !p.bot {
			w.toPeople([]string{id}, obj{"type": "im_created", "user": u.id, "channel": w.conversationObject(ch, p)})
		}
	}
	return ch, true
}

func conversationsClose(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	if !ch.isDirect() {
		return nil, code("method_not_supported_for_channel_type")
	}
	if ch.closedFor[c.user.id] {
		return obj{"no_op": true, "already_closed": true}, nil
	}
	ch.closedFor[c.user.id] = true
	return nil, nil
}

func conversationsJoin(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	if ch.kind != publicChannel {
		return nil, code("method_not_supported_for_channel_type")
	}
	if ch.archived {
		return nil, code("is_archived")
	}
	out := obj{}
	if !c.w.join(ch, c.user, nil) {
		out["warning"] = "already_in_channel"
		out["response_metadata"] = obj{"warnings": []string{"already_in_channel"}}
	}
	out["channel"] = c.w.conversationObject(ch, c.user)
	return out, nil
}

// join puts u into the channel and says so; false: u is there already.
func (w *Workspace) join(ch *conversation, u, inviter *user) bool {
	if ch.has(u.id) {
		return false
	}
	ch.members = append(ch.members, u.id)
	m := &Message{User: u.id, Subtype: "channel_join", Text: "<@" + u.id + "> has joined the channel"}
	event := obj{"type": "member_joined_channel", "user": u.id, "channel": ch.id, "channel_type": channelLetter(ch), "team": w.team["id"], "event_ts": w.eventTS()}
	if inviter != nil {
		m.Inviter = inviter.id
		event["inviter"] = inviter.id
	}
	w.post(ch, m)
	w.toApp("member_joined_channel", ch, event)
	shown := obj{"object": w.conversationObject(ch, u)}
	for k, v := range event {
		shown[k] = v
	}
	w.toPeople(ch.audience(), shown)
	return true
}

func channelLetter(ch *conversation) string { return ch.id[:1] }

func conversationsLeave(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	switch {
	case ch.isDirect():
		return nil, code("method_not_supported_for_channel_type")
	case ch.archived:
		return nil, code("is_archived")
	case ch.general:
		return nil, code("cant_leave_general")
	case !ch.has(c.user.id):
		return obj{"not_in_channel": true}, nil
	case ch.kind == privateChannel && len(ch.members) == 1:
		return nil, code("last_member")
	}
	c.w.leave(ch, c.user)
	return nil, nil
}

func (w *Workspace) leave(ch *conversation, u *user) {
	event := obj{"type": "member_left_channel", "user": u.id, "channel": ch.id, "channel_type": channelLetter(ch), "team": w.team["id"], "event_ts": w.eventTS()}
	w.toApp("member_left_channel", ch, event)
	w.toPeople(ch.audience(), event)
	ch.members = remove(ch.members, u.id)
}

func conversationsInvite(c *call) (obj, error) {
	ch, err := c.ordinary("channel")
	if err != nil {
		return nil, err
	}
	ids := c.list("users")
	var problems []obj
	var users []*user
	refuse := func(id, e string) { problems = append(problems, obj{"user": id, "ok": false, "error": e}) }
	for _, id := range ids {
		u := c.w.userByID(id)
		switch {
		case u == nil || u.deleted:
			refuse(id, "user_not_found")
		case u.id == c.user.id:
			refuse(id, "cant_invite_self")
		case ch.has(u.id):
			refuse(id, "already_in_channel")
		default:
			users = append(users, u)
		}
	}
	if problems != nil && (!c.bool("force", false) || users == nil) {
		return nil, &apiError{Code: problems[0]["error"].(string), Extra: obj{"errors": problems}}
	}
	for _, u := range users {
		c.w.join(ch, u, c.user)
	}
	out := obj{"channel": c.w.conversationObject(ch, c.user)}
	if problems != nil {
		out["errors"] = problems
	}
	return out, nil
}

func conversationsKick(c *call) (obj, error) {
	ch, err := c.ordinary("channel")
	if err != nil {
		return nil, err
	}
	u := c.w.userByID(c.str("user"))
	switch {
	case u == nil:
		return nil, code("user_not_found")
	case u.id == c.user.id:
		return nil, code("cant_kick_self")
	case ch.general:
		return nil, code("cant_kick_from_general")
	case !ch.has(u.id):
		return nil, code("not_in_channel")
	}
	c.w.leave(ch, u)
	return obj{"errors": obj{}}, nil
}

func conversationsMark(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	if !ch.has(c.user.id) {
		return nil, code("not_in_channel")
	}
	if tsMicro(c.str("ts")) < 0 {
		return nil, code("invalid_timestamp")
	}
	ch.lastRead[c.user.id] = c.str("ts")
	c.w.toPeople([]string{c.user.id}, obj{"type": "channel_marked", "channel": ch.id, "ts": c.str("ts"), "unread_count": ch.unread(c.user.id)})
	return nil, nil
}

func conversationsArchive(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	switch {
	case ch.isDirect():
		return nil, code("method_not_supported_for_channel_type")
	case ch.archived:
		return nil, code("already_archived")
	case ch.general:
		return nil, code("cant_archive_general")
	case !ch.has(c.user.id):
		return nil, code("not_in_channel")
	}
	c.w.setArchived(ch, c.user, true)
	return nil, nil
}

func conversationsUnarchive(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	switch {
	case ch.isDirect():
		return nil, code("method_not_supported_for_channel_type")
	case !ch.archived:
		return nil, code("not_archived")
	}
	c.w.setArchived(ch, c.user, false)
	return nil, nil
}

func (w *Workspace) setArchived(ch *conversation, by *user, archived bool) {
	ch.archived = archived
	verb := "archive"
	if !archived {
		verb = "unarchive"
	}
	w.toApp(kindPrefix(ch)+verb, ch, obj{"type": kindPrefix(ch) + verb, "channel": ch.id, "user": by.id, "is_moved": 0, "event_ts": w.eventTS()})
	w.toPeople(ch.audience(), obj{"type": "channel_" + verb, "channel": ch.id, "user": by.id, "is_archived": archived})
}

// kindPrefix begins the event names of public and of private channels.
func kindPrefix(ch *conversation) string {
	if ch.kind == privateChannel {
		return "group_"
	}
	return "channel_"
}

func conversationsRename(c *call) (obj, error) {
	ch, err := c.ordinary("channel")
	if err != nil {
		return nil, err
	}
	name := c.str("name")
	if bad := checkChannelName(name); bad != "" {
		return nil, code(bad)
	}
	if other := c.w.channelNamed(name); other != nil && other != ch {
		return nil, code("name_taken")
	}
	if c.kind == tokenBot && ch.creator != c.user.id {
		return nil, code("not_authorized")
	}
	old := ch.name
	ch.previous = append([]string{old}, ch.previous...)
	ch.name = name
	c.w.post(ch, &Message{User: c.user.id, Subtype: "channel_name", OldName: old, Name: name,
		Text: "<@" + c.user.id + "> has renamed the channel from \"" + old + "\" to \"" + name + "\""})
	short := obj{"id": ch.id, "name": name, "name_normalized": name, "created": ch.created, "is_channel": ch.kind == publicChannel, "is_mpim": false}
	c.w.toApp(kindPrefix(ch)+"rename", ch, obj{"type": kindPrefix(ch) + "rename", "channel": short, "event_ts": c.w.eventTS()})
	c.w.toPeople(ch.audience(), obj{"type": "channel_rename", "channel": short})
	return obj{"channel": c.w.conversationObject(ch, c.user)}, nil
}

// maxNote is the length of a topic or purpose in code points, https://docs.slack.dev/reference/methods/conversations.setTopic
const maxNote = 250

func conversationsSetTopic(c *call) (obj, error)   { return setNote(c, "topic") }
func conversationsSetPurpose(c *call) (obj, error) { return setNote(c, "purpose") }

func setNote(c *call, which string) (obj, error) {
	ch, err := c.ordinary("channel")
	if err != nil {
		return nil, err
	}
	value := c.str(which)
	if utf8.RuneCountInString(value) > maxNote {
		return nil, code("too_long")
	}
	field, m := &ch.topic, &Message{User: c.user.id, Subtype: "channel_" + which, Topic: value}
	if which == "purpose" {
		field, m.Topic, m.Purpose = &ch.purpose, "", value
	}
	if field.Value != value {
		*field = note{Value: value, Creator: c.user.id, LastSet: c.w.cfg.Now().Unix()}
		m.Text = "<@" + c.user.id + "> set the channel " + which + ": " + value
		if value == "" {
			m.Text = "<@" + c.user.id + "> cleared the channel " + which
		}
		c.w.post(ch, m)
		c.w.toPeople(ch.audience(), obj{"type": "channel_topic", "channel": ch.id, "topic": ch.topic, "purpose": ch.purpose})
	}
	return obj{"channel": c.w.conversationObject(ch, c.user), which: value}, nil
}
