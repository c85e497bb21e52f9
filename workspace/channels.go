package workspace

import (
	"unicode"
	"unicode/utf8"
)

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
	ch, err := c.ordinary()
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
	ch, err := c.ordinary()
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
	ch, err := c.ordinary()
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
	ch, err := c.ordinary()
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
