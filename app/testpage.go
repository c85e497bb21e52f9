package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"muster/commands"
	"muster/config"
	"muster/incident"
	"muster/notify"
	"muster/outbox"
	"muster/store"
)

const (
	// testIncident is what a test page is about: no incident has this name.
	testIncident = "TEST"
	testTitle    = "TEST. Nothing has happened: this only shows that you can be reached."
	// testWithin bounds one method of a test page.
	testWithin = 25 * time.Second
)

// Tried is what one method of a test page answered.
type Tried struct {
	Method string `json:"method"`
	OK     bool   `json:"ok"`
	Text   string `json:"text"`
}

// testPage pages one person over everything that is configured, marked as a
// test, and keeps when each method took it. No incident comes of it.
func (p *Program) testPage(ctx context.Context, who incident.Person) []Tried {
	methods := append([]string{"slack"}, otherMethods...)
	out := make([]Tried, len(methods))
	missing := p.roster.missing(who)
	var all sync.WaitGroup
	for i, method := range methods {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, testWithin)
			defer cancel()
			out[i] = Tried{Method: method, Text: missing[method]}
			if out[i].Text != "" {
				return
			}
			if err := p.testOver(ctx, method, who); err != nil {
				out[i].Text = strings.TrimPrefix(err.Error(), "not sent: ")
				return
			}
			out[i].OK, out[i].Text = true, took[method]
		})
	}
	all.Wait()
	if err := p.rememberTest(ctx, who, out); err != nil {
		p.log.Error("a test page was not recorded", "error", err)
	}
	return out
}

// took is what to expect after a method took the page.
var took = map[string]string{
	"slack":     "the direct message is there",
	"phone":     "the call is on its way",
	"email":     "the mail server took the mail",
	"pagerduty": "PagerDuty took the page; it resolves once you answer, or after 10 minutes",
}

// testOver sends the page over one method.
func (p *Program) testOver(ctx context.Context, method string, who incident.Person) error {
	id := "test:" + rand.Text()
	if method == "slack" {
		_, err := p.bot.Direct(ctx, outbox.Delivery{ID: id}, false, who, commands.Reply{OK: true, Text: testTitle, Body: commands.Say(testTitle)})
		return err
	}
	channel, ok := p.channels.of(method)
	if !ok {
		return outbox.PermanentError{Reason: "not configured"}
	}
	now := p.now()
	receipt, err := channel.Deliver(ctx, notify.Message{
		Delivery: id, Dedup: testIncident + "/" + id + "/" + who.Key, To: p.contact(who), Public: p.opt.Env.MusterPublicURL, Now: now,
		Incident: incident.Incident{ID: testIncident, Title: testTitle, Severity: incident.P1, DeclaredAt: now, Status: incident.Investigating},
		Page:     incident.Page{Attempt: 1, Person: who, Method: method, At: now, Asked: true},
	}, false)
	if err == nil && method == "pagerduty" {
		p.tests.add(ctx, openTest{Ref: receipt.Ref, Person: who, At: now})
	}
	return err
}

// testsOf is where the store keeps when a person's methods took a test page.
func testsOf(who incident.Person) string { return "tested:" + who.Key }

// tests gives, by method, when a person's last test page was taken.
func tests(s *store.Store, who incident.Person) (map[string]time.Time, error) {
	value, found, err := s.Get(testsOf(who))
	at := map[string]time.Time{}
	if err == nil && found {
		err = json.Unmarshal(value, &at)
	}
	return at, err
}

func (p *Program) rememberTest(ctx context.Context, who incident.Person, all []Tried) error {
	at, err := tests(p.store, who)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.OK {
			at[t.Method] = p.now()
		}
	}
	value, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return p.store.Put(ctx, testsOf(who), value)
}

// phoneTested tells from a store when a phone was last tested.
func phoneTested(s *store.Store) func(incident.Person) (time.Time, error) {
	return func(who incident.Person) (time.Time, error) {
		at, err := tests(s, who)
		return at["phone"], err
	}
}

// postTestPage answers POST /v1/test-page {"as": "alice@example.com"}.
func (p *Program) postTestPage(w http.ResponseWriter, r *http.Request) {
	var body struct {
		As string `json:"as"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, problem("usage", `The body is not JSON: send {"as": "alice@example.com"}.`))
		return
	}
	email, err := config.ParseEmail(body.As)
	if err != nil {
		answer(w, http.StatusBadRequest, problem("usage", `"as" is not an e-mail address: say who is to be paged, such as alice@example.com.`))
		return
	}
	m, ok := p.roster.Schedule().Find(email)
	if !ok {
		answer(w, http.StatusNotFound, problem("unknown", "Nobody in oncall/rotation.yaml has that e-mail address: only they are paged."))
		return
	}
	tried := p.testPage(r.Context(), m.Person())
	answer(w, http.StatusOK, testReply(m.Person(), tried))
}

// ownTestPage is the command of the same meaning.
func (p *Program) ownTestPage(ctx context.Context, by incident.Person) commands.Reply {
	m, ok := p.roster.Schedule().Member(by)
	if !ok {
		return commands.Reply{Code: "unknown", Body: commands.Say("You stand in no rota of oncall/rotation.yaml: only people who do are paged.")}
	}
	return testReply(m.Person(), p.testPage(ctx, m.Person()))
}

// testReply is OK when every configured method took the page.
func testReply(who incident.Person, tried []Tried) commands.Reply {
	text := fmt.Sprintf("A test page to %s:", who.Name)
	reply := commands.Reply{Data: tried}
	for _, t := range tried {
		mark := "BAD "
		switch {
		case t.OK:
			mark, reply.OK = "ok  ", true
		case t.Text == "not configured":
			mark = "-   "
		}
		text += fmt.Sprintf("\n%s %s: %s", mark, t.Method, t.Text)
	}
	for _, t := range tried {
		if !t.OK && t.Text != "not configured" {
			reply.OK, reply.Code = false, "failed"
		}
	}
	reply.Text, reply.Body = text, commands.Say(text)
	return reply
}

// TestPage has the running program page one person as a test.
func TestPage(ctx context.Context, q Question, as string) error {
	settings, err := config.LoadEnv(q.Env)
	if err != nil {
		return err
	}
	if !settings.MusterAPIToken.IsSet() {
		return errors.New("MUSTER_API_TOKEN is not set: set it to the same value as for the running program")
	}
	body, err := json.Marshal(map[string]string{"as": as})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, settings.MusterURL+"/v1/test-page", strings.NewReader(string(body)))
	if err != nil {
		return fmt.Errorf("MUSTER_URL: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	var reply commands.Reply
	if err := call(req, settings, &reply); err != nil {
		return err
	}
	if err := q.print(reply.Text, reply); err != nil {
		return err
	}
	if !reply.OK {
		return Exit(1)
	}
	return nil
}
