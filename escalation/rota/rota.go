package rota

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// Member is a person who can be on call, with the ways to reach them. An
// empty field is a way that does not exist.
type Member struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	// Phone is in E.164 form and stays out of every encoding and log.
	Phone string `json:"-"`
	// Slack is "@handle" or a user ID.
	Slack string `json:"slack,omitempty"`
	// PagerDuty is a user ID; empty: found by e-mail.
	PagerDuty string `json:"pagerduty,omitempty"`
	// Zone is for showing times to the person; nil: none given. It never
	// moves a hand-over.
	Zone *time.Location `json:"-"`
}

// Person is the member as an incident knows them: the key is the lower-case
// e-mail address, else "slack:@handle", else "name:" and the lower-case name.
// The zero value is nobody.
func (m Member) Person() incident.Person {
	p := incident.Person{Name: m.Name}
	switch {
	case m.Email != "":
		p.Key = strings.ToLower(m.Email)
	case m.Slack != "":
		p.Key = "slack:" + m.Slack
	case m.Name != "":
		p.Key = "name:" + strings.ToLower(m.Name)
	}
	return p
}

// Nobody tells whether m has nothing to be known by.
func (m Member) Nobody() bool { return m.Person().Nobody() }

// String gives the name, else the key; never the phone number.
func (m Member) String() string { return m.Person().String() }

// GoString is String, so that no way of printing shows the phone number.
func (m Member) GoString() string { return m.String() }

// LogValue is String.
func (m Member) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Is tells whether both are the same person, or both nobody.
func (m Member) Is(o Member) bool { return m.Person().Key == o.Person().Key }

// Ways lists how the member can be reached, in the words of the ladder's
// methods: pagerduty, phone, slack, email.
func (m Member) Ways() []string {
	var ways []string
	for _, w := range []string{"pagerduty", "phone", "slack", "email"} {
		if m.Reachable(w) {
			ways = append(ways, w)
		}
	}
	return ways
}

// Reachable tells whether a page over the method has an address to go to.
// Slack and PagerDuty users are also found by e-mail.
func (m Member) Reachable(method string) bool {
	switch method {
	case "pagerduty":
		return m.PagerDuty != "" || m.Email != ""
	case "phone":
		return m.Phone != ""
	case "slack":
		return m.Slack != "" || m.Email != ""
	case "email":
		return m.Email != ""
	default:
		return false
	}
}

// Rotation says how a rota hands over. The zero value does not rotate.
type Rotation string

// The four rotations. Custom hands over every Rota.Every.
const (
	None   Rotation = ""
	Daily  Rotation = "daily"
	Weekly Rotation = "weekly"
	Custom Rotation = "custom"
)

// String gives the word of the configuration file.
func (r Rotation) String() string {
	if r == None {
		return "none"
	}
	return string(r)
}

// Rota is who is on call for one role. Its boundaries are civil times in
// Zone: the n-th after the first is n steps later on the wall, whatever the
// zone's clock does in between. A step of hours counts on the wall too, so a
// rota of 12 hours from 09:00 hands over at 09:00 and 21:00 all year.
type Rota struct {
	Name  string // the key that levels and policies use
	Title string // for reading; empty: the name
	Type  Rotation
	// Weekday is the day of a weekly hand-over.
	Weekday time.Weekday
	At      Clock
	Zone    *time.Location // nil: UTC
	// Every is the step of a custom rotation in civil time, a day being 24
	// hours; zero or less: the rota does not rotate.
	Every time.Duration
	// StartsOn is the day on or after which the first member's first shift
	// begins: on that day at At (weekly: on its first Weekday). The order
	// extends both ways from there.
	StartsOn Date
	Members  []Member
}

// String gives the title, else the name.
func (r Rota) String() string {
	if r.Title != "" {
		return r.Title
	}
	return r.Name
}

func (r Rota) zone() *time.Location {
	if r.Zone == nil {
		return time.UTC
	}
	return r.Zone
}

func (r Rota) step() int64 {
	switch r.Type {
	case Daily:
		return daySeconds
	case Weekly:
		return 7 * daySeconds
	case Custom:
		return max(0, int64(r.Every/time.Second))
	default:
		return 0
	}
}

// Rotates tells whether the rota ever hands over.
func (r Rota) Rotates() bool { return r.step() > 0 && len(r.Members) > 0 }

func (r Rota) anchor() wall {
	first := r.StartsOn
	if r.Type == Weekly {
		first = first.OnOrAfter(r.Weekday)
	}
	return first.wall(r.At)
}

// Boundary is the moment of the n-th hand-over; number 0 begins the first
// member's first shift. The zero time when the rota does not rotate.
func (r Rota) Boundary(n int64) time.Time {
	if !r.Rotates() {
		return time.Time{}
	}
	return reached(r.anchor()+wall(n*r.step()), r.zone())
}

// Shift finds the shift of the rotation that a moment lies in: its number,
// its begin, and its end, which is the first moment that does not belong to
// it. Zero times when the rota does not rotate.
func (r Rota) Shift(at time.Time) (n int64, from, until time.Time) {
	if !r.Rotates() {
		return 0, time.Time{}, time.Time{}
	}
	n = floorDiv(int64(wallAt(at, r.zone())-r.anchor()), r.step())
	// The wall may have been set back since it reached a later boundary: the
	// guess is at most a day's worth of steps too low, and never too high.
	from, until = r.Boundary(n), r.Boundary(n+1)
	for !until.After(at) {
		n++
		from, until = until, r.Boundary(n+1)
	}
	return n, from, until
}

// NextBoundary is the first hand-over after a moment; the zero time when the
// rota does not rotate.
func (r Rota) NextBoundary(at time.Time) time.Time {
	_, _, until := r.Shift(at)
	return until
}

// order is who to try for shift n: the one on call, and, without rotation,
// those who follow.
func (r Rota) order(n int64) []Member {
	if !r.Rotates() {
		return r.Members
	}
	i := int(floorMod(n, int64(len(r.Members))))
	return r.Members[i : i+1 : i+1]
}

// Override replaces a person of a role for a span. A swap is two of them with
// the same ID.
type Override struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	// From is the first moment of the span, Until the first after it. A span
	// that is empty changes nothing.
	From  time.Time       `json:"from"`
	Until time.Time       `json:"until"`
	Who   incident.Person `json:"who"`
	// Instead is the one who is replaced, wherever they are in the order;
	// nobody: whoever is on call.
	Instead incident.Person `json:"instead,omitzero"`
	Swap    bool            `json:"swap,omitempty"`
	By      incident.Person `json:"by"`
	At      time.Time       `json:"at"`
	Reason  string          `json:"reason,omitempty"`
}

// Covers tells whether a moment lies in the override's span.
func (o Override) Covers(at time.Time) bool {
	return !at.Before(o.From) && at.Before(o.Until)
}

// Schedule is all rotas by name. The zero value has nobody on call.
type Schedule struct {
	Rotas map[string]Rota
	// Order is the names in the order to show them; empty: sorted.
	Order []string
}

// Roles lists the rotas' names in the order to show them.
func (s Schedule) Roles() []string {
	if len(s.Order) > 0 {
		return slices.Clone(s.Order)
	}
	names := make([]string, 0, len(s.Rotas))
	for name := range s.Rotas {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Members lists everybody in the rotas once, in the order of Roles.
func (s Schedule) Members() []Member {
	var all []Member
	for _, role := range s.Roles() {
		for _, m := range s.Rotas[role].Members {
			if !slices.ContainsFunc(all, m.Is) {
				all = append(all, m)
			}
		}
	}
	return all
}

// Member finds a person of the rotas by key. Somebody in no rota comes back
// with what the key itself says, and false.
func (s Schedule) Member(p incident.Person) (Member, bool) {
	for _, role := range s.Roles() {
		for _, m := range s.Rotas[role].Members {
			if m.Person().Is(p) {
				return m, true
			}
		}
	}
	m := Member{Name: p.Name}
	switch kind, rest, _ := strings.Cut(p.Key, ":"); {
	case kind == "slack":
		m.Slack = rest
	case kind != "name":
		m.Email = p.Key
	}
	return m, false
}

// Find finds a member by what a person types: an e-mail address, a Slack
// handle with or without @, a key, or a name, in any case.
func (s Schedule) Find(text string) (Member, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Member{}, false
	}
	for _, m := range s.Members() {
		for _, known := range []string{m.Email, m.Slack, strings.TrimPrefix(m.Slack, "@"), m.Person().Key, m.Name} {
			if known != "" && strings.EqualFold(known, text) {
				return m, true
			}
		}
	}
	return Member{}, false
}
