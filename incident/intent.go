package incident

import "time"

// Intent is what a person or a system says about an incident. Handle turns it
// into events, or refuses.
type Intent interface{ intent() }

// Declare opens a new incident.
type Declare struct {
	Title    string
	Severity Severity
	Chosen   string
	Service  string
	Impact   string
	By       Person
	Critical bool
	Origin   string
	Plan     Plan
	Drill    Drill
	// Private lets only the people see it who are added to it.
	Private bool
}

// PostUpdate tells people where things stand.
type PostUpdate struct {
	By                      Person
	Status                  Status // empty: unchanged
	Text, Next, ETA, Impact string
	NoChange                bool
}

// SetStatus moves the status among the open ones.
type SetStatus struct {
	By Person
	To Status
}

// SetSeverity raises or lowers the severity.
type SetSeverity struct {
	By     Person
	To     Severity
	Reason string
}

// MarkCritical makes the incident business-critical.
type MarkCritical struct{ By Person }

// GiveRole puts a person into a role.
type GiveRole struct {
	By     Person
	Role   Role
	Person Person
}

// Note adds to the timeline.
type Note struct {
	By                 Person
	Text, Link, Source string
}

// AddAction records follow-up work.
type AddAction struct {
	By    Person
	Text  string
	Owner Person
	Due   string
}

// Acknowledge says "I have it".
type Acknowledge struct {
	By  Person
	Via string
	// Said is what was pressed, typed or heard; empty: a button or a command.
	Said string
}

// Unacknowledge gives it back.
type Unacknowledge struct{ By Person }

// Hold stops the ladder for at most MaxHold.
type Hold struct {
	By     Person
	For    time.Duration
	Reason string
}

// Escalate pages now: a level, a role, a person, or (all empty) the next level.
type Escalate struct {
	By     Person
	Level  string
	Role   string
	Person Person
	Reason string
}

// Snooze moves the update clock by SnoozeFor, once.
type Snooze struct{ By Person }

// Resolve ends the incident.
type Resolve struct {
	By         Person
	Cause, Fix string
	Postmortem time.Time
}

// Reopen takes a resolution back.
type Reopen struct {
	By     Person
	Reason string
}

// Close ends the incident's life.
type Close struct {
	By     Person
	Reason string
}

// Merge ends this incident as the same as another.
type Merge struct {
	By   Person
	Into string
}

// TakeOver tells an incident that another was merged into it.
type TakeOver struct {
	By          Person
	From, Title string
}

// Settled is the outbox's word about an effect: what became of it.
type Settled struct {
	Effect  Effect
	State   PageState
	Reason  string
	Took    time.Duration
	Receipt Receipt
}

// Receipt is what a provider gave back.
type Receipt struct {
	Channel string `json:"channel,omitempty"`
	Name    string `json:"name,omitempty"`
	TS      string `json:"ts,omitempty"`
	// Ref is the provider's own name of what was sent; empty: it has none.
	Ref string `json:"ref,omitempty"`
	// Through is the last record that the message told together with the one
	// that it is about; zero: it told only that one.
	Through uint64 `json:"through,omitempty"`
}

// Wake asks the rules only.
type Wake struct{}

func (Declare) intent()       {}
func (PostUpdate) intent()    {}
func (SetStatus) intent()     {}
func (SetSeverity) intent()   {}
func (MarkCritical) intent()  {}
func (GiveRole) intent()      {}
func (Note) intent()          {}
func (AddAction) intent()     {}
func (Acknowledge) intent()   {}
func (Unacknowledge) intent() {}
func (Hold) intent()          {}
func (Escalate) intent()      {}
func (Snooze) intent()        {}
func (Resolve) intent()       {}
func (Reopen) intent()        {}
func (Close) intent()         {}
func (Merge) intent()         {}
func (TakeOver) intent()      {}
func (Settled) intent()       {}
func (Wake) intent()          {}

// Refusal is the only error whose text a person sees.
type Refusal struct {
	// Code is one word for logs and for programs.
	Code string
	// Text is one clear sentence; Hint says what to do.
	Text, Hint string
}

// Error gives the text and the hint.
func (r Refusal) Error() string {
	if r.Hint == "" {
		return r.Text
	}
	return r.Text + " " + r.Hint
}
