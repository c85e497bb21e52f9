package workspace

import (
	"slices"
	"strings"
)

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
