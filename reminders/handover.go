package reminders

import (
	"time"

	"muster/escalation"
	"muster/incident"
)

// Shifts says who is on call by the rotas and the overrides of the desk.
type Shifts interface {
	// Roles are the roles that have a rota.
	Roles() []string
	Shift(d incident.Desk, role string, at time.Time) Shift
	// Above is who is on call one level above a role, and is none of these;
	// nobody: the ladder has no such level.
	Above(d incident.Desk, role string, at time.Time, not ...incident.Person) incident.Person
}

// Shift is one answer of Shifts.
type Shift struct {
	Who incident.Person // nobody: nobody is on call
	// From and Until bound the span in which the answer is the same; zero:
	// without begin, without end.
	From, Until time.Time
	// Decided is when people last changed what the answer rests on, so that it
	// cannot have been known before; zero: long ago.
	Decided time.Time
}

// Handover is the rule of hand-overs: a role changes hands when
// somebody else is on call than people were told.
type Handover struct {
	Shifts Shifts
	// Within is how long the incoming person has to accept; zero: no answer is
	// asked for.
	Within time.Duration
}

// maxWalk bounds how many shifts back the begin of a person's time on call is
// looked for.
const maxWalk = 1000

// Reconcile says which roles changed hands, and whose answer is overdue.
func (h Handover) Reconcile(d incident.Desk, now time.Time) incident.Decision {
	var out incident.Decision
	for _, role := range h.Shifts.Roles() {
		s := h.Shifts.Shift(d, role, now)
		told, known := d.Duty(role)
		switch e, changed := h.change(d, told, s, now); {
		case !known:
			out.Events = append(out.Events, incident.ShiftBegan{Role: role, To: s.Who, At: s.From, Until: s.Until, First: true})
		case changed:
			out.Events = append(out.Events, e)
		case told.Waits() && !told.Unanswered && !now.Before(told.AcceptBy):
			out.Events = append(out.Events, incident.ShiftUnanswered{
				Role: role, To: told.Who, At: told.At, From: told.From, Next: h.Shifts.Above(d, role, now, told.Who, told.From),
			})
		case told.Waits() && !told.Unanswered:
			out.Wake = incident.Sooner(out.Wake, told.AcceptBy)
		}
		if s.Until.After(now) {
			out.Wake = incident.Sooner(out.Wake, s.Until)
		}
	}
	return out
}

// change tells whether a role changed hands since people were told.
func (h Handover) change(d incident.Desk, told incident.Duty, s Shift, now time.Time) (incident.ShiftBegan, bool) {
	began, before := h.began(d, told, s)
	// Whoever is on call again after somebody else was, while nobody looked,
	// takes over from them.
	missed := !told.Until.IsZero() && began.After(told.Until) && began.After(s.Decided)
	if s.Who.Is(told.Who) && (!missed || before.Is(s.Who)) || s.Who.Nobody() && told.Who.Nobody() {
		return incident.ShiftBegan{}, false
	}
	e := incident.ShiftBegan{Role: told.Role, From: told.Who, To: s.Who, At: began, Until: s.Until}
	if missed {
		e.From = before
	}
	for _, least := range []time.Time{s.Decided, told.At} {
		if e.At.Before(least) {
			e.At = least
		}
	}
	if e.At.After(now) || e.At.IsZero() {
		e.At = now
	}
	e.Late = escalation.Late(e.At, now)
	if h.Within > 0 && !s.Who.Nobody() {
		e.AcceptBy = now.Add(h.Within)
	}
	return e, true
}

// began is when the one on call came on call after people were told last, and
// who was before; zero: at some time before that.
func (h Handover) began(d incident.Desk, told incident.Duty, s Shift) (at time.Time, before incident.Person) {
	at = s.From
	for range maxWalk {
		if !at.After(told.At) {
			return at, told.Who
		}
		earlier := h.Shifts.Shift(d, told.Role, at.Add(-1))
		if !earlier.Who.Is(s.Who) {
			return at, earlier.Who
		}
		at = earlier.From
	}
	return at, told.Who
}
