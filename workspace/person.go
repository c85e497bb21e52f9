package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Person acts as somebody in the workspace, as that person's client would. Channels are named by ID, #name, or @handle for
// the direct messages with somebody.
type Person struct {
	w *Workspace
	u *user
}

// Person finds somebody by handle, e-mail or ID. It panics when there is nobody, since that is a mistake in the test.
func (w *Workspace) Person(name string) *Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.findUser(name)
	if u == nil {
		panic(fmt.Sprintf("workspace: nobody here is called %q", name))
	}
	return &Person{w: w, u: u}
}

// ID is the person's user ID.
func (p *Person) ID() string { return p.u.id }

// Token is the person's token for the Web API and the client endpoints.
func (p *Person) Token() string { return p.u.token() }

// Mention is how a message names the person.
func (p *Person) Mention() string { return "<@" + p.u.id + ">" }

// ChannelID finds a conversation by ID, #name, name, or @handle. Empty: there is none, or the person cannot see it.
func (p *Person) ChannelID(name string) string {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.find(name)
}

func (p *Person) find(name string) string {
	c := p.call(nil)
	if ch := c.visible(name); ch != nil {
		return ch.id
	}
	if handle, ok := strings.CutPrefix(name, "@"); ok {
		if other := p.w.findUser(handle); other != nil {
			ch, _ := p.w.openDirect(p.u, other)
			return ch.id
		}
		return ""
	}
	if ch := p.w.channelNamed(strings.TrimPrefix(name, "#")); ch != nil && c.visible(ch.id) != nil {
		return ch.id
	}
	return ""
}

func (p *Person) call(args map[string]string) *call {
	return &call{w: p.w, kind: tokenPerson, user: p.u, args: args, base: p.w.base}
}

// do calls a method of the Web API as the person.
func (p *Person) do(run handler, args map[string]string) (obj, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if name, ok := args["channel"]; ok {
		args["channel"] = p.find(name)
	}
	return run(p.call(args))
}

// Command types a slash command into a channel and waits for the app's acknowledgement.
func (p *Person) Command(channel, text string) (Ack, error) {
	return p.w.command(p.u, p.ChannelID(channel), text)
}

// Say posts a message, in a thread unless thread is empty, and gives its timestamp. Handles and channel names become mentions.
func (p *Person) Say(channel, text, thread string) (ts string, err error) {
	out, err := p.do(chatPostMessage, map[string]string{"channel": channel, "text": escape.Replace(text), "thread_ts": thread})
	if err != nil {
		return "", err
	}
	return out["ts"].(string), nil
}

// Edit changes a message of the person's own.
func (p *Person) Edit(channel, ts, text string) error {
	p.w.mu.Lock()
	linked := p.w.linkNames(escape.Replace(text))
	p.w.mu.Unlock()
	_, err := p.do(chatUpdate, map[string]string{"channel": channel, "ts": ts, "text": linked})
	return err
}

// Delete deletes a message of the person's own.
func (p *Person) Delete(channel, ts string) error {
	_, err := p.do(chatDelete, map[string]string{"channel": channel, "ts": ts})
	return err
}

// React puts an emoji under a message; name is without colons.
func (p *Person) React(channel, ts, name string) error {
	_, err := p.do(reactionsAdd, map[string]string{"channel": channel, "timestamp": ts, "name": name})
	return err
}

// Unreact takes the person's emoji away.
func (p *Person) Unreact(channel, ts, name string) error {
	_, err := p.do(reactionsRemove, map[string]string{"channel": channel, "timestamp": ts, "name": name})
	return err
}

// Join puts the person into a public channel.
func (p *Person) Join(channel string) error {
	_, err := p.do(conversationsJoin, map[string]string{"channel": channel})
	return err
}

// DM gives the ID of the direct messages with somebody (handle, e-mail or user ID), opened if need be. Empty: there is nobody.
func (p *Person) DM(other string) string {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	u := p.w.findUser(other)
	if u == nil {
		return ""
	}
	ch, _ := p.w.openDirect(p.u, u)
	return ch.id
}

// Channel is Slack's conversation object as the person sees it; nil: the person does not see it.
func (p *Person) Channel(name string) map[string]any {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	ch := p.w.conversation(p.find(name))
	if ch == nil {
		return nil
	}
	return p.w.conversationObject(ch, p.u)
}

func (p *Person) collect(channel string, keep func(*Message) bool) []Message {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	ch := p.w.conversation(p.find(channel))
	if ch == nil {
		return nil
	}
	var out []Message
	for _, m := range ch.messages {
		if keep(m) {
			out = append(out, *m.clone())
		}
	}
	return out
}

// Messages are those that stand in the channel itself, oldest first, without the notes of joins and topics.
func (p *Person) Messages(channel string) []Message {
	return p.collect(channel, func(m *Message) bool { return m.inChannel() && !m.housekeeping() })
}

// Thread is a message and its replies, oldest first.
func (p *Person) Thread(channel, ts string) []Message {
	return p.collect(channel, func(m *Message) bool { return m.TS == ts || m.ThreadTS == ts })
}

// Ephemerals are the messages in a channel that only this person sees, oldest first.
func (p *Person) Ephemerals(channel string) []Ephemeral {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	id := p.find(channel)
	var out []Ephemeral
	for _, e := range p.w.eph {
		if e.User == p.u.id && e.Channel == id {
			out = append(out, *e)
		}
	}
	return out
}

// Pins are the timestamps of the pinned messages of a channel, oldest pin first.
func (p *Person) Pins(channel string) []string {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	ch := p.w.conversation(p.find(channel))
	if ch == nil {
		return nil
	}
	var out []string
	for _, pin := range ch.pins {
		out = append(out, pin.ts)
	}
	return out
}

// Canvas is the Markdown of a channel's canvas; empty: there is none.
func (p *Person) Canvas(channel string) string {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	ch := p.w.conversation(p.find(channel))
	if ch == nil || p.w.canvas[ch.canvas] == nil {
		return ""
	}
	return p.w.canvas[ch.canvas].markdown
}

// Views are the forms that are open, the lowest first.
func (p *Person) Views() []View {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	var out []View
	for _, id := range p.w.stacks[p.u.id] {
		out = append(out, *p.w.views[id].clone())
	}
	return out
}

// Home opens the app's home and gives what is published there now; nil: nothing yet.
func (p *Person) Home() *View { return p.w.openHome(p.u) }

// PublishedHome gives what is published in the person's App Home without opening it; nil: nothing.
func (p *Person) PublishedHome() *View {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if v := p.w.views[p.w.homes[p.u.id]]; v != nil {
		return v.clone()
	}
	return nil
}

// elementNamed finds an interactive element by action ID, by text or placeholder, or "select" elements' options as
// "action=value": it gives the action that choosing it means.
func elementNamed(blocks json.RawMessage, name string) (obj, error) {
	want, choice, chosen := name, "", false
	var found obj
	try := func(match func(b, e obj) bool) {
		eachElement(blocks, func(b, e obj) {
			if found == nil && match(b, e) {
				found = obj{"block_id": b["block_id"], "action_id": e["action_id"], "type": e["type"], "element": e}
			}
		})
	}
	try(func(_, e obj) bool { return e["action_id"] == want })
	if found == nil {
		try(func(_, e obj) bool { return labelOf(e) == want })
	}
	if found == nil {
		try(func(_, e obj) bool {
			for _, o := range optionsOf(e) {
				if o["value"] == want || labelOf(o) == want {
					choice, chosen = want, true
					return true
				}
			}
			return false
		})
	}
	if found == nil {
		if want, choice, chosen = strings.Cut(name, "="); chosen {
			try(func(_, e obj) bool { return e["action_id"] == want || labelOf(e) == want })
		}
	}
	if found == nil {
		return nil, fmt.Errorf("nothing called %q can be clicked there; there is: %s", name, strings.Join(clickable(blocks), ", "))
	}
	e := found["element"].(obj)
	delete(found, "element")
	if chosen {
		field := stateField(fmt.Sprint(e["type"]))
		if e["type"] == "overflow" {
			field = "selected_option"
		}
		v, err := valueFor(e, choice)
		if err != nil {
			return nil, err
		}
		found[field] = v
	}
	return found, nil
}

// clickable lists what can be clicked, for an error's text.
func clickable(blocks json.RawMessage) []string {
	var out []string
	eachElement(blocks, func(_, e obj) { out = append(out, fmt.Sprintf("%v (%q)", e["action_id"], labelOf(e))) })
	if out == nil {
		return []string{"nothing"}
	}
	return out
}

func labelOf(e obj) string {
	for _, key := range []string{"text", "placeholder", "label"} {
		switch t := e[key].(type) {
		case obj:
			s, _ := t["text"].(string)
			return s
		case string:
			return t
		}
	}
	return ""
}

func optionsOf(e obj) []obj {
	var out []obj
	add := func(list any) {
		items, _ := list.([]any)
		for _, i := range items {
			if o, ok := i.(obj); ok {
				out = append(out, o)
			}
		}
	}
	add(e["options"])
	groups, _ := e["option_groups"].([]any)
	for _, g := range groups {
		if g, ok := g.(obj); ok {
			add(g["options"])
		}
	}
	return out
}

// valueFor makes the value of an element from what a person would say: text, an option's value or label, a date.
func valueFor(e obj, in any) (any, error) {
	kind := fmt.Sprint(e["type"])
	option := func(name string) (any, error) {
		for _, o := range optionsOf(e) {
			if o["value"] == name || labelOf(o) == name {
				return o, nil
			}
		}
		if strings.Contains(kind, "external") {
			return obj{"text": obj{"type": "plain_text", "text": name}, "value": name}, nil
		}
		var have []string
		for _, o := range optionsOf(e) {
			have = append(have, fmt.Sprint(o["value"]))
		}
		return nil, fmt.Errorf("%v has no option %q; it has: %s", e["action_id"], name, strings.Join(have, ", "))
	}
	field := stateField(kind)
	if kind == "overflow" {
		field = "selected_option"
	}
	switch v := in.(type) {
	case nil:
		return nil, nil
	case string:
		switch field {
		case "selected_option":
			return option(v)
		case "selected_options":
			return valueFor(e, []string{v})
		case "selected_users", "selected_conversations", "selected_channels":
			return []any{v}, nil
		}
		return v, nil
	case []string:
		list := []any{}
		for _, s := range v {
			if field == "selected_options" {
				o, err := option(s)
				if err != nil {
					return nil, err
				}
				list = append(list, o)
				continue
			}
			list = append(list, s)
		}
		return list, nil
	}
	return in, nil
}

// Click clicks an element of a message, an ephemeral one included, and waits for the acknowledgement. name is its action ID,
// its text, the value or text of one of a menu's options, or "action=value" to choose.
func (p *Person) Click(channel, ts, name string) (Ack, error) {
	p.w.mu.Lock()
	id := p.find(channel)
	var blocks json.RawMessage
	if e := p.w.ephemeral(ts); e != nil && e.User == p.u.id {
		blocks = e.Blocks
	} else if ch := p.w.conversation(id); ch != nil && ch.byTS[ts] != nil {
		blocks = ch.byTS[ts].Blocks
	}
	action, err := elementNamed(blocks, name)
	p.w.mu.Unlock()
	if err != nil {
		return Ack{}, fmt.Errorf("click in %s at %s: %w", channel, ts, err)
	}
	return p.w.act(p.u, Container{Type: "message", ChannelID: id, MessageTS: ts}, action, nil)
}

// ClickView is Click in a form or in the App Home.
func (p *Person) ClickView(viewID, name string) (Ack, error) {
	p.w.mu.Lock()
	v := p.w.views[viewID]
	var action obj
	err := fmt.Errorf("no view %s is open", viewID)
	if v != nil {
		action, err = elementNamed(v.Blocks, name)
	}
	p.w.mu.Unlock()
	if err != nil {
		return Ack{}, fmt.Errorf("click in a view: %w", err)
	}
	return p.w.act(p.u, Container{Type: "view", ViewID: viewID}, action, nil)
}

// Submit fills in a form and submits it. The keys of values are "block/action", a block ID, an action ID or a field's label;
// the values are strings, for menus an option's value or text, for those that take several a []string; nil empties a field.
func (p *Person) Submit(viewID string, values map[string]any) (SubmitResult, error) {
	p.w.mu.Lock()
	v := p.w.views[viewID]
	err := fmt.Errorf("submit: no view %s is open", viewID)
	var state *State
	if v != nil {
		state, err = fill(v, values)
	}
	p.w.mu.Unlock()
	if err != nil {
		return SubmitResult{}, err
	}
	return p.w.submit(p.u, viewID, state)
}

// fill gives the state of a view with the values in it.
func fill(v *View, values map[string]any) (*State, error) {
	state := v.State.clone()
	used := map[string]bool{}
	var failed error
	eachElement(v.Blocks, func(b, e obj) {
		block, action := fmt.Sprint(b["block_id"]), fmt.Sprint(e["action_id"])
		for _, key := range []string{block + "/" + action, action, block, labelOf(b)} {
			in, ok := values[key]
			if !ok || key == "" {
				continue
			}
			used[key] = true
			val, err := valueFor(e, in)
			if err != nil {
				failed = fmt.Errorf("submit: %w", err)
				return
			}
			kind := fmt.Sprint(e["type"])
			if state.Values[block] == nil {
				state.Values[block] = map[string]obj{}
			}
			state.Values[block][action] = obj{"type": kind, stateField(kind): val}
			return
		}
	})
	if failed != nil {
		return nil, failed
	}
	for key := range values {
		if !used[key] {
			var have []string
			eachElement(v.Blocks, func(b, e obj) {
				have = append(have, fmt.Sprintf("%v/%v (%q)", b["block_id"], e["action_id"], labelOf(b)))
			})
			slices.Sort(have)
			return nil, fmt.Errorf("submit: the form has no field %q; it has: %s", key, strings.Join(have, ", "))
		}
	}
	return &state, nil
}

// CloseView closes the topmost form without submitting it.
func (p *Person) CloseView(viewID string) error { return p.w.closeView(p.u, viewID) }

// Shortcut uses a shortcut by callback ID or name; channel and ts name the message of a message shortcut.
func (p *Person) Shortcut(name, channel, ts string) (Ack, error) {
	for _, s := range p.w.cfg.Shortcuts {
		if s.Name == name {
			name = s.CallbackID
		}
	}
	id := ""
	if channel != "" {
		id = p.ChannelID(channel)
	}
	return p.w.shortcut(p.u, name, id, ts)
}

// Options asks the app for the options of an external select in a view.
func (p *Person) Options(viewID, blockID, actionID, value string) (json.RawMessage, error) {
	return p.w.suggest(p.u, Container{Type: "view", ViewID: viewID}, blockID, actionID, value)
}
