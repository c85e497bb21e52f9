package pagerduty_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/notify/pagerduty"
	"muster/workspace"
	stand "muster/workspace/pagerduty"
	"muster/workspace/pagerduty/openapi"
)

// The secrets of the tests, which no error and no log may hold.
const (
	apiKey     = "key-that-is-secret"
	routingKey = "routing-that-is-secret"
	hookSecret = "webhook-that-is-secret"
	botMail    = "bot@example.com"
	aliceMail  = "alice@example.com"
	bobMail    = "bob@example.com"
)

var (
	alice = incident.Person{Key: aliceMail, Name: "Alice Johnson"}
	bob   = incident.Person{Key: bobMail, Name: "Bob Diaz"}
)

// world is a channel that talks to a stand-in, in a bubble without a network.
type world struct {
	t   *testing.T
	pd  *stand.PagerDuty
	ch  *pagerduty.Channel
	cfg pagerduty.Config
	log bytes.Buffer

	mu      sync.Mutex
	answers []notify.Answer
	deaf    error // what the listener answers instead
	woken   []stand.Notification
	refuse  atomic.Bool // connections
}

// inWorld runs f in a bubble. change may alter both sides' configuration.
func inWorld(t *testing.T, change func(*pagerduty.Config, *stand.Config), f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		described, err := openapi.New()
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t}
		in, out := workspace.NewPipe(), workspace.NewPipe()
		far := stand.Config{
			APIKey: apiKey, RoutingKey: routingKey, WebhookURL: "http://muster.test/v1/webhooks/pagerduty", WebhookSecret: hookSecret,
			Users: []stand.User{
				{ID: "PALICE1", Name: "Alice Johnson", Email: aliceMail, Zone: "America/New_York", Phone: "2025550101"},
				{ID: "PBOB001", Name: "Bob Diaz", Email: bobMail},
				{ID: "PBOT001", Name: "Muster", Email: botMail},
			},
			Services: []stand.Service{{ID: "PAAAAAA", Name: "A shop"}, {ID: "PMUSTER", Name: "Muster"}},
			Validate: described.Check,
			HTTP:     client(out.DialContext),
			Notify: func(n stand.Notification) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.woken = append(w.woken, n)
			},
		}
		near := pagerduty.Config{
			APIKey: apiKey, From: botMail, APIURL: "http://pagerduty.test", EventsURL: "http://pagerduty.test", WebhookSecret: hookSecret,
			Listen: w.listen, Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		near.HTTP = client(func(ctx context.Context, network, address string) (net.Conn, error) {
			if w.refuse.Load() {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
			}
			return in.DialContext(ctx, network, address)
		})
		if change != nil {
			change(&near, &far)
		}
		w.pd, w.cfg = stand.New(far), near
		if w.ch, err = pagerduty.New(near); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer running.Wait()
		running.Go(func() { w.pd.Run(ctx) })
		for l, h := range map[net.Listener]http.Handler{in: w.pd.Handler(), out: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ch.Webhook().ServeHTTP(rw, r) })} {
			s := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
			running.Go(func() { s.Serve(l) })
			defer s.Close()
		}
		defer cancel()
		defer near.HTTP.CloseIdleConnections()
		defer far.HTTP.CloseIdleConnections()
		f(t, w)
		synctest.Wait()
		for _, c := range w.pd.Calls() {
			sent.add(c)
			if c.Wrong != "" {
				t.Errorf("%s %s is not as PagerDuty describes it: %s\n%s", c.Method, c.Path, c.Wrong, c.Body)
			}
		}
		clean(t, "the log", w.log.String())
	})
}

func client(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial}}
}

// clean fails when text holds what it must not.
func clean(t *testing.T, what, text string) {
	t.Helper()
	for _, s := range []string{"secret", "@example.com", "2025550101", "http://"} {
		if strings.Contains(text, s) {
			t.Errorf("%s holds %q: %s", what, s, text)
		}
	}
}

func (w *world) listen(_ context.Context, a notify.Answer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf != nil {
		return w.deaf
	}
	w.answers = append(w.answers, a)
	return nil
}

// heard gives the answers so far, once everything is quiet.
func (w *world) heard() []notify.Answer {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]notify.Answer(nil), w.answers...)
}

// wakings counts who was woken, once everything is quiet.
func (w *world) wakings() map[string]int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := map[string]int{}
	for _, x := range w.woken {
		n[x.User.Name]++
	}
	return n
}

// message is a page for Alice at L1.
func message() notify.Message {
	now := time.Now()
	return notify.Message{
		Delivery: "d1", Dedup: "INC-3/L1/" + aliceMail, Now: now,
		Incident: incident.Incident{
			ID: "INC-3", Seq: 4, Title: "API is down", Severity: incident.P1, Status: incident.Investigating, Impact: "no logins",
			DeclaredAt: now.Add(-time.Minute), Roles: map[incident.Role]incident.Person{incident.Commander: bob},
		},
		Page: incident.Page{Attempt: 1, Level: "L1", Role: "primary", Person: alice, Method: "pagerduty", Why: incident.WhyDue, At: now},
		To:   notify.Contact{Person: alice, Email: aliceMail, Phone: "+12025550101"},
		Link: "https://slack.test/card", AckURL: "https://muster.test/ack/x",
	}
}

// page delivers m and gives the ref.
func (w *world) page(m notify.Message) string {
	w.t.Helper()
	got, err := w.ch.Deliver(w.t.Context(), m, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return got.Ref
}

func (w *world) only() stand.Incident {
	w.t.Helper()
	all := w.pd.Incidents()
	if len(all) != 1 {
		w.t.Fatalf("PagerDuty has %d incidents, want 1: %+v", len(all), all)
	}
	return all[0]
}

func (w *world) follow(ref string, seq uint64, e incident.Event, maybeSent bool) {
	w.t.Helper()
	f := notify.Follow{Delivery: "f", Incident: message().Incident, Refs: []string{ref}, Record: incident.Record{Seq: seq, Event: e}, Now: time.Now()}
	if err := w.ch.Follow(w.t.Context(), f, maybeSent); err != nil {
		w.t.Fatal(err)
	}
}

// requests counts what was sent to PagerDuty.
func (w *world) requests(method, path string) (n int) {
	for _, c := range w.pd.Calls() {
		if c.Method == method && c.Path == path {
			n++
		}
	}
	return n
}
