package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/bot/render"
	"muster/incident"
	"muster/outbox"
)

// Handler brings the outbox's deliveries to Slack. It is an outbox.Handler for
// the kinds that Kinds lists.
type Handler struct{ b *Bot }

// Handler gives the bot's outgoing side; it works without Run.
func (b *Bot) Handler() Handler { return Handler{b} }

// Kinds are the kinds of effects that Handler delivers.
func Kinds() []string {
	var out []string
	for _, e := range append([]incident.Effect{
		incident.Page{}, incident.Announce{}, incident.RefreshCard{}, incident.Thread{}, incident.Tell{}, incident.Notify{},
		incident.Operations{}, incident.Last{}, incident.Room{}, incident.Follow{},
	}, playbookKinds...) {
		out = append(out, incident.EffectKind(e))
	}
	return out
}

// skew is how far Slack's clock may be behind ours.
const skew = 5 * time.Minute

// sending is one delivery under way.
type sending struct {
	*Bot
	d         outbox.Delivery
	maybeSent bool
	s         incident.Incident
	f         render.Frame
}

// Deliver makes one attempt. The receipt is an incident.Receipt as JSON.
func (h Handler) Deliver(ctx context.Context, d outbox.Delivery, maybeSent bool) ([]byte, error) {
	e, err := incident.DecodeEffect(d.Kind, d.Body)
	if err != nil {
		return nil, outbox.PermanentError{Reason: "the delivery cannot be read", Err: err}
	}
	s, err := h.b.cfg.Incidents.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: fmt.Errorf("read %s: %w", d.Stream, err)}
	}
	if _, err := h.b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: h.b, d: d, maybeSent: maybeSent, s: s, f: h.b.frame()}
	x.f.Group = func(mention string) string { return h.b.dir.GroupMention(ctx, mention) }
	r, err := x.effect(ctx, e)
	if err != nil {
		return nil, limited(outcome(err))
	}
	receipt, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the receipt: %w", err)
	}
	return receipt, nil
}

// limited names the limit that a 429 closes: the channel's for a post, which
// is the delivery's first, else the method's.
func limited(err error) error {
	after, ok := errors.AsType[outbox.RetryAfterError](err)
	if !ok {
		return err
	}
	if e, ok := errors.AsType[*Error](after.Err); ok && e.Method != "chat.postMessage" {
		after.Limit = "slack " + e.Method
	}
	return after
}

func (x *sending) effect(ctx context.Context, e incident.Effect) (incident.Receipt, error) {
	switch e := e.(type) {
	case incident.Page:
		return x.page(ctx, e)
	case incident.Announce:
		return x.announce(ctx)
	case incident.RefreshCard:
		if x.s.Card.TS == "" {
			return x.lateCard(ctx)
		}
		return incident.Receipt{}, x.refresh(ctx)
	case incident.Thread:
		return x.thread(ctx, e)
	case incident.Tell:
		return x.record(ctx, e.Seq, x.f.Tell, func(m render.Message) (incident.Receipt, error) { return x.person(ctx, e.Person, m) })
	case incident.Notify:
		return x.channel(ctx, e.Channel.Name, "", x.f.Notify(x.s, e.Channel))
	case incident.Operations:
		operations := func(s incident.Incident, r incident.Record, _ []incident.Record) (render.Message, bool) {
			return x.f.Operations(s, r)
		}
		return x.record(ctx, e.Seq, operations, func(m render.Message) (incident.Receipt, error) {
			return x.channel(ctx, x.s.Plan.Operations, "", m)
		})
	case incident.Last:
		return x.last(ctx, e)
	case incident.Room:
		return x.room(ctx, e)
	case incident.Follow:
		return incident.Receipt{}, x.follow(ctx, e)
	case incident.AlertList:
		return x.alertList(ctx)
	case incident.Pass:
		return incident.Receipt{}, outbox.PermanentError{Reason: "another incident is not told over Slack"}
	default:
		return x.playbook(ctx, e)
	}
}

// record finds a record and sends what it says; nothing to say is done.
func (x *sending) record(ctx context.Context, seq uint64,
	say func(incident.Incident, incident.Record, []incident.Record) (render.Message, bool),
	send func(render.Message) (incident.Receipt, error),
) (incident.Receipt, error) {
	history, err := x.cfg.Incidents.History(ctx, x.d.Stream)
	if err != nil {
		return incident.Receipt{}, outbox.NotSentError{Err: fmt.Errorf("read the history of %s: %w", x.d.Stream, err)}
	}
	for _, r := range history {
		if r.Seq != seq {
			continue
		}
		m, ok := say(x.s, r, history)
		if !ok {
			return incident.Receipt{}, nil
		}
		return send(m)
	}
	return incident.Receipt{}, outbox.PermanentError{Reason: fmt.Sprintf("%s has no record %d", x.d.Stream, seq)}
}

// page wakes a person by direct message.
func (x *sending) page(ctx context.Context, p incident.Page) (incident.Receipt, error) {
	if p.Method != "slack" {
		return incident.Receipt{}, outbox.PermanentError{Reason: p.Method + " is not configured"}
	}
	return x.person(ctx, p.Person, x.f.Page(x.s, p))
}

// thread posts a line into the thread or the incident's own channel. One that
// has waited for long tells those behind it too.
func (x *sending) thread(ctx context.Context, e incident.Thread) (incident.Receipt, error) {
	p := Post{Channel: x.s.Card.Channel, Thread: x.s.Card.TS, Broadcast: e.Also}
	switch {
	case e.InRoom && x.s.Room.Channel == "":
		return incident.Receipt{}, outbox.PermanentError{Reason: "the incident has no channel of its own"}
	case e.InRoom:
		p = Post{Channel: x.s.Room.Channel}
	case x.s.Card.TS == "":
		return incident.Receipt{}, outbox.PermanentError{Reason: "there is no card whose thread it could go into"}
	}
	if x.f.Now.Sub(x.d.At) >= foldAfter {
		if together, ok, err := x.together(ctx, e, p); ok || err != nil {
			if err != nil {
				return incident.Receipt{}, err
			}
			return x.post(ctx, together)
		}
	}
	return x.record(ctx, e.Seq, x.f.Thread, func(m render.Message) (incident.Receipt, error) {
		if p.Message = m; p.Broadcast {
			p.Message = render.Marked(x.s, m)
		}
		return x.post(ctx, p)
	})
}

// foldAfter is how long a line of the thread waits before it is told together
// with those behind it, instead of one by one.
const foldAfter = 2 * time.Minute

// together makes one message of a line and all that wait behind it; false: none
// does.
func (x *sending) together(ctx context.Context, e incident.Thread, p Post) (Post, bool, error) {
	history, err := x.cfg.Incidents.History(ctx, x.d.Stream)
	if err != nil || len(history) == 0 {
		return p, false, outbox.NotSentError{Err: fmt.Errorf("read the history of %s: %w", x.d.Stream, err)}
	}
	records, also := incident.Backlog(history, e)
	m, ok := x.f.CatchUp(x.s, records, history)
	p.Message, p.Through, p.Broadcast = m, history[len(history)-1].Seq, also && !e.InRoom
	return p, ok, nil
}

func (x *sending) last(ctx context.Context, e incident.Last) (incident.Receipt, error) {
	say := func(s incident.Incident, r incident.Record, _ []incident.Record) (render.Message, bool) {
		paged, ok := r.Event.(incident.LastResortPaged)
		return x.f.LastResort(s, paged), ok
	}
	return x.record(ctx, e.Seq, say, func(m render.Message) (incident.Receipt, error) {
		if e.Target.Person != "" {
			return x.person(ctx, incident.Person{Key: e.Target.Person}, m)
		}
		return x.channel(ctx, e.Target.Channel, "", m)
	})
}

// lateCard posts the card whose first post was refused for good: a change of
// the card waits behind it, so it is not on its way. It is looked for first, by
// a name of its own, since the change before may have posted it unseen.
func (x *sending) lateCard(ctx context.Context) (incident.Receipt, error) {
	x.d.ID = fmt.Sprintf("%s/card/%d", x.s.ID, x.s.DeclaredAt.UnixMilli())
	x.d.At, x.maybeSent = x.s.DeclaredAt, true
	return x.announce(ctx)
}

// refresh brings the card and its copy up to date.
func (x *sending) refresh(ctx context.Context) error {
	m := x.f.Card(x.s)
	for _, spot := range []incident.Spot{x.s.Card, x.s.RoomCard} {
		if spot.TS == "" {
			continue
		}
		if err := x.api.UpdateMessage(ctx, spot.Channel, spot.TS, m); err != nil {
			return err
		}
	}
	return nil
}

// person sends a direct message.
func (x *sending) person(ctx context.Context, p incident.Person, m render.Message) (incident.Receipt, error) {
	u, err := x.dir.Lookup(ctx, p)
	switch {
	case code(err) == "users_not_found" || code(err) == "user_not_found":
		whose := "this person's address or handle"
		if p.Name != "" {
			whose = "the address or handle of " + p.Name
		}
		return incident.Receipt{}, outbox.PermanentError{Reason: "Slack knows nobody with " + whose}
	case err != nil:
		return incident.Receipt{}, err
	case u.Deactivated:
		return incident.Receipt{}, outbox.PermanentError{Reason: "the Slack account of " + u.Name + " is switched off"}
	}
	dm, err := x.dms.open(ctx, x.api, u.ID)
	if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter > 0 && !x.maybeSent {
		// Slack opens them 50 times a minute; posting to the person opens one
		// too, at the rate of posting. Looking for a message needs its ID.
		dm, err = u.ID, nil
	}
	if err != nil {
		return incident.Receipt{}, err
	}
	return x.post(ctx, Post{Channel: dm, Message: m})
}

// channel posts into a channel that is named by its name or ID.
func (x *sending) channel(ctx context.Context, name, thread string, m render.Message) (incident.Receipt, error) {
	if name == "" {
		return incident.Receipt{}, outbox.PermanentError{Reason: "no channel is configured for that"}
	}
	id, err := x.channels.find(ctx, x.api, name)
	if err != nil {
		return incident.Receipt{}, err
	}
	r, err := x.post(ctx, Post{Channel: id, Thread: thread, Message: m})
	if c := code(err); c == "channel_not_found" || c == "is_archived" {
		x.channels.forget(name)
	}
	return r, err
}

// post posts a message once: where it may have been posted before, it looks
// for it first.
func (x *sending) post(ctx context.Context, p Post) (incident.Receipt, error) {
	p.Delivery = x.d.ID
	if x.maybeSent {
		m, ok, err := x.find(ctx, p.Channel, p.Thread, p.Delivery, x.d.At.Add(-skew))
		switch {
		case err != nil && code(err) != "not_in_channel":
			return incident.Receipt{}, err
		case ok:
			return incident.Receipt{Channel: p.Channel, TS: m.TS, Through: m.Through}, nil
		}
	}
	ts, err := x.api.PostMessage(ctx, p)
	if code(err) == "not_in_channel" {
		if err = x.api.Join(ctx, p.Channel); err != nil {
			return incident.Receipt{}, joining(err)
		}
		ts, err = x.api.PostMessage(ctx, p)
	}
	if err != nil {
		return incident.Receipt{}, err
	}
	return incident.Receipt{Channel: p.Channel, TS: ts, Through: p.Through}, nil
}

// joining says what to do when the bot cannot join by itself.
func joining(err error) error {
	switch code(err) {
	case "method_not_supported_for_channel_type", "channel_not_found", "missing_scope", "restricted_action":
		return outbox.PermanentError{Reason: "the bot is not in the channel and cannot join it: invite it there"}
	default:
		return err
	}
}

// Looking for a message of ours.
const (
	findPage  = 200
	findPages = 10
)

// find looks for the message of a delivery in a channel or thread.
func (b *Bot) find(ctx context.Context, channel, thread, delivery string, since time.Time) (m Found, ok bool, err error) {
	return b.seek(ctx, channel, thread, since, func(m Found) bool { return m.Delivery == delivery })
}

// seek looks for a message in a channel or thread.
func (b *Bot) seek(ctx context.Context, channel, thread string, since time.Time, is func(Found) bool) (m Found, ok bool, err error) {
	q := Query{Channel: channel, TS: thread, Oldest: since, Limit: findPage}
	for range findPages {
		var list []Found
		var next string
		if thread != "" {
			list, next, err = b.api.Replies(ctx, q)
		} else {
			list, next, err = b.api.History(ctx, q)
		}
		if err != nil {
			return Found{}, false, fmt.Errorf("look for what was posted before: %w", err)
		}
		for _, m := range list {
			if is(m) {
				return m, true, nil
			}
		}
		if next == "" {
			break
		}
		q.Cursor = next
	}
	return Found{}, false, nil
}
