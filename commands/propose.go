package commands

import (
	"strings"
	"time"

	"muster/incident"
)

// The working day that a meeting is proposed in, and what is merely early or
// late rather than night.
const (
	workFrom, workUntil = 9 * 60, 17 * 60
	wakeFrom, wakeUntil = 7 * 60, 21 * 60
	meetingMinutes      = 30
	usualStart          = 10 * 60
)

// ProposePostmortem gives when to meet: on the next working day in the zone of
// the one who asks (nil: UTC), Monday to Friday, within 48 hours wherever no
// weekend stands between; at 10:00 there, or as near to it as lets the others
// meet in their working hours. Where nobody's hours fit all, the one who fares
// worst fares as well as can be. Zones that are nil are not known and count for
// nothing.
func ProposePostmortem(now time.Time, zone *time.Location, others ...*time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	all := []*time.Location{zone}
	for _, z := range others {
		if z != nil {
			all = append(all, z)
		}
	}
	first := dayOf(now.In(zone)).plus(1)
	for first.weekday() == time.Saturday || first.weekday() == time.Sunday {
		first = first.plus(1)
	}
	best, least := first.at(clock{hour: 10}, zone), cost{worst: 1 << 30}
	for _, d := range []day{first, first.plus(1)} {
		for minute := 0; minute < 24*60; minute += meetingMinutes {
			at := d.at(clock{hour: minute / 60, minute: minute % 60}, zone)
			if d != first && at.Sub(now) > incident.PostmortemWithin {
				break
			}
			c := costOf(at, all)
			c.away = minute - usualStart
			if c.away < 0 {
				c.away = -c.away
			}
			if d != first {
				c.away += 24 * 60
			}
			if c.less(least) {
				best, least = at, c
			}
		}
	}
	return best
}

const wantMeeting = `day or time: use for example "tomorrow 10:00", "Tue 15:00 Europe/Berlin", "in 2 days" or 2026-01-05 09:00`

// meetingTime is ParseTime for a meeting: a day alone is ten o'clock on it.
func meetingTime(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if !strings.Contains(strings.ToLower(text), "tonight") {
		if t, err := ParseTime("10:00 "+text, now, zone); err == nil && strings.TrimSpace(text) != "" {
			return t, nil
		}
	}
	t, err := ParseTime(text, now, zone)
	if err != nil {
		err = TimeError{text, wantMeeting}
	}
	return t, err
}

// cost is how badly a time suits people, in minutes outside of working hours.
type cost struct{ worst, sum, away int }

func (c cost) less(d cost) bool {
	switch {
	case c.worst != d.worst:
		return c.worst < d.worst
	case c.sum != d.sum:
		return c.sum < d.sum
	default:
		return c.away < d.away
	}
}

func costOf(at time.Time, zones []*time.Location) cost {
	var c cost
	for _, z := range zones {
		one := outside(at.In(z))
		c.worst, c.sum = max(c.worst, one), c.sum+one
	}
	return c
}

// outside is how far a meeting lies outside of working hours, in minutes; a
// night counts as much more, and a weekend as more than that.
func outside(local time.Time) int {
	from := local.Hour()*60 + local.Minute()
	until := from + meetingMinutes
	out := max(workFrom-from, until-workUntil, 0)
	if from < wakeFrom || until > wakeUntil {
		out += 24 * 60
	}
	if d := local.Weekday(); d == time.Saturday || d == time.Sunday {
		out += 4 * 24 * 60
	}
	return out
}

// zonesOf are the zones of those who took part, as far as they are known.
func (c *Commands) zonesOf(s incident.Incident) []*time.Location {
	var out []*time.Location
	for _, p := range s.Participants() {
		if z := c.People.Zone(p); z != nil {
			out = append(out, z)
		}
	}
	return out
}
