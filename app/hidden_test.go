package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/playbooks/evidence"
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
    members: [{name: Nick Spare, email: nick@example.com, phone: "+12025550103", slack: '@nick'}, {name: Petra Quimby, email: petra@example.com, slack: '@petra'}]
notification_channels:
  critical: [{type: slack, channel: '#general'}, {type: email, to: [board@example.com]}]
  warning: [{type: slack, channel: '#alerts'}, {type: email, to: [board@example.com]}]
`

const hiddenMuster = streetMuster + `auto_declare: []
postmortem: {invite: [board@example.com]}
digest: {cron: '0 9 * * *'}
`

const hiddenLadder = `levels:
  - {level: L1, role: primary, methods: [pagerduty, phone, slack, email], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, role: secondary, methods: [phone, email, pagerduty, slack], due: 10m, respond_within: 5m, until: resolved}
repeat: 0
last_resort: {slack: '#incidents', mention: '@channel'}
`

// hiddenWords are said in the private incidents and nowhere else: title,
// service, impact, texts, channel, and the person who leads them.
var hiddenWords = []string{
	"zanzibar", "payroll", "quuxservice", "impactmark", "updatemark", "causemark", "reasonmark", "lessonmark", "actionmark", "inc-1-private", "petra", "quimby",
}

// spoken gives the place of the first of some words in a text; -1: none is there.
func spoken(text string, words []string) (word string, at int) {
	text = strings.ToLower(text)
	for _, w := range words {
		if at := strings.Index(text, w); at >= 0 {
			return w, at
		}
	}
	return "", -1
}

// TestPrivateIncidentIsHidden plays a private incident from its declaration to
// the end of its post-mortem, over every channel, and then looks everywhere as
// somebody who was not added: no title, no channel and no person of it is
// there. Those who were added see it all.
func TestPrivateIncidentIsHidden(t *testing.T) {
	var logged buffer
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, map[string]string{"oncall/rotation.yaml": hiddenRota, "escalation.yaml": hiddenLadder, "muster.yaml": hiddenMuster, "playbooks/checkout-down.md": theBook})
		defer s.down()
		s.log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.change = func(o *Options) {
			o.Steps, o.Evidence = newCluster(), evidence.Open(filepath.Join(s.dir, "evidence"), time.Now)
		}
		s.begin()
		defer func() { s.stop() }()
		s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
		h := &hidden{street: s}
		h.live()
		h.twins()
		room := s.state("INC-1").Room.Channel
		if room == "" || s.state("INC-1").Card.Channel != room {
			t.Fatalf("the card stands in %+v, the channel is %+v", s.state("INC-1").Card, s.state("INC-1").Room)
		}
		h.words = h.secrets()
		h.fromSlack()
		h.fromProviders()
		h.fromCommands()
		h.fromForms()
		h.fromHTTP()
		h.fromAnswers()
		h.fromReaders()
		h.fromExports()
		h.inside(room)
		h.fromOperators()
	})
	for l := range strings.Lines(logged.String()) {
		if found, at := spoken(l, hiddenWords); at >= 0 {
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
	words   []string
	secret  []string         // the private incidents
	alerted string           // declared from an alert
	twin    string           // one that everybody sees, lived as far as one of them
	read    map[string]int64 // what each person's client was sent, up to where
}

// look fails when a text that others see says what is private.
func (h *hidden) look(where, text string) {
	h.Helper()
	if word, at := spoken(text, h.words); at >= 0 {
		h.Errorf("%s says %q: …%s…", where, word, text[max(0, at-200):min(len(text), at+len(word)+80)])
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
		handover, overdue = 20*time.Minute, 10*time.Minute
	}
	time.Sleep(handover) // and reminders
	say("petra", "resolve INC-1 causemark fix=causemark")
	say("olga", "resolve INC-3 it is over")
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
	for _, id := range h.secret {
		mine[h.state(id).Room.Channel] = true
	}
	read := ""
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
		method := p.path[strings.LastIndexByte(p.path, '/')+1:]
		switch {
		case method == "canvases.access.set":
			var rooms []string
			_ = json.Unmarshal([]byte(form.Get("channel_ids")), &rooms)
			if len(rooms) != 1 || !mine[rooms[0]] && rooms[0] != h.ws.Person("olga").ChannelID("#incidents") {
				h.Errorf("a canvas is opened to %s", body)
			}
		case mine[to], mine[form.Get("user")], method == "users.lookupByEmail":
		case method == "conversations.create" && strings.Contains(body, "is_private=true"):
		case slices.Contains([]string{"views.open", "views.update", "canvases.create"}, method): // read by who sees them
		default:
			read += "Slack's " + p.path + " " + body + "\n"
		}
	}
	h.sees("what was said to Slack", read, "Openmark storage is full", `"event_type":"muster`, "filename="+strings.ToLower(h.twin)+"-post-mortem-")
	shown := map[string]string{}
	for _, handle := range outsiders {
		p := h.ws.Person(handle)
		places := []string{"#incidents", "#muster-ops", "#alerts", "#general", p.DM("muster"), h.state("INC-1").Room.Channel}
		for _, place := range places {
			for _, m := range p.Messages(place) {
				shown[place] += m.Text + string(m.Blocks) + string(m.Metadata) + string(m.Attachments) + "\n"
				for _, r := range p.Thread(place, m.TS) {
					shown[place] += r.Text + string(r.Blocks) + string(r.Metadata) + "\n"
				}
			}
			for _, e := range p.Ephemerals(place) {
				h.look("what only "+handle+" sees in "+place, e.Text+string(e.Blocks))
			}
		}
		h.fromFiles(handle, places...)
		h.fromClient(handle)
		p.Home()
		h.wait(5*time.Second, "home", func() bool { return p.PublishedHome() != nil })
		h.sees("the home tab of "+handle, string(p.PublishedHome().Blocks), "Openmark storage again")
	}
	for place, text := range shown {
		h.look(place, text)
	}
	for place, want := range map[string][]string{
		"#incidents": {"Openmark storage is full", "This happened before: “openmark” ended it", "🆘"},
		"#general":   {"P1 Incident: Openmark steps", "checkout is down", h.alerted}, "#alerts": {"P2 Incident: Openmark"}, "#muster-ops": {"INC-1", "Private incident"},
	} {
		h.sees(place, shown[place], want...)
	}
	h.sees("who approves steps", shown[h.ws.Person("mia").DM("muster")], "Openmark steps", "approv")
	if !underRace {
		h.sees("#incidents", shown["#incidents"], "Looking back", "takes over from")
		h.sees("olga's messages", shown[h.ws.Person("olga").DM("muster")], "You are on call as")
		h.sees("the manager's messages", shown[h.ws.Person("mia").DM("muster")], "INC-3")
	}
}

// fromProviders reads what PagerDuty, the phones and the mailboxes got: pages
// too, for others read along.
func (h *hidden) fromProviders() {
	h.Helper()
	for _, name := range []string{"pagerduty", "phone"} {
		all := ""
		for _, p := range h.fronts[name].since(time.Time{}) {
			body, _ := url.QueryUnescape(p.path + p.body)
			all += body
		}
		h.sees(name, all, "INC-1", "rivate")
	}
	got := ""
	for _, who := range []string{"alice", "bob", "mia", "olga", "petra", "nick", "oscar", "board"} {
		for _, m := range h.mail.Mails(who + "@example.com") {
			got += fmt.Sprintln("a mail to", m.To, m.Subject, m.Text, m.HTML, m.Header["Subject"], string(m.Calendar))
		}
	}
	h.sees("the mails", got, "[P0] INC-1", "Openmark storage is full", "BEGIN:VCALENDAR")
}

// fromCommands asks everything that an outsider can ask.
func (h *hidden) fromCommands() {
	h.Helper()
	numbers := h.numbered()
	for i, text := range []string{
		"list", "list all", "list mine", "show INC-1", "show", "INC-1", "timeline INC-1", "ack INC-1", "unack INC-1", "update INC-1 x", "status INC-1 identified",
		"severity P0 INC-1", "lead me INC-1", "role comms me INC-1", "escalate INC-1", "page @olga INC-1 x", "hold INC-1 30m x", "note INC-1 x", "action INC-1 x",
		"resolve INC-1 x", "reopen INC-1 x", "merge INC-1 INC-2", "merge INC-2 INC-1", "critical INC-1", "invite me INC-1", "postmortem INC-1", "postmortem INC-1 done",
		"postmortem", "playbook INC-1", "playbook", "alerts INC-1", "alert join INC-1", "alerts", "snooze INC-1", "nochange INC-1", "snooze", "ack", "reopen", "stats", "stats csv",
		"stats by service", "why primary", "oncall primary", "simulate P0", `drill P3 "a drill"`, "show INC-4", "ack INC-4", "timeline INC-4",
	} {
		status, answer := h.asOlga(text)
		h.look("the answer to "+text, answer)
		if id := numbers.FindString(text); id != "" {
			nowhere, refused := h.asOlga(numbers.ReplaceAllString(text, "INC-99"))
			if answer = numbers.ReplaceAllString(answer, "INC-99"); status != nowhere || answer != refused {
				h.Errorf("%s is answered with %d %s; about a number that was never given with %d %s", text, status, answer, nowhere, refused)
			}
		}
		if underRace && i%6 != 0 {
			continue
		}
		h.command("oscar", "#incidents", "/incident "+text)
		ack := h.command("mia", "#general", "/incident "+text)
		h.look("Slack's answer to "+text, string(ack.Payload))
	}
	for text, want := range map[string]string{
		"list all": "Openmark storage is full", "show " + h.twin: "openmark", "timeline " + h.twin: "openmark", "stats by service": "storage", "stats by service csv": "storage",
		"stats by service json": "storage", "stats by team": "no team", "ack": "Openmark storage again", "alerts": "checkout",
	} {
		_, answer := h.asOlga(text)
		h.sees("the answer to "+text, answer, want)
	}
	time.Sleep(time.Minute)
	h.fromSlack()
	if files := h.charts(); len(files) == 0 {
		h.Error("no chart of the statistics was drawn")
	}
	if s := h.state("INC-1"); len(s.Circle.People) != len(insiders) {
		h.Errorf("these may see it: %v", s.Circle.People)
	}
}

// asOlga gives a command as somebody who was added to nothing.
func (h *hidden) asOlga(text string) (status int, answer string) {
	h.Helper()
	body, _ := json.Marshal(Command{Text: text, As: "olga@example.com"})
	return h.ask(http.MethodPost, "/v1/commands", "api-token", "", string(body))
}

// fromHTTP reads over HTTP.
func (h *hidden) fromHTTP() {
	h.Helper()
	for path, want := range map[string]string{
		"/v1/incidents": "Openmark", "/v1/incidents?state=all": "Openmark storage is full", "/v1/incidents?state=open": "Openmark storage again",
		"/v1/incidents?as=olga@example.com": "Openmark", "/v1/incidents/INC-1": "", "/v1/incidents/INC-1?as=olga@example.com": "", "/v1/incidents/" + h.twin: "openmark",
		"/v1/incidents/INC-2": "an open one", "/v1/incidents/INC-3": "", "/v1/incidents/INC-4": "", "/metrics": "muster_incidents_open", "/readyz": "checks", "/healthz": "ok",
	} {
		_, answer := h.ask(http.MethodGet, path, "api-token", "", "")
		h.sees(path, answer, want)
	}
	for _, id := range h.secret {
		status, answer := h.ask(http.MethodGet, "/v1/incidents/"+id, "api-token", "", "")
		nowhere, refused := h.ask(http.MethodGet, "/v1/incidents/INC-99", "api-token", "", "")
		if status != nowhere || strings.ReplaceAll(answer, id, "INC-99") != refused {
			h.Errorf("%s is %d %s, a number that was never given %d %s", id, status, answer, nowhere, refused)
		}
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
	h.sees("the statistics", fmt.Sprintf("%+v", rows), "Openmark")
	if len(rows) != len(h.public()) {
		h.Errorf("%d incidents are counted, %d may be", len(rows), len(h.public()))
	}
	week := digest(rows, incident.DigestDue{From: time.Now().Add(-7 * 24 * time.Hour), At: time.Now()}, h.program.roster.zone).Plain()
	h.sees("the week's digest", week, "incident", "Longest")
	for _, who := range []string{"olga@example.com", "mia@example.com"} {
		todo, err := h.program.followUps(h.Context(), incident.Person{Key: who})
		if text := fmt.Sprint(todo); err != nil || strings.Contains(text, "openmark") != (who == "olga@example.com") {
			h.Errorf("%s is to do %v (%v)", who, todo, err)
		} else {
			h.look("the follow-ups of "+who, text)
		}
	}
	h.sees("a hand-over", h.program.running(h.program.roster.OnCall("support", time.Now()).Contacts[0].Person).Plain(), "Openmark storage again")
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
