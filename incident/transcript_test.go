package incident_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

var update = flag.Bool("update", false, "write what the transcripts say now")

// TestTranscripts plays every script of testdata. A line that begins in the
// first column is said, an indented one is what followed.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s is not what happens now; -update writes it\n%s", file, firstDifference(string(want), got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, a, b)
		}
	}
	return ""
}

// script is one transcript while it is played.
type script struct {
	sim  *sim
	duty *duty
	plan incident.Plan
	out  strings.Builder
}

func play(t *testing.T, text string) string {
	t.Helper()
	d := &duty{missing: map[string]map[string]string{}}
	p := &script{sim: newSim(d), duty: d, plan: usual()}
	for n, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		p.out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(words(line)); err != nil {
			t.Fatalf("line %d: %s: %v", n+1, line, err)
		}
		back, err := p.sim.refold()
		if err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		if a, b := asJSON(back), asJSON(p.sim.s); a != b {
			t.Fatalf("line %d: the history adds up to another state\nreplay %s\nlive   %s", n+1, a, b)
		}
	}
	return p.out.String()
}

var wordPattern = regexp.MustCompile(`"[^"]*"|\S+`)

func words(line string) []string {
	all := wordPattern.FindAllString(line, -1)
	for i, w := range all {
		all[i] = strings.Trim(w, `"`)
	}
	return all
}

// line plays one line: a moment, "+5m", lets the time until then pass.
func (p *script) line(w []string) error {
	passed := false
	if moment, ok := strings.CutPrefix(w[0], "+"); ok {
		d, err := time.ParseDuration(moment)
		if err != nil {
			return err
		}
		facts, err := p.sim.until(begin.Add(d))
		p.print(facts)
		if err != nil {
			return err
		}
		w, passed = w[1:], true
	}
	if len(w) == 0 {
		p.next()
		return nil
	}
	silent, err := p.arrange(w)
	if err != nil || silent {
		return err
	}
	facts, err := p.act(w)
	var refusal incident.Refusal
	switch {
	case errors.As(err, &refusal):
		p.printf("refused: %s", refusal.Error())
	case err != nil:
		return err
	case len(facts) == 0 && !passed:
		p.printf("nothing new")
	}
	p.print(facts)
	p.next()
	return nil
}

func (p *script) printf(format string, args ...any) {
	fmt.Fprintf(&p.out, "    "+format+"\n", args...)
}

func (p *script) next() { p.printf("next %s", offset(p.sim.wake)) }

func (p *script) print(facts []fact) {
	for _, f := range facts {
		var effects []string
		for _, e := range f.effects {
			effects = append(effects, show(e))
		}
		p.printf("%-6s %s%s", offset(f.record.At), tell(f.record.Event), when(len(effects) > 0, " → "+strings.Join(effects, ", ")))
	}
}

// arrange changes the world around the incident and says nothing.
func (p *script) arrange(w []string) (bool, error) {
	switch w[0] {
	case "roster":
		p.duty.plan(begin.Add(-time.Hour), roles(w[1:]))
	case "shift":
		d, err := time.ParseDuration(strings.TrimPrefix(w[1], "+"))
		if err != nil {
			return true, err
		}
		p.duty.plan(begin.Add(d), roles(w[2:]))
	case "missing":
		if p.duty.missing[w[1]] == nil {
			p.duty.missing[w[1]] = map[string]string{}
		}
		for _, method := range strings.Split(w[2], "+") {
			p.duty.missing[w[1]][method] = w[3]
		}
	case "cadence":
		var sev incident.Severity
		if err := sev.UnmarshalText([]byte(w[1])); err != nil {
			return true, err
		}
		p.plan.Cadence[sev] = w[2]
	case "ladder":
		return true, p.ladder(w[1:])
	case "level":
		return true, p.level(w[1], w[2:])
	default:
		return false, nil
	}
	return true, nil
}

func roles(pairs []string) map[string][]string {
	out := map[string][]string{}
	for _, pair := range pairs {
		role, names, _ := strings.Cut(pair, "=")
		out[role] = slices.DeleteFunc(strings.Split(names, "+"), func(s string) bool { return s == "" })
	}
	return out
}

func (p *script) ladder(pairs []string) (err error) {
	l := &p.plan.Ladder
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		d, noTime := time.ParseDuration(value)
		switch key {
		case "mode":
			l.Mode = incident.Mode(value)
		case "step":
			l.Step, err = d, noTime
		case "repeat":
			l.Repeat, err = strconv.Atoi(value)
		case "repeat_after":
			l.RepeatAfter, err = d, noTime
		case "ack_expires":
			l.AckExpires, err = d, noTime
		case "last_resort":
			l.LastResort = incident.LastResort{Person: value}
		case "levels":
			l.Levels = slices.DeleteFunc(l.Levels, func(v incident.Level) bool { return !slices.Contains(strings.Split(value, ","), v.Name) })
		default:
			err = fmt.Errorf("a ladder has no %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *script) level(name string, pairs []string) (err error) {
	i := slices.IndexFunc(p.plan.Ladder.Levels, func(l incident.Level) bool { return l.Name == name })
	l := &p.plan.Ladder.Levels[i]
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "due":
			l.Due, err = time.ParseDuration(value)
			l.DueBySeverity = nil
		case "respond":
			l.RespondWithin, err = time.ParseDuration(value)
		case "methods":
			l.Methods = strings.Split(value, "+")
		case "until":
			l.Until = incident.Until(value)
		default:
			err = fmt.Errorf("a level has no %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// act says something to the incident.
func (p *script) act(w []string) ([]fact, error) {
	arg := func(i int) string {
		if i < len(w) {
			return w[i]
		}
		return ""
	}
	if facts, mine, err := p.step(w); mine {
		return facts, err
	}
	by := person(arg(1))
	switch w[0] {
	case "declare": // declare P0 "title" ann
		sev, err := incident.ParseSeverity(arg(1))
		if err != nil {
			return nil, err
		}
		return p.sim.say(incident.Declare{Title: arg(2), Severity: sev, By: person(arg(3)), Plan: p.plan, Critical: arg(4) == "critical"})
	case "ack":
		return p.sim.say(incident.Acknowledge{By: by, Via: "command"})
	case "unack":
		return p.sim.say(incident.Unacknowledge{By: by})
	case "update":
		return p.sim.say(incident.PostUpdate{By: by, Text: arg(2), Status: incident.Status(arg(3))})
	case "nochange":
		return p.sim.say(incident.PostUpdate{By: by, NoChange: true})
	case "status":
		return p.sim.say(incident.SetStatus{By: by, To: incident.Status(arg(2))})
	case "note":
		return p.sim.say(incident.Note{By: by, Text: arg(2)})
	case "comms":
		return p.sim.say(incident.GiveRole{By: by, Role: incident.Comms, Person: person(arg(2))})
	case "snooze":
		return p.sim.say(incident.Snooze{By: by})
	case "hold":
		d, err := time.ParseDuration(arg(2))
		if err != nil {
			return nil, err
		}
		return p.sim.say(incident.Hold{By: by, For: d, Reason: arg(3)})
	case "escalate": // escalate ann [L2 | role secondary | @carol] [reason]
		in := incident.Escalate{By: by}
		rest := w[2:]
		switch {
		case len(rest) == 0:
		case rest[0] == "role":
			in.Role, rest = rest[1], rest[2:]
		case rest[0][0] == '@':
			in.Person, rest = person(rest[0][1:]), rest[1:]
		case rest[0] != "-":
			in.Level, rest = rest[0], rest[1:]
		default:
			rest = rest[1:]
		}
		in.Reason = strings.Join(rest, " ")
		return p.sim.say(in)
	case "severity":
		sev, err := incident.ParseSeverity(arg(2))
		if err != nil {
			return nil, err
		}
		return p.sim.say(incident.SetSeverity{By: by, To: sev})
	case "critical":
		return p.sim.say(incident.MarkCritical{By: by})
	case "resolve":
		return p.sim.say(incident.Resolve{By: by, Cause: arg(2)})
	case "reopen":
		return p.sim.say(incident.Reopen{By: by, Reason: arg(2)})
	case "merge":
		return p.sim.say(incident.Merge{By: by, Into: arg(2)})
	case "sleep": // sleep until +2h: nobody is there to wake, then a start
		d, err := time.ParseDuration(strings.TrimPrefix(arg(2), "+"))
		if err != nil {
			return nil, err
		}
		p.sim.now = begin.Add(d)
		if p.sim.s, err = p.sim.refold(); err != nil {
			return nil, err
		}
		return p.sim.say(incident.Wake{})
	case "fail", "late", "deliver": // fail 2 phone+slack "busy"
		return p.settle(w[0], arg(1), arg(2), arg(3))
	case "send":
		return p.send()
	}
	return nil, fmt.Errorf("nobody knows %q", w[0])
}

func (p *script) settle(verb, attempt, methods, reason string) ([]fact, error) {
	n, err := strconv.Atoi(attempt)
	if err != nil {
		return nil, err
	}
	state := map[string]incident.PageState{"fail": incident.PageFailed, "late": incident.PageLate, "deliver": incident.PageDelivered}[verb]
	var out []fact
	for _, m := range strings.Split(methods, "+") {
		i := slices.IndexFunc(p.sim.queue, func(q queued) bool {
			page, ok := q.effect.(incident.Page)
			return ok && page.Attempt == n && page.Method == m
		})
		if i < 0 {
			return out, fmt.Errorf("page %d does not wait to leave over %s", n, m)
		}
		q := p.sim.queue[i]
		if state != incident.PageLate {
			p.sim.queue = slices.Delete(p.sim.queue, i, i+1)
		}
		facts, err := p.sim.say(incident.Settled{Effect: q.effect, State: state, Reason: reason, Took: p.sim.now.Sub(q.at)})
		out = append(out, facts...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// send brings everything away that waits, as the outbox does: asking once more
// whether it still matters.
func (p *script) send() ([]fact, error) {
	var out []fact
	waiting := p.sim.queue
	p.sim.queue = nil
	for _, q := range waiting {
		reason, ok := incident.Relevant(p.sim.s, q.effect)
		state := incident.PageDelivered
		if !ok {
			state = incident.PageCancelled
			p.printf("%-6s not sent: %s%s, %s", offset(p.sim.now), show(q.effect), threadOf(q.effect), reason)
		}
		facts, err := p.sim.say(incident.Settled{Effect: q.effect, State: state, Reason: reason, Took: p.sim.now.Sub(q.at)})
		out = append(out, facts...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func threadOf(e incident.Effect) string {
	if t, ok := e.(incident.Thread); ok {
		return " " + t.What
	}
	return ""
}
