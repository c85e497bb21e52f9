package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/commands"
	"muster/incident"
	"muster/notify"
	"muster/notify/pagerduty"
)

// settings is the environment that leads to the house.
func (h *house) settings() func(string) (string, bool) {
	env := h.program.opt.Env
	vars := map[string]string{
		"SLACK_BOT_TOKEN": env.SlackBotToken.Reveal(), "SLACK_APP_TOKEN": env.SlackAppToken.Reveal(), "SLACK_API_URL": env.SlackAPIURL,
		"PAGERDUTY_API_KEY": env.PagerDutyAPIKey.Reveal(), "PAGERDUTY_FROM": env.PagerDutyFrom, "PAGERDUTY_API_URL": env.PagerDutyAPIURL,
		"TWILIO_ACCOUNT_SID": env.TwilioAccountSID, "TWILIO_AUTH_TOKEN": env.TwilioAuthToken.Reveal(), "TWILIO_FROM": env.TwilioFrom,
		"TWILIO_API_URL": env.TwilioAPIURL, "SMTP_URL": env.SMTPURL.Reveal(), "SMTP_FROM": "muster@example.com", "MUSTER_URL": h.public,
		"MUSTER_PUBLIC_URL": h.public, "MUSTER_API_TOKEN": "api-token",
	}
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

// calls are the SIDs of all calls.
func (h *house) calls() (out []string) {
	h.Helper()
	env := h.program.opt.Env
	req, err := http.NewRequestWithContext(h.Context(), http.MethodGet, env.TwilioAPIURL+"/2010-04-01/Accounts/"+env.TwilioAccountSID+"/Calls.json", nil)
	h.must(err)
	req.SetBasicAuth(env.TwilioAccountSID, env.TwilioAuthToken.Reveal())
	resp, err := http.DefaultClient.Do(req)
	h.must(err)
	defer resp.Body.Close()
	var list struct {
		Calls []struct {
			SID string `json:"sid"`
		} `json:"calls"`
	}
	h.must(json.NewDecoder(resp.Body).Decode(&list))
	for _, c := range list.Calls {
		out = append(out, c.SID)
	}
	return out
}

// TestTestPage: a test page reaches one person over everything, says that it is
// a test, makes no incident, and is remembered by the sweep.
func TestTestPage(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	if err := TestPage(ctx, Question{Out: &out, Env: h.settings()}, "alice@example.com"); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, method := range []string{"slack", "pagerduty", "phone", "email"} {
		if !strings.Contains(out.String(), "ok   "+method+": ") {
			t.Errorf("it does not say that %s took it:\n%s", method, &out)
		}
	}
	mails, err := h.in.inbox.Wait(ctx, "alice@example.com", 1)
	h.must(err)
	if !strings.Contains(mails[0].Subject, "[Test]") {
		t.Errorf("the mail's subject is %q", mails[0].Subject)
	}
	alice := h.ws.Person("alice")
	if _, ok := find(alice.Messages(alice.DM("muster")), testTitle); !ok {
		t.Error("there is no direct message")
	}
	if all := h.in.pagerduty.Incidents(); len(all) != 1 || !strings.Contains(all[0].Title, "TEST") {
		t.Errorf("PagerDuty has %v", all)
	} else if !pagerduty.Ours(all[0].Key) {
		t.Errorf("the test page comes back from PagerDuty as somebody's alert: its key is %q", all[0].Key)
	}
	calls := h.calls()
	if len(calls) != 1 {
		t.Fatalf("there are %d calls", len(calls))
	}
	h.until(10*time.Second, "call that takes a key", func() bool { return h.in.twilio.Press(calls[0], "1") == nil })
	if err := h.program.answer(ctx, notify.Answer{Incident: testIncident, Person: incident.Person{Key: "alice@example.com"}, Kind: notify.Acknowledge, Via: "phone"}); err != nil {
		t.Errorf("who answers a test page hears %q", err)
	}
	if open := h.program.incidents.OpenIncidents(); len(open) != 0 {
		t.Errorf("there are incidents: %v", open)
	}
	over := func(n int) func() bool {
		return func() bool {
			all := h.in.pagerduty.Incidents()
			return len(all) == n && all[n-1].Status == "resolved" && len(h.program.tests.all()) == 0
		}
	}
	h.until(20*time.Second, "resolved test page in PagerDuty after the answer", over(1))
	for _, f := range h.program.sweep().run(ctx) {
		if never := strings.Contains(f.Text, "never been tested"); !never || f.Person.Key == "alice@example.com" {
			t.Errorf("the sweep finds %s", f)
		}
	}
	if err := TestPage(ctx, Question{Out: &out, Env: h.settings()}, "mallory@example.com"); err == nil {
		t.Error("somebody in no rota was paged")
	}

	reply := h.program.commands.Run(ctx, commands.Call{Text: "test-page", By: incident.Person{Key: "alice@example.com"}, Now: time.Now()})
	if !reply.OK || !reply.Ephemeral || !strings.Contains(reply.Text, "ok   pagerduty: ") {
		t.Errorf("the command answers %+v", reply)
	}
	h.program.tests.change(ctx, func(list []openTest) []openTest {
		for i := range list {
			list[i].At = list[i].At.Add(time.Second - testEnds)
		}
		return list
	})
	h.until(20*time.Second, "resolved test page in PagerDuty without an answer", over(2))
	if later := newOpenTests(h.program.store, h.program.log).all(); len(later) != 0 {
		t.Errorf("after a restart these would be open: %v", later)
	}
	reply = h.program.commands.Run(ctx, commands.Call{Text: "test-page", By: incident.Person{Key: "mallory@example.com"}, Now: time.Now()})
	if reply.OK || !strings.Contains(reply.Text, "in no rota") {
		t.Errorf("a stranger hears %+v", reply)
	}
}

const twoPeople = `oncall_schedule:
  primary:
    name: Primary
    members:
      - {name: Alice Johnson, email: alice@example.com, phone: +1-202-555-0101}
  manager:
    name: Manager
    members:
      - {name: Zoe Nobody, email: zoe@example.com}
`

const twoLevels = `levels:
  - {level: L1, role: primary, methods: [slack, phone], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, role: manager, methods: [pagerduty, phone], due: 5m, respond_within: 5m, until: acknowledged}
last_resort: {slack: '#incidents'}
`

func TestDoctorLooksAtEveryWay(t *testing.T) {
	h := newHouse(t)
	dir := t.TempDir()
	var out bytes.Buffer
	q := Question{Config: dir, Out: &out, Env: h.settings()}
	if err := Doctor(t.Context(), q, filepath.Join(dir, "none.db")); err != nil {
		t.Errorf("all is well, and it says %v:\n%s", err, &out)
	}
	for _, want := range []string{"ok   pagerduty: PagerDuty: the API key is taken", "ok   phone: ", "ok   email: ", "ok   on call: everybody"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q:\n%s", want, &out)
		}
	}
	out.Reset()
	writeFile(t, filepath.Join(dir, "oncall", "rotation.yaml"), twoPeople)
	writeFile(t, filepath.Join(dir, "escalation.yaml"), twoLevels)
	if err := Doctor(t.Context(), q, filepath.Join(dir, "none.db")); err == nil {
		t.Error("it calls that healthy")
	}
	for _, want := range []string{
		"BAD  pagerduty: Zoe Nobody: ", "BAD  on call: Zoe Nobody (manager): no Slack user", "BAD  on call: Zoe Nobody (manager): there is no phone number",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q:\n%s", want, &out)
		}
	}
	out.Reset()
	if err := CheckConfig(t.Context(), q, true); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "Zoe Nobody (manager): there is no phone number") {
		t.Errorf("check --slack does not sweep:\n%s", &out)
	}
}

// TestDoctorWithoutAnyWay: where no page can leave, nobody "can be reached".
func TestDoctorWithoutAnyWay(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	q := Question{Config: dir, Out: &out, Env: func(string) (string, bool) { return "", false }}
	if err := Doctor(t.Context(), q, filepath.Join(dir, "none.db")); err == nil {
		t.Error("it calls that healthy")
	}
	if text := out.String(); strings.Contains(text, "ok   on call") || !strings.Contains(text, "BAD  on call: nobody can be reached") {
		t.Errorf("it says:\n%s", text)
	}
}

func TestCalendar(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "oncall", "rotation.yaml"), twoPeople)
	writeFile(t, filepath.Join(dir, "escalation.yaml"), twoLevels)
	var out, notes bytes.Buffer
	q := Question{Config: dir, Out: &out, Env: func(string) (string, bool) { return "", false }}
	for of, want := range map[string]string{
		"": "Alice Johnson,Zoe Nobody", "alice@example.com": "Alice Johnson", "manager": "Zoe Nobody", "zoe nobody": "Zoe Nobody",
	} {
		out.Reset()
		if err := Calendar(t.Context(), q, filepath.Join(dir, "none.db"), of, &notes); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Alice Johnson", "Zoe Nobody"} {
			if got := strings.Contains(out.String(), "SUMMARY:On call: "+name); got != strings.Contains(want, name) {
				t.Errorf("%q: %s is there: %v\n%s", of, name, got, &out)
			}
		}
		if !strings.HasPrefix(out.String(), "BEGIN:VCALENDAR\r\n") || strings.Contains(out.String(), "alice@") {
			t.Errorf("%q gives\n%s", of, &out)
		}
	}
	if err := Calendar(t.Context(), q, filepath.Join(dir, "none.db"), "nobody", &notes); err == nil {
		t.Error("a calendar of nobody was written")
	}
}

func TestImportPagerDuty(t *testing.T) {
	h := newHouse(t)
	var out, notes bytes.Buffer
	if err := ImportPagerDuty(t.Context(), h.settings(), &out, &notes); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "oncall_schedule:") || !strings.Contains(notes.String(), "note: PagerDuty has no schedules") {
		t.Errorf("it writes %q and notes %q", &out, &notes)
	}
	if err := ImportPagerDuty(t.Context(), func(string) (string, bool) { return "", false }, &out, &notes); err == nil {
		t.Error("it imports without a key")
	}
}
