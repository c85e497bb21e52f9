// Package report tells what happened in one incident: as data, as a
// post-mortem in Markdown and HTML, and as an archive to keep.
//
// It is pure: it reads no clock and no store, posts nothing, and changes no
// record.
package report

import (
	"slices"
	"time"

	"muster/commands"
	"muster/incident"
)

// Data is what an incident's history says to those who look back.
type Data struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Severity incident.Severity `json:"severity"`
	Status   incident.Status   `json:"status"`
	Services []string          `json:"services,omitempty"`
	// Start is the declaration, End the resolution; zero: not resolved.
	Start   time.Time `json:"start"`
	End     time.Time `json:"end,omitzero"`
	Reopens int       `json:"reopens,omitempty"`
	// Drill is set for an exercise; Merged is the incident that this one went
	// on in, empty: in none.
	Drill  bool    `json:"drill,omitempty"`
	Merged string  `json:"merged,omitempty"`
	Marks  Moments `json:"moments"`
	// People are who took part, with what they did.
	People []Part  `json:"people,omitempty"`
	Pages  []Paged `json:"pages,omitempty"`
	// Before are the last incidents of the same kind, as they were known when
	// this one began.
	Before []incident.Past `json:"before,omitempty"`
	// Unreached are the levels that were due and reached nobody.
	Unreached []string `json:"unreached,omitempty"`
	Alerts    []Alert  `json:"alerts,omitempty"`
	Steps     []Step   `json:"steps,omitempty"`
	Kept      int      `json:"updates_kept"`
	Missed    int      `json:"updates_missed"`
	Updates   []Update `json:"updates,omitempty"`
	// Impact is what users noticed, as it was counted; its zero value: it was not.
	Impact incident.ImpactCounted `json:"impact,omitzero"`
	// Sections are what people wrote, else what the records say.
	Sections map[incident.Section]string `json:"sections,omitempty"`
	Actions  []incident.Action           `json:"actions,omitempty"`
	Writer   incident.Person             `json:"writer,omitzero"`
	Meeting  time.Time                   `json:"meeting,omitzero"`
	Closed   time.Time                   `json:"closed,omitzero"`
	Waived   string                      `json:"waived,omitempty"` // why there is no post-mortem
	Timeline []Line                      `json:"timeline"`

	holders map[incident.Role][]string // who was given each role, in their order
}

// Moments are how long things took from the start; zero: they never came.
type Moments struct {
	Acknowledge time.Duration `json:"acknowledge_ns,omitempty"`
	FirstUpdate time.Duration `json:"first_update_ns,omitempty"`
	Mitigate    time.Duration `json:"mitigate_ns,omitempty"`
	Resolve     time.Duration `json:"resolve_ns,omitempty"`
}

// Part is one person's part.
type Part struct {
	Person incident.Person `json:"person"`
	// Roles are those held at any time, the last one last.
	Roles []incident.Role `json:"roles,omitempty"`
	// Pages counts how often the person was paged; Answered is the first
	// acknowledgement, zero: none.
	Pages    int       `json:"pages,omitempty"`
	Answered time.Time `json:"answered,omitzero"`
}

// Paged is one page: whom, over what, and what came of it.
type Paged struct {
	At     time.Time       `json:"at"`
	Level  string          `json:"level,omitempty"`
	Person incident.Person `json:"person"`
	Why    incident.Why    `json:"why"`
	// AnswerBy is until when an answer was waited for; zero: for none.
	AnswerBy time.Time               `json:"answer_by,omitzero"`
	Methods  []incident.MethodStatus `json:"methods,omitempty"`
}

// Update is one update that people were given.
type Update struct {
	At   time.Time       `json:"at"`
	By   incident.Person `json:"by"`
	Text string          `json:"text"`
	Next string          `json:"next,omitempty"`
}

// Line is one record of the timeline.
type Line struct {
	Seq  uint64    `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
	// Said is the text in its parts, for those who show persons and times in
	// their own way.
	Said   commands.Rich `json:"-"`
	Hidden bool          `json:"hidden,omitempty"`
	Note   string        `json:"note,omitempty"` // what somebody added
}

// Collect reads a history, oldest record first.
func Collect(history []incident.Record) Data {
	var s incident.Incident
	d := Data{}
	c := collector{parts: map[string]int{}, pages: map[int]int{}, runs: map[int]string{}}
	for _, r := range history {
		s = incident.Apply(s, r)
		c.take(&d, r)
	}
	d.ID, d.Title, d.Severity, d.Status, d.Reopens = s.ID, s.Title, s.Severity, s.Status, s.Reopens
	d.Drill, d.Merged = s.Drill.On, s.MergedInto
	d.Services, d.Alerts, d.Steps = services(s), alertsOf(s), stepsOf(s, history)
	d.Start, d.End, d.Closed, d.Meeting, d.Writer = s.DeclaredAt, s.ResolvedAt, s.ClosedAt, s.After.Meeting, s.Writer()
	d.Kept, d.Missed, d.Actions, d.Impact = s.Tally.Kept, s.Tally.Missed, s.Actions, s.After.Impact
	if !d.Impact.To.Equal(s.ResolvedAt) { // counted up to an earlier resolution
		d.Impact = incident.ImpactCounted{}
	}
	after := func(at time.Time) time.Duration {
		if at.IsZero() {
			return 0
		}
		return at.Sub(s.DeclaredAt)
	}
	d.Marks = Moments{Acknowledge: after(s.Tally.Acknowledged), FirstUpdate: after(s.Tally.Updated), Mitigate: after(s.Tally.Mitigated), Resolve: after(s.ResolvedAt)}
	d.Sections = map[incident.Section]string{}
	for _, section := range incident.Sections {
		if t := s.Text(section); t != "" {
			d.Sections[section] = t
		}
	}
	for i, l := range d.Timeline {
		if j := slices.IndexFunc(s.After.Marks, func(m incident.Mark) bool { return m.Record == l.Seq }); j >= 0 {
			d.Timeline[i].Hidden, d.Timeline[i].Note = s.After.Marks[j].Hidden, s.After.Marks[j].Text
		}
	}
	return d
}

// collector remembers where a person and a page stand in the data.
type collector struct {
	parts map[string]int
	pages map[int]int
	runs  map[int]string // titles of the steps, by their numbers
}

func (c collector) part(d *Data, p incident.Person) *Part {
	if p.Nobody() || p.Is(incident.Self) {
		return &Part{}
	}
	i, ok := c.parts[p.Key]
	if !ok {
		i = len(d.People)
		c.parts[p.Key] = i
		d.People = append(d.People, Part{Person: p})
	}
	return &d.People[i]
}

func (c collector) take(d *Data, r incident.Record) {
	if said := c.line(r.Event); len(said) > 0 {
		d.Timeline = append(d.Timeline, Line{Seq: r.Seq, At: r.At, Kind: incident.EventKind(r.Event), Text: said.Plain(), Said: said})
	}
	role := func(p incident.Person, role incident.Role) {
		if p.Nobody() || p.Is(incident.Self) {
			return
		}
		if d.holders == nil {
			d.holders = map[incident.Role][]string{}
		}
		d.holders[role] = append(d.holders[role], p.Key)
		part := c.part(d, p)
		part.Roles = append(slices.DeleteFunc(part.Roles, func(r incident.Role) bool { return r == role }), role)
	}
	switch e := r.Event.(type) {
	case incident.Declared:
		role(e.By, incident.Commander)
	case incident.RoleGiven:
		role(e.Person, e.Role)
	case incident.Acknowledged:
		if p := c.part(d, e.By); p.Answered.IsZero() {
			p.Answered = r.At
		}
	case incident.Updated:
		c.part(d, e.By)
		d.Updates = append(d.Updates, Update{At: r.At, By: e.By, Text: e.Text, Next: e.Next})
	case incident.Paged:
		c.part(d, e.Person).Pages++
		page := Paged{At: r.At, Level: e.Level, Person: e.Person, Why: e.Why, AnswerBy: e.AnswerBy}
		for _, m := range e.Methods {
			page.Methods = append(page.Methods, incident.MethodStatus{Method: m, State: incident.PageQueued, At: r.At})
		}
		c.pages[e.Attempt] = len(d.Pages)
		d.Pages = append(d.Pages, page)
	case incident.PageSettled:
		i, ok := c.pages[e.Attempt]
		if !ok {
			return
		}
		for j := range d.Pages[i].Methods {
			if m := &d.Pages[i].Methods[j]; m.Method == e.Method {
				m.State, m.Reason, m.At, m.Ref = e.State, e.Reason, r.At, e.Ref
			}
		}
	case incident.LevelPassed:
		if e.Level != "" && e.Why != incident.WhyAnswered && !slices.Contains(d.Unreached, e.Level) {
			d.Unreached = append(d.Unreached, e.Level)
		}
	case incident.PastFound:
		d.Before = e.Past
	case incident.StepAsked:
		c.runs[e.N] = e.Title
		c.part(d, e.By)
	case incident.StepApproved:
		c.part(d, e.By)
	case incident.Noted:
		c.part(d, e.By)
	case incident.ResolvedEvent:
		c.part(d, e.By)
	case incident.ClosedEvent:
		d.Waived = e.Reason
	case incident.Reopened:
		d.Waived = ""
	}
}
