package app

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/workspace"
)

// home opens a person's home tab and gives it as text.
func (w *world) home(who string) string {
	w.Helper()
	p := w.ws.Person(who)
	p.Home()
	time.Sleep(3 * time.Second)
	text, err := json.Marshal(p.PublishedHome())
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// Follow-up work stands on the home tab of who does it, also when its date is
// over and after a restart, and a click closes it.
func TestFollowUpsOnTheHomeTab(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(200, "create P2 API is slow", "erin@example.com", "")
		w.post(200, "action INC-1 alert on the queue @bob tomorrow", "erin@example.com", "")
		w.post(200, "action INC-1 write the runbook @bob", "erin@example.com", "")
		w.post(200, "action INC-1 ask the vendor @dan", "erin@example.com", "")
		w.post(200, "action INC-1 tell the customers", "erin@example.com", "")
		w.post(200, "resolve INC-1 a lock", "erin@example.com", "")
		w.post(200, "postmortem waive INC-1 small", "erin@example.com", "")
		bob := w.home("bob")
		if !strings.Contains(bob, "Your follow-ups") || !strings.Contains(bob, "alert on the queue") || !strings.Contains(bob, "due 2000-01-02") ||
			strings.Index(bob, "write the runbook") < strings.Index(bob, "alert on the queue") || strings.Contains(bob, "vendor") {
			t.Errorf("bob's home tab: %s", bob)
		}
		if erin := w.home("erin"); !strings.Contains(erin, "tell the customers") || strings.Contains(erin, "vendor") {
			t.Errorf("what nobody owns is the writer's: %s", erin)
		}
		w.stop()
		time.Sleep(4 * 24 * time.Hour)
		w.start()
		if bob := w.home("bob"); !strings.Contains(bob, "was due 2000-01-02") {
			t.Errorf("after its date: %s", bob)
		}
		if _, err := w.ws.Person("bob").ClickView(w.ws.Person("bob").PublishedHome().ID, "Done"); err != nil {
			t.Fatal(err)
		}
		w.wait(5*time.Second, "follow-up that is done", func() bool { return w.state("INC-1").Actions[0].Done })
		if bob := w.home("bob"); strings.Contains(bob, "alert on the queue") || !strings.Contains(bob, "write the runbook") {
			t.Errorf("after the click: %s", bob)
		}
		w.restart(time.Minute)
		if bob := w.home("bob"); strings.Contains(bob, "alert on the queue") || !strings.Contains(bob, "write the runbook") {
			t.Errorf("after a restart: %s", bob)
		}
		if carol := w.home("carol"); strings.Contains(carol, "Your follow-ups") {
			t.Errorf("carol has none: %s", carol)
		}
	})
}

// A reminder of follow-up work has a button that closes it, once, however often
// the click comes; then the message says who did it, and a later click changes
// nothing. Who may not respond at that moment is told so.
func TestFollowUpIsClosedByItsReminder(t *testing.T) {
	only := map[string]string{"muster.yaml": "permissions: {respond: [erin@example.com]}\n"}
	inBubble(t, only, func(w *world) {
		w.post(200, "create P2 API is slow", "erin@example.com", "")
		w.post(200, "action INC-1 alert on the queue @bob 2000-01-03", "erin@example.com", "")
		w.post(200, "resolve INC-1 a lock", "erin@example.com", "")
		w.post(200, "postmortem waive INC-1 small", "erin@example.com", "")
		w.restart(2 * 24 * time.Hour)
		near := w.dm("bob", 10*time.Second, "Follow-up 1", "due tomorrow", "2000-01-03")
		w.restart(2 * 24 * time.Hour)
		over := w.dm("bob", 10*time.Second, "Follow-up 1", "was due 2000-01-03")
		at := w.ws.Person("bob").DM("muster")
		w.click("bob", near, at, "Done")
		w.privately("bob", at, "needs the permission")
		if w.state("INC-1").Actions[0].Done {
			t.Fatal("somebody who may not respond closed it")
		}
		writeFile(t, filepath.Join(w.dir, "config", "muster.yaml"), "permissions: {respond: [everyone]}\n")
		w.restart(time.Minute)

		w.ws.SetFaults(workspace.Faults{DoubleEnvelopes: true})
		w.click("bob", over, at, "Done")
		for _, m := range []workspace.Message{near, over} {
			w.wait(10*time.Second, "reminder that says who closed it", func() bool {
				for _, now := range w.ws.Person("bob").Messages(at) {
					if now.TS == m.TS {
						return says(now, "Bob", "closed it") && !strings.Contains(string(now.Blocks), "button")
					}
				}
				return false
			})
		}
		w.ws.SetFaults(workspace.Faults{})
		before := w.state("INC-1")
		if done := w.facts("INC-1")["action_done"]; done != 1 {
			t.Errorf("%d records say that it is done", done)
		}
		if r := w.post(200, "action INC-1 done 1", "dan@example.com", ""); !strings.Contains(r, "done already") || !strings.Contains(r, "Bob") {
			t.Errorf("a second time: %s", r)
		}
		if after := w.state("INC-1"); !after.Actions[0].DoneAt.Equal(before.Actions[0].DoneAt) || !after.Actions[0].DoneBy.Is(before.Actions[0].DoneBy) {
			t.Errorf("the second time changed it to %+v", after.Actions[0])
		}
	})
}
