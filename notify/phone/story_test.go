package phone_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/notify/phone"
	"muster/workspace/twilio"
)

const heard = "Muster. P0 incident 12: API service down. You are on call, level 1."

func TestKeyOneAcknowledges(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		c := r.press(r.call(page()), "1")
		want := "Muster: " + heard + " Press 1 to acknowledge, 2 to escalate.\nYou: pressed 1\nMuster: Thank you, Alice Johnson. You have acknowledged incident 12. Goodbye."
		if transcript(c) != want || c.State != twilio.Completed {
			t.Errorf("the call is %s and went:\n%s", c.State, transcript(c))
		}
		got := r.heard()
		if len(got) != 1 {
			t.Fatalf("heard %+v", got)
		}
		a := got[0]
		if a.Incident != "INC-12" || a.Person.Key != mail || a.Level != "L1" || a.Kind != notify.Acknowledge || a.Via != "phone" ||
			a.Key != "phone:"+c.SID+":1" || a.Said != "pressed 1 after hearing: "+heard || !a.At.Equal(time.Now()) {
			t.Errorf("the answer is %+v", a)
		}
		var states []string
		for _, p := range r.progress {
			states = append(states, p.State)
			if p.Ref != c.SID || p.Incident != "INC-12" || p.Attempt != 1 || p.Person.Key != mail {
				t.Errorf("progress %+v", p)
			}
		}
		if s := strings.Join(states, " "); s != "initiated ringing in-progress in-progress completed" {
			t.Errorf("the call's states: %s", s)
		}
	})
}

func TestKeyTwoEscalates(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		c := r.press(r.call(page()), "2")
		if got := r.heard(); len(got) != 1 || got[0].Kind != notify.Escalate || !strings.Contains(transcript(c), "Incident 12 goes on to the next level.") {
			t.Errorf("heard %+v\n%s", got, transcript(c))
		}
	})
}

func TestOtherKeysAreExplainedOnce(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		c := r.press(r.call(page()), "7")
		if !strings.HasSuffix(transcript(c), "Muster: 7 is not a choice. Press 1 to acknowledge, 2 to escalate.") {
			t.Fatal(transcript(c))
		}
		if c = r.press(c, "1"); len(r.heard()) != 1 || c.State != twilio.Completed {
			t.Error(transcript(c))
		}
		c = r.press(r.press(r.call(other(page())), "7"), "8")
		if c.State != twilio.Completed || len(r.heard()) != 1 || !strings.Contains(transcript(c), "nothing has changed") {
			t.Error(transcript(c))
		}
	})
}

// other is another delivery of the same page.
func other(m notify.Message) notify.Message {
	m.Delivery += "/again"
	return m
}

func TestSilenceAndMachinesAreNoAnswer(t *testing.T) {
	for key, by := range map[string]string{twilio.KeyPickUp: "human", twilio.KeyVoicemail: "machine_start"} {
		inRig(t, nil, func(t *testing.T, r *rig) {
			c := r.press(r.call(page()), key)
			time.Sleep(time.Minute)
			c = r.now(c)
			if len(r.heard()) != 0 || c.State != twilio.Completed || strings.Count(transcript(c), heard) != 2 || !strings.Contains(transcript(c), "nobody has it yet") {
				t.Errorf("%s: heard %+v\n%s", key, r.heard(), transcript(c))
			}
			var said string
			for _, p := range r.progress {
				said += p.AnsweredBy
			}
			if said != by {
				t.Errorf("%s: answered by %q", key, said)
			}
		})
	}
}

func TestMissedCallsAreTold(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		r.call(page())
		time.Sleep(time.Minute)
		synctest.Wait()
		if last := r.progress[len(r.progress)-1]; last.State != "no-answer" || len(r.heard()) != 0 {
			t.Errorf("the call ended as %+v", last)
		}
		r.press(r.call(other(page())), twilio.KeyHangUp)
		if last := r.progress[len(r.progress)-1]; last.State != "busy" {
			t.Errorf("the call ended as %+v", last)
		}
		r.twilio.SetFaults(twilio.Faults{DropCalls: true})
		r.call(other(other(page())))
		if last := r.progress[len(r.progress)-1]; last.State != "failed" {
			t.Errorf("the call ended as %+v", last)
		}
	})
}

func TestRefusalsAreSpoken(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		r.refuse = incident.Refusal{Code: "resolved", Text: "INC-12 is already resolved by Bob <b>."}
		c := r.press(r.call(page()), "1")
		if !strings.HasSuffix(transcript(c), "Muster: INC-12 is already resolved by Bob <b>.") || c.State != twilio.Completed {
			t.Error(transcript(c))
		}
		r.refuse = errors.New("the disk is full " + mail)
		c = r.press(r.call(other(page())), "1")
		if !strings.Contains(transcript(c), "That could not be recorded. Please press the key again.") {
			t.Fatal(transcript(c))
		}
		r.refuse = nil
		if r.press(c, "1"); len(r.heard()) != 1 {
			t.Error("the second try was not taken")
		}
	})
}

func TestWithoutAPublicAddress(t *testing.T) {
	inRig(t, func(c *phone.Config) { c.Public = "" }, func(t *testing.T, r *rig) {
		c := r.call(page())
		if c.Form.Get("Url") != "" || c.Form.Get("StatusCallback") != "" || c.Form.Get("Twiml") == "" {
			t.Fatalf("the call was made with %v", c.Form)
		}
		c = r.press(c, "1")
		time.Sleep(10 * time.Second)
		c = r.now(c)
		text := transcript(c)
		if strings.Count(text, heard) != 2 || strings.Contains(text, "Press 1") || !strings.Contains(text, "Keys do not work on this call. To acknowledge, press the button in Slack") ||
			!strings.Contains(text, "incident ack I N C 12") || c.State != twilio.Completed || len(r.heard()) != 0 {
			t.Errorf("%s\n%s", c.State, text)
		}
		if len(r.twilio.Messages()) != 0 {
			t.Error("a text message asks for a reply that cannot come back")
		}
	})
}

func TestTextMessageFollowsAndAnswers(t *testing.T) {
	inRig(t, func(c *phone.Config) {
		c.Who = func(n string) (incident.Person, bool) {
			return incident.Person{Key: "bob@example.com", Name: "Bob"}, n == otherNum
		}
	}, func(t *testing.T, r *rig) {
		r.call(page())
		sent := r.twilio.Messages()
		want := `P0 INC-12: API service down. You are on call, L1. Reply "1 INC-12" to acknowledge, "2 INC-12" to escalate. https://example.slack.com/archives/C1/p1`
		if len(sent) != 1 || sent[0].To != number || sent[0].Body != want {
			t.Fatalf("sent %+v", sent)
		}
		for _, c := range []struct {
			from, body, reply string
			kind              notify.Kind
			who, level        string
		}{
			{number, "1 INC-12", "You have acknowledged INC-12.", notify.Acknowledge, mail, "L1"},
			{number, "1", "You have acknowledged INC-12.", notify.Acknowledge, mail, "L1"},
			{number, " 2 inc 12. ", "INC-12 goes on to the next level.", notify.Escalate, mail, "L1"},
			{number, "Ack INC-3", "You have acknowledged INC-3.", notify.Acknowledge, mail, ""},
			{otherNum, "2 INC-12", "INC-12 goes on to the next level.", notify.Escalate, "bob@example.com", ""},
			{otherNum, "1", `Say which incident: reply "1 INC-12" to acknowledge it, "2 INC-12" to escalate it.`, "", "", ""},
			{number, "what?", `That was not understood. Reply "1 INC-12" to acknowledge, "2 INC-12" to escalate.`, "", "", ""},
			{number, "11 INC-12", `That was not understood. Reply "1 INC-12" to acknowledge, "2 INC-12" to escalate.`, "", "", ""},
			{"+12025550199", "1 INC-12", "This number is not one of the on-call people's. Nothing has changed.", "", "", ""},
		} {
			before := len(r.heard())
			got, err := r.twilio.Text(c.from, c.body)
			if err != nil || len(got) != 1 || got[0] != c.reply {
				t.Errorf("%q is answered with %q, %v", c.body, got, err)
			}
			all := r.heard()
			if c.kind == "" {
				if len(all) != before {
					t.Errorf("%q was taken for %+v", c.body, all[before:])
				}
				continue
			}
			if len(all) != before+1 {
				t.Errorf("%q was not taken", c.body)
				continue
			}
			if a := all[before]; a.Kind != c.kind || a.Person.Key != c.who || a.Level != c.level || a.Via != "sms" || !strings.HasPrefix(a.Key, "sms:SM") || a.Said != "wrote: "+strings.TrimSpace(c.body) {
				t.Errorf("%q gives %+v", c.body, a)
			}
		}
		r.refuse = incident.Refusal{Text: "INC-12 is resolved."}
		if got, err := r.twilio.Text(number, "1"); err != nil || got[0] != "INC-12 is resolved." {
			t.Errorf("a refusal is answered with %q, %v", got, err)
		}
	})
}
