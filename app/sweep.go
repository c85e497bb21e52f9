package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/bot"
	"muster/config"
	"muster/escalation/rota"
	"muster/incident"
	"muster/notify"
	"muster/notify/email"
	"muster/notify/pagerduty"
)

const (
	// sweepAhead is how far the sweep looks.
	sweepAhead = 14 * 24 * time.Hour
	// testedWithin is how old a phone's last test page may be.
	testedWithin = 30 * 24 * time.Hour
)

// Finding is one thing that would keep a page from somebody who will be on
// call.
type Finding struct {
	// Person is nobody when it concerns everybody.
	Person incident.Person `json:"person,omitzero"`
	Role   string          `json:"role,omitempty"`
	// From is when the person comes on call; before the sweep: is on call.
	From time.Time `json:"from,omitzero"`
	// About is slack, phone, pagerduty or email.
	About string `json:"about"`
	// Text is one sentence without addresses and numbers.
	Text string `json:"text"`
}

// sweep looks whether everybody who is on call in the next two weeks can be
// reached. It wakes nobody.
type sweep struct {
	cfg       *config.Config // nil: nobody is on call
	overrides []rota.Override
	now       time.Time
	bot       *bot.Bot           // nil: Slack is not asked
	pagerduty *pagerduty.Channel // nil: PagerDuty is not asked
	// tested tells when a person's phone was last tested, zero: never; nil: not
	// known, or the phone is not configured.
	tested func(incident.Person) (time.Time, error)
}

// duty is one person who will be on call.
type duty struct {
	rota.Member
	role    string // the first one
	from    time.Time
	methods []string // of all levels of all their roles
}

// run gives what was found, by person in the order of their shifts.
func (s sweep) run(ctx context.Context) []Finding {
	people := s.duties()
	var all []Finding
	all = append(all, s.askSlack(ctx, people)...)
	for _, d := range people {
		add := func(about, text string) { all = append(all, d.finding(about, text)) }
		if slices.Contains(d.methods, "phone") {
			if text := s.phone(d); text != "" {
				add("phone", text)
			}
		}
		if d.Email != "" || slices.Contains(d.methods, "email") {
			if err := email.CheckAddress(d.Email); err != nil {
				add("email", err.Error()+"; correct it in oncall/rotation.yaml")
			}
		}
	}
	all = append(all, s.askPagerDuty(ctx, people)...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Person.Name, b.Person.Name))
	})
	return all
}

// duties are the people who are on call at some time of the span, once each.
func (s sweep) duties() []duty {
	if s.cfg == nil {
		return nil
	}
	roles := s.cfg.Schedule.Roles()
	methods := map[string][]string{}
	for _, l := range s.cfg.Ladder.Levels {
		if !slices.Contains(roles, l.Role) {
			roles = append(roles, l.Role)
		}
		methods[l.Role] = append(methods[l.Role], l.Methods...)
	}
	var out []duty
	for _, role := range roles {
		for _, shift := range s.cfg.Schedule.Shifts(role, s.now, s.now.Add(sweepAhead), s.overrides) {
			m := shift.OnCall()
			if m.Nobody() {
				continue
			}
			i := slices.IndexFunc(out, func(d duty) bool { return d.Is(m) })
			if i < 0 {
				i, out = len(out), append(out, duty{Member: m, role: role, from: shift.From})
			}
			if shift.From.Before(out[i].from) {
				out[i].role, out[i].from = role, shift.From
			}
			out[i].methods = append(out[i].methods, methods[role]...)
		}
	}
	return out
}

func (d duty) finding(about, text string) Finding {
	return Finding{Person: d.Person(), Role: d.role, From: d.from, About: about, Text: text}
}

// phone says what is wrong with a person's phone; empty: nothing.
func (s sweep) phone(d duty) string {
	if d.Phone == "" {
		return "there is no phone number, and the ladder calls; add phone: in oncall/rotation.yaml"
	}
	if s.tested == nil {
		return ""
	}
	last, err := s.tested(d.Person())
	switch {
	case err != nil:
		return "when the phone was last tested cannot be read: " + err.Error()
	case last.IsZero():
		return "the phone has never been tested; send a test page"
	case s.now.Sub(last) > testedWithin:
		return fmt.Sprintf("the phone was last tested %d days ago; send a test page", int(s.now.Sub(last).Hours()/24))
	}
	return ""
}

// askSlack looks for each person's user, and opens the direct message.
func (s sweep) askSlack(ctx context.Context, people []duty) []Finding {
	if s.bot == nil {
		return nil
	}
	silent := func(err error) []Finding {
		return []Finding{{About: "slack", Text: "Slack could not be asked about its users (" + slackWord(err) + ")"}}
	}
	if err := patiently(ctx, func() error { return s.bot.Directory().Refresh(ctx) }); err != nil {
		return silent(err)
	}
	var out []Finding
	for _, d := range people {
		var user bot.User
		err := patiently(ctx, func() (err error) {
			user, err = s.bot.Directory().Lookup(ctx, d.Person())
			return err
		})
		switch {
		case err != nil && slackWord(err) != "users_not_found":
			return append(out, silent(err)...)
		case err != nil:
			out = append(out, d.finding("slack", "no Slack user has the mail address of oncall/rotation.yaml; correct one of the two"))
			continue
		case user.Deactivated:
			out = append(out, d.finding("slack", "the Slack user is deactivated; put somebody else on call, or have the user activated"))
			continue
		}
		err = patiently(ctx, func() error {
			_, err := s.bot.API().OpenDM(ctx, user.ID)
			return err
		})
		if err != nil {
			out = append(out, d.finding("slack", "no direct message can be opened ("+slackWord(err)+")"))
		}
	}
	return out
}

// slackWord is Slack's word for an error, which never holds an address.
func slackWord(err error) string {
	e, ok := errors.AsType[*bot.Error](err)
	switch {
	case !ok:
		return "it does not answer"
	case e.Code != "":
		return e.Code
	default:
		return fmt.Sprintf("HTTP status %d", e.Status)
	}
}

// patience is how often a call is repeated that Slack wants later.
const patience = 5

// patiently repeats what Slack wants later.
func patiently(ctx context.Context, call func() error) error {
	for n := 0; ; n++ {
		err := call()
		e, ok := errors.AsType[*bot.Error](err)
		if !ok || e.RetryAfter <= 0 || n == patience {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(e.RetryAfter):
		}
	}
}

// askPagerDuty looks for the users of those whom the ladder pages there.
func (s sweep) askPagerDuty(ctx context.Context, people []duty) []Finding {
	if s.pagerduty == nil {
		return nil
	}
	var out []Finding
	for _, f := range s.pagerduty.Check(ctx, paged(people)...) {
		if f.Bad {
			out = append(out, Finding{About: "pagerduty", Text: f.Text})
		}
	}
	return out
}

// paged are those whom the ladder pages over PagerDuty.
func paged(people []duty) []notify.Contact {
	var out []notify.Contact
	for _, d := range people {
		if slices.Contains(d.methods, "pagerduty") {
			out = append(out, contactOf(d.Member))
		}
	}
	return out
}

func contactOf(m rota.Member) notify.Contact {
	return notify.Contact{Person: m.Person(), Email: m.Email, Phone: m.Phone, PagerDuty: m.PagerDuty, Zone: m.Zone}
}

// String says a finding with whom it concerns.
func (f Finding) String() string {
	if f.Person.Nobody() {
		return f.Text
	}
	who := f.Person.Name
	if who == "" {
		who = "Somebody without a name"
	}
	return fmt.Sprintf("%s (%s): %s", who, f.Role, f.Text)
}

// sweepText lists findings, one a line.
func sweepText(list []Finding) string {
	lines := make([]string, len(list))
	for i, f := range list {
		lines[i] = "• " + f.String()
	}
	return strings.Join(lines, "\n")
}
