package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"muster/config"
	"muster/incident"
	"muster/workspace"
	"muster/workspace/inbox"
	"muster/workspace/pagerduty"
	"muster/workspace/twilio"
)

// trick is a way in which a provider fails.
type trick string

const (
	healthy  trick = ""
	refuses  trick = "refused"
	hangs    trick = "times out"
	is400    trick = "400"
	is401    trick = "401"
	is403    trick = "403"
	is404    trick = "404"
	limited  trick = "429"
	limitsAt trick = "429, Retry-After"
	is500    trick = "500"
	loses    trick = "accepts and then loses"
	slow     trick = "slow, 30 s"
)

var tricks = []trick{refuses, hangs, is400, is401, is403, is404, limited, limitsAt, is500, loses, slow}

// slackWords are what Slack says where others answer with a status.
var slackWords = map[trick]string{is400: "invalid_arguments", is401: "invalid_auth", is403: "missing_scope", is404: "channel_not_found"}

// smtpWords are what a mail server says there.
var smtpWords = map[trick]inbox.Faults{
	is400:    {At: inbox.Text, Code: 554, Enhanced: [3]int{5, 6, 0}},
	is401:    {At: inbox.Sender, Code: 530, Enhanced: [3]int{5, 7, 0}},
	is403:    {At: inbox.Recipient, Code: 550, Enhanced: [3]int{5, 7, 1}},
	is404:    {At: inbox.Recipient, Code: 550, Enhanced: [3]int{5, 1, 1}},
	limited:  {At: inbox.Recipient, Code: 450, Enhanced: [3]int{4, 7, 28}},
	limitsAt: {At: inbox.Sender, Code: 421, Enhanced: [3]int{4, 3, 2}},
	is500:    {At: inbox.Text, Code: 451, Enhanced: [3]int{4, 3, 0}},
	slow:     {At: inbox.Text, Slow: 30 * time.Second},
}

// front stands before one provider's server and fails in its place.
type front struct {
	name  string
	pipe  *workspace.Pipe
	proxy *httputil.ReverseProxy
	over  chan struct{}

	mu     sync.Mutex
	trick  trick
	passed []passage
}

// passage is a request that the provider itself got.
type passage struct {
	at         time.Time
	path, body string
}

// pass notes a request and lets it through.
func (f *front) pass(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	f.passed = append(f.passed, passage{time.Now(), r.Method + " " + r.URL.Path, string(body)})
	f.mu.Unlock()
	f.proxy.ServeHTTP(w, r)
}

// since gives what passed after a moment.
func (f *front) since(t time.Time) (out []passage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.passed {
		if !p.at.Before(t) {
			out = append(out, p)
		}
	}
	return out
}

func newFront(name string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *front {
	return &front{name: name, pipe: workspace.NewPipe(), over: make(chan struct{}), proxy: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
			r.Out.Header["X-Forwarded-For"] = nil
		},
		Transport:    &http.Transport{DialContext: dial, DisableKeepAlives: true},
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
}

func (f *front) play(t trick) {
	f.mu.Lock()
	f.trick = t
	f.mu.Unlock()
}

func (f *front) now() trick {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trick
}

func (f *front) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if f.now() == refuses {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return f.pipe.DialContext(ctx, network, addr)
}

// ServeHTTP answers in the provider's place, or lets the request through.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := f.now()
	if f.name == "slack" && !strings.HasPrefix(r.URL.Path, "/api/") {
		t = healthy // a socket that is open stays
	}
	switch t {
	case healthy:
		if f.name == "slack" && !strings.HasPrefix(r.URL.Path, "/api/") {
			f.proxy.ServeHTTP(w, r) // a socket is no request
			return
		}
		f.pass(w, r)
	case refuses:
		panic(http.ErrAbortHandler)
	case hangs:
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-f.over:
		}
		panic(http.ErrAbortHandler)
	case slow:
		select {
		case <-time.After(30 * time.Second):
		case <-f.over:
			panic(http.ErrAbortHandler)
		}
		f.proxy.ServeHTTP(w, r)
	case loses:
		if f.name == "slack" && strings.HasSuffix(r.URL.Path, "chat.postMessage") {
			_, _ = io.WriteString(w, `{"ok":true,"channel":"D0LOST","ts":"1.000001"}`)
			return
		}
		f.proxy.ServeHTTP(w, r) // the stand-in itself loses it
	default:
		if word := slackWords[t]; f.name == "slack" && word != "" {
			_, _ = fmt.Fprintf(w, `{"ok":false,"error":%q}`, word)
			return
		}
		status := http.StatusTooManyRequests
		switch t {
		case limitsAt:
			w.Header().Set("Retry-After", "30")
		case limited:
		default:
			_, _ = fmt.Sscan(string(t), &status)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{}`)
	}
}

// street is the whole program with all its providers, in a bubble.
type street struct {
	*world
	fronts map[string]*front
	pager  *pagerduty.PagerDuty
	phones *twilio.Server
	mail   *inbox.Inbox
	beats  *receiver // of the heartbeat; nil: there is none
	// reached is where the providers reach the program that runs now.
	reached atomic.Pointer[workspace.Pipe]
	down    func()
}

const streetRota = `oncall_schedule:
  primary:
    name: Primary
    members:
      - {name: Alice Johnson, email: alice@example.com, phone: "+12025550101", slack: '@alice', pagerduty: PALICE}
  secondary:
    name: Secondary
    members:
      - {name: Bob Smith, email: bob@example.com, phone: "+12025550102", slack: '@bob', pagerduty: PBOB}
`

const streetMuster = `incident_channel: {P0: false, P1: false, P2: false, P3: false}
`

func newStreet(t *testing.T, files map[string]string) *street {
	all := map[string]string{"oncall/rotation.yaml": streetRota, "muster.yaml": streetMuster}
	for name, text := range files {
		all[name] = text
	}
	s := &street{world: newWorld(t, all), fronts: map[string]*front{}}
	s.log = quiet
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	pager, phones, mail := workspace.NewPipe(), workspace.NewPipe(), workspace.NewPipe()
	back := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return s.reached.Load().DialContext(ctx, network, addr)
	}}}
	s.pager = pagerduty.New(pagerduty.Config{
		Users: []pagerduty.User{
			{ID: "PMUSTER", Name: "Muster", Email: "muster@example.com"}, {ID: "PALICE", Name: "Alice Johnson", Email: "alice@example.com"}, {ID: "PBOB", Name: "Bob Smith", Email: "bob@example.com"},
		}, WebhookURL: "http://muster.local/v1/webhooks/pagerduty", WebhookSecret: "hook5ecret", HTTP: back,
	})
	s.phones = twilio.New(twilio.Config{SMSURL: "http://muster.local/v1/twilio/sms", HTTP: back})
	s.mail = inbox.New(inbox.Config{})
	var servers []*http.Server
	serve := func(ln net.Listener, h http.Handler) {
		server := &http.Server{Handler: h}
		servers = append(servers, server)
		running.Go(func() { _ = server.Serve(ln) })
	}
	running.Go(func() { _ = s.pager.Run(ctx) })
	running.Go(func() { _ = s.mail.Serve(ctx, mail) })
	serve(pager, s.pager.Handler())
	serve(phones, s.phones.Handler())
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"slack": s.slack.DialContext, "pagerduty": pager.DialContext, "phone": phones.DialContext, "email": mail.DialContext,
	} {
		f := newFront(name, dial)
		s.fronts[name] = f
		if name == "email" {
			f.pipe = mail
			continue
		}
		serve(f.pipe, f)
	}
	s.down = func() {
		for _, f := range s.fronts {
			close(f.over)
		}
		cancel()
		for _, server := range servers {
			_ = server.Close()
		}
		s.phones.Close()
		running.Wait()
		s.end()
	}
	return s
}

// play has one provider fail from now on.
func (s *street) play(channel string, t trick) {
	s.fronts[channel].play(t)
	switch channel {
	case "pagerduty":
		s.pager.Heal()
		if t == loses {
			s.pager.Break(pagerduty.Fault{Method: http.MethodPost, Swallow: true})
			s.pager.Break(pagerduty.Fault{Method: http.MethodPut, Swallow: true})
		}
	case "phone":
		s.phones.SetFaults(twilio.Faults{DropCalls: t == loses})
	case "email":
		s.mail.Break(smtpWords[t])
	}
}

// dialMail connects to the mail server, or to one that never says a word.
func (s *street) dialMail(ctx context.Context, network, addr string) (net.Conn, error) {
	f := s.fronts["email"]
	if f.now() == hangs {
		client, server := net.Pipe()
		go func() {
			_, _ = io.Copy(io.Discard, server)
			_ = server.Close()
		}()
		return client, nil
	}
	return f.dial(ctx, network, addr)
}

// begin runs the program on the data of before.
func (s *street) begin() {
	s.Helper()
	live, err := config.NewLive(filepath.Join(s.dir, "config"), s.lookup)
	if err != nil {
		s.Fatal(err)
	}
	st, err := openStore(filepath.Join(s.dir, "muster.db"))
	if err != nil {
		s.Fatal(err)
	}
	s.http = workspace.NewPipe()
	s.reached.Store(s.http)
	opt := Options{
		Live: live, Store: st, Listener: s.http, Dial: s.fronts["slack"].dial, MailDial: s.dialMail, Log: s.logger(),
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			name := "phone"
			if strings.HasPrefix(addr, "pager.") {
				name = "pagerduty"
			}
			return s.fronts[name].dial(ctx, network, addr)
		}}},
		Env: config.Env{
			SlackBotToken: config.NewSecret(s.ws.BotToken()), SlackAppToken: config.NewSecret(s.ws.AppToken()),
			SlackAPIURL: "http://slack.local/api/", MusterAPIToken: config.NewSecret("api-token"), MusterPublicURL: "http://muster.local",
			PagerDutyAPIKey: config.NewSecret("pager5ecret"), PagerDutyFrom: "muster@example.com", PagerDutyAPIURL: "http://pager.local",
			PagerDutyEventsURL: "http://pager.local", PagerDutyWebhookSecret: config.NewSecret("hook5ecret"),
			TwilioAccountSID: s.phones.AccountSID(), TwilioAuthToken: config.NewSecret(s.phones.AuthToken()), TwilioFrom: s.phones.Number(),
			TwilioAPIURL: "http://phones.local", SMTPURL: config.NewSecret("smtp://mail.local:25"), SMTPFrom: "Muster <muster@example.com>",
		},
	}
	if s.beats != nil {
		opt.Env.MusterDeadmanURL = config.NewSecret(heartbeatURL)
		opt.HTTP.Transport = beside{s.beats, opt.HTTP.Transport}
	}
	if s.change != nil {
		s.change(&opt)
	}
	s.program = New(opt)
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- s.program.Run(ctx) }()
	s.stop = func() {
		s.Helper()
		cancel()
		if err := errors.Join(<-done, st.Close()); err != nil {
			s.Errorf("the program ended badly: %v", err)
		}
	}
}

// beside has the heartbeat go to its receiver and everything else its way.
type beside struct {
	beats *receiver
	rest  http.RoundTripper
}

// RoundTrip sends one request.
func (b beside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.String() == heartbeatURL {
		return b.beats.RoundTrip(r)
	}
	return b.rest.RoundTrip(r)
}

// arrived counts what really reached a person over a channel.
func (s *street) arrived(channel string, who incident.Person) int {
	handle, _, _ := strings.Cut(who.Key, "@")
	n := 0
	switch channel {
	case "pagerduty":
		for _, i := range s.pager.Incidents() {
			for _, a := range i.Assigned {
				if a.User == "P"+strings.ToUpper(handle) {
					n++
				}
			}
		}
	case "phone":
		number := map[string]string{"alice": "+12025550101", "bob": "+12025550102"}[handle]
		for _, c := range s.phones.Calls() {
			if c.To == number && c.State != twilio.Failed {
				n++
			}
		}
	case "email":
		n = len(s.mail.Mails(who.Key))
	case "slack":
		p := s.ws.Person(handle)
		n = count(p.Messages(p.DM("muster")), "📟")
	}
	return n
}
