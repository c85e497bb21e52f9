package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
)

// hiddenRota has Olga and Oscar hand over a rota that nobody is paged by, and
// Petra in none that is asked.
const hiddenRota = `oncall_schedule:
  primary:
    members: [{name: Alice Johnson, email: alice@example.com, phone: "+12025550101", slack: '@alice', pagerduty: PALICE}]
  secondary:
    members: [{name: Bob Smith, email: bob@example.com, phone: "+12025550102", slack: '@bob', pagerduty: PBOB}]
  manager:
    members: [{name: Mia Chef, email: mia@example.com, slack: '@mia'}]
  support:
    rotation_type: daily
    rotation_start: 09:00 UTC
    members: [{name: Olga Out, email: olga@example.com, slack: '@olga'}, {name: Oscar Out, email: oscar@example.com, slack: '@oscar'}]
  reserve:
    members: [{name: Nick Spare, email: nick@example.com, slack: '@nick'}, {name: Petra Quimby, email: petra@example.com, slack: '@petra'}]
`

const hiddenLadder = `levels:
  - {level: L1, role: primary, methods: [pagerduty, phone, slack, email], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, role: secondary, methods: [phone, email, pagerduty, slack], due: 10m, respond_within: 5m, until: resolved}
repeat: 0
last_resort: {slack: '#incidents', mention: '@channel'}
`

// hiddenWords are said in the private incident and nowhere else: its title,
// service, impact, texts, channel, and the person who leads it.
var hiddenWords = regexp.MustCompile(`(?i)zanzibar|payroll|quuxservice|impactmark|updatemark|causemark|reasonmark|lessonmark|actionmark|inc-1-private|petra|quimby`)

// TestPrivateIncidentIsHidden plays a private incident from its declaration to
// the end of its post-mortem, over every channel, and then looks everywhere as
// somebody who was not added: no title, no channel and no person of it is
// there. Those who were added see it all.
func TestPrivateIncidentIsHidden(t *testing.T) {
	var logged buffer
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, map[string]string{"oncall/rotation.yaml": hiddenRota, "escalation.yaml": hiddenLadder, "muster.yaml": streetMuster + "auto_declare: []\n"})
		defer s.down()
		s.log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.begin()
		defer func() { s.stop() }()
		s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
		h := &hidden{street: s}
		h.live()
		room := s.state("INC-1").Room.Channel
		if room == "" || s.state("INC-1").Card.Channel != room {
			t.Fatalf("the card stands in %+v, the channel is %+v", s.state("INC-1").Card, s.state("INC-1").Room)
		}
		h.words = regexp.MustCompile(hiddenWords.String() + "|" + room)
		h.fromSlack()
		h.fromProviders()
		h.fromCommands()
		h.fromHTTP()
		h.fromReaders()
		h.inside(room)
	})
	for l := range strings.Lines(logged.String()) {
		if found := hiddenWords.FindString(l); found != "" {
			t.Errorf("the log says %q: %s", found, l)
		}
	}
	if !strings.Contains(logged.String(), `"level"`) {
		t.Error("nothing was logged")
	}
}

// hidden is a street with an incident that few may see.
type hidden struct {
	*street
	words *regexp.Regexp
}

// look fails when a text that others see says what is private.
func (h *hidden) look(where, text string) {
	h.Helper()
	for _, at := range h.words.FindAllStringIndex(text, 2) {
		h.Errorf("%s says %q: …%s…", where, text[at[0]:at[1]], text[max(0, at[0]-200):min(len(text), at[1]+80)])
	}
}

// live plays the incident: unanswered pages up to the last resort, an update
// that is missed, a hand-over, the resolution, and what comes after it.
func (h *hidden) live() {
	h.Helper()
	say := func(who, text string) { h.post(http.StatusOK, text, who+"@example.com", who+text) }
	ack := h.command("petra", "#incidents", `/incident create --private P0 "Zanzibar payroll leak" service=quuxservice impact=impactmark`)
	if len(ack.Payload) == 0 || strings.Contains(string(ack.Payload), "in_channel") {
		h.Errorf("the declaration is answered with %s", ack.Payload)
	}
	h.wait(time.Minute, "channel of its own", func() bool { return h.state("INC-1").Card.TS != "" })
	h.command("olga", "#incidents", "/incident create P2 an open one")
	h.command("olga", "#incidents", "/incident create P2 another open one service=quux")
	time.Sleep(25 * time.Minute) // L1, L2, the ladder's end, overdue updates
	h.command("petra", "#incidents", "/incident page @alice INC-1 reasonmark")
	time.Sleep(time.Minute)
	say("alice", "ack INC-1")
	say("alice", "update INC-1 mitigating updatemark next=updatemark impact=impactmark")
	say("alice", "severity P1 INC-1 reasonmark")
	h.post(http.StatusUnprocessableEntity, "merge INC-3 INC-1", "petra@example.com", "")
	h.post(http.StatusUnprocessableEntity, "merge INC-1 INC-3", "petra@example.com", "")
	handover, overdue := 9*time.Hour, 50*time.Hour
	if underRace {
		handover, overdue = 10*time.Minute, time.Hour
	}
	time.Sleep(handover) // and reminders
	say("petra", "resolve INC-1 causemark fix=causemark")
	say("petra", "action INC-1 actionmark @alice tomorrow")
	say("petra", "postmortem INC-1 write well lessonmark")
	time.Sleep(overdue) // after two days the manager would be told
	say("petra", "postmortem INC-1 waive lessonmark")
	h.command("petra", "#incidents", `/incident create --private P2 "Zanzibar payroll again" service=checkout`)
	time.Sleep(time.Minute)
	h.world.told(hook("checkout", serviceDown(time.Now()))) // belongs to no private incident, though the service fits
	time.Sleep(10 * time.Minute)
}

// insiders are those who were added, by handle.
var insiders = []string{"petra", "alice", "bob"}

// fromSlack reads every request that Slack got, and everything that those see
// who were not added.
func (h *hidden) fromSlack() {
	h.Helper()
	mine := map[string]bool{}
	for _, handle := range insiders {
		p := h.ws.Person(handle)
		mine[p.DM("muster")], mine[p.ID()] = true, true
	}
	for _, id := range []string{"INC-1", "INC-4"} {
		mine[h.state(id).Room.Channel] = true
	}
	checked := 0
	for _, p := range h.fronts["slack"].since(time.Time{}) {
		body, _ := url.QueryUnescape(p.body)
		form, _ := url.ParseQuery(p.body)
		var asked struct {
			Channel string `json:"channel"`
			ID      string `json:"channel_id"`
			User    string `json:"user_id"`
		}
		_ = json.Unmarshal([]byte(p.body), &asked)
		to := form.Get("channel") + form.Get("channel_id") + form.Get("user_id") + asked.Channel + asked.ID + asked.User
		switch {
		case mine[to], strings.HasSuffix(p.path, "conversations.create"), strings.HasSuffix(p.path, "users.lookupByEmail"):
		default:
			checked++
			h.look("Slack's "+p.path, body)
		}
	}
	if checked < 20 {
		h.Errorf("only %d requests to Slack were read", checked)
	}
	for _, handle := range []string{"olga", "oscar", "mia", "nick"} {
		p := h.ws.Person(handle)
		for _, place := range []string{"#incidents", "#muster-ops", "#alerts", "#monitoring", "#general", p.DM("muster"), h.state("INC-1").Room.Channel} {
			for _, m := range p.Messages(place) {
				h.look(handle+" in "+place, m.Text+string(m.Blocks))
				for _, r := range p.Thread(place, m.TS) {
					h.look(handle+" in a thread of "+place, r.Text+string(r.Blocks))
				}
			}
			for _, e := range p.Ephemerals(place) {
				h.look("what only "+handle+" sees in "+place, e.Text+string(e.Blocks))
			}
		}
		p.Home()
		h.wait(5*time.Second, "home", func() bool { return p.PublishedHome() != nil })
		h.look("the home tab of "+handle, string(p.PublishedHome().Blocks))
	}
}

// fromProviders reads what PagerDuty, the phones and the mailboxes got: pages
// too, for others read along.
func (h *hidden) fromProviders() {
	h.Helper()
	for _, name := range []string{"pagerduty", "phone"} {
		sent := h.fronts[name].since(time.Time{})
		if len(sent) == 0 {
			h.Errorf("%s got nothing", name)
		}
		for _, p := range sent {
			body, _ := url.QueryUnescape(p.path + p.body)
			h.look(name, body)
		}
	}
	mails := h.mail.Mails("")
	for _, who := range []string{"alice", "bob", "mia", "olga", "petra", "nick", "oscar"} {
		mails = append(mails, h.mail.Mails(who+"@example.com")...)
	}
	if len(mails) == 0 {
		h.Error("nobody got a mail")
	}
	for _, m := range mails {
		h.look("a mail to "+m.To, m.Subject+"\n"+m.Text+"\n"+m.HTML+"\n"+fmt.Sprint(m.Header["Subject"]))
	}
}

// fromCommands asks everything that an outsider can ask.
func (h *hidden) fromCommands() {
	h.Helper()
	for i, text := range []string{
		"list", "list all", "list mine", "show INC-1", "show", "INC-1", "timeline INC-1", "ack INC-1", "unack INC-1", "update INC-1 x", "status INC-1 identified",
		"severity P0 INC-1", "lead me INC-1", "role comms me INC-1", "escalate INC-1", "page @olga INC-1 x", "hold INC-1 30m x", "note INC-1 x", "action INC-1 x",
		"resolve INC-1 x", "reopen INC-1 x", "merge INC-1 INC-2", "merge INC-2 INC-1", "critical INC-1", "invite me INC-1", "postmortem INC-1", "postmortem INC-1 done",
		"postmortem", "playbook INC-1", "playbook", "alerts INC-1", "alert join INC-1", "alerts", "snooze INC-1", "nochange INC-1", "snooze", "ack", "reopen", "stats", "stats csv",
		"stats by service", "why primary", "oncall primary", "simulate P0", `drill P3 "a drill"`, "show INC-4", "ack INC-4", "timeline INC-4",
	} {
		body, _ := json.Marshal(Command{Text: text, As: "olga@example.com"})
		_, answer := h.ask(http.MethodPost, "/v1/commands", "api-token", "", string(body))
		h.look("the answer to "+text, answer)
		if strings.Contains(text, "INC-1") && !strings.HasPrefix(text, "merge INC-2") && !strings.Contains(answer, `no INC-1`) && !strings.Contains(answer, "no *INC-1*") && !strings.Contains(answer, "no alerts") {
			h.Errorf("%s is answered with %s", text, answer)
		}
		if underRace && i%6 != 0 {
			continue
		}
		h.command("oscar", "#incidents", "/incident "+text)
		ack := h.command("mia", "#general", "/incident "+text)
		h.look("Slack's answer to "+text, string(ack.Payload))
	}
	time.Sleep(time.Minute)
	h.fromSlack()
	if s := h.state("INC-1"); len(s.Circle.People) != len(insiders) {
		h.Errorf("these may see it: %v", s.Circle.People)
	}
}

// fromHTTP reads over HTTP.
func (h *hidden) fromHTTP() {
	h.Helper()
	for _, path := range []string{
		"/v1/incidents", "/v1/incidents?state=all", "/v1/incidents?state=open", "/v1/incidents?as=olga@example.com", "/v1/incidents/INC-1", "/v1/incidents/INC-1?as=olga@example.com",
		"/v1/incidents/INC-2", "/v1/incidents/INC-3", "/v1/incidents/INC-4", "/metrics", "/readyz", "/healthz",
	} {
		_, answer := h.ask(http.MethodGet, path, "api-token", "", "")
		h.look(path, answer)
	}
	for _, as := range insiders {
		if status, answer := h.ask(http.MethodGet, "/v1/incidents/INC-1?as="+as+"@example.com", "api-token", "", ""); status != http.StatusOK || !strings.Contains(answer, "Zanzibar") {
			h.Errorf("%s reads %d %s", as, status, answer)
		}
	}
}

// fromReaders asks those who read all incidents at once, and packs the others.
func (h *hidden) fromReaders() {
	h.Helper()
	rows, err := (reader{h.program.incidents}).Rows(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	h.look("the statistics", fmt.Sprintf("%+v", rows))
	week := digest(rows, incident.DigestDue{From: time.Now().Add(-7 * 24 * time.Hour), At: time.Now()}, h.program.roster.zone).Plain()
	if week == "" {
		h.Error("the week's digest is empty")
	}
	h.look("the week's digest", week)
	for _, who := range []string{"olga@example.com", "mia@example.com"} {
		todo, err := h.program.followUps(h.Context(), incident.Person{Key: who})
		if err != nil || len(todo) != 0 {
			h.Errorf("%s is to do %v (%v)", who, todo, err)
		}
	}
	h.look("a hand-over", h.program.running(h.program.roster.OnCall("support", time.Now()).Contacts[0].Person).Plain())
}

// inside: those who were added see it.
func (h *hidden) inside(room string) {
	h.Helper()
	for _, handle := range insiders {
		p := h.ws.Person(handle)
		if len(p.Messages(room)) == 0 {
			h.Errorf("%s does not see the channel", handle)
		}
		answer := h.post(http.StatusOK, "list all", handle+"@example.com", "")
		if !strings.Contains(answer, "Zanzibar payroll leak") {
			h.Errorf("%s lists %s", handle, answer)
		}
	}
	card, _ := find(h.ws.Person("petra").Messages(room), "Zanzibar payroll leak")
	if _, ok := find(h.ws.Person("petra").Thread(room, card.TS), "updatemark"); !ok {
		h.Error("the update is not in the thread of the card")
	}
	if len(h.ws.Person("petra").Pins(room)) == 0 {
		h.Error("the card is not pinned")
	}
}
