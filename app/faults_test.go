package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/incident"
	"muster/outbox"
	"muster/workspace"
)

// trouble is one way in which Slack misbehaves.
type trouble struct {
	faults workspace.Faults
	// down is when Slack goes away, counted from the start, and for how long;
	// zero: it stays.
	down, away time.Duration
	// page is how long a page may take while Slack is there.
	page time.Duration
}

// TestSlackMisbehaves: whatever Slack does, commands are acknowledged in time,
// the history is right, every message stands there once, the cards are right
// at the end, and pages wait for nothing that is not theirs.
func TestSlackMisbehaves(t *testing.T) {
	for name, f := range map[string]trouble{
		"healthy":                      {page: time.Second},
		"sockets cut every 2 s":        {faults: workspace.Faults{CutEveryMS: 2000}, page: time.Second},
		"every envelope twice":         {faults: workspace.Faults{DoubleEnvelopes: true}, page: time.Second},
		"429 on every third call":      {faults: workspace.Faults{RateLimitEvery: 3}, page: 15 * time.Second},
		"one second of latency":        {faults: workspace.Faults{SlowMS: 1000}, page: 5 * time.Second},
		"every fifth answer lost":      {faults: workspace.Faults{LoseAnswersEvery: 5}, page: 5 * time.Second},
		"ten minutes down":             {down: 3 * time.Minute, away: 10 * time.Minute, page: 12 * time.Minute},
		"all at once":                  {faults: everyFault, page: 20 * time.Second},
		"all at once and ten min down": {faults: everyFault, down: 3 * time.Minute, away: 10 * time.Minute, page: 12 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) { w.play(f) })
		})
	}
}

var everyFault = workspace.Faults{CutEveryMS: 2000, DoubleEnvelopes: true, RateLimitEvery: 3, SlowMS: 1000}

// play has three incidents happen at the same time and looks at what is left.
func (w *world) play(f trouble) {
	w.ws.SetFaults(f.faults)
	var all sync.WaitGroup
	if f.away > 0 {
		all.Go(func() {
			time.Sleep(f.down)
			down := f.faults
			down.SlackDown = true
			w.ws.SetFaults(down)
			time.Sleep(f.away)
			w.ws.SetFaults(f.faults)
		})
	}
	casts := [][2]string{{"erin", "dan"}, {"frank", "carol"}, {"carol", "erin"}}
	for i, cast := range casts {
		all.Go(func() {
			time.Sleep(time.Duration(i)*700*time.Millisecond + 300*time.Millisecond)
			(&story{world: w, n: i, lead: w.ws.Person(cast[0]), second: w.ws.Person(cast[1]), rng: rand.New(rand.NewPCG(uint64(i), 7))}).run()
		})
	}
	all.Wait()
	if w.Failed() {
		return
	}
	w.calm(10 * time.Minute)
	for i := range casts {
		w.checkStory(i)
	}
	w.checkOnce()
	w.checkPages(f.page)
}

// story is one incident, told by two persons.
type story struct {
	*world
	n            int
	lead, second *workspace.Person
	rng          *rand.Rand
	id           string
	card         workspace.Message
}

func (s *story) title() string { return fmt.Sprintf("Trouble %d in the cellar", s.n) }

// insist does what a person does: again a little later when Slack says that the
// app cannot be reached. An app that was reached has to answer in time.
func (s *story) insist(what string, try func() (workspace.Ack, error)) workspace.Ack {
	s.Helper()
	for end := time.Now().Add(20 * time.Minute); time.Now().Before(end); s.pause(4 * time.Second) {
		ack, err := try()
		switch {
		case err == nil && ack.Took > 3*time.Second:
			s.Errorf("%s: acknowledged after %v", what, ack.Took)
			return ack
		case err == nil:
			return ack
		case !errors.Is(err, workspace.ErrNotConnected):
			s.Errorf("%s: %v", what, err)
			return ack
		}
	}
	s.Errorf("%s: Slack could not reach the app for 20 minutes", what)
	return workspace.Ack{}
}

// pause waits between half of d and d, never at a round moment.
func (s *story) pause(d time.Duration) {
	time.Sleep(d/2 + time.Duration(s.rng.Int64N(int64(d/2))) + 1313*time.Microsecond)
}

func (s *story) slash(who *workspace.Person, text string) {
	s.Helper()
	s.insist(text, func() (workspace.Ack, error) { return who.Command("#incidents", "/incident "+text) })
	s.pause(20 * time.Second)
}

func (s *story) run() {
	s.slash(s.lead, "create P1 "+s.title())
	s.wait(20*time.Minute, "card of "+s.title(), func() (ok bool) {
		s.card = s.cardNow(s.title())
		return s.card.TS != ""
	})
	for _, open := range s.program.incidents.OpenIncidents() {
		if open.Title == s.title() {
			s.id = open.ID
		}
	}
	s.insist("acknowledge", func() (workspace.Ack, error) { return s.second.Click("#incidents", s.card.TS, "Acknowledge") })
	s.pause(20 * time.Second)
	s.event(fmt.Sprintf("the pump %d stands still", s.n), func(text string) {
		s.say(s.lead, "@muster update identified "+text+" next=buy another eta=soon")
	})
	meter := s.say(s.second, fmt.Sprintf("water meter %d shows zero", s.n))
	s.event(fmt.Sprintf("water meter %d shows zero", s.n), func(string) {
		_ = s.lead.Unreact("#incidents", meter, "pushpin")
		if err := s.lead.React("#incidents", meter, "pushpin"); err != nil {
			s.Error(err)
		}
	})
	ts := s.say(s.second, fmt.Sprintf("valve %d is open", s.n))
	s.insist("add to timeline", func() (workspace.Ack, error) { return s.second.Shortcut("Add to timeline", "#incidents", ts) })
	var reminder workspace.Message
	s.wait(30*time.Minute, "reminder of "+s.title(), func() (ok bool) {
		reminder, ok = find(s.lead.Thread("#incidents", s.card.TS), "No change")
		return ok
	})
	s.pause(30 * time.Second)
	s.insist("no change", func() (workspace.Ack, error) { return s.lead.Click("#incidents", reminder.TS, "No change") })
	s.pause(30 * time.Second)
	s.slash(s.second, fmt.Sprintf("update %s mitigating pump %d was replaced", s.id, s.n))
	if s.n > 0 {
		s.slash(s.lead, fmt.Sprintf("resolve %s the pump %d was old fix=a new pump", s.id, s.n))
	}
}

// say writes into the thread, once Slack is there to write in.
func (s *story) say(who *workspace.Person, text string) string {
	s.Helper()
	for s.ws.Faults().SlackDown {
		s.pause(4 * time.Second)
	}
	ts, err := who.Say("#incidents", text, s.card.TS)
	if err != nil {
		s.Errorf("%s: %v", text, err)
	}
	s.pause(20 * time.Second)
	return ts
}

// event does what Slack tells the app as an event, which it repeats for about
// five minutes, until the history has its text. A person does it again when
// Slack has given up.
func (s *story) event(text string, do func(text string)) {
	s.Helper()
	for range 12 {
		lost := s.ws.LostEvents()
		do(text)
		for end := time.Now().Add(6 * time.Minute); time.Now().Before(end); s.pause(5 * time.Second) {
			for _, r := range s.history(s.id) {
				switch e := r.Event.(type) {
				case incident.Noted:
					if e.Text == text {
						return
					}
				case incident.Updated:
					if e.Text == text {
						return
					}
				}
			}
		}
		if s.ws.LostEvents() == lost {
			s.Errorf("%s was given to the app and is not in the history", text)
			return
		}
	}
	s.Errorf("%s could not be given to the app", text)
}

// calm waits until nothing is on its way any more.
func (w *world) calm(atMost time.Duration) {
	w.Helper()
	w.wait(atMost, "calm", func() bool {
		st := w.program.outbox.Status()
		return st.Lanes[outbox.Page].Waiting+st.Lanes[outbox.Chat].Waiting+st.Lanes[outbox.Chat].Flying+st.Unsettled == 0
	})
	time.Sleep(10 * time.Second) // for answers that do not go through the outbox
}

// checkStory compares the history and the thread of one incident with its
// story: everything once.
func (w *world) checkStory(n int) {
	w.Helper()
	title := (&story{n: n}).title()
	id, s := "", incident.Incident{}
	for _, sum := range w.incidents() {
		if sum.Title == title {
			if id != "" {
				w.Errorf("%s was declared twice: %s and %s", title, id, sum.ID)
			}
			id, s = sum.ID, sum
		}
	}
	if id == "" {
		w.Fatalf("%s was not declared", title)
	}
	facts, reminders := map[string]int{}, 0
	for _, r := range w.history(id) {
		switch e := r.Event.(type) {
		case incident.Acknowledged, incident.ResolvedEvent:
			facts[incident.EventKind(e)]++
		case incident.ReminderDue:
			reminders++
		case incident.Noted:
			facts["noted "+e.Text]++
		case incident.Updated:
			text := e.Text
			if e.NoChange {
				text = "no change"
			}
			facts["updated "+text]++
		}
	}
	want := map[string]int{
		"acknowledged": 1, fmt.Sprintf("noted water meter %d shows zero", n): 1, fmt.Sprintf("noted valve %d is open", n): 1,
		fmt.Sprintf("updated the pump %d stands still", n): 1, "updated no change": 1, fmt.Sprintf("updated pump %d was replaced", n): 1,
	}
	card := w.cardNow(title)
	thread := w.bot(w.thread(card))[1:]
	said := map[string]int{"has it.": 1, fmt.Sprintf("Actions taken: the pump %d stands still", n): 1, "Actions taken: No change": 1,
		fmt.Sprintf("Actions taken: pump %d was replaced", n): 1, "✅ RESOLVED": 0}
	state := []string{"Mitigating", "Post update"}
	if n > 0 {
		want["resolved"], said["✅ RESOLVED"] = 1, 1
		state = []string{"✅ RESOLVED", "Reopen"}
	}
	for what, times := range want {
		if facts[what] != times {
			w.Errorf("%s: %d times %q in the history, want %d", id, facts[what], what, times)
		}
	}
	if len(facts) != len(want) {
		w.Errorf("%s: the history has %v, want %v", id, facts, want)
	}
	for what, times := range said {
		if got := count(thread, what); got != times {
			w.Errorf("%s: the thread says %d times %q, want %d", id, got, what, times)
		}
	}
	if !says(card, append(state, s.Severity.String())...) {
		w.Errorf("%s: the card is not current:\n%s", id, card.Text)
	}
	if got := count(thread, "⏰"); got < 1 || got > reminders {
		w.Errorf("%s: there are %d reminders in the thread, %d on record", id, got, reminders)
	}
}

// cardNow gives the card of an incident as it is now; the zero Message: none.
func (w *world) cardNow(title string) workspace.Message {
	var cards []workspace.Message
	for _, m := range w.ws.Person("alice").Messages("#incidents") {
		if m.ThreadTS == "" || m.ThreadTS == m.TS {
			cards = append(cards, m)
		}
	}
	card, _ := find(cards, title)
	return card
}

// incidents gives all of them, the ended ones too.
func (w *world) incidents() []incident.Incident {
	w.Helper()
	list, err := w.program.incidents.List(w.Context(), 0)
	if err != nil {
		w.Fatal(err)
	}
	var out []incident.Incident
	for _, sum := range list {
		out = append(out, w.state(sum.ID))
	}
	return out
}

func (w *world) state(id string) incident.Incident {
	w.Helper()
	s, err := w.program.incidents.State(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) history(id string) []incident.Record {
	w.Helper()
	h, err := w.program.incidents.History(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// bot keeps the messages that the bot wrote.
func (w *world) bot(list []workspace.Message) (out []workspace.Message) {
	for _, m := range list {
		if m.User == w.ws.BotUser() {
			out = append(out, m)
		}
	}
	return out
}

// everywhere gives every message of the bot's that anybody can see.
func (w *world) everywhere() (out []workspace.Message) {
	seen := map[string]bool{}
	add := func(list []workspace.Message) {
		for _, m := range w.bot(list) {
			if !seen[m.TS] {
				seen[m.TS] = true
				out = append(out, m)
			}
		}
	}
	alice := w.ws.Person("alice")
	places := []string{"#incidents", "#muster-ops", "#alerts", "#monitoring", "#general"}
	for _, s := range w.incidents() {
		if s.Room.Channel != "" {
			places = append(places, s.Room.Channel)
		}
	}
	for _, place := range places {
		for _, m := range alice.Messages(place) {
			add([]workspace.Message{m})
			add(alice.Thread(place, m.TS))
		}
	}
	for _, m := range w.program.roster.Schedule().Members() {
		p := w.ws.Person(m.Email)
		add(p.Messages(p.DM("muster")))
	}
	return out
}

// delivery is what the bot's message is the delivery of; empty: of none.
func delivery(m workspace.Message) string {
	var meta struct {
		Payload struct {
			Delivery string `json:"delivery"`
		} `json:"event_payload"`
	}
	_ = json.Unmarshal(m.Metadata, &meta)
	return meta.Payload.Delivery
}

// checkOnce looks for a delivery that was posted twice.
func (w *world) checkOnce() {
	w.Helper()
	seen, known := map[string]string{}, 0
	for _, m := range w.everywhere() {
		id := delivery(m)
		if id == "" {
			continue
		}
		known++
		if old, twice := seen[id]; twice {
			w.Errorf("%s was posted twice: %q and %q", id, old, m.Text)
		}
		seen[id] = m.Text
	}
	if known == 0 {
		w.Error("no message says what it is the delivery of")
	}
}

// checkPages wants every page over Slack to have ended well, in time, and to
// stand in its person's messages once.
func (w *world) checkPages(within time.Duration) {
	w.Helper()
	pages := 0
	for _, s := range w.incidents() {
		for _, r := range w.history(s.ID) {
			e, ok := r.Event.(incident.PageSettled)
			if !ok {
				continue
			}
			if e.State == incident.PageFailed || e.State == incident.PageLate && within < time.Minute {
				w.Errorf("%s: page %d over %s is %s: %s", s.ID, e.Attempt, e.Method, e.State, e.Reason)
			}
			if e.State == incident.PageDelivered && e.Took > within {
				w.Errorf("%s: page %d took %v, want at most %v", s.ID, e.Attempt, e.Took, within)
			}
			if e.State == incident.PageDelivered {
				pages++
			}
		}
	}
	dms := 0
	for _, m := range w.everywhere() {
		if strings.HasPrefix(m.Text, "📟 P") && m.User == w.ws.BotUser() {
			dms++
		}
	}
	if pages == 0 || dms != pages {
		w.Errorf("%d pages were delivered, %d are there to be read", pages, dms)
	}
}
