package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/config"
	"muster/incident"
)

// everyMethod is a ladder that uses all there is.
const everyMethod = `levels:
  - {level: L1, role: primary, methods: [pagerduty, phone, slack, email], due: 0s, respond_within: 5m, until: acknowledged}
  - {level: L2, role: secondary, methods: [phone, email, pagerduty, slack], due: 10m, respond_within: 5m, until: resolved}
repeat: 0
last_resort: {person: carol@elsewhere.example}
`

// privacy looks for what must not stand in a text that operators see: people
// are named by name or handle there.
var privacy = regexp.MustCompile(`\+?1?[-. ]?202[-. ]?555[-. ]?\d{4}|\+1\d{8,}|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.(?:com|example|org)|xox[a-z]-\w+|xapp-\w+|pager5ecret|hook5ecret|routing5ecret|Sesame77|api-token|dead5ecret`)

// TestNothingPrivateAnywhere: over every channel, every failure and every way
// to answer, no phone number, mail address, token or password is in the log at
// its most talkative, in the metrics, in readiness or in a refusal over HTTP.
func TestNothingPrivateAnywhere(t *testing.T) {
	var logged buffer
	var seen strings.Builder // what operators are shown
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, map[string]string{"escalation.yaml": everyMethod})
		defer s.down()
		s.log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.change = func(o *Options) {
			o.Env.MusterDeadmanURL = config.NewSecret("http://beats.local/dead5ecret")
			o.Env.TwilioFrom = s.phones.Number()
		}
		s.begin()
		defer func() { s.stop() }()
		s.wait(5*time.Second, "two sockets", func() bool { return s.ws.Sockets() == 2 })
		number := s.phones.Number()
		auth := s.phones.AuthToken()
		look := func(what, text string) {
			fmt.Fprintf(&seen, "== %s\n%s\n", what, text)
		}
		failures, ends := tricks, []trick{healthy, is500, is401}
		if underRace { // some of them; all without it
			failures, ends = []trick{is401, is500, loses}, []trick{is401}
		}
		order, via := slices.Sorted(maps.Keys(answers)), map[string]bool{}
		for _, t := range append([]trick{healthy, healthy, healthy, healthy, healthy}, failures...) {
			for channel := range spares {
				s.play(channel, t)
			}
			id := s.declare()
			time.Sleep(5 * time.Second)
			if t == healthy {
				s.answerSomehow(id, order) // while the telephone rings
			}
			time.Sleep(65 * time.Second)
			s.answerSomehow(id, order)
			_, ready := s.ask(http.MethodGet, "/readyz", "", "", "")
			look("readyz while "+string(t), ready)
			for channel := range spares {
				s.play(channel, healthy)
			}
			time.Sleep(2 * time.Minute)
			s.answerSomehow(id, order)
			s.post(http.StatusOK, "ack "+id, "bob@example.com", "a"+id)
			s.step(id, incident.Resolve{By: erin, Cause: "over"})
			for _, ack := range s.state(id).Acks {
				via[ack.Via] = true
			}
			order = append(order[1:], order[0]) // each way is the first once: what follows an acknowledgement changes nothing
			time.Sleep(time.Minute)
		}
		for _, way := range append(order, "http") {
			if !via[way] {
				t.Errorf("nobody acknowledged by %s: only %v", way, slices.Sorted(maps.Keys(via)))
			}
		}
		for _, way := range ends { // up to the last resort, and to people whom nobody knows
			for channel := range spares {
				s.play(channel, way)
			}
			s.post(http.StatusOK, "create P1 Nobody answers", "bob@example.com", "c"+string(way))
			s.post(http.StatusOK, "page "+s.newest()+" outside@elsewhere.example please look", "bob@example.com", "p"+string(way))
			time.Sleep(50 * time.Minute)
			_, ready := s.ask(http.MethodGet, "/readyz", "", "", "")
			look("readyz while nobody answers, "+string(way), ready)
			s.step(s.newest(), incident.Resolve{By: erin, Cause: "over"})
		}
		for _, wrong := range []struct{ method, path, token, body string }{
			{"POST", "/v1/commands", "wr0ngtoken", `{"text":"ack","as":"alice@example.com"}`}, {"POST", "/v1/commands", "api-token", `{"text":"ack"}`},
			{"POST", "/v1/commands", "api-token", `nonsense`}, {"GET", "/v1/incidents", "", ""}, {"GET", "/v1/incidents/INC-99", "api-token", ""},
			{"POST", "/v1/test-page", "api-token", `{"as":"stranger"}`}, {"POST", "/v1/webhooks/pagerduty", "", `{}`}, {"POST", "/v1/twilio/sms", "", `From=%2B12025550101`},
			{"GET", "/ack/nonsense", "", ""}, {"GET", "/v1/backup", "wr0ngtoken", ""},
		} {
			_, answer := s.ask(wrong.method, wrong.path, wrong.token, "", wrong.body)
			look(wrong.method+" "+wrong.path, answer)
		}
		for _, way := range []trick{healthy, is401, is500} {
			for channel := range spares {
				s.play(channel, way)
			}
			_, answer := s.ask(http.MethodPost, "/v1/test-page", "api-token", "", `{"as":"alice@example.com"}`)
			look("test page, "+string(way), answer)
		}
		_, metrics := s.ask(http.MethodGet, "/metrics", "", "", "")
		look("metrics", metrics)
		for channel := range spares {
			s.play(channel, healthy)
		}
		time.Sleep(time.Until(night(time.Now())) - 2*time.Minute)
		for channel := range spares {
			s.play(channel, is500)
		}
		time.Sleep(5 * time.Minute) // the nightly sweep, in the middle of failures
		if !strings.Contains(logged.String(), "the nightly look") {
			t.Error("no sweep failed")
		}
		for text, what := range map[string]string{number: "our own number", auth: "Twilio's token", strings.TrimPrefix(number, "+"): "our own number"} {
			for where, all := range map[string]string{"log": logged.String(), "texts": seen.String()} {
				if i := strings.Index(all, text); i >= 0 {
					t.Errorf("%s is in the %s: …%s", what, where, all[max(0, i-200):min(len(all), i+60)])
				}
			}
		}
	})
	examples := strings.NewReplacer("such as alice@example.com", "", `\"as\": \"alice@example.com\"`, "", "such as +1-202-555-0101", "", "write it as muster@example.com", "", "Muster <muster@example.com>", "")
	text := examples.Replace(seen.String() + askOffline(t))
	if !strings.Contains(logged.String(), `"level":"DEBUG"`) && !strings.Contains(logged.String(), `"level":"INFO"`) || !strings.Contains(logged.String(), "an attempt failed") {
		t.Fatal("the log is not captured")
	}
	for where, all := range map[string]string{"log": logged.String(), "texts": text} {
		told := map[string]bool{}
		for _, at := range privacy.FindAllStringIndex(all, -1) {
			if found := all[at[0]:at[1]]; !told[found] && len(told) < 12 {
				told[found] = true
				t.Errorf("%s is in the %s: …%s", found, where, all[max(0, at[0]-300):min(len(all), at[1]+60)])
			}
		}
	}
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newest is the incident that was declared last.
func (s *street) newest() string {
	list, err := s.program.incidents.List(s.Context(), 1)
	if err != nil || len(list) == 0 {
		s.Fatalf("no incident: %v", err)
	}
	return list[0].ID
}

// answers are what a person can do with whatever arrived.
var answers = map[string]func(s *street, id string){
	"phone": func(s *street, _ string) {
		for _, c := range s.phones.Calls() {
			_ = s.phones.Press(c.SID, "1")
		}
	},
	"sms": func(s *street, id string) {
		_, _ = s.phones.Text("+12025550101", "ACK "+id)
		_, _ = s.phones.Text("+12025550199", "hello") // a stranger
	},
	"pagerduty": func(s *street, _ string) {
		for _, i := range s.pager.Incidents() {
			_ = s.pager.Acknowledge("PALICE", i.ID)
		}
	},
	"email": func(s *street, _ string) {
		mails := s.mail.Mails("alice@example.com")
		if len(mails) == 0 {
			return
		}
		path := strings.TrimPrefix(ackLink.FindString(mails[len(mails)-1].Text), "http://muster.local")
		if path == "" {
			return
		}
		if _, page := s.ask(http.MethodGet, path, "", "", ""); proofField.MatchString(page) {
			_, _ = s.form(path, url.Values{"proof": {proofField.FindStringSubmatch(page)[1]}})
			_, _ = s.form(path, url.Values{"proof": {"a guess"}})
		}
	},
	"slack": func(s *street, _ string) {
		p := s.ws.Person("alice")
		if dm, ok := find(p.Messages(p.DM("muster")), "📟", "Acknowledge"); ok {
			_, _ = p.Click(p.DM("muster"), dm.TS, "Acknowledge")
		}
	},
}

// answerSomehow answers in every way, in some order.
func (s *street) answerSomehow(id string, order []string) {
	for _, way := range order {
		answers[way](s, id)
		time.Sleep(2 * time.Second)
		synctest.Wait()
	}
}

// form sends a form as a browser does.
func (s *street) form(path string, values url.Values) (status int, answer string) {
	s.Helper()
	resp, err := s.client().PostForm("http://muster.local"+path, values)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// askOffline is what check and doctor print and refuse, with bad settings too.
func askOffline(t *testing.T) string {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "oncall/rotation.yaml"), streetRota)
	writeFile(t, filepath.Join(dir, "escalation.yaml"), everyMethod)
	bad := t.TempDir()
	writeFile(t, filepath.Join(bad, "oncall/rotation.yaml"), strings.Replace(streetRota, "+12025550102", "202-555-0102", 1))
	var out bytes.Buffer
	for _, env := range []map[string]string{
		{},
		{"SLACK_BOT_TOKEN": "xoxb-5ecret", "SLACK_APP_TOKEN": "xapp-5ecret", "SLACK_API_URL": "http://127.0.0.1:1/api/", "PAGERDUTY_API_KEY": "pager5ecret",
			"PAGERDUTY_API_URL": "http://127.0.0.1:1", "PAGERDUTY_ROUTING_KEY": "routing5ecret", "PAGERDUTY_EVENTS_URL": "http://127.0.0.1:1", "PAGERDUTY_FROM": "muster@example.com",
			"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "hook5ecret", "TWILIO_FROM": "+12025550100", "TWILIO_API_URL": "http://127.0.0.1:1",
			"SMTP_URL": "smtp://robot:Sesame77@127.0.0.1:1", "SMTP_FROM": "muster@example.com", "MUSTER_DEADMAN_URL": "http://127.0.0.1:1/dead5ecret"},
		{"SLACK_BOT_TOKEN": "xapp-5ecret", "SLACK_APP_TOKEN": "xoxb-5ecret", "SMTP_URL": "robot:Sesame77@", "TWILIO_FROM": "2025550100", "PAGERDUTY_FROM": "not muster@example.com",
			"SMTP_FROM": "muster@example.com and more", "MUSTER_DEADMAN_URL": "dead5ecret"},
	} {
		lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
		for _, config := range []string{dir, bad} {
			q := Question{Config: config, Out: &out, Env: lookup}
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			fmt.Fprintln(&out, Doctor(ctx, q, filepath.Join(t.TempDir(), "none.db")))
			fmt.Fprintln(&out, CheckConfig(ctx, q, true))
			fmt.Fprintln(&out, Run(ctx, RunFlags{Config: bad, Data: filepath.Join(t.TempDir(), "x.db"), Listen: "127.0.0.1:0", Log: "debug"}, lookup, &out))
			stop()
		}
	}
	return out.String()
}
