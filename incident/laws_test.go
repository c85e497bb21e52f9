package incident_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/escalation"
	"muster/incident"
)

// TestLaws holds over random histories; FuzzLaws looks for more of them.
func TestLaws(t *testing.T) { rapid.Check(t, laws) }

func FuzzLaws(f *testing.F) { f.Fuzz(rapid.MakeFuzz(laws)) }

var (
	people  = []string{"ann", "alice", "bob", "carol", "mia", "dan"}
	roleSet = []string{"primary", "secondary", "manager", "director"}
	methods = []string{"pagerduty", "phone", "slack"}
)

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func someOf(t *rapid.T, label string, from []string) []string {
	var out []string
	for _, v := range from {
		if rapid.Bool().Draw(t, label+" "+v) {
			out = append(out, v)
		}
	}
	return out
}

const minute = time.Minute

func drawLadder(t *rapid.T) incident.Ladder {
	if rapid.Bool().Draw(t, "usual ladder") {
		return matrix()
	}
	l := incident.Ladder{
		Mode: pick(t, "mode", incident.All, incident.Sequence), Step: pick(t, "step", 0, 30*time.Second, 2*minute),
		Repeat: pick(t, "repeat", 0, 1, 3), RepeatAfter: pick(t, "repeat after", 0, 10*minute, 30*minute),
		AckExpires: pick(t, "ack expires", 0, 10*minute, 30*minute), LastResort: incident.LastResort{Channel: "#incidents"},
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "levels") {
		level := incident.Level{
			Name: fmt.Sprintf("L%d", i+1), Role: pick(t, "role", roleSet...), Methods: someOf(t, "over", methods),
			Due:           pick(t, "due", 0, 0, minute, 5*minute, 15*minute, 30*minute, 60*minute),
			RespondWithin: pick(t, "within", 0, time.Second, minute, 5*minute, 15*minute, 30*minute),
			Until:         pick(t, "until", incident.UntilAcknowledged, incident.UntilResolved),
			Severities:    pick(t, "severities", nil, nil, []incident.Severity{incident.P0}, []incident.Severity{incident.P0, incident.P1, incident.P2}),
		}
		level.BusinessCritical = pick(t, "critical only", false, false, false, true)
		if rapid.Bool().Draw(t, "by severity") {
			level.DueBySeverity = map[incident.Severity]time.Duration{incident.P0: pick(t, "p0 due", 0, 2*minute, 45*minute)}
		}
		l.Levels = append(l.Levels, level)
	}
	return l
}

func drawDuty(t *rapid.T) *duty {
	d := &duty{missing: map[string]map[string]string{}}
	from := begin.Add(-time.Hour)
	for range rapid.IntRange(1, 4).Draw(t, "shifts") {
		roles := map[string][]string{}
		for _, role := range someOf(t, "shift", roleSet) {
			roles[role] = rapid.SliceOfN(rapid.SampledFrom(people), 0, 3).Draw(t, "on call")
		}
		d.plan(from, roles)
		from = begin.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "shift at")) * minute)
	}
	for _, who := range someOf(t, "hard to reach", people) {
		d.missing[who] = map[string]string{}
		for _, m := range someOf(t, "without", methods) {
			d.missing[who][m] = "not known"
		}
	}
	return d
}

// law watches one random history.
type law struct {
	*rapid.T
	sim      *sim
	duty     *duty
	last     time.Time // of the step before
	reminded bool      // a reminder came, and nothing has answered it yet
	auto     []page    // pages that nobody asked for
	resets   []time.Time
}

type page struct {
	at                    time.Time
	level, person, method string
}

func laws(t *rapid.T) {
	plan := usual()
	plan.Ladder = drawLadder(t)
	for _, sev := range incident.Severities {
		plan.Cadence[sev] = pick(t, "cadence", "@every 10m", "@every 10m", "@every 30m", "*/15 * * * *", "")
	}
	plan.Watch = drawWatch(t)
	duty := drawDuty(t)
	l := &law{T: t, sim: newSim(duty), duty: duty, last: begin}
	var drill incident.Drill
	if rapid.IntRange(0, 3).Draw(t, "drill") == 0 {
		drill = incident.Drill{On: true, Speed: rapid.IntRange(1, 20).Draw(t, "speed")}
		plan = plan.Exercise(drill)
	}
	l.say(incident.Declare{Title: "API down", Severity: l.severity(), By: person("ann"), Critical: rapid.Bool().Draw(t, "critical"), Plan: plan, Drill: drill, Private: rapid.IntRange(0, 3).Draw(t, "private") == 0})
	for range rapid.IntRange(0, 40).Draw(t, "acts") {
		l.act()
	}
	back, err := l.sim.refold()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := asJSON(back), asJSON(l.sim.s); a != b {
		t.Fatalf("the history adds up to another state\nreplay %s\nlive   %s", a, b)
	}
	l.bounded()
	l.secret()
	if drill.On {
		l.quiet()
	}
}

// quiet: a drill without real pages uses Slack only, and calls no channel.
func (l *law) quiet() {
	for _, r := range l.sim.records {
		switch e := r.Event.(type) {
		case incident.Paged:
			if len(e.Methods) != 1 || e.Methods[0] != "slack" {
				l.Fatalf("a drill paged %s over %v", e.Person, e.Methods)
			}
		case incident.LastResortPaged:
			if e.Target.Mention != "" {
				l.Fatalf("a drill called %s", e.Target.Mention)
			}
		}
	}
}

func (l *law) severity() incident.Severity { return pick(l.T, "severity", incident.Severities...) }

func (l *law) who() incident.Person { return person(pick(l.T, "who", people...)) }

// act lets one thing happen: time passes, somebody speaks, a page comes back.
func (l *law) act() {
	d := time.Duration(rapid.IntRange(1, 7200).Draw(l.T, "seconds")) * time.Second
	switch rapid.IntRange(0, 7).Draw(l.T, "act") {
	case 0, 1:
		l.walk(l.sim.now.Add(d))
	case 2: // nobody was there to wake
		l.sim.now = l.sim.now.Add(d)
		l.say(incident.Wake{})
	case 3: // the clock was put right
		l.sim.now = l.sim.now.Add(-d % (3 * time.Second))
		l.last = l.sim.now
		l.say(incident.Wake{})
	case 4:
		l.settle()
	default:
		l.speak()
	}
}

func (l *law) speak() {
	by := l.who()
	switch rapid.IntRange(0, 27).Draw(l.T, "said") {
	default:
		l.drawStep()
	case 0, 1, 2:
		l.say(incident.Acknowledge{By: by})
	case 3:
		l.say(incident.Unacknowledge{By: by})
	case 4, 5:
		l.say(incident.PostUpdate{By: by, Text: "looking", Status: pick(l.T, "status", "", incident.Identified)})
	case 6:
		l.say(incident.SetSeverity{By: by, To: l.severity()})
	case 7:
		l.say(incident.MarkCritical{By: by})
	case 8:
		l.say(incident.Hold{By: by, For: pick(l.T, "for", minute, 30*minute, time.Hour), Reason: "vendor"})
	case 9:
		l.say(incident.Escalate{By: by, Level: pick(l.T, "level", "", "L1", "L2", "L4")})
	case 10:
		l.say(incident.Escalate{By: by, Person: l.who(), Role: ""})
	case 11:
		l.say(incident.Escalate{By: by, Role: pick(l.T, "role", roleSet...)})
	case 12:
		l.say(incident.Snooze{By: by})
	case 13:
		l.say(pick[incident.Intent](l.T, "end", incident.Resolve{By: by}, incident.Reopen{By: by, Reason: "back"}, incident.Close{By: by}, incident.Note{By: by, Text: "x", Source: "s"}))
	case 14:
		l.say(incident.Reopen{By: by, Reason: "back"})
	case 15:
		l.say(incident.AddAction{By: by, Text: "fix it", Due: l.sim.now.Add(time.Duration(rapid.IntRange(-72, 96).Draw(l.T, "hours")) * time.Hour).Format(time.DateOnly)})
	case 16:
		l.say(incident.PlanPostmortem{By: by, At: l.sim.now.Add(time.Duration(rapid.IntRange(1, 96).Draw(l.T, "hours")) * time.Hour)})
	case 17:
		l.say(pick[incident.Intent](l.T, "after", incident.FinishAction{By: by, N: 1}, incident.MarkRecord{By: by, Record: 1, Hidden: true},
			incident.WritePostmortem{By: by, Texts: map[incident.Section]string{incident.SectionWell: "x"}}, incident.Resolve{By: by, Postmortem: l.sim.now.Add(26 * time.Hour)}))
	case 26:
		l.say(incident.AddPerson{By: by, Person: l.who()})
	case 27:
		l.say(incident.Erase{Keep: map[incident.Severity]time.Duration{incident.P0: time.Hour, incident.P1: time.Hour, incident.P2: time.Minute}})
	case 18, 19:
		l.say(drawLook(l.T, l.sim.s))
	}
}

// settle brings one waiting effect to an end.
func (l *law) settle() {
	if len(l.sim.queue) == 0 {
		return
	}
	i := rapid.IntRange(0, len(l.sim.queue)-1).Draw(l.T, "which")
	q := l.sim.queue[i]
	state := pick(l.T, "outcome", incident.PageFailed, incident.PageFailed, incident.PageLate, incident.PageDelivered)
	if state != incident.PageLate {
		l.sim.queue = slices.Delete(l.sim.queue, i, i+1)
	}
	if _, ok := incident.Relevant(l.sim.s, q.effect); !ok {
		state = incident.PageCancelled
	}
	l.say(incident.Settled{Effect: q.effect, State: state, Receipt: incident.Receipt{Channel: "C1", TS: "1.2"}})
}

// walk lets time pass with every wake taken when it comes.
func (l *law) walk(to time.Time) {
	for !l.sim.wake.IsZero() && !l.sim.wake.After(to) {
		before := l.sim.wake
		l.sim.now = before
		if facts := l.say(incident.Wake{}); facts == 0 && !l.sim.wake.IsZero() && !l.sim.wake.After(before) {
			l.Fatalf("at the wake %s nothing happened and it did not move", offset(before))
		}
	}
	l.sim.now = to
}

// say takes a step and checks what holds for every step.
func (l *law) say(in incident.Intent) int {
	before, was := l.sim.s, asJSON(l.sim.s)
	from := len(l.sim.records)
	facts, err := l.sim.say(in)
	if asJSON(before) != was {
		l.Fatalf("%T changed the state that it was given", in)
	}
	if _, refused := err.(incident.Refusal); refused {
		return 0
	}
	if err != nil {
		for _, f := range facts {
			l.Logf("%s", tell(f.record.Event))
		}
		l.Fatalf("%T: %v", in, err)
	}
	s := before
	for i, f := range facts {
		l.event(s, f.record, facts[i+1:])
		s = incident.Apply(s, f.record)
		l.effects(s, f)
	}
	l.once(l.sim.records[from:])
	l.settled()
	l.last = l.sim.now
	return len(facts)
}

// settled: all rules are quiet now and until the wake, and an open incident
// that pages is never forgotten.
func (l *law) settled() {
	m, s := l.sim, l.sim.s
	end := m.wake
	if end.IsZero() {
		end = m.now.Add(300 * time.Hour)
	}
	if end.Before(m.now) {
		l.Fatalf("the wake %s lies before now %s", offset(end), offset(m.now))
	}
	span := end.Sub(m.now)
	probe := rapid.Int64Range(0, max(int64(span)-1, 0)).Draw(l.T, "probe")
	for _, at := range []time.Time{m.now, m.now.Add(time.Duration(probe)), end.Add(-1)} {
		if at.Before(m.now) || !at.Before(end) {
			continue
		}
		for _, rule := range m.rules {
			if d := rule.Reconcile(s, at); len(d.Events) > 0 {
				l.Fatalf("now %s, wake %s, but at %s: %s", offset(m.now), offset(m.wake), offset(at), tell(d.Events[0]))
			}
		}
	}
	if !s.Open() || len(s.Levels()) == 0 || s.Climb.Over {
		return
	}
	if (escalation.Matrix{Roster: l.duty}).Reconcile(s, m.now).Wake.IsZero() && !l.allAnswered(s) {
		l.Fatalf("an open incident that pages has no next wake: %s", asJSON(s.Climb))
	}
}

func (l *law) allAnswered(s incident.Incident) bool {
	for _, level := range s.Levels() {
		r := s.Rung(level.Name)
		switch {
		case level.Until == incident.UntilAcknowledged && s.Acked():
		case r.Passed && r.Why == incident.WhyAnswered:
		case !r.Passed && s.AckedBy(r.Asked()):
		default:
			return false
		}
	}
	return true
}

// event checks one fact against the state before it.
func (l *law) event(s incident.Incident, r incident.Record, then []fact) {
	l.stepEvent(s, r)
	lateness := func(d time.Duration) {
		if d < 0 || d > max(r.At.Sub(l.last), 0)+time.Second {
			l.Fatalf("%s: the step before was at %s, now is %s", tell(r.Event), offset(l.last), offset(r.At))
		}
	}
	switch e := r.Event.(type) {
	case incident.Paged:
		lateness(e.Late)
		if e.Why == incident.WhyFailed { // who comes in somebody's place has the rest of the level's time
			l.resets = append(l.resets, r.At)
		}
		l.paged(s, e, r.At)
	case incident.LevelPassed:
		if e.Demand == 0 && e.Next != "" && !slices.ContainsFunc(then, func(f fact) bool { return levelOf(f.record.Event) == e.Next }) {
			l.Fatalf("%s, but nothing of %s in the same step", tell(e), e.Next)
		}
	case incident.AckLapsed:
		lateness(e.Late)
		if r.At.Before(e.Since.Add(s.Plan.Ladder.AckExpires)) {
			l.Fatalf("too early at %s: %s", offset(r.At), tell(e))
		}
		l.resets = append(l.resets, r.At)
	case incident.HoldEnded:
		lateness(e.Late)
		if r.At.Before(s.Climb.HeldUntil) {
			l.Fatalf("too early at %s: %s", offset(r.At), tell(e))
		}
	case incident.LadderStarted:
		lateness(e.Late)
		l.resets = append(l.resets, r.At)
	case incident.ReminderDue:
		lateness(e.Late)
		if e.Due.After(r.At) || l.reminded {
			l.Fatalf("too early or doubled at %s: %s", offset(r.At), tell(e))
		}
		l.reminded = true
	case incident.UpdateOverdue:
		lateness(e.Late)
		if !l.reminded || e.Step != s.Clock.Step+1 || !s.Clock.Stepped.Before(r.At) {
			l.Fatalf("at %s: %s", offset(r.At), tell(e))
		}
	case incident.Unacknowledged:
		l.resets = append(l.resets, r.At)
	case incident.Snoozed:
		if s.Severity == incident.P0 && s.Clock.Snoozes > 0 {
			l.Fatalf("a P0 was snoozed twice in a row")
		}
		l.reminded = false
	case incident.SeverityChanged:
		l.resets = append(l.resets, r.At)
		if s.Plan.Cadence[e.From] != s.Plan.Cadence[e.To] {
			l.reminded = false
		}
	case incident.Updated, incident.Reopened:
		l.reminded = false
	}
}

func levelOf(e incident.Event) string {
	switch e := e.(type) {
	case incident.Paged:
		return e.Level
	case incident.LevelPassed:
		return e.Level
	}
	return ""
}

func (l *law) paged(s incident.Incident, e incident.Paged, at time.Time) {
	if e.Demand != 0 || e.Why == incident.WhyOverdue {
		return
	}
	level, _ := s.Level(e.Level)
	r := s.Rung(e.Level)
	due := at
	switch e.Why {
	case incident.WhyDue, incident.WhyRepeat:
		due = s.Climb.Start.Add(level.DueAfter(s.Severity))
	case incident.WhyUnanswered:
		due = r.Cycle.Add(level.RespondWithin)
	case incident.WhyStep:
		due = r.Last.Add(s.Plan.Ladder.Step)
	}
	switch {
	case at.Before(due):
		l.Fatalf("too early: %s is due at %s", tell(e), offset(due))
	case s.AckedBy(e.Person):
		l.Fatalf("%s, but %v has acknowledged", tell(e), e.Person)
	case level.Until == incident.UntilAcknowledged && s.Acked():
		l.Fatalf("%s, but somebody has acknowledged", tell(e))
	case s.Held():
		l.Fatalf("%s, but the ladder is held", tell(e))
	case len(e.Methods) == 0 || e.Person.Nobody():
		l.Fatalf("%s wakes nobody", tell(e))
	}
	for _, m := range e.Methods {
		if _, gone := l.duty.Contact(e.Person).Missing[m]; gone {
			l.Fatalf("%s, but %s does not reach %v", tell(e), m, e.Person)
		}
		l.auto = append(l.auto, page{at, e.Level, e.Person.Key, m})
	}
}

// effects must be writable, readable, and answerable at any time.
func (l *law) effects(s incident.Incident, f fact) {
	for _, e := range f.effects {
		kind, body, err := incident.EncodeEffect(e)
		if err != nil {
			l.Fatal(err)
		}
		back, err := incident.DecodeEffect(kind, body)
		if err != nil || asJSON(back) != asJSON(e) {
			l.Fatalf("%s comes back as %s (%v)", asJSON(e), asJSON(back), err)
		}
		if traits := incident.Travel(e); traits.Lane == "" {
			l.Fatalf("%s has no lane", kind)
		}
		reason, ok := incident.Relevant(l.sim.s, e)
		if ok != (reason == "") {
			l.Fatalf("%s: relevant %v because %q", kind, ok, reason)
		}
		if p, isPage := e.(incident.Page); isPage && p.Asked && l.sim.s.Open() && !ok && !slices.ContainsFunc(l.sim.s.Climb.Pages, func(q incident.PageStatus) bool { return q.Attempt > p.Attempt }) {
			l.Fatalf("a page that was asked for just now is dropped: %s", reason)
		}
	}
}

// once: no step pages the same person at the same level over the same method
// twice by itself.
func (l *law) once(step []incident.Record) {
	seen := map[page]bool{}
	for _, r := range step {
		e, ok := r.Event.(incident.Paged)
		if !ok || e.Demand != 0 {
			continue
		}
		for _, m := range e.Methods {
			p := page{level: e.Level, person: e.Person.Key, method: m}
			if seen[p] {
				l.Fatalf("twice in one step: %s", tell(e))
			}
			seen[p] = true
		}
	}
}

// bounded: nobody is paged by one level over one method more than once a
// minute, but for what people or lapses set going again. A drill's minute is as
// much shorter as its clocks are faster.
func (l *law) bounded() {
	byPage := map[page][]time.Time{}
	for _, p := range l.auto {
		key := page{level: p.level, person: p.person, method: p.method}
		byPage[key] = append(byPage[key], p.at)
	}
	for key, times := range byPage {
		for i := 1; i < len(times); i++ {
			from, to := times[i-1], times[i]
			if gap := to.Sub(from); gap >= 0 && gap < escalation.Shortest/time.Duration(max(l.sim.s.Drill.Speed, 1)) && !slices.ContainsFunc(l.resets, func(r time.Time) bool { return !r.Before(from) && !r.After(to) }) {
				l.Fatalf("%s is paged by %s over %s at %s and again at %s", key.person, key.level, key.method, offset(from), offset(to))
			}
		}
	}
}
