package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"muster/engine"
	"muster/incident"
)

// alertDesk lets the commands step groups of alerts and the lookout.
type alertDesk struct{ *intake }

// Step says something to one group. When an incident is to be declared, it is
// waited for a moment, so that its name can be answered.
func (a alertDesk) Step(ctx context.Context, id string, in incident.Intent, key string, reply func(incident.AlertGroup, []incident.Event) []byte) ([]byte, error) {
	if s, ok := in.(incident.SilenceAlerts); ok {
		s.Remote = s.Remote && a.program.opt.Env.AlertmanagerURL != ""
		in = s
	}
	done, err := a.groups.Do(ctx, engine.Request[incident.AlertGroup]{Stream: id, Intent: in, Key: key, Reply: reply})
	if err != nil || done.Repeated {
		return done.Reply, err
	}
	if _, declares := in.(incident.DeclareAlerts); declares {
		return a.declared(ctx, id, done, reply)
	}
	if done.Reply == nil {
		done.Reply = reply(done.State, nil)
	}
	return done.Reply, nil
}

func (a alertDesk) declared(ctx context.Context, id string, done engine.Result[incident.AlertGroup], reply func(incident.AlertGroup, []incident.Event) []byte) ([]byte, error) {
	const look = 20 * time.Millisecond
	for waited := time.Duration(0); waited < alertFor; waited += look {
		g, err := a.groups.State(ctx, id)
		if err == nil && g.Incident != "" {
			return reply(g, done.Events), nil
		}
		select {
		case <-ctx.Done():
			return reply(done.State, done.Events), nil
		case <-time.After(look):
		}
	}
	return reply(done.State, done.Events), nil
}

// State gives one group.
func (a alertDesk) State(ctx context.Context, id string) (incident.AlertGroup, error) {
	return a.groups.State(ctx, id)
}

// Live lists the groups whose clocks run, the worst first.
func (a alertDesk) Live() []incident.AlertGroup {
	live := a.groups.Open()
	slices.SortFunc(live, func(x, y incident.AlertGroup) int {
		rank := func(g incident.AlertGroup) int {
			switch {
			case !g.Fires():
				return 3
			case g.Worst() == incident.Critical:
				return 0
			case g.Worst() == incident.Warning:
				return 1
			default:
				return 2
			}
		}
		return cmp.Or(cmp.Compare(rank(x), rank(y)), y.Began.Compare(x.Began), cmp.Compare(x.ID, y.ID))
	})
	return live
}

// Playbook names the playbook that is for an alert.
func (a alertDesk) Playbook(alert incident.Alert) (string, bool) {
	return a.program.playbookFor(alert)
}

// Look gives what concerns all alerts.
func (a alertDesk) Look() incident.Lookout { return a.Lookout() }

// Say records something that concerns all alerts.
func (a alertDesk) Say(ctx context.Context, in incident.Intent, key string, reply func(incident.Lookout, []incident.Event) []byte) ([]byte, error) {
	done, err := a.look.Do(ctx, engine.Request[incident.Lookout]{Stream: engine.LookoutStream, Intent: in, Key: key, Reply: reply})
	if err != nil {
		return nil, err
	}
	if done.Reply == nil {
		done.Reply = reply(done.State, nil)
	}
	return done.Reply, nil
}

// firing are the groups that fire.
func firing(live []incident.AlertGroup) []incident.AlertGroup {
	return slices.DeleteFunc(live, func(g incident.AlertGroup) bool { return !g.Fires() })
}
