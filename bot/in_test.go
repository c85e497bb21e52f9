package bot_test

import (
	"strings"
	"testing"
	"time"

	"muster/commands"
	"muster/workspace"
)

func command(w *town, who, text string) workspace.Ack {
	w.Helper()
	ack, err := w.ws.Person(who).Command("#incidents", text)
	if err != nil {
		w.Fatalf("%s: %v", text, err)
	}
	return ack
}

func TestSlashCommand(t *testing.T) {
	inTown(t, func(w *town) {
		ack := command(w, "alice", "/incident lead @bob a < b & c")
		if !strings.Contains(string(ack.Payload), "done: lead") || !strings.Contains(string(ack.Payload), "ephemeral") {
			w.Errorf("acknowledged with %s", ack.Payload)
		}
		c := w.desk.calls[0]
		if c.By.Key != "alice@example.com" || c.By.Name != "Alice Johnson" || c.Via != commands.ViaSlack || c.Key == "" || c.Channel == "" {
			w.Errorf("the call is %+v", c)
		}
		if want := "lead <@" + w.ws.Person("bob").ID() + "|bob> a < b & c"; c.Text != want {
			w.Errorf("the text is %q, want %q", c.Text, want)
		}
	})
}

func TestSlashCommandIsLate(t *testing.T) {
	inTown(t, func(w *town) {
		w.desk.set(func(d *desk) { d.slow = 2900 * time.Millisecond })
		ack := command(w, "alice", "/incident ack")
		if ack.Took >= 3*time.Second || !strings.Contains(string(ack.Payload), "Not recorded yet") {
			w.Errorf("acknowledged after %s with %s", ack.Took, ack.Payload)
		}
		if n := w.desk.recorded(); n != 0 {
			w.Errorf("%d changes are recorded already", n)
		}
		w.settle()
		shown := w.ws.Person("alice").Ephemerals("#incidents")
		if len(shown) != 2 || !strings.Contains(string(shown[1].Blocks), "done: ack") {
			w.Errorf("alice sees %+v", shown)
		}
	})
}

func TestSlashCommandThatCannotBeRecorded(t *testing.T) {
	inTown(t, func(w *town) {
		w.desk.set(func(d *desk) { d.fail = 1 })
		ack := command(w, "alice", "/incident ack")
		if !strings.Contains(string(ack.Payload), "Not recorded") || !strings.Contains(string(ack.Payload), "again") {
			w.Errorf("acknowledged with %s", ack.Payload)
		}
		ack = command(w, "alice", "/incident panic")
		if !strings.Contains(string(ack.Payload), "Not recorded") {
			w.Errorf("after a panic acknowledged with %s", ack.Payload)
		}
	})
}

func TestBareCommandOpensItsForm(t *testing.T) {
	inTown(t, func(w *town) {
		w.desk.set(func(d *desk) {
			d.answer = func(c commands.Call) commands.Reply {
				return commands.Reply{Code: commands.CodeForm, Form: &commands.Form{Name: "update", Incident: "INC-1", Title: "Update INC-1", Submit: "Post", Fields: []commands.Field{{Name: "text", Label: "Text", Kind: commands.KindText, Value: "so far"}}}}
			}
		})
		command(w, "alice", "/incident update")
		w.settle()
		views := w.ws.Person("alice").Views()
		if len(views) != 1 || views[0].TitleText() != "Update INC-1" {
			w.Fatalf("alice sees %d forms: %+v", len(views), views)
		}
		if calls := w.ws.Calls(); calls["views.open"] != 1 || calls["views.update"] != 1 {
			w.Errorf("calls: %v", calls)
		}
		res := must(w, formResult(w.ws.Person("alice").Submit(views[0].ID, map[string]any{"text": "bad"})), nil)
		if res.Errors["text"] != "Say more." {
			w.Errorf("the form's errors are %v", res.Errors)
		}
		res = formResult(w.ws.Person("alice").Submit(views[0].ID, map[string]any{"text": "rolled back"}))
		if res.Action != "" || len(w.ws.Person("alice").Views()) != 0 {
			w.Errorf("after the submission: %+v, %d forms", res, len(w.ws.Person("alice").Views()))
		}
		f := w.desk.forms[1]
		if f.Name != "update" || f.Incident != "INC-1" || f.Values["text"] != "rolled back" || f.By.Key != "alice@example.com" {
			w.Errorf("submitted %+v", f)
		}
	})
}

func formResult(r workspace.SubmitResult, err error) workspace.SubmitResult {
	if err != nil {
		panic(err)
	}
	return r
}

func TestFormThatIsLateOrFails(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		s := w.desk.states["INC-1"]
		if _, err := w.ws.Person("bob").Click("#incidents", s.Card.TS, "Add a note"); err != nil {
			w.Fatal(err)
		}
		w.settle()
		view := w.ws.Person("bob").Views()[0]
		w.desk.set(func(d *desk) { d.fail = 1 })
		res := formResult(w.ws.Person("bob").Submit(view.ID, map[string]any{"text": "x"}))
		if res.Action != "errors" || !strings.Contains(strings.Join(values(res.Errors), " "), "Not recorded") {
			w.Errorf("a form that failed got %+v", res)
		}
		w.desk.set(func(d *desk) { d.slow = 2800 * time.Millisecond })
		res = formResult(w.ws.Person("bob").Submit(view.ID, map[string]any{"text": "x"}))
		if res.Action != "update" || res.Took > 3*time.Second {
			w.Errorf("a late form got %+v", res)
		}
		if v := w.ws.Person("bob").Views(); len(v) != 1 || !strings.Contains(string(v[0].Blocks), "Not recorded yet") {
			w.Errorf("bob sees %+v", v)
		}
		w.settle()
		if v := w.ws.Person("bob").Views(); len(v) != 1 || !strings.Contains(string(v[0].Blocks), "submitted note") {
			w.Errorf("bob sees %+v in the end", v)
		}
	})
}

func values(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestClicks(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		bob := w.ws.Person("bob")
		must(w, first(bob.Click("#incidents", s.Card.TS, "Acknowledge")), nil)
		w.settle()
		if got := w.desk.said(); len(got) != 1 || got[0] != "ack INC-1" {
			w.Errorf("commands: %q", got)
		}
		if shown := bob.Ephemerals("#incidents"); len(shown) != 0 {
			w.Errorf("a click that worked says %+v", shown)
		}
		w.desk.set(func(d *desk) {
			d.answer = func(commands.Call) commands.Reply {
				return commands.Reply{Code: "permission", Body: commands.Say("You may not."), Ephemeral: true}
			}
		})
		first(bob.Click("#incidents", s.Card.TS, "Acknowledge"))
		w.settle()
		if shown := bob.Ephemerals("#incidents"); len(shown) != 1 || !strings.Contains(string(shown[0].Blocks), "You may not.") {
			w.Errorf("a refused click says %+v", shown)
		}
		for _, button := range []string{"Post update", "Escalate", "Resolve", "Hold the escalation"} {
			first(bob.Click("#incidents", s.Card.TS, button))
			w.settle()
			if v := bob.Views(); len(v) != 1 || !strings.HasPrefix(v[0].TitleText(), "Form ") {
				w.Errorf("%s opened %+v", button, v)
			} else if err := bob.CloseView(v[0].ID); err != nil {
				w.Error(err)
			}
		}
	})
}

func first[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPickerRunsTheWholeCommand(t *testing.T) {
	inTown(t, func(w *town) {
		w.desk.set(func(d *desk) {
			d.answer = func(c commands.Call) commands.Reply {
				if c.Text == "ack" {
					return commands.Reply{Code: commands.CodeWhich, Body: commands.Say("Which incident?"), Ephemeral: true, Pick: []commands.Choice{{Value: "ack INC-1", Label: "INC-1"}, {Value: "ack INC-2", Label: "INC-2"}}}
				}
				return commands.Reply{OK: true, Body: commands.Say("acknowledged")}
			}
		})
		command(w, "alice", "/incident ack")
		w.settle()
		shown := w.ws.Person("alice").Ephemerals("#incidents")
		if len(shown) != 1 {
			w.Fatalf("alice sees %+v", shown)
		}
		first(w.ws.Person("alice").Click("#incidents", shown[0].TS, "INC-2"))
		w.settle()
		if got := w.desk.said(); got[len(got)-1] != "ack INC-2" {
			w.Errorf("commands: %q", got)
		}
	})
}

func TestMentionIsAnsweredInItsThread(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		alice := w.ws.Person("alice")
		first(alice.Say("#incidents", "@muster update rolled back <b> & c", s.Card.TS))
		w.settle()
		if got := w.desk.said(); len(got) != 1 || got[0] != "update rolled back <b> & c" {
			w.Fatalf("commands: %q", got)
		}
		if c := w.desk.calls[0]; c.Thread != s.Card.TS || c.Channel != s.Card.Channel {
			w.Errorf("the call came from %s in %s", c.Thread, c.Channel)
		}
		w.wantOne(alice.Thread("#incidents", s.Card.TS), "done: update rolled back")
	})
}

func TestMentionThatNeedsAForm(t *testing.T) {
	inTown(t, func(w *town) {
		w.desk.set(func(d *desk) {
			d.answer = func(c commands.Call) commands.Reply {
				return commands.Reply{Code: commands.CodeForm, Body: commands.Say("Say what is wrong."), Ephemeral: true, Form: &commands.Form{Name: "create", Title: "Declare", Submit: "Declare", Fields: []commands.Field{{Name: "title", Label: "Title", Kind: commands.KindLine}}}}
			}
		})
		alice := w.ws.Person("alice")
		first(alice.Say("#incidents", "@muster create", ""))
		w.settle()
		shown := alice.Ephemerals("#incidents")
		if len(shown) != 1 {
			w.Fatalf("alice sees %+v", shown)
		}
		first(alice.Click("#incidents", shown[0].TS, "Open the form"))
		w.settle()
		if v := alice.Views(); len(v) != 1 || v[0].TitleText() != "Declare" {
			w.Errorf("alice sees %+v", v)
		}
	})
}

func TestDirectMessageIsACommand(t *testing.T) {
	inTown(t, func(w *town) {
		alice := w.ws.Person("alice")
		first(alice.Say(alice.DM("muster"), "list open", ""))
		w.settle()
		if got := w.desk.said(); len(got) != 1 || got[0] != "list open" {
			w.Errorf("commands: %q", got)
		}
		w.wantOne(alice.Messages(alice.DM("muster")), "done: list open")
	})
}

func TestPinnedMessageGoesIntoTheTimeline(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		alice := w.ws.Person("alice")
		ts := first(alice.Say("#incidents", "db-1 is back, see https://example.com/x @bob", s.Card.TS))
		other := first(alice.Say("#incidents", "unrelated", ""))
		for _, at := range []string{ts, other} {
			if err := alice.React("#incidents", at, "pushpin"); err != nil {
				w.Fatal(err)
			}
			if err := alice.React("#incidents", at, "eyes"); err != nil {
				w.Fatal(err)
			}
		}
		w.settle()
		if len(w.desk.forms) != 1 {
			w.Fatalf("%d notes", len(w.desk.forms))
		}
		f := w.desk.forms[0]
		if f.Name != "note" || f.Incident != "INC-1" || f.Source != s.Card.Channel+"/"+ts || !strings.Contains(f.Link, "/archives/"+s.Card.Channel+"/p") ||
			!strings.HasPrefix(f.Values["text"], "db-1 is back, see https://example.com/x") || !strings.HasSuffix(f.Values["text"], "@Bob Smith") {
			w.Errorf("noted %+v", f)
		}
	})
}

func TestPinIsTriedAgainWhenItCannotBeRecorded(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		alice := w.ws.Person("alice")
		ts := first(alice.Say("#incidents", "worth keeping", s.Card.TS))
		w.desk.set(func(d *desk) { d.fail = 1 })
		if err := alice.React("#incidents", ts, "pushpin"); err != nil {
			w.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if n := w.desk.recorded(); n != 1 {
			w.Errorf("%d changes, want one by the redelivery", n)
		}
	})
}

func TestShortcuts(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		alice := w.ws.Person("alice")
		ts := first(alice.Say("#incidents", "errors fall\nsince 10:02", s.Card.TS))
		first(alice.Shortcut("Add to timeline", "#incidents", ts))
		w.settle()
		if len(w.desk.forms) != 1 || w.desk.forms[0].Values["text"] != "errors fall\nsince 10:02" || w.desk.forms[0].Source != s.Card.Channel+"/"+ts {
			w.Errorf("noted %+v", w.desk.forms)
		}
		first(alice.Shortcut("Declare incident", "#incidents", ts))
		w.settle()
		v := alice.Views()
		if len(v) != 1 || v[0].TitleText() != "Form create" || !strings.Contains(string(v[0].Blocks), `"errors fall"`) {
			w.Errorf("alice sees %+v", v)
		}
	})
}

func TestHome(t *testing.T) {
	inTown(t, func(w *town) {
		w.declared()
		alice := w.ws.Person("alice")
		alice.Home()
		w.settle()
		v := alice.PublishedHome()
		if v == nil || !strings.Contains(string(v.Blocks), "API service &lt;down&gt; &amp; out") && !strings.Contains(string(v.Blocks), `\u0026lt;down`) {
			w.Fatalf("the home is %+v", v)
		}
		first(alice.ClickView(v.ID, "Post update"))
		w.settle()
		if v := alice.Views(); len(v) != 1 || v[0].TitleText() != "Form update" {
			w.Errorf("alice sees %+v", v)
		}
	})
}

func TestDoubledEnvelopesAreAnsweredOnce(t *testing.T) {
	inTown(t, func(w *town) {
		w.ws.SetFaults(workspace.Faults{DoubleEnvelopes: true})
		s := w.declared()
		alice := w.ws.Person("alice")
		first(alice.Say("#incidents", "@muster update rolled back", s.Card.TS))
		command(w, "alice", "/incident ack")
		first(alice.Click("#incidents", s.Card.TS, "Escalate"))
		w.settle()
		w.wantOne(alice.Thread("#incidents", s.Card.TS), "done: update")
		if n := w.desk.recorded(); n != 2 {
			w.Errorf("%d changes, want 2: %q", n, w.desk.said())
		}
		if v := alice.Views(); len(v) != 1 {
			w.Errorf("%d forms", len(v))
		}
	})
}

func TestSocketIsCutEveryTwoSeconds(t *testing.T) {
	inTown(t, func(w *town) {
		w.ws.SetFaults(workspace.Faults{CutEveryMS: 2000, SlowMS: 1000})
		lost := 0
		for range 30 {
			time.Sleep(730 * time.Millisecond) // never at the moment of a cut
			if w.ws.Sockets() == 0 {
				continue
			}
			if ack, err := w.ws.Person("alice").Command("#incidents", "/incident ack INC-1"); err != nil {
				lost++
			} else if ack.Took > 3*time.Second {
				w.Errorf("acknowledged after %s", ack.Took)
			}
		}
		if lost > 0 {
			w.Errorf("%d commands were not acknowledged", lost)
		}
		w.ws.SetFaults(workspace.Faults{})
		time.Sleep(time.Minute)
		if w.ws.Sockets() != 2 {
			w.Errorf("%d sockets in the end", w.ws.Sockets())
		}
	})
}

func TestSocketsComeBackAfterAnHourWithoutSlack(t *testing.T) {
	inTown(t, func(w *town) {
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		time.Sleep(time.Hour)
		before := w.bot.Stats().Reconnects
		if before > 1000 {
			w.Errorf("%d attempts in an hour", before)
		}
		w.ws.SetFaults(workspace.Faults{})
		time.Sleep(lastReconnect + 5*time.Second)
		if w.ws.Sockets() != 2 {
			w.Errorf("%d sockets are open", w.ws.Sockets())
		}
		if time.Since(w.bot.LastFrame()) > 20*time.Second {
			w.Errorf("the last frame is from %s", w.bot.LastFrame())
		}
		command(w, "alice", "/incident ack")
	})
}

// lastReconnect is the longest wait between two attempts.
const lastReconnect = 15 * time.Second

func TestConnectionsAreRefreshedWhenSlackAsks(t *testing.T) {
	inTown(t, func(w *town) {
		w.ws.Disconnect("refresh_requested")
		time.Sleep(5 * time.Second)
		if w.ws.Sockets() != 2 {
			w.Errorf("%d sockets are open", w.ws.Sockets())
		}
		command(w, "alice", "/incident ack")
	})
}
