package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/incident"
	"muster/notify"
)

// via is how an answer came.
const via = "pagerduty"

// deed is something that somebody did to a PagerDuty incident.
type deed struct {
	id        string // the PagerDuty incident's
	agent     sdk.APIObject
	kind      notify.Kind
	at        time.Time
	assignees []string // user IDs
}

// key names the deed alike whether a webhook or a look brought it. PagerDuty
// gives webhooks the millisecond and lists the second.
func (d deed) key() string { return d.keyAt(d.at) }

func (d deed) keyAt(t time.Time) string {
	return fmt.Sprintf("pagerduty:%s:%s:%s:%d", d.id, d.kind, d.agent.ID, t.Unix())
}

// answer turns a deed into an answer; ok is false for what no person did, what
// we did, and what the listener took already.
func (c *Channel) answer(ctx context.Context, d deed, p paged) (a notify.Answer, ok bool, err error) {
	if !strings.HasPrefix(d.agent.Type, "user") || d.agent.ID == "" {
		return a, false, nil
	}
	for _, t := range []time.Time{d.at.Add(-time.Second), d.at, d.at.Add(time.Second)} {
		if c.seen.has(d.keyAt(t)) {
			return a, false, nil
		}
	}
	own, err := c.echo(ctx, d, p)
	if own || err != nil {
		return a, false, err
	}
	person, err := c.who(ctx, d, p)
	if err != nil {
		return a, false, err
	}
	return notify.Answer{
		Incident: p.incident, Person: person, Level: p.level, Kind: d.kind, Via: via, Key: d.key(), At: d.at,
		Said: fmt.Sprintf("%sd in PagerDuty", d.kind),
	}, true, nil
}

// echo tells whether a deed is our own come back: done by one of our senders
// on an incident that is not theirs, or just as we did it.
func (c *Channel) echo(ctx context.Context, d deed, p paged) (bool, error) {
	if !c.rest() {
		return false, nil // over events, we act as no user
	}
	all, err := c.senders(ctx)
	var f *failure
	if errors.As(err, &f) && f.Kind == notify.Refused {
		return false, nil // no sender: we did nothing
	}
	if err != nil {
		return false, err
	}
	for _, s := range all {
		if s.id == d.agent.ID {
			return !c.theirs(s, d, p) || c.ours.has(did(d.id, d.kind)), nil
		}
	}
	return false, nil
}

// theirs tells whether the page was for the sender. A resolved incident is
// assigned to nobody any more, so its key is asked too.
func (c *Channel) theirs(s sender, d deed, p paged) bool {
	if contains(d.assignees, s.id) {
		return true
	}
	c.users.mu.Lock()
	defer c.users.mu.Unlock()
	return p.person != "" && (strings.EqualFold(p.person, s.mail) || c.users.people[s.id].Key == p.person)
}

// did names what we did to an incident.
func did(id string, k notify.Kind) string { return id + " " + string(k) }

// who is the person behind a deed.
func (c *Channel) who(ctx context.Context, d deed, p paged) (incident.Person, error) {
	if c.cfg.Person != nil {
		if person, ok := c.cfg.Person(d.agent.ID); ok {
			return person, nil
		}
	}
	c.users.mu.Lock()
	person, ok := c.users.people[d.agent.ID]
	c.users.mu.Unlock()
	if ok {
		return person, nil
	}
	person = incident.Person{Key: "pagerduty:" + d.agent.ID, Name: d.agent.Summary}
	if !c.rest() {
		return person, nil
	}
	u, err := c.userByID(ctx, d.agent.ID)
	var f *failure
	switch {
	case err == nil && u.Email != "":
		return incident.Person{Key: strings.ToLower(u.Email), Name: u.Name}, nil
	case errors.As(err, &f) && f.Kind != notify.Refused && len(d.assignees) == 1 && d.assignees[0] == d.agent.ID && p.person != "":
		// PagerDuty cannot say now, but it is the one who was paged.
		return incident.Person{Key: p.person, Name: d.agent.Summary}, nil
	case errors.As(err, &f) && f.Kind != notify.Refused:
		return person, err
	}
	return person, nil
}

// tell hands an answer to the listener. A refusal counts as taken.
func (c *Channel) tell(ctx context.Context, a notify.Answer) error {
	if c.cfg.Listen == nil {
		return nil
	}
	err := c.cfg.Listen(ctx, a)
	var refusal incident.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	c.seen.add(a.Key)
	return nil
}

// answers are what people did to an incident that PagerDuty shows, oldest
// first, without what the listener took already. What cannot be told apart now
// is left out and comes with the next look.
func (c *Channel) answers(ctx context.Context, i sdk.Incident, o Open) []notify.Answer {
	p, known := readKey(i.IncidentKey)
	if o.Incident != "" {
		p.incident, p.level, known = o.Incident, o.Level, true
		if o.Person.Key != "" {
			p.person = o.Person.Key
		}
	}
	if !known {
		return nil
	}
	var assignees []string
	for _, a := range i.Assignments {
		assignees = append(assignees, a.Assignee.ID)
	}
	var deeds []deed
	if i.Status == acknowledged || i.Status == resolved {
		for _, a := range i.Acknowledgements {
			deeds = append(deeds, deed{i.ID, a.Acknowledger, notify.Acknowledge, stamp(a.At), assignees})
		}
	}
	if i.Status == resolved {
		deeds = append(deeds, deed{i.ID, i.LastStatusChangeBy, notify.Resolve, stamp(i.LastStatusChangeAt), nil})
	}
	var out []notify.Answer
	for _, d := range deeds {
		// An acknowledgement from before the newest page answers nothing.
		if d.kind == notify.Acknowledge && !o.Since.IsZero() && d.at.Before(o.Since.Add(-2*skew)) {
			continue
		}
		if a, ok, err := c.answer(ctx, d, p); ok && err == nil {
			out = append(out, a)
		}
	}
	return out
}
