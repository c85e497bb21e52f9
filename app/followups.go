package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"muster/bot/render"
	"muster/incident"
)

// followUps lists what a person is to do after incidents: what they own, and
// what nobody owns of incidents whose post-mortem they write. What is due first
// stands first, what has no date last.
func (p *Program) followUps(ctx context.Context, who incident.Person) ([]render.FollowUp, error) {
	all, err := p.incidents.Todos(ctx)
	if err != nil {
		return nil, err
	}
	today := p.now().UTC().Format(time.DateOnly)
	var out []render.FollowUp
	for _, t := range all {
		if !t.Circle.VisibleTo(who) {
			continue
		}
		for _, a := range t.Actions {
			owner := a.Owner
			if owner.Nobody() {
				owner = t.Writer
			}
			if owner.Is(who) {
				out = append(out, render.FollowUp{Incident: t.ID, Title: t.Title, Action: a, Past: a.Due != "" && a.Due < today})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b render.FollowUp) int {
		return cmp.Compare(cmp.Or(a.Due, "9999"), cmp.Or(b.Due, "9999"))
	})
	return out, nil
}
