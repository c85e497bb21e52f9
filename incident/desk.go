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
	Answers   []Answer   `json:"answers,omitempty"`
	Duties    []Duty     `json:"duties,omitempty"`
	// Told is when people were last told of the week behind; zero: never.
	Told time.Time `json:"told,omitzero"`
	// Erased are the incidents that people were told of when that was last done,
	// and those before whose records had not left the file by then.
	Erased []string `json:"erased,omitempty"`
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

// SwapAnswered records the other person's answer, or that who asked takes the
// question back.
type SwapAnswered struct {
	Swap
	Accepted bool `json:"accepted"`
	// Answerer is who said so; nobody: the one who was asked.
	Answerer Person `json:"answerer,omitzero"`
}

// Answer is what became of a swap.
type Answer struct {
	ID       string    `json:"id"`
	By       Person    `json:"by"`
	At       time.Time `json:"at"`
	Accepted bool      `json:"accepted"`
	Until    time.Time `json:"until"` // the end of the span
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
		d.Answers = slices.DeleteFunc(slices.Clone(d.Answers), func(old Answer) bool { return r.At.Sub(later(old.Until, old.At)) > overrideKept })
		d.Answers = append(d.Answers, Answer{ID: e.ID, By: e.who(), At: r.At, Accepted: e.Accepted, Until: later(e.Until, e.BackUntil)})
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
	case DigestDue:
		d.Told = e.At
	case ErasedTold:
		d.Erased = slices.Concat(e.Before, e.Incidents, e.Private)
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
		return answerSwap(d, in, now)
	case AcceptShift:
		return acceptShift(d, in)
	case TellErased:
		return d.tellErased(in), nil
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

func answerSwap(d Desk, in AnswerSwap, now time.Time) ([]Event, error) {
	i := slices.IndexFunc(d.Swaps, func(s Swap) bool { return s.ID == in.ID })
	if i < 0 {
		return nil, d.answered(in.ID)
	}
	switch s := d.Swaps[i]; {
	case !s.With.Is(in.By) && !(s.By.Is(in.By) && !in.Accept):
		return nil, Refusal{"not_yours", "Only " + s.With.String() + " can accept " + in.ID + ".", ""}
	case in.Accept && !s.Until.After(now):
		return nil, Refusal{"past", "The span of " + in.ID + " is over already; " + s.By.String() + " was on call.", "Ask for a span that is still to come."}
	default:
		return one(SwapAnswered{s, in.Accept, in.By})
	}
}

// answered says what became of a swap that waits for no answer.
func (d Desk) answered(id string) error {
	i := slices.IndexFunc(d.Answers, func(a Answer) bool { return a.ID == id })
	if i < 0 {
		return Refusal{"no_swap", "There is no swap " + id + ".", "Its ID stands in the question, such as SW-1."}
	}
	a, did := d.Answers[i], "declined"
	if a.Accepted {
		did = "accepted"
	}
	return Refusal{"answered", fmt.Sprintf("%s %s %s already, on %s UTC.", a.By, did, id, a.At.UTC().Format("Mon 2006-01-02 at 15:04")), "To change who is on call now, use override."}
}

// TakenBack tells whether the one who asked did not wait for the answer.
func (e SwapAnswered) TakenBack() bool { return e.who().Is(e.By) }

func (e SwapAnswered) who() Person {
	if e.Answerer.Nobody() {
		return e.With
	}
	return e.Answerer
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
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
		if tell.Person = e.By; e.TakenBack() {
			tell.Person = e.With
		}
	case DigestDue:
		return digestEffects(e, r.Seq)
	case ErasedTold:
		return []Effect{Post{Seq: r.Seq, What: EventKind(e)}}
	default:
		return handoverEffects(d, r)
	}
	return []Effect{tell}
}
