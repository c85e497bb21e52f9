package app

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/playbooks/evidence"
	"muster/playbooks/run"
	"muster/workspace"
)

// theBook is a playbook with a reading and a changing step.
const theBook = `---
alerts: [ApiDown]
words: [checkout]
---
# Checkout down

Severity: P0 - Critical

## Look

Look at the pods first.

` + "```bash\nkubectl get pods -n <namespace>\n```" + `

## Mend

` + "```bash\nkubectl rollout undo deployment/api -n prod\n```" + `

- [ ] Traffic is back
- [ ] Support was told
`

// cluster stands in for what performs steps.
type cluster struct {
	mu       sync.Mutex
	version  string
	requests []run.Request
	did      int // changes that were made
	slow     time.Duration
	result   run.Result
}

func newCluster() *cluster { return &cluster{version: "v1"} }

func (c *cluster) Do(ctx context.Context, req run.Request) (run.Result, error) {
	c.mu.Lock()
	c.requests = append(c.requests, req)
	slow, version, result := c.slow, c.version, c.result
	c.mu.Unlock()
	object := run.Object{Kind: "Deployment", Namespace: "prod", Name: "api", UID: "u1", Version: version, Verb: "update", Pods: 3}
	switch req.Mode {
	case run.Preview:
		return run.Result{Ended: run.Done, Commands: []string{req.Code}, Touches: []run.Object{object}, Diff: "- image: api:2\n+ image: api:1", UndoNote: "puts revision 2 back"}, nil
	case run.Change, run.Undo:
		if len(req.Seen) != 1 || req.Seen[0].Version != version {
			return run.Result{Ended: run.Changed, Why: "deployment/api was changed by somebody else."}, nil
		}
	case run.Read, run.Check:
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return run.Result{Ended: run.Cancelled, Why: "The step was cancelled and ended."}, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.Mode != run.Read {
		c.did++
		c.version += "+"
	}
	if result.Ended != "" {
		return result, nil
	}
	out := run.Result{Ended: run.Done, Output: []byte("said by " + string(req.Mode) + "\n"), Commands: []string{req.Code}}
	if req.Mode == run.Change {
		out.Undo, out.UndoNote = json.RawMessage(`{"before":1}`), "puts revision 2 back"
	}
	return out, nil
}

func (c *cluster) set(change func(*cluster)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *cluster) changes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.did
}

func (c *cluster) asked(mode run.Mode) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		if r.Mode == mode {
			n++
		}
	}
	return n
}

// permitted lets dan and carol operate, and erin and carol approve.
const permitted = `
permissions:
  operate: [dan@example.com, carol@example.com]
  approve: [erin@example.com, carol@example.com, dan@example.com]
`

// withPlaybook runs a test with one playbook and a cluster, and an incident
// that it fits.
func withPlaybook(t *testing.T, test func(w *world, c *cluster, card workspace.Message)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"playbooks/checkout-down.md": theBook, "muster.yaml": permitted})
		defer w.end()
		c := newCluster()
		w.change = func(opt *Options) {
			opt.Steps, opt.Evidence = c, evidence.Open(filepath.Join(w.dir, "evidence"), time.Now)
		}
		w.start()
		defer func() { w.stop() }()
		w.command("dan", "#incidents", "/incident create P0 checkout is down")
		test(w, c, w.card("checkout is down"))
	})
}

// clickIn clicks a button of a message of the thread.
func (w *world) clickIn(who string, card workspace.Message, name string, words ...string) {
	w.Helper()
	m := w.inThread(card, 30*time.Second, words...)
	w.click(who, m, "#incidents", name)
}

// runs waits until a run stands where it is told.
func (w *world) run(n int, phase incident.Phase) incident.StepRun {
	w.Helper()
	var r incident.StepRun
	w.wait(time.Minute, fmt.Sprintf("run %d that is %s", n, phase), func() bool {
		r, _ = w.state("INC-1").Shelf.Run(n)
		return r.Phase == phase
	})
	return r
}

// preview opens the playbook and has dan ask for the changing step.
func (w *world) preview(card workspace.Message) incident.StepRun {
	w.Helper()
	w.clickIn("dan", card, "Open the playbook", "A playbook fits", "Checkout down")
	w.clickIn("dan", card, "Preview", "Mend")
	r := w.run(1, incident.Waiting)
	w.inThread(card, 30*time.Second, "This would run", "kubectl rollout undo", "image: api:1", "Somebody else has to approve it")
	return r
}

func TestPlaybookFromSuggestionToOutput(t *testing.T) {
	withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
		w.clickIn("frank", card, "Open the playbook", "A playbook fits", "the title has the word checkout")
		w.inThread(card, 30*time.Second, "Checkout down", "Severity", "P0")
		w.clickIn("frank", card, "Run …", "Look", "kubectl get pods")
		form := w.form("frank", "namespace")
		w.submit("frank", form, map[string]any{"value namespace": "prod"})
		w.run(1, incident.Ended)
		w.inThread(card, 30*time.Second, "✅", "said by read", "kubectl get pods -n")
		if r := w.state("INC-1").Shelf; r.Values["namespace"] != "prod" {
			w.Errorf("the values are not remembered: %v", r.Values)
		}
		w.clickIn("frank", card, "Run …", "📖 *Look*", "run 1")
		if form := w.form("frank", "namespace"); !strings.Contains(string(form.Blocks), `"prod"`) {
			w.Errorf("the form is not filled in: %s", form.Blocks)
		}
	})
}

func TestPlaybookApproval(t *testing.T) {
	withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
		w.preview(card)
		w.clickIn("dan", card, "Approve", "This would run")
		w.privately("dan", "#incidents", "somebody else has to approve")
		w.clickIn("frank", card, "Approve", "This would run")
		w.privately("frank", "#incidents", "needs the permission", "approve")
		if n := c.changes(); n != 0 {
			w.Fatalf("%d changes without an approval", n)
		}
		w.dm("erin", 30*time.Second, "asks for your approval", "kubectl rollout undo")
		m := w.inThread(card, 30*time.Second, "This would run")
		var clicks sync.WaitGroup
		for _, who := range []string{"erin", "erin", "carol", "erin"} {
			clicks.Go(func() {
				// One that comes too late finds no button any more.
				_, _ = w.ws.Person(who).Click("#incidents", m.TS, "Approve")
			})
		}
		clicks.Wait()
		r := w.run(1, incident.Ended)
		w.calm(time.Minute)
		if n := c.changes(); n != 1 {
			w.Fatalf("%d changes after one approval", n)
		}
		if r.Outcome.End != incident.EndDone || (r.Decided.Key != "erin@example.com" && r.Decided.Key != "carol@example.com") || r.Outcome.Journal == "" || r.Outcome.SHA256 == "" {
			w.Errorf("the outcome is %+v", r)
		}
		w.inThread(card, 30*time.Second, "✅", "is done", "approved by "+r.Decided.Name, "Undo")
	})
}

func TestPlaybookObjectChanged(t *testing.T) {
	withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
		first := w.preview(card)
		m := w.inThread(card, 30*time.Second, "This would run")
		c.set(func(c *cluster) { c.version = "v2" })
		w.click("erin", m, "#incidents", "Approve")
		w.inThread(card, 30*time.Second, "was not made", "changed by somebody else")
		w.wait(time.Minute, "a new preview", func() bool {
			r, _ := w.state("INC-1").Shelf.Run(1)
			return r.Phase == incident.Waiting && r.Digest != "" && r.Digest != first.Digest && r.Decided.Nobody()
		})
		if n := c.changes(); n != 0 {
			w.Fatalf("%d changes of an object that was not shown", n)
		}
		var second workspace.Message
		w.wait(30*time.Second, "message of its own that asks again", func() (ok bool) {
			second, ok = find(w.thread(card), "This would run", "asked again")
			return ok && second.TS != m.TS
		})
		w.wait(30*time.Second, "old message without buttons", func() bool {
			_, ok := find(w.thread(card), "something changed after this was shown")
			return ok
		})
		w.click("erin", second, "#incidents", "Approve")
		w.run(1, incident.Ended)
		if n := c.changes(); n != 1 {
			w.Fatalf("%d changes", n)
		}
	})
}

func TestPlaybookApprovalExpires(t *testing.T) {
	withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
		w.preview(card)
		m := w.inThread(card, 30*time.Second, "This would run")
		time.Sleep(10*time.Minute + time.Second)
		w.run(1, incident.Lapsed)
		w.inThread(card, 30*time.Second, "has expired", "did not run")
		if _, err := w.ws.Person("erin").Say("#incidents", "@muster playbook approve 1", card.TS); err != nil {
			w.Fatal(err)
		}
		w.privately("erin", "#incidents", "expired")
		_ = m
		if n := c.changes(); n != 0 {
			w.Fatalf("%d changes after the time was over", n)
		}
	})
}

func TestPlaybookRestartAfterApproval(t *testing.T) {
	for _, away := range []time.Duration{time.Second, 11 * time.Minute} {
		t.Run(away.String(), func(t *testing.T) {
			withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
				w.preview(card)
				// The approval is on record and nothing has begun.
				if _, err := w.program.incidents.Do(w.Context(), approval("INC-1", 1)); err != nil {
					w.Fatal(err)
				}
				w.restart(away)
				if away < incident.StepWindow {
					w.run(1, incident.Ended)
				} else if r, _ := w.state("INC-1").Shelf.Run(1); r.Phase == incident.Waiting || r.Phase == incident.Ready {
					w.run(1, incident.Lapsed)
				}
				w.calm(time.Minute)
				r, _ := w.state("INC-1").Shelf.Run(1)
				switch {
				case r.Phase == incident.Ended && r.Outcome.End == incident.EndDone && c.changes() == 1:
				case (r.Phase == incident.Lapsed || r.Outcome.End == incident.EndUnknown || r.Outcome.End == incident.EndCancelled) && c.changes() <= 1:
					w.inThread(card, 30*time.Second, "run 1")
				default:
					w.Errorf("%d changes, the run is %s %s", c.changes(), r.Phase, r.Outcome.End)
				}
			})
		})
	}
}

func TestPlaybookStoppedInTheMiddle(t *testing.T) {
	withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
		w.preview(card)
		c.set(func(c *cluster) { c.slow = time.Minute })
		w.clickIn("erin", card, "Approve", "This would run")
		w.run(1, incident.Running)
		w.restart(time.Minute)
		r := w.run(1, incident.Ended)
		if r.Outcome.End != incident.EndCancelled && r.Outcome.End != incident.EndUnknown {
			w.Errorf("the outcome is %s", r.Outcome.End)
		}
		w.calm(2 * time.Minute)
		if n := c.asked(run.Change); n != 1 {
			w.Errorf("it was run %d times", n)
		}
		w.inThread(card, 30*time.Second, "Muster was stopped while it ran")
	})
}

func TestPlaybookUndoCancelTicks(t *testing.T) {
	withPlaybook(t, func(w *world, c *cluster, card workspace.Message) {
		w.preview(card)
		w.clickIn("erin", card, "Approve", "This would run")
		w.run(1, incident.Ended)
		w.clickIn("dan", card, "Undo", "is done", "said by change")
		w.run(2, incident.Waiting)
		m := w.inThread(card, 30*time.Second, "Undo:", "This would run")
		w.click("carol", m, "#incidents", "Approve")
		r := w.run(2, incident.Ended)
		if r.Outcome.End != incident.EndDone || c.asked(run.Undo) != 1 {
			w.Errorf("the undo ended as %+v", r.Outcome)
		}
		if r, _ := w.state("INC-1").Shelf.Run(1); r.CanUndo() {
			w.Error("a run can be undone twice")
		}
		// A step that runs is cancelled.
		c.set(func(c *cluster) { c.slow = time.Hour })
		if _, err := w.ws.Person("dan").Say("#incidents", "@muster playbook run 1 namespace=prod", card.TS); err != nil {
			w.Fatal(err)
		}
		w.run(3, incident.Running)
		w.clickIn("dan", card, "Cancel", "run 3", "runs since")
		if r := w.run(3, incident.Ended); r.Outcome.End != incident.EndCancelled {
			w.Errorf("a cancelled step ended as %s", r.Outcome.End)
		}
		w.clickIn("frank", card, "Traffic is back", "Mend", "Support was told")
		w.wait(30*time.Second, "tick", func() bool { return len(w.state("INC-1").Shelf.Ticks) == 1 })
		w.clickIn("dan", card, "Support was told", "Mend", "☑︎ Frank")
		w.wait(30*time.Second, "second tick", func() bool {
			ticks := w.state("INC-1").Shelf.Ticks
			return len(ticks) > 0 && ticks[len(ticks)-1].By.Key == "dan@example.com"
		})
	})
}

func TestPlaybookWithoutACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"playbooks/checkout-down.md": theBook})
		defer w.end()
		w.start()
		defer func() { w.stop() }()
		w.command("dan", "#incidents", "/incident create P0 checkout is down")
		card := w.card("checkout is down")
		w.clickIn("dan", card, "Open the playbook", "A playbook fits")
		w.clickIn("dan", card, "Show", "Mend", "set KUBECONFIG")
		w.privately("dan", "#incidents", "would run", "kubectl rollout undo", "KUBECONFIG")
		if n := len(w.state("INC-1").Shelf.Runs); n != 0 {
			w.Errorf("%d runs without a cluster", n)
		}
	})
}

// approval is erin's word on a run, as it is shown now.
func approval(stream string, n int) engine.Request[incident.Incident] {
	return engine.Request[incident.Incident]{Stream: stream, Intent: incident.ApproveStep{By: incident.Person{Key: "erin@example.com", Name: "Erin Davis"}, N: n}}
}
