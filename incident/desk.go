package incident

import (
	"fmt"
	"slices"
	"time"
)

// Desk is what people changed by hand about who is on call, overrides and
// swaps, and the hand-overs that they were told of. It belongs to no incident and has one history for the whole
// installation. Like Incident it is a value that ApplyDesk never changes.
type Desk struct {
	Stream    string     `json:"stream,omitempty"`
	Seq       uint64     `json:"seq,omitempty"`
	Made      int        `json:"made,omitempty"` // numbers given out
	Overrides []Override `json:"overrides,omitempty"`
	Swaps     []Swap     `json:"swaps,omitempty"` // asked and not answered
	Duties    []Duty     `json:"duties,omitempty"`
}

// Override puts a person on call for a role and a span.
type Override struct {
	ID    string    `json:"id"`
	Role  string    `json:"role"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	Who   Person    `json:"who"`
	// Instead is the one who is replaced; nobody: whoever is on call.
	Instead Person    `json:"instead,omitzero"`
	Swap    bool      `json:"swap,omitempty"`
	By      Person    `json:"by"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason,omitempty"`
}

// Swap is a shift that By asks With to take, with an optional shift in return.
type Swap struct {
	ID        string    `json:"id"`
	Role      string    `json:"role"`
	By        Person    `json:"by"`
	With      Person    `json:"with"`
	At        time.Time `json:"at"`
	From      time.Time `json:"from"`
	Until     time.Time `json:"until"`
	BackFrom  time.Time `json:"back_from,omitzero"`
	BackUntil time.Time `json:"back_until,omitzero"`
}

// OverrideMade records an override with who made it.
type OverrideMade struct{ Override }

// SwapAsked records that a swap was asked for.
type SwapAsked struct{ Swap }

// SwapAnswered records the other person's answer.
type SwapAnswered struct {
	Swap
	Accepted bool `json:"accepted"`
}

func (OverrideMade) event() {}
func (SwapAsked) event()    {}
func (SwapAnswered) event() {}

// MakeOverride asks for an override; its ID and time are given by the desk.
type MakeOverride struct{ Override }

// AskSwap asks for a swap; its ID and time are given by the desk.
type AskSwap struct{ Swap }

// AnswerSwap accepts or declines.
type AnswerSwap struct {
	ID     string
	By     Person
	Accept bool
}

func (MakeOverride) intent() {}
func (AskSwap) intent()      {}
func (AnswerSwap) intent()   {}

// overrideKept is how long an override stays in the state after its end. The
// history keeps it for ever.
const overrideKept = 90 * 24 * time.Hour

// ApplyDesk folds one record.
func ApplyDesk(d Desk, r Record) Desk {
	d.Seq = r.Seq
	switch e := r.Event.(type) {
	case OverrideMade:
		d.Made++
		d.Overrides = addOverride(d.Overrides, e.Override, r.At)
	case SwapAsked:
		d.Made++
		d.Swaps = append(slices.Clone(d.Swaps), e.Swap)
	case SwapAnswered:
		d.Swaps = slices.DeleteFunc(slices.Clone(d.Swaps), func(s Swap) bool { return s.ID == e.ID })
		if e.Accepted {
			for _, o := range e.overrides(r.At) {
				d.Overrides = addOverride(d.Overrides, o, r.At)
			}
		}
	case ShiftBegan:
		d = d.began(e, r.Seq)
	case ShiftAccepted:
		d = d.accepted(e)
	case ShiftUnanswered:
		d = d.unanswered(e)
	}
	return d
}

func addOverride(list []Override, o Override, now time.Time) []Override {
	list = slices.DeleteFunc(slices.Clone(list), func(old Override) bool {
		return now.Sub(old.Until) > overrideKept
	})
	return append(list, o)
}

// overrides are what an accepted swap amounts to.
func (s Swap) overrides(at time.Time) []Override {
	out := []Override{{ID: s.ID, Role: s.Role, From: s.From, Until: s.Until, Who: s.With, Instead: s.By, Swap: true, By: s.By, At: at}}
	if !s.BackFrom.IsZero() {
		out = append(out, Override{ID: s.ID, Role: s.Role, From: s.BackFrom, Until: s.BackUntil, Who: s.By, Instead: s.With, Swap: true, By: s.By, At: at})
	}
	return out
}

// HandleDesk turns what was said about who is on call into facts.
func HandleDesk(d Desk, in Intent, now time.Time) ([]Event, error) {
	switch in := in.(type) {
	case MakeOverride:
		o := in.Override
		if err := span(o.From, o.Until, now); err != nil {
			return nil, err
		}
		o.ID, o.At = fmt.Sprintf("OV-%d", d.Made+1), now
		return one(OverrideMade{o})
	case AskSwap:
		s := in.Swap
		if err := span(s.From, s.Until, now); err != nil {
			return nil, err
		}
		if s.By.Is(s.With) {
			return nil, Refusal{"same", "A swap needs another person.", "For example: swap @bob tomorrow 09:00 to tomorrow 17:00"}
		}
		s.ID, s.At = fmt.Sprintf("SW-%d", d.Made+1), now
		return one(SwapAsked{s})
	case AnswerSwap:
		return answerSwap(d, in)
	case AcceptShift:
		return acceptShift(d, in)
	case Settled, Wake:
		return nil, nil
	}
	return nil, fmt.Errorf("handle %T: the desk does not know it", in)
}

func span(from, until, now time.Time) error {
	switch {
	case !until.After(from):
		return Refusal{"empty_span", "The span ends before it begins.", "For example: from tomorrow 09:00 to tomorrow 17:00"}
	case !until.After(now):
		return Refusal{"past", "The span is over already.", "Name one that is still to come."}
	}
	return nil
}

func answerSwap(d Desk, in AnswerSwap) ([]Event, error) {
	i := slices.IndexFunc(d.Swaps, func(s Swap) bool { return s.ID == in.ID })
	switch {
	case i < 0:
		return nil, Refusal{"no_swap", "No swap " + in.ID + " waits for an answer.", "It was answered already, or never asked."}
	case !d.Swaps[i].With.Is(in.By) && !(d.Swaps[i].By.Is(in.By) && !in.Accept):
		return nil, Refusal{"not_yours", "Only " + d.Swaps[i].With.String() + " can accept " + in.ID + ".", ""}
	}
	return one(SwapAnswered{d.Swaps[i], in.Accept})
}

// EffectsDesk says who must be told.
func EffectsDesk(d Desk, r Record) []Effect {
	tell := Tell{Seq: r.Seq, What: EventKind(r.Event)}
	switch e := r.Event.(type) {
	case OverrideMade:
		if e.Who.Is(e.By) {
			return nil
		}
		tell.Person = e.Who
	case SwapAsked:
		tell.Person = e.With
	case SwapAnswered:
		tell.Person = e.By
	default:
		return handoverEffects(d, r)
	}
	return []Effect{tell}
}
