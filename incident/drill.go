package incident

import (
	"strings"
	"time"
)

// DrillMark begins the title of every drill, so that nobody takes one for real.
const DrillMark = "DRILL: "

// RealMark begins the title of a real incident whose own would begin like a
// drill's, so that nobody sleeps on.
const RealMark = "NOT A DRILL: "

// Drill says that an incident is an exercise. The zero value: it is real.
type Drill struct {
	On bool `json:"on"`
	// Speed is how much faster its clocks run; zero: 1.
	Speed int `json:"speed,omitempty"`
	// Real pages by all methods; else only Slack is used.
	Real bool `json:"real,omitempty"`
	// Last is the drill before, to compare with; the zero value: there is none.
	Last Score `json:"last,omitzero"`
}

// ShortestAnswer is the least time that a level has to answer, however short the
// configuration or a drill makes it.
const ShortestAnswer = time.Minute

// SnoozeTime is how far one snooze moves a reminder: SnoozeFor, in a drill as
// much shorter as its clocks are faster.
func (s Incident) SnoozeTime() time.Duration { return SnoozeFor / time.Duration(max(s.Drill.Speed, 1)) }

// MaxDrillSpeed is the fastest that a drill's clocks run.
const MaxDrillSpeed = 60

// Exercise gives the plan of a drill: the same people and levels, every clock
// Speed times as fast, and without Real nothing but Slack.
func (p Plan) Exercise(d Drill) Plan {
	faster := func(t time.Duration) time.Duration { return t / time.Duration(max(d.Speed, 1)) }
	l := p.Ladder
	l.Step, l.RepeatAfter, l.AckExpires = faster(l.Step), faster(l.RepeatAfter), faster(l.AckExpires)
	levels := make([]Level, len(l.Levels))
	for i, level := range l.Levels {
		level.Due, level.RespondWithin = faster(level.Due), faster(level.RespondWithin)
		if level.RespondWithin > 0 {
			level.RespondWithin = max(level.RespondWithin, ShortestAnswer)
		}
		by := map[Severity]time.Duration{}
		for s, t := range level.DueBySeverity {
			by[s] = faster(t)
		}
		if len(by) > 0 {
			level.DueBySeverity = by
		}
		if !d.Real {
			level.Methods = []string{"slack"}
		}
		levels[i] = level
	}
	l.Levels = levels
	p.Cadence = fasterCadence(p.Cadence, faster)
	if !d.Real {
		l.Only, l.LastResort.Mention, p.Notify = []string{"slack"}, "", nil
	}
	p.Ladder = l
	return p
}

// fasterCadence speeds intervals up; cron expressions keep the wall clock's
// times.
func fasterCadence(cadence map[Severity]string, faster func(time.Duration) time.Duration) map[Severity]string {
	out := map[Severity]string{}
	for s, spec := range cadence {
		if text, ok := strings.CutPrefix(strings.TrimSpace(spec), "@every "); ok {
			if every, err := time.ParseDuration(text); err == nil {
				spec = "@every " + max(faster(every), time.Second).String()
			}
		}
		out[s] = spec
	}
	return out
}

// Score is how a drill went. The zero value: there was none.
type Score struct {
	ID string `json:"id,omitempty"`
	// Points are of 100: 30 for an acknowledgement in the time of the first
	// level after the first page, 30 for the share of updates kept, 20 when nobody above the first
	// two levels was paged, 20 for a root cause that was written down.
	Points int `json:"points,omitempty"`
	// Acknowledged is how long that took; zero: nobody did.
	Acknowledged time.Duration `json:"acknowledged,omitempty"`
	InTime       bool          `json:"in_time,omitempty"`
	Kept         int           `json:"kept,omitempty"`
	Missed       int           `json:"missed,omitempty"`
	// Levels counts the levels that were paged; all but the first are
	// escalations.
	Levels int `json:"levels,omitempty"`
	// Steps counts the steps of playbooks that ran.
	Steps int  `json:"steps,omitempty"`
	Cause bool `json:"cause,omitempty"`
}

// Escalations counts the levels that were paged because those before did not
// answer.
func (s Score) Escalations() int { return max(0, s.Levels-1) }

// Score says how the drill went so far.
func (s Incident) Score() Score {
	out := Score{ID: s.ID, Kept: s.Tally.Kept, Missed: s.Tally.Missed, Levels: len(s.Tally.Levels), Steps: len(s.Tally.Steps), Cause: strings.TrimSpace(s.Resolution.Cause) != ""}
	at := s.Tally.Acknowledged
	if !at.IsZero() {
		out.Acknowledged = at.Sub(s.DeclaredAt)
	}
	switch asked, within := s.firstAsked(), s.answerTime(); {
	case asked.IsZero():
		out.InTime = true // nobody was asked
	case at.IsZero():
	case within == 0:
		out.InTime = true
	default:
		out.InTime = at.Sub(asked) <= within
	}
	if out.InTime {
		out.Points += 30
	}
	if due := out.Kept + out.Missed; due > 0 {
		out.Points += 30 * out.Kept / due
	} else {
		out.Points += 30
	}
	if !s.aboveTwo() {
		out.Points += 20
	}
	if out.Cause {
		out.Points += 20
	}
	return out
}

// firstAsked is the first page that asked for an acknowledgement; zero: none did.
// One about an overdue update asks for that update only.
func (s Incident) firstAsked() time.Time {
	switch woken := s.Tally.Woken; {
	case len(s.Climb.Pages) < maxPages: // all are known
		for _, p := range s.Climb.Pages {
			if p.Why != WhyOverdue {
				return p.At
			}
		}
		return time.Time{}
	case len(woken) < maxWoken:
		return woken[0].At
	default: // which was the first is not known any more
		return s.DeclaredAt
	}
}

// answerTime is the time that the first level has to answer; zero: it has none.
func (s Incident) answerTime() time.Duration {
	if len(s.Plan.Ladder.Levels) == 0 {
		return 0
	}
	return s.Plan.Ladder.Levels[0].RespondWithin
}

// aboveTwo tells whether a level behind the first two of the ladder was paged.
func (s Incident) aboveTwo() bool {
	for i, l := range s.Plan.Ladder.Levels {
		for _, paged := range s.Tally.Levels {
			if i >= 2 && paged == l.Name {
				return true
			}
		}
	}
	return false
}

// Ways are those of some methods that this incident may use.
func (l Ladder) Ways(methods []string) []string {
	if len(l.Only) == 0 {
		return methods
	}
	return l.Only
}
