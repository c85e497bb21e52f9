package incident

import "slices"

// PersonAdded lets a person see a private incident.
type PersonAdded struct {
	By     Person `json:"by"`
	Person Person `json:"person"`
}

func (PersonAdded) event() {}

// AddPerson lets a person see a private incident.
type AddPerson struct{ By, Person Person }

func (AddPerson) intent() {}

// Circle says who may see an incident. The zero value: everybody.
type Circle struct {
	Private bool     `json:"private,omitempty"`
	People  []Person `json:"people,omitempty"` // of a private one, in the order in which they were added
}

// VisibleTo is the only decision about who may see an incident: everybody, or
// of a private one the people who were added to it. Nobody sees no private one.
func (c Circle) VisibleTo(p Person) bool {
	return !c.Private || slices.ContainsFunc(c.People, p.Is)
}

// VisibleTo tells whether a person may see the incident.
func (s Incident) VisibleTo(p Person) bool { return s.Circle.VisibleTo(p) }

// admit adds to a private incident whom a record brings to it: who declared or
// acknowledged it, was paged, got a role, follow-up work or the post-mortem, or
// was added.
func (s Incident) admit(e Event) Incident {
	if !s.Circle.Private {
		return s
	}
	var who []Person
	switch e := e.(type) {
	case Declared:
		who = []Person{e.By}
	case PersonAdded:
		who = []Person{e.Person}
	case Acknowledged:
		who = []Person{e.By}
	case Paged:
		who = []Person{e.Person}
	case RoleGiven:
		who = []Person{e.Person}
	case ActionAdded:
		who = []Person{e.Owner}
	case PostmortemAssigned:
		who = []Person{e.To}
	}
	for _, p := range who {
		if !p.Nobody() && !s.VisibleTo(p) {
			s.Circle.People = append(slices.Clone(s.Circle.People), p)
		}
	}
	return s
}

func (s Incident) addPerson(in AddPerson) ([]Event, error) {
	switch {
	case in.Person.Nobody():
		return nil, Refusal{"empty", "Nobody is named.", "For example: add @bob"}
	case !s.Circle.Private:
		return nil, Refusal{"not_private", s.ID + " is not private: everybody sees it.", "Give a role or page somebody to bring them in."}
	case s.VisibleTo(in.Person):
		return nil, nil
	}
	return one(PersonAdded(in))
}

// Somebody stands for a person of a private incident who is not named.
var Somebody = Person{Name: "somebody"}

// Outside is what may be said of an incident where others read along: of a
// private one its number, severity, status and times, and whether it is a drill;
// no title, no channel and no people.
func (s Incident) Outside() Incident {
	if !s.Circle.Private {
		return s
	}
	out := Incident{
		ID: s.ID, Seq: s.Seq, Title: "Private incident", Severity: s.Severity, Marked: s.Marked, Status: s.Status, Plan: s.Plan,
		DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, MergedInto: s.MergedInto, ClosedAt: s.ClosedAt, Reopens: s.Reopens,
		Drill: s.Drill, Circle: Circle{Private: true},
	}
	if s.Drill.On {
		out.Title = DrillMark + out.Title
	}
	for _, a := range s.Acks {
		out.Acks = append(out.Acks, Ack{By: Person{Key: a.By.Key, Name: Somebody.Name}, At: a.At, Pages: a.Pages})
	}
	if !s.ResolvedAt.IsZero() {
		out.Resolution = ResolvedEvent{By: Somebody}
	}
	return out
}

// OutsideRecord is what may be said of a record of a private incident where
// others read along; false: nothing.
func OutsideRecord(r Record) (Record, bool) {
	switch r.Event.(type) {
	case Acknowledged:
		r.Event = Acknowledged{By: Somebody}
	case ResolvedEvent:
		r.Event = ResolvedEvent{By: Somebody}
	default:
		return r, false
	}
	return r, true
}

// inside keeps the effects of a private incident among its people: the card
// stands in its own channel, and nothing is announced anywhere else.
func inside(s Incident, r Record, effects []Effect) []Effect {
	switch e := r.Event.(type) {
	case Posted:
		if e.Place == PlaceRoom { // together with the card in it
			effects = nil
		}
		if e.Place == PlaceCard {
			effects = []Effect{Room{Step: RoomTopic}, Room{Step: RoomPin}, Room{Step: RoomCanvas}}
			for _, p := range s.Circle.People {
				effects = append(effects, Room{Step: RoomInvite, Person: p})
			}
		}
	case PersonAdded, ActionAdded, PostmortemAssigned:
		if n := len(s.Circle.People); n > 0 {
			effects = append(effects, invite(s, s.Circle.People[n-1])...)
		}
	}
	var out []Effect
	for _, one := range effects {
		switch e := one.(type) {
		case Room:
			if e.Step == RoomCreate || e.Step == RoomCard || e.Step == RoomBookmark {
				continue
			}
		case Thread:
			if e.InRoom { // the thread is there
				continue
			}
		case Follow:
			if _, ok := OutsideRecord(r); !ok && e.Method != "slack" && e.What != EventKind(PageSettled{}) {
				continue
			}
		}
		if _, ok := relevantPrivate(s, one); ok {
			out = append(out, one)
		}
	}
	return out
}

// relevantPrivate drops what would tell somebody of a private incident who may
// not see it.
func relevantPrivate(s Incident, e Effect) (reason string, ok bool) {
	var to Person
	switch e := e.(type) {
	case Tell:
		to = e.Person
	case Room:
		to = e.Person
	case Notify, MeetingMail: // calendars are read by others too
		return "it is private", false
	}
	if !to.Nobody() && !s.VisibleTo(to) {
		return to.String() + " may not see it", false
	}
	return "", true
}

// Hidden refuses in the words for an incident that is not there: who may not
// see one is not told that there is one.
func Hidden(id string) error {
	return Refusal{Code: "unknown", Text: "There is no " + id + ".", Hint: "See /incident list all."}
}

// speaker is the person who says something about an incident; nobody: a system
// does.
func speaker(in Intent) Person {
	switch in := in.(type) {
	case Acknowledge:
		return in.By
	case Unacknowledge:
		return in.By
	case PostUpdate:
		return in.By
	case SetStatus:
		return in.By
	case SetSeverity:
		return in.By
	case MarkCritical:
		return in.By
	case GiveRole:
		return in.By
	case Note:
		return in.By
	case AddAction:
		return in.By
	case AddPerson:
		return in.By
	case Hold:
		return in.By
	case Escalate:
		return in.By
	case Snooze:
		return in.By
	case Resolve:
		return in.By
	case Reopen:
		return in.By
	case Close:
		return in.By
	case Merge:
		return in.By
	case WritePostmortem:
		return in.By
	case AssignPostmortem:
		return in.By
	case PlanPostmortem:
		return in.By
	case MarkRecord:
		return in.By
	case FinishAction:
		return in.By
	}
	return operator(in)
}

// operator is the person who says something about a playbook; nobody: nothing
// of that kind is said.
func operator(in Intent) Person {
	switch in := in.(type) {
	case OpenPlaybook:
		return in.By
	case TickItems:
		return in.By
	case AskStep:
		return in.By
	case AskUndo:
		return in.By
	case ConfirmStep:
		return in.By
	case ApproveStep:
		return in.By
	case RefuseStep:
		return in.By
	case CancelStep:
		return in.By
	}
	return Person{}
}

// overheard tells whether somebody speaks who may not see the incident.
func (s Incident) overheard(in Intent) bool {
	by := speaker(in)
	return !by.Nobody() && !by.Is(Self) && !s.VisibleTo(by)
}
