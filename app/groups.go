package app

import (
	"context"
	"errors"
	"time"

	"muster/incident"
	"muster/outbox"
)

// groups is what is known of the user groups that follow a rota.
type groups struct {
	changed chan struct{}
	set     map[string]incident.Person // by handle: the member that was set
	refused map[string]bool            // by handle: a person must heal it, and was told
}

func newGroups() groups {
	return groups{changed: make(chan struct{}, 1), set: map[string]incident.Person{}, refused: map[string]bool{}}
}

// check has the groups compared with the rotas soon.
func (g groups) check() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// groupRetry is the pause before a group that could not be set is tried again.
const groupRetry = time.Minute

// followRotas keeps each configured user group at whoever is on call. What
// goes wrong with a group stops nothing else.
func (p *Program) followRotas(ctx context.Context) error {
	p.groups.check()
	again := time.NewTimer(groupRetry)
	defer again.Stop()
	again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.groups.changed:
		case <-again.C:
		}
		if !p.setGroups(ctx) {
			again.Reset(groupRetry)
		}
	}
}

// setGroups is false when a group must be tried again.
func (p *Program) setGroups(ctx context.Context) bool {
	done := true
	cfg := p.opt.Live.Get()
	for role, handle := range cfg.UserGroups {
		who := cfg.Schedule.OnCall(role, p.now(), p.roster.Overrides()).OnCall().Person()
		if who.Nobody() || p.groups.set[handle].Is(who) {
			continue // a group is never emptied
		}
		err := p.bot.SetGroup(ctx, handle, who)
		if err == nil {
			p.groups.set[handle] = who
			continue
		}
		refusal, lasting := errors.AsType[outbox.PermanentError](err)
		switch {
		case !lasting:
			done = false
		case !p.groups.refused[handle]:
			p.groups.refused[handle] = true
			p.tellOperations(ctx, "The user group "+handle+" does not follow the rota "+role+": "+refusal.Error()+
				". Paging goes on without it; this is said once until Muster is started again.")
		}
	}
	return done
}
