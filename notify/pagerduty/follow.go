package pagerduty

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/incident"
	"muster/notify"
)

// Follow brings the PagerDuty incidents of the pages in f.Refs up to date: an
// acknowledgement acknowledges and says by whom, an update becomes a note, the
// resolution resolves. What is done there already is a success, so it can be
// repeated; other records change nothing.
func (c *Channel) Follow(ctx context.Context, f notify.Follow, maybeSent bool) error {
	var worst error
	for _, ref := range f.Refs {
		var err error
		switch {
		case ref == "":
			continue
		case refID.MatchString(ref) && c.rest():
			err = c.followIncident(ctx, f, ref, ref, maybeSent)
		case c.cfg.RoutingKey != "":
			err = c.followEvent(ctx, f, ref)
		case c.rest():
			err = c.followKey(ctx, f, ref, maybeSent)
		}
		worst = worse(worst, err)
	}
	return notify.Classified(worst)
}

// worse prefers the error after which it is tried again.
func worse(a, b error) error {
	var f *failure
	if a == nil || (b != nil && errors.As(a, &f) && f.Kind == notify.Refused) {
		return b
	}
	return a
}

// followEvent does the same over events, which have no notes.
func (c *Channel) followEvent(ctx context.Context, f notify.Follow, key string) error {
	switch f.Record.Event.(type) {
	case incident.Acknowledged:
		return c.event(ctx, "acknowledge the alert", &sdk.V2Event{Action: "acknowledge", DedupKey: key})
	case incident.ResolvedEvent:
		return c.event(ctx, "resolve the alert", &sdk.V2Event{Action: "resolve", DedupKey: key})
	case incident.Updated:
		if slices.Contains(f.Quiet, key) { // once more, in case it was refused
			return c.event(ctx, "acknowledge the alert", &sdk.V2Event{Action: "acknowledge", DedupKey: key})
		}
	}
	return nil
}

// followKey finds the incident of an event first.
func (c *Channel) followKey(ctx context.Context, f notify.Follow, key string, maybeSent bool) error {
	open, err := c.open(ctx, key, "")
	if err != nil || open == nil {
		return err
	}
	return c.followIncident(ctx, f, key, open.ID, maybeSent)
}

func (c *Channel) followIncident(ctx context.Context, f notify.Follow, ref, id string, maybeSent bool) error {
	note := noteOf(f)
	if note == "" {
		return nil
	}
	now, err := c.incident(ctx, id)
	if err != nil {
		return err
	}
	if now.Status == resolved {
		return nil
	}
	from, err := c.followSender(ctx, now)
	if err != nil {
		return err
	}
	switch e := f.Record.Event.(type) {
	case incident.Acknowledged:
		if now.Status == acknowledged && e.Via == via {
			return nil // it was said right there
		}
		if now.Status == triggered {
			if err := c.set(ctx, id, from, change{Status: acknowledged}, notify.Acknowledge); err != nil {
				return err
			}
		}
	case incident.ResolvedEvent:
		return c.set(ctx, id, from, change{Status: resolved, Resolution: note}, notify.Resolve)
	case incident.Updated:
		if now.Status == triggered && slices.Contains(f.Quiet, ref) { // it was refused before
			if err := c.set(ctx, id, from, change{Status: acknowledged}, notify.Acknowledge); err != nil {
				return err
			}
		}
	}
	return c.note(ctx, f, id, from, note, maybeSent)
}

func (c *Channel) incident(ctx context.Context, id string) (sdk.Incident, error) {
	var out struct {
		Incident sdk.Incident `json:"incident"`
	}
	err := c.get(ctx, "look at the incident", "/incidents/"+url.PathEscape(id), nil, &out)
	return out.Incident, err
}

// followSender is somebody else than those it is assigned to, if there is one.
func (c *Channel) followSender(ctx context.Context, i sdk.Incident) (sender, error) {
	var users []string
	for _, a := range i.Assignments {
		users = append(users, a.Assignee.ID)
	}
	from, err := c.senderFor(ctx, users...)
	if err == nil {
		return from, nil
	}
	all, allErr := c.senders(ctx)
	if allErr != nil || len(all) == 0 {
		return sender{}, err
	}
	return all[0], nil
}

// change is what is to be different about an incident; empty: as it is.
type change struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Status      string         `json:"status,omitempty"`
	Resolution  string         `json:"resolution,omitempty"`
	Assignments []sdk.Assignee `json:"assignments,omitempty"`
}

func (c *Channel) put(ctx context.Context, what, id string, from sender, to change) error {
	to.ID, to.Type = id, "incident_reference"
	return c.call(ctx, request{
		what: what, method: http.MethodPut, path: "/incidents", from: from.mail,
		body: map[string][]change{"incidents": {to}},
	})
}

// set changes an incident's status; that somebody was first is fine.
func (c *Channel) set(ctx context.Context, id string, from sender, to change, k notify.Kind) error {
	c.ours.add(did(id, k)) // before the webhook can be here
	err := c.put(ctx, string(k)+" the incident", id, from, to)
	if coded(err, codeResolved, codeAcknowledged) {
		return nil
	}
	return err
}

// note adds a note once.
func (c *Channel) note(ctx context.Context, f notify.Follow, id string, from sender, text string, maybeSent bool) error {
	done := "note " + id + " " + mark(f)
	if c.ours.has(done) {
		return nil
	}
	if maybeSent {
		var list struct {
			Notes []sdk.IncidentNote `json:"notes"`
		}
		if err := c.get(ctx, "read the notes", "/incidents/"+url.PathEscape(id)+"/notes", nil, &list); err != nil {
			return err
		}
		for _, n := range list.Notes {
			if strings.Contains(n.Content, mark(f)) {
				c.ours.add(done)
				return nil
			}
		}
	}
	err := c.call(ctx, request{
		what: "add a note", method: http.MethodPost, path: "/incidents/" + url.PathEscape(id) + "/notes", from: from.mail,
		body: map[string]any{"note": map[string]string{"content": text}},
	})
	if err == nil || coded(err, codeResolved) {
		c.ours.add(done)
		return nil
	}
	return err
}
