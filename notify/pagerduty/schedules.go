package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"muster/notify"

	sdk "github.com/PagerDuty/go-pagerduty"
	"go.yaml.in/yaml/v3"
)

// rotaText and memberText are a rota and a member as oncall/rotation.yaml
// writes them.
type rotaText struct {
	Name     string       `yaml:"name"`
	Type     string       `yaml:"rotation_type,omitempty"`
	Every    string       `yaml:"every,omitempty"`
	Start    string       `yaml:"rotation_start,omitempty"`
	StartsOn string       `yaml:"starts_on,omitempty"`
	Members  []memberText `yaml:"members"`
}

type memberText struct {
	Name      string `yaml:"name"`
	Email     string `yaml:"email,omitempty"`
	Phone     string `yaml:"phone,omitempty"`
	Zone      string `yaml:"timezone,omitempty"`
	PagerDuty string `yaml:"pagerduty,omitempty"`
}

// lookAhead is for how long overrides are counted.
const lookAhead = 30 * 24 * time.Hour

// ImportSchedules reads PagerDuty's schedules as oncall_schedule of
// oncall/rotation.yaml, one rota for each layer that is in use. The notes say,
// schedule by schedule, what a rota cannot express. The text holds addresses
// and numbers; the notes and the error do not.
func (c *Channel) ImportSchedules(ctx context.Context) (text []byte, notes []string, err error) {
	if !c.rest() {
		return nil, nil, notify.Classified(&failure{Provider: provider, What: "read the schedules", Kind: notify.Refused, Why: "that needs PAGERDUTY_API_KEY"})
	}
	var ids []string
	err = c.pages(ctx, "read the schedules", "/schedules", url.Values{}, func(data json.RawMessage) (bool, error) {
		var list sdk.ListSchedulesResponse
		if err := json.Unmarshal(data, &list); err != nil {
			return false, err
		}
		for _, s := range list.Schedules {
			ids = append(ids, s.ID)
		}
		return list.More, nil
	})
	if err != nil {
		return nil, nil, notify.Classified(err)
	}
	i := importer{c: c, now: time.Now(), members: map[string]memberText{}, names: map[string]bool{}}
	i.rotas.Kind = yaml.MappingNode
	for _, id := range ids {
		if err := i.schedule(ctx, id); err != nil {
			return nil, nil, notify.Classified(err)
		}
	}
	if len(ids) == 0 {
		i.note("PagerDuty has no schedules")
	} else if !i.names["primary"] {
		i.note("no rota is called primary; rename the rotas to the roles of escalation.yaml, or name the rotas in its levels")
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(map[string]*yaml.Node{"oncall_schedule": &i.rotas}); err != nil {
		return nil, nil, fmt.Errorf("write the rotas: %w", err)
	}
	return out.Bytes(), i.notes, nil
}

// importer collects rotas.
type importer struct {
	c       *Channel
	now     time.Time
	rotas   yaml.Node
	notes   []string
	members map[string]memberText // by user ID
	names   map[string]bool
}

func (i *importer) note(format string, args ...any) {
	i.notes = append(i.notes, fmt.Sprintf(format, args...))
}

func (i *importer) schedule(ctx context.Context, id string) error {
	var out struct {
		Schedule sdk.Schedule `json:"schedule"`
	}
	path := "/schedules/" + url.PathEscape(id)
	if err := i.c.get(ctx, "read a schedule", path, nil, &out); err != nil {
		return err
	}
	s := out.Schedule
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "" {
		i.note("%s: its time zone %q is not known here; its hand-overs are written in UTC, so check them", s.Name, s.TimeZone)
		zone = time.UTC
	}
	var layers []sdk.ScheduleLayer
	for _, l := range s.ScheduleLayers {
		if end := stamp(l.End); end.IsZero() || end.After(i.now) {
			layers = append(layers, l)
		}
	}
	if len(layers) == 0 {
		i.note("%s: it has no layer that is in use, so it is left out", s.Name)
	}
	if len(layers) > 1 {
		i.note("%s: it has %d layers, of which the first covers those below it; a rota cannot cover another, so each became a rota of its own: put them together by hand", s.Name, len(layers))
	}
	for n, l := range layers {
		title := s.Name
		if len(layers) > 1 {
			title = fmt.Sprintf("%s, layer %d", s.Name, n+1)
		}
		if err := i.layer(ctx, title, l, zone); err != nil {
			return err
		}
	}
	return i.overrides(ctx, s.Name, path)
}

// layer writes one rota.
func (i *importer) layer(ctx context.Context, title string, l sdk.ScheduleLayer, zone *time.Location) error {
	r := rotaText{Name: title, Members: []memberText{}}
	for _, u := range l.Users {
		m, ok, err := i.member(ctx, u.User)
		if err != nil {
			return err
		}
		if !ok {
			i.note("%s: %s is no user any more and is left out, which moves the turns of the others: check them", title, u.User.Summary)
			continue
		}
		r.Members = append(r.Members, m)
	}
	start := stamp(l.RotationVirtualStart)
	if start.IsZero() {
		start = stamp(l.Start)
	}
	if len(r.Members) > 1 {
		i.turns(&r, l, start.In(zone), zone)
	}
	if begin := stamp(l.Start); begin.After(i.now) {
		i.note("%s: it begins on %s only; the rota is in force at once", title, begin.In(zone).Format(time.DateOnly))
	}
	if end := stamp(l.End); !end.IsZero() {
		i.note("%s: it ends on %s; a rota has no end, so remove it then", title, end.In(zone).Format(time.DateOnly))
	}
	for _, x := range l.Restrictions {
		i.note("%s: it is on call %s only; a rota has somebody on call at all hours, so this one does", title, hours(x))
	}
	var value yaml.Node
	if err := value.Encode(r); err != nil {
		return fmt.Errorf("write a rota: %w", err)
	}
	i.rotas.Content = append(i.rotas.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: i.name(title)}, &value)
	return nil
}

// turns writes when a rota hands over.
func (i *importer) turns(r *rotaText, l sdk.ScheduleLayer, start time.Time, zone *time.Location) {
	turn := time.Duration(l.RotationTurnLengthSeconds) * time.Second
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	r.Start, r.StartsOn = start.Format("15:04 ")+zone.String(), start.Format(time.DateOnly)
	if start.Second() != 0 {
		i.note("%s: it hands over at a fraction of a minute, which is dropped", r.Name)
	}
	switch {
	case turn == week:
		r.Type, r.Start = "weekly", start.Weekday().String()+" "+r.Start
	case turn == day:
		r.Type = "daily"
	case turn < time.Hour || turn > 366*day || turn%time.Minute != 0:
		i.note("%s: its turns last %v, which a rota cannot express (1h to 52w, whole minutes); it does not rotate", r.Name, turn)
		r.Start, r.StartsOn = "", ""
	case turn%week == 0:
		r.Type, r.Every = "custom", strconv.Itoa(int(turn/week))+"w"
	case turn%day == 0:
		r.Type, r.Every = "custom", strconv.Itoa(int(turn/day))+"d"
	default:
		r.Type, r.Every = "custom", fmt.Sprintf("%dh", int(turn/time.Hour))
		if m := turn % time.Hour / time.Minute; m > 0 {
			r.Every += fmt.Sprintf("%dm", m)
		}
	}
}

// hours says a restriction in words.
func hours(x sdk.Restriction) string {
	when := "daily"
	if x.Type == "weekly_restriction" {
		when = "weekly from " + time.Weekday(x.StartDayOfWeek%7).String()
	}
	return fmt.Sprintf("%s from %s for %v", when, x.StartTimeOfDay, time.Duration(x.DurationSeconds)*time.Second)
}

// member reads a user with their first telephone; ok is false when the user is
// gone.
func (i *importer) member(ctx context.Context, u sdk.APIObject) (memberText, bool, error) {
	if m, ok := i.members[u.ID]; ok {
		return m, m.Name != "", nil
	}
	var out struct {
		User struct {
			Name, Email string
			Zone        string `json:"time_zone"`
			Contacts    []struct {
				Type, Address string
				Country       int `json:"country_code"`
			} `json:"contact_methods"`
		} `json:"user"`
	}
	err := i.c.get(ctx, "read a user", "/users/"+url.PathEscape(u.ID), url.Values{"include[]": {"contact_methods"}}, &out)
	var f *failure
	if errors.As(err, &f) && f.Status == http.StatusNotFound {
		i.members[u.ID] = memberText{}
		return memberText{}, false, nil
	}
	if err != nil {
		return memberText{}, false, err
	}
	m := memberText{Name: out.User.Name, Email: strings.ToLower(out.User.Email), PagerDuty: u.ID}
	if _, err := time.LoadLocation(out.User.Zone); err == nil {
		m.Zone = out.User.Zone
	}
	for _, ct := range out.User.Contacts {
		if ct.Type == "phone_contact_method" && ct.Country > 0 {
			m.Phone = fmt.Sprintf("+%d%s", ct.Country, digits.ReplaceAllString(ct.Address, ""))
			break
		}
	}
	if m.Phone == "" {
		i.note("%s: no telephone number is known in PagerDuty; add phone: or pages by phone reach nobody", m.Name)
	}
	i.members[u.ID] = m
	return m, true, nil
}

var (
	digits  = regexp.MustCompile(`[^0-9]`)
	letters = regexp.MustCompile(`[^a-z0-9]+`)
)

// name makes a rota's name of a title: primary-on-call.
func (i *importer) name(title string) string {
	base := strings.Trim(letters.ReplaceAllString(strings.ToLower(title), "-"), "-")
	if base == "" {
		base = "rota"
	}
	name := base
	for n := 2; i.names[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	i.names[name] = true
	return name
}

// overrides are counted; they are made anew by hand. The library's call does
// not match the API.
func (i *importer) overrides(ctx context.Context, name, path string) error {
	var out struct {
		Overrides []json.RawMessage `json:"overrides"`
	}
	q := url.Values{"since": {i.now.UTC().Format(time.RFC3339)}, "until": {i.now.Add(lookAhead).UTC().Format(time.RFC3339)}}
	if err := i.c.get(ctx, "read a schedule's overrides", path+"/overrides", q, &out); err != nil {
		return err
	}
	if n := len(out.Overrides); n > 0 {
		i.note("%s: %d overrides of the next 30 days are not imported; make them with /incident override", name, n)
	}
	return nil
}
