package workspace

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"
)

// A response_url can be used five times within 30 minutes, https://docs.slack.dev/interactivity/handling-user-interaction
const (
	hookUses = 5
	hookLife = 30 * time.Minute
)

// responseHook is a response_url: where it answers to, and what it replaces.
type responseHook struct {
	user, channel string
	message       string // timestamp of the message it came from
	until         time.Time
	uses          int
}

// Ephemeral is a message that only one person sees.
type Ephemeral struct {
	TS       string          `json:"ts"`
	Channel  string          `json:"channel"`
	User     string          `json:"user"`
	ThreadTS string          `json:"thread_ts,omitempty"`
	Text     string          `json:"text"`
	Blocks   json.RawMessage `json:"blocks,omitempty"`
}

func (e *Ephemeral) event(kind string) obj {
	o := obj{"type": kind, "ts": e.TS, "channel": e.Channel, "user": e.User, "text": e.Text, "blocks": e.Blocks}
	if e.Blocks == nil {
		delete(o, "blocks")
	}
	if e.ThreadTS != "" {
		o["thread_ts"] = e.ThreadTS
	}
	return o
}

// keepEphemerals is how many ephemeral messages are remembered.
const keepEphemerals = 2000

// newHook makes a response_url. The caller holds mu.
func (w *Workspace) newHook(h responseHook) string {
	now := time.Now()
	for id, old := range w.hooks {
		if now.After(old.until) {
			delete(w.hooks, id)
		}
	}
	h.until = now.Add(hookLife)
	id := randomHex(12)
	w.hooks[id] = &h
	return w.base + "/response/" + w.team["id"].(string) + "/" + id
}

func (w *Workspace) addEphemeral(e *Ephemeral) {
	e.TS = w.nextTS()
	w.eph = append(w.eph, e)
	if len(w.eph) > keepEphemerals {
		w.eph = slices.Delete(w.eph, 0, keepEphemerals/10)
	}
	w.toPeople([]string{e.User}, e.event("ephemeral"))
}

func (w *Workspace) ephemeral(ts string) *Ephemeral {
	for _, e := range w.eph {
		if e.TS == ts {
			return e
		}
	}
	return nil
}

func chatPostEphemeral(c *call) (obj, error) {
	ch, err := c.destination()
	if err != nil {
		return nil, err
	}
	u := c.w.userByID(c.str("user"))
	if u == nil || u.deleted || !ch.has(u.id) {
		return nil, code("user_not_in_channel")
	}
	m := &Message{}
	if err := c.content(m, maxText); err != nil {
		return nil, err
	}
	e := &Ephemeral{Channel: ch.id, User: u.id, Text: m.Text, Blocks: m.Blocks}
	if ts := c.str("thread_ts"); ts != "" {
		if ch.byTS[ts] == nil {
			return nil, code("thread_not_found")
		}
		e.ThreadTS = ts
	}
	c.w.addEphemeral(e)
	return obj{"message_ts": e.TS}, nil
}

// reply is the body of a response_url, and of a slash command's acknowledgement.
type reply struct {
	ResponseType    string          `json:"response_type"`
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks"`
	Attachments     json.RawMessage `json:"attachments"`
	Metadata        json.RawMessage `json:"metadata"`
	ThreadTS        string          `json:"thread_ts"`
	ReplaceOriginal any             `json:"replace_original"`
	DeleteOriginal  any             `json:"delete_original"`
}

func truthy(v any) bool { return v == true || v == "true" }

// serveResponse answers a response_url, in plain text where it goes well and JSON where not, as Slack does.
func (w *Workspace) serveResponse(rw http.ResponseWriter, r *http.Request) {
	if w.faultBefore(rw, r, "response_url") {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	var in reply
	if err != nil || json.Unmarshal(body, &in) != nil {
		w.answerHook(rw, http.StatusBadRequest, "invalid_payload")
		return
	}
	w.mu.Lock()
	status, refusal := w.respond(r.PathValue("id"), in)
	w.mu.Unlock()
	w.noteCall(Call{Method: "response_url", Status: status, OK: refusal == "", Error: refusal})
	w.answerHook(rw, status, refusal)
}

func (w *Workspace) answerHook(rw http.ResponseWriter, status int, refusal string) {
	if refusal != "" {
		writeJSON(rw, status, obj{"ok": false, "error": refusal})
		return
	}
	_, _ = io.WriteString(rw, "ok")
}

// respond does what a response_url was told. The caller holds mu.
func (w *Workspace) respond(id string, in reply) (status int, refusal string) {
	h := w.hooks[id]
	if h == nil || time.Now().After(h.until) || h.uses >= hookUses {
		if h != nil && h.uses >= hookUses {
			return http.StatusNotFound, "used_url"
		}
		return http.StatusNotFound, "expired_url"
	}
	ch := w.conversation(h.channel)
	if ch == nil {
		return http.StatusNotFound, "channel_not_found"
	}
	if err := w.reply(h, ch, in); err != nil {
		return http.StatusBadRequest, err.Error()
	}
	h.uses++
	return http.StatusOK, ""
}

// reply posts, replaces or deletes. The caller holds mu.
func (w *Workspace) reply(h *responseHook, ch *conversation, in reply) error {
	c := &call{w: w, kind: tokenBot, user: w.bot, args: map[string]string{"text": in.Text, "blocks": string(in.Blocks),
		"attachments": string(in.Attachments), "metadata": string(in.Metadata)}}
	for k, v := range c.args {
		if v == "null" {
			c.args[k] = ""
		}
	}
	original, gone := w.ephemeral(h.message), ch.byTS[h.message]
	if truthy(in.DeleteOriginal) {
		switch {
		case original != nil:
			w.eph = slices.DeleteFunc(w.eph, func(e *Ephemeral) bool { return e == original })
			w.toPeople([]string{original.User}, original.event("ephemeral_deleted"))
		case gone != nil:
			w.erase(ch, gone)
		}
		return nil
	}
	m := &Message{User: w.bot.id}
	if err := c.content(m, maxText); err != nil {
		return err
	}
	if truthy(in.ReplaceOriginal) {
		switch {
		case original != nil:
			original.Text, original.Blocks = m.Text, m.Blocks
			w.toPeople([]string{original.User}, original.event("ephemeral_replaced"))
			return nil
		case gone != nil:
			next := gone.clone()
			next.Text, next.Blocks, next.Attachments = m.Text, m.Blocks, m.Attachments
			if m.Metadata != nil {
				next.Metadata = m.Metadata
			}
			w.replace(ch, gone, next, w.bot.id)
			return nil
		}
	}
	thread := in.ThreadTS
	if in.ResponseType != "in_channel" {
		w.addEphemeral(&Ephemeral{Channel: ch.id, User: h.user, ThreadTS: thread, Text: m.Text, Blocks: m.Blocks})
		return nil
	}
	c.byApp(m)
	if p := ch.byTS[thread]; p != nil {
		m.ThreadTS = thread
	}
	w.post(ch, m)
	return nil
}
