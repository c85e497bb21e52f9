package incident_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/escalation"
	"muster/incident"
	"muster/playbooks/flow"
	"muster/reminders"
)

// begin is when every simulated incident is declared.
var begin = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

// maxRounds is how often the rules may ask for more in one step.
const maxRounds = 32

// sim is the engine without a store, a clock or a goroutine: fold, Handle, and
// the rules until all are quiet.
type sim struct {
	s       incident.Incident
	now     time.Time
	rules   []incident.Rule
	records []incident.Record
	queue   []queued
	wake    time.Time
	rounds  int // of the last step
}

// queued is an effect that has not left yet.
type queued struct {
	effect incident.Effect
	at     time.Time
}

func newSim(roster escalation.Roster) *sim {
	return &sim{
		s: incident.Incident{ID: "INC-1"}, now: begin,
		rules: []incident.Rule{escalation.Matrix{Roster: roster}, escalation.OnCall{Roster: roster}, reminders.Updates{Roster: roster}, reminders.After{Roster: roster}, reminders.Watch{}, flow.Lapse{}},
	}
}

// fact is a record with the effects that it has.
type fact struct {
	record  incident.Record
	effects []incident.Effect
}

// say takes one step.
func (m *sim) say(in incident.Intent) ([]fact, error) {
	events, err := incident.Handle(m.s, in, m.now)
	if err != nil {
		return nil, err
	}
	facts := m.fold(events)
	for m.rounds = 0; ; m.rounds++ {
		if m.rounds == maxRounds {
			return facts, fmt.Errorf("the rules did not come to rest after %d rounds", maxRounds)
		}
		more, wake := m.ask()
		m.wake = wake
		if len(more) == 0 {
			return facts, nil
		}
		facts = append(facts, more...)
	}
}

// ask lets each rule speak once.
func (m *sim) ask() (facts []fact, wake time.Time) {
	for _, rule := range m.rules {
		d := rule.Reconcile(m.s, m.now)
		facts = append(facts, m.fold(d.Events)...)
		wake = incident.Sooner(wake, d.Wake)
	}
	return facts, wake
}

func (m *sim) fold(events []incident.Event) []fact {
	var out []fact
	for _, e := range events {
		r := incident.Record{Seq: m.s.Seq + 1, At: m.now, Event: e}
		m.s = incident.Apply(m.s, r)
		m.records = append(m.records, r)
		effects := incident.Effects(m.s, r)
		for _, effect := range effects {
			m.queue = append(m.queue, queued{effect, m.now})
		}
		out = append(out, fact{r, effects})
	}
	return out
}

// until lets time pass: every wake on the way is taken when it comes.
func (m *sim) until(t time.Time) ([]fact, error) {
	var out []fact
	for !m.wake.IsZero() && !m.wake.After(t) {
		if m.wake.Before(m.now) {
			return out, fmt.Errorf("the next wake %v lies before now %v", m.wake, m.now)
		}
		before := m.wake
		m.now = m.wake
		facts, err := m.say(incident.Wake{})
		out = append(out, facts...)
		if err != nil {
			return out, err
		}
		if len(facts) == 0 && !m.wake.IsZero() && !m.wake.After(before) {
			return out, fmt.Errorf("at the wake %v nothing happened and it did not move", before)
		}
	}
	m.now = t
	return out, nil
}

// refold gives the state that the stored history adds up to: every record goes
// through its stored form.
func (m *sim) refold() (incident.Incident, error) {
	s := incident.Incident{ID: m.s.ID}
	for i, r := range m.records {
		kind, body, err := incident.EncodeEvent(r.Event)
		if err != nil {
			return s, err
		}
		e, err := incident.DecodeEvent(kind, incident.EventVersion, body)
		if err != nil {
			return s, err
		}
		s = incident.Apply(s, incident.Record{Seq: r.Seq, At: r.At, Event: e})
		if i%7 == 3 { // as a snapshot in between would
			if s, err = throughJSON(s); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func throughJSON(s incident.Incident) (out incident.Incident, err error) {
	body, err := json.Marshal(s)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(body, &out)
}

func asJSON(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// duty is a roster made by hand: who is on call for each role, from a moment
// on, and what is missing to reach a person.
type duty struct {
	shifts  []shift // by time
	missing map[string]map[string]string
}

type shift struct {
	from  time.Time
	roles map[string][]string
}

// OnCall implements escalation.Roster.
func (d *duty) OnCall(role string, at time.Time) escalation.Shift {
	var out escalation.Shift
	var names []string
	for _, s := range d.shifts {
		if s.from.After(at) {
			if _, changes := s.roles[role]; changes {
				out.Until = s.from
				break
			}
			continue
		}
		if now, set := s.roles[role]; set {
			names = now
		}
	}
	for _, name := range names {
		out.Contacts = append(out.Contacts, d.Contact(person(name)))
	}
	return out
}

// Contact implements escalation.Roster.
func (d *duty) Contact(p incident.Person) escalation.Contact {
	out := escalation.Contact{Person: p, Missing: map[string]string{}}
	for _, who := range []string{"*", p.Name} {
		for method, why := range d.missing[who] {
			out.Missing[method] = why
		}
	}
	return out
}

// plan puts a change of duty in its place.
func (d *duty) plan(from time.Time, roles map[string][]string) {
	d.shifts = append(d.shifts, shift{from, roles})
	slices.SortStableFunc(d.shifts, func(a, b shift) int { return a.from.Compare(b.from) })
}

func person(name string) incident.Person {
	if name == "" {
		return incident.Person{}
	}
	return incident.Person{Key: name + "@example.com", Name: name}
}

// matrix is the ladder that the program brings with it.
func matrix() incident.Ladder {
	return incident.Ladder{
		Levels: []incident.Level{
			{Name: "L1", Role: "primary", Methods: []string{"pagerduty", "phone", "slack"}, RespondWithin: 5 * time.Minute, Until: incident.UntilAcknowledged},
			{Name: "L2", Role: "secondary", Methods: []string{"pagerduty", "phone"}, RespondWithin: 15 * time.Minute, Due: 15 * time.Minute, Until: incident.UntilAcknowledged},
			{Name: "L3", Role: "manager", Methods: []string{"phone", "slack"}, RespondWithin: 30 * time.Minute, Due: 30 * time.Minute, Until: incident.UntilResolved},
			{Name: "L4", Role: "director", Methods: []string{"phone"}, RespondWithin: time.Hour, Due: time.Hour, DueBySeverity: map[incident.Severity]time.Duration{incident.P0: 30 * time.Minute}, Until: incident.UntilResolved},
			{Name: "L5", Role: "cto", Methods: []string{"phone"}, Due: 4 * time.Hour, Until: incident.UntilResolved, BusinessCritical: true},
		},
		Mode: incident.All, Step: 2 * time.Minute, Repeat: 3, RepeatAfter: 30 * time.Minute, AckExpires: 30 * time.Minute,
		LastResort: incident.LastResort{Channel: "#incidents", Mention: "@channel"},
	}
}

// usual is the plan that the built-in configuration gives an incident.
func usual() incident.Plan {
	return incident.Plan{
		Ladder:    matrix(),
		Cadence:   map[incident.Severity]string{incident.P0: "@every 10m", incident.P1: "@every 10m", incident.P2: "@every 30m"},
		Incidents: "#incidents", Operations: "#muster-ops",
		Notify: map[incident.Severity][]incident.Channel{
			incident.P0: {{Name: "#incidents", Mention: "@here"}}, incident.P1: {{Name: "#incidents", Mention: "@here"}},
			incident.P2: {{Name: "#alerts"}}, incident.P3: {{Name: "#monitoring"}},
		},
		Room: []incident.Severity{incident.P0, incident.P1},
	}
}
