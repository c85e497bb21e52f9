package workspace

import (
	"slices"
	"strings"
)

// shown is a message in an answer; its metadata is left out unless the caller asked for it.
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
