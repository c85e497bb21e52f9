package commands

import (
	"context"
	"strings"

	"muster/incident"
)

// as gives the commands as one person sees them: a private incident that they
// may not see is not there.
func (c *Commands) as(by incident.Person) *Commands {
	seen := *c
	if c.Reader != nil {
		seen.Reader = ownReader{c.Reader, by}
	}
	if c.Lister != nil {
		seen.Lister = ownLister{c.Lister, by}
	}
	return &seen
}

// ownReader reads what one person may see.
type ownReader struct {
	Reader
	by incident.Person
}

func (r ownReader) State(ctx context.Context, id string) (incident.Incident, error) {
	s, err := r.Reader.State(ctx, id)
	if err == nil && !s.VisibleTo(r.by) {
		return incident.Incident{}, incident.Hidden(id)
	}
	return s, err
}

func (r ownReader) History(ctx context.Context, id string) ([]incident.Record, error) {
	if _, err := r.State(ctx, id); err != nil {
		return nil, err
	}
	return r.Reader.History(ctx, id)
}

func (r ownReader) Open() []incident.Incident {
	var out []incident.Incident
	for _, s := range r.Reader.Open() {
		if s.VisibleTo(r.by) {
			out = append(out, s)
		}
	}
	return out
}

func (r ownReader) ByPlace(channel, thread string) (string, bool) {
	id, ok := r.Reader.ByPlace(channel, thread)
	if !ok {
		return "", false
	}
	if _, err := r.State(context.Background(), id); err != nil {
		return "", false
	}
	return id, true
}

// ownLister lists what one person may see.
type ownLister struct {
	Lister
	by incident.Person
}

// List asks for more while private ones of others take the places.
func (l ownLister) List(ctx context.Context, all bool, limit int) ([]Summary, error) {
	for most := limit; ; most *= 4 {
		found, err := l.Lister.List(ctx, all, most)
		if err != nil {
			return nil, err
		}
		var out []Summary
		for _, s := range found {
			if s.Circle.VisibleTo(l.by) {
				out = append(out, s)
			}
		}
		if len(out) >= limit && limit > 0 {
			return out[:limit], nil
		}
		if len(found) < most || limit <= 0 {
			return out, nil
		}
	}
}

func inviteSpec() spec {
	return spec{
		name: "invite", aliases: []string{"admit", "let in"}, needs: Respond, target: targetAny, ids: idsAnywhere,
		about: "let somebody see a private incident",
		usage: []string{"invite @x"},
		more: "Whoever is paged, gets a role or follow-up work, or is added here sees a private incident, and is invited into its channel. " +
			"Nobody can be taken out again.",
		examples: []string{"invite @bob", "invite @bob INC-3"},
		run:      (*Commands).invite,
	}
}

func (c *Commands) invite(x *exec) Reply {
	p, wrong, named := c.who(x)
	switch {
	case wrong != nil:
		return *wrong
	case !named || !x.args.empty():
		return usage(x.spec, "Name one person.")
	}
	return c.do(x, incident.AddPerson{By: x.call.By, Person: p}, func(o outcome) Reply {
		if _, ok := happened[incident.PersonAdded](o); !ok {
			return Reply{Body: Say(p, " sees ", Bold(o.after.ID), " already.")}
		}
		return Reply{Body: Say(p, " sees ", Bold(o.after.ID), " now.")}
	})
}

// onlyPeople tells whether a text names people and nothing else: behind "add"
// these are to be let in, not noted.
func onlyPeople(a *args) bool {
	for _, t := range a.toks {
		if !isPerson(t) {
			return false
		}
	}
	return !a.empty()
}

func privately(private bool) string {
	if private {
		return "; private"
	}
	return ""
}

// takePrivate takes --private out of a text.
func takePrivate(a *args) bool {
	_, ok := a.take(func(t token) bool {
		return !t.quoted && strings.TrimLeft(strings.ToLower(t.text), "-—–") == "private" && t.text != strings.TrimLeft(t.text, "-—–")
	})
	return ok
}
