package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"muster/bot/render"
	"muster/incident"
	"muster/outbox"
)

// errNoCard: the thread that it belongs into is not there yet.
var errNoCard = errors.New("the incident's card is not posted yet")

// Alert is one delivery of a group of alerts on its way to Slack.
type Alert struct {
	Delivery  outbox.Delivery
	MaybeSent bool
	View      render.AlertGroup
	// Record is the one that the effect names; the zero value: it names none.
	Record incident.Record
	// Operations is the channel of those who run Muster.
	Operations string
}

// alertLimits are the limits that an effect of alerts passes; false: it is none.
func alertLimits(e incident.Effect) ([]outbox.Limit, bool) {
	switch e := e.(type) {
	case incident.AlertPost:
		return []outbox.Limit{posting("in " + e.Channel.Name)}, true
	case incident.AlertThread:
		return []outbox.Limit{posting("in " + e.Channel)}, true
	case incident.AlertRefresh, incident.AlertList:
		return []outbox.Limit{calling("chat.update")}, true
	case incident.AlertOperations:
		return []outbox.Limit{posting("in operations")}, true
	case incident.AlertChart:
		return []outbox.Limit{calling("files.completeUploadExternal")}, true
	default:
		return nil, false
	}
}

// DeliverAlert makes one attempt to bring an effect of a group of alerts to
// Slack. The receipt is an incident.Receipt as JSON.
func (b *Bot) DeliverAlert(ctx context.Context, a Alert, e incident.Effect) ([]byte, error) {
	if _, err := b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: b, d: a.Delivery, maybeSent: a.MaybeSent, f: b.frame()}
	x.f.Group = func(mention string) string { return b.dir.GroupMention(ctx, mention) }
	r, err := x.alert(ctx, a, e)
	if err != nil {
		return nil, limited(outcome(err))
	}
	return json.Marshal(r)
}

func (x *sending) alert(ctx context.Context, a Alert, e incident.Effect) (incident.Receipt, error) {
	g := a.View.Group
	switch e := e.(type) {
	case incident.AlertPost:
		return x.channel(ctx, e.Channel.Name, "", x.f.AlertFirst(a.View, e.Channel.Mention))
	case incident.AlertRefresh:
		return incident.Receipt{}, x.refreshAlert(ctx, a.View)
	case incident.AlertThread:
		spot, ok := g.Post(e.Channel)
		m, says := x.f.AlertThread(g, a.Record, e.Mention)
		if !ok || !says {
			return incident.Receipt{}, nil // its message never came about
		}
		return x.post(ctx, Post{Channel: spot.Channel, Thread: spot.TS, Message: m, Broadcast: e.Also})
	case incident.AlertOperations:
		m, says := x.f.AlertOperations(g, a.Record)
		if !says {
			return incident.Receipt{}, nil
		}
		return x.channel(ctx, a.Operations, "", m)
	default:
		return incident.Receipt{}, outbox.PermanentError{Reason: "Slack knows no delivery of the kind " + incident.EffectKind(e)}
	}
}

// refreshAlert brings the messages of a group up to date. Where Slack does not
// show the picture, they go without.
func (x *sending) refreshAlert(ctx context.Context, v render.AlertGroup) error {
	m := x.f.Alert(v)
	for _, p := range v.Group.Posts {
		err := x.api.UpdateMessage(ctx, p.Spot.Channel, p.Spot.TS, m)
		if v.Group.Chart.File != "" && strings.HasPrefix(code(err), "invalid_blocks") {
			v.Group.Chart = incident.Chart{}
			m = x.f.Alert(v)
			err = x.api.UpdateMessage(ctx, p.Spot.Channel, p.Spot.TS, m)
		}
		if _, gone := permanent[code(err)]; err != nil && !gone {
			return err
		}
	}
	return nil
}

// Keep uploads a picture for a message to show, and gives its ID.
func (b *Bot) Keep(ctx context.Context, name, title string, data []byte) (string, error) {
	if _, err := b.me(ctx); err != nil {
		return "", outcome(err)
	}
	id, err := b.api.UploadFile(ctx, File{Name: name, Title: title, Data: data})
	if err != nil {
		return "", limited(outcome(err))
	}
	return id, nil
}

// alertList posts the list of an incident's alerts, or brings it up to date.
func (x *sending) alertList(ctx context.Context) (incident.Receipt, error) {
	m := x.f.AlertList(x.s)
	if spot := x.s.AlertList; spot.TS != "" {
		return incident.Receipt{}, x.api.UpdateMessage(ctx, spot.Channel, spot.TS, m)
	}
	if x.s.Card.TS == "" {
		return incident.Receipt{}, outbox.NotSentError{Err: errNoCard}
	}
	return x.post(ctx, Post{Channel: x.s.Card.Channel, Thread: x.s.Card.TS, Message: m})
}
