package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
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
