package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// Permission is what somebody may do.
type Permission string

// The permissions. The empty one is held by everybody.
const (
	Anyone  Permission = ""
	Declare Permission = "declare"
	Respond Permission = "respond"
	Operate Permission = "operate"
	Approve Permission = "approve"
	Admin   Permission = "admin"
)

// Permissions says who holds each permission: "everyone", "@user-group",
// "rota:NAME" (who is on call for it at that moment), "role:commander",
// "role:comms", "role:ops", "role:scribe" (who holds it in this incident), or
// an e-mail address. What is not listed is held by nobody; no permission
// brings another with it.
type Permissions map[Permission][]string

// Allowed tells whether a person holds a permission now, for an incident (the
// zero value: none). The error is the first failed look-up; the answer is
// then no, unless another subject says yes.
func (c *Commands) Allowed(ctx context.Context, p Permission, by incident.Person, s incident.Incident, now time.Time) (bool, error) {
	if p == Anyone {
		return true, nil
	}
	var failed error
	for _, subject := range c.subjects(p) {
		ok, err := c.holds(ctx, subject, by, s, now)
		if ok {
			return true, nil
		}
		if err != nil && failed == nil {
			failed = fmt.Errorf("permission %s, %s: %w", p, subject, err)
		}
	}
	return false, failed
}

func (c *Commands) subjects(p Permission) []string {
	if c.Permissions == nil {
		return nil
	}
	return c.Permissions()[p]
}

func (c *Commands) holds(ctx context.Context, subject string, by incident.Person, s incident.Incident, now time.Time) (bool, error) {
	kind, rest, _ := strings.Cut(subject, ":")
	switch {
	case subject == "everyone":
		return true, nil
	case by.Nobody():
		return false, nil
	case kind == "rota":
		return c.onCall(rest, now).Is(by), nil
	case kind == "role":
		return s.Holder(incident.Role(rest)).Is(by), nil
	case strings.HasPrefix(subject, "@"):
		if c.People == nil {
			return false, nil
		}
		return c.People.InGroup(ctx, subject, by)
	default:
		return strings.EqualFold(subject, by.Key), nil
	}
}

// onCall is who is on call for a role; nobody when there is no such rota.
func (c *Commands) onCall(role string, at time.Time) incident.Person {
	if c.Rotas == nil {
		return incident.Person{}
	}
	return c.Rotas.Schedule().OnCall(role, at, c.Rotas.Overrides()).OnCall().Person()
}

// permit refuses a command to a person who may not do it, saying what is
// missing and who has it. Nil: it may go on.
func (c *Commands) permit(ctx context.Context, s *spec, by incident.Person, at incident.Incident, now time.Time) *Reply {
	if s.pagedToo && pagedBy(at, by) {
		return nil
	}
	ok, err := c.Allowed(ctx, s.needs, by, at, now)
	if ok {
		return nil
	}
	r := refuse(CodePermission, Code(s.name), " needs the permission ", Bold(string(s.needs)), ", which you do not have. ", c.holders(s.needs, at, now))
	if err != nil {
		c.fault(err)
		r.Body = Say(r.Body, " Not all of them could be checked just now; try again in a minute.")
	}
	r.Incident = at.ID
	return &r
}

// pagedBy tells whether the incident has paged a person.
func pagedBy(s incident.Incident, p incident.Person) bool {
	for _, page := range s.Climb.Pages {
		if page.Person.Is(p) {
			return true
		}
	}
	return false
}

// holders says who has a permission now.
func (c *Commands) holders(p Permission, s incident.Incident, now time.Time) Rich {
	var list []Rich
	for _, subject := range c.subjects(p) {
		kind, rest, _ := strings.Cut(subject, ":")
		switch kind {
		case "rota":
			list = append(list, Say("whoever is on call as ", rest, " (now ", c.onCall(rest, now), ")"))
		case "role":
			holder := Say("")
			if s.Exists() {
				holder = Say(" (", s.Holder(incident.Role(rest)), ")")
			}
			list = append(list, Say("the incident's ", rest, holder))
		default:
			list = append(list, Say(subject))
		}
	}
	if len(list) == 0 {
		return Say("Nobody has it: muster.yaml gives it, under permissions.")
	}
	return Say("It is held by: ", Join(list, ", "), ".")
}
