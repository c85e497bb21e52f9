package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/commands"
	"muster/incident"
	"muster/outbox"
)

// Direct brings a delivery that belongs to no incident to one person, as a
// direct message that says what a reply says. It is done once like Handler's.
func (b *Bot) Direct(ctx context.Context, d outbox.Delivery, maybeSent bool, to incident.Person, r commands.Reply) ([]byte, error) {
	if _, err := b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: b, d: d, maybeSent: maybeSent, f: b.frame()}
	receipt, err := x.person(ctx, to, x.f.Reply(r))
	if err != nil {
		return nil, limited(outcome(err))
	}
	return json.Marshal(receipt)
}

// Announce brings a delivery that belongs to no incident into a channel that
// is named by its name or ID. It is done once like Handler's.
func (b *Bot) Announce(ctx context.Context, d outbox.Delivery, maybeSent bool, channel string, r commands.Reply) ([]byte, error) {
	if _, err := b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: b, d: d, maybeSent: maybeSent, f: b.frame()}
	receipt, err := x.channel(ctx, channel, "", x.f.Reply(r))
	if err != nil {
		return nil, limited(outcome(err))
	}
	return json.Marshal(receipt)
}

// Say posts a line into a channel, once and without a promise: for what Muster
// says of itself.
func (b *Bot) Say(ctx context.Context, channel, text string) error {
	if channel == "" {
		return nil
	}
	if _, err := b.me(ctx); err != nil {
		return err
	}
	x := &sending{Bot: b, f: b.frame()}
	_, err := x.channel(ctx, channel, "", x.f.Reply(commands.Reply{OK: true, Text: text, Body: commands.Say(text)}))
	return err
}

// CanPost tells what keeps the bot from posting in a channel; nil: nothing.
func (b *Bot) CanPost(ctx context.Context, channel string) error {
	_, err := b.channels.find(ctx, b.api, channel)
	if err != nil {
		return fmt.Errorf("the channel %s is not there for the bot: make it, or invite the bot into it", channel)
	}
	return nil
}

// Link is the address of a message or a channel; empty: not known.
func (b *Bot) Link(s incident.Spot) string {
	b.mu.Lock()
	base := b.self.URL
	b.mu.Unlock()
	return permalink(base, s.Channel, s.TS)
}
