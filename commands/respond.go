package commands

import (
	"errors"
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// zone is the person's, else UTC.
func (c *Commands) zone(p incident.Person) *time.Location {
	if c.People != nil {
		if z := c.People.Zone(p); z != nil {
			return z
		}
	}
	return time.UTC
}

// person finds who is meant.
func (c *Commands) person(x *exec, text string) (incident.Person, *Reply) {
	text = strings.TrimRight(text, ".,:;!?")
	if slices.Contains([]string{"me", "myself", "i"}, strings.ToLower(text)) && !x.call.By.Nobody() {
		return x.call.By, nil
	}
	if c.People == nil {
		r := refuse(CodeMissing, "Persons cannot be looked up here.")
		return incident.Person{}, &r
	}
	p, err := c.People.Find(x.ctx, text, x.call.By)
	if err == nil && p.Nobody() {
		err = incident.Refusal{Code: "no_person", Text: "Nobody is known as " + shorten(text, 60) + ".", Hint: "Use @name, or an e-mail address."}
	}
	if err != nil {
		r := c.failed(err, x.at.ID)
		return incident.Person{}, &r
	}
	return p, nil
}

// who takes a person from a command's text: a mention, or "me". The last
// result tells whether there was one.
func (c *Commands) who(x *exec) (incident.Person, *Reply, bool) {
	t, ok := x.args.take(func(t token) bool {
		return isPerson(t) || slices.Contains([]string{"me", "myself"}, t.word())
	})
	if !ok {
		return incident.Person{}, nil, false
	}
	p, wrong := c.person(x, t.text)
	return p, wrong, true
}

func (c *Commands) ack(x *exec) Reply {
	via := x.call.Via
	return c.do(x, incident.Acknowledge{By: x.call.By, Via: via}, func(o outcome) Reply {
		s := o.after
		body := Say("You have ", Bold(s.ID), " ", s.Title, ".")
		if _, ok := happened[incident.Acknowledged](o); !ok {
			for _, a := range s.Acks {
				if a.By.Is(x.call.By) {
					body = Say("You have ", Bold(s.ID), " already, since ", a.At, ".")
				}
			}
		}
		if n, ok := c.nextPage(s, x.call.Now); ok {
			body = Say(body, " Next: ", n, ".")
		}
		if expires := s.Plan.Ladder.AckExpires; expires > 0 && s.Severity <= incident.P1 {
			body = Say(body, " It lapses after ", expires, " without an update.")
		}
		return Reply{Body: body}
	})
}

func (c *Commands) unack(x *exec) Reply {
	return c.do(x, incident.Unacknowledge{By: x.call.By}, func(o outcome) Reply {
		body := Say("You have given ", Bold(o.after.ID), " back.")
		if o.after.Acked() {
			return Reply{Body: Say(body, " ", o.after.Acks[0].By, " still has it.")}
		}
		if pages := pagedNow(o); len(pages) > 0 {
			return Reply{Body: Say(body, " The ladder goes on.\n", pages)}
		}
		if n, ok := c.nextPage(o.after, x.call.Now); ok {
			body = Say(body, " The ladder goes on: ", n, ".")
		}
		return Reply{Body: body}
	})
}

func (c *Commands) lead(x *exec) Reply {
	p, wrong, named := c.who(x)
	switch {
	case wrong != nil:
		return *wrong
	case !named && !x.args.empty():
		return usage(x.spec, Code(shorten(x.args.text(), 40)), " is not a person: use @name or an e-mail address.")
	case !named:
		p = x.call.By
	}
	return c.give(x, incident.Commander, p)
}

func (c *Commands) role(x *exec) Reply {
	t, ok := x.args.take(isRole)
	if !ok {
		return usage(x.spec, "Which role? There are comms, ops and scribe; ", Code("lead"), " gives the commander's.")
	}
	p, wrong, named := c.who(x)
	switch {
	case wrong != nil:
		return *wrong
	case !named && !x.args.empty():
		return usage(x.spec, Code(shorten(x.args.text(), 40)), " is not a person: use @name or an e-mail address.")
	case !named:
		p = x.call.By
	}
	return c.give(x, incident.Role(t.word()), p)
}

func (c *Commands) give(x *exec, role incident.Role, p incident.Person) Reply {
	return c.do(x, incident.GiveRole{By: x.call.By, Role: role, Person: p}, func(o outcome) Reply {
		if _, ok := happened[incident.RoleGiven](o); !ok {
			return Reply{Body: Say(p, " is ", role, " of ", o.after.ID, " already.")}
		}
		return Reply{Body: Say(p, " is ", role, " of ", Bold(o.after.ID), " now.")}
	})
}

// roleNames are the roles that can be paged: those of the rotas and of the
// incident's ladder.
func (c *Commands) roleNames(s incident.Incident) []string {
	var out []string
	if c.Rotas != nil {
		out = c.Rotas.Schedule().Roles()
	}
	for _, l := range s.Plan.Ladder.Levels {
		if !slices.Contains(out, l.Role) {
			out = append(out, l.Role)
		}
	}
	return out
}

// roleWord reads a token as a rota's role: its name, with or without @, or
// @oncall-name.
func (c *Commands) roleWord(t token, s incident.Incident) (string, bool) {
	word := strings.TrimPrefix(strings.TrimPrefix(t.word(), "@"), "oncall-")
	for _, name := range c.roleNames(s) {
		if word != "" && strings.EqualFold(name, word) {
			return name, true
		}
	}
	return "", false
}

func (c *Commands) escalate(x *exec) Reply {
	in := incident.Escalate{By: x.call.By}
	if w := x.args.first().word(); w == "to" {
		x.args.drop(0, 1)
	}
	first := x.args.first()
	role, isRole := c.roleWord(first, x.at)
	level, isLevel := levelIn(&x.args)
	switch {
	case isLevel:
		in.Level = level
	case x.args.empty():
	case first.word() == "next":
		x.args.drop(0, 1)
	case isRole:
		in.Role = role
		x.args.drop(0, 1)
	case isPerson(first):
		p, wrong := c.person(x, first.text)
		if wrong != nil {
			return *wrong
		}
		in.Person = p
		x.args.drop(0, 1)
	default:
		if wrong := c.misnamed(x); wrong != nil {
			return *wrong
		}
	}
	in.Reason = x.args.text()
	return c.escalated(x, in)
}

func (c *Commands) page(x *exec) Reply {
	in := incident.Escalate{By: x.call.By}
	first := x.args.first()
	role, isRole := c.roleWord(first, x.at)
	switch {
	case x.args.empty():
		return usage(x.spec, "Page whom, and with what message?")
	case isRole:
		in.Role = role
	case isPerson(first):
		p, wrong := c.person(x, first.text)
		if wrong != nil {
			return *wrong
		}
		in.Person = p
	default:
		return usage(x.spec, Code(shorten(first.text, 40)), " is neither a person nor a role. Roles are ", strings.Join(c.roleNames(x.at), ", "), ".")
	}
	x.args.drop(0, 1)
	if in.Reason = x.args.text(); in.Reason == "" {
		return usage(x.spec, "The page has no text: say in a few words what you need.")
	}
	return c.do(x, in, func(o outcome) Reply {
		if pages := pagedNow(o); len(pages) > 0 {
			return Reply{Body: Say(Bold(o.after.ID), ": ", pages)}
		}
		if in.Role != "" {
			return Reply{Body: Say("Whoever is on call as ", in.Role, " is paged for ", Bold(o.after.ID), " at once.")}
		}
		return Reply{Body: Say(in.Person, " is paged for ", Bold(o.after.ID), " at once.")}
	})
}

func (c *Commands) escalated(x *exec, in incident.Escalate) Reply {
	return c.do(x, in, func(o outcome) Reply {
		if pages := pagedNow(o); len(pages) > 0 {
			return Reply{Body: Say(Bold(o.after.ID), " is escalated.\n", pages)}
		}
		return Reply{Body: Say(Bold(o.after.ID), " is escalated; the page follows at once.")}
	})
}

func (c *Commands) hold(x *exec) Reply {
	d, err := c.span(x)
	if err != nil {
		return usage(x.spec, "For how long? At most an hour.")
	}
	if w := x.args.first().word(); w == "because" {
		x.args.drop(0, 1)
	}
	reason := x.args.text()
	switch {
	case d > incident.MaxHold:
		return usage(x.spec, "A hold lasts at most an hour.")
	case reason == "":
		return usage(x.spec, "A hold needs a reason.")
	}
	return c.held(x, incident.Hold{By: x.call.By, For: d, Reason: reason})
}

func (c *Commands) held(x *exec, in incident.Hold) Reply {
	return c.do(x, in, func(o outcome) Reply {
		return Reply{Body: Say("The ladder of ", Bold(o.after.ID), " is held until ", o.after.Climb.HeldUntil, ". It goes on by itself.")}
	})
}

// span takes a duration of one or two words from the front of a text, or of
// one word from anywhere.
func (c *Commands) span(x *exec) (time.Duration, error) {
	if w := x.args.first().word(); w == "for" {
		x.args.drop(0, 1)
	}
	for n := min(4, len(x.args.toks)); n > 0; n-- {
		if d, err := ParseSpan(between(x.args.src, x.args.toks[:n])); err == nil {
			x.args.drop(0, n)
			return d, nil
		}
	}
	if t, ok := x.args.take(isDuration); ok {
		return ParseSpan(t.word())
	}
	return 0, errors.New("no duration")
}
