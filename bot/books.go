package bot

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"muster/outbox"
)

// listEvery is the least time between two readings of the channels.
const listEvery = 10 * time.Second

// channelBook knows the channels by name.
type channelBook struct {
	mu     sync.Mutex
	byName map[string]Channel
	listed time.Time
}

// isID tells a channel's ID from its name; names are lower-case.
func isID(channel string) bool {
	return len(channel) >= 8 && strings.ContainsRune("CGD", rune(channel[0])) && strings.ToUpper(channel) == channel
}

// find gives a channel's ID for its name or ID.
func (b *channelBook) find(ctx context.Context, api API, name string) (string, error) {
	name = strings.TrimPrefix(strings.TrimSpace(name), "#")
	if isID(name) {
		return name, nil
	}
	if c, ok := b.known(name); ok {
		return c.ID, nil
	}
	if err := b.read(ctx, api); err != nil {
		return "", err
	}
	if c, ok := b.known(name); ok {
		return c.ID, nil
	}
	return "", outbox.PermanentError{Reason: "Slack has no channel #" + name + " that the bot can see: create it, or invite the bot if it is private"}
}

// forget drops a name that no longer leads anywhere.
func (b *channelBook) forget(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byName, strings.TrimPrefix(name, "#"))
}

func (b *channelBook) known(name string) (Channel, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.byName[name]
	return c, ok && !c.Archived
}

// look finds a channel by name, archived ones too, as Slack has it now.
func (b *channelBook) look(ctx context.Context, api API, name string) (Channel, bool, error) {
	b.mu.Lock()
	b.listed = time.Time{}
	b.mu.Unlock()
	if err := b.read(ctx, api); err != nil {
		return Channel{}, false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.byName[name]
	return c, ok, nil
}

// read lists the channels, unless that was done just now.
func (b *channelBook) read(ctx context.Context, api API) error {
	b.mu.Lock()
	fresh := !b.listed.IsZero() && time.Since(b.listed) < listEvery
	b.mu.Unlock()
	if fresh {
		return nil
	}
	all := map[string]Channel{}
	for cursor := ""; ; {
		list, next, err := api.Channels(ctx, cursor)
		if err != nil {
			return err
		}
		for _, c := range list {
			all[c.Name] = c
		}
		if next == "" {
			break
		}
		cursor = next
	}
	b.mu.Lock()
	b.byName, b.listed = all, time.Now()
	b.mu.Unlock()
	return nil
}

// dmBook keeps the direct message channels that were opened.
type dmBook struct {
	mu     sync.Mutex
	byUser map[string]string
	// closed is until when Slack opens no more of them; zero: it does.
	closed time.Time
}

func (b *dmBook) open(ctx context.Context, api API, user string) (string, error) {
	b.mu.Lock()
	id, wait := b.byUser[user], time.Until(b.closed)
	b.mu.Unlock()
	switch {
	case id != "":
		return id, nil
	case wait > 0:
		return "", &Error{Method: "conversations.open", Code: "ratelimited", RetryAfter: wait}
	}
	id, err := api.OpenDM(ctx, user)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter > 0 {
			b.closed = time.Now().Add(e.RetryAfter)
		}
		return "", err
	}
	if b.byUser == nil {
		b.byUser = map[string]string{}
	}
	b.byUser[user] = id
	return id, nil
}
