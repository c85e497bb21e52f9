package app

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/workspace"
)

// fourLadders gives each severity one person to page at once, so that Slack's
// limit of one message a second to one person does not hide the others.
const fourLadders = `levels:
  - {level: L1, title: One, role: primary, methods: [slack], due: 0s, respond_within: 30m, until: acknowledged, severities: [P0]}
  - {level: L2, title: Two, role: manager, methods: [slack], due: 0s, respond_within: 30m, until: acknowledged, severities: [P1]}
  - {level: L3, title: Three, role: director, methods: [slack], due: 0s, respond_within: 30m, until: acknowledged, severities: [P2]}
  - {level: L4, title: Four, role: cto, methods: [slack], due: 0s, respond_within: 30m, until: acknowledged, severities: [P3]}
last_resort: {slack: '#incidents'}
`

func TestSixtyIncidentsInOneSecond(t *testing.T) {
	files := map[string]string{
		"escalation.yaml": fourLadders, "muster.yaml": "incident_channel: {P0: true, P1: true, P2: true, P3: true}\n",
	}
	inBubble(t, files, func(w *world) {
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / 60)
				w.command("alice", "#incidents", fmt.Sprintf("/incident create P%d Flood in cellar %d", i%4, i))
			})
		}
		all.Wait()
		time.Sleep(15 * time.Second)
		delivered, rooms := 0, 0
		for _, s := range w.incidents() {
			if s.Room.Channel != "" {
				rooms++
			}
			for _, r := range w.history(s.ID) {
				if e, ok := r.Event.(incident.PageSettled); ok && e.State == incident.PageDelivered {
					delivered++
				}
			}
		}
		if delivered != 60 {
			t.Errorf("%d of 60 direct messages are out after 15 s", delivered)
		}
		if rooms == 60 {
			t.Error("all channels are there already: nothing could have waited for them")
		}
		w.wait(10*time.Minute, "sixty channels", func() bool {
			for _, s := range w.incidents() {
				if s.Room.Channel == "" {
					return false
				}
			}
			return true
		})
		w.checkOnce()
	})
}

// TestPagesDoNotQueue: a page and an answer pass two thousand messages that
// wait, and the limit on new channels.
func TestPagesDoNotQueue(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				id := w.step("", incident.Declare{
					Title: fmt.Sprint("Noise ", i), Severity: incident.P2, By: erin, Plan: plan(w.program.opt.Live.Get()),
				})
				for n := range 20 {
					w.step(id, incident.Note{By: erin, Text: fmt.Sprint("noise ", n)})
				}
			})
		}
		for i := range 25 { // more than Slack lets a minute create
			all.Go(func() {
				w.step("", incident.Declare{Title: fmt.Sprint("Room ", i), Severity: incident.P3, By: erin, Plan: rooms(plan(w.program.opt.Live.Get()))})
			})
		}
		all.Wait()
		if n := w.program.outbox.Status().Lanes[outbox.Chat].Waiting; n < 2000 {
			t.Fatalf("only %d deliveries wait", n)
		}
		ack := w.command("alice", "#incidents", "/incident create P0 The real one")
		if ack.Took > time.Second || !strings.Contains(string(ack.Payload), "The real one") {
			t.Errorf("the command was answered after %v with %s", ack.Took, ack.Payload)
		}
		oncall := w.primary()
		w.wait(2*time.Second, "page of the real one", func() bool {
			_, ok := find(oncall.Messages(oncall.DM("muster")), "The real one", "Acknowledge")
			return ok
		})
	})
}

var erin = incident.Person{Key: "erin@example.com", Name: "Erin Davis"}

func rooms(p incident.Plan) incident.Plan {
	p.Room = incident.Severities
	return p
}

// step puts something on record without Slack.
func (w *world) step(stream string, in incident.Intent) string {
	w.Helper()
	r, err := w.program.incidents.Do(w.Context(), engine.Request[incident.Incident]{Stream: stream, New: stream == "", Intent: in})
	if err != nil {
		w.Errorf("step %s: %v", stream, err)
	}
	return r.Stream
}

// TestBackAfterTenMinutes: what no longer matters is not posted, what matters
// leaves at once, and nobody is flooded.
func TestBackAfterTenMinutes(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 Before the storm")
		card := w.card("Before the storm")
		time.Sleep(8 * time.Minute)
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(4 * time.Minute) // a reminder became due
		w.post(http.StatusOK, "update INC-1 we work without Slack", "erin@example.com", "u1")
		time.Sleep(2 * time.Minute)
		w.post(http.StatusOK, "create P1 In the storm", "carol@example.com", "c1")
		time.Sleep(4 * time.Minute)
		w.post(http.StatusOK, "resolve INC-1 the weather", "erin@example.com", "r1")
		back := time.Now()
		before := len(w.everywhere())
		w.ws.SetFaults(workspace.Faults{})
		oncall := w.primary()
		w.wait(5*time.Second, "page that waited", func() bool {
			_, ok := find(oncall.Messages(oncall.DM("muster")), "In the storm", "Acknowledge")
			return ok
		})
		w.calm(5 * time.Minute)
		if n := count(oncall.Messages(oncall.DM("muster")), "📟", "Before the storm"); n != 2 { // at once and after five minutes
			t.Errorf("the person on call has %d pages of the incident that is resolved, want the 2 from before", n)
		}
		if n := count(w.bot(w.thread(card)), "⏰"); n != 0 {
			t.Errorf("%d reminders were posted that no longer matter", n)
		}
		if n := count(w.bot(w.thread(card)), "we work without Slack"); n != 1 {
			t.Errorf("the update stands %d times in the thread", n)
		}
		if !says(w.cardNow("Before the storm"), "✅ RESOLVED") || w.cardNow("In the storm").TS == "" {
			t.Error("the cards are not current")
		}
		if n := len(w.everywhere()) - before; n > 25 {
			for _, m := range w.everywhere()[before:] {
				t.Log(m.Text)
			}
			t.Errorf("%d messages within %v after Slack came back", n, time.Since(back))
		}
		w.checkOnce()
	})
}
