package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/config"
	"muster/incident"
	"muster/playbooks/evidence"
	"muster/report/archive"
)

// outsiders are people who were added to no private incident. Nick has a phone
// and the others have not.
var outsiders = []string{"olga", "oscar", "mia", "nick"}

// twins plays public and private incidents side by side, so that each place
// which shows the one is seen to leave out the other; and it has an insider
// speak of the private ones where everybody reads.
func (h *hidden) twins() {
	h.Helper()
	say := func(who, text string) { h.post(http.StatusOK, text, who+"@example.com", who+text) }
	say("olga", `create P2 "Openmark storage is full" service=storage impact=openimpact`)
	say("petra", `create --private P2 "Zanzibar payroll storage" service=storage impact=impactmark`)
	h.twin = h.named("Openmark storage is full")
	for _, one := range [][3]string{{"olga", h.twin, "open"}, {"petra", h.named("Zanzibar payroll storage"), "cause"}} {
		who, id, mark := one[0], one[1], one[2]+"mark"
		h.wait(time.Minute, "card of "+id, func() bool { return h.state(id).Card.TS != "" })
		say(who, "update "+id+" mitigating "+mark)
		say(who, "action "+id+" "+mark+" @"+who+" tomorrow")
		time.Sleep(6 * time.Minute)
		say(who, "resolve "+id+" "+mark+" fix="+mark)
		for _, section := range []string{"summary", "well", "prevention"} {
			say(who, "postmortem "+id+" write "+section+" "+mark)
		}
		say(who, "postmortem "+id+" done")
	}
	time.Sleep(time.Minute)
	say("olga", `create P2 "Openmark storage again" service=storage`)
	say("petra", `create --private P2 "Zanzibar payroll goes on" service=storage`)
	h.steps("olga", `create P1 "Openmark steps"`)
	h.steps("petra", `create --private P1 "Zanzibar payroll steps"`)
	for _, flag := range []string{"", "--private ", ""} {
		who, title := "olga", "Openmark exercise"
		if flag != "" {
			who, title = "petra", "Zanzibar exercise"
		}
		h.post(http.StatusOK, `drill `+flag+`P3 "`+title+`"`, who+"@example.com", "")
		say(who, "resolve "+h.newest()+" "+title)
	}
	time.Sleep(time.Minute)
	if last := h.state(h.newest()).Drill.Last.ID; last == "" || h.state(last).Circle.Private {
		h.Errorf("a drill is held against %q", last)
	}
	h.post(http.StatusUnprocessableEntity, "alert join INC-4", "petra@example.com", "")
	if s := h.state("INC-4"); len(s.Alerts) != 0 {
		h.Errorf("a private incident has alerts: %+v", s.Alerts)
	}
	say("olga", "alert declare P2") // of the service that a private one is about
	time.Sleep(time.Minute)
	h.alerted = h.newest()
	if s := h.state(h.alerted); len(s.Alerts) == 0 {
		h.Errorf("%s was not declared from the alert", s.ID)
	}
	h.aloud(h.named("Zanzibar payroll goes on"))
	for _, s := range h.incidents() {
		if s.Circle.Private {
			h.secret = append(h.secret, s.ID)
		}
	}
	if len(h.secret) != 7 {
		h.Fatalf("these are private: %v", h.secret)
	}
}

// steps has somebody declare and ask for a step that another person approves:
// whoever is on call, or the manager.
func (h *hidden) steps(who, create string) {
	h.Helper()
	h.post(http.StatusOK, create, who+"@example.com", "")
	id := h.newest()
	h.wait(time.Minute, "card of "+id, func() bool { return h.state(id).Card.TS != "" })
	h.post(http.StatusOK, "playbook run checkout-down 2 "+id, who+"@example.com", "")
	h.wait(time.Minute, "preview", func() bool {
		runs := h.state(id).Shelf.Runs
		return len(runs) == 1 && runs[0].Phase == incident.Waiting
	})
	h.post(http.StatusOK, "playbook confirm 1 "+id, who+"@example.com", "")
	time.Sleep(time.Minute)
	if n := h.state(id).Shelf.Runs[0].Approvers; len(n) < 2 {
		h.Errorf("these are asked to approve: %v", n)
	}
}

// aloud has an insider speak of a private incident where everybody reads along.
func (h *hidden) aloud(id string) {
	h.Helper()
	p := h.ws.Person("petra")
	for _, text := range []string{
		"list", "show INC-1", "timeline INC-1", "ack " + id, "update " + id + " monitoring all is well", "severity P1 " + id, "lead @alice " + id,
		"escalate " + id + " @alice", "hold " + id + " 30m wait", "note " + id + " hm", "action " + id + " look", "critical " + id, "invite @bob " + id,
		"resolve " + id + " over", "reopen " + id + " again", "postmortem INC-1", "playbook " + id, "alerts " + id, "snooze " + id, "merge " + id + " INC-2", "merge INC-2 " + id,
	} {
		if _, err := p.Say("#incidents", "@muster "+text, ""); err != nil {
			h.Fatal(err)
		}
		if !underRace {
			h.command("petra", "#general", "/incident "+text)
		}
		time.Sleep(5 * time.Second)
	}
	ts, err := p.Say("#general", "there is something odd", "")
	if err != nil {
		h.Fatal(err)
	}
	_ = p.React("#general", ts, "pushpin")
	if _, err := p.Shortcut("Add to timeline", "#general", ts); err != nil {
		h.Fatal(err)
	}
	if _, err := p.Shortcut("Declare incident", "#general", ts); err != nil {
		h.Fatal(err)
	}
	form := h.world.form("petra", "private")
	h.submit("petra", form, map[string]any{"title": "Zanzibar from a message", "severity": "P2", "private": "true"})
	time.Sleep(time.Minute)
	told := false
	for _, e := range p.Ephemerals("#incidents") {
		told = told || strings.Contains(e.Text+string(e.Blocks), "Zanzibar payroll leak")
	}
	if !told {
		h.Errorf("who may see it was not answered in #incidents: %+v", p.Ephemerals("#incidents"))
	}
}

// named finds an incident by its title.
func (h *hidden) named(title string) string {
	h.Helper()
	for _, s := range h.incidents() {
		if s.Title == title {
			return s.ID
		}
	}
	h.Fatalf("there is no %q", title)
	return ""
}

// numbered finds the numbers of private incidents in a text.
func (h *hidden) numbered() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:` + strings.Join(h.secret, "|") + `)\b`)
}

// secrets are the words that nobody else reads: with the private channels, and
// the mention of who leads them.
func (h *hidden) secrets() []string {
	all := append(slices.Clone(hiddenWords), strings.ToLower("@"+h.ws.Person("petra").ID()))
	for _, id := range h.secret {
		room := h.state(id).Room
		if room.Channel == "" {
			h.Fatalf("%s has no channel", id)
		}
		if word, at := spoken(room.Name, []string{"zanzibar", "payroll"}); at >= 0 { // whoever wants the same name comes across it
			h.Errorf("the channel's name %s says %q", room.Name, word)
		}
		all = append(all, strings.ToLower(room.Channel), room.Name)
	}
	return all
}

// sees looks at a text that others see, and at what has to be in it: else it
// would not be the right text.
func (h *hidden) sees(where, text string, public ...string) {
	h.Helper()
	h.look(where, text)
	for _, want := range public {
		if !strings.Contains(text, want) {
			h.Errorf("%s does not say %q: …%s", where, want, text[max(0, len(text)-600):])
		}
	}
}

// api calls Slack as a person does.
func (h *hidden) api(who, method string, form url.Values) string {
	h.Helper()
	form.Set("token", h.ws.Person(who).Token())
	return h.fetch(func(c *http.Client) (*http.Response, error) {
		return c.PostForm("http://slack.local/api/"+method, form)
	})
}

func (h *hidden) fetch(do func(*http.Client) (*http.Response, error)) string {
	h.Helper()
	resp, err := do(&http.Client{Transport: &http.Transport{DialContext: h.slack.DialContext, DisableKeepAlives: true}})
	if err != nil {
		h.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body) // a stream has no end but the reader's
	return string(body)
}

// pushed is what a person's client was sent since it was asked before.
func (h *hidden) pushed(who string) string {
	h.Helper()
	if h.read == nil {
		h.read = map[string]int64{}
	}
	ctx, stop := context.WithTimeout(h.Context(), time.Second)
	defer stop()
	address := fmt.Sprintf("http://slack.local/client/events?token=%s&since=%d", h.ws.Person(who).Token(), h.read[who])
	text := h.fetch(func(c *http.Client) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		return c.Do(req)
	})
	for l := range strings.Lines(text) {
		if id, ok := strings.CutPrefix(l, "id: "); ok {
			h.read[who], _ = strconv.ParseInt(strings.TrimSpace(id), 10, 64)
		}
	}
	if strings.Contains(text, `"resync"`) {
		h.Errorf("what %s was sent is forgotten by now: ask earlier", who)
	}
	return text
}

// fromClient reads what Slack shows a person beside messages: what their client
// was sent, channels, files and canvases.
func (h *hidden) fromClient(who string) {
	h.Helper()
	p := h.ws.Person(who)
	h.sees("what the client of "+who+" was sent", h.pushed(who))
	h.sees("the channels of "+who, h.api(who, "conversations.list", url.Values{"types": {"public_channel,private_channel"}, "limit": {"1000"}}), "incidents")
	for _, id := range h.secret {
		s := h.state(id)
		for _, method := range []string{"conversations.info", "conversations.members", "conversations.history", "pins.list"} {
			h.barred(who, method, url.Values{"channel": {s.Room.Channel}})
		}
		h.barred(who, "bookmarks.list", url.Values{"channel_id": {s.Room.Channel}})
		h.barred(who, "conversations.replies", url.Values{"channel": {s.Card.Channel}, "ts": {s.Card.TS}})
		h.look("the canvas of "+id+" for "+who, p.Canvas(s.Room.Channel))
	}
	for _, place := range []string{"#incidents", "#muster-ops", "#alerts", "#general"} {
		c, _ := json.Marshal(p.Channel(place))
		h.sees(place+" itself for "+who, string(c), strings.TrimPrefix(place, "#"))
	}
	read := ""
	for _, id := range h.canvases() {
		if title, text, ok := p.Document(id); ok {
			read += title + "\n" + text
		}
	}
	h.sees("the canvases for "+who, read, "Openmark storage is full")
}

// barred: an outsider is told by Slack itself that there is no such channel.
func (h *hidden) barred(who, method string, form url.Values) {
	h.Helper()
	if answer := h.api(who, method, form); !strings.Contains(answer, "not_found") {
		h.Errorf("%s asks %s of a private channel and reads %s", who, method, answer)
	}
	if answer := h.api("petra", method, form); !strings.Contains(answer, `"ok":true`) {
		h.Errorf("who is in it asks %s and reads %s", method, answer)
	}
}

// canvases are all that the bot made and opened to somebody.
func (h *hidden) canvases() (out []string) {
	for _, p := range h.fronts["slack"].since(time.Time{}) {
		if strings.HasSuffix(p.path, "canvases.access.set") {
			form, _ := url.ParseQuery(p.body)
			id := form.Get("canvas_id")
			if id == "" {
				var asked struct {
					ID string `json:"canvas_id"`
				}
				_ = json.Unmarshal([]byte(p.body), &asked)
				id = asked.ID
			}
			out = append(out, id)
		}
	}
	return out
}

// fromFiles reads the files of the messages that a person sees, names and all.
func (h *hidden) fromFiles(who string, places ...string) {
	h.Helper()
	p, read := h.ws.Person(who), ""
	for _, place := range places {
		for _, m := range p.Messages(place) {
			for _, r := range append(p.Thread(place, m.TS), m) {
				for _, f := range r.Files {
					meta, _ := json.Marshal(f)
					read += string(meta) + "\n" + string(p.FileData(fmt.Sprint(f["id"]))) + "\n"
				}
			}
		}
	}
	h.sees("the files that "+who+" sees", read, strings.ToLower(h.twin)+"-post-mortem-", "openmark", "BEGIN:VCALENDAR")
}

// fromForms opens what asks which incident is meant, and reads what it offers.
func (h *hidden) fromForms() {
	h.Helper()
	p := h.ws.Person("olga")
	for _, text := range []string{"update", "resolve", "create", "escalate", "note", "page", "hold", "severity", "role", "action", "lead", "reopen", "postmortem", "step", "alert join", "timeline"} {
		h.command("olga", "#incidents", "/incident "+text)
		time.Sleep(5 * time.Second)
		for _, v := range p.Views() {
			h.look("the form for "+text, string(v.Blocks)+fmt.Sprint(v))
		}
		for range p.Views() {
			_ = p.CloseView(p.Views()[len(p.Views())-1].ID)
		}
	}
	ts, err := p.Say("#general", "this looks odd", "")
	if err != nil {
		h.Fatal(err)
	}
	if _, err := p.Shortcut("Add to timeline", "#general", ts); err != nil {
		h.Fatal(err)
	}
	if err := p.React("#general", ts, "pushpin"); err != nil {
		h.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	h.sees("what olga was asked", h.pushed("olga"), "Which incident", "Openmark storage again", "Which incident do these alerts belong to")
}

// fromAnswers answers as somebody whom nobody asked: the answer is the same as
// about a number that was never given.
func (h *hidden) fromAnswers() {
	h.Helper()
	for _, word := range []string{"ACK ", "2 ", "1 "} {
		for _, id := range h.secret {
			there, err := h.phones.Text("+12025550103", word+id)
			if err != nil {
				h.Fatal(err)
			}
			nowhere, err := h.phones.Text("+12025550103", word+"INC-99")
			if err != nil {
				h.Fatal(err)
			}
			said := strings.Join(there, "\n")
			h.look("a text message's answer", said)
			if got, want := strings.ReplaceAll(said, id, "INC-99"), strings.Join(nowhere, "\n"); got != want || got == "" {
				h.Errorf("a text message %q is answered %q, one about no incident %q", word+id, there, nowhere)
			}
		}
	}
	for _, m := range h.mail.Mails("bob@example.com") {
		path := strings.TrimPrefix(ackLink.FindString(m.Text), "http://muster.local")
		if path == "" {
			continue
		}
		_, page := h.ask(http.MethodGet, path, "", "", "")
		h.sees("the page behind a mail's link", page, "INC-")
	}
}

// fromExports packs what is not private, with what was said about it.
func (h *hidden) fromExports() {
	h.Helper()
	all := ""
	for _, s := range h.incidents() {
		if s.Circle.Private {
			continue
		}
		var b bytes.Buffer
		if err := export(h.Context(), h.program.store, evidence.Open(h.TempDir(), time.Now), h.program.bot.Transcript, &config.Templates{}, s.ID, &b); err != nil {
			h.Fatal(err)
		}
		c, err := archive.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			h.Fatal(err)
		}
		text := ""
		for _, name := range c.Names {
			text += name + "\n" + partOf(h.T, c, name) + "\n"
		}
		for _, r := range c.History {
			text += string(r.Body) + "\n"
		}
		h.look("the export of "+s.ID, text)
		all += text
	}
	h.sees("all exports", all, "Openmark storage is full", "transcript.md", "past_found", "openmark")
}

// fromOperators reads what those are told who run the program: all of its
// checks name numbers and nothing else, also of a record that somebody changed.
func (h *hidden) fromOperators() {
	h.Helper()
	h.stop()
	h.stop = func() {}
	data := filepath.Join(h.dir, "muster.db")
	var out bytes.Buffer
	q := Question{Config: filepath.Join(h.dir, "config"), Out: &out, Env: h.lookup}
	fmt.Fprintln(&out, Verify(h.Context(), q, data))
	fmt.Fprintln(&out, Doctor(h.Context(), q, data))
	fmt.Fprintln(&out, CheckConfig(h.Context(), q, false))
	raw, err := os.ReadFile(data)
	if err != nil {
		h.Fatal(err)
	}
	broken := bytes.ReplaceAll(raw, []byte("Zanzibar payroll leak"), []byte("Zanzibar payroll l3ak"))
	if bytes.Equal(raw, broken) {
		h.Fatal("nothing was changed")
	}
	writeFile(h.T, data, string(broken))
	fmt.Fprintln(&out, Verify(h.Context(), q, data))
	fmt.Fprintln(&out, Doctor(h.Context(), q, data))
	h.sees("what operators are told", out.String(), "the history is whole", "INC-1")
}

// public are the incidents that statistics may count.
func (h *hidden) public() (out []incident.Incident) {
	for _, s := range h.incidents() {
		if !s.Circle.Private && !s.Drill.On {
			out = append(out, s)
		}
	}
	return out
}

// charts are the pictures of the statistics that an outsider asks for. Their
// figures are those of the rows.
func (h *hidden) charts() (out []string) {
	h.command("olga", "#incidents", "/incident stats chart")
	p := h.ws.Person("olga")
	time.Sleep(10 * time.Second)
	for _, m := range p.Messages(p.DM("muster")) {
		for _, f := range m.Files {
			meta, _ := json.Marshal(f)
			h.look("a chart", string(meta))
			out = append(out, fmt.Sprint(f["id"]))
		}
	}
	return out
}
