package incident

import "time"

// Event is one recorded fact about an incident. Facts carry resolved values,
// so that folding them never needs the configuration of the day.
type Event interface{ event() }

// Record is one entry of an incident's history: the history is the truth,
// everything else is derived from it.
type Record struct {
	// Seq counts the records of one incident from 1.
	Seq   uint64
	At    time.Time
	Event Event
}

// Declared is the first record of every incident.
type Declared struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	// Chosen says where the severity came from, for the person who declared.
	Chosen   string `json:"chosen,omitempty"`
	Service  string `json:"service,omitempty"`
	Impact   string `json:"impact,omitempty"`
	By       Person `json:"by"`
	Critical bool   `json:"critical,omitempty"`
	// Origin is where the declaration was made: a channel's ID, or empty.
	Origin string `json:"origin,omitempty"`
	Plan   Plan   `json:"plan"`
	Drill  Drill  `json:"drill,omitzero"`
	// Private incidents are seen by the people only who were added to them.
	Private bool `json:"private,omitempty"`
}

// Plan is what the configuration of the day gives an incident for its life.
type Plan struct {
	Ladder Ladder `json:"ladder"`
	// Cadence is the update clock's spec by severity; empty: no clock.
	Cadence map[Severity]string `json:"cadence,omitempty"`
	// Incidents and Operations are channel names or IDs.
	Incidents  string `json:"incidents"`
	Operations string `json:"operations,omitempty"`
	// Notify lists the class's channels by severity.
	Notify map[Severity][]Channel `json:"notify,omitempty"`
	// Room lists the severities that get a channel of their own.
	Room []Severity `json:"room,omitempty"`
	// Watch is the look-out after the resolution.
	Watch WatchPlan `json:"watch,omitzero"`
	// Stakeholders are mail addresses that are invited to the post-mortem.
	Stakeholders []string `json:"stakeholders,omitempty"`
	// Impact is how to count what users noticed.
	Impact ImpactPlan `json:"impact,omitzero"`
}

// Channel is where a class is announced: a Slack channel with an optional
// mention such as "@here", or mail.
type Channel struct {
	Name    string `json:"name"` // empty: mail
	Mention string `json:"mention,omitempty"`
	// Mail is the addresses, separated by commas; empty: whoever is on call.
	Mail string `json:"mail,omitempty"`
}

// Updated tells people where things stand; it restarts the update clock.
type Updated struct {
	By     Person `json:"by"`
	Status Status `json:"status,omitempty"` // empty: unchanged
	Text   string `json:"text"`             // actions taken
	Next   string `json:"next,omitempty"`
	ETA    string `json:"eta,omitempty"`
	Impact string `json:"impact,omitempty"` // empty: unchanged
	// NoChange is set by the one-click answer to a reminder.
	NoChange bool `json:"no_change,omitempty"`
}

// StatusChanged moves the status without an update.
type StatusChanged struct {
	By Person `json:"by"`
	To Status `json:"to"`
}

// SeverityChanged raises or lowers the severity.
type SeverityChanged struct {
	By     Person   `json:"by"`
	From   Severity `json:"from"`
	To     Severity `json:"to"`
	Reason string   `json:"reason,omitempty"`
}

// MarkedCritical makes the incident business-critical.
type MarkedCritical struct {
	By Person `json:"by"`
}

// RoleGiven puts a person into a role of the incident.
type RoleGiven struct {
	By     Person `json:"by"`
	Role   Role   `json:"role"`
	Person Person `json:"person"`
}

// Noted adds a line to the timeline.
type Noted struct {
	By   Person `json:"by"`
	Text string `json:"text"`
	// Link points to the message that was noted; Source is its identity, so
	// that the same message is noted once.
	Link   string `json:"link,omitempty"`
	Source string `json:"source,omitempty"`
}

// ActionAdded records follow-up work.
type ActionAdded struct {
	By    Person `json:"by"`
	N     int    `json:"n"` // counts from 1 within the incident
	Text  string `json:"text"`
	Owner Person `json:"owner,omitzero"`
	Due   string `json:"due,omitempty"` // a date, YYYY-MM-DD
}

// Acknowledged says that a person has it.
type Acknowledged struct {
	By  Person `json:"by"`
	Via string `json:"via,omitempty"` // slack, command, http, pagerduty, phone, sms, email
	// Said is what was pressed, typed or heard; empty: a button or a command.
	Said string `json:"said,omitempty"`
}

// Unacknowledged gives an acknowledgement back.
type Unacknowledged struct {
	By Person `json:"by"`
}

// AckLapsed ends an acknowledgement that no update followed.
type AckLapsed struct {
	By Person `json:"by"`
	// Since is when the acknowledgement or the last update was.
	Since time.Time     `json:"since"`
	Late  time.Duration `json:"late,omitempty"`
}

// Held stops the ladder until a moment.
type Held struct {
	By     Person    `json:"by"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// HoldEnded lets the ladder go on, its clocks moved by the time held.
type HoldEnded struct {
	Late time.Duration `json:"late,omitempty"`
}

// Escalated asks for a page now. One of Level, Role and Person is set; none:
// the next level.
type Escalated struct {
	By     Person `json:"by"`
	Level  string `json:"level,omitempty"`
	Role   string `json:"role,omitempty"`
	Person Person `json:"person,omitzero"`
	Reason string `json:"reason,omitempty"`
	// After is the attempt number of the page that failed and that this one
	// follows; zero: a person asked.
	After int `json:"after,omitempty"`
	// Last is set for the person who is the last resort: nobody follows.
	Last bool `json:"last,omitempty"`
}

// LadderStarted starts a round of the ladder. Round 0 is the first climb.
type LadderStarted struct {
	Round int           `json:"round"`
	Why   Why           `json:"why"`
	Late  time.Duration `json:"late,omitempty"`
}

// Why names the reason of a page or a passed level; timeline, metric and log
// use the same word.
type Why string

// The reasons.
const (
	WhyDue        Why = "due"        // the level's delay is over
	WhyUnanswered Why = "unanswered" // nobody answered the page before
	WhyPassed     Why = "passed"     // the level before had nobody to reach
	WhyFailed     Why = "failed"     // every method before failed
	WhyStep       Why = "next method"
	WhyAsked      Why = "asked"      // a person escalated
	WhyDeclared   Why = "declared"   // the incident was declared
	WhyRaised     Why = "raised"     // the severity was raised to one that pages
	WhyRepeat     Why = "repeat"     // the ladder starts again
	WhyLapsed     Why = "lapsed"     // an acknowledgement lapsed
	WhyGivenBack  Why = "given back" // an acknowledgement was given back
	WhyNobody     Why = "nobody on call"
	WhyNoMethod   Why = "no usable method"
	WhyAnswered   Why = "already acknowledged"
	WhyUsedUp     Why = "ladder used up"
	WhyOverdue    Why = "update overdue"
	WhyReopened   Why = "reopened"
	WhyLastResort Why = "last resort"
)

// Paged is one attempt to wake one person at one level, over one method or
// several at once.
type Paged struct {
	Level   string `json:"level,omitempty"` // empty: a person was asked for by name
	Role    string `json:"role,omitempty"`
	Round   int    `json:"round,omitempty"`
	Attempt int    `json:"attempt"` // counts all pages of the incident from 1
	Person  Person `json:"person"`
	// Methods are those that page now; Missing says why others do not.
	Methods []string          `json:"methods"`
	Missing map[string]string `json:"missing,omitempty"`
	Why     Why               `json:"why"`
	// Reason is what a person said, when one asked.
	Reason string `json:"reason,omitempty"`
	// AnswerBy is when the next page follows if nobody answers; zero: none.
	AnswerBy time.Time     `json:"answer_by,omitzero"`
	Late     time.Duration `json:"late,omitempty"`
	// Demand is the sequence of the Escalated record this page serves; 0: none.
	Demand uint64 `json:"demand,omitempty"`
}

// LevelPassed says that a level reached nobody, or needed nobody.
type LevelPassed struct {
	Level string `json:"level,omitempty"`
	Role  string `json:"role,omitempty"`
	Round int    `json:"round,omitempty"`
	Why   Why    `json:"why"`
	// Detail says per method or person what is missing.
	Detail string `json:"detail,omitempty"`
	// Next is the level that is paged at once instead; empty: none.
	Next   string `json:"next,omitempty"`
	Demand uint64 `json:"demand,omitempty"`
}

// LastResortPaged says that the ladder reached nobody, or is used up.
type LastResortPaged struct {
	Round  int        `json:"round"`
	Target LastResort `json:"target"`
	Why    Why        `json:"why"`
	// Final is set when no further round follows.
	Final bool `json:"final,omitempty"`
	// After is the attempt number of the page that failed and that this one
	// follows, Demand the sequence of the Escalated record that reached nobody;
	// zero: the ladder itself came to its end.
	After  int    `json:"after,omitempty"`
	Demand uint64 `json:"demand,omitempty"`
}

// PageState is what became of a page.
type PageState string

// The states of a page. Late means that it could not leave in time: it counts
// as failed for the ladder and is still tried.
const (
	PageQueued    PageState = "queued"
	PageLate      PageState = "late"
	PageDelivered PageState = "delivered"
	PageFailed    PageState = "failed"
	PageCancelled PageState = "cancelled"
)

// PageSettled says what became of a page over one method.
type PageSettled struct {
	Attempt int       `json:"attempt"`
	Method  string    `json:"method"`
	State   PageState `json:"state"`
	Reason  string    `json:"reason,omitempty"`
	// Took is the time from the decision to the answer of the provider.
	Took time.Duration `json:"took,omitempty"`
	// Ref is the provider's own name of the page; empty: it has none.
	Ref string `json:"ref,omitempty"`
}

// ReminderDue says that an update is due.
type ReminderDue struct {
	Due  time.Time     `json:"due"`
	Late time.Duration `json:"late,omitempty"`
}

// UpdateOverdue says that a reminder stayed unanswered for Step cadences.
type UpdateOverdue struct {
	Step int           `json:"step"` // 1: commander and comms are told; 2: the person on call is paged
	Late time.Duration `json:"late,omitempty"`
}

// Snoozed moves the update clock once.
type Snoozed struct {
	By    Person    `json:"by"`
	Until time.Time `json:"until"`
}

// OnCallChanged says who is on call for the incident's first level now.
type OnCallChanged struct {
	Person Person `json:"person,omitzero"`
}

// ResolvedEvent ends the incident.
type ResolvedEvent struct {
	By    Person `json:"by"`
	Cause string `json:"cause,omitempty"`
	Fix   string `json:"fix,omitempty"`
	// Postmortem is when it is scheduled; zero: not yet.
	Postmortem time.Time `json:"postmortem,omitzero"`
}

// Reopened takes a resolution back.
type Reopened struct {
	By     Person `json:"by"`
	Reason string `json:"reason"`
}

// ClosedEvent ends the incident's life: post-mortem done, or waived.
type ClosedEvent struct {
	By     Person `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// MergedInto ends an incident that is the same as another.
type MergedInto struct {
	By   Person `json:"by"`
	Into string `json:"into"`
}

// MergedFrom tells the other that it carries one more.
type MergedFrom struct {
	By    Person `json:"by"`
	From  string `json:"from"`
	Title string `json:"title"`
}

// Place names what a Slack message or channel is for the incident.
type Place string

// The places that are remembered.
const (
	PlaceCard     Place = "card"      // the card in the incidents channel
	PlaceRoom     Place = "room"      // the incident's own channel
	PlaceRoomCard Place = "room card" // the card in that channel
)

// Posted remembers where something stands in Slack.
type Posted struct {
	Place   Place  `json:"place"`
	Channel string `json:"channel"`
	Name    string `json:"name,omitempty"` // a channel's name
	TS      string `json:"ts,omitempty"`
	// Ref names the pictures that it shows; empty: none.
	Ref string `json:"ref,omitempty"`
}

// EffectFailed records an effect other than a page that will never happen.
type EffectFailed struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

func (Declared) event()        {}
func (Updated) event()         {}
func (StatusChanged) event()   {}
func (SeverityChanged) event() {}
func (MarkedCritical) event()  {}
func (RoleGiven) event()       {}
func (Noted) event()           {}
func (ActionAdded) event()     {}
func (Acknowledged) event()    {}
func (Unacknowledged) event()  {}
func (AckLapsed) event()       {}
func (Held) event()            {}
func (HoldEnded) event()       {}
func (Escalated) event()       {}
func (LadderStarted) event()   {}
func (Paged) event()           {}
func (LevelPassed) event()     {}
func (LastResortPaged) event() {}
func (PageSettled) event()     {}
func (ReminderDue) event()     {}
func (UpdateOverdue) event()   {}
func (Snoozed) event()         {}
func (OnCallChanged) event()   {}
func (ResolvedEvent) event()   {}
func (Reopened) event()        {}
func (ClosedEvent) event()     {}
func (MergedInto) event()      {}
func (MergedFrom) event()      {}
func (Posted) event()          {}
func (EffectFailed) event()    {}
