package config

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Digest is when and where people are told of the week behind them. The zero
// value: never.
type Digest struct {
	// Cron is five fields of the wall clock in Zone; empty: never.
	Cron string
	Zone string
	// Channel is where it is posted; empty: where incidents are announced.
	Channel string
}

// Schedule gives the moments of a digest; nil: there are none.
func (d Digest) Schedule() cron.Schedule {
	if d.Cron == "" {
		return nil
	}
	schedule, err := parseDigest(d.Cron, d.Zone)
	if err != nil {
		return nil // never one that was loaded
	}
	return schedule
}

func parseDigest(spec, zone string) (cron.Schedule, error) {
	plain, err := ParseCadence(spec)
	if err != nil || plain == nil {
		return nil, err
	}
	in, err := LoadZone(zone)
	if err != nil {
		return nil, err
	}
	if s, ok := plain.(*cron.SpecSchedule); ok {
		s.Location = in
	}
	return plain, nil
}

// Team is the team that a service belongs to; empty: none.
func (c *Config) Team(service string) string {
	return c.teamOf[strings.ToLower(service)]
}

func (l *loader) digest(r *reader, root *value) {
	c := l.cfg
	r.section(root, "digest", []string{"cron", "zone", "channel"}, func(key, what string, v *value) {
		text, ok := r.text(v, what)
		switch {
		case !ok:
		case key == "cron":
			if _, err := ParseCadence(text); err != nil || strings.HasPrefix(text, "@every") {
				r.wrong(v, what, "a cron expression with five fields such as '0 9 * * 1', or '' for none")
				return
			}
			c.Digest.Cron = strings.TrimSpace(text)
		case key == "zone":
			if _, err := LoadZone(text); err != nil {
				r.wrong(v, what, "a zone such as Europe/Berlin")
				return
			}
			c.Digest.Zone = text
		case text == "":
			c.Digest.Channel = ""
		default:
			c.Digest.Channel = r.channelName(v, what)
		}
	})
}

func (l *loader) teams(r *reader, root *value) {
	f := root.get("teams")
	if f == nil {
		return
	}
	f, ok := r.group(f, "teams")
	if !ok {
		return
	}
	of := map[string]string{}
	for _, team := range f.keys {
		v := f.get(team)
		if v == nil {
			continue
		}
		for _, service := range r.words(v, "the services of team "+team) {
			key := strings.ToLower(service)
			if other, taken := of[key]; taken && other != team {
				r.problems.add(r.file, v.line, "the service %q belongs to two teams, %s and %s; leave it with one", service, other, team)
				continue
			}
			of[key] = team
		}
	}
	l.cfg.teamOf = of
}

// digestOver is how late a digest is still worth posting.
const digestOver = 2 * 24 * time.Hour

// Due gives the last moment at or before now at which a digest was due, after
// another moment; zero: none, or it is so long ago that nobody wants it.
func (d Digest) Due(after, now time.Time) time.Time {
	schedule := d.Schedule()
	if schedule == nil {
		return time.Time{}
	}
	if first := now.Add(-digestOver); after.Before(first) {
		after = first
	}
	var due time.Time
	for at := schedule.Next(after); !at.IsZero() && !at.After(now); at = schedule.Next(at) {
		due = at
	}
	return due
}
