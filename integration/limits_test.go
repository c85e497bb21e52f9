package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/bot/render"
	"muster/playbooks"
	"muster/workspace"
)

// wild is a playbook whose steps do not end by themselves.
const wild = "# Wild\n\n**Severity:** P0\n\n## Steps\n\n" +
	"### Hang\n\n```bash timeout=80s\nsleep 600\n```\n\n" +
	"### Print\n\n```bash timeout=60s\nawk 'BEGIN { while (1) print \"again and again\" }'\n```\n\n" +
	"### Eat\n\n```bash timeout=60s\njq -n '[range(1000000000)] | length'\n```\n\n" +
	"### Spin\n\n```bash timeout=8s\nawk 'BEGIN { while (1) n++ }'\n```\n\n" +
	"### Die\n\n```bash timeout=60s\nsleep 55\n```\n"

// A step that hangs, prints forever, eats memory or spins ends at its limit and is recorded; meanwhile pages leave as
// fast as ever, and the reminder of an update comes at its time.
func TestWildStepsEndAndPagesKeepTheirTimes(t *testing.T) {
	o := newOffice(t, map[string]string{
		"playbooks/wild.md": wild,
		"muster.yaml":       "incident_channel: {P0: false, P1: false}\ncadence: {P0: '@every 1m'}\npermissions: {operate: [alice@example.com]}\nplaybooks: {auto_approve: [wild]}\n",
		"escalation.yaml":   "levels:\n  - {level: L1, role: primary, methods: [slack], due: 0s, respond_within: 1h, until: acknowledged}\nrepeat: 0\nlast_resort: {slack: '#incidents', mention: '@here'}\n",
	})
	book := playbooks.Parse("wild.md", []byte(wild))
	// page declares an incident and measures how long it takes until somebody is paged.
	page := func(n int) time.Duration {
		t.Helper()
		begin := time.Now()
		o.say("carol", incidents, fmt.Sprintf(`create P0 "outage %d"`, n))
		o.until("somebody is paged", func() error {
			for _, who := range []string{"alice", "bob", "frank"} {
				dm := o.ws.Person(who).DM("muster")
				if slices.ContainsFunc(o.ws.Person(who).Messages(dm), func(m workspace.Message) bool {
					return strings.Contains(text(m), fmt.Sprintf("outage %d", n))
				}) {
					return nil
				}
			}
			return fmt.Errorf("nobody is")
		})
		return time.Since(begin)
	}
	idle := page(1)

	declared := time.Now()
	o.say("alice", incidents, `create P0 "the wild one"`)
	o.see("alice", incidents, "the wild one", "Acknowledge")
	o.say("alice", incidents, "playbook INC-2 wild")
	steps := book.Steps()
	click := func(s playbooks.Step) {
		t.Helper()
		button := render.ActPick + ":step " + s.ID
		if !s.Runs() {
			t.Fatalf("%s does not run: %s", s.Title, s.Why)
		}
		m := o.see("alice", incidents, `"`+button+`"`)
		o.click("alice", incidents, m, button)
	}
	for _, s := range steps[:4] {
		click(s)
	}
	var busy []time.Duration
	for n := 2; n <= 4; n++ {
		busy = append(busy, page(n))
	}
	// The reminder comes a minute after the incident, while the first step still hangs.
	reminder := o.see("alice", incidents, "an update on", "the wild one", "is due")
	seconds, err := strconv.ParseFloat(reminder.TS, 64)
	o.must(err)
	after := time.UnixMilli(int64(seconds * 1000)).Sub(declared)
	t.Logf("the reminder came %s after the incident, due after 1m0s", after.Round(time.Millisecond))
	if after < time.Minute-2*time.Second || after > time.Minute+30*time.Second {
		t.Errorf("the reminder came after %s", after)
	}
	ended := func(n int, s playbooks.Step, why string) {
		t.Helper()
		head := regexp.MustCompile(fmt.Sprintf(`\* · run %d\b`, n+1))
		o.until(s.Title+" has ended", func() error {
			for _, m := range o.all("alice", incidents) {
				if head.MatchString(text(m)) {
					// One that is killed before it took its order did not run.
					if strings.Contains(text(m), "❌") || why == "" && strings.Contains(text(m), "did not run") {
						if !strings.Contains(text(m), why) {
							t.Errorf("%s did not end at its limit: %s", s.Title, m.Text)
						}
						t.Logf("%s: %s", s.Title, strings.SplitN(m.Text, "\n", 2)[0])
						return nil
					}
					return fmt.Errorf("it says %s", m.Text)
				}
			}
			return fmt.Errorf("nothing is said of it")
		})
	}
	for n, why := range []string{"still running after 1m20s", "printed more than 16384 KiB", "512 MiB of memory", "still running after 8s"} {
		ended(n, steps[n], why)
	}
	click(steps[4])
	o.until("the step's process is there to be killed", func() error {
		var children []byte
		for _, dir := range tasks(o.cmd.Process.Pid) {
			more, _ := os.ReadFile(filepath.Join(dir, "children"))
			children = append(append(children, ' '), more...)
		}
		for _, id := range strings.Fields(string(children)) {
			if pid, err := strconv.Atoi(id); err == nil {
				return syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return errors.New("there is none")
	})
	ended(4, steps[4], "")
	t.Logf("a page after %s with nothing to do, after %s while the steps ran; all over %s after the incident", idle.Round(time.Millisecond), busy, time.Since(declared).Round(time.Second))
	for _, d := range busy {
		if d > 30*time.Second {
			t.Errorf("a page took %s", d)
		}
	}
}

// tasks are the threads of a process, each of which may have children.
func tasks(pid int) []string {
	dirs, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	return dirs
}
