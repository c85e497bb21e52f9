package rota

import (
	"slices"
	"time"

	"muster/incident"
)

// Shift is a span in which the answer to "who is on call?" does not change.
type Shift struct {
	Role string `json:"role"`
	// Members are in the order of who to try; the first is on call. A rota
	// that rotates gives one. Empty: nobody is on call.
	Members []Member `json:"members"`
	// From is the first moment, Until the first one after the shift; zero:
	// without begin, without end.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Next is on call at Until; nobody when the shift has no end.
	Next Member `json:"next,omitzero"`
	// Zone is the rota's.
	Zone *time.Location `json:"-"`
	// Why is how the answer came about at the moment that was asked for.
	Why []Step `json:"why"`
}

// OnCall is the one on call; nobody when the shift is empty.
func (s Shift) OnCall() Member {
	if len(s.Members) == 0 {
		return Member{}
	}
	return s.Members[0]
}

// OnCall tells who is on call for a role at a moment. Overrides of other roles
// are ignored, and of those that cover the moment the newest decides. A role
// without a rota has only what overrides give it.
func (s Schedule) OnCall(role string, at time.Time, overrides []Override) Shift {
	return s.line(role, overrides).shift(at)
}

// Shifts lists the shifts of a role that touch the span from from until
// before to, in order, without gaps and overlaps. The first may begin before
// from, the last end after to.
func (s Schedule) Shifts(role string, from, to time.Time, overrides []Override) []Shift {
	l := s.line(role, overrides)
	var all []Shift
	for t := from; t.Before(to); {
		shift := l.shift(t)
		all = append(all, shift)
		if shift.Until.IsZero() {
			break
		}
		t = shift.Until
	}
	return all
}

// Handover is a moment at which somebody else comes on call for a role.
type Handover struct {
	Role string    `json:"role"`
	At   time.Time `json:"at"`
	// Out or In is nobody when nobody was or will be on call.
	Out Member `json:"out"`
	In  Member `json:"in"`
}

// Handovers lists who takes over from whom after from and not after to, over
// all roles, by time and then by the order of roles. A boundary at which the
// same person goes on is not one.
func (s Schedule) Handovers(from, to time.Time, overrides []Override) []Handover {
	var all []Handover
	for _, role := range s.Roles() {
		l := s.line(role, overrides)
		for t := from; ; {
			shift := l.shift(t)
			if shift.Until.IsZero() || shift.Until.After(to) {
				break
			}
			t = shift.Until
			if out, in := shift.OnCall(), shift.Next; !out.Is(in) {
				all = append(all, Handover{Role: role, At: t, Out: out, In: in})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Handover) int { return a.At.Compare(b.At) })
	return all
}

// NextBoundary is the first moment after at when any role's answer may change,
// by rotation or by an override's begin or end; zero: never.
func (s Schedule) NextBoundary(at time.Time, overrides []Override) time.Time {
	var next time.Time
	for _, role := range s.Roles() {
		if u := s.line(role, overrides).shift(at).Until; !u.IsZero() && (next.IsZero() || u.Before(next)) {
			next = u
		}
	}
	return next
}

// line is one role with its overrides, oldest first.
type line struct {
	schedule  Schedule
	role      string
	known     bool
	rota      Rota
	overrides []Override
}

func (s Schedule) line(role string, overrides []Override) line {
	r, ok := s.Rotas[role]
	l := line{schedule: s, role: role, known: ok, rota: r}
	for _, o := range overrides {
		if o.Role == role && o.From.Before(o.Until) && !o.Who.Nobody() {
			l.overrides = append(l.overrides, o)
		}
	}
	slices.SortStableFunc(l.overrides, func(a, b Override) int { return a.At.Compare(b.At) })
	return l
}

// answer is who is on call at one moment.
type answer struct {
	members []Member
	// by is the index of the override that decided, -1: the rotation.
	by int
	// n, from and until are the rotation's own shift.
	n           int64
	from, until time.Time
	// alone says that the rotation's boundaries do not matter while the
	// deciding override holds.
	alone bool
}

func (l line) answer(at time.Time) answer {
	a := answer{by: -1}
	a.n, a.from, a.until = l.rota.Shift(at)
	a.members = l.rota.order(a.n)
	for i, o := range l.overrides {
		if !o.Covers(at) {
			continue
		}
		if members, ok := l.replace(a.members, o); ok {
			a.members, a.by = members, i
			a.alone = o.Instead.Nobody() && l.rota.Rotates()
		}
	}
	return a
}

// replace gives the order with the override's person in the place of the one
// who is replaced, and false when that person is not in it.
func (l line) replace(members []Member, o Override) ([]Member, bool) {
	place := 0
	if !o.Instead.Nobody() {
		place = slices.IndexFunc(members, func(m Member) bool { return m.Person().Is(o.Instead) })
		if place < 0 {
			return members, false
		}
	}
	who, _ := l.schedule.Member(o.Who)
	replaced := make([]Member, 0, len(members)+1)
	if len(members) == 0 {
		return append(replaced, who), true
	}
	for i, m := range members {
		switch {
		case i == place:
			replaced = append(replaced, who)
		case !m.Is(who):
			replaced = append(replaced, m)
		}
	}
	return replaced, true
}

func (a answer) same(b answer) bool {
	return a.by == b.by && (a.by >= 0 || a.n == b.n) &&
		slices.EqualFunc(a.members, b.members, Member.Is)
}

func (l line) shift(at time.Time) Shift {
	now := l.answer(at)
	s := Shift{Role: l.role, Members: now.members, Zone: l.rota.zone(), Why: l.why(at, now)}
	first := now
	for t := at; ; {
		s.From = l.edgeBefore(t, first)
		if s.From.IsZero() {
			break
		}
		t = s.From.Add(-1)
		if first = l.answer(t); !now.same(first) {
			break
		}
	}
	last := now
	for t := at; ; {
		s.Until = l.edgeAfter(t, last)
		if s.Until.IsZero() {
			break
		}
		t = s.Until
		if last = l.answer(t); !now.same(last) {
			if len(last.members) > 0 {
				s.Next = last.members[0]
			}
			break
		}
	}
	return s
}

// edgeAfter is the first moment after t at which the answer a may change.
func (l line) edgeAfter(t time.Time, a answer) time.Time {
	var edge time.Time
	if !a.alone {
		edge = a.until
	}
	for _, o := range l.overrides {
		for _, e := range []time.Time{o.From, o.Until} {
			if e.After(t) && (edge.IsZero() || e.Before(edge)) {
				edge = e
			}
		}
	}
	return edge
}

// edgeBefore is the last moment not after t at which the answer a may have
// begun.
func (l line) edgeBefore(t time.Time, a answer) time.Time {
	var edge time.Time
	if !a.alone {
		edge = a.from
	}
	for _, o := range l.overrides {
		for _, e := range []time.Time{o.From, o.Until} {
			if !e.After(t) && (edge.IsZero() || e.After(edge)) {
				edge = e
			}
		}
	}
	return edge
}

// why builds the chain of a at the moment at.
func (l line) why(at time.Time, a answer) []Step {
	chain := make([]Step, 0, 2+len(l.overrides))
	members := l.rota.order(a.n)
	var base incident.Person
	if len(members) > 0 {
		base = members[0].Person()
	}
	switch {
	case !l.known:
		chain = append(chain, Step{Kind: NoRota})
	case len(members) == 0:
		chain = append(chain, Step{Kind: Empty})
	case !l.rota.Rotates():
		chain = append(chain, Step{Kind: Fixed, Person: base, Of: len(members)})
	default:
		chain = append(chain,
			Step{Kind: Boundary, From: a.from, Until: a.until, Rotation: l.rota.Type, Number: a.n},
			Step{Kind: Index, Person: base, Number: a.n, Index: int(floorMod(a.n, int64(len(l.rota.Members)))), Of: len(l.rota.Members)})
	}
	for _, o := range l.overrides {
		if !o.Covers(at) {
			continue
		}
		step := Step{Kind: Overridden, From: o.From, Until: o.Until, Person: o.Who, Override: &o}
		if m, _ := l.schedule.Member(o.Who); m.Name != "" {
			step.Person = m.Person()
		}
		if o.Swap {
			step.Kind = Swapped
		}
		replaced, ok := l.replace(members, o)
		switch {
		case !ok:
			step.Kind = Unused
		case !o.Instead.Nobody():
			m, _ := l.schedule.Member(o.Instead)
			step.Instead = m.Person()
		case len(members) > 0:
			step.Instead = members[0].Person()
		}
		members = replaced
		chain = append(chain, step)
	}
	return chain
}
