package bot

import (
	"context"
	"fmt"
	"slices"

	"muster/bot/render"
	"muster/incident"
	"muster/outbox"
)

// maxNames is how many names are tried for an incident's channel.
const maxNames = 20

// done are the answers that say that a step was made before.
var done = []string{
	"already_in_channel", "cant_invite_self", "already_pinned", "channel_canvas_already_exists", "free_team_canvas_tab_already_exists",
}

// room makes one step for the incident's own channel.
func (x *sending) room(ctx context.Context, e incident.Room) (incident.Receipt, error) {
	if e.Step == incident.RoomCreate {
		return x.createRoom(ctx)
	}
	id := x.s.Room.Channel
	if id == "" {
		return incident.Receipt{}, outbox.PermanentError{Reason: "the incident has no channel of its own"}
	}
	var err error
	switch e.Step {
	case incident.RoomCard:
		return x.post(ctx, Post{Channel: id, Message: x.f.Card(x.s)})
	case incident.RoomPin:
		card := x.s.RoomCard
		if x.s.Circle.Private {
			card = x.s.Card
		}
		if card.TS == "" {
			return incident.Receipt{}, outbox.PermanentError{Reason: "the channel has no card to pin"}
		}
		err = x.api.AddPin(ctx, id, card.TS)
	case incident.RoomInvite:
		err = x.invite(ctx, id, e.Person)
	case incident.RoomTopic:
		err = x.api.SetTopic(ctx, id, render.Topic(x.s))
	case incident.RoomBookmark:
		err = x.bookmark(ctx, id)
	case incident.RoomCanvas:
		err = x.api.CreateCanvas(ctx, id, x.f.Canvas(x.s))
	default:
		return incident.Receipt{}, outbox.PermanentError{Reason: fmt.Sprintf("a channel has no step %q", e.Step)}
	}
	if slices.Contains(done, code(err)) {
		err = nil
	}
	return incident.Receipt{}, err
}

// announce posts the card for the first time: in the incidents channel, or for a
// private incident in its own, which is made for it.
func (x *sending) announce(ctx context.Context) (incident.Receipt, error) {
	if !x.s.Circle.Private {
		return x.channel(ctx, x.s.Plan.Incidents, "", x.f.Announce(x.s))
	}
	room := incident.Receipt{Channel: x.s.Room.Channel, Name: x.s.Room.Name}
	if room.Channel == "" {
		var err error
		if room, err = x.createRoom(ctx); err != nil {
			return incident.Receipt{}, err
		}
	}
	r, err := x.post(ctx, Post{Channel: room.Channel, Message: x.f.Announce(x.s)})
	r.Name = room.Name
	return r, err
}

// createRoom creates the channel, under the next name where one is taken. A
// channel that the bot itself created since the delivery was decided is the
// one it made before an unclear failure.
func (x *sending) createRoom(ctx context.Context) (incident.Receipt, error) {
	me, err := x.me(ctx)
	if err != nil {
		return incident.Receipt{}, err
	}
	for try := range maxNames {
		name := render.RoomName(x.s, try+1)
		c, err := x.api.CreateChannel(ctx, name, x.s.Circle.Private)
		if err == nil {
			return incident.Receipt{Channel: c.ID, Name: c.Name}, nil
		}
		if code(err) != "name_taken" {
			return incident.Receipt{}, err
		}
		old, ok, err := x.channels.look(ctx, x.api, name)
		if err != nil {
			return incident.Receipt{}, err
		}
		if ok && old.Creator == me.UserID && !old.Archived && !old.Created.Before(x.d.At.Add(-skew)) {
			return incident.Receipt{Channel: old.ID, Name: old.Name}, nil
		}
	}
	return incident.Receipt{}, outbox.PermanentError{Reason: fmt.Sprintf("%d names for the incident's channel are taken", maxNames)}
}

func (x *sending) invite(ctx context.Context, channel string, p incident.Person) error {
	u, err := x.dir.Lookup(ctx, p)
	if err != nil {
		return err
	}
	return x.api.Invite(ctx, channel, u.ID)
}

// bookmark adds those links that are not there yet.
func (x *sending) bookmark(ctx context.Context, channel string) error {
	var have []render.Bookmark
	if x.maybeSent {
		var err error
		if have, err = x.api.Bookmarks(ctx, channel); err != nil {
			return err
		}
	}
	for _, b := range x.f.Bookmarks(x.s) {
		if slices.ContainsFunc(have, func(h render.Bookmark) bool { return h.Link == b.Link }) {
			continue
		}
		if err := x.api.AddBookmark(ctx, channel, b); err != nil {
			return err
		}
	}
	return nil
}
