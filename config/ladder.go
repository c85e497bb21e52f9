package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

// maxLevels is the length of the longest ladder.
const maxLevels = 9

var levelName = regexp.MustCompile(`^L[1-9]$`)

// escalation reads escalation.yaml, or makes the ladder from the short one of
// oncall/rotation.yaml, or takes the built-in one, in this order.
func (l *loader) escalation() {
	br, broot := l.fallback(escalationFile)
	defaults, marks := l.ladder(br, broot, incident.Ladder{})
	r, root := l.file(escalationFile)
	switch {
	case r != nil:
		l.matrix = true
		if root == nil {
			if !slices.ContainsFunc(l.problems, func(p Problem) bool { return p.File == escalationFile }) {
				l.problems.add(escalationFile, 1, "the file is empty; add levels, or remove the file for the default")
			}
			return
		}
		ladder, marks := l.ladder(r, root, defaults)
		l.cfg.Ladder = ladder
		l.refs = append(l.refs, marks...)
		if v := root.get("last_resort"); v == nil && root.kind == mapping {
			r.need(root, "the file", "last_resort", "last_resort: {slack: '#incidents', mention: '@channel'} or {person: an e-mail address}")
		}
	case len(l.cfg.Policy) > 0 && !l.cfg.BuiltIn(rotationFile):
		l.cfg.Ladder = fromPolicy(l.cfg.Policy, defaults, l.cfg.Schedule.Rotas)
	default:
		l.cfg.Ladder = defaults
		l.refs = append(l.refs, marks...)
	}
}

// ladder reads a matrix over some defaults, with the rotas that it mentions.
func (l *loader) ladder(r *reader, root *value, d incident.Ladder) (incident.Ladder, []reference) {
	out := d
	root, ok := r.object(root, "the file", "levels", "mode", "step", "repeat", "repeat_after", "ack_expires", "last_resort")
	if !ok {
		return out, nil
	}
	if f := root.get("mode"); f != nil {
		mode, _ := r.oneOf(f, "mode", string(incident.All), string(incident.Sequence))
		out.Mode = incident.Mode(mode)
	}
	if f := root.get("step"); f != nil {
		out.Step, _ = r.duration(f, "step", time.Second)
	}
	if f := root.get("repeat"); f != nil {
		out.Repeat, _ = r.number(f, "repeat", 0)
	}
	if f := root.get("repeat_after"); f != nil {
		out.RepeatAfter, _ = r.duration(f, "repeat_after", time.Second)
	}
	if f := root.get("ack_expires"); f != nil {
		out.AckExpires, _ = r.duration(f, "ack_expires", 0)
	}
	if f := root.get("last_resort"); f != nil {
		out.LastResort = r.lastResort(f)
	}
	out.Levels = nil
	f := r.need(root, "the file", "levels", "levels: with at least L1")
	if f == nil {
		return out, nil
	}
	var refs []reference
	for i, item := range r.list(f, "levels") {
		level, ref, ok := r.level(item, i)
		if !ok {
			continue
		}
		if slices.ContainsFunc(out.Levels, func(o incident.Level) bool { return o.Name == level.Name }) {
			r.problems.add(r.file, item.line, "the level %s is here for the second time; give each level its own name", level.Name)
		}
		if due := item.get("due"); due != nil && due.kind == scalar {
			r.inOrder(out.Levels, level, item.line)
		}
		out.Levels = append(out.Levels, level)
		refs = append(refs, ref...)
	}
	if f.kind == sequence && len(f.items) == 0 {
		r.problems.add(r.file, f.line, "levels is empty; add at least L1")
	}
	return out, refs
}

// inOrder reports a level that comes before the one above it.
func (r *reader) inOrder(above []incident.Level, level incident.Level, line int) {
	if len(above) == 0 {
		return
	}
	last := above[len(above)-1]
	if level.Name < last.Name {
		r.problems.add(r.file, line, "the level %s comes after %s; order the levels by their names", level.Name, last.Name)
		return
	}
	for _, s := range incident.Severities {
		if !level.Applies(s, true) || !last.Applies(s, true) {
			continue
		}
		if level.DueAfter(s) < last.DueAfter(s) {
			r.problems.add(r.file, line, "for %s the level %s is due at %s, before %s at %s; order the levels by when they are due",
				s, level.Name, span(level.DueAfter(s)), last.Name, span(last.DueAfter(s)))
			return
		}
	}
}

func (r *reader) level(v *value, index int) (incident.Level, []reference, bool) {
	var out incident.Level
	what := fmt.Sprintf("level %d", index+1)
	v, ok := r.object(v, what, "level", "title", "role", "methods", "respond_within", "due", "due_by_severity", "until", "severities", "only")
	if !ok {
		return out, nil, false
	}
	if f := r.need(v, what, "level", fmt.Sprintf("level: L%d", index+1)); f != nil {
		if f.kind != scalar || !levelName.MatchString(strings.ToUpper(f.text)) {
			r.wrong(f, "the name of "+what, "L1 to L9")
		} else {
			out.Name = strings.ToUpper(f.text)
			what = "the level " + out.Name
		}
	}
	if f := v.get("title"); f != nil {
		out.Title, _ = r.text(f, "the title of "+what)
	}
	var refs []reference
	if f := r.need(v, what, "role", "role: with a rota's name"); f != nil {
		if out.Role, ok = r.text(f, "the role of "+what); ok {
			refs = append(refs, reference{r.file, f.line, out.Role, what + " pages the role"})
		}
	}
	if f := r.need(v, what, "methods", "methods: with some of pagerduty, phone, slack and email"); f != nil {
		out.Methods = r.methods(f, what)
	}
	if f := v.get("respond_within"); f != nil {
		out.RespondWithin, _ = r.duration(f, "respond_within of "+what, time.Second)
	}
	if f := r.need(v, what, "due", "due: with the delay after the declaration, such as 15m"); f != nil {
		out.Due, _ = r.duration(f, "due of "+what, 0)
	}
	if f := v.get("due_by_severity"); f != nil {
		out.DueBySeverity = map[incident.Severity]time.Duration{}
		r.bySeverity(f, "due_by_severity of "+what, func(s incident.Severity, item *value, what string) {
			out.DueBySeverity[s], _ = r.duration(item, what, 0)
		})
	}
	if f := r.need(v, what, "until", "until: acknowledged, or until: resolved"); f != nil {
		until, _ := r.oneOf(f, "until of "+what, string(incident.UntilAcknowledged), string(incident.UntilResolved))
		out.Until = incident.Until(until)
	}
	if f := v.get("severities"); f != nil {
		out.Severities = r.severities(f, "severities of "+what)
	}
	if f := v.get("only"); f != nil {
		_, out.BusinessCritical = r.oneOf(f, "only of "+what, "business_critical")
	}
	return out, refs, true
}

func (r *reader) methods(v *value, what string) []string {
	var methods []string
	for _, item := range r.list(v, "methods of "+what) {
		m, ok := r.oneOf(item, "a method of "+what, "pagerduty", "phone", "slack", "email")
		if ok && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	if v.kind == sequence && len(v.items) == 0 {
		r.problems.add(r.file, v.line, "%s has no methods, so it reaches nobody; add pagerduty, phone, slack or email", what)
	}
	return methods
}

func (r *reader) severities(v *value, what string) []incident.Severity {
	var all []incident.Severity
	for _, item := range r.list(v, what) {
		if s, ok := r.severity(item, "an entry of "+what); ok && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	if v.kind == sequence && len(v.items) == 0 {
		r.problems.add(r.file, v.line, "%s is empty; name at least one severity, or remove it for P0 and P1", what)
	}
	return all
}

func (r *reader) severity(v *value, what string) (incident.Severity, bool) {
	name, ok := r.oneOf(v, what, severityNames()...)
	if !ok {
		return 0, false
	}
	s, err := incident.ParseSeverity(name)
	return s, err == nil
}

// bySeverity reads a mapping with severities as keys, in any case.
func (r *reader) bySeverity(v *value, what string, each func(incident.Severity, *value, string)) {
	v, ok := r.group(v, what)
	if !ok {
		return
	}
	for _, k := range v.keys {
		s, err := incident.ParseSeverity(k)
		if err != nil {
			r.problems.add(r.file, v.keyLines[k], "%s has no key %q; did you mean %q?", what, k, nearest(k, severityNames()))
			continue
		}
		if f := v.get(k); f != nil {
			each(s, f, fmt.Sprintf("%s of %s", s, what))
		}
	}
}

func (r *reader) lastResort(v *value) incident.LastResort {
	var out incident.LastResort
	what := "last_resort"
	v, ok := r.object(v, what, "slack", "mention", "person")
	if !ok {
		return out
	}
	channel, person := v.get("slack"), v.get("person")
	switch {
	case channel == nil && person == nil:
		r.problems.add(r.file, v.line, "last_resort names nobody; give slack: with a channel, or person: with an e-mail address")
	case channel != nil && person != nil:
		r.problems.add(r.file, v.line, "last_resort has a channel and a person; keep one of the two")
	case channel != nil:
		out.Channel = r.channelName(channel, "slack of last_resort")
		if m := v.get("mention"); m != nil {
			out.Mention = r.mention(m, "mention of last_resort")
		}
	default:
		text, _ := r.text(person, "person of last_resort")
		address, err := ParseEmail(text)
		if err != nil {
			r.wrong(person, "person of last_resort", "an e-mail address such as heidi@example.com")
		}
		out.Person = strings.ToLower(address)
		if v.get("mention") != nil {
			r.problems.add(r.file, v.keyLines["mention"], "mention of last_resort belongs to a channel; remove it beside a person")
		}
	}
	return out
}

// fromPolicy makes the full ladder of a short one. What a step does not say is
// taken from the built-in level of the same role, else of the same place. The
// shorter delay that a level has for some severity holds only while the step
// keeps that level's own delay.
func fromPolicy(steps []PolicyStep, d incident.Ladder, rotas map[string]rota.Rota) incident.Ladder {
	out := d
	out.Levels = nil
	for i, s := range steps {
		like := d.Levels[min(i, len(d.Levels)-1)]
		same := slices.IndexFunc(d.Levels, func(o incident.Level) bool { return o.Role == s.Notify })
		if same >= 0 {
			like = d.Levels[same]
		}
		level := like
		if same < 0 || like.Due != s.Delay {
			level.DueBySeverity = nil
		}
		level.Name = fmt.Sprintf("L%d", i+1)
		level.Role, level.Due = s.Notify, s.Delay
		level.BusinessCritical = like.BusinessCritical && same >= 0
		level.Title = s.Notify
		if r, ok := rotas[s.Notify]; ok {
			level.Title = r.String()
		}
		out.Levels = append(out.Levels, level)
	}
	return out
}

// span writes a duration without the units that are zero: 1h30m, 15m, 0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
