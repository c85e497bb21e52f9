package workspace

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ackWithin is how long the app has to acknowledge, https://docs.slack.dev/interactivity/handling-user-interaction
const ackWithin = 3 * time.Second

// retryAfter are the times, counted from the first attempt, at which an unacknowledged event is sent again: at once, after
// one minute and after five, https://docs.slack.dev/apis/events-api#retries
var retryAfter = []time.Duration{ackWithin, time.Minute, 5 * time.Minute}

// verification is the deprecated token field of payloads, which clients may not use for anything.
const verification = "local"

// Why a command, click or form did not reach the app. The text is Slack's code.
var (
	ErrNotConnected = errors.New("dispatch_failed")   // the app has no socket open
	ErrTimeout      = errors.New("operation_timeout") // the app did not acknowledge within three seconds
	ErrClosed       = errors.New("workspace_closed")  // Run's context has ended
)

// Ack is the app's acknowledgement of an envelope.
type Ack struct {
	EnvelopeID string
	Took       time.Duration   // from sending to acknowledgement
	Payload    json.RawMessage // what the app answered; nil: nothing
}

func newUUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (w *Workspace) eventTS() string { return w.nextTS() }

// eventScopes names the scope that an event needs; with a star, by the kind of the conversation.
var eventScopes = map[string]string{
	"app_mention": "app_mentions:read", "message.channels": "channels:history", "message.groups": "groups:history", "message.im": "im:history",
	"message.mpim": "mpim:history", "reaction_added": "reactions:read", "reaction_removed": "reactions:read", "pin_added": "pins:read",
	"pin_removed": "pins:read", "member_joined_channel": "*:read", "member_left_channel": "*:read", "channel_created": "channels:read",
	"channel_archive": "channels:read", "channel_unarchive": "channels:read", "channel_rename": "channels:read", "group_archive": "groups:read",
	"group_unarchive": "groups:read", "group_rename": "groups:read", "team_join": "users:read", "user_change": "users:read",
	"subteam_created": "usergroups:read", "subteam_updated": "usergroups:read", "app_home_opened": "",
}

// Events names every event that the workspace can send to the app, as subscriptions name them, sorted.
func Events() []string { return slices.Sorted(maps.Keys(eventScopes)) }

// ScopeOfEvent gives the bot scope that a subscription needs; empty: none. A family written * stands for channels, groups, im
// and mpim. ok is false for an event that the workspace does not have.
func ScopeOfEvent(name string) (scope string, ok bool) {
	scope, ok = eventScopes[name]
	return scope, ok
}

// subscribed says whether the app gets an event. ch is the conversation it is about; nil: none, or it does not matter whether
// the bot is in it.
func (w *Workspace) subscribed(subscription string, ch *conversation) bool {
	scope, known := eventScopes[subscription]
	if !known || w.cfg.BotEvents != nil && !slices.Contains(w.cfg.BotEvents, subscription) {
		return false
	}
	if ch != nil {
		if !ch.has(w.bot.id) {
			return false
		}
		scope = strings.Replace(scope, "*", ch.kind, 1)
	}
	return scope == "" || w.hasScope(scope)
}

// toApp sends an event to the app if it is subscribed, and again while it is not acknowledged. The caller holds mu.
func (w *Workspace) toApp(subscription string, ch *conversation, event obj) {
	if !w.subscribed(subscription, ch) {
		return
	}
	team := w.team["id"]
	w.seq["Ev"]++
	payload := rawJSON(obj{
		"token": verification, "team_id": team, "context_team_id": team, "context_enterprise_id": nil, "api_app_id": w.appID,
		"event": event, "type": "event_callback", "event_id": fmt.Sprintf("Ev0A%07d", w.seq["Ev"]), "event_time": w.cfg.Now().Unix(),
		"authorizations":        []obj{{"enterprise_id": nil, "team_id": team, "user_id": w.bot.id, "is_bot": true, "is_enterprise_install": false}},
		"is_ext_shared_channel": false, "event_context": "4-" + randomHex(12),
	})
	id := newUUID()
	acked := w.sockets.await(id)
	sent := w.sendEnvelope(id, "events_api", payload, false, 0, "")
	w.spawn(func() { w.insist(id, payload, acked, sent) })
}

// insist sends an event again at Slack's times until it is acknowledged.
func (w *Workspace) insist(id string, payload json.RawMessage, acked <-chan json.RawMessage, sent bool) {
	defer w.sockets.forget(id)
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for attempt, at := range retryAfter {
		timer.Reset(time.Until(begun.Add(at)))
		select {
		case <-acked:
			return
		case <-w.ctx.Done():
			return
		case <-timer.C:
		}
		reason := "timeout"
		if !sent {
			reason = "connection_failed"
		}
		sent = w.sendEnvelope(id, "events_api", payload, false, attempt+1, reason)
	}
	timer.Reset(ackWithin)
	select {
	case <-acked:
	case <-w.ctx.Done():
	case <-timer.C:
		w.calls.lostEvent()
	}
}

// sendEnvelope gives an envelope to a connection; false: there is none.
func (w *Workspace) sendEnvelope(id, kind string, payload json.RawMessage, answerable bool, attempt int, reason string) bool {
	e := obj{"envelope_id": id, "type": kind, "payload": payload, "accepts_response_payload": answerable}
	if kind == "events_api" {
		e["retry_attempt"], e["retry_reason"] = attempt, reason
	}
	frame := rawJSON(e)
	if w.fault.doubles() {
		w.sockets.send(frame)
	}
	return w.sockets.send(frame)
}

// ask sends an envelope once and waits for the acknowledgement. The caller does not hold mu.
func (w *Workspace) ask(kind string, payload obj) (Ack, error) {
	id := newUUID()
	acked := w.sockets.await(id)
	defer w.sockets.forget(id)
	begun := time.Now()
	if !w.sendEnvelope(id, kind, rawJSON(payload), true, 0, "") {
		return Ack{EnvelopeID: id}, ErrNotConnected
	}
	timer := time.NewTimer(ackWithin)
	defer timer.Stop()
	select {
	case p := <-acked:
		if string(p) == "null" {
			p = nil
		}
		return Ack{EnvelopeID: id, Took: time.Since(begun), Payload: p}, nil
	case <-timer.C:
		return Ack{EnvelopeID: id, Took: time.Since(begun)}, ErrTimeout
	case <-w.ctx.Done():
		return Ack{EnvelopeID: id}, ErrClosed
	}
}

func (w *Workspace) briefTeam() obj { return obj{"id": w.team["id"], "domain": w.team["domain"]} }

func (w *Workspace) briefUser(u *user) obj {
	return obj{"id": u.id, "username": u.handle, "name": u.handle, "team_id": w.team["id"]}
}

// interaction is what all interactive payloads have. The caller holds mu.
func (w *Workspace) interaction(kind string, u *user, inModal bool) obj {
	return obj{"type": kind, "token": verification, "api_app_id": w.appID, "team": w.briefTeam(), "user": w.briefUser(u), "enterprise": nil,
		"is_enterprise_install": false, "trigger_id": w.newTrigger(u, inModal)}
}

// channelNameIn is the channel's name as payloads give it.
func channelNameIn(ch *conversation) string {
	switch ch.kind {
	case directMessage:
		return "directmessage"
	case privateChannel:
		return "privategroup"
	case groupMessage:
		return ch.name
	}
	return ch.name
}

func actionTS() string {
	t := time.Now().UnixMicro()
	return fmt.Sprintf("%d.%06d", t/1e6, t%1e6)
}
