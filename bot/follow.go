package bot

import (
	"context"
	"fmt"
	"strings"

	"muster/bot/render"
	"muster/incident"
	"muster/outbox"
)

// follow takes Acknowledge off the direct messages that paged, once somebody
// has answered or the incident is over. A person whom a ladder still asks keeps
// theirs.
func (x *sending) follow(ctx context.Context, e incident.Follow) error {
	if e.Method != "slack" {
		return outbox.PermanentError{Reason: e.Method + " is not followed over Slack"}
	}
	if e.What == incident.EventKind(incident.ActionDone{}) || e.What == incident.EventKind(incident.ActionShown{}) {
		return x.followAction(ctx, e.Seq)
	}
	if x.s.Open() && !x.s.Acked() {
		return nil
	}
	m := x.f.PageOver(x.s)
	for _, p := range x.s.Climb.Pages {
		if asks(x.s, p) {
			continue
		}
		for _, sent := range p.Methods {
			channel, ts, ok := strings.Cut(sent.Ref, "/")
			if sent.Method != "slack" || !ok {
				continue
			}
			if err := x.replace(ctx, channel, ts, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace updates a message; one that is gone needs nothing.
func (x *sending) replace(ctx context.Context, channel, ts string, m render.Message) error {
	err := x.api.UpdateMessage(ctx, channel, ts, m)
	if _, gone := permanent[code(err)]; gone {
		return nil
	}
	return err
}

// followAction takes Done off the reminders of follow-up work that a record
// closed, and says in them who did.
func (x *sending) followAction(ctx context.Context, seq uint64) error {
	history, err := x.cfg.Incidents.History(ctx, x.d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: fmt.Errorf("read the history of %s: %w", x.d.Stream, err)}
	}
	n := 0
	for _, r := range history {
		if r.Seq != seq {
			continue
		}
		switch e := r.Event.(type) {
		case incident.ActionDone:
			n = e.N
		case incident.ActionShown:
			n = e.N
		}
	}
	for _, a := range x.s.Actions {
		if a.N != n || !a.Done {
			continue
		}
		for _, spot := range a.Shown {
			if err := x.replace(ctx, spot.Channel, spot.TS, x.f.ActionOver(x.s, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// asks tells whether a page still wants an answer.
func asks(s incident.Incident, p incident.PageStatus) bool {
	if !s.Open() {
		return false
	}
	if !s.AckedBy(p.Person) && !stopped(s, p.Level) || p.Why == incident.WhyOverdue {
		return true
	}
	_, wanted := incident.Relevant(s, incident.Page{
		Attempt: p.Attempt, Level: p.Level, Person: p.Person, Method: "slack", Why: p.Why, Asked: p.Asked,
	})
	return wanted
}

// stopped tells whether the acknowledgement that holds stops a level.
func stopped(s incident.Incident, level string) bool {
	l, ok := s.Level(level)
	return ok && l.Until == incident.UntilAcknowledged
}
