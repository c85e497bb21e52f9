package incident_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutation is one small mistake in a rule.
type mutation struct{ name, file, old, new, tests string }

const pure = "./incident ./escalation ./reminders"

var mutations = []mutation{
	{"a level one minute late", "escalation/matrix.go", "due := from.Add(l.DueAfter(c.s.Severity))", "due := from.Add(l.DueAfter(c.s.Severity) + time.Minute)", pure},
	{"a level one nanosecond early", "escalation/matrix.go", "if c.now.Before(t) {", "if c.now.Before(t.Add(-1)) {", pure},
	{"the delay of P0 forgotten", "incident/ladder.go", "if d, ok := l.DueBySeverity[s]; ok {", "if d, ok := l.DueBySeverity[s]; ok && s != P0 {", pure},
	{"L5 without the mark", "incident/ladder.go", "if l.BusinessCritical && !critical {", "if false {", pure},
	{"P2 pages too", "incident/ladder.go", "return s <= P1", "return s <= P2", pure},
	{"an acknowledgement stops nothing", "escalation/matrix.go", "return l.Until == incident.UntilAcknowledged && c.s.Acked()", "return false", pure},
	{"an acknowledgement stops L3 too", "escalation/matrix.go", "return l.Until == incident.UntilAcknowledged && c.s.Acked()", "return c.s.Acked()", pure},
	{"one's own acknowledgement ignored", "escalation/matrix.go", "if c.s.AckedBy(r.Asked()) {", "if false {", pure},
	{"own acknowledgement ignored at first", "escalation/matrix.go", "case c.s.AckedBy(contact.Person):", "case false:", pure},
	{"acknowledgements never lapse", "escalation/matrix.go", "if expires <= 0 || c.s.Severity > incident.P1 {", "if true {", pure},
	{"an update does not renew them", "escalation/matrix.go", "if c.s.Update.At.After(since) {", "if false {", pure},
	{"they lapse below paging", "escalation/matrix.go", "if expires <= 0 || c.s.Severity > incident.P1 {", "if expires <= 0 {", pure},
	{"one round too many", "escalation/matrix.go", "c.s.Climb.Round < ladder.Repeat ||", "c.s.Climb.Round <= ladder.Repeat ||", pure},
	{"the pause forgotten", "escalation/matrix.go", "due := end.Add(c.pause())", "due := end", pure},
	{"a passed level does not pull", "incident/apply.go", "if e.Next != \"\" {", "if false {", pure},
	{"failed pages are not followed", "escalation/matrix.go", "if allFailed(page) {", "if false {", pure},
	{"late does not count as failed", "escalation/matrix.go", "if m.State != incident.PageFailed && m.State != incident.PageLate {", "if m.State != incident.PageFailed {", pure},
	{"the failed person tried again", "escalation/matrix.go", "case slices.Contains(tried, contact.Person.Key):", "case false:", pure},
	{"no last resort for nobody", "escalation/matrix.go", "if !c.s.Climb.LastResort && !c.reached() {", "if false {", pure},
	{"the ladder is never over", "incident/apply.go", "s.Climb.LastResort, s.Climb.Over = true, e.Final", "s.Climb.LastResort = true", pure},
	{"the page is not remembered", "incident/apply.go", "r.Last, r.Attempt, r.Why = at, e.Attempt, e.Why", "r.Attempt, r.Why = e.Attempt, e.Why", pure},
	{"the level was not paged", "incident/apply.go", "\t\tif r.Since.IsZero() {\n\t\t\tr.Since = at\n\t\t}\n", "", pure},
	{"a request is never served", "incident/apply.go", "return d.Seq == demand })", "return false })", pure},
	{"a hold does not stop", "escalation/matrix.go", "if len(c.levels) == 0 || s.Held() {", "if len(c.levels) == 0 {", pure},
	{"a hold does not move the clocks", "incident/apply.go", "*t = t.Add(held)", "*t = t.Add(0 * held)", pure},
	{"a hold of two hours", "incident/handle.go", "const MaxHold = time.Hour", "const MaxHold = 2 * time.Hour", pure},
	{"given back to the same person", "escalation/matrix.go", "case l.Until == incident.UntilAcknowledged && slices.Contains(c.s.Climb.GaveBack, contact.Person.Key):", "case false:", pure},
	{"a lapse starts nothing", "incident/apply.go", "s.Climb.Base, s.Climb.BaseWhy = at, why", "s.Climb.BaseWhy = why", pure},
	{"reopened with the old ladder", "incident/apply.go", "s.Climb = Climb{Pages: s.Climb.Pages, Attempts: s.Climb.Attempts, StartWhy: WhyReopened}", "s.Climb.StartWhy = WhyReopened", pure},
	{"lowered, and the ladder goes on", "incident/apply.go", "if len(s.Levels()) == 0 { // below", "if false { // below", pure},
	{"a raise is called late", "incident/apply.go", "s.Severity, s.Climb.Turned = e.To, at", "s.Severity = e.To", pure},
	{"pages of the resolved are sent", "incident/consequences.go", "if !s.Open() {\n\t\treturn s.ID", "if false {\n\t\treturn s.ID", pure},
	{"pages of the answered are sent", "incident/consequences.go", "case l.Until == UntilAcknowledged && s.Acked():", "case false:", pure},
	{"both of two pages are sent", "incident/consequences.go", "if p.Attempt > e.Attempt &&", "if false && p.Attempt > e.Attempt &&", pure},
	{"an asked page is dropped", "incident/consequences.go", "(!e.Asked || e.Attempt <= ack.Pages)", "(true || e.Attempt <= ack.Pages)", pure},
	{"the next level without its methods", "escalation/matrix.go", "usable = usable[:1]", "_ = usable[:1]", pure},
	{"the wrong next method", "escalation/matrix.go", "if !slices.Contains(r.Used, m) {", "if slices.Contains(r.Used, m) {", pure},
	{"past the last level at once", "escalation/matrix.go", "return due.After(turn.Add(-time.Second)) || !c.now.Before(turn)", "return due.After(turn) || c.now.After(turn)", pure},
	{"a reminder for each that was missed", "incident/apply.go", "s.Clock.Due, s.Clock.Seq, s.Clock.Stepped, s.Clock.Step = e.Due, r.Seq, r.At, 0", "s.Clock.Due, s.Clock.Seq, s.Clock.Stepped, s.Clock.Step = e.Due, r.Seq, e.Due, 0", pure},
	{"an update does not set the clock", "incident/apply.go", "s.Update = LastUpdate{At: r.At, Seq: r.Seq, By: e.By, Text: e.Text, Next: e.Next}\n\t\ts.Clock = Clock{From: r.At}", "s.Update = LastUpdate{At: r.At, Seq: r.Seq, By: e.By, Text: e.Text, Next: e.Next}", pure},
	{"paged one cadence late", "reminders/updates.go", "if step.Step != 2 || u.Roster == nil {", "if step.Step != 3 || u.Roster == nil {", pure},
	{"the snooze forgotten", "reminders/updates.go", "if !c.Snoozed.IsZero() {", "if false {", pure},
	{"a P0 snoozed twice", "incident/handle.go", "case s.Severity == P0 && s.Clock.Snoozes > 0:", "case s.Severity == P0 && s.Clock.Snoozes > 1:", pure},
	{"a phone rings for a P2 update", "reminders/updates.go", "if len(s.Levels()) == 0 {", "if false {", pure},
	{"lateness forgotten", "escalation/matrix.go", "return Late(due, c.now)\n", "return 0\n", pure},
	{"one person is enough", "incident/playbook_handle.go", "case r.By.Is(in.By):", "case false:", pure},
	{"approved before anybody asked", "incident/playbook_handle.go", "case !r.Sure:", "case false:", pure},
	{"an approval of what was not shown", "incident/playbook_handle.go", "r.Digest[:len(digest)] != digest", "false", pure},
	{"versions are not part of what is approved", "incident/playbook_handle.go", "o.UID, o.Version, o.Verb}", "o.UID, \"\", o.Verb}", pure},
	{"a step begins twice", "incident/playbook_handle.go", "if !ok || r.Phase != Ready {", "if !ok || r.Phase != Ready && r.Phase != Running {", pure},
	{"an old approval begins", "incident/playbook_handle.go", "if !now.Before(r.Until) ||", "if false ||", pure},
	{"an approval never lapses", "playbooks/flow/flow.go", "case r.Until.After(now):", "case true:", pure},
	{"a change keeps the approval", "incident/playbook_apply.go", "run.Phase, run.Reason, run.Until, run.Again = Previewing,", "run.Phase, run.Reason, run.Until, run.Again = Ready,", pure},
	{"undone twice", "incident/playbook_apply.go", "func(run *StepRun) { run.UndoneBy = e.N }", "func(run *StepRun) {}", pure},
	{"a change without a look", "incident/playbook_apply.go", "if e.Class != Changing {\n\t\trun.Phase = Ready", "if true {\n\t\trun.Phase = Ready", pure},
	{"the request's key is not kept", "engine/engine.go", "w.step.Request = &store.Request{Key: req.Key, Reply: w.reply, At: now}", "_ = store.Request{}", "./engine"},
	{"nothing after a conflict", "engine/engine.go", "c.loaded = false\n\t\t\tcontinue", "continue", "./engine"},
	{"a failed alarm is lost", "engine/clock.go", "e.clock.set(due.stream, e.now().Add(retryAfter))", "", "./engine"},
	{"alarms come early", "engine/clock.go", "if first := a.heap[0]; now.Before(first.at) {", "if first := a.heap[0]; now.Before(first.at.Add(-maxNap)) {", "./engine"},
	{"the start does not catch up", "engine/cells.go", "\t\t\tnext <- stream\n", "", "./engine"},
	{"a new stream has no alarm", "engine/engine.go", "c.loaded = true\n\t\te.keep(c, w)", "c.loaded = true", "./engine"},
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// TestMutations makes each mistake in a copy of the tree and shows which tests
// notice. It takes minutes and runs only when asked for:
//
//	MUTATE=1 go test ./incident -run TestMutations -v -timeout 30m
func TestMutations(t *testing.T) {
	if os.Getenv("MUTATE") == "" {
		t.Skip("MUTATE=1 runs the mutations")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		if only := os.Getenv("MUTATE"); only != "1" && !strings.Contains(m.name, only) {
			continue
		}
		original, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(original, []byte(m.old)); n != 1 {
			t.Errorf("%s: %q stands %d times in %s", m.name, m.old, n, m.file)
			continue
		}
		out, err := tryMutation(t, root, m, bytes.Replace(original, []byte(m.old), []byte(m.new), 1))
		switch names := failedTest.FindAllStringSubmatch(out, 4); {
		case err == nil:
			t.Errorf("%-40s SURVIVES in %s", m.name, m.file)
		case len(names) == 0 && !strings.Contains(out, "panic: test timed out"):
			t.Errorf("%-40s did not run:\n%s", m.name, out)
		default:
			var seen []string
			for _, n := range names {
				seen = append(seen, n[1])
			}
			t.Logf("%-40s %-26s seen by %s", m.name, m.file, strings.Join(seen, " "))
		}
	}
}

// A mutated run keeps no record of the histories that it failed on, and does not
// look long for shorter ones.
func init() {
	if os.Getenv("MUTATED") != "" {
		flag.Set("rapid.nofailfile", "true")
		flag.Set("rapid.shrinktime", "1s")
	}
}

// tryMutation runs the tests with one file replaced.
func tryMutation(t *testing.T, root string, m mutation, changed []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	body, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): file}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{file: changed, overlay: body} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-overlay", overlay, "-vet=off", "-timeout", "60s"}, strings.Fields(m.tests)...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "MUTATE=", "MUTATED=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
