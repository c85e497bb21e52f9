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
		if x.s.Open() && !x.s.AckedBy(p.Person) && !stopped(x.s, p.Level) {
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

// stopped tells whether the acknowledgement that holds stops a level.
func stopped(s incident.Incident, level string) bool {
	l, ok := s.Level(level)
	return ok && l.Until == incident.UntilAcknowledged
}
