package bot

import (
	"context"
	"slices"
	"strings"

	"muster/incident"
	"muster/outbox"
)

// SetGroup makes one person the only member of a user group ("@oncall"). A
// group that has exactly that member is left alone, and none is ever emptied.
// An outbox.PermanentError says what only a person can heal.
func (b *Bot) SetGroup(ctx context.Context, handle string, p incident.Person) error {
	list, err := b.api.Groups(ctx)
	if err != nil {
		return outcome(err)
	}
	i := slices.IndexFunc(list, func(g Group) bool { return strings.EqualFold(g.Handle, strings.TrimPrefix(handle, "@")) })
	if i < 0 {
		return outbox.PermanentError{Reason: "there is no such user group; make it in Slack"}
	}
	u, err := b.dir.Lookup(ctx, p)
	switch {
	case err != nil:
		return outcome(err)
	case u.Deactivated:
		return outbox.PermanentError{Reason: "the Slack account of " + p.String() + " is switched off"}
	}
	if members, err := b.api.GroupMembers(ctx, list[i].ID); err == nil && slices.Equal(members, []string{u.ID}) {
		return nil
	}
	if err := b.api.SetGroupMembers(ctx, list[i].ID, []string{u.ID}); err != nil {
		return outcome(err)
	}
	return nil
}
