package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

// Ahead is how far Check looks into the future.
const Ahead = 90 * 24 * time.Hour

// FindingKind names what a finding is about.
type FindingKind string

// The kinds of findings.
const (
	// Gap is a time in which a role that the ladder pages has nobody.
	Gap FindingKind = "gap"
	// TwoLevels is a person who is on call for two levels at once.
	TwoLevels FindingKind = "two_levels"
	// Unreachable is a person whom no method, or none of a level's, reaches.
	Unreachable FindingKind = "unreachable"
	// NearClockChange is a hand-over within an hour of a daylight-saving
	// change.
	NearClockChange FindingKind = "near_clock_change"
	// LaddersDiffer is a step of the short ladder that escalation.yaml has
	// otherwise.
	LaddersDiffer FindingKind = "ladders_differ"
	// TwoNumbers is a person who is written down in two ways.
	TwoNumbers FindingKind = "two_numbers"
	// PlaybookText is something in a playbook that is read otherwise than its
	// author may think.
	PlaybookText FindingKind = "playbook"
	// Example is the built-in rota of people who do not exist.
	Example FindingKind = "example"
)

// Finding is something that works as it is and will hurt at night.
type Finding struct {
	Kind FindingKind `json:"kind"`
	// Text is one sentence: what is the matter and what to do.
	Text   string          `json:"text"`
	Role   string          `json:"role,omitempty"`
	Person incident.Person `json:"person,omitzero"`
	// From is when it begins, Until when it ends; zero: always.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// File and Line say where to change it; empty, 0: nowhere in particular.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String gives the finding as one line.
func (f Finding) String() string {
	switch {
	case f.Line > 0:
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
	case f.File != "":
		return f.File + ": " + f.Text
	default:
		return f.Text
	}
}

// CheckText writes findings for people, one a line.
func CheckText(findings []Finding) string {
	if len(findings) == 0 {
		return "Nothing to report for the next 90 days."
	}
	lines := make([]string, len(findings))
	for i, f := range findings {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Check looks 90 days ahead from now. What it reports does not keep the
// configuration from working; a zone that does not exist does, and is a
// problem of Load. overrides are those that are recorded; none: only the
// files count.
func Check(c *Config, now time.Time, overrides ...rota.Override) []Finding {
	k := checker{cfg: c, now: now, until: now.Add(Ahead), overrides: overrides, shifts: map[string][]rota.Shift{}}
	for _, role := range append(c.Schedule.Roles(), k.levelRoles()...) {
		if _, ok := k.shifts[role]; !ok {
			k.shifts[role] = c.Schedule.Shifts(role, now, k.until, overrides)
		}
	}
	if c.BuiltIn(rotationFile) {
		k.add(Finding{Kind: Example, File: rotationFile, Text: "there is no such file, so the built-in example people are on call; write it with `muster config init` and put your people in"})
	}
	k.gaps()
	k.twoLevels()
	k.unreachable()
	k.nearClockChange()
	k.laddersDiffer()
	k.twoNumbers()
	k.playbooks()
	return k.found
}

type checker struct {
	cfg        *Config
	now, until time.Time
	overrides  []rota.Override
	shifts     map[string][]rota.Shift
	found      []Finding
}

func (k *checker) add(f Finding) { k.found = append(k.found, f) }

// levelRoles lists the ladder's roles once, in its order.
func (k *checker) levelRoles() []string {
	var roles []string
	for _, l := range k.cfg.Ladder.Levels {
		if !slices.Contains(roles, l.Role) {
			roles = append(roles, l.Role)
		}
	}
	return roles
}

func (k *checker) levelsOf(role string) string {
	var names []string
	for _, l := range k.cfg.Ladder.Levels {
		if l.Role == role {
			names = append(names, l.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (k *checker) gaps() {
	for _, role := range k.levelRoles() {
		for _, s := range k.shifts[role] {
			if len(s.Members) > 0 {
				continue
			}
			text := fmt.Sprintf("nobody is on call for %s (%s)%s; add members to its rota in %s", role, k.levelsOf(role), when(s.From, s.Until, s.Zone), rotationFile)
			k.add(Finding{Kind: Gap, Role: role, From: s.From, Until: s.Until, Text: text})
		}
	}
}

// when says a span: nothing for always.
func when(from, until time.Time, zone *time.Location) string {
	switch {
	case from.IsZero() && until.IsZero():
		return ""
	case from.IsZero():
		return " until " + rota.Stamp(until, zone)
	case until.IsZero():
		return " from " + rota.Stamp(from, zone)
	default:
		return " from " + rota.Stamp(from, zone) + " to " + rota.Stamp(until, zone)
	}
}

// twoLevels reports each person and pair of roles once, with the first time.
func (k *checker) twoLevels() {
	roles := k.levelRoles()
	for i, a := range roles {
		for _, b := range roles[i+1:] {
			k.overlaps(a, b)
		}
	}
}

func (k *checker) overlaps(a, b string) {
	type clash struct {
		member rota.Member
		from   time.Time
		times  int
		last   time.Time
	}
	var clashes []*clash
	for x, y := 0, 0; x < len(k.shifts[a]) && y < len(k.shifts[b]); {
		s, t := k.shifts[a][x], k.shifts[b][y]
		from, until := later(s.From, t.From), sooner(s.Until, t.Until)
		if m := s.OnCall(); !m.Nobody() && m.Is(t.OnCall()) {
			i := slices.IndexFunc(clashes, func(c *clash) bool { return c.member.Is(m) })
			switch {
			case i < 0:
				clashes = append(clashes, &clash{m, later(from, k.now), 1, until})
			case !clashes[i].last.Equal(from):
				clashes[i].times++
				clashes[i].last = until
			default:
				clashes[i].last = until
			}
		}
		switch {
		case until.IsZero():
			x, y = len(k.shifts[a]), len(k.shifts[b])
		case s.Until.Equal(until) && t.Until.Equal(until):
			x, y = x+1, y+1
		case s.Until.Equal(until):
			x++
		default:
			y++
		}
	}
	zone := k.cfg.Schedule.OnCall(a, k.now, nil).Zone
	for _, c := range clashes {
		often := ""
		if c.times > 1 {
			often = fmt.Sprintf(", %d times in 90 days", c.times)
		}
		k.add(Finding{Kind: TwoLevels, Role: a, Person: c.member.Person(), From: c.from,
			Text: fmt.Sprintf("%s is on call for %s (%s) and %s (%s) at once, first at %s%s; shift one of the two rotas, or add people",
				c.member, a, k.levelsOf(a), b, k.levelsOf(b), rota.Stamp(c.from, zone), often)})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (k *checker) unreachable() {
	for _, m := range k.people() {
		if len(m.Ways()) == 0 {
			k.add(Finding{Kind: Unreachable, Person: m.Person(),
				Text: fmt.Sprintf("%s has no e-mail address, phone number, Slack or PagerDuty user, so no page reaches them; add at least one in %s", m, rotationFile)})
		}
	}
	for _, level := range k.cfg.Ladder.Levels {
		var seen []rota.Member
		for _, s := range k.shifts[level.Role] {
			for _, m := range s.Members {
				if slices.ContainsFunc(seen, m.Is) || len(m.Ways()) == 0 {
					continue
				}
				seen = append(seen, m)
				if slices.ContainsFunc(level.Methods, m.Reachable) {
					continue
				}
				k.add(Finding{Kind: Unreachable, Role: level.Role, Person: m.Person(),
					Text: fmt.Sprintf("%s cannot be reached by %s, which pages by %s; add what is missing in %s, or a method to the level",
						m, level.Name, strings.Join(level.Methods, ", "), rotationFile)})
			}
		}
	}
	if p := k.cfg.Ladder.LastResort.Person; p != "" {
		if _, ok := k.cfg.Schedule.Member(incident.Person{Key: p}); !ok {
			k.add(Finding{Kind: Unreachable, Person: incident.Person{Key: p},
				Text: fmt.Sprintf("the last resort %s is in no rota, so only Slack and e-mail can reach them; add them to a rota to give a phone number", p)})
		}
	}
}

// people is everybody in the rotas and everybody whom overrides put on call.
func (k *checker) people() []rota.Member {
	all := k.cfg.Schedule.Members()
	for _, o := range k.overrides {
		if m, known := k.cfg.Schedule.Member(o.Who); !known && o.Until.After(k.now) && !slices.ContainsFunc(all, m.Is) {
			all = append(all, m)
		}
	}
	return all
}

// nearClockChange looks at the zone of the rota and of the two who hand over.
func (k *checker) nearClockChange() {
	for _, h := range k.cfg.Schedule.Handovers(k.now, k.until, k.overrides) {
		r := k.cfg.Schedule.Rotas[h.Role]
		for _, zone := range []*time.Location{r.Zone, h.Out.Zone, h.In.Zone} {
			change, ok := changeWithin(h.At, zone, time.Hour)
			if !ok {
				continue
			}
			k.add(Finding{Kind: NearClockChange, Role: h.Role, Person: h.In.Person(), From: h.At,
				Text: fmt.Sprintf("%s hands over to %s for %s at %s, within an hour of the clock change of %s at %s; move rotation_start, or make sure that both know",
					name(h.Out), name(h.In), h.Role, rota.Stamp(h.At, r.Zone), zone, rota.Stamp(change, zone))})
			break
		}
	}
}

func name(m rota.Member) string {
	if m.Nobody() {
		return "nobody"
	}
	return m.String()
}

// changeWithin finds a moment not further than d from t at which a zone's
// offset changes.
func changeWithin(t time.Time, zone *time.Location, d time.Duration) (time.Time, bool) {
	if zone == nil {
		return time.Time{}, false
	}
	offset := func(t time.Time) int {
		_, o := t.In(zone).Zone()
		return o
	}
	low, high := t.Add(-d-time.Second), t.Add(d)
	if offset(low) == offset(high) {
		return time.Time{}, false
	}
	for high.Sub(low) > time.Second {
		middle := low.Add(high.Sub(low) / 2).Truncate(time.Second)
		if offset(middle) == offset(low) {
			low = middle
		} else {
			high = middle
		}
	}
	return high.Truncate(time.Second), true
}

// laddersDiffer compares the short ladder with escalation.yaml where both are
// given.
func (k *checker) laddersDiffer() {
	if len(k.cfg.Policy) == 0 || k.cfg.BuiltIn(rotationFile) || k.cfg.BuiltIn(escalationFile) {
		return
	}
	levels := k.cfg.Ladder.Levels
	differ := func(line int, format string, args ...any) {
		k.add(Finding{Kind: LaddersDiffer, File: rotationFile, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	for i, step := range k.cfg.Policy {
		same := slices.IndexFunc(levels, func(l incident.Level) bool { return l.Role == step.Notify })
		switch {
		case same < 0:
			differ(step.Line, "escalation_policy notifies %s after %s, and no level of %s does; %s counts", step.Notify, span(step.Delay), escalationFile, escalationFile)
		case levels[same].Due != step.Delay:
			differ(step.Line, "escalation_policy notifies %s after %s, and %s of %s after %s; %s counts",
				step.Notify, span(step.Delay), levels[same].Name, escalationFile, span(levels[same].Due), escalationFile)
		case i > 0:
			before := slices.IndexFunc(levels, func(l incident.Level) bool { return l.Role == k.cfg.Policy[i-1].Notify })
			if before > same {
				differ(step.Line, "escalation_policy notifies %s after %s, and %s has them the other way round; %s counts",
					step.Notify, k.cfg.Policy[i-1].Notify, escalationFile, escalationFile)
			}
		}
	}
	last := k.cfg.Policy[len(k.cfg.Policy)-1].Line
	for _, l := range levels {
		// The short form has no way to say "business-critical only".
		if !l.BusinessCritical && !slices.ContainsFunc(k.cfg.Policy, func(s PolicyStep) bool { return s.Notify == l.Role }) {
			differ(last, "escalation_policy has no step for %s, and %s of %s pages it after %s; %s counts", l.Role, l.Name, escalationFile, span(l.Due), escalationFile)
		}
	}
}

// twoNumbers reports people who are in two rotas with other ways to reach
// them, without saying which.
func (k *checker) twoNumbers() {
	first := map[string]rota.Member{}
	for _, role := range k.cfg.Schedule.Roles() {
		for _, m := range k.cfg.Schedule.Rotas[role].Members {
			f, ok := first[m.Person().Key]
			if !ok {
				first[m.Person().Key] = m
				continue
			}
			if f.Phone != m.Phone || f.Slack != m.Slack || f.PagerDuty != m.PagerDuty {
				k.add(Finding{Kind: TwoNumbers, Role: role, Person: m.Person(),
					Text: fmt.Sprintf("%s is written down in two ways, and in %s the phone, slack or pagerduty is another one; make them the same in %s", m, role, rotationFile)})
			}
		}
	}
}

// playbooks reports what lint reports.
func (k *checker) playbooks() {
	for _, b := range k.cfg.Books {
		for _, p := range b.Problems {
			k.add(Finding{Kind: PlaybookText, File: b.File, Line: p.Line, Text: p.Text})
		}
	}
}
