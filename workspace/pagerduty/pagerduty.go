package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what the stand-in begins with. The zero value has no users.
type Config struct {
	APIKey     string // empty: any is taken
	Me         string // the ID of the user whose key it is; empty: it is the account's
	RoutingKey string // empty: any is taken
	Users      []User
	Services   []Service // empty: one named Muster
	Schedules  []Schedule
	// OnCall is the ID of the user whom an event wakes; empty: the first.
	OnCall string
	// WebhookURL is where webhooks go, signed with WebhookSecret; empty: none.
	WebhookURL    string
	WebhookSecret string
	HTTP          *http.Client // for webhooks; nil: a plain one
	// Notify is told when somebody would be woken; nil: nobody is. It is
	// called from Run, in order.
	Notify func(Notification)
	// Validate checks each request before it is handled; nil: none is checked.
	// A wrong one is answered with 400 and kept in Calls.
	Validate func(*http.Request) error
	Now      func() time.Time // nil: time.Now
}

// User is somebody with a PagerDuty account.
type User struct {
	ID, Name, Email, Zone string
	// Phone is a number without its country's code.
	Phone   string
	Country int // the country's code; 0: 1
}

// Service is where incidents are created.
type Service struct {
	ID, Name string
	Status   string // empty: active
}

// Notification is somebody being woken.
type Notification struct {
	User     User
	Incident Incident
}

// Incident is a PagerDuty incident. Values are copies.
type Incident struct {
	ID, Key, Title, Body, Urgency, Service string
	Number                                 int
	Status                                 string // triggered, acknowledged, resolved
	Created, Changed                       time.Time
	ChangedBy                              string // a user ID; empty: no user
	Assigned                               []Mark
	Acks                                   []Mark
	Notes                                  []Note
	Event                                  bool // came by an event
}

// Mark is a user at a time.
type Mark struct {
	User string // ID
	At   time.Time
}

// Note is a note on an incident.
type Note struct {
	ID, User, Text string
	At             time.Time
}

// Call is one request that came in.
type Call struct {
	Method, Path, From, Body string
	Status                   int
	Wrong                    string // why Validate refused it
}

// PagerDuty is the stand-in. Its methods may be called from several goroutines
// at once.
type PagerDuty struct {
	cfg Config

	mu        sync.Mutex
	incidents []*Incident
	faults    []*Fault
	calls     []Call
	count     int

	hooks, pages queue
	subscription subscription
}

// New makes a stand-in.
func New(cfg Config) *PagerDuty {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: webhookTimeout}
	}
	if len(cfg.Services) == 0 {
		cfg.Services = []Service{{ID: "PMUSTER", Name: "Muster"}}
	}
	cfg.Users, cfg.Services, cfg.Schedules = slices.Clone(cfg.Users), slices.Clone(cfg.Services), slices.Clone(cfg.Schedules)
	if cfg.OnCall == "" && len(cfg.Users) > 0 {
		cfg.OnCall = cfg.Users[0].ID
	}
	p := &PagerDuty{cfg: cfg}
	p.hooks.more, p.pages.more = make(chan struct{}, 1), make(chan struct{}, 1)
	return p
}

// Incidents gives all incidents, oldest first.
func (p *PagerDuty) Incidents() []Incident {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Incident, len(p.incidents))
	for i, inc := range p.incidents {
		out[i] = inc.copy()
	}
	return out
}

// Calls gives all requests, oldest first.
func (p *PagerDuty) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

func (i *Incident) copy() Incident {
	c := *i
	c.Assigned, c.Acks, c.Notes = slices.Clone(i.Assigned), slices.Clone(i.Acks), slices.Clone(i.Notes)
	return c
}

// Acknowledge is the user acknowledging an incident, named by its ID or key.
func (p *PagerDuty) Acknowledge(user, incident string) error {
	return p.act(user, incident, acknowledged)
}

// Resolve is the user resolving an incident, named by its ID or key.
func (p *PagerDuty) Resolve(user, incident string) error {
	return p.act(user, incident, resolved)
}

func (p *PagerDuty) act(user, name, status string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.user(user)
	if !ok {
		return fmt.Errorf("PagerDuty has no user %q", user)
	}
	inc := p.find(name)
	if inc == nil {
		return fmt.Errorf("PagerDuty has no incident %q", name)
	}
	if f := p.change(inc, status, u.ID); f != nil {
		return fmt.Errorf("%s", f.message)
	}
	return nil
}

// The states of an incident.
const (
	triggered    = "triggered"
	acknowledged = "acknowledged"
	resolved     = "resolved"
)

// find gives the newest incident with the ID or key. p.mu is held.
func (p *PagerDuty) find(name string) *Incident {
	for _, inc := range slices.Backward(p.incidents) {
		if inc.ID == name || inc.Key == name {
			return inc
		}
	}
	return nil
}

// openKey gives the open incident with a key. p.mu is held.
func (p *PagerDuty) openKey(key string) *Incident {
	if inc := p.find(key); key != "" && inc != nil && inc.Status != resolved {
		return inc
	}
	return nil
}

// user finds a user by ID or e-mail address.
func (p *PagerDuty) user(name string) (User, bool) {
	for _, u := range p.cfg.Users {
		if name != "" && (u.ID == name || strings.EqualFold(u.Email, name)) {
			return u, true
		}
	}
	return User{}, false
}

// create opens an incident. by is the creator's ID; empty: an event. p.mu is
// held.
func (p *PagerDuty) create(inc Incident, assignee, by string) *Incident {
	p.count++
	now := p.cfg.Now().UTC()
	inc.ID, inc.Number = fmt.Sprintf("Q%07d", p.count), p.count
	inc.Status, inc.Created, inc.Changed, inc.ChangedBy = triggered, now, now, by
	if assignee != "" {
		inc.Assigned = []Mark{{assignee, now}}
	}
	kept := &inc
	p.incidents = append(p.incidents, kept)
	p.emit("incident.triggered", kept, by)
	if assignee != "" && assignee == by {
		inc.Status, inc.Acks = acknowledged, []Mark{{by, now}}
		p.emit("incident.acknowledged", kept, by)
		return kept
	}
	p.wake(kept)
	return kept
}

// assign gives an incident to a user, anew if it was theirs. p.mu is held.
func (p *PagerDuty) assign(inc *Incident, user, by string) {
	now := p.cfg.Now().UTC()
	inc.Assigned, inc.Acks = []Mark{{user, now}}, nil
	inc.Status, inc.Changed, inc.ChangedBy = triggered, now, by
	p.emit("incident.reassigned", inc, by)
	p.wake(inc)
}

// change moves an incident's status. p.mu is held.
func (p *PagerDuty) change(inc *Incident, status, by string) *apiError {
	now := p.cfg.Now().UTC()
	switch {
	case inc.Status == resolved:
		return &apiError{http.StatusBadRequest, 1001, "Incident Already Resolved"}
	case status == acknowledged && inc.Status == acknowledged && slices.ContainsFunc(inc.Acks, func(m Mark) bool { return m.User == by }):
		return &apiError{http.StatusBadRequest, 1002, "Incident Already Acknowledged"}
	case status == acknowledged:
		inc.Acks = append(inc.Acks, Mark{by, now})
	case status == resolved:
		inc.Assigned, inc.Acks = nil, nil
	}
	inc.Status, inc.Changed, inc.ChangedBy = status, now, by
	p.emit("incident."+status, inc, by)
	return nil
}

// wake has Run tell Notify. p.mu is held.
func (p *PagerDuty) wake(inc *Incident) {
	if p.cfg.Notify == nil || len(inc.Assigned) == 0 {
		return
	}
	u, _ := p.user(inc.Assigned[0].User)
	n := Notification{u, inc.copy()}
	p.pages.add(func(context.Context) { p.cfg.Notify(n) })
}
