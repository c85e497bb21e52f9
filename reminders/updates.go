// Package reminders is the clocks that are not pages: when an incident's update
// is due or overdue, when a role changes hands, and who is told.
//
// It never sends anything and never reads a clock: the moment is an argument.
package reminders

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"muster/escalation"
	"muster/incident"
)

// countEach is how many steps after the reminder come one cadence apart; then
// they come at most once an hour, so that a forgotten incident does not fill
// its history.
const countEach = 6

// Updates is the update clock (transcripts 6). The zero value works.
type Updates struct {
	// Roster says who is paged when two reminders stayed unanswered; nil:
	// nobody is.
	Roster escalation.Roster
}

// Reconcile says that an update is due, or overdue.
func (u Updates) Reconcile(s incident.Incident, now time.Time) incident.Decision {
	spec := s.Plan.Cadence[s.Severity]
	if !s.Open() || spec == "" {
		return incident.Decision{}
	}
	c := s.Clock
	if c.Due.IsZero() {
		due := Next(spec, c.From)
		if !c.Snoozed.IsZero() {
			due = c.Snoozed
		}
		return decide(due, now, func() []incident.Event {
			return []incident.Event{incident.ReminderDue{Due: due, Late: escalation.Late(due, now)}}
		})
	}
	due := Next(spec, c.Stepped)
	if hourly := c.Stepped.Add(time.Hour); c.Step >= countEach && due.Before(hourly) && !due.IsZero() {
		due = hourly
	}
	return decide(due, now, func() []incident.Event {
		step := incident.UpdateOverdue{Step: c.Step + 1, Late: escalation.Late(due, now)}
		if step.Step != 2 || u.Roster == nil {
			return []incident.Event{step}
		}
		return []incident.Event{step, u.page(s, now)}
	})
}

func decide(due, now time.Time, events func() []incident.Event) incident.Decision {
	switch {
	case due.IsZero():
		return incident.Decision{}
	case now.Before(due):
		return incident.Decision{Wake: due}
	default:
		return incident.Decision{Events: events()}
	}
}

// page wakes the person on call by Slack, else by whatever reaches them. An
// incident whose severity pages nobody by itself stays with Slack.
func (u Updates) page(s incident.Incident, now time.Time) incident.Event {
	methods := s.Plan.Ladder.Ways(escalation.Methods)
	if len(s.Levels()) == 0 {
		methods = []string{"slack"}
	}
	role := "primary"
	if len(s.Plan.Ladder.Levels) > 0 {
		role = s.Plan.Ladder.Levels[0].Role
	}
	why, detail := incident.WhyNobody, "nobody to tell that the update is overdue"
	for _, contact := range u.Roster.OnCall(role, now).Contacts {
		why, detail = incident.WhyNoMethod, contact.Person.String()+" cannot be told that the update is overdue"
		for _, m := range methods {
			if _, missing := contact.Missing[m]; !missing {
				return incident.Paged{
					Role: role, Attempt: s.Climb.Attempts + 1, Person: contact.Person,
					Methods: []string{m}, Why: incident.WhyOverdue,
				}
			}
		}
	}
	return incident.LevelPassed{Role: role, Why: why, Detail: detail}
}

// Next gives the first moment after t that a cadence names; zero: none. An
// interval ("@every 10m") counts from t exactly; other specs are cron
// expressions, read in UTC unless they name a zone.
func Next(spec string, t time.Time) time.Time {
	if every, ok := strings.CutPrefix(strings.TrimSpace(spec), "@every "); ok {
		d, err := time.ParseDuration(strings.TrimSpace(every))
		if err != nil || d <= 0 {
			return time.Time{}
		}
		return t.Add(d)
	}
	schedule, err := Parse(spec)
	if err != nil || schedule == nil {
		return time.Time{}
	}
	return schedule.Next(t.UTC())
}

// Parse reads a cadence spec; an empty one gives nil: no clock. An interval
// must be at least a minute.
func Parse(spec string) (schedule cron.Schedule, err error) {
	spec = strings.TrimSpace(spec)
	if spec == "" {
		return nil, nil
	}
	defer func() { // the library panics on "TZ=" without a rest
		if recover() != nil {
			schedule, err = nil, fmt.Errorf("%q is not a cron expression", spec)
		}
	}()
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		d, err := time.ParseDuration(strings.TrimSpace(every))
		if err != nil {
			return nil, fmt.Errorf("%q is not an interval: write for example @every 10m", spec)
		}
		if d < time.Minute {
			return nil, fmt.Errorf("%q is shorter than a minute: people cannot keep it", spec)
		}
	}
	schedule, err = cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("%q is not a cron expression: write for example @every 10m or */10 * * * *", spec)
	}
	return schedule, nil
}
