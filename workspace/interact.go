package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Container says where a clicked element stands: in a message or in a view.
type Container struct {
	Type        string `json:"type"` // "message" or "view"
	ViewID      string `json:"view_id,omitempty"`
	ChannelID   string `json:"channel_id,omitempty"`
	MessageTS   string `json:"message_ts,omitempty"`
	IsEphemeral bool   `json:"is_ephemeral,omitempty"`
}

// command sends a slash command as u does by typing text into a channel. The caller does not hold mu.
func (w *Workspace) command(u *user, channel, text string) (Ack, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	i := slices.IndexFunc(w.cfg.Commands, func(c Command) bool { return c.Command == name })
	if i < 0 {
		return Ack{}, code("invalid_command")
	}
	w.mu.Lock()
	ch := w.conversation(channel)
	var refused error
	switch {
	case ch == nil || ch.kind != publicChannel && !ch.has(u.id):
		refused = code("channel_not_found")
	case !ch.has(u.id):
		refused = code("not_in_channel")
	case ch.archived:
		refused = code("is_archived")
	}
	if refused != nil {
		w.mu.Unlock()
		return Ack{}, refused
	}
	arg := escape.Replace(strings.TrimSpace(rest))
	if w.cfg.Commands[i].ShouldEscape {
		arg = w.linkNamesAs(arg, true)
	}
	hook := responseHook{user: u.id, channel: ch.id}
	payload := obj{"token": verification, "team_id": w.team["id"], "team_domain": w.team["domain"], "channel_id": ch.id,
		"channel_name": channelNameIn(ch), "user_id": u.id, "user_name": u.handle, "command": name, "text": arg, "api_app_id": w.appID,
		"is_enterprise_install": "false", "response_url": w.newHook(hook), "trigger_id": w.newTrigger(u, false)}
	w.mu.Unlock()
	ack, err := w.ask("slash_commands", payload)
	if err != nil {
		w.mu.Lock()
		w.toPeople([]string{u.id}, obj{"type": "command_failed", "command": name, "channel": ch.id, "error": name + " failed: " + err.Error()})
		w.mu.Unlock()
		return ack, err
	}
	if ack.Payload != nil {
		var in reply
		if json.Unmarshal(ack.Payload, &in) == nil && (in.Text != "" || in.Blocks != nil) {
			w.mu.Lock()
			err = w.reply(&hook, ch, in)
			w.mu.Unlock()
		}
	}
	return ack, err
}

// act sends a click or a choice. The caller does not hold mu.
func (w *Workspace) act(u *user, at Container, action obj, state *State) (Ack, error) {
	w.mu.Lock()
	payload, err := w.actPayload(u, at, action, state)
	w.mu.Unlock()
	if err != nil {
		return Ack{}, err
	}
	return w.ask("interactive", payload)
}

func (w *Workspace) actPayload(u *user, at Container, action obj, state *State) (obj, error) {
	if at.Type == "view" {
		v := w.views[at.ViewID]
		if v == nil || v.user != u.id {
			return nil, code("view_not_found")
		}
		done, err := completeAction(v.Blocks, action)
		if err != nil {
			return nil, err
		}
		v.merge(state)
		v.note(done)
		p := w.interaction("block_actions", u, v.Type == "modal")
		p["container"] = obj{"type": "view", "view_id": v.ID}
		p["view"] = v.clone()
		p["actions"] = []obj{done}
		return p, nil
	}
	ch := w.conversation(at.ChannelID)
	if ch == nil || ch.kind != publicChannel && !ch.has(u.id) {
		return nil, code("channel_not_found")
	}
	p := w.interaction("block_actions", u, false)
	container := obj{"type": "message", "message_ts": at.MessageTS, "channel_id": ch.id, "is_ephemeral": false}
	var blocks json.RawMessage
	if e := w.ephemeral(at.MessageTS); e != nil && e.User == u.id {
		blocks = e.Blocks
		container["is_ephemeral"] = true
		if e.ThreadTS != "" {
			container["thread_ts"] = e.ThreadTS
		}
	} else if m := ch.byTS[at.MessageTS]; m != nil && m.User == w.bot.id {
		blocks = m.Blocks
		if m.ThreadTS != "" {
			container["thread_ts"] = m.ThreadTS
		}
		p["message"] = m.fields(nil)
	} else {
		return nil, code("message_not_found")
	}
	done, err := completeAction(blocks, action)
	if err != nil {
		return nil, err
	}
	p["container"] = container
	p["channel"] = obj{"id": ch.id, "name": channelNameIn(ch)}
	p["actions"] = []obj{done}
	filled := initialState(blocks)
	if state != nil {
		filled.take(*state)
	}
	filled.note(done)
	p["state"] = filled
	p["response_url"] = w.newHook(responseHook{user: u.id, channel: ch.id, message: at.MessageTS})
	return p, nil
}

// completeAction finds the element that an action names and gives the action as Slack sends it.
func completeAction(blocks json.RawMessage, action obj) (obj, error) {
	var found obj
	eachElement(blocks, func(b, e obj) {
		if e["action_id"] == action["action_id"] && (action["block_id"] == nil || action["block_id"] == "" || action["block_id"] == b["block_id"]) && found == nil {
			found = obj{"action_id": e["action_id"], "block_id": b["block_id"], "type": e["type"], "action_ts": actionTS()}
			for _, k := range []string{"text", "value", "style"} {
				if v := e[k]; v != nil {
					found[k] = v
				}
			}
			if p := e["placeholder"]; p != nil {
				found["placeholder"] = p
			}
		}
	})
	if found == nil {
		return nil, code("action_not_found")
	}
	field := stateField(fmt.Sprint(found["type"]))
	for k, v := range action {
		if k == field || strings.HasPrefix(k, "selected_") {
			found[k] = v
		}
	}
	return found, nil
}

// merge takes over what a client says is filled in.
func (v *View) merge(s *State) {
	if s != nil {
		v.State.take(*s)
	}
}

// take takes the values of other for elements that s has.
func (s State) take(other State) {
	for b, as := range other.Values {
		for a, val := range as {
			if had := s.Values[b][a]; had != nil {
				merged := obj{"type": had["type"]}
				field := stateField(fmt.Sprint(had["type"]))
				merged[field] = val[field]
				if val[field] == nil && slices.Contains(listFields, field) {
					merged[field] = []any{}
				}
				s.Values[b][a] = merged
			}
		}
	}
}

func (v *View) note(action obj) { v.State.note(action) }

// note keeps what an action chose.
func (s State) note(action obj) {
	b, a := fmt.Sprint(action["block_id"]), fmt.Sprint(action["action_id"])
	had := s.Values[b][a]
	if had == nil {
		return
	}
	field := stateField(fmt.Sprint(had["type"]))
	if val, ok := action[field]; ok {
		s.Values[b][a] = obj{"type": had["type"], field: val}
	}
}

// SubmitResult is what came of submitting a form.
type SubmitResult struct {
	Ack
	// Action is the app's response_action: errors, update, push, clear; empty: the form just closed.
	Action string
	// Errors are by block: the app's, or those of fields that were left empty.
	Errors map[string]string
}

// submit sends a form. The caller does not hold mu.
func (w *Workspace) submit(u *user, viewID string, state *State) (SubmitResult, error) {
	w.mu.Lock()
	v := w.views[viewID]
	if v == nil || v.user != u.id || v.Type != "modal" {
		w.mu.Unlock()
		return SubmitResult{}, code("view_not_found")
	}
	v.merge(state)
	if errs := checkForm(v); errs != nil {
		w.mu.Unlock()
		return SubmitResult{Action: "errors", Errors: errs}, nil
	}
	payload := w.interaction("view_submission", u, true)
	payload["view"] = v.clone()
	payload["response_urls"] = w.responseURLs(v, u)
	w.mu.Unlock()
	ack, err := w.ask("interactive", payload)
	if err != nil {
		return SubmitResult{Ack: ack}, err
	}
	var answer struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if ack.Payload != nil {
		if err := json.Unmarshal(ack.Payload, &answer); err != nil {
			return SubmitResult{Ack: ack}, code("invalid_response")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	err = w.submitted(v, u, answer.Action, answer.Errors, answer.View)
	return SubmitResult{Ack: ack, Action: answer.Action, Errors: answer.Errors}, err
}

// submitted does what the app answered to a submission.
func (w *Workspace) submitted(v *View, u *user, action string, errs map[string]string, raw json.RawMessage) error {
	open := w.views[v.ID] != nil
	switch action {
	case "":
		if open {
			w.closeTop(u.id, false)
		}
	case "clear":
		w.closeTop(u.id, true)
	case "errors":
		if len(errs) == 0 {
			return code("invalid_response")
		}
	case "update", "push":
		next, err := w.readView(string(raw), "modal")
		if err != nil {
			return err
		}
		if action == "push" {
			return w.push(next, u.id)
		}
		if !open {
			return code("view_not_found")
		}
		w.renew(v, next)
	default:
		return code("invalid_response")
	}
	return nil
}

// responseURLs are for selects of a conversation that ask for one.
func (w *Workspace) responseURLs(v *View, u *user) []obj {
	urls := []obj{}
	eachElement(v.Blocks, func(b, e obj) {
		if e["response_url_enabled"] != true {
			return
		}
		block, action := fmt.Sprint(b["block_id"]), fmt.Sprint(e["action_id"])
		val := v.State.Values[block][action]
		id, _ := val[stateField(fmt.Sprint(e["type"]))].(string)
		if w.conversation(id) != nil {
			urls = append(urls, obj{"block_id": block, "action_id": action, "channel_id": id, "response_url": w.newHook(responseHook{user: u.id, channel: id})})
		}
	})
	return urls
}

// checkForm does what Slack's client does before it sends a form: required fields and lengths.
func checkForm(v *View) map[string]string {
	errs := map[string]string{}
	eachElement(v.Blocks, func(b, e obj) {
		if b["type"] != "input" {
			return
		}
		block := fmt.Sprint(b["block_id"])
		field := stateField(fmt.Sprint(e["type"]))
		val := v.State.Values[block][fmt.Sprint(e["action_id"])][field]
		text, isText := val.(string)
		list, isList := val.([]any)
		if val == nil || isText && text == "" || isList && len(list) == 0 {
			if b["optional"] != true {
				errs[block] = "Please complete this required field."
			}
			return
		}
		n := float64(utf8.RuneCountInString(text))
		if least, ok := e["min_length"].(float64); ok && isText && n < least {
			errs[block] = fmt.Sprintf("Please enter at least %.0f characters.", least)
		}
		if most, ok := e["max_length"].(float64); ok && isText && n > most {
			errs[block] = fmt.Sprintf("Please enter at most %.0f characters.", most)
		}
	})
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// closeView closes the topmost form as u does with its cross. The caller does not hold mu.
func (w *Workspace) closeView(u *user, viewID string) error {
	w.mu.Lock()
	v := w.top(u.id)
	if v == nil || viewID != "" && v.ID != viewID {
		w.mu.Unlock()
		return code("view_not_found")
	}
	all := v.ClearOnClose
	var payload obj
	if v.NotifyOnClose {
		payload = w.interaction("view_closed", u, false)
		delete(payload, "trigger_id")
		payload["view"] = v.clone()
		payload["is_cleared"] = all
	}
	w.closeTop(u.id, all)
	w.mu.Unlock()
	if payload != nil {
		_, err := w.ask("interactive", payload)
		return err
	}
	return nil
}

// shortcut sends a global or message shortcut. The caller does not hold mu.
func (w *Workspace) shortcut(u *user, callbackID, channel, ts string) (Ack, error) {
	i := slices.IndexFunc(w.cfg.Shortcuts, func(s Shortcut) bool { return s.CallbackID == callbackID })
	if i < 0 {
		return Ack{}, code("shortcut_not_found")
	}
	w.mu.Lock()
	var payload obj
	if w.cfg.Shortcuts[i].Type == "global" {
		payload = w.interaction("shortcut", u, false)
		delete(payload, "api_app_id")
	} else {
		ch := w.conversation(channel)
		if ch == nil || ch.kind != publicChannel && !ch.has(u.id) {
			w.mu.Unlock()
			return Ack{}, code("channel_not_found")
		}
		m := ch.byTS[ts]
		if m == nil {
			w.mu.Unlock()
			return Ack{}, code("message_not_found")
		}
		payload = w.interaction("message_action", u, false)
		delete(payload, "api_app_id")
		payload["channel"] = obj{"id": ch.id, "name": channelNameIn(ch)}
		payload["message_ts"] = ts
		payload["message"] = m.fields(nil)
		payload["response_url"] = w.newHook(responseHook{user: u.id, channel: ch.id, message: ts})
	}
	payload["callback_id"] = callbackID
	payload["action_ts"] = actionTS()
	w.mu.Unlock()
	return w.ask("interactive", payload)
}

// suggest asks the app for the options of an external select. The caller does not hold mu.
func (w *Workspace) suggest(u *user, at Container, blockID, actionID, value string) (json.RawMessage, error) {
	w.mu.Lock()
	payload := w.interaction("block_suggestion", u, false)
	delete(payload, "trigger_id")
	payload["block_id"], payload["action_id"], payload["value"] = blockID, actionID, value
	if at.Type == "view" {
		v := w.views[at.ViewID]
		if v == nil || v.user != u.id {
			w.mu.Unlock()
			return nil, code("view_not_found")
		}
		payload["container"] = obj{"type": "view", "view_id": v.ID}
		payload["view"] = v.clone()
	} else {
		ch := w.conversation(at.ChannelID)
		if ch == nil || ch.byTS[at.MessageTS] == nil || ch.kind != publicChannel && !ch.has(u.id) {
			w.mu.Unlock()
			return nil, code("message_not_found")
		}
		payload["container"] = obj{"type": "message", "message_ts": at.MessageTS, "channel_id": ch.id, "is_ephemeral": false}
		payload["channel"] = obj{"id": ch.id, "name": channelNameIn(ch)}
		payload["message"] = ch.byTS[at.MessageTS].fields(nil)
	}
	w.mu.Unlock()
	ack, err := w.ask("interactive", payload)
	if err != nil {
		return nil, err
	}
	if ack.Payload == nil {
		return nil, code("no_options")
	}
	return ack.Payload, nil
}

// openHome tells the app that u looks at its home, and gives what is published there; nil: nothing yet.
func (w *Workspace) openHome(u *user) *View {
	w.mu.Lock()
	defer w.mu.Unlock()
	event := obj{"type": "app_home_opened", "user": u.id, "tab": "home", "event_ts": w.eventTS()}
	ch, _ := w.openDirect(u, w.bot)
	event["channel"] = ch.id
	v := w.views[w.homes[u.id]]
	if v != nil {
		v = v.clone()
		event["view"] = v
	}
	w.toApp("app_home_opened", nil, event)
	return v
}

// escape is what Slack's client does to text that a person types.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var names = regexp.MustCompile(`(^|[\s(,;])([@#])([\p{L}\p{N}][\p{L}\p{N}._-]*)`)

// linkNames turns @handles and #channels into what Slack's client makes of them.
func (w *Workspace) linkNames(text string) string { return w.linkNamesAs(text, false) }

// linkNamesAs is linkNames; labelled mentions carry the handle, as in the text of slash commands.
func (w *Workspace) linkNamesAs(text string, labelled bool) string {
	return names.ReplaceAllStringFunc(text, func(hit string) string {
		g := names.FindStringSubmatch(hit)
		name := strings.TrimRight(g[3], "._-")
		rest := g[3][len(name):]
		if g[2] == "#" {
			if ch := w.channelNamed(name); ch != nil && ch.kind == publicChannel {
				return g[1] + "<#" + ch.id + "|" + ch.name + ">" + rest
			}
			return hit
		}
		switch name {
		case "here", "channel", "everyone":
			return g[1] + "<!" + name + ">" + rest
		}
		for _, u := range w.people {
			if strings.EqualFold(u.handle, name) {
				if labelled {
					return g[1] + "<@" + u.id + "|" + u.handle + ">" + rest
				}
				return g[1] + "<@" + u.id + ">" + rest
			}
		}
		for _, s := range w.groups {
			if strings.EqualFold(s.handle, name) && !s.disabled {
				if labelled {
					return g[1] + "<!subteam^" + s.id + "|@" + s.handle + ">" + rest
				}
				return g[1] + "<!subteam^" + s.id + ">" + rest
			}
		}
		return hit
	})
}

// codeOf gives the code that a client is shown for an error.
func codeOf(err error) string {
	var refusal *apiError
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return err.Error()
}
