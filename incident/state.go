package incident

import (
	"slices"
	"time"
)

// Incident is what the records of one incident add up to. It is a value:
// Apply returns a new one and never changes the old one's maps or slices. The
// zero value is an incident that has not been declared.
type Incident struct {
	ID       string   `json:"id,omitempty"`
	Seq      uint64   `json:"seq,omitempty"` // of the last record
	Title    string   `json:"title,omitempty"`
	Service  string   `json:"service,omitempty"`
	Impact   string   `json:"impact,omitempty"`
	ETA      string   `json:"eta,omitempty"`
	Severity Severity `json:"severity"`
	Chosen   string   `json:"chosen,omitempty"`
	// Marked is set by /incident critical; P0 is business-critical anyway.
	Marked bool   `json:"marked,omitempty"`
	Status Status `json:"status,omitempty"`
	Origin string `json:"origin,omitempty"`

	DeclaredAt time.Time       `json:"declared_at,omitzero"`
	DeclaredBy Person          `json:"declared_by,omitzero"`
	Roles      map[Role]Person `json:"roles,omitempty"`
	OnCall     Person          `json:"on_call,omitzero"`
	Plan       Plan            `json:"plan,omitzero"`

	Acks   []Ack      `json:"acks,omitempty"`  // that hold now
	Climb  Climb      `json:"climb,omitzero"`  // where the ladder stands
	Clock  Clock      `json:"clock,omitzero"`  // where the update clock stands
	Update LastUpdate `json:"update,omitzero"` // the last update

	Actions []Action `json:"actions,omitempty"`
	Sources []string `json:"sources,omitempty"` // of noted messages

	ResolvedAt time.Time     `json:"resolved_at,omitzero"`
	Resolution ResolvedEvent `json:"resolution,omitzero"`
	Reopens    int           `json:"reopens,omitempty"`
	MergedInto string        `json:"merged_into,omitempty"`
	ClosedAt   time.Time     `json:"closed_at,omitzero"`

	Drill Drill `json:"drill,omitzero"` // an exercise
	// Imported says where it came from; the zero value: it was declared here.
	Imported Imported `json:"imported,omitzero"`
	// Erased is the tombstone, ErasedAt when it was set; zero: there is none.
	Erased   Erased    `json:"erased,omitzero"`
	ErasedAt time.Time `json:"erased_at,omitzero"`
	// Circle says who may see it.
	Circle Circle `json:"circle,omitzero"`
	Tally  Tally  `json:"tally,omitzero"` // for those who look back
	After  After  `json:"after,omitzero"` // what follows the resolution
	// Recalled is set once people were told what happened the last times.
	Recalled bool `json:"recalled,omitempty"`

	Card     Spot `json:"card,omitzero"`      // in the incidents channel
	Room     Spot `json:"room,omitzero"`      // TS is empty, Name is set
	RoomCard Spot `json:"room_card,omitzero"` // the copy in the room

	Covered   Covered    `json:"covered,omitzero"` // by messages that told several lines
	Shelf     Shelf      `json:"shelf,omitzero"`   // its playbooks and their steps
	Alerts    []AlertRef `json:"alerts,omitempty"`
	AlertList Spot       `json:"alert_list,omitzero"` // in the thread
}

// LastUpdate is the last update that people were given. The zero value: none yet.
type LastUpdate struct {
	At   time.Time `json:"at,omitzero"`
	Seq  uint64    `json:"seq,omitempty"`
	By   Person    `json:"by,omitzero"`
	Text string    `json:"text,omitempty"`
	Next string    `json:"next,omitempty"`
}

// Spot is a place in Slack. The zero value: not there yet.
type Spot struct {
	Channel string `json:"channel,omitempty"`
	Name    string `json:"name,omitempty"`
	TS      string `json:"ts,omitempty"`
}

// Ack is an acknowledgement that holds.
type Ack struct {
	By  Person    `json:"by"`
	At  time.Time `json:"at"`
	Via string    `json:"via,omitempty"`
	// Pages is how many pages there were by then: later ones it does not answer.
	Pages int `json:"pages,omitempty"`
}

// Action is follow-up work.
type Action struct {
	N     int    `json:"n"`
	Text  string `json:"text"`
	Owner Person `json:"owner,omitzero"`
	Due   string `json:"due,omitempty"`
	// Done, DoneAt and DoneBy say that it is finished.
	Done   bool      `json:"done,omitempty"`
	DoneAt time.Time `json:"done_at,omitzero"`
	DoneBy Person    `json:"done_by,omitzero"`
	// Reminded is set once the owner was reminded, Over once that was after the
	// date.
	Reminded bool `json:"reminded,omitempty"`
	Over     bool `json:"over,omitempty"`
	// Near is the record of the newest reminder; zero: there was none. Shown are
	// the messages that reminded, oldest first.
	Near  uint64 `json:"near,omitempty"`
	Shown []Spot `json:"shown,omitempty"`
}

// Climb is where the ladder of an incident stands.
type Climb struct {
	// Start is the moment from which the levels' delays count in this round;
	// zero: the ladder is not running.
	Start time.Time `json:"start,omitzero"`
	Round int       `json:"round,omitempty"`
	// Base replaces Start for the levels that an acknowledgement stops, once
	// one lapsed or was given back; zero: Start.
	Base     time.Time `json:"base,omitzero"`
	BaseWhy  Why       `json:"base_why,omitempty"`
	StartWhy Why       `json:"start_why,omitempty"`
	// Turned is when people last changed what the ladder asks: an
	// acknowledgement began or ended, a hold ended, the severity or the mark
	// changed. Nothing is late from before it.
	Turned time.Time `json:"turned,omitzero"`
	// HeldAt and HeldUntil are set while the ladder is held.
	HeldAt    time.Time `json:"held_at,omitzero"`
	HeldUntil time.Time `json:"held_until,omitzero"`
	HeldWhy   string    `json:"held_why,omitempty"`
	// Over is set when the last round is used up.
	Over bool `json:"over,omitempty"`
	// LastResort is set once the last resort was paged in this round.
	LastResort bool         `json:"last_resort,omitempty"`
	Rungs      []Rung       `json:"rungs,omitempty"`
	Demands    []Demand     `json:"demands,omitempty"` // not served yet
	GaveBack   []string     `json:"gave_back,omitempty"`
	Pages      []PageStatus `json:"pages,omitempty"` // newest last
	Attempts   int          `json:"attempts,omitempty"`
}

// Rung is where one level stands in this round.
type Rung struct {
	Level string `json:"level"`
	// Pulled is when the level before was passed, so that this one is due at
	// once; zero: its own delay applies.
	Pulled time.Time `json:"pulled,omitzero"`
	// Since is when the level was first paged, or first asked of somebody else
	// after it was answered; zero: not yet.
	Since time.Time `json:"since,omitzero"`
	// Last is when it was last paged, and Attempt the page's number.
	Last    time.Time `json:"last,omitzero"`
	Attempt int       `json:"attempt,omitempty"`
	// Cycle is when the present try of the level began: its answer time
	// counts from here, also while methods are tried one after another.
	Cycle time.Time `json:"cycle,omitzero"`
	// Tried lists the persons, and Used the methods of the last of them, that
	// were paged since Cycle.
	Tried []string `json:"tried,omitempty"`
	Used  []string `json:"used,omitempty"`
	// Passed is set when it reached nobody, or needed nobody; PassedAt is when.
	Passed   bool      `json:"passed,omitempty"`
	PassedAt time.Time `json:"passed_at,omitzero"`
	Why      Why       `json:"why,omitempty"`
}

// Asked is who was paged last, by key only; nobody: the level was not paged yet.
func (r Rung) Asked() Person {
	if len(r.Tried) == 0 {
		return Person{}
	}
	return Person{Key: r.Tried[len(r.Tried)-1]}
}

// Demand is an escalation that a person asked for and that no page has
// served yet.
type Demand struct {
	Seq    uint64 `json:"seq"`
	Level  string `json:"level,omitempty"`
	Role   string `json:"role,omitempty"`
	Person Person `json:"person,omitzero"`
	Reason string `json:"reason,omitempty"`
	By     Person `json:"by"`
	// Last is set for the person who is the last resort.
	Last bool `json:"last,omitempty"`
}

// PageStatus is what became of one page.
type PageStatus struct {
	Attempt int       `json:"attempt"`
	Level   string    `json:"level,omitempty"`
	Role    string    `json:"role,omitempty"`
	Round   int       `json:"round,omitempty"`
	Person  Person    `json:"person"`
	At      time.Time `json:"at"`
	Why     Why       `json:"why"`
	Asked   bool      `json:"asked,omitempty"`
	// Followed is set once a failed page was followed by another way to reach
	// a person.
	Followed bool              `json:"followed,omitempty"`
	Methods  []MethodStatus    `json:"methods"`
	Missing  map[string]string `json:"missing,omitempty"`
}

// MethodStatus is what became of a page over one method.
type MethodStatus struct {
	Method string    `json:"method"`
	State  PageState `json:"state"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// Ref is the provider's own name of the page; empty: it has none.
	Ref string `json:"ref,omitempty"`
}

// Clock is where the update clock stands.
type Clock struct {
	// From is when the clock was last set: declared, updated, reopened, or
	// when the severity changed the cadence.
	From time.Time `json:"from,omitzero"`
	// Snoozed is the moment the next reminder was moved to; zero: not moved.
	Snoozed time.Time `json:"snoozed,omitzero"`
	// Snoozes counts snoozes in a row.
	Snoozes int `json:"snoozes,omitempty"`
	// Due is when the update that was reminded of was due; zero: no reminder
	// is open.
	Due time.Time `json:"due,omitzero"`
	// Seq is the record of the open reminder.
	Seq uint64 `json:"seq,omitempty"`
	// Stepped is when the last step was taken: the reminder, or one of the
	// steps after it.
	Stepped time.Time `json:"stepped,omitzero"`
	// Step counts the steps after the reminder.
	Step int `json:"step,omitempty"`
}

// Exists tells whether the incident was declared.
func (s Incident) Exists() bool { return s.Seq > 0 }

// Open tells whether the incident is neither resolved, closed nor merged.
func (s Incident) Open() bool {
	return s.Exists() && s.ResolvedAt.IsZero() && s.ClosedAt.IsZero() && s.MergedInto == ""
}

// Critical tells whether the incident is business-critical: P0, or marked so.
func (s Incident) Critical() bool { return s.Severity == P0 || s.Marked }

// Subject is what an update's first line names: the service, else the title.
// That of a drill begins with DrillMark.
func (s Incident) Subject() string {
	if s.Service != "" {
		if s.Drill.On {
			return DrillMark + s.Service
		}
		return s.Service
	}
	return s.Title
}

// Acked tells whether any acknowledgement holds.
func (s Incident) Acked() bool { return len(s.Acks) > 0 }

// AckedBy tells whether p's acknowledgement holds.
func (s Incident) AckedBy(p Person) bool {
	_, ok := s.ack(p)
	return ok
}

// ack gives p's acknowledgement, if it holds.
func (s Incident) ack(p Person) (Ack, bool) {
	i := slices.IndexFunc(s.Acks, func(a Ack) bool { return a.By.Is(p) })
	if i < 0 {
		return Ack{}, false
	}
	return s.Acks[i], true
}

// Held tells whether the ladder is held.
func (s Incident) Held() bool { return !s.Climb.HeldUntil.IsZero() }

// Levels are the ladder's levels that apply now, in the order of the file.
func (s Incident) Levels() []Level {
	var out []Level
	for _, l := range s.Plan.Ladder.Levels {
		if l.Applies(s.Severity, s.Critical()) {
			out = append(out, l)
		}
	}
	return out
}

// Level finds a level of the plan by its name.
func (s Incident) Level(name string) (Level, bool) {
	for _, l := range s.Plan.Ladder.Levels {
		if l.Name == name {
			return l, true
		}
	}
	return Level{}, false
}

// Rung gives where a level stands in this round; the zero Rung: not touched.
func (s Incident) Rung(level string) Rung {
	for _, r := range s.Climb.Rungs {
		if r.Level == level {
			return r
		}
	}
	return Rung{Level: level}
}

// Page finds a page by its attempt number.
func (s Incident) Page(attempt int) (PageStatus, bool) {
	for _, p := range slices.Backward(s.Climb.Pages) {
		if p.Attempt == attempt {
			return p, true
		}
	}
	return PageStatus{}, false
}

// Refs are the provider's own names of the pages that arrived over a method,
// oldest first.
func (s Incident) Refs(method string) []string {
	var out []string
	for _, p := range s.Climb.Pages {
		for _, m := range p.Methods {
			if m.Method == method && m.Ref != "" && !slices.Contains(out, m.Ref) {
				out = append(out, m.Ref)
			}
		}
	}
	for _, ref := range s.Origins(method) {
		if !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// Origins are a provider's own names of what the incident came from.
func (s Incident) Origins(method string) []string {
	var out []string
	for _, r := range s.Alerts {
		if r.Remote != "" && r.Source == method {
			out = append(out, r.Remote)
		}
	}
	return out
}

// HasRoom tells whether the incident gets a channel of its own.
func (s Incident) HasRoom() bool { return slices.Contains(s.Plan.Room, s.Severity) }

// Holder gives who holds a role; the zero Person: nobody.
func (s Incident) Holder(r Role) Person { return s.Roles[r] }

// Duration is the time from the declaration to the resolution, or to now
// while it is open.
func (s Incident) Duration(now time.Time) time.Duration {
	if !s.ResolvedAt.IsZero() {
		now = s.ResolvedAt
	}
	return now.Sub(s.DeclaredAt)
}
