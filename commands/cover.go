package commands

import (
	"errors"
	"slices"
	"strings"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

// maxCover is the longest span that somebody is put on call by hand.
const maxCover = 92 * 24 * time.Hour

// span is a time with an end.
type span struct{ from, until time.Time }

// spanWords begin a time in a span's text.
var spanWords = []string{"from", "to", "until", "till", "for", "starting"}

// spanFillers are words before a span that say nothing.
var spanFillers = []string{"as", "on", "call", "on-call", "the", "role", "rota", "shift"}

// readSpan reads "from … to …", "… to …", "from … for 4h", "until …", "for
// 2h". Its error is one sentence.
func readSpan(a *args, now time.Time, zone *time.Location) (span, error) {
	s := span{from: now}
	var from, until, length, lead string
	fill := &lead
	var toks []token
	flush := func() {
		*fill = between(a.src, toks)
		toks = nil
	}
	for _, t := range a.toks {
		w := t.word()
		if !slices.Contains(spanWords, w) {
			if w == "-" || w == "–" || t.text == "-" || t.text == "–" {
				flush()
				fill = &until
				continue
			}
			if fill != &lead || len(toks) > 0 || !slices.Contains(spanFillers, w) {
				toks = append(toks, t)
			}
			continue
		}
		flush()
		switch w {
		case "from", "starting":
			fill = &from
		case "for":
			fill = &length
		default:
			fill = &until
		}
	}
	if len(a.toks) == 0 {
		return span{}, errors.New(`From when to when? Write "from Fri 18:00 to Mon 09:00", or "for 4h".`)
	}
	if fill == &lead {
		return span{}, TimeError{a.text(), `span: write "from Fri 18:00 to Mon 09:00", or "for 4h"`}
	}
	flush()
	switch {
	case lead == "":
	case from == "":
		if _, err := ParseTime(lead, now, zone); err != nil {
			return span{}, TimeError{lead, "role or a time"}
		}
		from = lead
	default:
		return span{}, TimeError{lead, "role"}
	}
	if from != "" {
		t, err := ParseTime(from, now, zone)
		if err != nil {
			return span{}, err
		}
		s.from = t
	}
	switch {
	case until != "":
		t, err := ParseTime(until, now, zone)
		if err != nil {
			return span{}, err
		}
		if !t.After(s.from) && recurs(until) {
			if t, err = ParseTime(until, s.from, zone); err != nil {
				return span{}, err
			}
		}
		s.until = t
	case length != "":
		d, err := ParseSpan(length)
		if err != nil {
			return span{}, err
		}
		s.until = s.from.Add(d)
	default:
		return span{}, TimeError{a.text(), `span with an end: write "from Fri 18:00 to Mon 09:00", or "for 4h"`}
	}
	switch {
	case !s.until.After(s.from):
		return span{}, TimeError{a.text(), "span: its end is not after its begin"}
	case !s.until.After(now):
		return span{}, TimeError{a.text(), "span to change: it is over already"}
	case s.until.Sub(s.from) > maxCover:
		return span{}, TimeError{a.text(), "span of at most 92 days"}
	}
	if s.from.Before(now) { // who was on call then is not changed any more
		s.from = now
	}
	return s, nil
}

// spanWrong says what is wrong with a span, and which roles there are where a
// word is none.
func (c *Commands) spanWrong(x *exec, err error) Reply {
	if e, ok := errors.AsType[TimeError](err); ok && strings.HasPrefix(e.Want, "role") {
		return usage(x.spec, err.Error(), " Roles are ", strings.Join(c.Rotas.Schedule().Roles(), ", "), ".")
	}
	return usage(x.spec, err.Error())
}

// recurs tells whether a time comes again: a weekday or a time of day, which
// as the end of a span is the next one after its begin.
func recurs(text string) bool {
	first, _, _ := strings.Cut(strings.ToLower(text), " ")
	_, weekday := weekdayOf(first)
	_, clock := parseClock(first)
	return weekday || clock || first == "next"
}

// roleFor takes the role from a text; without one it is the one that a person
// is on call for at a moment, else primary, else the first there is.
func (c *Commands) roleFor(x *exec) (string, bool) {
	t, ok := x.args.take(func(t token) bool { _, ok := c.roleWord(t, incident.Incident{}); return ok })
	if !ok {
		return "", false
	}
	name, _ := c.roleWord(t, incident.Incident{})
	return name, true
}

func (c *Commands) usualRole(p incident.Person, at time.Time) string {
	roles := c.Rotas.Schedule().Roles()
	for _, r := range roles {
		if c.onCall(r, at).Is(p) {
			return r
		}
	}
	if slices.Contains(roles, "primary") || len(roles) == 0 {
		return "primary"
	}
	return roles[0]
}

func (c *Commands) override(x *exec) Reply {
	if c.Rotas == nil {
		return noRotas()
	}
	if c.Desk == nil {
		return refuse(CodeMissing, "Overrides are not configured here.")
	}
	who, wrong, named := c.who(x)
	switch {
	case wrong != nil:
		return *wrong
	case !named:
		return usage(x.spec, "Who is to be on call?")
	}
	role, hasRole := c.roleFor(x)
	s, err := readSpan(&x.args, x.call.Now, c.zone(x.call.By))
	if err != nil {
		return c.spanWrong(x, err)
	}
	if !hasRole {
		role = c.usualRole(x.call.By, s.from)
	}
	o, err := c.Desk.AddOverride(x.ctx, rota.Override{Role: role, From: s.from, Until: s.until, Who: who, By: x.call.By, At: x.call.Now}, x.call.Key)
	if err != nil {
		return c.failed(err, "")
	}
	others := slices.DeleteFunc(slices.Clone(c.Rotas.Overrides()), func(old rota.Override) bool { return old.ID == o.ID })
	before := c.Rotas.Schedule().OnCall(o.Role, o.From, others).OnCall().Person()
	body := Say(o.Who, " is on call as ", Bold(o.Role), " from ", o.From, " to ", o.Until)
	if !before.Nobody() && !before.Is(o.Who) {
		body = Say(body, ", instead of ", before)
	}
	return Reply{OK: true, Body: Say(body, "."), Data: o}
}

func (c *Commands) swap(x *exec) Reply {
	if c.Rotas == nil {
		return noRotas()
	}
	if c.Desk == nil {
		return refuse(CodeMissing, "Swaps are not configured here.")
	}
	switch word := x.args.first().word(); word {
	case "accept", "take", "yes":
		return c.answerSwap(x, true)
	case "decline", "reject", "refuse", "no":
		return c.answerSwap(x, false)
	}
	with, wrong, named := c.who(x)
	switch {
	case wrong != nil:
		return *wrong
	case !named:
		return usage(x.spec, "With whom?")
	case with.Is(x.call.By):
		return usage(x.spec, "A swap needs somebody else.")
	}
	role, hasRole := c.roleFor(x)
	back := x.inReturn()
	zone := c.zone(x.call.By)
	s, err := readSpan(&x.args, x.call.Now, zone)
	if err != nil {
		return c.spanWrong(x, err)
	}
	if !hasRole {
		role = c.usualRole(x.call.By, s.from)
	}
	if onCall, has := c.hasShift(role, x.call.By, s.from, s.until); !has {
		return refuse("not_yours", "You are not on call as ", role, " from ", s.from, " to ", s.until, ": ", onCall, " is. ", Code("oncall"), " says who is when.")
	}
	in := Swap{Role: role, By: x.call.By, With: with, At: x.call.Now, From: s.from, Until: s.until}
	if back != nil {
		b, err := readSpan(back, x.call.Now, zone)
		if err != nil {
			return usage(x.spec, "In return: ", err.Error())
		}
		if onCall, has := c.hasShift(role, with, b.from, b.until); !has {
			return refuse("not_theirs", with, " is not on call as ", role, " from ", b.from, " to ", b.until, ": ", onCall, " is. ", Code("oncall"), " says who is when.")
		}
		in.BackFrom, in.BackUntil = b.from, b.until
	}
	in, err = c.Desk.AskSwap(x.ctx, in, x.call.Key)
	if err != nil {
		return c.failed(err, "")
	}
	body := Say(in.With, " is asked to take ", Bold(in.Role), " from ", in.From, " to ", in.Until, " for you")
	if !in.BackFrom.IsZero() {
		body = Say(body, "; you take ", in.BackFrom, " to ", in.BackUntil, " in return")
	}
	return Reply{OK: true, Body: Say(body, ". Nothing changes until ", in.With, " accepts: ", Code("swap accept "+in.ID), "."), Data: in}
}

// hasShift tells whether a person is on call for a role at any moment of a span,
// and who is at its begin.
func (c *Commands) hasShift(role string, p incident.Person, from, until time.Time) (begin incident.Person, has bool) {
	schedule, overrides := c.Rotas.Schedule(), c.Rotas.Overrides()
	for at := from; at.Before(until); {
		s := schedule.OnCall(role, at, overrides)
		on := s.OnCall().Person()
		if at.Equal(from) {
			begin = on
		}
		if on.Is(p) {
			return begin, true
		}
		if !s.Until.After(at) {
			break
		}
		at = s.Until
	}
	return begin, false
}

// inReturn cuts the second span from a swap's text: what follows "in return",
// or "return". Nil: there is none.
func (x *exec) inReturn() *args {
	for i, t := range x.args.toks {
		if t.word() != "return" {
			continue
		}
		back := &args{src: x.args.src, readable: x.args.readable, toks: slices.Clone(x.args.toks[i+1:])}
		cut := i
		if i > 0 && x.args.toks[i-1].word() == "in" {
			cut--
		}
		x.args.toks = x.args.toks[:cut]
		return back
	}
	return nil
}

func (c *Commands) answerSwap(x *exec, accept bool) Reply {
	x.args.drop(0, 1)
	id := strings.ToUpper(strings.Trim(x.args.text(), `"'`))
	if id == "" || len(x.args.toks) > 1 {
		return usage(x.spec, "Which swap? Its ID stands in the question.")
	}
	s, err := c.Desk.AnswerSwap(x.ctx, id, x.call.By, accept, x.call.Now, x.call.Key)
	if err != nil {
		return c.failed(err, "")
	}
	if !accept && s.By.Is(x.call.By) {
		return Reply{OK: true, Body: Say("You no longer ask ", s.With, " with ", Bold(s.ID), "; you stay on call as ", s.Role, " from ", s.From, " to ", s.Until, "."), Data: s}
	}
	if !accept {
		return Reply{OK: true, Body: Say("You have declined ", Bold(s.ID), "; ", s.By, " stays on call as ", s.Role, " from ", s.From, " to ", s.Until, "."), Data: s}
	}
	body := Say("You are on call as ", Bold(s.Role), " from ", s.From, " to ", s.Until, " instead of ", s.By)
	if !s.BackFrom.IsZero() {
		body = Say(body, "; ", s.By, " takes ", s.BackFrom, " to ", s.BackUntil)
	}
	return Reply{OK: true, Body: Say(body, "."), Data: s}
}

func (c *Commands) accept(x *exec) Reply {
	if c.Rotas == nil {
		return noRotas()
	}
	if c.Desk == nil {
		return refuse(CodeMissing, "Hand-overs are not configured here.")
	}
	role, named := c.roleFor(x)
	if !x.args.empty() {
		return usage(x.spec, "There is no role ", Code(x.args.text()), ".")
	}
	if !named {
		role = c.usualRole(x.call.By, x.call.Now)
	}
	if err := c.Desk.AcceptShift(x.ctx, role, x.call.By, x.call.Key); err != nil {
		return c.failed(err, "")
	}
	return answer("You have accepted: you are on call as ", Bold(role), ".")
}
