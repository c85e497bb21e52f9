package bot_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/bot"
	"muster/incident"
	"muster/outbox"
	"muster/workspace"
)

var (
	alice = incident.Person{Key: "alice@example.com", Name: "Alice Johnson"}
	bob   = incident.Person{Key: "bob@example.com", Name: "Bob Smith"}
)

func page(p incident.Person) incident.Page {
	return incident.Page{Attempt: 1, Level: "L1", Role: "primary", Person: p, Method: "slack", Why: incident.WhyDue, At: time.Now()}
}

func TestAnnouncementIsTheCardWithItsMention(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		messages := w.ws.Person("bob").Messages("#incidents")
		if len(messages) != 1 || !strings.HasPrefix(messages[0].Text, "<!here> 🚨 P1 Incident: API service &lt;down&gt; &amp; out\nStatus: Investigating\nImpact: ") {
			w.Fatalf("the announcement is %s", all(messages))
		}
		for _, part := range []string{"Acknowledge", "Post update", "Escalate", "Playbook", "Resolve"} {
			if !strings.Contains(string(messages[0].Blocks), part) {
				w.Errorf("the card has no %s", part)
			}
		}
		if !strings.Contains(string(messages[0].Metadata), `"INC-1/1/0"`) {
			w.Errorf("the metadata is %s", messages[0].Metadata)
		}
	})
}

func TestPageIsADirectMessageWithItsButton(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		w.deliver(page(bob), "INC-1/2/0", false)
		b := w.ws.Person("bob")
		messages := b.Messages(b.DM("muster"))
		if len(messages) != 1 || !strings.Contains(string(messages[0].Blocks), "Acknowledge") || !strings.Contains(string(messages[0].Blocks), "/archives/") {
			w.Fatalf("bob got %s", all(messages))
		}
		first(b.Click(b.DM("muster"), messages[0].TS, "Acknowledge"))
		w.settle()
		if got := w.desk.said(); len(got) != 1 || got[0] != "ack INC-1" {
			w.Errorf("commands: %q", got)
		}
	})
}

func TestPagesThatCannotBeDelivered(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		for who, reason := range map[string]string{
			"gone@example.com": "switched off", "nobody@example.com": "knows nobody", "slack:@nobody": "knows nobody",
		} {
			_, err := w.try(page(incident.Person{Key: who}), "INC-1/2/0", false)
			var p outbox.PermanentError
			if !errors.As(err, &p) || !strings.Contains(p.Error(), reason) {
				w.Errorf("a page to %s: %v", who, err)
			}
			if err != nil && strings.Contains(err.Error(), "@") {
				w.Errorf("the reason, which goes into the record and the log, holds an address: %v", err)
			}
		}
		phone := page(bob)
		phone.Method = "phone"
		if _, err := w.try(phone, "INC-1/2/1", false); err == nil || !strings.Contains(err.Error(), "not configured") {
			w.Errorf("a page by phone: %v", err)
		}
		if r := w.deliver(page(incident.Person{Key: "slack:@bob"}), "INC-1/2/2", false); r.TS == "" {
			w.Error("a handle alone was not found")
		}
	})
}

func TestThreadAndItsCopyInTheChannel(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		r := w.record(incident.Updated{By: alice, Text: "rolled back", Status: incident.Mitigating})
		w.deliver(incident.Thread{Seq: r.Seq, Also: true}, "INC-1/3/0", false)
		q := w.record(incident.StatusChanged{By: alice, To: incident.Identified})
		w.deliver(incident.Thread{Seq: q.Seq}, "INC-1/4/0", false)
		b := w.ws.Person("bob")
		w.wantOne(b.Thread("#incidents", s.Card.TS), "Actions taken: rolled back")
		w.wantOne(b.Thread("#incidents", s.Card.TS), "Status is *Identified* now")
		w.wantOne(b.Messages("#incidents"), "Actions taken: rolled back")
		if n := len(b.Messages("#incidents")); n != 2 {
			w.Errorf("%d messages in the channel, want the card and the update", n)
		}
		w.deliver(incident.RefreshCard{}, "INC-1/4/1", false)
		w.wantOne(b.Messages("#incidents"), "Status: Identified")
	})
}

func TestPostedButTheAnswerWasLost(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		r := w.record(incident.Noted{By: alice, Text: "look at this once"})
		for i, e := range []incident.Effect{incident.Thread{Seq: r.Seq}, page(bob), incident.Notify{Channel: incident.Channel{Name: "#alerts"}}} {
			id := "INC-1/5/" + string(rune('0'+i))
			w.ws.SetFaults(workspace.Faults{LoseAnswersEvery: 1})
			_, err := w.try(e, id, false)
			if err == nil {
				w.Fatalf("%T: the answer was not lost", e)
			}
			var p outbox.PermanentError
			var n outbox.NotSentError
			if errors.As(err, &p) || errors.As(err, &n) {
				w.Errorf("%T: a lost answer counts as %T", e, err)
			}
			w.ws.SetFaults(workspace.Faults{})
			time.Sleep(time.Minute)
			if r := w.deliver(e, id, true); r.TS == "" {
				w.Errorf("%T: the receipt is empty", e)
			}
		}
		b := w.ws.Person("bob")
		w.wantOne(b.Thread("#incidents", s.Card.TS), "look at this once")
		if n := len(b.Messages(b.DM("muster"))); n != 1 {
			w.Errorf("bob got %d pages", n)
		}
		w.wantOne(w.ws.Person("alice").Messages("#alerts"), "P1 Incident")
	})
}

func TestTooManyRequests(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		w.ws.SetFaults(workspace.Faults{RateLimitEvery: 1})
		for _, c := range []struct {
			effect    incident.Effect
			maybeSent bool
			limit     string // empty: that of the place it was posted to
		}{{incident.RefreshCard{}, false, "slack chat.update"}, {page(bob), true, "slack conversations.open"}, {page(bob), false, ""}} {
			_, err := w.try(c.effect, "INC-1/6/0", c.maybeSent)
			var r outbox.RetryAfterError
			if !errors.As(err, &r) || r.After < time.Second || r.Limit != c.limit {
				w.Errorf("%T: %+v", c.effect, err)
			}
		}
	})
}

func TestAPageDoesNotWaitUntilDirectMessagesCanBeOpened(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		w.ws.FailMethod("conversations.open", "rate_limited")
		for _, id := range []string{"INC-1/6/0", "INC-1/7/0"} {
			w.deliver(page(bob), id, false)
		}
		if n := w.ws.Calls()["conversations.open"]; n != 1 {
			w.Errorf("while it was refused, conversations.open was called %d times", n)
		}
		w.ws.FailMethod("conversations.open", "")
		time.Sleep(time.Minute)
		w.deliver(page(bob), "INC-1/6/0", true)
		b := w.ws.Person("bob")
		if n := len(b.Messages(b.DM("muster"))); n != 2 {
			w.Errorf("bob got %d pages", n)
		}
	})
}

func TestSlackIsAway(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		_, err := w.try(incident.RefreshCard{}, "INC-1/6/0", false)
		var p outbox.PermanentError
		if err == nil || errors.As(err, &p) {
			w.Errorf("with Slack down: %v", err)
		}
	})
}

func TestChannelsThatTheBotIsNotIn(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		w.deliver(incident.Notify{Channel: incident.Channel{Name: "#alerts", Mention: "@sre"}}, "INC-1/7/0", false)
		m := w.ws.Person("alice").Messages("#alerts")
		if len(m) != 1 || !strings.HasPrefix(m[0].Text, "<!subteam^S") {
			w.Errorf("in #alerts stands %s", all(m))
		}
		for name, reason := range map[string]string{"#hidden": "no channel #hidden", "#nowhere": "no channel #nowhere"} {
			_, err := w.try(incident.Notify{Channel: incident.Channel{Name: name}}, "INC-1/7/1", false)
			var p outbox.PermanentError
			if !errors.As(err, &p) || !strings.Contains(err.Error(), reason) {
				w.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestRoom(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		room := w.deliver(incident.Room{Step: incident.RoomCreate}, "INC-1/8/0", false)
		if room.Name != "inc-1-api-service-down-out" {
			w.Errorf("the room is called %q", room.Name)
		}
		again := w.deliver(incident.Room{Step: incident.RoomCreate}, "INC-1/8/0", true)
		if again != room {
			w.Errorf("the second attempt made %+v instead of %+v", again, room)
		}
		w.record(incident.Posted{Place: incident.PlaceRoom, Channel: room.Channel, Name: room.Name})
		card := w.deliver(incident.Room{Step: incident.RoomCard}, "INC-1/8/1", false)
		w.record(incident.Posted{Place: incident.PlaceRoomCard, Channel: card.Channel, TS: card.TS})
		for range 2 { // each step may be repeated
			for _, e := range []incident.Room{
				{Step: incident.RoomPin}, {Step: incident.RoomInvite, Person: bob}, {Step: incident.RoomTopic}, {Step: incident.RoomBookmark}, {Step: incident.RoomCanvas},
			} {
				w.deliver(e, "INC-1/8/2", true)
			}
		}
		b := w.ws.Person("bob")
		if pins := b.Pins(room.Channel); len(pins) != 1 || pins[0] != card.TS {
			w.Errorf("pinned: %v", pins)
		}
		if !strings.Contains(b.Canvas(room.Channel), "INC-1 P1: API service \\<down> & out") {
			w.Errorf("the canvas is %q", b.Canvas(room.Channel))
		}
		if n := w.ws.Calls()["bookmarks.add"]; n != 1 {
			w.Errorf("%d bookmarks were added", n)
		}
		topic, _ := json.Marshal(b.Channel(room.Channel)["topic"])
		if !strings.Contains(string(topic), "INC-1 P1 · Investigating") {
			w.Errorf("the topic is %s", topic)
		}
		w.record(incident.StatusChanged{By: alice, To: incident.Mitigating})
		w.deliver(incident.RefreshCard{}, "INC-1/9/0", false)
		w.wantOne(b.Messages(room.Channel), "Status: Mitigating")
		r := w.record(incident.Updated{By: alice, Text: "better"})
		w.deliver(incident.Thread{Seq: r.Seq, InRoom: true}, "INC-1/10/0", false)
		w.wantOne(b.Messages(room.Channel), "Actions taken: better")
	})
}

func TestRoomWhoseNameIsTaken(t *testing.T) {
	cfg := townConfig()
	cfg.Channels = append(cfg.Channels, workspace.Channel{Name: "inc-1-api-service-down-out"})
	inTownWith(t, cfg, func(w *town) {
		time.Sleep(time.Hour) // the other channel is old
		w.declared()
		if room := w.deliver(incident.Room{Step: incident.RoomCreate}, "INC-1/8/0", false); room.Name != "inc-1-api-service-down-out-2" {
			w.Errorf("the room is called %q", room.Name)
		}
	})
}

func TestTellOperationsAndLastResort(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		r := w.record(incident.ReminderDue{Due: time.Now()})
		w.deliver(incident.Tell{Seq: r.Seq, Person: bob}, "INC-1/11/0", false)
		b := w.ws.Person("bob")
		w.wantOne(b.Messages(b.DM("muster")), "Snooze 10m")
		f := w.record(incident.EffectFailed{What: "announce", Reason: "the channel is archived"})
		w.deliver(incident.Operations{Seq: f.Seq}, "INC-1/12/0", false)
		w.wantOne(b.Messages("#muster-ops"), "the channel is archived")
		target := incident.LastResort{Channel: "#incidents", Mention: "@channel"}
		l := w.record(incident.LastResortPaged{Target: target, Why: incident.WhyUsedUp, Final: true})
		w.deliver(incident.Last{Target: target, Seq: l.Seq}, "INC-1/13/0", false)
		w.wantOne(b.Messages("#incidents"), "🆘 <!channel> P1")
		target = incident.LastResort{Person: bob.Key}
		w.deliver(incident.Last{Target: target, Seq: l.Seq}, "INC-1/13/1", false)
		w.wantOne(b.Messages(b.DM("muster")), "🆘")
	})
}

func TestDeliveriesThatMakeNoSense(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		var p outbox.PermanentError
		if _, err := w.try(incident.Thread{Seq: 99}, "INC-1/99/0", false); !errors.As(err, &p) {
			w.Errorf("a record that is not there: %v", err)
		}
		if _, err := w.bot.Handler().Deliver(w.ctx, outbox.Delivery{ID: "x", Stream: "INC-1", Kind: "?"}, false); !errors.As(err, &p) {
			w.Errorf("an unknown kind: %v", err)
		}
		w.desk.set(func(d *desk) { s := d.states["INC-1"]; s.Card = incident.Spot{}; d.states["INC-1"] = s })
		if _, err := w.try(incident.Thread{Seq: 1}, "INC-1/1/1", false); !errors.As(err, &p) {
			w.Errorf("a thread without a card: %v", err)
		}
	})
}

func TestRoutesAndLimits(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range []incident.Effect{
		page(bob), incident.Announce{}, incident.RefreshCard{}, incident.Thread{}, incident.Thread{InRoom: true}, incident.Tell{Person: bob},
		incident.Notify{Channel: incident.Channel{Name: "#alerts"}}, incident.Operations{}, incident.Last{Target: incident.LastResort{Channel: "#incidents"}},
		incident.Room{Step: incident.RoomCreate}, incident.Room{Step: incident.RoomPin}, incident.Room{Step: incident.RoomInvite},
	} {
		r := bot.Route(delivery(e, "INC-1/1/0"))
		if r.Provider != "slack" || len(r.Limits) != 1 || r.Limits[0].Every <= 0 || r.Limits[0].Burst < 1 {
			t.Errorf("%T: %+v", e, r)
			continue
		}
		seen[r.Limits[0].Name] = true
	}
	if !seen["slack chat.update"] || !seen["slack conversations.create"] || !seen["slack chat.postMessage to bob@example.com"] {
		t.Errorf("limits: %v", seen)
	}
	for _, kind := range bot.Kinds() {
		if kind == "" || kind == "pass" {
			t.Errorf("the kinds are %q", bot.Kinds())
		}
	}
}

func TestTokensAreCheckedFirst(t *testing.T) {
	for _, c := range []struct{ bot, app, want string }{
		{"", "xapp-1", "SLACK_BOT_TOKEN is not set"}, {"xoxb-1", "", "SLACK_APP_TOKEN is not set"},
		{"xapp-1", "xoxb-1", "exchanged"}, {"xoxp-1", "xapp-1", "not a bot token"}, {"xoxb-1", "xoxb-1", "not an app token"},
	} {
		err := bot.New(bot.Config{BotToken: c.bot, AppToken: c.app}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q and %q: %v", c.bot, c.app, err)
		}
		if err != nil && (strings.Contains(err.Error(), "xoxb-1") || strings.Contains(err.Error(), "xapp-1")) {
			t.Errorf("the sentence has a token in it: %v", err)
		}
	}
}
