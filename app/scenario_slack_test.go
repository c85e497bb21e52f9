package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/workspace"
)

// form waits for the form that a person has open, with a field in it.
func (w *world) form(who, field string) workspace.View {
	w.Helper()
	var top workspace.View
	w.wait(5*time.Second, "form with "+field, func() bool {
		views := w.ws.Person(who).Views()
		if len(views) == 0 {
			return false
		}
		top = views[len(views)-1]
		return strings.Contains(string(top.Blocks), field)
	})
	return top
}

func (w *world) submit(who string, form workspace.View, values map[string]any) {
	w.Helper()
	if _, err := w.ws.Person(who).Submit(form.ID, values); err != nil {
		w.Fatal(err)
	}
}

func (w *world) click(who string, m workspace.Message, channel, name string) {
	w.Helper()
	if _, err := w.ws.Person(who).Click(channel, m.TS, name); err != nil {
		w.Fatal(err)
	}
}

// inThread waits for a message in a card's thread.
func (w *world) inThread(card workspace.Message, atMost time.Duration, words ...string) (m workspace.Message) {
	w.Helper()
	w.wait(atMost, fmt.Sprint("message ", words, " in the thread"), func() (ok bool) {
		m, ok = find(w.thread(card)[1:], words...)
		return ok
	})
	return m
}

// privately waits for a message that only one person sees.
func (w *world) privately(who, channel string, words ...string) {
	w.Helper()
	w.wait(5*time.Second, fmt.Sprint("private message ", words, " for ", who), func() bool {
		for _, e := range w.ws.Person(who).Ephemerals(channel) {
			if says(workspace.Message{Text: e.Text, Blocks: e.Blocks}, words...) {
				return true
			}
		}
		return false
	})
}

// dm waits for a direct message of the bot's.
func (w *world) dm(who string, atMost time.Duration, words ...string) (m workspace.Message) {
	w.Helper()
	p := w.ws.Person(who)
	w.wait(atMost, fmt.Sprint("direct message ", words, " for ", who), func() (ok bool) {
		m, ok = find(p.Messages(p.DM("muster")), words...)
		return ok
	})
	return m
}

// cardSays waits until the card of an incident says something.
func (w *world) cardSays(title string, words ...string) {
	w.Helper()
	w.wait(15*time.Second, fmt.Sprint("card of ", title, " that says ", words), func() bool { return says(w.cardNow(title), words...) })
}

// facts counts the records of an incident by kind.
func (w *world) facts(id string) map[string]int {
	w.Helper()
	out := map[string]int{}
	for _, r := range w.history(id) {
		out[incident.EventKind(r.Event)]++
	}
	return out
}

func TestForms(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.ws.SetFaults(workspace.Faults{SlowMS: 1000}) // the trigger lives three seconds
		w.command("erin", "#incidents", "/incident create")
		w.submit("erin", w.form("erin", "What is wrong?"), map[string]any{"title": "Mail is stuck", "severity": "P1", "service": "mail"})
		card := w.card("Mail is stuck")
		w.restart(time.Minute)
		w.click("erin", card, "#incidents", "Post update")
		form := w.form("erin", "Actions taken")
		w.restart(10 * time.Second) // in the middle of it
		w.submit("erin", form, map[string]any{"status": "Identified", "text": "queue found full", "next": "empty it"})
		w.inThread(card, 10*time.Second, "⏱️ Update: mail", "Status: Identified", "Actions taken: queue found full", "Next step: empty it")
		w.command("erin", "#incidents", "/incident resolve")
		form = w.form("erin", "Post-mortem")
		if !strings.Contains(string(form.Blocks), "2000-01-03") {
			t.Errorf("the next working day is not proposed: %s", form.Blocks)
		}
		w.submit("erin", form, map[string]any{"cause": "a full disk", "fix": "a larger one", "postmortem": "2000-01-04 10:00 UTC"})
		w.inThread(card, 10*time.Second, "✅ RESOLVED: mail", "Root cause: a full disk", "Fix applied: a larger one", "4 Jan 2000 10:00 UTC")
		s := w.state("INC-1")
		if want := time.Date(2000, 1, 4, 10, 0, 0, 0, time.UTC); !s.Resolution.Postmortem.Equal(want) {
			t.Errorf("the post-mortem is on %v, want %v", s.Resolution.Postmortem, want)
		}
	})
}

func TestUpdateClock(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P0 The shop is closed")
		w.command("dan", "#incidents", "/incident ack")
		w.command("erin", "#incidents", "/incident role comms @dan")
		card := w.card("The shop is closed")
		first := w.inThread(card, 11*time.Minute, "⏰", w.ws.Person("erin").Mention(), "No change")
		w.click("erin", first, "#incidents", "Snooze 10m")
		w.restart(3 * time.Minute)
		time.Sleep(8 * time.Minute)
		if n := w.facts("INC-1")["reminder_due"]; n != 2 {
			t.Fatalf("%d reminders after a snooze of ten minutes, want 2", n)
		}
		second := w.inThread(card, 10*time.Second, "⏰")
		w.click("erin", second, "#incidents", "Snooze 10m")
		w.privately("erin", "#incidents", "twice in a row")
		if n := w.facts("INC-1")["snoozed"]; n != 1 {
			t.Errorf("a P0 was snoozed %d times in a row", n)
		}
		time.Sleep(10 * time.Minute)
		w.dm("erin", 10*time.Second, "overdue", "Post update")
		w.dm("dan", 10*time.Second, "overdue", "Post update")
		time.Sleep(10 * time.Minute)
		handle, _, _ := strings.Cut(w.state("INC-1").OnCall.Key, "@")
		w.dm(handle, 10*time.Second, "📟", "The shop is closed", "overdue")
		w.cardSays("The shop is closed", "update overdue by 20 min")
		w.click("erin", second, "#incidents", "No change")
		w.inThread(card, 10*time.Second, "⏱️ Update", "No change")
		w.cardSays("The shop is closed", "Next update")
		w.wait(10*time.Second, "card without a warning", func() bool { return !says(w.cardNow("The shop is closed"), "overdue") })
		w.checkOnce()
	})
}

func TestRoom(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 API service down")
		w.card("API service down")
		room := func(id string) (name string) {
			w.wait(20*time.Second, "channel of "+id, func() bool { name = w.state(id).Room.Name; return name != "" })
			return "#" + name
		}
		if name := room("INC-1"); name != "#inc-1-api-service-down" {
			t.Errorf("the channel is called %s", name)
		}
		w.command("dan", "#incidents", "/incident ack INC-1")
		w.calm(5 * time.Minute)
		erin, name := w.ws.Person("erin"), room("INC-1")
		messages := erin.Messages(name)
		if len(messages) == 0 || !says(messages[0], "API service down", "Acknowledge") {
			t.Fatalf("the card does not stand in the channel: %v", messages)
		}
		if pins := erin.Pins(name); len(pins) != 1 || pins[0] != messages[0].TS {
			t.Errorf("the pins are %v, want the card %s", pins, messages[0].TS)
		}
		if topic := fmt.Sprint(erin.Channel(name)["topic"]); !strings.Contains(topic, "INC-1 P1 · Investigating · API service down") {
			t.Errorf("the topic is %s", topic)
		}
		if canvas := erin.Canvas(name); !strings.Contains(canvas, "API service down") || !strings.Contains(canvas, "Erin Davis") {
			t.Errorf("the canvas says %q", canvas)
		}
		calls := w.ws.Calls()
		if calls["bookmarks.add"] != 1 {
			t.Errorf("%d bookmarks", calls["bookmarks.add"])
		}
		for _, who := range []string{"erin", "dan", "bob"} {
			if member, _ := w.ws.Person(who).Channel(name)["is_member"].(bool); !member {
				t.Errorf("%s is not in the channel", who)
			}
		}
		// A command in the channel is about its incident.
		w.command("dan", name, "/incident update mitigating it burns less")
		w.wait(10*time.Second, "update in the channel", func() bool { return count(erin.Messages(name), "it burns less") == 1 })
		w.cardSays("API service down", "Mitigating")
	})
}

func TestRoomNameTaken(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		if err := w.newChannel("carol", "inc-1-api-down"); err != nil {
			t.Fatal(err)
		}
		w.command("erin", "#incidents", "/incident create P1 API down")
		w.wait(30*time.Second, "channel", func() bool { return w.state("INC-1").Room.Name == "inc-1-api-down-2" })
	})
}

func TestAnnouncements(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P2 Slow search")
		w.command("erin", "#incidents", "/incident create P3 A typo")
		w.card("Slow search")
		w.calm(5 * time.Minute)
		alice := w.ws.Person("alice")
		if count(alice.Messages("#alerts"), "Slow search") != 1 || count(alice.Messages("#alerts"), "A typo") != 0 {
			t.Error("a P2 is announced in #alerts, and only there")
		}
		if count(alice.Messages("#monitoring"), "A typo") != 1 || count(alice.Messages("#monitoring"), "Slow search") != 0 {
			t.Error("a P3 is announced in #monitoring, and only there")
		}
		time.Sleep(2 * time.Hour)
		for _, s := range w.incidents() {
			for _, p := range s.Climb.Pages {
				if p.Why != incident.WhyOverdue {
					t.Errorf("%s paged %s (%s)", s.ID, p.Person, p.Why)
				}
			}
			if s.Room.Channel != "" {
				t.Errorf("%s got a channel", s.ID)
			}
		}
	})
}

func TestMergeReopenHold(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 Twin one")
		w.command("dan", "#incidents", "/incident create P1 Twin two")
		one, two := w.card("Twin one"), w.card("Twin two")
		w.command("dan", "#incidents", "/incident merge INC-2 INC-1")
		w.inThread(two, 10*time.Second, "merged this incident into")
		w.inThread(one, 10*time.Second, "merged *INC-2* into this incident")
		w.cardSays("Twin two", "merged into INC-1")
		if _, err := w.ws.Person("erin").Say("#incidents", "@muster note the fan is loud", one.TS); err != nil {
			t.Fatal(err)
		}
		w.inThread(one, 10*time.Second, "📌", "the fan is loud")

		w.command("erin", "#incidents", "/incident hold 30m the vendor is at it")
		w.cardSays("Twin one", "held until")
		w.inThread(one, 10*time.Second, "holds the escalation until", "the vendor is at it")
		w.restart(10 * time.Minute)
		before := len(w.state("INC-1").Climb.Pages)
		time.Sleep(15 * time.Minute)
		if n := len(w.state("INC-1").Climb.Pages); n != before {
			t.Errorf("%d pages while the ladder was held", n-before)
		}
		w.inThread(one, 10*time.Minute, "The hold is over")
		w.wait(20*time.Second, "card without the hold", func() bool { return !says(w.cardNow("Twin one"), "held until") })

		w.command("erin", "#incidents", "/incident resolve INC-1 the vendor fixed it")
		w.inThread(one, 20*time.Second, "✅ RESOLVED")
		w.cardSays("Twin one", "✅ RESOLVED", "Reopen")
		pages := len(w.state("INC-1").Climb.Pages)
		w.command("erin", "#incidents", "/incident reopen INC-1 it is back")
		w.inThread(one, 20*time.Second, "reopened this incident", "it is back")
		w.cardSays("Twin one", "Investigating", "Acknowledge")
		bob := w.ws.Person("bob")
		w.wait(20*time.Second, "page after reopening", func() bool {
			return count(bob.Messages(bob.DM("muster")), "📟", "Twin one") == pages+1
		})
	})
}

func TestWhoMayDoWhat(t *testing.T) {
	files := map[string]string{"muster.yaml": "permissions: {respond: ['rota:manager', erin@example.com]}\n"}
	inBubble(t, files, func(w *world) {
		w.command("erin", "#incidents", "/incident create P2 Who may")
		card := w.card("Who may")
		w.click("frank", card, "#incidents", "Acknowledge")
		w.privately("frank", "#incidents", "*respond*", "on call as manager", "erin@example.com")
		w.click("frank", card, "#incidents", "Resolve")
		w.wait(5*time.Second, "refusal in the form", func() bool {
			views := w.ws.Person("frank").Views()
			return len(views) == 1 && strings.Contains(string(views[0].Blocks), "on call as manager")
		})
		for _, other := range []string{"erin", "alice"} {
			if n := len(w.ws.Person(other).Ephemerals("#incidents")); other == "alice" && n != 0 {
				t.Errorf("%s sees %d messages meant for frank", other, n)
			}
		}
		if _, err := w.ws.Person("frank").Say("#incidents", "@muster resolve it is fine", card.TS); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if s := w.state("INC-1"); !s.Open() || s.Acked() {
			t.Errorf("frank changed it: %s %v", s.Status, s.Acks)
		}
		w.click("carol", card, "#incidents", "Acknowledge")
		if !w.state("INC-1").Acked() {
			t.Error("the manager may respond and was refused")
		}
	})
}

func TestHomeAndPicker(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 First one")
		w.command("erin", "#incidents", "/incident create P1 Second one")
		w.card("Second one")
		bob := w.ws.Person("bob")
		var home *workspace.View
		w.wait(10*time.Second, "home tab", func() bool {
			home = bob.Home()
			return home != nil && strings.Contains(string(home.Blocks), "Second one")
		})
		if !strings.Contains(string(home.Blocks), "Your pages") || !strings.Contains(string(home.Blocks), "On call") {
			t.Errorf("the home tab lacks something: %s", home.Blocks)
		}
		if _, err := bob.ClickView(home.ID, "Acknowledge"); err != nil {
			t.Fatal(err)
		}
		if !w.state("INC-2").Acked() {
			t.Error("the button of the home tab did nothing")
		}
		// Which incident? A picker, for the asker alone.
		w.command("dan", "#general", "/incident note smoke everywhere")
		w.privately("dan", "#general", "INC-1", "INC-2")
		eph := w.ws.Person("dan").Ephemerals("#general")
		if _, err := w.ws.Person("dan").Click("#general", eph[len(eph)-1].TS, "INC-1 P1 First one (Investigating)"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if w.facts("INC-1")["noted"] != 1 || w.facts("INC-2")["noted"] != 0 {
			t.Errorf("the note went elsewhere: %v %v", w.facts("INC-1"), w.facts("INC-2"))
		}
	})
}
