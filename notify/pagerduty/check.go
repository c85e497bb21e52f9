package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	sdk "github.com/PagerDuty/go-pagerduty"

	"muster/notify"
)

// Finding is one thing that Check looked at.
type Finding struct {
	Bad  bool   // a page would fail
	Text string // one sentence, without addresses
}

// Check looks at what pages need, and sends nothing: the key, the service, the
// sender, and each person's user. Bad findings come first. A routing key cannot
// be checked without waking somebody, which the findings say.
func (c *Channel) Check(ctx context.Context, people ...notify.Contact) []Finding {
	var bad, fine []Finding
	say := func(err error, text string) bool {
		if err != nil {
			bad = append(bad, Finding{true, sentence(err)})
			return false
		}
		if text != "" {
			fine = append(fine, Finding{false, text})
		}
		return true
	}
	if c.cfg.RoutingKey != "" {
		fine = append(fine, Finding{false, "PagerDuty: there is a routing key; only an event that wakes somebody can tell whether it is right"})
	}
	if !c.rest() {
		return append(fine, Finding{false, "PagerDuty: without PAGERDUTY_API_KEY, pages wake whoever PagerDuty's own service names, and acknowledgements come back by webhook only"})
	}
	c.users.forget() // a look is a new look
	var f *failure
	err := c.get(ctx, "use the API key", "/users", url.Values{"limit": {"1"}}, nil)
	if !say(err, "PagerDuty: the API key is taken") && errors.As(err, &f) && f.Status != 429 {
		return append(bad, fine...)
	}
	c.checkService(ctx, say)
	made := "PagerDuty: PAGERDUTY_FROM is a user"
	if c.cfg.From == "" {
		made = "PagerDuty: requests are made for the API key's own user"
	}
	all, err := c.senders(ctx)
	say(err, made)
	for _, p := range people {
		id := p.PagerDuty
		if id == "" {
			id, err = c.userID(ctx, p)
		} else {
			_, err = c.userByID(ctx, id)
		}
		if err != nil {
			bad = append(bad, Finding{true, fmt.Sprintf("%s: %s", named(p.Person), sentence(err))})
			continue
		}
		others := 0
		for _, s := range all {
			if s.id != id {
				others++
			}
		}
		if len(all) > 0 && others == 0 {
			bad = append(bad, Finding{true, fmt.Sprintf("%s is the user of PAGERDUTY_FROM, whom PagerDuty would not notify of a page; set it to another user, best one of its own", named(p.Person))})
			continue
		}
		fine = append(fine, Finding{false, fmt.Sprintf("%s has a PagerDuty user", named(p.Person))})
	}
	return append(bad, fine...)
}

// checkService tells which service is used, and whether it notifies at all.
func (c *Channel) checkService(ctx context.Context, say func(error, string) bool) {
	s, err := c.service(ctx)
	if err == nil && c.cfg.Service != "" {
		var out struct {
			Service sdk.Service `json:"service"`
		}
		err = c.get(ctx, "find the configured service", "/services/"+url.PathEscape(c.cfg.Service), nil, &out)
		s = out.Service
	}
	if err == nil && (s.Status == "disabled" || s.Status == "maintenance") {
		err = &failure{Provider: provider, What: "page over the service " + s.Name, Kind: notify.Refused, Why: "its status is " + s.Status + ", so that it notifies nobody; enable it"}
	}
	text := fmt.Sprintf("PagerDuty: pages go to the service %s", s.Name)
	if c.cfg.Service == "" && !strings.EqualFold(s.Name, serviceNamed) {
		text += fmt.Sprintf(", the first enabled one; create one named %s to keep them apart", serviceNamed)
	}
	say(err, text)
}

func sentence(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.Error()
	}
	return "PagerDuty: cannot be asked"
}
