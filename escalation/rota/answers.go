package rota

import (
	"fmt"
	"strings"
	"time"

	"muster/incident"
)

// Contact is a person in an answer: who it is and how they can be reached,
// without numbers.
type Contact struct {
	incident.Person
	// Ways are the methods that have an address: pagerduty, phone, slack,
	// email.
	Ways []string `json:"ways"`
	// Slack is the handle or user ID; empty: found by e-mail, if at all.
	Slack string `json:"slack,omitempty"`
}

func contact(m Member) Contact {
	return Contact{Person: m.Person(), Ways: m.Ways(), Slack: m.Slack}
}

// Duty answers "who is on call?" for one role.
type Duty struct {
	Role  string    `json:"role"`
	Title string    `json:"title,omitempty"`
	At    time.Time `json:"at"`
	// OnCall is nobody when the role has nobody.
	OnCall Contact `json:"on_call,omitzero"`
	// Then are those who follow when the one on call cannot be reached.
	Then  []Contact `json:"then,omitempty"`
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Next takes over at Until; nobody: there is no end, or nobody then.
	Next Contact `json:"next,omitzero"`
	// Chain is how the answer came about, Why the same in sentences.
	Chain []Step   `json:"chain"`
	Why   []string `json:"why"`

	zone     *time.Location
	replaced []string
}

// Who answers for some roles, and for all of them, in their order, when none
// is named. Times are said in zone; nil: in each rota's own.
func (s Schedule) Who(at time.Time, overrides []Override, zone *time.Location, roles ...string) []Duty {
	if len(roles) == 0 {
		roles = s.Roles()
	}
	all := make([]Duty, 0, len(roles))
	for _, role := range roles {
		all = append(all, s.duty(role, at, overrides, zone))
	}
	return all
}

func (s Schedule) duty(role string, at time.Time, overrides []Override, zone *time.Location) Duty {
	shift := s.OnCall(role, at, overrides)
	if zone == nil {
		zone = shift.Zone
	}
	d := Duty{
		Role: role, Title: s.Rotas[role].Title, At: at.In(zone), From: in(shift.From, zone), Until: in(shift.Until, zone),
		Chain: shift.Why, zone: zone,
	}
	for i, m := range shift.Members {
		if i == 0 {
			d.OnCall = contact(m)
		} else {
			d.Then = append(d.Then, contact(m))
		}
	}
	if !shift.Next.Nobody() {
		d.Next = contact(shift.Next)
	}
	for _, step := range shift.Why {
		text := step.Sentence(zone)
		d.Why = append(d.Why, text)
		if step.Kind == Overridden || step.Kind == Swapped {
			d.replaced = append(d.replaced, text)
		}
	}
	return d
}

func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

// Text says the answer in plain words: one line, and one more for each
// override or swap that led to it.
func (d Duty) Text() string {
	var b strings.Builder
	b.WriteString(d.Role)
	if d.Title != "" && !strings.EqualFold(d.Title, d.Role) {
		fmt.Fprintf(&b, " (%s)", d.Title)
	}
	b.WriteString(": ")
	if d.OnCall.Nobody() {
		b.WriteString("nobody is on call")
	} else {
		b.WriteString(d.OnCall.String())
	}
	if !d.Until.IsZero() {
		fmt.Fprintf(&b, " until %s", Stamp(d.Until, d.zone))
		if d.Next.Nobody() {
			b.WriteString(", then nobody")
		} else {
			fmt.Fprintf(&b, ", then %s", d.Next)
		}
	}
	b.WriteString(".")
	if !d.OnCall.Nobody() {
		fmt.Fprintf(&b, " %s.", reach(d.OnCall))
	}
	if len(d.Then) > 0 {
		names := make([]string, len(d.Then))
		for i, c := range d.Then {
			names[i] = c.String()
		}
		fmt.Fprintf(&b, " If unreachable: %s.", strings.Join(names, ", "))
	}
	for _, text := range d.replaced {
		b.WriteString("\n  ")
		b.WriteString(text)
	}
	return b.String()
}

func reach(c Contact) string {
	if len(c.Ways) == 0 {
		return "No way to reach them is known"
	}
	return "Reach by " + strings.Join(c.Ways, ", ")
}

// WhoText says some answers, one after another.
func WhoText(duties []Duty) string {
	if len(duties) == 0 {
		return "There are no rotas."
	}
	lines := make([]string, len(duties))
	for i, d := range duties {
		lines[i] = d.Text()
	}
	return strings.Join(lines, "\n")
}

// Explanation answers "why?" for a role or a person.
type Explanation struct {
	At time.Time `json:"at"`
	// Person is who was asked about; nobody: a role was.
	Person Contact `json:"person,omitzero"`
	// Duties are the role that was asked about, or those in which the person
	// is on call, follows, or is replaced.
	Duties []Duty `json:"duties"`
	// NextRole and Next are the person's next shift within a year of At, when
	// they have no duty now; zero: none.
	NextRole string    `json:"next_role,omitempty"`
	Next     time.Time `json:"next,omitzero"`

	zone *time.Location
}

// Why explains who is on call for a role, or why a person is or is not. The
// subject is a role's name or anything that Find knows a person by. The error
// is a sentence for whoever asked. Times are said in zone; nil: in each
// rota's own.
func (s Schedule) Why(subject string, at time.Time, overrides []Override, zone *time.Location) (Explanation, error) {
	e := Explanation{At: at, zone: zone}
	for _, role := range s.Roles() {
		if strings.EqualFold(role, strings.TrimSpace(subject)) {
			e.Duties = s.Who(at, overrides, zone, role)
			return e, nil
		}
	}
	m, ok := s.Find(subject)
	if !ok {
		m, ok = substitute(subject, overrides)
	}
	if !ok {
		return e, fmt.Errorf("%q is neither a role nor a person of any rota; the roles are %s", subject, strings.Join(s.Roles(), ", "))
	}
	e.Person = contact(m)
	for _, d := range s.Who(at, overrides, zone) {
		if d.concerns(m.Person()) {
			e.Duties = append(e.Duties, d)
		}
	}
	if !e.onCall() {
		e.NextRole, e.Next = s.nextShift(m, at, overrides)
	}
	return e, nil
}

// substitute finds a person who is in no rota and in some override.
func substitute(subject string, overrides []Override) (Member, bool) {
	subject = strings.TrimSpace(subject)
	s := Schedule{Rotas: map[string]Rota{}}
	for _, o := range overrides {
		m, _ := s.Member(o.Who)
		for _, known := range []string{o.Who.Key, o.Who.Name, m.Slack, strings.TrimPrefix(m.Slack, "@")} {
			if known != "" && strings.EqualFold(known, subject) {
				return m, true
			}
		}
	}
	return Member{}, false
}

func (d Duty) concerns(p incident.Person) bool {
	if d.OnCall.Is(p) {
		return true
	}
	for _, c := range d.Then {
		if c.Is(p) {
			return true
		}
	}
	for _, step := range d.Chain {
		if step.Person.Is(p) || step.Instead.Is(p) {
			return true
		}
	}
	return false
}

func (e Explanation) onCall() bool {
	for _, d := range e.Duties {
		if d.OnCall.Is(e.Person.Person) {
			return true
		}
	}
	return false
}

// nextShift is the first shift of a person that begins within a year after a
// moment, over all roles.
func (s Schedule) nextShift(m Member, at time.Time, overrides []Override) (role string, from time.Time) {
	for _, r := range s.Roles() {
		end := at.AddDate(1, 0, 0)
		if !from.IsZero() {
			end = from
		}
		l := s.line(r, overrides)
		for t := at; ; {
			shift := l.shift(t)
			if shift.Until.IsZero() || !shift.Until.Before(end) {
				break
			}
			if t = shift.Until; shift.Next.Is(m) {
				role, from = r, t
				break
			}
		}
	}
	return role, from
}

// Text says the explanation in plain words.
func (e Explanation) Text() string {
	var b strings.Builder
	if !e.Person.Nobody() && !e.onCall() {
		fmt.Fprintf(&b, "%s is not on call at %s.", e.Person, Stamp(e.At, e.zone))
		if e.NextRole != "" {
			fmt.Fprintf(&b, " Next: %s from %s.", e.NextRole, Stamp(e.Next, e.zone))
		}
		b.WriteString("\n")
	}
	for _, d := range e.Duties {
		head, _, _ := strings.Cut(d.Text(), "\n")
		b.WriteString(head)
		b.WriteString("\n")
		for _, text := range d.Why {
			fmt.Fprintf(&b, "  - %s\n", text)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
