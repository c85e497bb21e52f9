package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/workspace"
)

// house is the program with its pager, telephones and mail, over loopback.
type house struct {
	*testing.T
	ws      *workspace.Workspace
	in      *standIns
	program *Program
	public  string
}

func newHouse(t *testing.T) *house { return newHouseWith(t, nil, func(*Options) {}) }

// newHouseWith has files of the configuration, and other options.
func newHouseWith(t *testing.T, files map[string]string, change func(*Options)) *house {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	live, err := config.NewLive(dir, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	s, err := openStore(filepath.Join(t.TempDir(), "muster.db"))
	if err != nil {
		t.Fatal(err)
	}
	slack, own := listen(t), listen(t)
	h := &house{T: t, public: "http://" + own.Addr().String()}
	if h.in, err = newStandIns(live.Get(), h.public, time.Now); err != nil {
		t.Fatal(err)
	}
	setup := demoWorkspace(live.Get(), newClock(1))
	setup.Now, setup.Speed, setup.SetSpeed, setup.Phone = time.Now, nil, nil, h.in.press
	h.ws = workspace.New(setup)
	h.in.ws = h.ws
	env := h.in.env(config.Env{
		SlackBotToken: config.NewSecret(h.ws.BotToken()), SlackAppToken: config.NewSecret(h.ws.AppToken()),
		SlackAPIURL: "http://" + slack.Addr().String() + "/api/", MusterAPIToken: config.NewSecret("api-token"),
	}, h.public)
	opt := Options{Live: live, Env: env, Store: s, Listener: own}
	change(&opt)
	h.program = New(opt)
	around, stop := context.WithCancel(context.Background())
	inside, halt := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- h.ws.Serve(around, slack) }()
	go func() { ended <- h.in.run(around) }()
	ran := make(chan error, 1)
	go func() { ran <- h.program.Run(inside) }()
	t.Cleanup(func() {
		halt()
		err := <-ran
		stop()
		if err := errors.Join(err, <-ended, <-ended, s.Close()); err != nil {
			t.Errorf("it ended badly: %v", err)
		}
	})
	h.until(10*time.Second, "two sockets", func() bool { return h.ws.Sockets() == 2 })
	return h
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func (h *house) until(atMost time.Duration, what string, holds func() bool) {
	h.Helper()
	for end := time.Now().Add(atMost); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("after %v there is no %s", atMost, what)
		}
	}
}

func (h *house) state() incident.Incident {
	h.Helper()
	s, err := h.program.incidents.State(h.Context(), "INC-1")
	if err != nil {
		h.Fatal(err)
	}
	return s
}

// paged waits until every method of the first page arrived.
func (h *house) paged() incident.PageStatus {
	h.Helper()
	var page incident.PageStatus
	h.until(20*time.Second, "page over every method", func() bool {
		page, _ = h.state().Page(1)
		for _, m := range page.Methods {
			if m.State != incident.PageDelivered {
				return false
			}
		}
		return len(page.Methods) > 0
	})
	return page
}

// TestEveryWayToAcknowledge: PagerDuty, a key on the phone, a text message, the
// link in a mail, the button, a command and HTTP all stop the same ladder.
func TestEveryWayToAcknowledge(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole program for each way")
	}
	ways := map[string]func(h *house, who incident.Person, ref map[string]string){
		"pagerduty": func(h *house, who incident.Person, ref map[string]string) {
			h.must(h.in.pagerduty.Acknowledge(h.pagerUser(who), ref["pagerduty"]))
		},
		"phone": func(h *house, _ incident.Person, ref map[string]string) {
			h.until(5*time.Second, "call that rings", func() bool { return h.in.twilio.Press(ref["phone"], "1") == nil })
		},
		"sms": func(h *house, who incident.Person, _ map[string]string) {
			m, _ := h.program.roster.Schedule().Member(who)
			_, err := h.in.twilio.Text(m.Phone, "1 INC-1")
			h.must(err)
		},
		"email": func(h *house, who incident.Person, _ map[string]string) { h.pressLink(who) },
		"slack": func(h *house, who incident.Person, _ map[string]string) {
			handle, _, _ := strings.Cut(who.Key, "@")
			p := h.ws.Person(handle)
			dm, ok := find(p.Messages(p.DM("muster")), "Acknowledge")
			if !ok {
				h.Fatal("there is no page by direct message")
			}
			_, err := p.Click(p.DM("muster"), dm.TS, "Acknowledge")
			h.must(err)
		},
		"command": func(h *house, who incident.Person, _ map[string]string) { h.post(who, "command") },
		"http":    func(h *house, who incident.Person, _ map[string]string) { h.post(who, "") },
	}
	for via, act := range ways {
		t.Run(via, func(t *testing.T) {
			h := newHouse(t)
			plan := plan(h.program.opt.Live.Get())
			plan.Ladder.Levels = plan.Ladder.Levels[:1]
			plan.Ladder.Levels[0].Methods = []string{"pagerduty", "phone", "email", "slack"}
			_, err := h.program.incidents.Do(t.Context(), declareRequest(plan))
			h.must(err)
			page := h.paged()
			ref := map[string]string{}
			for _, m := range page.Methods {
				ref[m.Method] = m.Ref
			}
			began := time.Now()
			act(h, page.Person, ref)
			h.until(15*time.Second, "acknowledgement", func() bool { return h.state().AckedBy(page.Person) })
			if got := h.state().Acks[0].Via; got != via {
				t.Errorf("it is recorded as %q", got)
			}
			t.Logf("acknowledged %v after it", time.Since(began).Round(time.Millisecond))
			h.until(10*time.Second, "acknowledged incident in PagerDuty", func() bool {
				for _, i := range h.in.pagerduty.Incidents() {
					if i.Status == "triggered" {
						return false
					}
				}
				return true
			})
		})
	}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) pagerUser(who incident.Person) string {
	for _, i := range h.in.pagerduty.Incidents() {
		for _, a := range i.Assigned {
			return a.User
		}
	}
	h.Fatalf("PagerDuty has nothing for %s", who)
	return ""
}

var proofField = regexp.MustCompile(`name="?proof"? value="?([^" >]+)`)

var ackLink = regexp.MustCompile(`http://\S+/ack/[^\s"<>]+`)

// pressLink opens the link in the mail, which must change nothing, then presses
// its button.
func (h *house) pressLink(who incident.Person) {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), 10*time.Second)
	defer cancel()
	mails, err := h.in.inbox.Wait(ctx, who.Key, 1)
	h.must(err)
	link := ackLink.FindString(mails[0].Text)
	resp, err := http.Get(link)
	h.must(err)
	page, err := io.ReadAll(resp.Body)
	h.must(err)
	_ = resp.Body.Close()
	if h.state().Acked() {
		h.Fatal("opening the link acknowledged")
	}
	proof := proofField.FindSubmatch(page)
	if proof == nil {
		h.Fatalf("the page has no button:\n%s", page)
	}
	resp, err = http.PostForm(link, url.Values{"proof": {string(proof[1])}})
	h.must(err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		h.Errorf("the button was answered with %s", resp.Status)
	}
}

func (h *house) post(who incident.Person, via string) {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), http.MethodPost, h.public+"/v1/commands", strings.NewReader(`{"text": "ack INC-1", "as": "`+who.Key+`"}`))
	h.must(err)
	req.Header.Set("Authorization", "Bearer api-token")
	req.Header.Set("X-Muster-Via", via)
	resp, err := http.DefaultClient.Do(req)
	h.must(err)
	_ = resp.Body.Close()
}

func declareRequest(plan incident.Plan) engine.Request[incident.Incident] {
	return engine.Request[incident.Incident]{New: true, Intent: incident.Declare{
		Title: "API service down", Severity: incident.P1, By: incident.Person{Key: "erin@example.com", Name: "Erin Davis"}, Plan: plan,
	}}
}

// TestWarningsAreMailed: a class that names e-mail mails whoever is on call.
func TestWarningsAreMailed(t *testing.T) {
	h := newHouse(t)
	r := declareRequest(h.program.plan())
	declare := r.Intent.(incident.Declare)
	declare.Severity = incident.P2
	r.Intent = declare
	_, err := h.program.incidents.Do(t.Context(), r)
	h.must(err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	mails, err := h.in.inbox.Wait(ctx, h.state().OnCall.Key, 1)
	h.must(err)
	if !strings.Contains(mails[0].Subject, "INC-1") {
		t.Errorf("the mail is about %q", mails[0].Subject)
	}
	if n := len(h.state().Climb.Pages); n != 0 {
		t.Errorf("a P2 paged %d times", n)
	}
}
