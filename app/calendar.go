package app

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"muster/config"
	"muster/escalation/rota"
	"muster/incident"
	"muster/report/ics"
)

// calendarAhead is how far a calendar of shifts goes.
const calendarAhead = 90 * 24 * time.Hour

// Calendar writes the shifts of the next 90 days as an .ics file: those of a
// person, of a rota, or with nothing named all of them. What is missing in it
// is said on notes.
func Calendar(ctx context.Context, q Question, data, of string, notes io.Writer) error {
	if err := given(q.Config); err != nil {
		return err
	}
	cfg, err := config.Load(q.Config, q.Env)
	if err != nil {
		return err
	}
	settings, err := config.LoadEnv(q.Env)
	if err != nil {
		return err
	}
	r := &roster{}
	note, err := r.overridesFrom(ctx, data)
	if err != nil {
		return err
	}
	roles, who, name := cfg.Schedule.Roles(), incident.Person{}, "On call"
	if of = strings.TrimSpace(of); slices.Contains(roles, of) {
		roles, name = []string{of}, "On call: "+cfg.Schedule.Rotas[of].String()
	} else if of != "" {
		m, ok := cfg.Schedule.Find(of)
		if !ok {
			return fmt.Errorf("%s is neither a rota nor a person of oncall/rotation.yaml; the rotas are %s", of, strings.Join(roles, ", "))
		}
		who, name = m.Person(), "On call: "+m.String()
	}
	o := ics.Options{Person: who, From: q.at(), To: q.at().Add(calendarAhead), Titles: map[string]string{}, Now: time.Now()}
	if u, err := url.Parse(settings.MusterPublicURL); err == nil {
		o.Site = u.Hostname()
	}
	var shifts []rota.Shift
	for _, role := range roles {
		o.Titles[role] = cfg.Schedule.Rotas[role].String()
		shifts = append(shifts, cfg.Schedule.Shifts(role, o.From, o.To, r.Overrides())...)
	}
	if note != "" {
		if _, err := fmt.Fprintln(notes, note); err != nil {
			return err
		}
	}
	_, err = q.Out.Write(ics.Shifts(name, shifts, o))
	return err
}
