package incident

import (
	"slices"
	"time"
)

// Duty is who is on call for a role as people were told last.
type Duty struct {
	Role string `json:"role"`
	// Who took over from From; either may be nobody.
	Who  Person    `json:"who,omitzero"`
	From Person    `json:"from,omitzero"`
	At   time.Time `json:"at,omitzero"`
	// Until is the end that was planned then; zero: none.
	Until time.Time `json:"until,omitzero"`
	// AcceptBy is when the answer is overdue; zero: none is asked for.
	AcceptBy time.Time `json:"accept_by,omitzero"`
	Accepted bool      `json:"accepted,omitempty"`
	// Unanswered is set once From and Next were told that no answer came.
	Unanswered bool   `json:"unanswered,omitempty"`
	Next       Person `json:"next,omitzero"`
	// Seq is the record that began it.
	Seq uint64 `json:"seq"`
}

// Waits tells whether an answer is asked for and did not come yet.
func (d Duty) Waits() bool { return !d.AcceptBy.IsZero() && !d.Accepted }

// ShiftBegan records that a role changed hands at At. The first one of a role,
// which tells nobody, is the shift that was found when nothing was known.
type ShiftBegan struct {
	Role  string    `json:"role"`
	From  Person    `json:"from,omitzero"`
	To    Person    `json:"to,omitzero"`
	At    time.Time `json:"at,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// AcceptBy is when To must have accepted; zero: nobody is asked to.
	AcceptBy time.Time     `json:"accept_by,omitzero"`
	Late     time.Duration `json:"late,omitempty"`
	First    bool          `json:"first,omitempty"`
}

// ShiftAccepted records that whoever came on call knows it.
type ShiftAccepted struct {
	Role string `json:"role"`
	By   Person `json:"by"`
}

// ShiftUnanswered records that To did not accept in time, and who was told:
// From, who was on call before, and Next, who is on call one level up. Either
// may be nobody.
type ShiftUnanswered struct {
	Role string    `json:"role"`
	To   Person    `json:"to"`
	At   time.Time `json:"at"`
	From Person    `json:"from,omitzero"`
	Next Person    `json:"next,omitzero"`
}

func (ShiftBegan) event()      {}
func (ShiftAccepted) event()   {}
func (ShiftUnanswered) event() {}

// AcceptShift says that By knows to be on call for Role.
type AcceptShift struct {
	Role string
	By   Person
}

func (AcceptShift) intent() {}

// Duty finds what people were told last about a role.
func (d Desk) Duty(role string) (Duty, bool) {
	i := slices.IndexFunc(d.Duties, func(x Duty) bool { return x.Role == role })
	if i < 0 {
		return Duty{Role: role}, false
	}
	return d.Duties[i], true
}

// setDuty puts a duty in the place of its role's.
func (d Desk) setDuty(x Duty) Desk {
	d.Duties = slices.Clone(d.Duties)
	if i := slices.IndexFunc(d.Duties, func(old Duty) bool { return old.Role == x.Role }); i >= 0 {
		d.Duties[i] = x
	} else {
		d.Duties = append(d.Duties, x)
	}
	return d
}

func (d Desk) began(e ShiftBegan, seq uint64) Desk {
	return d.setDuty(Duty{Role: e.Role, Who: e.To, From: e.From, At: e.At, Until: e.Until, AcceptBy: e.AcceptBy, Seq: seq})
}

func (d Desk) accepted(e ShiftAccepted) Desk {
	x, ok := d.Duty(e.Role)
	if !ok {
		return d
	}
	x.Accepted = true
	return d.setDuty(x)
}

func (d Desk) unanswered(e ShiftUnanswered) Desk {
	x, ok := d.Duty(e.Role)
	if !ok {
		return d
	}
	x.Unanswered, x.Next = true, e.Next
	return d.setDuty(x)
}

func acceptShift(d Desk, in AcceptShift) ([]Event, error) {
	x, ok := d.Duty(in.Role)
	switch {
	case !ok:
		return nil, Refusal{"no_shift", "There is no role " + in.Role + " to accept.", "See oncall."}
	case x.Who.Nobody():
		return nil, Refusal{"not_yours", "Nobody is on call as " + in.Role + ".", "To take it, use override."}
	case !x.Who.Is(in.By):
		return nil, Refusal{"not_yours", x.Who.String() + " is on call as " + in.Role + ", and nobody else can accept that.", "To take it, use override."}
	case x.Accepted:
		return nil, Refusal{"accepted", "You have accepted " + in.Role + " already.", ""}
	case x.AcceptBy.IsZero():
		return nil, Refusal{"not_asked", "You are on call as " + in.Role + "; no hand-over waits for an answer.", ""}
	}
	return one(ShiftAccepted(in))
}

// handoverEffects say who must be told of a hand-over.
func handoverEffects(d Desk, r Record) []Effect {
	tell := func(people ...Person) (out []Effect) {
		for _, p := range people {
			if !p.Nobody() {
				out = append(out, Tell{Seq: r.Seq, What: EventKind(r.Event), Person: p})
			}
		}
		return out
	}
	switch e := r.Event.(type) {
	case ShiftBegan:
		if e.First {
			return nil
		}
		return append(tell(e.To), Post{Seq: r.Seq, What: EventKind(e)})
	case ShiftAccepted:
		if x, _ := d.Duty(e.Role); x.Unanswered {
			return tell(x.From, x.Next)
		}
	case ShiftUnanswered:
		return tell(e.From, e.Next)
	}
	return nil
}

// RelevantDesk tells whether an effect of the desk still matters: of each
// role's hand-overs only the newest is told.
func RelevantDesk(d Desk, e Effect) (reason string, ok bool) {
	var seq uint64
	var what string
	switch e := e.(type) {
	case Tell:
		seq, what = e.Seq, e.What
	case Post:
		seq, what = e.Seq, e.What
	}
	if what != EventKind(ShiftBegan{}) {
		return "", true
	}
	if !slices.ContainsFunc(d.Duties, func(x Duty) bool { return x.Seq == seq }) {
		return "the role changed hands again", false
	}
	return "", true
}
