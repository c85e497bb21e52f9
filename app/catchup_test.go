package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/workspace"
)

// TestSlackIsCaughtUp: after ten minutes without Slack each incident gets one
// message for all that was not told, and the program is stopped and started in
// the middle of it.
func TestSlackIsCaughtUp(t *testing.T) {
	for name, restart := range map[string]bool{"running on": false, "started again": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) { w.catchUp(restart) })
		})
	}
}

func (w *world) catchUp(restart bool) {
	w.Helper()
	for i := range 3 {
		w.command("erin", "#incidents", fmt.Sprint("/incident create P1 Storm ", i))
		w.card(fmt.Sprint("Storm ", i))
	}
	w.calm(time.Minute)
	before := len(w.everywhere())
	lines := map[string]int{}
	for i := range 3 {
		lines[w.incidents()[i].ID] = len(w.thread(w.cardNow(w.incidents()[i].Title)))
	}
	w.ws.SetFaults(workspace.Faults{SlackDown: true})
	time.Sleep(10 * time.Second)
	for i := range 3 {
		id := fmt.Sprint("INC-", i+1)
		w.step(id, incident.Acknowledge{By: erin, Via: "phone"})
		for n := range 10 {
			w.step(id, incident.Note{By: erin, Text: fmt.Sprintf("note %d of %s", n, id)})
			time.Sleep(10 * time.Second)
		}
		w.step(id, incident.PostUpdate{By: erin, Text: "pumping, " + id, Status: incident.Mitigating, Next: "wait", ETA: "soon"})
		w.step(id, incident.PostUpdate{By: erin, Text: "still pumping, " + id})
	}
	w.step("INC-2", incident.Resolve{By: erin, Cause: "rain", Fix: "sun"})
	time.Sleep(5 * time.Minute)
	if restart {
		w.stop()
		time.Sleep(time.Minute)
		w.ws.SetFaults(workspace.Faults{LoseAnswersEvery: 3})
		w.start()
		time.Sleep(5 * time.Second)
		w.restart(time.Second)
	}
	w.ws.SetFaults(workspace.Faults{})
	w.calm(5 * time.Minute)
	for i := range 3 {
		w.caughtUp(fmt.Sprint("INC-", i+1), lines)
	}
	if n := len(w.everywhere()) - before; n > 3*3 { // the catch-up, perhaps a reminder, perhaps a room
		for _, m := range w.everywhere() {
			w.Log(m.TS, m.Text)
		}
		w.Errorf("%d messages for three incidents after Slack came back", n)
	}
	w.checkOnce()
	w.step("INC-1", incident.Note{By: erin, Text: "dry again"})
	w.inThread(w.cardNow("Storm 0"), 10*time.Second, "dry again")
}

// caughtUp looks for everything that happened in one message, in its order.
func (w *world) caughtUp(id string, before map[string]int) {
	w.Helper()
	s := w.state(id)
	card := w.cardNow(s.Title)
	var lines []workspace.Message
	for _, m := range w.bot(w.thread(card))[1:] {
		if strings.HasPrefix(m.Text, "📨") {
			lines = append(lines, m)
		} else if says(m, "note ") || says(m, "Actions taken") {
			w.Errorf("%s: %q has a message of its own", id, m.Text)
		}
	}
	if len(lines) != 1 {
		w.Fatalf("%s: caught up with %d messages, want one", id, len(lines))
	}
	want := []string{"Erin Davis has it (over phone)", "note 0 of " + id, "note 9 of " + id, "Actions taken: pumping, " + id, "Next step: wait", "Actions taken: still pumping, " + id}
	if !s.Open() {
		want = append(want, "✅ RESOLVED", "Root cause: rain", "Fix applied: sun")
	}
	text, from := blockText(lines[0]), 0
	for _, words := range want {
		at := strings.Index(text[from:], words)
		if at < 0 {
			w.Errorf("%s: %q is not there, or not in its place:\n%s", id, words, text)
			continue
		}
		from += at
	}
	if n := count(w.ws.Person("bob").Messages("#incidents"), "📨", id); n != 1 {
		w.Errorf("%s: the channel shows the update %d times", id, n)
	}
	state := "Mitigating"
	if !s.Open() {
		state = "RESOLVED"
	}
	if !says(card, state) {
		w.Errorf("%s: the card is not current: %s", id, card.Text)
	}
	if n := len(w.thread(card)) - before[id]; n > 3 {
		w.Errorf("%s: %d messages in the thread", id, n)
	}
}

// blockText is what stands in a message's sections.
func blockText(m workspace.Message) string {
	var blocks []struct{ Text struct{ Text string } }
	_ = json.Unmarshal(m.Blocks, &blocks)
	var out []string
	for _, b := range blocks {
		out = append(out, b.Text.Text)
	}
	return strings.Join(out, "\n")
}
