package incident

import (
	"slices"
	"strings"
	"time"
)

// PostmortemWithin is how long after the resolution a post-mortem is done or
// waived before somebody is told.
const PostmortemWithin = 48 * time.Hour

// Sections are the parts of a post-mortem that people write, in their order.
var Sections = []Section{SectionSummary, SectionImpact, SectionCause, SectionFix, SectionWell, SectionBadly, SectionPrevention}

// Section is one part of a post-mortem.
type Section string

// The sections. Cause and fix begin as what was said on resolving, impact as
// what was said last.
const (
	SectionSummary    Section = "summary"
	SectionImpact     Section = "impact"
	SectionCause      Section = "cause"
	SectionFix        Section = "fix"
	SectionWell       Section = "well"
	SectionBadly      Section = "badly"
	SectionPrevention Section = "prevention"
)

// PostmortemWritten replaces the text of one section; empty: nothing is written.
type PostmortemWritten struct {
	By      Person  `json:"by"`
	Section Section `json:"section"`
	Text    string  `json:"text,omitempty"`
}

// PostmortemAssigned says who writes it.
type PostmortemAssigned struct {
	By Person `json:"by"`
	To Person `json:"to"`
}

// PostmortemPlanned moves the meeting.
type PostmortemPlanned struct {
	By Person    `json:"by"`
	At time.Time `json:"at"`
}

// RecordMarked changes how the post-mortem shows one record; the record stays.
type RecordMarked struct {
	By     Person `json:"by"`
	Record uint64 `json:"record"`
	Hidden bool   `json:"hidden,omitempty"`
	// Text is shown with the record; empty: nothing is added.
	Text string `json:"text,omitempty"`
}

// ActionDone says that follow-up work is finished.
type ActionDone struct {
	By Person `json:"by"`
	N  int    `json:"n"`
}

// MeetingNear reminds of the meeting.
type MeetingNear struct {
	At     time.Time     `json:"at"`
	Before time.Duration `json:"before"` // how long before it this was due
	Late   time.Duration `json:"late,omitempty"`
}

// PostmortemOverdue says that the post-mortem is neither done nor waived.
type PostmortemOverdue struct {
	Since time.Time `json:"since"` // the resolution
	// Tell is who is on call as manager; nobody: there is none.
	Tell Person        `json:"tell,omitzero"`
	Late time.Duration `json:"late,omitempty"`
}

// ActionNear reminds of follow-up work: before its date, or after it.
type ActionNear struct {
	N     int           `json:"n"`
	Owner Person        `json:"owner,omitzero"`
	Over  bool          `json:"over,omitempty"` // the date has passed
	Late  time.Duration `json:"late,omitempty"`
}

func (PostmortemWritten) event()  {}
func (PostmortemAssigned) event() {}
func (PostmortemPlanned) event()  {}
func (RecordMarked) event()       {}
func (ActionDone) event()         {}
func (MeetingNear) event()        {}
func (PostmortemOverdue) event()  {}
func (ActionNear) event()         {}

// WritePostmortem replaces sections of the post-mortem.
type WritePostmortem struct {
	By    Person
	Texts map[Section]string
}

// AssignPostmortem says who writes it.
type AssignPostmortem struct{ By, To Person }

// farthestMeeting is what nobody means to wait for a post-mortem.
const farthestMeeting = 366 * 24 * time.Hour

// PlanPostmortem moves the meeting.
type PlanPostmortem struct {
	By Person
	At time.Time
}

// MarkRecord hides a record of the timeline, shows it again, or adds words to it.
type MarkRecord struct {
	By     Person
	Record uint64
	Hidden bool
	Text   string
}

// FinishAction closes follow-up work.
type FinishAction struct {
	By Person
	N  int
}

func (WritePostmortem) intent()  {}
func (AssignPostmortem) intent() {}
func (PlanPostmortem) intent()   {}
func (MarkRecord) intent()       {}
func (FinishAction) intent()     {}

// After is what follows the resolution. The zero value: nothing yet.
type After struct {
	Texts map[Section]string `json:"texts,omitempty"`
	Owner Person             `json:"owner,omitzero"`
	Marks []Mark             `json:"marks,omitempty"`
	// Meeting is when the post-mortem is talked about; zero: not planned.
	// Planned is when that was said.
	Meeting time.Time `json:"meeting,omitzero"`
	Planned time.Time `json:"planned,omitzero"`
	// Invited is the meeting that calendars were last told of; zero: none.
	Invited time.Time `json:"invited,omitzero"`
	// Reminded is the smallest Before of a MeetingNear for this Meeting; zero:
	// nobody was reminded yet.
	Reminded time.Duration `json:"reminded,omitempty"`
	// Overdue is set once somebody was told so.
	Overdue bool `json:"overdue,omitempty"`
	// Impact is what users noticed; its zero value: not counted.
	Impact ImpactCounted `json:"impact,omitzero"`
	// Watch is the look-out for what comes back.
	Watch Watch `json:"watch,omitzero"`
}

// Mark is how one record is shown.
type Mark struct {
	Record uint64 `json:"record"`
	Hidden bool   `json:"hidden,omitempty"`
	Text   string `json:"text,omitempty"`
}

// NeedsPostmortem tells whether a resolved incident still waits for one: P0 and
// P1 always, others when a meeting is planned.
func (s Incident) NeedsPostmortem() bool {
	return !s.Drill.On && !s.ResolvedAt.IsZero() && s.ClosedAt.IsZero() && s.MergedInto == "" && (s.Severity <= P1 || !s.After.Meeting.IsZero())
}

// Live tells whether time alone can still change the incident: it is open, or
// something after it is due.
func (s Incident) Live() bool {
	if s.Open() {
		return true
	}
	if !s.Exists() || s.MergedInto != "" || s.Imported.From != "" || s.IsErased() {
		return false
	}
	pending := !s.Drill.On && slices.ContainsFunc(s.Actions, func(a Action) bool { return !a.Done && a.Due != "" && !a.Over })
	_, meets := s.After.NextReminder()
	return pending || s.Watching() || s.WatchDue() || s.NeedsPostmortem() && (!s.After.Overdue || meets)
}

// NextReminder is how long before the meeting people are reminded next; ok is
// false when nobody is any more. What was nearer already when the meeting was
// planned needs no reminder.
func (a After) NextReminder() (before time.Duration, ok bool) {
	for _, before := range MeetingSteps {
		if (a.Reminded == 0 || before < a.Reminded) && a.Meeting.Add(-before).After(a.Planned) {
			return before, !a.Meeting.IsZero()
		}
	}
	return 0, false
}

// MeetingSteps are how long before the meeting people are reminded.
var MeetingSteps = []time.Duration{24 * time.Hour, time.Hour}

// Text gives what a section of the post-mortem says: what was written, else
// what the records say.
func (s Incident) Text(section Section) string {
	if t, ok := s.After.Texts[section]; ok {
		return t
	}
	switch section {
	case SectionCause:
		return s.Resolution.Cause
	case SectionFix:
		return s.Resolution.Fix
	case SectionImpact:
		return s.Impact
	default:
		return ""
	}
}

// Writer is who writes the post-mortem: whom it was given to, else the
// commander.
func (s Incident) Writer() Person {
	if !s.After.Owner.Nobody() {
		return s.After.Owner
	}
	return s.Holder(Commander)
}

// Participants are who took part, each once: the roles, who acknowledged or
// was paged, and who writes the post-mortem.
func (s Incident) Participants() []Person {
	var out []Person
	add := func(p Person) {
		if !p.Nobody() && !slices.ContainsFunc(out, p.Is) {
			out = append(out, p)
		}
	}
	add(s.Writer())
	for _, r := range []Role{Commander, Comms, Ops, Scribe} {
		add(s.Holder(r))
	}
	add(s.DeclaredBy)
	for _, a := range s.Acks {
		add(a.By)
	}
	for _, w := range s.Tally.Woken {
		add(w.Person)
	}
	return out
}

// applyAfter folds the records of what follows an incident.
func applyAfter(s Incident, r Record) Incident {
	switch e := r.Event.(type) {
	case PostmortemWritten:
		texts := map[Section]string{}
		for k, v := range s.After.Texts {
			texts[k] = v
		}
		texts[e.Section] = e.Text
		s.After.Texts = texts
	case PostmortemAssigned:
		s.After.Owner = e.To
	case PostmortemPlanned:
		s.After.Meeting, s.After.Invited, s.After.Planned, s.After.Reminded = e.At, e.At, r.At, 0
	case RecordMarked:
		marks := without(s.After.Marks, func(m Mark) bool { return m.Record == e.Record })
		s.After.Marks = append(marks, Mark{Record: e.Record, Hidden: e.Hidden, Text: e.Text})
	case ActionDone:
		s.Actions = withAction(s.Actions, e.N, func(a *Action) { a.Done, a.DoneAt, a.DoneBy = true, r.At, e.By })
	case ActionNear:
		s.Actions = withAction(s.Actions, e.N, func(a *Action) { a.Reminded, a.Over, a.Near = true, e.Over, r.Seq })
	case ActionShown:
		s.Actions = withAction(s.Actions, e.N, func(a *Action) {
			a.Shown = append(slices.Clone(a.Shown), Spot{Channel: e.Channel, TS: e.TS})
		})
	case ImpactCounted:
		s.After.Impact = e
	case PastFound:
		s.Recalled = true
	case MeetingNear:
		s.After.Reminded = e.Before
	case PostmortemOverdue:
		s.After.Overdue = true
	}
	return s
}

func withAction(list []Action, n int, change func(*Action)) []Action {
	list = slices.Clone(list)
	for i := range list {
		if list[i].N == n {
			change(&list[i])
		}
	}
	return list
}

// handleAfter is what can be said of any incident that exists; known is false
// for other intents.
func handleAfter(s Incident, in Intent, now time.Time) (events []Event, known bool, err error) {
	switch in := in.(type) {
	case RecordPast:
		return recordPast(s, in), true, nil
	case RecordImpact:
		return recordImpact(s, in), true, nil
	case WritePostmortem:
		for _, section := range Sections {
			text, ok := in.Texts[section]
			if text = strings.TrimSpace(text); ok && text != s.Text(section) {
				events = append(events, PostmortemWritten{By: in.By, Section: section, Text: text})
			}
		}
	case AssignPostmortem:
		if !s.After.Owner.Is(in.To) {
			events = append(events, PostmortemAssigned(in))
		}
	case PlanPostmortem:
		switch {
		case s.MergedInto != "":
			return nil, true, Refusal{"merged", s.ID + " was merged into " + s.MergedInto + ".", "Plan the post-mortem of " + s.MergedInto + "."}
		case s.ResolvedAt.IsZero():
			return nil, true, Refusal{"not_resolved", s.ID + " is not resolved yet.", "The post-mortem is planned when it is."}
		case !s.ClosedAt.IsZero():
			return nil, true, Refusal{"closed", s.ID + " is closed: its post-mortem is over.", "Reopen it if it came back."}
		case !in.At.After(now):
			return nil, true, Refusal{"past", "The post-mortem must be later than now.", "For example: postmortem when tomorrow 10:00"}
		case in.At.Sub(now) > farthestMeeting:
			return nil, true, Refusal{"far", "The post-mortem would be more than a year ahead.", "For example: postmortem when tomorrow 10:00"}
		case !in.At.Equal(s.After.Meeting):
			events = append(events, PostmortemPlanned(in))
		}
	case MarkRecord:
		if in.Record == 0 || in.Record > s.Seq {
			return nil, true, Refusal{"unknown", s.ID + " has no such record.", "The timeline numbers them: timeline " + s.ID}
		}
		mark := Mark{Record: in.Record, Hidden: in.Hidden, Text: strings.TrimSpace(in.Text)}
		if !slices.Contains(s.After.Marks, mark) && (mark.Hidden || mark.Text != "" || slices.ContainsFunc(s.After.Marks, func(m Mark) bool { return m.Record == in.Record })) {
			events = append(events, RecordMarked{By: in.By, Record: mark.Record, Hidden: mark.Hidden, Text: mark.Text})
		}
	case FinishAction:
		i := slices.IndexFunc(s.Actions, func(a Action) bool { return a.N == in.N })
		switch {
		case i < 0:
			return nil, true, Refusal{"unknown", s.ID + " has no such follow-up.", "See show " + s.ID + " for their numbers."}
		case !s.Actions[i].Done:
			events = append(events, ActionDone(in))
		}
	default:
		return nil, false, nil
	}
	return events, true, nil
}

// effectsAfter says what must be told of the records of what follows an
// incident.
func effectsAfter(s Incident, r Record, thread Thread) []Effect {
	switch e := r.Event.(type) {
	case PostmortemAssigned:
		return append([]Effect{thread, Tell{Seq: r.Seq, What: thread.What, Person: e.To}}, meeting(s, r)...)
	case PostmortemPlanned:
		return append(append([]Effect{thread, RefreshCard{}}, followers(s, r, "email")...), meeting(s, r)...)
	case ActionDone:
		return append([]Effect{thread, RefreshCard{}}, followAction(s, r, e.N)...)
	case ActionShown: // it may have been closed while this was on its way
		return followAction(s, r, e.N)
	case ImpactCounted, PastFound:
		return []Effect{thread}
	case MeetingNear:
		out := []Effect{thread}
		if !s.Writer().Nobody() {
			out = append(out, Tell{Seq: r.Seq, What: thread.What, Person: s.Writer()})
		}
		return out
	case PostmortemOverdue:
		out := []Effect{thread, RefreshCard{}}
		for _, p := range []Person{s.Writer(), e.Tell} {
			if !p.Nobody() {
				out = append(out, Tell{Seq: r.Seq, What: thread.What, Person: p})
			}
		}
		return out
	case ActionNear:
		if e.Owner.Nobody() {
			return []Effect{thread}
		}
		return []Effect{Tell{Seq: r.Seq, What: thread.What, Person: e.Owner}}
	default: // what people write is read in the post-mortem
		return nil
	}
}
