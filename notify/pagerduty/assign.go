package pagerduty

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/notify"
)

// The states of a PagerDuty incident.
const (
	triggered    = "triggered"
	acknowledged = "acknowledged"
	resolved     = "resolved"
)

// skew is how far PagerDuty's clock and ours may be apart.
const skew = 15 * time.Second

// justNow is how old an acknowledgement in PagerDuty may be and still be news:
// longer than the time between two looks of the Watcher.
const justNow = time.Minute

// creation is the body that creates an incident. It is not the library's,
// which sends "priority": null.
type creation struct {
	Type        string           `json:"type"`
	Title       string           `json:"title"`
	Service     sdk.APIReference `json:"service"`
	Urgency     string           `json:"urgency"`
	IncidentKey string           `json:"incident_key"`
	Body        sdk.APIDetails   `json:"body"`
	Assignments []sdk.Assignee   `json:"assignments"`
}

func assignee(userID string) []sdk.Assignee {
	return []sdk.Assignee{{Assignee: sdk.APIObject{ID: userID, Type: "user_reference"}}}
}

// assign makes sure that an open incident with the page's key is assigned to
// the person, and that the person is notified of this page. It gives the
// incident's ID.
func (c *Channel) assign(ctx context.Context, m notify.Message, maybeSent bool) (string, error) {
	user, err := c.userID(ctx, m.To)
	if err != nil {
		return "", err
	}
	from, err := c.senderFor(ctx, user)
	if err != nil {
		return "", err
	}
	service, err := c.service(ctx)
	if err != nil {
		return "", err
	}
	key := providerKey(m.Dedup)
	if maybeSent {
		open, err := c.open(ctx, key, service.ID)
		if err != nil {
			return "", err
		}
		if open != nil {
			return c.again(ctx, m, *open, user, from, true)
		}
	}
	var out struct {
		Incident sdk.Incident `json:"incident"`
	}
	err = c.call(ctx, request{
		what: "create the incident", method: http.MethodPost, path: "/incidents", from: from.mail, out: &out,
		body: map[string]creation{"incident": {
			Type: "incident", Title: headline(m.Incident, maxTitle), Service: sdk.APIReference{ID: service.ID, Type: "service_reference"},
			Urgency: c.urgency(m.Incident.Severity), IncidentKey: key,
			Body: sdk.APIDetails{Type: "incident_body", Details: details(m)}, Assignments: assignee(user),
		}},
	})
	var f *failure
	switch {
	case errors.As(err, &f) && f.Status == http.StatusBadRequest && f.Code != 1007 && f.Code != 1008:
		// An open incident with the key is refused like any wrong input.
		open, lookErr := c.open(ctx, key, service.ID)
		if lookErr != nil {
			return "", lookErr
		}
		if open == nil {
			return "", err
		}
		return c.again(ctx, m, *open, user, from, maybeSent)
	case err != nil:
		if f != nil && f.Kind == notify.Refused {
			c.users.forget()
		}
		return "", err
	case out.Incident.ID == "":
		return "", lost(request{what: "create the incident"}, "the answer names no incident")
	case out.Incident.Status == acknowledged:
		return "", &failure{Provider: provider, What: "page the person", Kind: notify.Refused,
			Why: "the API key belongs to the very person to page, and PagerDuty notifies nobody of an incident they create; use an account's key and a PAGERDUTY_FROM of its own"}
	}
	return out.Incident.ID, nil
}

// open finds the open incident with a key; nil: there is none.
func (c *Channel) open(ctx context.Context, key, service string) (*sdk.Incident, error) {
	q := url.Values{
		"incident_key": {key}, "statuses[]": {triggered, acknowledged}, "date_range": {"all"}, "limit": {"25"},
	}
	if service != "" {
		q.Set("service_ids[]", service)
	}
	var list sdk.ListIncidentsResponse
	if err := c.get(ctx, "look for the page", "/incidents", q, &list); err != nil {
		return nil, err
	}
	for _, i := range list.Incidents {
		if i.Status == triggered || i.Status == acknowledged {
			return &i, nil
		}
	}
	return nil, nil
}

// again notifies the person once more of an open incident, by assigning it
// anew: that restarts their notification rules, and takes back an
// acknowledgement that lapsed.
func (c *Channel) again(ctx context.Context, m notify.Message, open sdk.Incident, user string, from sender, maybeSent bool) (string, error) {
	if maybeSent && notifiedSince(open, user, m.Page.At.Add(-skew)) {
		return open.ID, nil
	}
	// Somebody may have acknowledged there since we last looked: then they
	// are awake, and the answer is what matters.
	for _, a := range c.answers(ctx, open, Open{Ref: open.ID}) {
		if a.Kind == notify.Acknowledge && a.At.After(m.Page.At.Add(-justNow)) {
			if err := c.tell(ctx, a); err != nil {
				return "", &failure{Provider: provider, What: "take an acknowledgement from PagerDuty", Kind: notify.Unsent, Why: "it could not be recorded"}
			}
			return open.ID, nil
		}
	}
	err := c.put(ctx, "assign the incident again", open.ID, from, change{Assignments: assignee(user)})
	if coded(err, codeResolved) {
		// Resolved between the look and the call: the next attempt creates a new one.
		return "", &failure{Provider: provider, What: "assign the incident again", Kind: notify.Unsent, Why: "it was resolved in the meantime"}
	}
	return open.ID, err
}

// notifiedSince tells whether PagerDuty began to notify the user after t.
func notifiedSince(i sdk.Incident, user string, t time.Time) bool {
	for _, a := range i.Assignments {
		if a.Assignee.ID == user && !stamp(a.At).Before(t) {
			return true
		}
	}
	return false
}

// forget drops what was found, after PagerDuty refused something built on it.
func (d *directory) forget() {
	fresh := newDirectory()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byMail, d.byID, d.me, d.service = fresh.byMail, fresh.byID, fresh.me, fresh.service
}
