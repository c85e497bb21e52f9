package workspace

import (
	"net/url"
	"slices"
	"strings"
)

type pin struct {
	ts, by  string
	created int64
}

type bookmark struct {
	ID        string `json:"id"`
	ChannelID string `json:"channel_id"`
	Title     string `json:"title"`
	Link      string `json:"link"`
	Emoji     string `json:"emoji"`
	IconURL   any    `json:"icon_url"`
	Type      string `json:"type"`
	EntityID  any    `json:"entity_id"`
	Created   int64  `json:"date_created"`
	Updated   int64  `json:"date_updated"`
	Rank      string `json:"rank"`
	By        string `json:"last_updated_by_user_id"`
	TeamID    any    `json:"last_updated_by_team_id"`
	Shortcut  any    `json:"shortcut_id"`
	AppID     any    `json:"app_id"`
}

// marked finds the message that channel and timestamp name.
func (c *call) marked() (*conversation, *Message, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, nil, err
	}
	ts := c.str("timestamp")
	if ts == "" {
		return nil, nil, code("no_item_specified")
	}
	if tsMicro(ts) < 0 {
		return nil, nil, code("bad_timestamp")
	}
	m := ch.byTS[ts]
	if m == nil {
		return nil, nil, code("message_not_found")
	}
	return ch, m, nil
}

// maxPins is the number of pins of a channel, https://docs.slack.dev/reference/methods/pins.add
const maxPins = 100

func pinsAdd(c *call) (obj, error) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case !ch.has(c.user.id):
		return nil, code("not_in_channel")
	case m.housekeeping():
		return nil, code("not_pinnable")
	case slices.ContainsFunc(ch.pins, func(p pin) bool { return p.ts == m.TS }):
		return nil, code("already_pinned")
	case len(ch.pins) >= maxPins:
		return nil, code("too_many_pins")
	}
	ch.pins = append(ch.pins, pin{ts: m.TS, by: c.user.id, created: c.w.cfg.Now().Unix()})
	m.PinnedTo = []string{ch.id}
	c.w.pinEvent("pin_added", ch, m, c.user)
	return nil, nil
}

func (w *Workspace) pinEvent(kind string, ch *conversation, m *Message, by *user) {
	event := obj{"type": kind, "user": by.id, "channel_id": ch.id, "event_ts": w.eventTS(), "has_pins": len(ch.pins) > 0,
		"item": obj{"type": "message", "channel": ch.id, "message": m.fields(nil), "created": w.cfg.Now().Unix(), "created_by": by.id}}
	w.toApp(kind, ch, event)
	w.toPeople(ch.audience(), event)
}

func pinsRemove(c *call) (obj, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	n := len(ch.pins)
	ch.pins = slices.DeleteFunc(ch.pins, func(p pin) bool { return p.ts == m.TS })
	if len(ch.pins) == n {
		return nil, code("no_pin")
	}
	m.PinnedTo = nil
	c.w.pinEvent("pin_removed", ch, m, c.user)
	return nil, nil
}

func pinsList(c *call) (obj, error) {
	ch, err := c.channel("channel")
	if err != nil {
		return nil, err
	}
	items := []obj{}
	for _, p := range slices.Backward(ch.pins) {
		if m := ch.byTS[p.ts]; m != nil {
			items = append(items, obj{"type": "message", "channel": ch.id, "created": p.created, "created_by": p.by,
				"message": m.fields(obj{"permalink": c.base + "/archives/" + ch.id + "/p" + strings.Replace(m.TS, ".", "", 1)})})
		}
	}
	return obj{"items": items}, nil
}

// maxReactions is the number of different emoji under a message, https://docs.slack.dev/reference/methods/reactions.add
const maxReactions = 50

func reactionsAdd(c *call) (obj, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	name := strings.Trim(c.str("name"), ":")
	if !emojiName(name) {
		return nil, code("invalid_name")
	}
	if ch.archived {
		return nil, code("is_archived")
	}
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	if i < 0 {
		if len(m.Reactions) >= maxReactions {
			return nil, code("too_many_emoji")
		}
		m.Reactions = append(m.Reactions, Reaction{Name: name})
		i = len(m.Reactions) - 1
	}
	r := &m.Reactions[i]
	if slices.Contains(r.Users, c.user.id) {
		return nil, code("already_reacted")
	}
	r.Users = append(r.Users, c.user.id)
	r.Count = len(r.Users)
	c.w.reactionEvent("reaction_added", ch, m, name, c.user)
	return nil, nil
}

func reactionsRemove(c *call) (obj, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	name := strings.Trim(c.str("name"), ":")
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	if i < 0 || !slices.Contains(m.Reactions[i].Users, c.user.id) {
		return nil, code("no_reaction")
	}
	r := &m.Reactions[i]
	r.Users = remove(r.Users, c.user.id)
	r.Count = len(r.Users)
	if r.Count == 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
	c.w.reactionEvent("reaction_removed", ch, m, name, c.user)
	return nil, nil
}

func (w *Workspace) reactionEvent(kind string, ch *conversation, m *Message, name string, by *user) {
	event := obj{"type": kind, "user": by.id, "reaction": name, "item_user": m.User, "event_ts": w.eventTS(),
		"item": obj{"type": "message", "channel": ch.id, "ts": m.TS}}
	w.toApp(kind, ch, event)
	w.toPeople(ch.audience(), event)
}

func reactionsGet(c *call) (obj, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	return obj{"type": "message", "channel": ch.id, "message": m.fields(nil)}, nil
}

// emojiName says whether a name can be an emoji's. Which emoji exist is not checked.
func emojiName(name string) bool {
	if name == "" || len(name) > 100 {
		return false
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("_-+':", r)) {
			return false
		}
	}
	return true
}

func validLink(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// maxBookmarks is the number of bookmarks of a channel, https://slack.com/help/articles/4403304183443
const maxBookmarks = 100

func bookmarksAdd(c *call) (obj, error) {
	ch, err := c.joined("channel_id")
	if err != nil {
		return nil, recode(err, "not_in_channel", "permission_denied")
	}
	if c.str("type") != "link" {
		return nil, code("invalid_bookmark_type")
	}
	if !validLink(c.str("link")) {
		return nil, code("invalid_link")
	}
	if len(ch.bookmarks) >= maxBookmarks {
		return nil, code("too_many_bookmarks")
	}
	now := c.w.cfg.Now().Unix()
	b := &bookmark{ID: c.w.nextID("Bk"), ChannelID: ch.id, Title: c.str("title"), Link: c.str("link"), Emoji: c.str("emoji"), Type: "link",
		Created: now, Updated: 0, Rank: string(rune('a' + len(ch.bookmarks)%26)), By: c.user.id, TeamID: c.w.team["id"]}
	if c.kind == tokenBot {
		b.AppID = c.w.appID
	}
	ch.bookmarks = append(ch.bookmarks, b)
	c.w.toPeople(ch.audience(), obj{"type": "bookmark_added", "channel": ch.id, "bookmark": *b})
	return obj{"bookmark": *b}, nil
}

// recode replaces one of Slack's codes by the one that a method uses for it.
func recode(err error, from, to string) error {
	if err.Error() == from {
		return code(to)
	}
	return err
}

func (c *call) bookmark() (*conversation, *bookmark, error) {
	ch, err := c.joined("channel_id")
	if err != nil {
		return nil, nil, recode(err, "not_in_channel", "permission_denied")
	}
	for _, b := range ch.bookmarks {
		if b.ID == c.str("bookmark_id") {
			return ch, b, nil
		}
	}
	return nil, nil, code("not_found")
}

func bookmarksEdit(c *call) (obj, error) {
	ch, b, err := c.bookmark()
	if err != nil {
		return nil, err
	}
	if l := c.str("link"); l != "" {
		if !validLink(l) {
			return nil, code("invalid_link")
		}
		b.Link = l
	}
	if t := c.str("title"); t != "" {
		b.Title = t
	}
	if e, ok := c.args["emoji"]; ok {
		b.Emoji = e
	}
	b.Updated, b.By = c.w.cfg.Now().Unix(), c.user.id
	c.w.toPeople(ch.audience(), obj{"type": "bookmark_edited", "channel": ch.id, "bookmark": *b})
	return obj{"bookmark": *b}, nil
}

func bookmarksList(c *call) (obj, error) {
	ch, err := c.channel("channel_id")
	if err != nil {
		return nil, err
	}
	list := []bookmark{}
	for _, b := range ch.bookmarks {
		list = append(list, *b)
	}
	return obj{"bookmarks": list}, nil
}

func bookmarksRemove(c *call) (obj, error) {
	ch, b, err := c.bookmark()
	if err != nil {
		return nil, err
	}
	ch.bookmarks = slices.DeleteFunc(ch.bookmarks, func(x *bookmark) bool { return x == b })
	c.w.toPeople(ch.audience(), obj{"type": "bookmark_removed", "channel": ch.id, "bookmark_id": b.ID})
	return nil, nil
}
