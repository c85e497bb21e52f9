package bot

import (
	"context"
	"strings"

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
			if err := x.api.UpdateMessage(ctx, channel, ts, m); err != nil {
				if _, gone := permanent[code(err)]; !gone {
					return err
				}
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
