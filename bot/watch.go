package bot

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"muster/bot/render"
	"muster/incident"
	"muster/outbox"
)

// watchLimits are the limits that an effect of the look-out passes; false: it is
// none.
func watchLimits(e incident.Effect) ([]outbox.Limit, bool) {
	switch e.(type) {
	case incident.ShowWatch:
		return []outbox.Limit{calling("chat.update"), calling("files.completeUploadExternal")}, true
	case incident.ShowRegression:
		return []outbox.Limit{posting("in incidents")}, true
	default:
		return nil, false
	}
}

// Watch makes one attempt to bring an effect of the look-out to Slack, with
// pictures that were kept for it. The receipt is an incident.Receipt as JSON.
func (h Handler) Watch(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.Effect, pictures []render.Picture) ([]byte, error) {
	s, err := h.b.cfg.Incidents.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	if _, err := h.b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: h.b, d: d, maybeSent: maybeSent, s: s, f: h.b.frame()}
	if s.Card.TS == "" {
		return nil, outbox.NotSentError{Err: errNoCard}
	}
	r, err := x.watch(ctx, e, pictures)
	if len(pictures) > 0 && strings.HasPrefix(code(err), "invalid_blocks") {
		// Slack has not looked at the pictures yet.
		select {
		case <-ctx.Done():
			return nil, outbox.NotSentError{Err: ctx.Err()}
		case <-time.After(pictureWait):
		}
		if r, err = x.watch(ctx, e, pictures); strings.HasPrefix(code(err), "invalid_blocks") {
			r, err = x.watch(ctx, e, nil)
		}
	}
	if err != nil {
		return nil, limited(outcome(err))
	}
	return json.Marshal(r)
}

// pictureWait is how long Slack is given to look at a new picture.
const pictureWait = 2 * time.Second

func (x *sending) watch(ctx context.Context, e incident.Effect, pictures []render.Picture) (incident.Receipt, error) {
	switch e := e.(type) {
	case incident.ShowRegression:
		say := func(s incident.Incident, r incident.Record, _ []incident.Record) (render.Message, bool) {
			seen, ok := r.Event.(incident.Watched)
			return x.f.Regression(s, seen, pictures), ok
		}
		return x.record(ctx, e.Seq, say, func(m render.Message) (incident.Receipt, error) {
			return x.post(ctx, Post{Channel: x.s.Card.Channel, Thread: x.s.Card.TS, Message: m, Broadcast: true})
		})
	default:
		m, shown := x.f.Watch(x.s, pictures), render.Files(pictures)
		at := x.s.After.Watch.Chart
		if at.TS == "" {
			r, err := x.inThread(ctx, m)
			r.Ref = shown
			return r, err
		}
		err := x.api.UpdateMessage(ctx, at.Channel, at.TS, m)
		if err != nil || shown == x.s.After.Watch.Shown {
			return incident.Receipt{}, err
		}
		return incident.Receipt{Channel: at.Channel, TS: at.TS, Ref: shown}, nil
	}
}
