package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/incident"
	"muster/notify"
)

// fresh is how long a found user or service is used without asking again; an
// older one still serves while PagerDuty does not answer.
const fresh = time.Hour

type entry[T any] struct {
	value T
	at    time.Time
}

// directory remembers users and the service.
type directory struct {
	mu      sync.Mutex
	byMail  map[string]entry[sdk.User]
	byID    map[string]entry[sdk.User]
	me      entry[sdk.User]
	service entry[sdk.Service]
	people  map[string]incident.Person // by user ID, as we page them
}

func newDirectory() *directory {
	return &directory{
		byMail: map[string]entry[sdk.User]{}, byID: map[string]entry[sdk.User]{}, people: map[string]incident.Person{},
	}
}

// recall gives what slot holds if it is fresh, else what ask finds, else, if
// PagerDuty gave no answer, what slot holds anyway.
func recall[T any](d *directory, slot func() *entry[T], put func(entry[T]), ask func() (T, error)) (T, error) {
	d.mu.Lock()
	held := *slot()
	d.mu.Unlock()
	if !held.at.IsZero() && time.Since(held.at) < fresh {
		return held.value, nil
	}
	value, err := ask()
	if err == nil {
		d.mu.Lock()
		put(entry[T]{value, time.Now()})
		d.mu.Unlock()
		return value, nil
	}
	var f *failure
	if !held.at.IsZero() && errors.As(err, &f) && f.Kind != notify.Refused {
		return held.value, nil
	}
	return value, err
}

// userByMail finds a user by e-mail address.
func (c *Channel) userByMail(ctx context.Context, mail, missing string) (sdk.User, error) {
	mail = strings.ToLower(mail)
	d := c.users
	slot := func() *entry[sdk.User] { e := d.byMail[mail]; return &e }
	return recall(d, slot, func(e entry[sdk.User]) { d.byMail[mail] = e }, func() (sdk.User, error) {
		var found sdk.User
		err := c.pages(ctx, "find the user", "/users", url.Values{"query": {mail}}, func(data json.RawMessage) (bool, error) {
			var list sdk.ListUsersResponse
			if err := json.Unmarshal(data, &list); err != nil {
				return false, err
			}
			for _, u := range list.Users {
				if strings.EqualFold(u.Email, mail) {
					found = u
				}
			}
			return list.More && found.ID == "", nil
		})
		if err == nil && found.ID == "" {
			err = &failure{Provider: provider, What: "find the user", Kind: notify.Refused, Why: missing}
		}
		return found, err
	})
}

// userByID finds a user by ID.
func (c *Channel) userByID(ctx context.Context, id string) (sdk.User, error) {
	d := c.users
	slot := func() *entry[sdk.User] { e := d.byID[id]; return &e }
	return recall(d, slot, func(e entry[sdk.User]) { d.byID[id] = e }, func() (sdk.User, error) {
		var out struct {
			User sdk.User `json:"user"`
		}
		err := c.get(ctx, "find the user", "/users/"+url.PathEscape(id), nil, &out)
		return out.User, err
	})
}

// userID is the PagerDuty user of the one to page.
func (c *Channel) userID(ctx context.Context, to notify.Contact) (string, error) {
	id := to.PagerDuty
	if id == "" {
		if to.Email == "" {
			return "", &failure{Provider: provider, What: "find the user", Kind: notify.Refused,
				Why: "the person has neither a PagerDuty ID nor an e-mail address; add pagerduty: or email: in oncall/rotation.yaml"}
		}
		u, err := c.userByMail(ctx, to.Email,
			"no user has this person's e-mail address; add pagerduty: with the user's ID in oncall/rotation.yaml")
		if err != nil {
			return "", err
		}
		id = u.ID
	}
	c.users.mu.Lock()
	c.users.people[id] = to.Person
	c.users.mu.Unlock()
	return id, nil
}

// sender is a user that requests are made for: their mail is the From header,
// without which PagerDuty's description allows no change.
type sender struct{ mail, id string }

// senders are all users whose doings are ours.
func (c *Channel) senders(ctx context.Context) ([]sender, error) {
	if c.cfg.From == "" {
		d := c.users
		me, err := recall(d, func() *entry[sdk.User] { e := d.me; return &e }, func(e entry[sdk.User]) { d.me = e }, func() (sdk.User, error) {
			var out struct {
				User sdk.User `json:"user"`
			}
			err := c.get(ctx, "find the API key's user", "/users/me", nil, &out)
			var f *failure
			if errors.As(err, &f) && (f.Status == 400 || f.Status == 404) {
				f.Why = "an account's API key has no user of its own: set PAGERDUTY_FROM to a user's e-mail address"
			}
			return out.User, err
		})
		return []sender{{me.Email, me.ID}}, err
	}
	var all []sender
	for _, mail := range []string{c.cfg.From, c.cfg.Spare} {
		if mail == "" {
			continue
		}
		u, err := c.userByMail(ctx, mail, "PAGERDUTY_FROM is no user of this account; set it to a user's e-mail address")
		if err != nil {
			return nil, err
		}
		all = append(all, sender{mail, u.ID})
	}
	return all, nil
}

// senderFor chooses whom to make requests for on an incident that is assigned
// to the users: not one of them, for PagerDuty notifies nobody of an incident
// of their own, and their doings must not be taken for ours.
func (c *Channel) senderFor(ctx context.Context, users ...string) (sender, error) {
	all, err := c.senders(ctx)
	if err != nil {
		return sender{}, err
	}
	for _, s := range all {
		if !contains(users, s.id) {
			return s, nil
		}
	}
	return sender{}, &failure{Provider: provider, What: "page the person", Kind: notify.Refused,
		Why: "PAGERDUTY_FROM is the very person to page, and PagerDuty notifies nobody of an incident they create; set PAGERDUTY_FROM to another user, best one of its own"}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// serviceNamed is the service that is taken where none is configured.
const serviceNamed = "Muster"

// service finds where incidents are created.
func (c *Channel) service(ctx context.Context) (sdk.Service, error) {
	if c.cfg.Service != "" {
		return sdk.Service{APIObject: sdk.APIObject{ID: c.cfg.Service}}, nil
	}
	d := c.users
	return recall(d, func() *entry[sdk.Service] { e := d.service; return &e }, func(e entry[sdk.Service]) { d.service = e }, func() (sdk.Service, error) {
		var best sdk.Service
		err := c.pages(ctx, "find the service", "/services", url.Values{"sort_by": {"name"}}, func(data json.RawMessage) (bool, error) {
			var list sdk.ListServiceResponse
			if err := json.Unmarshal(data, &list); err != nil {
				return false, err
			}
			for _, s := range list.Services {
				switch {
				case strings.EqualFold(s.Name, serviceNamed):
					best = s
					return false, nil
				case best.ID == "" && s.Status != "disabled" && s.Status != "maintenance":
					best = s
				}
			}
			return list.More, nil
		})
		if err == nil && best.ID == "" {
			err = &failure{Provider: provider, What: "find the service", Kind: notify.Refused,
				Why: "the account has no enabled service; create one named " + serviceNamed}
		}
		return best, err
	})
}

// Warm finds the service, the sender and the users ahead of time, so that the
// first page is one request. What cannot be found now is looked for again when
// it is needed.
func (c *Channel) Warm(ctx context.Context, people ...notify.Contact) error {
	if !c.rest() {
		return nil
	}
	_, err := c.service(ctx)
	_, err2 := c.senders(ctx)
	errs := []error{err, err2}
	for _, p := range people {
		_, err := c.userID(ctx, p)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
