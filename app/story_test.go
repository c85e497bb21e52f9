package app

import (
	"strings"
	"testing"
	"time"

	"muster/workspace"
)

// find gives the newest message whose text or blocks contain all words.
func find(list []workspace.Message, words ...string) (workspace.Message, bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if says(list[i], words...) {
			return list[i], true
		}
	}
	return workspace.Message{}, false
}

func says(m workspace.Message, words ...string) bool {
	all := m.Text + "\n" + string(m.Blocks)
	for _, w := range words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

func count(list []workspace.Message, words ...string) (n int) {
	for _, m := range list {
		if says(m, words...) {
			n++
		}
	}
	return n
}

// card waits for the card of an incident in #incidents.
func (w *world) card(title string) workspace.Message {
	w.Helper()
	var card workspace.Message
	w.wait(20*time.Second, "card "+title, func() (ok bool) {
		card, ok = find(w.ws.Person("alice").Messages("#incidents"), title)
		return ok
	})
	return card
}

// command types a slash command and fails unless it was acknowledged.
func (w *world) command(who, channel, text string) workspace.Ack {
	w.Helper()
	ack, err := w.ws.Person(who).Command(channel, text)
	if err != nil {
		w.Fatalf("%s typed %s: %v", who, text, err)
	}
	return ack
}

func (w *world) thread(card workspace.Message) []workspace.Message {
	return w.ws.Person("alice").Thread("#incidents", card.TS)
}

// primary is who is on call first, by the built-in rota.
func (w *world) primary() *workspace.Person {
	shift := w.program.roster.OnCall("primary", time.Now())
	handle, _, _ := strings.Cut(shift.Contacts[0].Person.Key, "@")
	return w.ws.Person(handle)
}

func TestStory(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", `/incident create "API service down - investigating"`)
		card := w.card("API service down - investigating")
		if !says(card, "P0", "Investigating", "Acknowledge", "Post update", "Escalate", "Playbook", "Resolve") {
			t.Errorf("the card lacks something:\n%s", card.Blocks)
		}

		oncall := w.primary()
		w.wait(5*time.Second, "page by direct message", func() bool {
			_, ok := find(oncall.Messages(oncall.DM("muster")), "INC-1", "Acknowledge")
			return ok
		})

		time.Sleep(10*time.Minute + time.Second)
		w.wait(10*time.Second, "reminder in the thread", func() bool {
			_, ok := find(w.thread(card), "Post update", "No change", "Snooze 10m")
			return ok
		})

		w.wait(30*time.Minute, "page to the manager", func() bool {
			carol := w.ws.Person("carol")
			_, ok := find(carol.Messages(carol.DM("muster")), "INC-1", "Acknowledge")
			return ok
		})

		w.command("erin", "#incidents", `/incident resolve INC-1 a bad deployment, rolled back`)
		w.wait(20*time.Second, "resolution in the channel", func() bool {
			_, ok := find(w.ws.Person("erin").Messages("#incidents"), "✅ RESOLVED", "API service down", "will monitor for 1 hour")
			return ok
		})
		if s, err := w.program.incidents.State(t.Context(), "INC-1"); err != nil || s.Open() {
			t.Errorf("INC-1 is not resolved: %v %v", s.Status, err)
		}

		before := len(oncall.Messages(oncall.DM("muster")))
		time.Sleep(6 * time.Hour)
		if after := len(oncall.Messages(oncall.DM("muster"))); after != before {
			t.Errorf("%d more messages were sent to the person on call after the resolution", after-before)
		}
	})
}

func TestAcknowledgeByButton(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", `/incident create P0 Checkout is down`)
		oncall := w.primary()
		var dm workspace.Message
		w.wait(5*time.Second, "page", func() (ok bool) {
			dm, ok = find(oncall.Messages(oncall.DM("muster")), "INC-1", "Acknowledge")
			return ok
		})
		if _, err := oncall.Click(oncall.DM("muster"), dm.TS, "Acknowledge"); err != nil {
			t.Fatal(err)
		}
		s, err := w.program.incidents.State(t.Context(), "INC-1")
		if err != nil || len(s.Acks) != 1 {
			t.Fatalf("the acknowledgement is not recorded: %v %v", s.Acks, err)
		}
		time.Sleep(20 * time.Minute)
		for _, p := range s.Climb.Pages {
			if p.Level == "L2" {
				t.Errorf("L2 was paged although L1 acknowledged")
			}
		}
	})
}

func TestRestartCatchesUpOnce(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", `/incident create P1 Search is slow`)
		card := w.card("Search is slow")
		w.restart(25 * time.Minute)
		w.wait(30*time.Second, "one reminder that says how late it is", func() bool {
			return count(w.thread(card), "Post update", "No change") == 1
		})
		time.Sleep(2 * time.Minute)
		if n := count(w.thread(card), "Post update", "No change"); n != 1 {
			t.Errorf("there are %d reminders after 25 minutes away, want 1", n)
		}
		if n := count(w.ws.Person("erin").Messages("#incidents"), "Search is slow", "Acknowledge"); n != 1 {
			t.Errorf("there are %d cards, want 1", n)
		}
	})
}
